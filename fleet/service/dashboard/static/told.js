// What the map shows, in words: the cell that is pointed at, and the groups as a table.

import { el, said, table } from "./markup.js";
import { address } from "./routes.js";
import { ago, duration, hostName, metricName, number, STATUSES, statusName, value } from "./wording.js";

const ROWS = 60; // groups in the table; the map has them all

/** A cell in a sentence; what to do where none is pointed at. */
export function cellStory(cells, at, colour) {
  if (at === null) return [el("span", { class: "soft" }, "Point at a cell to read about it; click to open it.")];
  const status = cells.statusOf(at);
  const group = cells.groups[cells.groupOf[at]];
  const known = status !== "none";
  return [
    el("span", { class: `badge k-${status}` }, statusName(status)),
    " ",
    el("strong", {}, said(hostName(cells.ids[at]))),
    cells.by ? el("span", { class: "soft" }, " · ", said(`${cells.by}=${group.name}`)) : null,
    cells.kinds[at] ? el("span", {}, " · ", el("code", {}, cells.kinds[at])) : null,
    cells.failingSince[at]
      ? el("span", {}, ` · failing since ${duration(Math.max(0, Date.now() / 1000 - cells.failingSince[at]))}`)
      : null,
    cells.values && known ? el("span", {}, ` · ${metricName(colour ?? "value")} ${value(cells.values[at])}`) : null,
    known ? el("span", { class: "soft" }, ` · took ${duration(cells.seconds[at])}, ${ago(cells.at[at])}`) : null,
  ];
}

/** The groups and their counts; the last line is their sum. */
export function groupTable(cells) {
  const line = (name, size, counts) => [
    name,
    number(size),
    ...counts.map((count) => (count ? number(count) : el("span", { class: "soft" }, "0"))),
  ];
  const columns = [[cells.by ?? "targets", ""], ["all", "n"], ...STATUSES.map((status) => [statusName(status), "n"])];
  const rows = cells.groups
    .slice(0, ROWS)
    .map((group) => line(groupName(cells, group), group.members.length, group.counts));
  const rest = cells.groups.slice(ROWS);
  if (rest.length) {
    const counts = STATUSES.map((_, at) => rest.reduce((whole, group) => whole + group.counts[at], 0));
    rows.push(
      line(
        `${rest.length} more`,
        rest.reduce((whole, group) => whole + group.members.length, 0),
        counts,
      ),
    );
  }
  if (cells.groups.length > 1) rows.push(line(el("strong", {}, "sum"), cells.size, cells.counts));
  return table(`Targets by ${cells.by ?? "status"}`, columns, rows);
}

function groupName(cells, group) {
  if (group.name === null) return "all";
  if (group === cells.others || group.name === "") return group.name || "(none)";
  return el(
    "a",
    { href: address("search", { q: `${cells.by}=${group.name}`, job: cells.job, pipeline: cells.pipeline }) },
    said(group.name),
  );
}
