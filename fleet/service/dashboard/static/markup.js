// Elements made of values. Texts of hosts become text nodes and nothing else: no function here, or in any other
// module, parses markup, and the page's policy (Trusted Types) would refuse it.

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 400; // characters of one text; a name of 10,000 would push all else away

// What has no picture of its own, or turns the reading direction of what follows.
const UNSEEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A remote text as it can be shown: what cannot be seen is spelled out, what is too long is cut. */
export function shown(text, longest = LONGEST) {
  const whole = String(text);
  const cut =
    whole.length > longest ? `${whole.slice(0, longest)}… (${whole.length.toLocaleString("en")} characters)` : whole;
  return cut.replace(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An element. `given`: attributes; `class` and `on` (listeners by event) are what one expects. Children: nodes,
 *  or texts, which are shown as texts; null and false are left out. */
export function el(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

/** The same, of SVG. */
export function svg(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(node, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (name === "on") for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, String(value));
  }
  put(node, ...children);
  return node;
}

/** Append children as `el` takes them. */
export function put(node, ...children) {
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(shown(child)));
  }
}

/** Have exactly these children. */
export function replace(node, ...children) {
  node.replaceChildren();
  put(node, ...children);
}

/** Set a text where it differs: an element that is not touched costs no layout. */
export function tell(node, text) {
  const wanted = shown(text);
  if (node.textContent !== wanted) node.textContent = wanted;
}

/** A remote text in an element of its own, so that its direction stays its own. */
export function said(text, given = {}) {
  return el("bdi", { dir: "ltr", ...given }, text);
}

/** A section with a heading. */
export function section(title, ...children) {
  return el("section", {}, el("h2", {}, title), ...children);
}

/** A table in a box that scrolls: columns are [title, class]; rows are lists of children. */
export function table(caption, columns, rows) {
  const head = columns.map(([title, kind]) => el("th", { scope: "col", class: kind }, title));
  const body = rows.map((row) =>
    el(
      "tr",
      {},
      row.map((cell, at) => el("td", { class: columns[at][1] }, cell)),
    ),
  );
  const whole = el(
    "table",
    {},
    el("caption", { class: "unseen" }, caption),
    el("thead", {}, el("tr", {}, head)),
    el("tbody", {}, body),
  );
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, whole);
}

/** Facts as a list of terms; those without a value are left out. */
export function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el(
    "dl",
    { class: "facts" },
    known.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}
