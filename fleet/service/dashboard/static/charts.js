// Small pictures: the last outcomes of a target, how long runs took, how long targets took.

import { el, svg } from "./markup.js";
import { go } from "./routes.js";
import { clock, duration, number, STATUSES, statusName } from "./wording.js";

const HEIGHT = 110;
const STEP = 12;

/** The last outcomes of a target, the newest on the right. */
export function strip(statuses) {
  if (!statuses.length) return null;
  const cells = statuses.map((status, at) =>
    svg(
      "rect",
      {
        class: `s-${status}`,
        x: at * STEP,
        y: status === "failed" ? 0 : 4,
        width: STEP - 2,
        height: status === "failed" ? 20 : 16,
        rx: 2,
      },
      svg("title", {}, statusName(status)),
    ),
  );
  const counts = STATUSES.map((status) => [status, statuses.filter((each) => each === status).length]).filter(
    ([, count]) => count,
  );
  const words = `The last ${statuses.length} outcomes: ${counts.map(([status, count]) => `${count} ${status}`).join(", ")}; the newest is ${statuses.at(-1)}.`;
  return el(
    "figure",
    { class: "strip" },
    svg("svg", { width: statuses.length * STEP, height: 20, role: "img", "aria-label": words }, cells),
    el(
      "figcaption",
      { class: "soft" },
      statuses.length > 1 ? `the last ${statuses.length} outcomes, the newest on the right` : "its only outcome so far",
    ),
  );
}

/** How long runs took, the newest on the right; a bar is as high as its run took, and red from below by the share that
 *  failed. `runs` are newest first. */
export function trend(runs) {
  const told = runs.filter((run) => run.ended !== null).reverse();
  if (told.length < 2) return null;
  const longest = Math.max(...told.map((run) => run.seconds), 0.001);
  const bars = told.map((run, at) => {
    const all = Object.values(run.statuses).reduce((whole, count) => whole + count, 0) || 1;
    const height = Math.max(2, (run.seconds / longest) * (HEIGHT - 4));
    const failed = (run.statuses.failed / all) * height;
    const words = `${clock(run.started)}: ${duration(run.seconds)}, ${number(run.statuses.failed)} of ${number(all)} failed, ${run.state}`;
    const place = { x: at * STEP, width: STEP - 2 };
    return svg(
      "g",
      { class: "bar", on: { click: () => go("run", { name: run.run }) } },
      svg("title", {}, words),
      svg("rect", { ...place, y: 0, height: HEIGHT, class: "behind" }),
      svg("rect", { ...place, y: HEIGHT - height, height, class: run.state === "complete" ? "s-ok" : "s-skipped" }),
      svg("rect", { ...place, y: HEIGHT - failed, height: failed, class: "s-failed" }),
    );
  });
  const words = `How long the last ${told.length} runs took: ${duration(Math.min(...told.map((run) => run.seconds)))} to ${duration(longest)}`;
  return el(
    "figure",
    { class: "trend" },
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": words },
      svg("svg", { width: told.length * STEP, height: HEIGHT, role: "img", "aria-label": words }, bars),
    ),
    el(
      "figcaption",
      { class: "soft" },
      `${words}; the newest on the right, the failed share of its targets from below.`,
    ),
  );
}

/** How long targets took: buckets of [below, statuses], as a report has them. */
export function histogram({ buckets, median, p90, p99, longest }) {
  if (!buckets.length) return null;
  const count = (bucket) => Object.values(bucket.statuses).reduce((whole, each) => whole + each, 0);
  const top = Math.max(...buckets.map(count));
  const lines = buckets.map((bucket, at) => {
    const parts = STATUSES.filter((status) => bucket.statuses[status]).map((status) =>
      svg("rect", { class: `s-${status}` }),
    );
    let x = 0;
    parts.forEach((part, index) => {
      const width = (bucket.statuses[STATUSES.filter((status) => bucket.statuses[status])[index]] / top) * 100;
      for (const [name, value] of Object.entries({ x, y: 0, width, height: 10 })) part.setAttribute(name, value);
      x += width;
    });
    const name =
      bucket.below === null ? `over ${duration(buckets[at - 1]?.below ?? 0)}` : `to ${duration(bucket.below)}`;
    return el(
      "tr",
      {},
      el("th", { scope: "row" }, name),
      el(
        "td",
        { class: "bars" },
        svg("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parts),
      ),
      el("td", { class: "n" }, number(count(bucket))),
    );
  });
  return [
    el(
      "p",
      {},
      `Half of the targets took at most ${duration(median)}, nine of ten ${duration(p90)}, 99 of 100 ${duration(p99)}; the longest ${duration(longest)}.`,
    ),
    el(
      "table",
      { class: "histogram" },
      el("caption", { class: "unseen" }, "Targets by the time they took"),
      el("tbody", {}, lines),
    ),
  ];
}

/** Statuses of some targets as a bar. */
export function statusBar(statuses) {
  const all = Object.values(statuses).reduce((whole, count) => whole + count, 0) || 1;
  let x = 0;
  const parts = STATUSES.filter((status) => statuses[status]).map((status) => {
    const width = (statuses[status] / all) * 100;
    const part = svg(
      "rect",
      { class: `s-${status}`, x, width, height: 10 },
      svg("title", {}, `${number(statuses[status])} ${statusName(status)}`),
    );
    x += width;
    return part;
  });
  return svg("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, parts);
}
