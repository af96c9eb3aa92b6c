// What the colours of the map mean, with counts; a status can be chosen to be seen alone.

import { shade } from "./colours.js";
import { el, replace, svg, tell } from "./markup.js";
import { MEANING, number, STATUSES, statusName, value } from "./wording.js";

const BARS = 48;
const HEIGHT = 26;

/** The sum of all targets: a bar, and a button for each status. `only` is the status chosen, `choose(status)` is
 *  told another. Gives the element and `update()`. */
export function sum(cells, only, choose) {
  const total = el("strong", { class: "total" }, "");
  const noun = document.createTextNode(cells.size === 1 ? " target = " : " targets = ");
  const bar = svg("svg", { class: "bar", viewBox: "0 0 1000 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  const parts = STATUSES.map((status) => svg("rect", { class: `s-${status}`, y: 0, height: 10 }));
  bar.append(...parts);
  const buttons = STATUSES.map((status) => {
    const count = el("b", {}, "");
    const button = el(
      "button",
      {
        type: "button",
        class: `chip k-${status}`,
        "data-status": status,
        "aria-pressed": String(status === only),
        title: MEANING[status],
        on: { click: () => choose(status === only ? null : status) },
      },
      count,
      ` ${statusName(status)}`,
    );
    return { button, count };
  });
  const words = el(
    "p",
    { class: "sum" },
    total,
    noun,
    buttons.map(({ button }, at) => [at ? el("span", { class: "plus", "aria-hidden": "true" }, "+") : null, button]),
  );

  function update() {
    tell(total, number(cells.size));
    let x = 0;
    cells.counts.forEach((count, at) => {
      const width = cells.size ? (count / cells.size) * 1000 : 0;
      const least = count ? Math.max(width, 3) : 0; // one of ten thousand is seen too
      parts[at].setAttribute("x", x);
      parts[at].setAttribute("width", least);
      x += width;
      tell(buttons[at].count, number(count));
      buttons[at].button.classList.toggle("zero", count === 0);
    });
  }
  update();
  return { element: el("div", { class: "whole" }, words, bar), update };
}

/** The key of a map that is coloured by kind. */
export function kindKey(cells, colour) {
  const list = el("ul", { class: "key" });
  function update() {
    const counts = cells.byKind();
    const failing = counts.reduce((whole, [, count]) => whole + count, 0);
    const entries = counts.map(([kind, count]) => entry(colour.ranked.get(kind), `${number(count)} ${kind}`));
    replace(list, entries, el("li", {}, `${number(cells.size - failing)} without a failure`));
  }
  update();
  return { element: list, update };
}

function entry(colour, text) {
  const swatch = svg(
    "svg",
    { class: "swatch", viewBox: "0 0 10 10", "aria-hidden": "true" },
    svg("rect", { width: 10, height: 10, rx: 2, fill: colour }),
  );
  return el("li", {}, swatch, text);
}

/** The key of a map that is coloured by a value: how many have how much, in the colours of the map. */
export function valueKey(cells, colour, name) {
  const { known, low, high, least, most } = colour;
  if (!known.length)
    return { element: el("p", { class: "key" }, `No target has a value of ${name} yet.`), update() {} };
  const bins = new Array(BARS).fill(0);
  for (const amount of known)
    bins[Math.max(0, Math.min(BARS - 1, Math.floor(((amount - low) / (high - low || 1)) * BARS)))] += 1;
  const top = Math.max(...bins);
  const bars = bins.map((count, at) => {
    const height = count ? Math.max(1, (count / top) * HEIGHT) : 0;
    return svg("rect", { x: at * 4, y: HEIGHT - height, width: 3.4, height, fill: shade((at + 0.5) / BARS) });
  });
  const scale = bins.map((_, at) =>
    svg("rect", { x: at * 4, y: HEIGHT + 2, width: 4.1, height: 6, fill: shade((at + 0.5) / BARS) }),
  );
  const middle = known[Math.floor(known.length / 2)];
  const text = `${name}: least ${value(least)}, middle ${value(middle)}, most ${value(most)}`;
  const picture = svg(
    "svg",
    { class: "scale", viewBox: `0 0 ${BARS * 4} ${HEIGHT + 8}`, role: "img", "aria-label": `${text}` },
    bars,
    scale,
  );
  const missing = cells.size - known.length;
  const words = el(
    "p",
    { class: "ends" },
    el("span", {}, `${low > least ? "≤ " : ""}${value(low)}`),
    el("span", {}, `middle ${value(middle)}`),
    el("span", {}, `${high < most ? "≥ " : ""}${value(high)}`),
  );
  const rest = `${number(known.length)} with a value (${value(least)} to ${value(most)}) + ${number(missing)} without = ${number(cells.size)}`;
  return {
    element: el(
      "div",
      { class: "key" },
      el("div", { class: "drawn" }, picture, words),
      el("p", { class: "soft" }, rest),
    ),
    update() {},
  };
}
