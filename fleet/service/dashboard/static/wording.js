// Numbers, durations and times in words, and what statuses and events are called.

const NUMBER = new Intl.NumberFormat("en");
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const STATUSES = ["ok", "partial", "failed", "skipped", "none"];
export const MEANING = {
  ok: "all steps answered",
  partial: "some steps failed",
  failed: "nothing was found out",
  skipped: "not asked",
  none: "no outcome yet",
};
export const CHANGES = { failing: "newly failing", recovered: "recovered", check: "check failed" };
const LETTERS = { o: "ok", p: "partial", f: "failed", s: "skipped" };

export const statusName = (status) => (status === "none" ? "not asked yet" : status);
export const number = (value) => NUMBER.format(value);
export const pastStatuses = (past) => Array.from(past, (letter) => LETTERS[letter] ?? "none");

/** A count with its noun. */
export const counted = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** A value of a metric. */
export function value(amount) {
  if (amount === null || amount === undefined || !Number.isFinite(amount)) return "–";
  return Math.abs(amount) >= 100000 ? NUMBER.format(Math.round(amount)) : SMALL.format(amount);
}

/** Seconds as a duration. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const units = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];
  const first = units.findIndex(([size]) => seconds >= size);
  const [big, name] = units[first];
  const whole = Math.floor(seconds / big);
  const [small, minor] = units[first + 1];
  const rest = Math.floor((seconds - whole * big) / small);
  return rest ? `${whole} ${name} ${rest} ${minor}` : `${whole} ${name}`;
}

/** A time as a clock shows it; with its day where that is not today. */
export function clock(seconds) {
  const when = new Date(seconds * 1000);
  return when.toDateString() === new Date().toDateString() ? CLOCK.format(when) : DATE.format(when);
}

/** How long ago, or how soon. */
export function ago(seconds) {
  if (seconds === null || seconds === undefined) return "never";
  const since = Date.now() / 1000 - seconds;
  if (Math.abs(since) < 2) return "just now";
  return since > 0 ? `${duration(Math.floor(since))} ago` : `in ${duration(Math.ceil(-since))}`;
}

/** A text in a table beside others: its beginning, where it is long. */
export const short = (text) => (text.length > 240 ? `${text.slice(0, 240)}…` : text);

/** Bytes. */
export function bytes(count) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  for (; count >= 1024 && at < units.length - 1; at += 1) count /= 1024;
  return at ? `${count.toFixed(1)} ${units[at]}` : counted(count, "byte");
}

/** A metric's name, for reading. */
export const metricName = (name) => name.replace(/^(fleet|redfish)_/, "").replaceAll("_", " ");

/** The host of a target, without what all have. */
export const hostName = (id) => id.replace(/^https:\/\//, "");
