// The labels of a target: each leads to all targets that have it.

import { el, said } from "./markup.js";
import { address } from "./routes.js";
import { counted } from "./wording.js";

const SHOWN = 24; // of a target's own page, before one asks for more

/** A link for each label. */
export function labelLinks(labels) {
  return Object.entries(labels).map(([name, value]) =>
    el("a", { class: "label", href: address("search", { q: `${name}=${value}` }) }, said(`${name}=${value}`)),
  );
}

/** All labels, those that are too many to look at behind a line that counts them. */
export function allLabels(labels) {
  const all = labelLinks(labels);
  const more = all.slice(SHOWN);
  if (more.length < 2) return all;
  return [
    all.slice(0, SHOWN),
    el("details", { class: "labels" }, el("summary", {}, counted(more.length, "more label")), more),
  ];
}
