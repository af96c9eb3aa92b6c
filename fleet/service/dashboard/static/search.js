// Targets as a list: found by a text, a label, a value, a status or a kind of failure.

import { get } from "./api.js";
import { strip } from "./charts.js";
import { labelLinks } from "./labels.js";
import { calmly } from "./live.js";
import { el, put, replace, said, table } from "./markup.js";
import { address, change } from "./routes.js";
import {
  ago,
  counted,
  duration,
  hostName,
  metricName,
  number,
  pastStatuses,
  STATUSES,
  statusName,
  value,
} from "./wording.js";

const PAGE = 100;
const PAUSE = 2000;
const LABELS = 6; // shown in a line

/** Shows targets. Parameters: q, status, kind, job, pipeline, page (where the list goes on). */
export async function openSearch(place, params, { live, signal }) {
  const { jobs } = await get("jobs", {}, signal);
  const list = el("div");
  const filters = el("form", { class: "controls", on: { submit: (event) => event.preventDefault() } });
  const title = el("h1", {}, "Targets");
  let asked = params;

  async function load() {
    const mine = asked;
    const { q, status, kind, job, pipeline, page } = mine;
    const answer = await get("targets", { q, status, kind, job, pipeline, page, limit: PAGE }, signal);
    if (mine !== asked) return;
    replace(list, found(answer, mine));
  }
  function draw() {
    const scans = jobs.flatMap((job) => job.pipelines.map((name) => [`${job.job}/${name}`, `${job.job} · ${name}`]));
    const chosen = asked.job && asked.pipeline ? `${asked.job}/${asked.pipeline}` : "";
    replace(
      filters,
      select("Scan", [["", "all"], ...scans], chosen, (scan) =>
        change({ job: scan.split("/")[0], pipeline: scan.split("/").slice(1).join("/"), page: null }),
      ),
      select(
        "Status",
        [["", "any"], ...STATUSES.map((status) => [status, statusName(status)])],
        asked.status ?? "",
        (status) => change({ status, page: null }),
      ),
      asked.kind
        ? el(
            "button",
            { type: "button", class: "chip", on: { click: () => change({ kind: null, page: null }) } },
            `${asked.kind} ✕`,
            el("span", { class: "unseen" }, " (any kind)"),
          )
        : null,
      asked.q
        ? el(
            "button",
            { type: "button", class: "chip", on: { click: () => change({ q: null, page: null }) } },
            said(asked.q),
            " ✕",
            el("span", { class: "unseen" }, " (clear the search)"),
          )
        : null,
    );
  }

  draw();
  await load();
  put(
    place,
    title,
    el(
      "p",
      { class: "soft" },
      "Words are parts of an address or a label; ",
      el("code", {}, "site=a"),
      " is a label, ",
      el("code", {}, "temperature>40"),
      " any metric with that in its name.",
    ),
    filters,
    list,
  );
  live.on(
    "targets",
    calmly(() => load().catch(() => {}), PAUSE, signal),
    signal,
  );
  return async (other) => {
    asked = other;
    draw();
    await load();
  };
}

function found({ targets, total, passed, previous, next }, asked) {
  if (!targets.length) return el("p", { role: "status" }, "No target fits.");
  const named = boundName(asked.q);
  const metric = named && Object.keys(targets[0].values).find((name) => name.includes(named));
  const columns = [
    ["target", ""],
    ["status", ""],
    ["last outcomes", ""],
    ["labels", "labels"],
    ["scan", ""],
    ["asked", ""],
    ["took", "n"],
    ...(metric ? [[metricName(metric), "n"]] : []),
    ["says", "wide"],
  ];
  return [
    el(
      "p",
      { role: "status" },
      `${counted(total, "target")}${asked.job ? "" : ", once for each scan that has it"}${total > targets.length ? `: ${number(passed + 1)} to ${number(passed + targets.length)}` : ""}`,
    ),
    table(
      "Targets",
      columns,
      targets.map((target) => line(target, metric)),
    ),
    el(
      "p",
      { class: "pages" },
      previous
        ? el("button", { type: "button", on: { click: () => change({ page: previous }) } }, "Before")
        : null,
      " ",
      next ? el("button", { type: "button", on: { click: () => change({ page: next }) } }, "Next") : null,
    ),
  ];
}

/** The first labels of a target, and how many more it has. */
function someLabels(labels) {
  const all = labelLinks(labels);
  const more = all.length - LABELS;
  return [all.slice(0, LABELS), more > 0 ? el("span", { class: "more" }, `and ${number(more)} more`) : null];
}

/** The metric that a search compares, in part. */
function boundName(text) {
  return /(?:^|\s)([a-z_][a-z0-9_]*)(?:>=|<=|!=|>|<|=)-?[0-9.]+(?:\s|$)/i.exec(text ?? "")?.[1].toLowerCase();
}

function line(target, metric) {
  const status = target.status ?? "none";
  const past = pastStatuses(target.past).slice(-12);
  return [
    el(
      "a",
      { href: address("target", { id: target.id, job: target.job, pipeline: target.pipeline }) },
      said(hostName(target.id)),
    ),
    el("span", { class: `badge k-${status}` }, statusName(status)),
    strip(past)?.firstChild ?? "",
    someLabels(target.labels),
    `${target.job} · ${target.pipeline}`,
    target.at ? ago(target.at) : "–",
    duration(target.seconds),
    ...(metric ? [value(target.values[metric])] : []),
    target.kind
      ? [el("code", {}, target.kind), " ", said(target.message, {})]
      : target.failed_checks.length
        ? `checks: ${target.failed_checks.join(", ")}`
        : "",
  ];
}

function select(name, options, chosen, act) {
  return el(
    "label",
    { class: "choice" },
    el("span", {}, name),
    el(
      "select",
      { on: { change: (event) => act(event.target.value) } },
      options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
    ),
  );
}
