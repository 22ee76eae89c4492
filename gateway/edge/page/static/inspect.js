// A prompt, what is found in it, what a model sees, and what comes back.
import { ask, askPatiently, note } from "./api.js";
import { $, copied, el, empty, fill, inTurn, later, plain, table } from "./dom.js";
import { findingsTable, groupCounts, legend, linked, marked, stages, traced } from "./findings.js";

const EXAMPLE = `Hello, I am Amara Okafor from Leeds. My card 4111 1111 1111 1111 was charged twice for order 4471-0092.
Please write a short reply to amara.okafor@mail-example.org, or call me on 0113 496 0735.
Our login for the portal: DB_PASSWORD=Tr0ub4dor&3. The refund may go to DE89 3704 0044 0532 0130 00.`;
const PAUSE_MS = 450;

let session = null;
let last = { text: null, pieces: [], blocked: "" };
const listeners = [];

/** `heard` is called with each new inspection. */
export const whenInspected = (heard) => listeners.push(heard);
export const inspection = () => last;

export function begin(opened) {
  session = opened;
  const none = opened.models.length === 0;
  fill($("model"), opened.models.map((name) => el("option", { value: name }, name)));
  $("ask-form").hidden = none;
  fill($("ask-told"), none ? empty(opened.may_ask ? "This token may use no model of the policy." : "This token lacks the scope chat, so it can look at prompts but ask no model.") : null);
  show();
}

/** Nothing of the last session stays. */
export function end() {
  session = null;
  $("prompt").value = "";
  last = { text: null, pieces: [], blocked: "" };
  for (const id of ["found", "sees", "found-table", "legend", "ask-told", "before", "after", "fired", "model"]) fill($(id));
  $("answer").hidden = true;
  $("ask-state").textContent = "";
  size();
}

function size() {
  const count = $("prompt").value.length;
  $("prompt-size").textContent = `${count.toLocaleString("en")} character${count === 1 ? "" : "s"}`;
}

const typed = later(() => inspect().catch(() => {}), PAUSE_MS);

/** Raises what the gateway refuses, after having shown it. */
const inspect = inTurn(async () => {
  const text = $("prompt").value;
  const asking = session;
  if (session === null || text === last.text) return;
  if (text === "") {
    last = { text, pieces: [], blocked: "" };
    show();
    return;
  }
  $("found-state").textContent = "Reading…";
  try {
    const { told } = await askPatiently("POST", "inspect", { text });
    if (session !== asking) return;
    last = { text, pieces: told.pieces, blocked: told.blocked };
    show();
  } catch (error) {
    if (session !== asking) return;
    last = { text: null, pieces: [], blocked: "" };
    show();
    fill($("found"), note(error));
    throw error;
  }
});

function show() {
  const { text, pieces, blocked } = last;
  const found = pieces.filter((piece) => piece.entity).length;
  if (!text) {
    fill($("found"), empty("Personal data in your prompt is marked here, with its type."));
    fill($("sees"), empty("Here is what leaves the gateway: your prompt with everything personal replaced."));
    fill($("found-table"));
    $("found-state").textContent = "";
  } else if (blocked) {
    fill($("found"), stopped(blocked), el("p", {}, plain(text)));
    fill($("sees"), empty("Nothing: the request would be refused."));
    fill($("found-table"));
    $("found-state").textContent = "Refused";
  } else {
    fill($("found"), marked(pieces, "text"));
    fill($("sees"), marked(pieces, "becomes"));
    fill($("found-table"), findingsTable(pieces));
    $("found-state").textContent = found === 0 ? "Nothing found" : `${found} found`;
  }
  legend($("legend"), groupCounts(pieces));
  for (const heard of listeners) heard();
}

const stopped = (rule) => el("div", { class: "note bad" }, el("p", { class: "strong" }, "The policy refuses this prompt, so no model would see it."), el("p", {}, "Rule: ", el("code", {}, rule)));

async function put() {
  if (session === null || $("ask").disabled || $("ask-form").hidden) return;
  const text = $("prompt").value;
  fill($("ask-told"));
  $("answer").hidden = true;
  if (text.trim() === "") {
    fill($("ask-told"), empty("Write a prompt first."));
    $("prompt").focus();
    return;
  }
  $("ask").disabled = true;
  $("ask-state").textContent = "Asking…";
  const began = performance.now();
  const asking = session;
  try {
    await inspect();
    if (session !== asking) return;
    const most = Math.min(4096, Math.max(1, Math.round(Number($("most").value)) || 256));
    const body = { model: $("model").value, messages: [{ role: "user", content: text }], temperature: 0, max_tokens: most };
    const { told, headers } = await ask("POST", "ask", body);
    if (session !== asking) return;
    const tokens = told.usage?.completion_tokens;
    const parts = [`${Math.round(performance.now() - began)} ms`, `cache: ${headers.get("x-cache") || "not asked"}`];
    if (tokens !== undefined) parts.push(`${tokens} tokens`);
    $("ask-state").textContent = parts.join(" · ");
    answer(told, text);
  } catch (error) {
    if (session !== asking) return;
    $("ask-state").textContent = "No answer";
    fill($("ask-told"), note(error));
  } finally {
    $("ask").disabled = false;
  }
}

function answer(told, text) {
  const pieces = last.text === text ? last.pieces : [];
  const { before, findings, rules, sees } = told.inspection;
  // With what is made with a key of the tenant, which an inspection does not tell.
  if (pieces.some((piece) => ["hash", "encrypt", "surrogate"].includes(piece.action))) fill($("sees"), traced(String(sees.at(-1)?.content ?? ""), pieces, "becomes"));
  const choice = told.choices[0] || {};
  const message = choice.message || {};
  if (rules.length > 0) {
    fill($("ask-told"), el("div", { class: "note bad" }, el("p", { class: "strong" }, "A filter stopped the answer. What came before it is below; the rest left for nobody."), el("p", {}, "Rule: ", rules.map((rule) => el("code", {}, rule)))));
  }
  const said = before.map((one) => one.text).join("\n");
  const got = ["reasoning", "reasoning_content", "content", "refusal"].map((key) => message[key]).filter(Boolean).join("\n");
  fill($("before"), said === "" ? empty("No text.") : traced(said, pieces, "becomes"));
  fill($("after"), got === "" ? empty("No text.") : traced(got, pieces, "text"));
  fill($("fired"), fired(findings));
  $("answer").hidden = false;
}

function fired(findings) {
  if (findings.length === 0) return empty("No filter found anything, in the prompt or in the answer.");
  return table("What fired", ["Where", "What", "What was done", "How often"], [...findings].sort((a, b) => Number(a.stage === "redact") - Number(b.stage === "redact")).map((one) => [one.stage === "redact" ? "Prompt" : `Answer: ${(stages[one.stage] || one.stage).toLowerCase()}`, one.kind, one.action, el("td", { class: "num" }, String(one.count))]));
}

export function start() {
  linked($("view-inspect"));
  $("prompt").addEventListener("input", () => { size(); typed(); });
  $("prompt").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); put(); }
  });
  $("example").addEventListener("click", () => { $("prompt").value = EXAMPLE; size(); inspect().catch(() => {}); });
  $("copy-sees").addEventListener("click", (event) => copied(event.currentTarget, last.pieces.map((piece) => piece.becomes ?? piece.text).join("")));
  $("ask").addEventListener("click", put);
}
