// Runs; one run: how far it is while it runs, how long targets took, the slowest, by proxy, step and operation.

import { get, part } from "./api.js";
import { histogram, statusBar } from "./charts.js";
import { failureList } from "./failures.js";
import { calmly } from "./live.js";
import { el, facts, put, replace, said, section, table } from "./markup.js";
import { runDifferences } from "./rundiff.js";
import { runTable } from "./runlines.js";
import { progressBar } from "./running.js";
import { address, change } from "./routes.js";
import { bytes, clock, counted, duration, hostName, number, STATUSES } from "./wording.js";

const PAGE = 100;
const PAUSE = 1000;
const REPORT_PAUSE = 10000; // milliseconds; a report reads the whole run
const LINES = 40;

/** All runs, newest first. Parameter: page (where the list goes on). */
export async function openRuns(place, params, { live, signal }) {
  const list = el("div");
  let page = params.page;
  const load = async () => {
    const { runs, next } = await get("runs", { page, limit: PAGE }, signal);
    const pages = el(
      "p",
      { class: "pages" },
      page ? el("button", { type: "button", on: { click: () => change({ page: null }) } }, "Newest runs") : null,
      " ",
      next ? el("button", { type: "button", on: { click: () => change({ page: next }) } }, "Older runs") : null,
    );
    replace(list, runs.length ? runTable(runs) : el("p", { class: "soft" }, "None yet."), pages);
  };
  await load();
  put(place, el("h1", {}, "Runs"), list);
  const again = calmly(() => load().catch(() => {}), PAUSE, signal);
  live.on("run", again, signal);
  live.on("again", again, signal);
  return (other) => {
    page = other.page;
    return load();
  };
}

/** One run. Parameter: name. */
export async function openRun(place, { name }, { live, signal }) {
  const [head, moving, report, failures, changed] = [el("div"), el("div"), el("div"), el("div"), el("div")];
  let bar = null;

  async function load() {
    const run = await get(`runs/${part(name)}`, {}, signal);
    replace(head, runHead(run));
    bar = run.state === "running" ? progressBar({ ...run, done: sumOf(run.statuses) }, false) : null;
    replace(moving, bar?.element);
    return run;
  }
  async function loadReport({ job, pipeline }) {
    const [figures, failed] = await Promise.all([
      get(`runs/${part(name)}/report`, {}, signal),
      get(`runs/${part(name)}/failures`, {}, signal),
    ]);
    replace(
      report,
      figures.report
        ? sections(figures.report, figures.routes, job, pipeline)
        : el("p", { class: "soft" }, "Nothing is stored yet."),
    );
    replace(failures, section("Why targets failed", failureList(failed, { job, pipeline })));
  }

  const run = await load();
  put(place, el("h1", {}, run.run), head, moving, failures, changed, report);
  replace(report, el("p", { class: "waiting" }, "Reading the run …"));
  const read = () =>
    loadReport(run).catch(
      (error) => error.name !== "AbortError" && replace(report, el("p", { class: "trouble" }, error.message)),
    );
  /** Two runs are compared once this one has ended: until then most of its targets would be gone. */
  async function compare() {
    replace(changed, section("What changed since the run before", el("p", { class: "waiting" }, "Comparing …")));
    try {
      const answer = await get("diff", { after: name }, signal);
      replace(changed, answer.diff ? runDifferences(answer, run) : null); // null: no run was before it
    } catch (error) {
      if (error.name !== "AbortError") replace(changed, el("p", { class: "trouble" }, error.message));
    }
  }
  const figures = calmly(read, REPORT_PAUSE, signal);
  const again = calmly(() => load().catch(() => {}), PAUSE, signal);
  figures();
  if (run.state !== "running") compare();
  live.on(
    "run",
    (told) => {
      if (told.run !== name) return;
      if (bar && told.state === "running") bar.update(told);
      else again();
      if (told.state === "running") figures();
      else [read(), compare()]; // the last word does not wait
    },
    signal,
  );
  live.on("again", again, signal);
}

const sumOf = (statuses) => Object.values(statuses).reduce((whole, count) => whole + count, 0);

