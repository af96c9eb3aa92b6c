// One outcome in full: what failed, checks, violations, what differs from the outcome before, metrics, rows.

import { outcomeDifferences } from "./differences.js";
import { el, facts, said, section, table } from "./markup.js";
import { bytes, clock, counted, duration, number, value } from "./wording.js";

const ROWS = 100; // lines of one table
const CELLS = 24; // columns of a table of rows
const RESULTS = { fail: 0, unknown: 1, pass: 2 };

/** The sections of an outcome; `previous` is the one of the run before, or null, and `differences` what the service
 *  says that differs. */
export function outcomeSections(outcome, { pipeline, previous = null, differences = null }) {
  return [
    section("Cost", costs(outcome)),
    outcome.errors?.length
      ? section(`Requests that failed (${number(outcome.errors.length)})`, errors(outcome.errors))
      : null,
    outcome.skipped?.length
      ? section(
          "Not offered",
          el(
            "ul",
            {},
            outcome.skipped.slice(0, ROWS).map((skip) => el("li", {}, el("code", {}, skip.step), " ", said(skip.why))),
          ),
        )
      : null,
    section("Checks", checks(outcome)),
    section("Violations of the description", violations(outcome.violations ?? [])),
    previous
      ? section(
          `Since the run before (${clock(Date.parse(previous.started) / 1000)})`,
          outcomeDifferences(differences ?? []),
        )
      : null,
    section("Metrics", samples(outcome.samples ?? [])),
    section(`Rows of ${pipeline}`, rows(outcome.steps ?? {})),
  ];
}

function costs(outcome) {
  const tls = outcome.tls ?? {};
  const forgiven = Object.entries({ ...outcome.notes, ...outcome.dropped }).map(
    ([name, count]) => `${name}: ${number(count)}`,
  );
  return facts([
    ["began", clock(Date.parse(outcome.started) / 1000)],
    ["took", duration(outcome.seconds)],
    [
      "requests",
      `${number(outcome.requests ?? 0)}, ${counted(outcome.retries ?? 0, "retry").replace("retrys", "retries")}`,
    ],
    ["received", bytes(outcome.bytes ?? 0)],
    ["proxy", outcome.proxy && said(outcome.proxy)],
    [
      "certificate",
      tls.not_after
        ? [
            `until ${String(tls.not_after).slice(0, 10)}${tls.self_signed ? ", self-signed" : ""} `,
            el("code", {}, String(tls.sha256 ?? "").slice(0, 16)),
          ]
        : null,
    ],
    ["forgiven, left out", forgiven.join(", ")],
  ]);
}

function errors(list) {
  return table(
    "Requests that failed",
    [
      ["step", ""],
      ["kind", ""],
      ["what", "wide"],
      ["where", ""],
    ],
    list
      .slice(0, ROWS)
      .map((error) => [said(error.step ?? ""), el("code", {}, error.kind), said(error.message), said(error.uri ?? "")]),
  );
}

function checks(outcome) {
  const list = [...(outcome.checks ?? [])].sort((one, other) => RESULTS[one.result] - RESULTS[other.result]);
  if (!list.length) return el("p", { class: "soft" }, "None was judged.");
  const counts = Object.keys(RESULTS).map(
    (result) => `${number(list.filter((check) => check.result === result).length)} ${result}`,
  );
  const lines = list
    .slice(0, ROWS)
    .map((check) => [
      el("span", { class: `badge r-${check.result}` }, check.result),
      said(check.check),
      check.severity,
      said(rowName(outcome, check.row)),
      said(check.message ?? ""),
    ]);
  return [
    el("p", {}, `${number(list.length)} = ${counts.join(" + ")}`),
    table(
      "Checks",
      [
        ["result", ""],
        ["check", ""],
        ["severity", ""],
        ["row", ""],
        ["says", "wide"],
      ],
      lines,
    ),
    more(list),
  ];
}

function violations(list) {
  if (!list.length) return el("p", { class: "soft" }, "No answer broke it.");
  const place = (violation) => said(violation.uri ?? "");
  const wanted = (violation) => [
    said(violation.rule),
    violation.wanted === undefined ? null : said(`: ${JSON.stringify(violation.wanted)}`),
  ];
  return [
    table(
      "Violations",
      [
        ["where", "wide"],
        ["rule", ""],
        ["answer of", "wide"],
      ],
      list
        .slice(0, ROWS)
        .map((violation) => [el("code", {}, said(violation.pointer)), wanted(violation), place(violation)]),
    ),
    more(list),
  ];
}

function samples(list) {
  if (!list.length) return el("p", { class: "soft" }, "None.");
  const lines = list.slice(0, ROWS).map(([name, labels, amount]) => [
    el("code", {}, said(name)),
    said(
      Object.entries(labels)
        .map(([key, text]) => `${key}=${text}`)
        .join(" "),
    ),
    value(amount),
  ]);
  return [
    table(
      "Metrics",
      [
        ["name", ""],
        ["labels", "wide"],
        ["value", "n"],
      ],
      lines,
    ),
    more(list),
  ];
}

function rows(steps) {
  const names = Object.keys(steps);
  if (!names.length) return el("p", { class: "soft" }, "None.");
  return names.map((name) => {
    const { rows: all, complete } = steps[name];
    const fields = [...new Set(all.slice(0, ROWS).flatMap((row) => Object.keys(row)))].filter(
      (field) => !field.startsWith("@"),
    );
    const columns = [["key", ""], ...fields.slice(0, CELLS).map((field) => [field, ""])];
    const lines = all
      .slice(0, ROWS)
      .map((row) => [
        said(row["@key"] ?? row["@uri"] ?? ""),
        ...fields.slice(0, CELLS).map((field) => said(text(row[field]))),
      ]);
    return el(
      "details",
      { class: "rows" },
      el(
        "summary",
        {},
        said(name),
        el("span", { class: "soft" }, ` ${counted(all.length, "row")}${complete ? "" : ", incomplete"}`),
      ),
      lines.length ? table(`Rows of ${name}`, columns, lines) : null,
      more(all),
    );
  });
}

/** A value of a row as a text. */
export function text(amount) {
  if (amount === null || amount === undefined) return "";
  return typeof amount === "object" ? JSON.stringify(amount) : String(amount);
}

function rowName(outcome, place) {
  if (!place) return "";
  const row = outcome.steps?.[place[0]]?.rows?.[place[1]];
  return `${place[0]} ${row?.["@key"] ?? row?.["@uri"] ?? place[1]}`;
}

function more(list) {
  return list.length > ROWS ? el("p", { class: "soft" }, `and ${number(list.length - ROWS)} more`) : null;
}
