// Jobs: what is scanned and when; one job: its runs, how long they took and what failed over time.

import { get, part, post } from "./api.js";
import { trend } from "./charts.js";
import { calmly } from "./live.js";
import { el, facts, put, replace, section, table } from "./markup.js";
import { progressBar } from "./running.js";
import { runTable } from "./runlines.js";
import { address } from "./routes.js";
import { ago, clock, counted, duration, number } from "./wording.js";

const RUNS = 60;
const PAUSE = 1000;

/** All jobs. */
export async function openJobs(place, _params, { live, signal }) {
  const list = el("div");
  const load = async () => {
    const { jobs } = await get("jobs", {}, signal);
    const columns = [
      ["job", ""],
      ["pipelines", ""],
      ["targets", "n"],
      ["schedule", ""],
      ["next round", ""],
      ["last complete run", ""],
      ["failed", "n"],
    ];
    replace(list, table("Jobs", columns, jobs.map(jobLine)));
  };
  await load();
  put(place, el("h1", {}, "Jobs"), list);
  const again = calmly(() => load().catch(() => {}), PAUSE, signal);
  live.on("run", (run) => run.state !== "running" && again(), signal);
  live.on("again", again, signal);
}

function jobLine(job) {
  const last = job.last.toSorted((one, other) => other.started - one.started)[0];
  return [
    el("a", { href: address("job", { name: job.job }) }, job.job),
    job.pipelines.join(", "),
    number(job.targets),
    job.schedule ?? "when asked",
    job.busy ? "scanning" : job.due ? ago(job.due) : "–",
    last
      ? [el("a", { href: address("run", { name: last.run }) }, clock(last.started)), ` took ${duration(last.seconds)}`]
      : "none yet",
    last ? number(last.statuses.failed) : "",
  ];
}

/** One job. Parameter: name. */
export async function openJob(place, { name }, { live, signal }) {
  const [head, running, pipelines, runs] = [el("div"), el("div"), el("div"), el("div")];
  const said = el("span", { role: "status" });
  const button = el("button", { type: "button", class: "act", on: { click: () => begin() } }, "Run now");
  const title = el("div", { class: "title" }, el("h1", {}, name), button);
  const bars = new Map();

  async function load() {
    const [job, { runs: last }] = await Promise.all([
      get(`jobs/${part(name)}`, {}, signal),
      get("runs", { job: name, limit: RUNS }, signal),
    ]);
    replace(
      head,
      facts([
        ["spec", job.spec],
        ["targets", number(job.targets)],
        ["schedule", job.schedule ?? "when asked"],
        ["next round", job.busy ? `it scans now (${job.busy})` : job.due ? `${ago(job.due)}, ${clock(job.due)}` : null],
        ["missed", job.missed ? counted(job.missed, "round") : null],
      ]),
    );
    bars.clear();
    replace(
      running,
      job.running.map((run) => {
        const held = progressBar({
          ...run,
          done: Object.values(run.statuses).reduce((whole, count) => whole + count, 0),
        });
        bars.set(run.run, held);
        return held.element;
      }),
    );
    replace(
      pipelines,
      job.pipelines.map((pipeline) =>
        pipelineSection(
          name,
          pipeline,
          last.filter((run) => run.pipeline === pipeline),
        ),
      ),
    );
    replace(
      runs,
      section("Runs", last.length ? runTable(last, { withJob: false }) : el("p", { class: "soft" }, "None yet.")),
    );
  }

  async function begin() {
    try {
      await post(`jobs/${part(name)}/run`, {}, signal);
      replace(said, "A round has begun.");
    } catch (error) {
      if (error.name !== "AbortError") replace(said, error.message);
    }
  }

  await load();
  put(place, title, said, head, running, pipelines, runs);
  const again = calmly(() => load().catch(() => {}), PAUSE, signal);
  live.on(
    "run",
    (run) => {
      if (run.job !== name) return;
      const held = bars.get(run.run);
      if (held && run.state === "running") held.update(run);
      else again();
    },
    signal,
  );
  for (const event of ["again", "reload", "missed"]) live.on(event, again, signal);
}

function pipelineSection(job, pipeline, runs) {
  const picture = trend(runs);
  return el(
    "section",
    {},
    el("h2", {}, pipeline, " ", el("a", { class: "aside", href: address("fleet", { job, pipeline }) }, "on the map")),
    picture ?? el("p", { class: "soft" }, "Two runs that have ended make a trend."),
  );
}
