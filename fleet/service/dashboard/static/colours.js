// What colour a cell has: by status, by kind of failure, or by a value. All of them can be told apart by people who
// do not see red and green, by lightness alone where need be; failed cells carry a mark besides (map.js).

import { STATUSES } from "./wording.js";

const KINDS = 8; // told apart by colour; further kinds share one
// Cividis: even in lightness, the same to every kind of eye.
const SCALE = [
  "#00224e",
  "#123570",
  "#3b496c",
  "#575d6d",
  "#707173",
  "#8a8678",
  "#a59c74",
  "#c3b369",
  "#e1cc55",
  "#fee838",
];
const SHADES = 64;

/** The colours of the page's theme, as CSS has them. */
export function theme() {
  const style = getComputedStyle(document.documentElement);
  const named = (name) => style.getPropertyValue(name).trim();
  return {
    statuses: STATUSES.map((status) => named(`--${status}`)),
    kinds: Array.from({ length: KINDS }, (_, at) => named(`--kind-${at + 1}`)),
    quiet: named("--quiet"),
    other: named("--kind-other"),
    none: named("--none"),
  };
}

/** By status. */
export function byStatus(cells, { statuses }) {
  return {
    of: (at) => statuses[cells.status[at]],
    marked: (at) => cells.status[at] === 2,
    hollow: (at) => cells.status[at] === 4,
  };
}

/** By kind of failure; what has none is quiet. */
export function byKind(cells, { kinds, other, quiet }) {
  const ranked = new Map(cells.byKind().map(([kind], at) => [kind, kinds[at] ?? other]));
  return {
    of: (at) => (cells.kinds[at] ? (ranked.get(cells.kinds[at]) ?? other) : quiet),
    marked: () => false,
    hollow: (at) => cells.status[at] === 4,
    ranked,
  };
}

/** By a number of each cell: `numbers[at]`, or null where there is none. The scale runs over what 98 of 100 have, so
 *  that one stray reading does not make all others alike. */
export function byValue(cells, { none }, numbers) {
  const known = Float64Array.from(numbers.filter((number) => number !== null && number !== undefined)).sort();
  const least = known[0];
  const most = known[known.length - 1];
  let low = known[Math.floor(known.length * 0.01)];
  let high = known[Math.min(known.length - 1, Math.floor(known.length * 0.99))];
  if (low === high) [low, high] = [least, most];
  const span = high - low || 1;
  const has = (at) => numbers[at] !== null && numbers[at] !== undefined;
  return {
    of: (at) => (has(at) ? shade((numbers[at] - low) / span) : none),
    marked: () => false,
    hollow: (at) => !has(at),
    known,
    least,
    most,
    low,
    high,
  };
}

/** The scale's colour for a share from 0 to 1. */
export function shade(share) {
  return SHADE[Math.max(0, Math.min(SHADES - 1, Math.floor(share * SHADES)))];
}

const SHADE = Array.from({ length: SHADES }, (_, at) => mixed(at / (SHADES - 1)));

function mixed(share) {
  const place = share * (SCALE.length - 1);
  const at = Math.min(SCALE.length - 2, Math.floor(place));
  const parts = (colour) => [1, 3, 5].map((from) => parseInt(colour.slice(from, from + 2), 16));
  const [one, other] = [parts(SCALE[at]), parts(SCALE[at + 1])];
  return `rgb(${one.map((part, index) => Math.round(part + (other[index] - part) * (place - at))).join(" ")})`;
}
