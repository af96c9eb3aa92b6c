// What differs between two runs: targets that turned, values that changed, rows that came and went. The service
// compares; here it is laid out.

import { isReading, LINES, rest, TURNS, valueText } from "./differences.js";
import { el, said, section, table } from "./markup.js";
import { address } from "./routes.js";
import { clock, counted, hostName, number } from "./wording.js";

const ROOM = 120; // characters of sets of hosts in one line

/** What differs between two runs: an answer of /diff. */
export function runDifferences({ before, diff }, { job, pipeline }) {
  const settled = diff.fields.flatMap((field) =>
    field.changes.filter((change) => !isReading(change.before, change.after)).map((change) => [field, change]),
  );
  const moved = diff.fields.filter((field) => field.changes.some((change) => isReading(change.before, change.after)));
  const parts = [
    targets(diff),
    changes(settled),
    groups("New rows", diff.added),
    groups("Rows that are gone", diff.removed),
    callouts(diff.callouts, { job, pipeline }),
    readings(moved),
    gaps(diff.uncompared),
  ].filter(Boolean);
  const since = [
    "Since ",
    el("a", { href: address("run", { name: before }) }, said(before)),
    ` of ${clock(Date.parse(diff.first.started) / 1000)}: `,
  ];
  const { same, changed, uncompared, gone, both } = diff.counts;
  const sum = `${counted(both, "target")} of both = ${number(same)} the same + ${number(changed)} changed + ${number(uncompared)} not compared`;
  return section(
    "What changed since the run before",
    el(
      "p",
      {},
      since,
      sum,
      diff.counts.new || gone ? `; ${number(diff.counts.new)} new, ${number(gone)} gone` : "",
      ".",
    ),
    parts.length ? parts : el("p", { class: "soft" }, "Nothing else."),
    el("p", { class: "soft" }, "As a table in a terminal: ", el("code", {}, `fleet diff ${before} ${diff.second.run}`)),
  );
}

function targets(diff) {
  const lines = [
    ["new", diff.new],
    ["gone", diff.gone],
    [TURNS.whole, diff.whole],
  ]
    .filter(([, set]) => set.targets)
    .map(([words, set]) => [words, number(set.targets), "", hosts(set)]);
  for (const [name, words] of [
    ["failing", TURNS.failing],
    ["recovered", TURNS.recovered],
    ["otherwise", TURNS.otherwise],
    ["gaps", TURNS.partial],
  ])
    for (const group of diff[name])
      lines.push([
        words,
        number(group.targets),
        [el("code", {}, said(group.kind)), " ", said(group.cause)],
        hosts(group),
      ]);
  const columns = [
    ["targets", ""],
    ["", "n"],
    ["cause", "wide"],
    ["which", "wide"],
  ];
  return lines.length ? table("Targets that turned", columns, lines.slice(0, LINES)) : null;
}

function changes(list) {
  if (!list.length) return null;
  const columns = [
    ["what", ""],
    ["before", "wide"],
    ["now", "wide"],
    ["rows", "n"],
    ["targets", "n"],
    ["which", "wide"],
  ];
  const lines = list
    .slice(0, LINES)
    .map(([{ step, field }, change]) => [
      said(`${step}.${field}`),
      said(valueText(change.before)),
      said(valueText(change.after)),
      number(change.rows),
      number(change.targets),
      hosts(change),
    ]);
  return [el("h3", {}, "Changed values"), table("Changed values", columns, lines), rest(list.length, "change")];
}

function groups(title, list) {
  if (!list.length) return null;
  const columns = [
    ["step", ""],
    ["rows", "n"],
    ["targets", "n"],
    ["for example", "wide"],
    ["which", "wide"],
  ];
  const lines = list
    .slice(0, LINES)
    .map((group) => [
      said(group.step),
      number(group.rows),
      number(group.targets),
      group.examples
        .slice(0, 1)
        .map((row) => said(`${hostName(row.target)}: ${row.parent ? `${row.parent} › ` : ""}${row.row}`)),
      hosts(group),
    ]);
  return [el("h3", {}, title), table(title, columns, lines), rest(list.length, "step")];
}

/** Things that are elsewhere, are there twice, or are another thing than before: what one looks into first. */
function callouts({ moved, moves, duplicated, duplicates, replaced, replacements }, scan) {
  const lines = [
    ...replaced.map((one) => [
      "another machine answers",
      el("a", { href: address("target", { id: one.target, ...scan }) }, said(hostName(one.target))),
      said(`${one.step}.${one.output}: ${one.before} → ${one.after}`),
    ]),
    ...moved.map((one) => ["moved", said(`${one.step} ${one.key}`), said(`${one.before} → ${one.after}`)]),
    ...duplicated.map((one) => [
      "there twice",
      said(`${one.step}.${one.output} ${one.key}`),
      said(one.places.join(", ")),
    ]),
  ];
  if (!lines.length) return null;
  const columns = [
    ["", ""],
    ["what", ""],
    ["", "wide"],
  ];
  return [
    el("h3", {}, "To look into"),
    table("To look into", columns, lines.slice(0, LINES)),
    rest(moves + duplicates + replacements, "line"),
  ];
}

function readings(fields) {
  if (!fields.length) return null;
  const columns = [
    ["what", ""],
    ["rows", "n"],
    ["targets", "n"],
  ];
  const lines = fields
    .slice(0, LINES)
    .map(({ step, field, rows, targets: count }) => [said(`${step}.${field}`), number(rows), number(count)]);
  const whole = fields.reduce((sum, field) => sum + field.rows, 0);
  return el(
    "details",
    {},
    el("summary", {}, `${counted(whole, "reading")} moved, of ${counted(fields.length, "field")}`),
    table("Readings that moved", columns, lines),
  );
}

function gaps(list) {
  if (!list.length) return null;
  const words = { first: "in the run before", second: "in this run", both: "both times" };
  const columns = [
    ["step", ""],
    ["why", ""],
    ["targets", "n"],
    ["rows unseen", "n"],
    ["which", "wide"],
  ];
  const lines = list
    .slice(0, LINES)
    .map((gap) => [
      gap.step === null ? "all of it" : said(gap.step),
      said(`${gap.why} ${words[gap.side] ?? ""}`),
      number(gap.targets),
      number(gap.unseen),
      hosts(gap),
    ]);
  return el(
    "details",
    {},
    el("summary", {}, "What could not be compared"),
    table("What could not be compared", columns, lines),
  );
}

/** The sets that there is room for, and how many targets there are where that is not all. */
function hosts({ hosts: sets, unnamed, targets: count }) {
  let room = ROOM;
  const named = sets.filter((set) => (room -= set.length) >= 0);
  const whole = named.length === sets.length && !unnamed;
  return [
    named.map((set) => [el("code", {}, said(set)), " "]),
    whole ? null : el("span", { class: "soft" }, `${named.length ? "… " : ""}${counted(count, "target")} in all`),
  ];
}
