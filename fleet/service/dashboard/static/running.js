// The jobs and the runs that run: how far each is, when the next round is due.

import { get } from "./api.js";
import { calmly } from "./live.js";
import { el, replace, tell } from "./markup.js";
import { address } from "./routes.js";
import { ago, counted, duration, number } from "./wording.js";

const SECOND = 1000;

/** A card for each job; bars move while its runs do. */
export function runningList(jobs, live, signal) {
  const list = el("ul", { class: "jobs" });
  let known = jobs;
  const bars = new Map();

  function draw() {
    bars.clear();
    replace(
      list,
      known.map((job) => card(job)),
    );
  }
  function card(job) {
    const runs = live.running.filter((run) => run.job === job.job);
    const due = el("span", { class: "soft due" }, dueText(job, runs));
    const title = el("div", { class: "line" }, el("a", { href: address("job", { name: job.job }) }, job.job), due);
    return el(
      "li",
      {},
      title,
      runs.map((run) => bar(run)),
    );
  }
  function bar(run) {
    const held = progressBar(run);
    bars.set(run.run, held);
    return held.element;
  }
  const ask = calmly(
    async () => {
      const answer = await get("jobs", {}, signal).catch(() => null);
      if (answer) known = answer.jobs;
      draw();
    },
    SECOND,
    signal,
  );

  live.on(
    "run",
    (run) => {
      const held = bars.get(run.run);
      if (held && run.state === "running") held.update(run);
      else ask();
    },
    signal,
  );
  for (const name of ["again", "hello", "reload", "missed"]) live.on(name, ask, signal);
  const clock = setInterval(() => {
    list.querySelectorAll(".due").forEach((due, at) => {
      if (known[at])
        tell(
          due,
          dueText(
            known[at],
            live.running.filter((run) => run.job === known[at].job),
          ),
        );
    });
  }, 5 * SECOND);
  signal.addEventListener("abort", () => clearInterval(clock));
  draw();
  return list;
}

function dueText(job, runs) {
  if (runs.length) return "scanning";
  const missed = job.missed ? `, ${counted(job.missed, "round")} missed` : "";
  return (job.due ? `next ${ago(job.due)}` : (job.schedule ?? "when asked")) + missed;
}

/** How far a run is: a bar and a sentence. */
export function progressBar(run, linked = true) {
  const progress = el("progress", { max: 100, "aria-label": `How far ${run.run} is` });
  const words = el("span", {});
  const name = linked ? el("a", { href: address("run", { name: run.run }) }, run.pipeline) : run.pipeline;
  function update({ total, done, in_flight: inFlight, statuses, seconds, requests }) {
    if (total) progress.value = (done / total) * 100;
    else progress.removeAttribute("value");
    tell(
      words,
      `${number(done)}${total ? ` of ${number(total)}` : ""} · ${number(statuses.failed)} failed · ${number(inFlight)} in hand · ${number(requests)} requests · ${duration(seconds)}`,
    );
  }
  update(run);
  return {
    element: el(
      "div",
      { class: "progress" },
      el("div", { class: "line" }, name),
      progress,
      el("p", { class: "soft" }, words),
    ),
    update,
  };
}
