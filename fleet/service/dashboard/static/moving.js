// Moving over the map, by pointer and by keyboard: one cell is pointed at, told of below the map, and opened.

const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

/** Makes a map one can move over. `tell(at)` is told which cell is pointed at, `open(at)` opens it. */
export function moving(map, { tell, open, signal }) {
  const { element, cells } = map;
  let at = null;
  let touched = false;

  function point(cell) {
    if (cell === at) return;
    at = cell;
    map.point(at);
    tell(at);
  }

  element.tabIndex = 0;
  element.setAttribute("role", "application");
  element.setAttribute("aria-roledescription", "map of targets");
  element.setAttribute("aria-describedby", "how");

  element.addEventListener(
    "pointermove",
    (event) => {
      if (event.pointerType !== "touch") point(under(event) ?? at);
    },
    { signal },
  );
  element.addEventListener(
    "pointerdown",
    (event) => {
      touched = event.pointerType === "touch";
    },
    { signal },
  );
  element.addEventListener(
    "click",
    (event) => {
      const cell = under(event);
      if (cell === null) return;
      // A finger covers many cells: the first touch says which one it is, the next opens it.
      const again = cell === at;
      point(cell);
      if (!touched || again) open(cell);
    },
    { signal },
  );
  element.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const cell = moved(event.key);
      if (cell === undefined) return;
      event.preventDefault();
      if (cell === null) return;
      point(cell);
      map.cursor.scrollIntoView({ block: "nearest" });
    },
    { signal },
  );

  function under(event) {
    if (event.target.tagName !== "CANVAS") return null;
    return map.cellAt(event.target, event.offsetX, event.offsetY);
  }

  /** The cell that a key leads to; null for a key that acts, undefined for one that is none of ours. */
  function moved(key) {
    if (ARROWS.has(key)) return at === null ? (map.groups[0]?.group.members[0] ?? null) : map.neighbour(at, key);
    if (key === "Home") return map.groups[0]?.group.members[0] ?? null;
    if (key === "End") return map.groups.at(-1)?.group.members.at(-1) ?? null;
    if (key === "PageDown" || key === "PageUp") return besides(key === "PageDown" ? 1 : -1);
    if (key === "f" || key === "F") return failed(key === "f" ? 1 : -1);
    if (key === "Enter" || key === " ") {
      if (at !== null) open(at);
      return null;
    }
    return undefined;
  }

  function besides(step) {
    const number = at === null ? 0 : cells.groupOf[at] + step;
    return map.groups[number]?.group.members[0] ?? at;
  }

  /** The next failed cell in the order of the map. */
  function failed(step) {
    const order = map.groups.flatMap(({ group }) => group.members);
    const from = at === null ? -1 : order.indexOf(at);
    for (let far = 1; far <= order.length; far += 1) {
      const cell = order[(from + step * far + order.length * 2) % order.length];
      if (cells.statusOf(cell) === "failed") return cell;
    }
    return null;
  }

  return {
    get at() {
      return at;
    },
  };
}
