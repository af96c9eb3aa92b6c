// Where one is: a hash of a name and parameters, so that every view has an address of its own.

/** The view and the parameters that the address names. */
export function here() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  return { view: path || "fleet", params: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a view; parameters that are empty are left out. */
export function address(view, params = {}) {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  return `#/${view === "fleet" && !query ? "" : view}${query ? `?${query}` : ""}`;
}

/** Go to a view. */
export function go(view, params) {
  location.hash = address(view, params);
}

/** Change parameters of the view that one is at; the way back leads to what was before. */
export function change(some) {
  const { view, params } = here();
  go(view, { ...params, ...some });
}
