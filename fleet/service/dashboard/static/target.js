// One target: what is known of it in every scan that has it, what it said last, and a button that asks it now.

import { get, post } from "./api.js";
import { changes } from "./changes.js";
import { strip } from "./charts.js";
import { allLabels } from "./labels.js";
import { calmly } from "./live.js";
import { el, facts, put, replace, said, section } from "./markup.js";
import { outcomeSections } from "./outcome.js";
import { address, change } from "./routes.js";
import { ago, clock, counted, duration, hostName, pastStatuses, statusName } from "./wording.js";

const PAUSE = 1000;

/** Shows a target. Parameters: id; job and pipeline choose one of its scans. */
export async function openTarget(place, params, { live, signal }) {
  const view = new TargetView(params, signal);
  await view.load();
  put(place, view.element);
  const again = calmly(() => view.load().catch(() => {}), PAUSE, signal);
  live.on("targets", ({ targets }) => targets.some((row) => row[2] === view.story.id) && again(), signal);
  live.on("again", again, signal);
  return (other) => {
    view.params = other;
    return view.load();
  };
}

class TargetView {
  constructor(params, signal) {
    this.params = params;
    this.signal = signal;
    this.head = el("div");
    this.scans = el("div", { class: "scans", role: "group", "aria-label": "Scans of this target" });
    this.now = el("div", { "aria-live": "polite" });
    this.state = el("div");
    this.outcome = el("div");
    this.changes = el("div");
    this.button = el("button", { type: "button", class: "act", on: { click: () => this.#probe() } }, "Probe now");
    this.element = [this.head, this.scans, this.now, this.state, this.outcome, this.changes];
  }

  async load() {
    const asked = this.params;
    const story = await get("target", { target: asked.id }, this.signal);
    const chosen =
      story.states.find(
        (state) => state.job === (asked.job ?? state.job) && state.pipeline === (asked.pipeline ?? state.pipeline),
      ) ?? story.states[0];
    const { job, pipeline } = chosen;
    if (this.params !== asked) return;
    const other =
      !this.shown || this.shown.job !== job || this.shown.pipeline !== pipeline || this.story.id !== story.id;
    const newer = other || this.shown.at !== chosen.at;
    Object.assign(this, { story, shown: chosen });
    if (other) replace(this.now);
    if (other) replace(this.outcome, el("p", { class: "waiting" }, "Reading what it said …"));
    this.#draw();
    if (newer)
      this.#showOutcome(asked).catch(
        (error) => error.name !== "AbortError" && replace(this.outcome, el("p", { class: "trouble" }, error.message)),
      );
  }

  /** The outcome comes from the journals of two runs, which takes longer than all else. */
  async #showOutcome(asked) {
    const { job, pipeline, id, status } = this.shown;
    const { outcome, previous, differences } = await get("outcome", { target: id, job, pipeline }, this.signal);
    if (this.params !== asked) return;
    const none = status ? "The run that its last outcome is in is not kept any more." : "No scan has asked it yet.";
    replace(
      this.outcome,
      outcome ? outcomeSections(outcome, { pipeline, previous, differences }) : el("p", { class: "soft" }, none),
    );
  }

  #draw() {
    const { story, shown } = this;
    const held = document.activeElement === this.button;
    replace(
      this.head,
      el("div", { class: "title" }, el("h1", {}, said(hostName(story.id))), this.button),
      el("div", { class: "about" }, story.url === story.id ? null : said(`${story.url} `), allLabels(story.labels)),
    );
    replace(
      this.scans,
      story.states.map((state) => this.#scan(state)),
    );
    replace(this.state, stateFacts(shown));
    const mine = story.changes.filter((each) => each.job === shown.job && each.pipeline === shown.pipeline);
    replace(this.changes, section("What changed", changes(mine, false)));
    if (held) this.button.focus();
  }

  #scan(state) {
    const status = state.status ?? "none";
    const here = state === this.shown;
    return el(
      "button",
      {
        type: "button",
        class: `scan k-${status}`,
        "aria-pressed": String(here),
        on: { click: () => change({ job: state.job, pipeline: state.pipeline }) },
      },
      el("b", {}, `${state.job} · ${state.pipeline}`),
      " ",
      statusName(status),
      state.at ? `, ${ago(state.at)}` : "",
    );
  }

  async #probe() {
    const { id } = this.story;
    const { job, pipeline } = this.shown;
    this.button.setAttribute("aria-disabled", "true");
    replace(this.now, el("p", { class: "probed" }, `Asking ${pipeline} …`));
    try {
      const { outcome } = await post("probe", { target: id, job, pipeline }, this.signal);
      const words = `Asked just now, ${pipeline}: ${statusName(outcome.status)} after ${duration(outcome.seconds)} and ${counted(outcome.requests, "request")}.`;
      replace(
        this.now,
        el(
          "section",
          { class: `probed k-${outcome.status}` },
          el("h2", {}, el("span", { class: `badge k-${outcome.status}` }, statusName(outcome.status)), " ", words),
          el(
            "p",
            { class: "soft" },
            "A probe is an answer for you: it is not stored, and the last scan below stays what counts.",
          ),
          el("details", {}, el("summary", {}, "All that it said"), outcomeSections(outcome, { pipeline })),
        ),
      );
      if (outcome.failure)
        this.now
          .querySelector(".probed")
          .append(el("p", {}, el("code", {}, outcome.failure.kind), " ", said(outcome.failure.message)));
    } catch (error) {
      if (error.name !== "AbortError") replace(this.now, el("p", { class: "trouble", role: "alert" }, error.message));
    } finally {
      this.button.removeAttribute("aria-disabled");
    }
  }
}

function stateFacts(state) {
  const status = state.status ?? "none";
  const failing = state.failing_since
    ? `${duration(Date.now() / 1000 - state.failing_since)}, ${counted(state.failures, "outcome")} in a row`
    : null;
  const page = `/probe?${new URLSearchParams({ target: state.id, job: state.job, pipeline: state.pipeline })}`;
  return el(
    "section",
    { class: "card" },
    el(
      "p",
      { class: "verdict" },
      el("span", { class: `badge k-${status}` }, statusName(status)),
      " ",
      state.kind ? [el("code", {}, state.kind), " "] : null,
      state.message ? said(state.message) : null,
    ),
    strip(pastStatuses(state.past)),
    facts([
      ["failing for", failing],
      ["last success", state.last_success ? `${clock(state.last_success)}, ${ago(state.last_success)}` : "never"],
      [
        "asked",
        state.at
          ? [
              `${clock(state.at)}, ${ago(state.at)}, in run `,
              el("a", { href: address("run", { name: state.run }) }, state.run),
            ]
          : null,
      ],
      ["took", state.seconds === null ? null : `${duration(state.seconds)}, ${counted(state.requests, "request")}`],
      ["flapping", state.flapping ? `yes: ${state.flaps} changes in the last ${state.past.length} outcomes` : null],
      ["failed checks", state.failed_checks.length ? state.failed_checks.join(", ") : null],
      ["credential", state.auth && said(state.auth)],
      ["proxy", state.proxy && said(state.proxy)],
      ["for Prometheus", el("a", { href: page }, "/probe of this target")],
    ]),
  );
}
