// Failed targets by kind and cause: what it means, who can do something, which hosts.

import { el, said } from "./markup.js";
import { address } from "./routes.js";
import { counted, hostName, number } from "./wording.js";

const OPEN = 3; // sets of hosts shown at once
const BLAME = {
  target: "on the target's side",
  proxy: "on the proxy's side",
  local: "on this machine",
  spec: "in our spec or the description",
  policy: "a matter of credentials or of what is allowed",
};

/** The groups of an answer of /failures, largest first, with their sum. */
export function failureList({ failures, targets }, { job, pipeline } = {}) {
  if (!failures.length) return el("p", { class: "soft" }, "No target fails.");
  const kinds = new Set(failures.map((group) => group.kind)).size;
  const title = `${counted(targets, "failed target")}, ${counted(kinds, "kind")}, ${counted(failures.length, "cause")}`;
  return [
    el("p", { class: "soft" }, title),
    el(
      "div",
      { class: "causes" },
      failures.map((group) => card(group, targets, job, pipeline)),
    ),
  ];
}

function card(group, all, job, pipeline) {
  const share = (group.targets / all) * 100;
  const link = el("a", { href: address("search", { kind: group.kind, job, pipeline }) }, el("code", {}, group.kind));
  const cause = group.cause || group.meaning;
  return el(
    "article",
    { class: "cause" },
    el(
      "h3",
      {},
      el("span", { class: "big" }, number(group.targets)),
      " ",
      link,
      " ",
      el("span", { class: "soft" }, BLAME[group.blame] ?? ""),
    ),
    el("progress", { value: share, max: 100, "aria-label": `${Math.round(share)} percent of all failed` }),
    el("p", { class: "why" }, said(cause)),
    group.meaning && group.meaning !== cause ? el("p", { class: "soft" }, group.meaning) : null,
    hosts(group),
    group.hint ? el("p", { class: "hint" }, group.hint) : null,
    el(
      "p",
      { class: "soft" },
      "For example ",
      el("a", { href: address("target", { id: group.example, job, pipeline }) }, said(hostName(group.example))),
      group.message ? [": ", said(group.message)] : null,
    ),
  );
}

function hosts({ hosts: sets, unnamed }) {
  const listed = (some) => some.map((text) => el("li", {}, el("code", {}, said(text))));
  const more = sets.slice(OPEN);
  return [
    el("ul", { class: "hosts" }, listed(sets.slice(0, OPEN))),
    more.length || unnamed
      ? el(
          "details",
          {},
          el(
            "summary",
            {},
            `${more.length ? `${counted(more.length, "more set")}` : ""}${more.length && unnamed ? ", " : ""}${unnamed ? `${counted(unnamed, "further target")}` : ""}`,
          ),
          el("ul", { class: "hosts" }, listed(more)),
        )
      : null,
  ];
}
