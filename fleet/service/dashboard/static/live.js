// What happens, as it happens: one stream of server-sent events for the whole page.

const NAMES = ["hello", "run", "targets", "change", "missed", "inventory", "reload"];

/** Hands events to whoever listens, until their signal is aborted. `again` is told when the line was down and
 *  stands again: what happened meanwhile is not replayed, so that views ask for what is. */
export class Live {
  #listeners = new Map();
  #running = new Map();
  #met = false;
  #noted = () => {};

  /** Open the line; `noted(state)` is told: live, or lost. */
  open(noted) {
    this.#noted = noted;
    this.#connect();
  }

  /** Have `heard(data)` called for each event of a name, while the signal is not aborted. */
  on(name, heard, signal) {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(heard));
    signal.addEventListener("abort", () => all.delete(heard));
  }

  /** The runs that run, as they were told last. */
  get running() {
    return [...this.#running.values()];
  }

  #connect() {
    const source = new EventSource("/api/v1/events");
    for (const name of NAMES) source.addEventListener(name, (event) => this.#hear(name, JSON.parse(event.data)));
    source.addEventListener("error", () => {
      this.#noted("lost");
      // A browser gives up where an answer is no stream, as 503 is while too many listen.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#connect(), 5000);
    });
  }

  #hear(name, data) {
    if (name === "hello") {
      this.#running = new Map(data.running.map((run) => [run.run, { ...run, state: "running" }]));
      this.#noted("live");
      if (this.#met) this.#tell("again", data);
      this.#met = true;
    }
    if (name === "run") {
      if (data.state === "running") this.#running.set(data.run, data);
      else this.#running.delete(data.run);
    }
    this.#tell(name, data);
  }

  #tell(name, data) {
    for (const heard of this.#listeners.get(name) ?? []) heard(data);
  }
}

/** Calls `act` soon after it is asked to, at most once in so many milliseconds, until the signal is aborted. */
export function calmly(act, pause, signal) {
  let timer = null;
  let last = -Infinity;
  signal.addEventListener("abort", () => clearTimeout(timer));
  return () => {
    if (timer !== null || signal.aborted) return;
    timer = setTimeout(
      () => {
        timer = null;
        last = performance.now();
        act();
      },
      Math.max(0, last + pause - performance.now()),
    );
  };
}
