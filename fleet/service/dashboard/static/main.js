// The page: which view the address names, the line to the service, and the search that is always at hand.

import { get, Refusal } from "./api.js";
import { openFleet } from "./fleet.js";
import { openJob, openJobs } from "./job.js";
import { Live } from "./live.js";
import { el, replace, tell } from "./markup.js";
import { address, go, here } from "./routes.js";
import { openRun, openRuns } from "./run.js";
import { openSearch } from "./search.js";
import { openTarget } from "./target.js";
import { duration } from "./wording.js";

const VIEWS = {
  fleet: openFleet,
  jobs: openJobs,
  job: openJob,
  runs: openRuns,
  run: openRun,
  search: openSearch,
  target: openTarget,
};
const TABS = {
  fleet: "fleet",
  jobs: "jobs",
  job: "jobs",
  runs: "runs",
  run: "runs",
  search: "search",
  target: "search",
};
const main = document.getElementById("main");
const find = document.getElementById("find");
const live = new Live();
let current = null; // the view that is shown: its name, what ends it, and how it takes other parameters

async function show() {
  const { view, params } = here();
  mark(view);
  if (document.activeElement !== find.elements.q) find.elements.q.value = view === "search" ? (params.q ?? "") : "";
  const other = current?.view !== view || !current.update;
  if (other) {
    current?.ending.abort();
    current = { view, ending: new AbortController(), update: null, first: current === null };
  }
  const mine = current;
  try {
    if (other) await open(mine, params);
    else await mine.update(params);
  } catch (error) {
    if (mine.ending.signal.aborted) return;
    mine.ending.abort();
    mine.update = null; // what comes next opens a view anew
    complain(error);
  }
}

async function open(mine, params) {
  if (!Object.hasOwn(VIEWS, mine.view)) throw new Refusal(404, "There is no such page.");
  const { signal } = mine.ending;
  const place = el("div", { class: `view ${mine.view}` });
  const update = await VIEWS[mine.view](place, params, { live, signal });
  if (signal.aborted) return;
  mine.update = update ?? null;
  replace(main, place);
  arrive(place, mine.first);
  place.dispatchEvent(new Event("placed"));
}

function complain(error) {
  replace(
    main,
    el("h1", {}, "That did not work"),
    el("p", { class: "trouble", role: "alert" }, error.message),
    el("p", {}, el("a", { href: address("fleet") }, "To the fleet")),
  );
  if (!(error instanceof Refusal)) console.error(error);
}

/** Say where one is, to eyes and to screen readers; the first page takes no focus away. */
function arrive(place, first) {
  const title = place.querySelector("h1");
  document.title = title && here().view !== "fleet" ? `${title.textContent} · fleet` : "fleet";
  if (title && !first) {
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function mark(view) {
  const names = ["fleet", "jobs", "runs", "search"];
  document.querySelectorAll("nav a").forEach((link, at) => {
    if (names[at] === TABS[view]) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
}

function note(state) {
  const line = document.getElementById("line");
  line.className = state;
  tell(line.querySelector(".said"), state === "live" ? "live" : "no connection, trying again");
}

async function introduce() {
  const service = await get("status").catch(() => null);
  if (service)
    tell(
      document.getElementById("service"),
      `fleet ${service.version}${service.shard ? `, part ${service.shard}` : ""}, up for ${duration(service.now - service.started)}`,
    );
}

find.addEventListener("submit", (event) => {
  event.preventDefault();
  go("search", { q: find.elements.q.value.trim() });
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the hash is the address of a view
  main.focus();
});
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, select, textarea");
  if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    find.elements.q.focus();
  }
});
addEventListener("hashchange", show);
live.open(note);
show();
introduce();
