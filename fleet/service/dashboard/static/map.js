// The map: every target a cell, one canvas for each group. Cells keep their places, so that a change of colour is
// all that an update paints.

import { el, said, tell } from "./markup.js";
import { number, STATUSES, statusName } from "./wording.js";

const LEAST = 6; // pixels of a cell, its gap included
const MOST = 22;
const SHARE = 0.9; // of the window's height that the cells of a map fill, while they can be seen
const MARKED = 8; // pixels from which a mark can be seen
const NARROW = 260; // pixels of a group, below which its sum is told in short

export class FleetMap {
  /** `cells`, and `colour` as colours.js gives one; `only`: a status that alone is shown full. */
  constructor(cells, colour, only) {
    this.cells = cells;
    this.colour = colour;
    this.only = only;
    this.size = LEAST;
    this.cursor = el("div", { class: "cursor", hidden: true });
    this.groups = cells.groups.map((group, at) => this.#made(group, at));
    this.element = el(
      "div",
      { class: "map" },
      this.groups.map((group) => group.element),
    );
  }

  #made(group, at) {
    const title =
      group.name === null ? null : el("h3", {}, group.name === "" ? "(none)" : said(group.name, { class: "name" }));
    const counts = el("span", { class: "counts" });
    const canvas = el("canvas", { "data-group": at, "aria-hidden": "true" });
    const box = el("div", { class: "plot" }, canvas);
    const head = title && el("div", { class: "head" }, title, counts);
    return { group, canvas, counts, box, columns: 1, element: el("section", { class: "group" }, head, box) };
  }

  /** Take the width that there is, and paint everything. */
  layOut() {
    const width = this.element.clientWidth;
    if (!width) return;
    const room = Math.max(240, innerHeight * SHARE);
    this.size = Math.max(LEAST, Math.min(MOST, Math.floor(Math.sqrt((width * room) / Math.max(1, this.cells.size)))));
    const most = Math.max(1, Math.floor(width / this.size));
    for (const held of this.groups) {
      const count = held.group.members.length;
      // A large group takes the whole width; small ones are blocks that stand side by side.
      const wished = count > most * 5 ? most : Math.min(most, Math.max(10, Math.ceil(Math.sqrt(count * 2.4))));
      let rows = Math.max(1, Math.round(count / wished)); // so that none of them has only a few last cells
      if (Math.ceil(count / rows) > most) rows += 1;
      held.columns = Math.min(most, Math.ceil(count / rows));
      rows = Math.ceil(count / held.columns);
      const dots = devicePixelRatio || 1;
      held.canvas.width = Math.round(held.columns * this.size * dots);
      held.canvas.height = Math.round(rows * this.size * dots);
      held.canvas.style.width = `${held.columns * this.size}px`;
      held.canvas.style.height = `${rows * this.size}px`;
      held.pen = held.canvas.getContext("2d");
      held.pen.setTransform(dots, 0, 0, dots, 0, 0);
    }
    this.paint();
  }

  /** Paint all cells. */
  paint() {
    for (const held of this.groups) {
      if (!held.pen) continue;
      held.pen.clearRect(0, 0, held.columns * this.size, held.canvas.height);
      held.group.members.forEach((at, spot) => this.#cell(held, at, spot));
      this.#count(held);
    }
  }

  /** Paint cells that changed. */
  update(changed) {
    const touched = new Set();
    for (const at of changed) {
      const held = this.groups[this.cells.groupOf[at]];
      if (!held.pen) continue;
      const spot = this.cells.spot[at];
      held.pen.clearRect(
        (spot % held.columns) * this.size,
        Math.floor(spot / held.columns) * this.size,
        this.size,
        this.size,
      );
      this.#cell(held, at, spot);
      touched.add(held);
    }
    for (const held of touched) this.#count(held);
  }

  #cell({ pen, columns }, at, spot) {
    const gap = this.size > 6 ? 1.5 : 1;
    const edge = this.size - gap;
    const x = (spot % columns) * this.size;
    const y = Math.floor(spot / columns) * this.size;
    pen.globalAlpha = this.only === null || this.cells.statusOf(at) === this.only ? 1 : 0.14;
    pen.fillStyle = this.colour.of(at);
    if (this.colour.hollow(at)) {
      pen.strokeStyle = pen.fillStyle;
      pen.strokeRect(x + 0.5, y + 0.5, edge - 1, edge - 1);
      return;
    }
    pen.fillRect(x, y, edge, edge);
    if (this.colour.marked(at) && this.size >= MARKED) {
      pen.fillStyle = "#fff";
      const dot = Math.max(2, Math.round(edge * 0.3));
      pen.fillRect(x + (edge - dot) / 2, y + (edge - dot) / 2, dot, dot);
    }
  }

  #count({ group, counts, columns }) {
    if (columns * this.size < NARROW) {
      const failed = group.counts[STATUSES.indexOf("failed")];
      tell(counts, `${number(group.members.length)}${failed ? `, ${number(failed)} failed` : ""}`);
      return;
    }
    const parts = STATUSES.map((status, at) => [status, group.counts[at]]).filter(([, count]) => count);
    const told = parts.map(([status, count]) => `${number(count)} ${statusName(status)}`);
    tell(counts, parts.length > 1 ? `${number(group.members.length)} = ${told.join(" + ")}` : told.join(""));
  }

  /** The cell under a point of a canvas, or null. */
  cellAt(canvas, x, y) {
    const held = this.groups[Number(canvas.dataset.group)];
    const column = Math.floor(x / this.size);
    if (column < 0 || column >= held.columns || y < 0) return null;
    return held.group.members[Math.floor(y / this.size) * held.columns + column] ?? null;
  }

  /** The cell in a direction: as far along or across its group; then in the group beside it. */
  neighbour(at, key) {
    const number = this.cells.groupOf[at];
    const { group, columns } = this.groups[number];
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const spot = this.cells.spot[at] + steps[key];
    if (group.members[spot] !== undefined) return group.members[spot];
    const beside = this.groups[number + Math.sign(steps[key])]?.group.members;
    if (!beside) return at;
    return steps[key] > 0 ? beside[0] : beside[beside.length - 1];
  }

  /** Put the cursor on a cell, or nowhere. */
  point(at) {
    this.cursor.hidden = at === null;
    if (at === null) return;
    const held = this.groups[this.cells.groupOf[at]];
    const spot = this.cells.spot[at];
    if (this.cursor.parentNode !== held.box) held.box.append(this.cursor);
    this.cursor.style.transform = `translate(${(spot % held.columns) * this.size - 3}px, ${Math.floor(spot / held.columns) * this.size - 3}px)`;
    this.cursor.style.width = this.cursor.style.height = `${this.size + 4}px`;
  }
}
