// The fleet: the map of one pipeline, its sum, its failures, and what happens now.

import { get } from "./api.js";
import { Cells } from "./cells.js";
import { changeList } from "./changes.js";
import { byKind, byStatus, byValue, theme } from "./colours.js";
import { failureList } from "./failures.js";
import { kindKey, sum, valueKey } from "./legend.js";
import { calmly } from "./live.js";
import { FleetMap } from "./map.js";
import { moving } from "./moving.js";
import { el, put, replace, section } from "./markup.js";
import { change, go } from "./routes.js";
import { runningList } from "./running.js";
import { cellStory, groupTable } from "./told.js";
import { counted, metricName } from "./wording.js";

const VALUES_PAUSE = 5000; // milliseconds between two looks at values while a scan runs; events do not have them
const NO_GROUPS = "-"; // for `by`: no label is chosen, on purpose

/** Shows the fleet. Parameters: job, pipeline, by (a label), colour (status, kind, seconds or a metric), only (a
 *  status that alone is shown full). */
export async function openFleet(place, params, { live, signal }) {
  const first = askMap(params, signal); // at once, beside the jobs: the map is what one waits for
  first.catch(() => {});
  const jobs = (await get("jobs", {}, signal)).jobs;
  const view = new FleetView(place, jobs, live, signal);
  await view.take(params, first);
  return (other) => view.take(other);
}

/** The metric that cells are coloured by, or null where that is something else. */
function metricOf({ colour = "status" }) {
  return ["status", "kind", "seconds"].includes(colour) ? null : colour;
}

function askMap(params, signal) {
  const { job, pipeline, by } = params;
  return get("map", { job, pipeline, by: by === NO_GROUPS ? null : (by ?? "*"), metric: metricOf(params) }, signal);
}

