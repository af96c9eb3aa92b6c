// What differs between two outcomes of one target. The service compares; here it is laid out. A number that was a
// number before is a reading, which moves: it is told apart, so that it hides no change.

import { el, said, table } from "./markup.js";
import { counted, short } from "./wording.js";

export const LINES = 100; // of one table
export const TURNS = {
  failing: "newly failing",
  recovered: "well again",
  otherwise: "failing for another cause",
  partial: "complete before, partial now",
  whole: "partial before, complete now",
};

/** What differs between two outcomes of a target: the lines of an answer of /outcome. */
export function outcomeDifferences(lines) {
  const rows = lines.filter((line) => ["added", "removed", "changed"].includes(line.what));
  const moved = rows.filter((line) => isReading(line.before, line.after));
  const changed = rows.filter((line) => !isReading(line.before, line.after));
  const turns = lines.filter((line) => line.what in TURNS);
  const gaps = lines.filter((line) => line.what === "uncompared");
  return [
    turns.map((line) =>
      el(
        "p",
        {},
        el("strong", {}, TURNS[line.what]),
        line.kind ? [": ", el("code", {}, line.kind), " ", said(line.why)] : null,
      ),
    ),
    changed.length
      ? lineTable("What differs", changed)
      : el(
          "p",
          { class: "soft" },
          gaps.length && !moved.length ? "Nothing that could be compared." : "Nothing but readings.",
        ),
    moved.length
      ? el(
          "details",
          {},
          el("summary", {}, `${counted(moved.length, "reading")} moved`),
          lineTable("Readings that moved", moved),
        )
      : null,
    gaps.length
      ? el(
          "p",
          { class: "soft" },
          "Not compared, so that a row that is not there says nothing: ",
          gaps.map((gap) => [
            gap.step
              ? [el("code", {}, said(gap.step)), said(` ${gap.why}; `)]
              : said(`any of it (${gap.before} before, ${gap.after} now)`),
          ]),
        )
      : null,
  ];
}

/** Whether both are numbers, as of what is measured. */
export const isReading = (before, after) => typeof before === "number" && typeof after === "number";

function lineTable(caption, lines) {
  const columns = [
    ["step", ""],
    ["row", ""],
    ["field", ""],
    ["before", "wide"],
    ["now", "wide"],
  ];
  const cells = lines
    .slice(0, LINES)
    .map(({ what, step, parent, row, field, before, after }) => [
      said(step),
      [parent ? el("span", { class: "soft" }, said(parent), " › ") : null, said(row)],
      said(field),
      what === "added"
        ? el("span", { class: "soft" }, "–")
        : said(valueText(what === "removed" ? "was there" : before)),
      what === "removed"
        ? el("span", { class: "mark failing" }, "gone")
        : what === "added"
          ? el("span", { class: "mark recovered" }, "new")
          : said(valueText(after)),
    ]);
  return [table(caption, columns, cells), rest(lines.length, "line")];
}

/** A line for what a table has no room for. */
export const rest = (count, noun) =>
  count > LINES ? el("p", { class: "soft" }, `and ${counted(count - LINES, `more ${noun}`)}`) : null;

/** A value of a row, for a cell; it is still remote text. */
export function valueText(amount) {
  if (amount === null || amount === undefined) return "(none)";
  if (amount === "") return "(empty)";
  return typeof amount === "string" ? short(amount) : short(JSON.stringify(amount));
}
