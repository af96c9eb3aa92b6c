// What differs between two outcomes of one target: rows that came and went, fields that changed. A number that was a
// number before is a reading, which moves; it is told apart, so that it hides no change.

/** Lists of {step, row, field, before, after}: changes, and readings; and the steps that are not complete in both,
 *  in which a missing row says nothing. */
export function drift(previous, outcome) {
  const changes = [];
  const readings = [];
  const unsure = [];
  const [before, after] = [previous.steps ?? {}, outcome.steps ?? {}];
  for (const step of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const complete = Boolean(before[step]?.complete && after[step]?.complete);
    if (!complete) unsure.push(step);
    const [old, young] = [keyed(before[step]), keyed(after[step])];
    for (const [row, now] of young) {
      const then = old.get(row);
      if (then) compare({ step, row }, then, now, changes, readings);
      else if (complete) changes.push({ step, row, field: "", before: "", after: "(new)" });
    }
    if (complete)
      for (const row of old.keys())
        if (!young.has(row)) changes.push({ step, row, field: "", before: "(was there)", after: "(gone)" });
  }
  return { changes, readings, unsure };
}

function keyed(step) {
  const rows = new Map();
  for (const row of step?.rows ?? []) {
    const parent = row["@parent"] ?? "";
    const name = String(row["@key"] ?? row["@uri"] ?? "");
    rows.set(rows.has(name) ? `${parent} ${name}` : name, row);
  }
  return rows;
}

function compare(place, then, now, changes, readings) {
  for (const field of new Set([...Object.keys(then), ...Object.keys(now)])) {
    if (field.startsWith("@")) continue;
    const [before, after] = [then[field], now[field]].map((value) =>
      value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value),
    );
    if (before === after) continue;
    const numbers = typeof then[field] === "number" && typeof now[field] === "number";
    (numbers ? readings : changes).push({ ...place, field, before, after });
  }
}
