// The page: which view the address names, the line to the service, and the search that is always at hand.

import { get, Refusal } from "./api.js";
import { openFleet } from "./fleet.js";
import { openJob, openJobs } from "./job.js";
import { Live } from "./live.js";
import { el, replace, said, tell } from "./markup.js";
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
const always = new AbortController().signal; // what the page itself listens for ends with it
let jobsKnown = null;
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
  if (!service) return;
  tell(
    document.getElementById("service"),
    `fleet ${service.version}${service.shard ? `, part ${service.shard}` : ""}, up for ${duration(service.now - service.started)}`,
  );
  warn(service.reload);
}

/** What whoever looks should know of the service itself; nothing takes it away. */
function notice(...words) {
  const place = document.getElementById("notice");
  place.hidden = !words.length;
  replace(place, words);
}

function warn({ successful, error }) {
  if (successful) notice();
  else
    notice(el("strong", {}, "The configuration was changed and not taken; the one before is in force. "), said(error));
}

/** A page that was left open while its service became another version is loaded anew, where it is; once, should
 *  something between the two keep the old one. */
function agree({ page }) {
  if (import.meta.url.split("/").at(-2) === page) return;
  if (sessionStorage.getItem("loaded for") === page)
    notice("This page is of another version than its service. ", el("a", { href: "/" }, "Load it again"));
  else {
    sessionStorage.setItem("loaded for", page);
    location.reload();
  }
}

/** Open the view anew where the configuration has other jobs than before. */
async function lookAtJobs() {
  const answer = await get("jobs").catch(() => null);
  if (!answer) return;
  const told = JSON.stringify(answer.jobs.map(({ job, pipelines }) => [job, pipelines]));
  const others = jobsKnown !== null && jobsKnown !== told;
  jobsKnown = told;
  if (!others || !current) return;
  current.ending.abort();
  current = null;
  await show();
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
live.on("hello", agree, always);
live.on("hello", lookAtJobs, always);
live.on("again", introduce, always);
live.on("again", () => current?.ending.signal.aborted && show(), always); // what did not work may do so now
live.on("reload", warn, always);
live.on("reload", ({ successful }) => successful && lookAtJobs(), always);
live.open(note);
show();
introduce();