class FleetView {
  constructor(place, jobs, live, signal) {
    this.jobs = jobs;
    this.signal = signal;
    this.live = live;
    this.sum = el("div");
    this.key = el("div", { class: "legend" });
    this.mapped = el("div", { class: "mapped" });
    this.told = el("p", { class: "told", role: "status" });
    this.groups = el("div");
    this.controls = el("div", { class: "controls" });
    this.failures = el("div");
    this.changes = el("div");
    put(place, el("div", { class: "columns" }, this.#left(), this.#right()));
    this.dirty = new Set();
    this.refetch = calmly(() => this.#load().catch(() => {}), VALUES_PAUSE, signal);
    this.refail = calmly(() => this.#showFailures(), VALUES_PAUSE, signal);
    live.on("targets", ({ targets }) => this.#hear(targets), signal);
    live.on("run", (run) => run.state !== "running" && this.refetch(), signal);
    for (const name of ["again", "inventory", "reload"]) live.on(name, () => this.refetch(), signal);
    const again = () => this.map?.layOut();
    addEventListener("resize", calmly(again, 100, signal), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw(), { signal });
    place.addEventListener("placed", again, { signal });
  }

  #left() {
    const how = el(
      "p",
      { class: "soft", id: "how" },
      "Arrow keys move, Enter opens a target, F goes to the next failed one, Page Up and Page Down to the next group.",
    );
    this.table = el(
      "details",
      { class: "as-table", on: { toggle: () => this.#tabulate() } },
      el("summary", {}, "The same as a table"),
      this.groups,
    );
    return el(
      "div",
      { class: "left" },
      el("h1", {}, "Fleet"),
      this.sum,
      this.controls,
      this.key,
      el("h2", { class: "unseen" }, "Map"),
      this.mapped,
      this.told,
      how,
      this.table,
      section("Why targets fail", this.failures),
    );
  }

  #right() {
    const running = section("Jobs", runningList(this.jobs, this.live, this.signal));
    return el(
      "aside",
      { class: "right" },
      running,
      section("What changed", this.changes, changeList(this.changes, this.live, this.signal)),
    );
  }

  /** Show what parameters say; only what is not at hand is asked for. */
  async take(params, coming = null) {
    const before = this.params;
    this.params = params;
    const asked = ["job", "pipeline", "by", "colour"];
    if (before && asked.every((name) => before[name] === params[name])) this.#draw();
    else await this.#load(coming);
    if (!before || before.job !== params.job || before.pipeline !== params.pipeline) this.#showFailures();
  }

  async #load(coming = null) {
    const asked = JSON.stringify(this.params);
    const answer = await (coming ?? askMap(this.params, this.signal));
    if (asked !== JSON.stringify(this.params)) return; // something else was chosen meanwhile
    this.cells = new Cells(answer);
    this.#draw();
  }

  #draw() {
    if (!this.cells) return;
    this.dirty.clear(); // all is painted here
    const only = this.params.only ?? null;
    const { colour, key } = this.#colouring();
    this.colour = colour;
    this.summed = sum(this.cells, only, (status) => change({ only: status }));
    this.legend = key;
    this.map = new FleetMap(this.cells, colour, only);
    this.map.element.setAttribute(
      "aria-label",
      `Map of ${counted(this.cells.size, "target")} of ${this.cells.job}, ${this.cells.pipeline}`,
    );
    const held = this.mapped.contains(document.activeElement);
    const story = (at) => replace(this.told, cellStory(this.cells, at, this.params.colour));
    moving(this.map, {
      tell: story,
      open: (at) => go("target", { id: this.cells.ids[at], job: this.cells.job, pipeline: this.cells.pipeline }),
      signal: this.signal,
    });
    story(null);
    replace(this.sum, this.summed.element);
    replace(this.key, key?.element);
    replace(this.mapped, this.map.element);
    replace(this.controls, this.#choices());
    this.#tabulate();
    this.map.layOut();
    if (held) this.map.element.focus({ preventScroll: true });
    performance.mark("map-painted");
  }

  #colouring() {
    const colours = theme();
    const chosen = this.params.colour ?? "status";
    if (chosen === "status") return { colour: byStatus(this.cells, colours), key: null };
    if (chosen === "kind") {
      const colour = byKind(this.cells, colours);
      return { colour, key: kindKey(this.cells, colour) };
    }
    const colour = byValue(this.cells, colours, chosen === "seconds" ? this.cells.seconds : this.cells.values);
    return {
      colour,
      key: valueKey(this.cells, colour, chosen === "seconds" ? "time taken, in seconds" : metricName(chosen)),
    };
  }

  #choices() {
    const { job, pipeline, metrics, labels, by } = this.cells;
    const scans = this.jobs.flatMap((each) =>
      each.pipelines.map((name) => [`${each.job}/${name}`, `${each.job} · ${name}`]),
    );
    const scan = (chosen) => {
      const [name, ...rest] = chosen.split("/");
      change({ job: name, pipeline: rest.join("/") });
    };
    const colours = [
      ["status", "status"],
      ["kind", "kind of failure"],
      ["seconds", "time taken"],
      ...metrics.filter((name) => !name.endsWith("_info")).map((name) => [name, metricName(name)]),
    ];
    return [
      choice("Scan", scans, `${job}/${pipeline}`, scan),
      choice("Group by", [[NO_GROUPS, "nothing"], ...labels.map((name) => [name, name])], by ?? NO_GROUPS, (label) =>
        change({ by: label }),
      ),
      choice("Colour", colours, this.params.colour ?? "status", (colour) =>
        change({ colour: colour === "status" ? null : colour }),
      ),
    ];
  }

  #hear(rows) {
    if (!this.cells) return;
    const before = this.cells.counts[2];
    const changed = this.cells.apply(rows);
    if (!changed.length) return;
    for (const at of changed) this.dirty.add(at);
    if (this.cells.counts[2] !== before) this.refail();
    if (metricOf(this.params)) this.refetch();
    if (!this.frame) this.frame = requestAnimationFrame(() => this.#refresh());
  }

  #refresh() {
    this.frame = null;
    const begun = performance.now();
    this.map.update(this.dirty);
    this.dirty.clear();
    this.summed.update();
    this.legend?.update();
    this.#tabulate();
    performance.measure("map-update", { start: begun, end: performance.now() });
  }

  /** The table is made while it is looked at: a hundred rows cost more than the map. */
  #tabulate() {
    if (this.table.open) replace(this.groups, groupTable(this.cells));
  }

  async #showFailures() {
    const { job, pipeline } = this.params;
    const chosen = job ?? this.cells?.job ?? this.jobs[0].job;
    const line = pipeline ?? this.cells?.pipeline;
    const answer = await get("failures", { job: chosen, pipeline: line }, this.signal).catch(() => null);
    if (!answer) return;
    const unasked = this.cells && this.cells.counts.at(-1) === this.cells.size;
    replace(
      this.failures,
      unasked
        ? el("p", { class: "soft" }, "No target has been asked yet.")
        : failureList(answer, { job: chosen, pipeline: line }),
    );
  }
}

function choice(name, options, chosen, act) {
  const known = options.some(([value]) => value === chosen) ? options : [...options, [chosen, chosen]];
  const select = el(
    "select",
    { on: { change: (event) => act(event.target.value) } },
    known.map(([value, text]) => el("option", { value, selected: value === chosen }, text)),
  );
  return el("label", { class: "choice" }, el("span", {}, name), select);
}
