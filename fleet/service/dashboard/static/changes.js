// What changed, newest first: targets that fail or are well again, checks that newly fail.

import { get } from "./api.js";
import { el, replace, said } from "./markup.js";
import { address } from "./routes.js";
import { CHANGES, clock, hostName } from "./wording.js";

const SHOWN = 60; // changes at hand
const LINES = 24; // of them in a list beside the map

/** Fills `place` with the last changes and keeps them current; gives a line that says what fails to come. */
export function changeList(place, live, signal) {
  let known = [];
  let frame = null;
  const draw = () => {
    frame = null;
    replace(place, changes(known, true, LINES));
  };
  const ask = async () => {
    const answer = await get("changes", { limit: SHOWN }, signal).catch(() => null);
    if (answer) known = answer.changes;
    draw();
  };
  live.on(
    "change",
    (change) => {
      known = [change, ...known].slice(0, SHOWN);
      frame ??= requestAnimationFrame(draw);
    },
    signal,
  );
  live.on("again", ask, signal);
  ask();
  return null;
}

/** Changes as a list; what one outcome changed in one way is one line. `named`: with their targets. */
export function changes(list, named = true, most = Infinity) {
  if (!list.length) return el("p", { class: "soft" }, "Nothing yet.");
  const lines = [];
  for (const change of list) {
    const last = lines.at(-1);
    const same = last && ["what", "job", "pipeline", "target", "run"].every((name) => last[name] === change[name]);
    if (same) last.detail += `, ${change.detail}`;
    else lines.push({ ...change });
  }
  return el(
    "ol",
    { class: "changes" },
    lines.slice(0, most).map((change) => changeLine(change, named)),
  );
}

function changeLine({ what, job, pipeline, target, at, kind, detail }, named) {
  return el(
    "li",
    { class: `change ${what}` },
    el("time", { datetime: new Date(at * 1000).toISOString() }, clock(at)),
    " ",
    el("span", { class: `mark ${what}` }, CHANGES[what]),
    " ",
    named ? [el("a", { href: address("target", { id: target, job, pipeline }) }, said(hostName(target))), " "] : null,
    kind && what === "failing" ? [el("code", {}, kind), " "] : null,
    el("span", { class: "soft" }, what === "failing" && named ? null : said(detail), ` (${job})`),
  );
}