function runHead(run) {
  const parts = STATUSES.filter((status) => run.statuses[status] !== undefined).map(
    (status) => `${number(run.statuses[status])} ${status}`,
  );
  return el(
    "div",
    {},
    el(
      "p",
      {},
      el("span", { class: `state ${run.state}` }, run.state),
      " ",
      el("a", { href: address("job", { name: run.job }) }, run.job),
      ` · ${run.pipeline} · `,
      el("a", { href: address("fleet", { job: run.job, pipeline: run.pipeline }) }, "on the map"),
    ),
    run.why ? el("p", { class: "trouble" }, said(run.why)) : null,
    el("p", { class: "sum" }, `${counted(sumOf(run.statuses), "target")} = ${parts.join(" + ")}`),
    statusBar(run.statuses),
    facts([
      ["began", `${clock(run.started)} (${run.cause})`],
      ["took", run.ended ? duration(run.seconds) : null],
      ["requests", number(run.requests)],
      ["newly failing", number(run.failing)],
      ["recovered", number(run.recovered)],
      ["checks newly failed", number(run.checks)],
      ["gone from the inventory", run.gone ? number(run.gone) : null],
      ["on disk", run.bytes ? bytes(run.bytes) : null],
    ]),
  );
}

function sections(report, routes, job, pipeline) {
  const target = (id) => el("a", { href: address("target", { id, job, pipeline }) }, said(hostName(id)));
  return [
    section("How long targets took", histogram(report.latency)),
    section(
      "The slowest targets",
      table(
        "The slowest targets",
        [
          ["target", ""],
          ["status", ""],
          ["took", "n"],
          ["requests", "n"],
          ["retries", "n"],
        ],
        report.slowest.map((slow) => [
          target(slow.target),
          el("span", { class: `badge k-${slow.status}` }, slow.status),
          duration(slow.seconds),
          number(slow.requests),
          number(slow.retries),
        ]),
      ),
    ),
    section(
      "By proxy",
      report.proxies.length
        ? table(
            "By proxy",
            [
              ["proxy", ""],
              ["targets", "n"],
              [el("span", { class: "unseen" }, "by status"), "bars"],
              ["failed", "n"],
              ["half took at most", "n"],
            ],
            report.proxies.map((way) => [
              way.name ? said(way.name) : el("span", { class: "soft" }, "(none)"),
              number(way.targets),
              statusBar(way.statuses),
              number(way.statuses.failed ?? 0),
              duration(way.median),
            ]),
          )
        : el("p", { class: "soft" }, "Every target was asked directly."),
    ),
    section("By operation", operations(report, routes)),
    section(
      "By step",
      table(
        "By step",
        [
          ["step", ""],
          ["rows", "n"],
          ["complete", "n"],
          ["incomplete", "n"],
          ["absent", "n"],
        ],
        report.steps.map((step) => [
          said(step.name),
          number(step.rows),
          number(step.complete),
          number(step.incomplete),
          number(step.absent),
        ]),
      ),
    ),
    report.checks.length
      ? section(
          "Checks",
          table(
            "Checks",
            [
              ["check", ""],
              ["severity", ""],
              ["pass", "n"],
              ["fail", "n"],
              ["unknown", "n"],
              ["targets", "n"],
              ["on", "wide"],
            ],
            report.checks
              .slice(0, LINES)
              .map((check) => [
                said(check.name),
                check.severity,
                number(check.passed),
                number(check.failed),
                number(check.unknown),
                number(check.targets),
                check.hosts.map((set) => [el("code", {}, said(set)), " "]),
              ]),
          ),
        )
      : null,
  ];
}

function operations({ operations: failed }, routes) {
  const asked = routes.length
    ? table(
        "Requests by operation",
        [
          ["operation", ""],
          ["requests", "n"],
          ["on average", "n"],
          ["nine of ten within", "n"],
        ],
        routes
          .slice(0, LINES)
          .map((line) => [
            el("code", {}, said(line.route)),
            number(line.requests),
            duration(line.mean),
            duration(line.p90),
          ]),
      )
    : el("p", { class: "soft" }, "Nothing is known of how long requests took; a run tells it when it ends.");
  if (!failed.length) return asked;
  const kinds = (line) =>
    Object.entries(line.kinds).map(([kind, count]) => [el("code", {}, kind), ` ${number(count)} `]);
  return [
    asked,
    el("h3", {}, "Requests that failed"),
    table(
      "Failed requests by operation",
      [
        ["operation", ""],
        ["step", ""],
        ["requests", "n"],
        ["targets", "n"],
        ["kinds", "wide"],
      ],
      failed
        .slice(0, LINES)
        .map((line) => [
          el("code", {}, said(line.name || "–")),
          said(line.step ?? ""),
          number(line.errors),
          number(line.targets),
          kinds(line),
        ]),
    ),
  ];
}
