"use strict";
// Everything a host said is written as text (textContent), never as markup.
(() => {
  const PAGE = 200;
  const natural = new Intl.Collator("en", { numeric: true }).compare;

  // The ways of a head: none, then the first way, then the other.
  function turn(table, at, rows, valueOf, redraw) {
    const heads = table.tHead.rows[0].cells;
    const down = heads[at].getAttribute("aria-sort") === "ascending";
    for (const head of heads) if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", "none");
    heads[at].setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    rows.sort((a, b) => {
      const left = valueOf(a, at), right = valueOf(b, at);
      return sign * (typeof left === "number" ? left - right : natural(left, right));
    });
    redraw();
  }

  function onHeads(table, act) {
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const button = head.querySelector("button");
      if (button) button.addEventListener("click", () => act(at));
    });
  }

  for (const table of document.querySelectorAll("table.sortable:not(#list)")) {
    const body = table.tBodies[0], rows = [...body.rows];
    if (rows.length) [...rows[0].cells].forEach((cell, at) => {
      if (cell.className === "n") table.tHead.rows[0].cells[at].className = "n";
    });
    const valueOf = (row, at) => {
      const text = row.cells[at].textContent, number = Number(text.replaceAll(",", ""));
      return text !== "" && !Number.isNaN(number) ? String(number) : text;
    };
    onHeads(table, (at) => turn(table, at, rows, valueOf, () => body.append(...rows)));
  }

  const held = document.getElementById("data");
  if (!held) return;
  const all = JSON.parse(held.textContent);
  const table = document.getElementById("list"), body = table.tBodies[0];
  const search = document.getElementById("search"), more = document.getElementById("more");
  const said = document.getElementById("shown"), chips = [...document.querySelectorAll(".chip")];
  const texts = new Map(all.map((row) => [row, row.join(" ").toLowerCase()]));
  const numbers = new Set([3, 4, 5]);
  let found = all, drawn = 0;

  const pressed = (chip) => chip.getAttribute("aria-pressed") === "true";

  function draw() {
    const part = document.createDocumentFragment();
    for (const row of found.slice(drawn, drawn + PAGE)) {
      const line = document.createElement("tr");
      row.forEach((value, at) => {
        const cell = document.createElement("td");
        cell.textContent = value;
        if (numbers.has(at)) cell.className = "n";
        if (at === 1) cell.className = value;
        if (at === 8) cell.className = "message";
        line.append(cell);
      });
      part.append(line);
    }
    body.append(part);
    drawn = Math.min(drawn + PAGE, found.length);
    more.hidden = drawn >= found.length;
    said.textContent = `${found.length.toLocaleString("en")} of ${all.length.toLocaleString("en")} targets`;
  }

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = new Set(chips.filter(pressed).map((chip) => chip.dataset.status));
    found = all.filter((row) => (!statuses.size || statuses.has(row[1])) && words.every((word) => texts.get(row).includes(word)));
    body.replaceChildren();
    drawn = 0;
    draw();
  }

  for (const at of numbers) table.tHead.rows[0].cells[at].className = "n";
  onHeads(table, (at) => turn(table, at, all, (row) => row[at], filter));
  search.addEventListener("input", filter);
  more.addEventListener("click", draw);
  for (const chip of chips) chip.addEventListener("click", () => {
    chip.setAttribute("aria-pressed", String(!pressed(chip)));
    filter();
  });
  draw();
})();
