// A policy that somebody edits, checked and tried on the prompt. It stays on the page.

import { askPatiently, note } from "./api.js";
import { $, copied, el, empty, fill, inTurn, later, plain, table } from "./dom.js";
import { gathered, linked, marked } from "./findings.js";
import { inspection, whenInspected } from "./inspect.js";
import { hints, load, where } from "./schema.js";

const PAUSE_MS = 700;
const MOST_BYTES = 200_000;
let session = null;
let tried = { policy: null, text: null };
let shown = false;

export function begin(opened) {
  session = opened;
  $("policy-closed").hidden = opened.may_try;
  $("policy-open").hidden = !opened.may_try;
  if (!opened.may_try) return;
  $("policy").value = opened.sketch;
  lines();
  load().then(hint, () => {});
}

export function end() {
  session = null;
  shown = false;
  tried = { policy: null, text: null };
  $("policy").value = "";
  for (const id of ["policy-told", "tried-found", "tried-sees", "differs", "hints", "policy-lines"]) fill($(id));
  $("policy-state").textContent = "";
}

/** Called when the view is opened, and when it is left. */
export function show(on) {
  shown = on;
  if (on) attempt();
}

function lines() {
  const count = $("policy").value.split("\n").length;
  $("policy-lines").textContent = Array.from({ length: count }, (_, index) => index + 1).join("\n");
  scrolled();
}

const scrolled = () => { $("policy-lines").scrollTop = $("policy").scrollTop; };
const later_ = later(() => attempt(), PAUSE_MS);

const attempt = inTurn(async () => {
  const asking = session;
  const policy = $("policy").value;
  const text = inspection().text || "";
  if (!shown || session === null || !session.may_try || (policy === tried.policy && text === tried.text)) return;
  $("policy-state").textContent = "Trying…";
  try {
    const { told } = await askPatiently("POST", "try", { policy, text });
    if (session !== asking) return;
    tried = { policy, text };
    if (told.ok) good(told.inspection, text);
    else bad(told.problems);
  } catch (error) {
    if (session !== asking) return;
    $("policy-state").textContent = "Not tried";
    fill($("policy-told"), note(error));
  }
});

function bad(problems) {
  $("policy-state").textContent = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const items = problems.map((problem) => {
    const match = /^policy\.yaml:(\d+):(\d+): (.*)$/s.exec(problem);
    if (!match) return el("li", {}, plain(problem));
    const go = () => jump(Number(match[1]), Number(match[2]));
    return el("li", {}, el("button", { type: "button", class: "link", on: { click: go } }, `Line ${match[1]}, column ${match[2]}`), ": ", plain(match[3]));
  });
  fill($("policy-told"), el("div", { class: "note bad" }, el("p", { class: "strong" }, "This policy would not be put in force:"), el("ul", {}, items)));
  for (const id of ["tried-found", "tried-sees", "differs"]) fill($(id), empty("Mend the policy to see what it does."));
}

function good({ pieces, blocked }, text) {
  $("policy-state").textContent = "Valid";
  fill($("policy-told"));
  if (text === "") {
    for (const id of ["tried-found", "tried-sees"]) fill($(id), empty("Write a prompt under Inspect, and come back."));
    fill($("differs"), empty("Nothing to compare yet."));
  } else if (blocked) {
    fill($("tried-found"), el("div", { class: "note bad" }, el("p", { class: "strong" }, "This policy would refuse the prompt."), el("p", {}, "Rule: ", el("code", {}, blocked))));
    fill($("tried-sees"), empty("Nothing."));
    fill($("differs"), inspection().blocked ? empty("Both refuse it.") : empty("The policy in force lets it through, with values replaced."));
  } else {
    fill($("tried-found"), marked(pieces, "text"));
    fill($("tried-sees"), marked(pieces, "becomes"));
    fill($("differs"), differences(inspection(), pieces));
  }
}

function differences(now, pieces) {
  if (now.blocked) return empty("The policy in force refuses this prompt.");
  const words = (one) => (one ? `${one.entity}: ${one.action}` : "left as it is");
  const before = new Map(gathered(now.pieces).map((one) => [one.text, one]));
  const after = new Map(gathered(pieces).map((one) => [one.text, one]));
  const rows = [...new Set([...before.keys(), ...after.keys()])]
    .filter((value) => words(before.get(value)) !== words(after.get(value)))
    .slice(0, 200)
    .map((value) => [el("td", { class: "value" }, el("bdi", {}, plain(value))), words(before.get(value)), words(after.get(value))]);
  return rows.length === 0 ? empty("It does the same with this prompt.") : table("Differences", ["Value", "In force", "This policy"], rows);
}

function jump(line, column) {
  const before = $("policy").value.split("\n").slice(0, line - 1);
  const at = before.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  $("policy").focus();
  $("policy").setSelectionRange(at, at);
  $("policy").scrollTop = Math.max(0, (line - 6) * parseFloat(getComputedStyle($("policy")).lineHeight));
}

function hint() {
  const editor = $("policy");
  const at = editor.selectionStart;
  const found = hints(editor.value, at);
  $("hints-title").textContent = `What can stand at the cursor${where(editor.value, at) ? `: ${where(editor.value, at)}` : ""}`;
  const put = (one) => {
    editor.focus();
    editor.setRangeText(one.insert, at - one.written.length, at, "end");
    changed();
  };
  fill($("hints"), found.length === 0 ? el("li", { class: "nothing" }, "Nothing is known here.") : found.map((one) => el("li", {}, el("button", { type: "button", class: "link mono", on: { click: () => put(one) } }, one.label), one.about ? ` ${one.about}` : null)));
}

const hintSoon = later(hint, 120);

function changed() {
  lines();
  hintSoon();
  later_();
}

function indented(event) {
  const editor = $("policy");
  if (event.key !== "Enter" || event.ctrlKey || event.isComposing) return;
  event.preventDefault();
  const line = editor.value.slice(0, editor.selectionStart).split("\n").pop();
  const indent = /^ */.exec(line)[0] + (/:\s*$/.test(line) ? "  " : "");
  editor.setRangeText(`\n${indent}`, editor.selectionStart, editor.selectionEnd, "end");
  changed();
}

async function opened(event) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  if (file.size > MOST_BYTES) {
    fill($("policy-told"), el("div", { class: "note bad" }, el("p", {}, "This file is too large for a policy.")));
    return;
  }
  $("policy").value = await file.text();
  changed();
}

export function start() {
  const editor = $("policy");
  linked($("view-policy"));
  whenInspected(() => later_());
  editor.addEventListener("input", changed);
  editor.addEventListener("scroll", scrolled);
  editor.addEventListener("keydown", indented);
  for (const name of ["keyup", "click"]) editor.addEventListener(name, hintSoon);
  $("policy-file").addEventListener("change", opened);
  $("policy-copy").addEventListener("click", (event) => copied(event.currentTarget, editor.value));
  $("policy-reset").addEventListener("click", () => { editor.value = session.sketch; changed(); });
}
