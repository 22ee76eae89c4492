// Signing in and out, the three views, the theme.

import { ask, hold, holds, note } from "./api.js";
import * as counts from "./counts.js";
import { $, el, fill, plain } from "./dom.js";
import * as inspect from "./inspect.js";
import * as policy from "./policy.js";

const IDLE_MS = 30 * 60_000;
const VIEWS = ["inspect", "policy", "counts"];
const SHOWN = { policy: policy.show, counts: counts.show };
let idle = 0;

async function enter() {
  const text = $("token").value.trim().replace(/^Bearer\s+/i, "");
  fill($("door-told"));
  if (!/^[\x21-\x7e]+$/.test(text)) {
    const what = text === "" ? "Paste a token first" : "A token has no such characters";
    fill($("door-told"), el("div", { class: "note bad" }, el("p", {}, `${what}: it begins with pgw_, or is a JWT of your identity provider.`)));
    $("token").focus();
    return;
  }
  hold(text);
  $("enter").disabled = true;
  try {
    const { told } = await ask("GET", "session");
    $("token").value = "";
    if (holds()) opened(told);
  } catch (error) {
    hold("");
    fill($("door-told"), note(error));
    $("token").focus();
  } finally {
    $("enter").disabled = false;
  }
}

function opened(session) {
  const who = session.subject ? `${session.subject} of ${session.tenant}` : session.tenant;
  fill($("who"), el("b", {}, plain(who)), ` · policy ${session.policy}`);
  for (const part of [inspect, policy, counts]) part.begin(session);
  $("door").hidden = true;
  for (const id of ["inside", "who", "leave"]) $(id).hidden = false;
  view("inspect");
  awake();
  $("prompt").focus();
}

function leave(why = "") {
  hold("");
  clearTimeout(idle);
  for (const part of [inspect, policy, counts]) part.end();
  $("door").hidden = false;
  for (const id of ["inside", "who", "leave"]) $(id).hidden = true;
  fill($("who"));
  fill($("door-told"), why ? el("div", { class: "note" }, el("p", {}, why)) : null);
  $("token").value = "";
  $("token").focus();
}

/** Who goes away from an open page leaves no token in it. */
function awake() {
  clearTimeout(idle);
  if (holds()) idle = setTimeout(() => leave("Nobody was here for half an hour, so the token and all texts were forgotten."), IDLE_MS);
}

function view(name, focus = false) {
  for (const each of VIEWS) {
    const tab = $(`tab-${each}`);
    tab.setAttribute("aria-selected", String(each === name));
    tab.tabIndex = each === name ? 0 : -1;
    $(`view-${each}`).hidden = each !== name;
    SHOWN[each]?.(each === name);
  }
  if (focus) $(`tab-${name}`).focus();
}

function tabs() {
  VIEWS.forEach((name, index) => {
    $(`tab-${name}`).addEventListener("click", () => view(name));
    $(`tab-${name}`).addEventListener("keydown", (event) => {
      const to = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: VIEWS.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      view(VIEWS[(to + VIEWS.length) % VIEWS.length], true);
    });
  });
}

function theme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const told = () => $("theme").setAttribute("aria-pressed", String(isDark()));
  $("theme").addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; told(); });
  dark.addEventListener("change", told);
  told();
}

for (const part of [inspect, policy, counts]) part.start();
tabs();
theme();
$("enter").addEventListener("click", enter);
$("token").addEventListener("keydown", (event) => { if (event.key === "Enter") enter(); });
$("leave").addEventListener("click", () => leave());
for (const name of ["keydown", "pointerdown"]) addEventListener(name, awake, { passive: true });
// What stands behind the path is none of the page's, and may be somebody's token.
if (location.search || location.hash) history.replaceState(null, "", location.pathname);
// A page that is kept for the button "back" would keep the token too.
addEventListener("pagehide", () => leave());
$("token").focus();
