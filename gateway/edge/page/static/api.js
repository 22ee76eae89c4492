// The only place that talks to the gateway, and the only one that knows the token.
import { el } from "./dom.js";

let token = "";

export const hold = (text) => { token = text; };
export const holds = () => token !== "";

/** What the gateway refused, with its words and what can be done about it. */
export class Refused extends Error {
  constructor(status, error, wait) {
    super(error.message || "The gateway gave no answer that can be read.");
    this.status = status;
    this.code = error.code || "";
    this.wait = wait;
  }

  get hint() {
    return HINTS[this.code] || HINTS[this.status] || "";
  }
}

const HINTS = {
  0: "Is the gateway running, and can this browser reach it?",
  401: "Ask whoever runs the gateway for a token: gateway token mint --tenant NAME --scope ui --scope chat",
  expired_api_key: "Its time is over. Ask whoever runs the gateway for a new one.",
  scope_missing: "Whoever runs the gateway can mint a token that has it: gateway token mint --tenant NAME --scope ui …",
  model_not_allowed: "Choose another model, or ask for a token that may use this one.",
  content_filter: "The policy refuses it before any model sees it. Take out what the rule names.",
  request_too_large: "Try a shorter text.",
  rate_limit_exceeded: "This page counts like any other client. Wait a little.",
  budget_exceeded: "The tokens of this period are used up, also for this page.",
  redaction_unavailable: "Nothing was sent on: what cannot be checked does not leave. Try a shorter text.",
  upstream_failed: "The model server did not give a good answer. Its operator finds the request id in the log.",
  upstream_timeout: "The model took too long. Ask for fewer tokens.",
  404: "The page may have been turned off since it was opened.",
};

/** The JSON answer and its headers. Raises Refused. @returns {Promise<{told: any, headers: Headers}>} */
export async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(`ui/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      credentials: "omit",
      mode: "same-origin",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch {
    throw new Refused(0, { message: "The gateway cannot be reached." }, 0);
  }
  let told = {};
  try { told = await response.json(); } catch { /* told below */ }
  if (!response.ok || told === null || typeof told !== "object") {
    throw new Refused(response.status, told?.error || {}, Number(response.headers.get("retry-after")) || 0);
  }
  return { told, headers: response.headers };
}

/** The same, patient with a gateway that is busy with somebody else's. */
export async function askPatiently(method, path, body) {
  const own = token;
  for (let left = 8; ; left -= 1) {
    // Somebody else's by now: what one has asked is never asked in another's name.
    if (token !== own) throw new Refused(0, { message: "You have signed out." }, 0);
    try {
      return await ask(method, path, body);
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "overloaded" || left === 0) throw error;
      await new Promise((done) => { setTimeout(done, 400 + 300 * Math.random()); });
    }
  }
}

/** A note that says what went wrong, and what to do. */
export function note(error) {
  const refused = error instanceof Refused ? error : new Refused(0, { message: "The page failed; reload it." }, 0);
  const wait = refused.wait > 1 ? ` Again in ${refused.wait} s.` : "";
  return el("div", { class: "note bad" }, el("p", { class: "strong" }, refused.message + wait), refused.hint ? el("p", {}, refused.hint) : null);
}
