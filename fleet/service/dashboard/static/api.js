// The service's API: JSON, or an error that says why there is none.

const ROOT = "/api/v1/";

/** What the service answered in place of what was asked for. */
export class Refusal extends Error {
  constructor(status, why) {
    super(why);
    this.status = status;
  }
}

/** Ask for a path below /api/v1/; parameters without a value are left out. */
export function get(path, params = {}, signal = undefined) {
  return answered("GET", path, params, signal);
}

/** Have something done. */
export function post(path, params = {}, signal = undefined) {
  return answered("POST", path, params, signal);
}

/** A name as a part of a path. */
export const part = (name) => encodeURIComponent(name);

async function answered(method, path, params, signal) {
  const given = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(given).toString();
  const headers = method === "POST" ? { "X-Fleet-Request": "1" } : {};
  let reply;
  try {
    reply = await fetch(`${ROOT}${path}${query ? `?${query}` : ""}`, { method, headers, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0, "The service does not answer. Is it running?");
  }
  const body = await reply.json().catch(() => null);
  if (!reply.ok) throw new Refusal(reply.status, body?.error ?? `The service answered ${reply.status}.`);
  return body;
}
