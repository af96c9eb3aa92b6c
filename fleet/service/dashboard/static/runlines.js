// Runs as lines of a table.

import { statusBar } from "./charts.js";
import { el, table } from "./markup.js";
import { address } from "./routes.js";
import { clock, duration, number } from "./wording.js";

/** A table of runs, newest first; with the job where they are of several. */
export function runTable(runs, { withJob = true } = {}) {
  const columns = [
    ["run", ""],
    ...(withJob ? [["job", ""]] : []),
    ["pipeline", ""],
    ["began", ""],
    ["state", ""],
    ["took", "n"],
    ["targets", "n"],
    ["failed", "n"],
    [el("span", { class: "unseen" }, "by status"), "bars"],
    ["newly failing", "n"],
    ["recovered", "n"],
  ];
  return table(
    "Runs",
    columns,
    runs.map((run) => line(run, withJob)),
  );
}

function line(run, withJob) {
  const all = Object.values(run.statuses).reduce((whole, count) => whole + count, 0);
  const job = withJob ? [el("a", { href: address("job", { name: run.job }) }, run.job)] : [];
  return [
    el("a", { href: address("run", { name: run.run }) }, run.run),
    ...job,
    run.pipeline,
    clock(run.started),
    el("span", { class: `state ${run.state}` }, run.state),
    duration(run.seconds),
    number(all),
    number(run.statuses.failed),
    statusBar(run.statuses),
    number(run.failing),
    number(run.recovered),
  ];
}
