// All targets of one pipeline as cells: what the map paints, and the counts of it. Every count on the page is
// taken from here, so that they add up.

import { STATUSES } from "./wording.js";

const GROUPS = 120; // told apart; a label with more values names hosts, not places
export const OTHERS = "(other values)";

export class Cells {
  /** From an answer of /map. */
  constructor(answer) {
    this.job = answer.job;
    this.pipeline = answer.pipeline;
    this.by = answer.by;
    this.labels = answer.labels;
    this.metrics = answer.metrics;
    this.ids = answer.id;
    this.size = answer.id.length;
    this.status = Uint8Array.from(answer.status, (name) => STATUSES.indexOf(name ?? "none"));
    this.kinds = answer.kind;
    this.at = answer.at;
    this.seconds = answer.seconds;
    this.failingSince = answer.failing_since;
    this.values = answer.value;
    this.places = new Map(answer.id.map((id, at) => [id, at]));
    this.counts = this.#counted(null);
    this.groups = this.#grouped(answer.group);
  }

  /** The status of a cell, by name. */
  statusOf(at) {
    return STATUSES[this.status[at]];
  }

  /** Cells by kind of failure, the most first. */
  byKind() {
    const counts = new Map();
    for (let at = 0; at < this.size; at += 1) {
      const kind = this.kinds[at];
      if (kind) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return [...counts].sort((one, other) => other[1] - one[1]);
  }

  /** Take rows of a `targets` event; gives the cells that changed. */
  apply(rows) {
    const changed = [];
    for (const [job, pipeline, id, status, kind, seconds, when] of rows) {
      const at = this.places.get(id);
      if (at === undefined || job !== this.job || pipeline !== this.pipeline) continue;
      const before = this.status[at];
      const after = STATUSES.indexOf(status);
      const counts = this.groups[this.groupOf[at]].counts;
      this.counts[before] -= 1;
      this.counts[after] += 1;
      counts[before] -= 1;
      counts[after] += 1;
      this.status[at] = after;
      this.kinds[at] = kind;
      this.seconds[at] = seconds;
      this.at[at] = when;
      this.failingSince[at] = status === "failed" ? (this.failingSince[at] ?? when) : null;
      changed.push(at);
    }
    return changed;
  }

  #counted(members) {
    const counts = new Array(STATUSES.length).fill(0);
    if (members === null) for (const status of this.status) counts[status] += 1;
    else for (const at of members) counts[this.status[at]] += 1;
    return counts;
  }

  /** Groups by a label's value, in their natural order; those beyond the bound, the smallest, are one. */
  #grouped(values) {
    this.groupOf = new Uint16Array(this.size);
    const all = new Map();
    for (let at = 0; at < this.size; at += 1) {
      const name = values === null ? null : values[at];
      const members = all.get(name);
      if (members) members.push(at);
      else all.set(name, [at]);
    }
    let named = [...all];
    if (named.length > GROUPS) {
      named.sort((one, other) => other[1].length - one[1].length);
      const rest = named.splice(GROUPS - 1).flatMap(([, members]) => members);
      this.others = { name: OTHERS, members: rest.sort((one, other) => one - other) };
    } else this.others = null;
    named.sort(([one], [other]) => String(one).localeCompare(String(other), "en", { numeric: true }));
    const groups = named.map(([name, members]) => ({ name, members }));
    if (this.others) groups.push(this.others);
    this.spot = new Uint32Array(this.size); // the place of a cell in its group
    groups.forEach((group, number) => {
      group.counts = this.#counted(group.members);
      group.members.forEach((at, spot) => {
        this.groupOf[at] = number;
        this.spot[at] = spot;
      });
    });
    return groups;
  }
}
