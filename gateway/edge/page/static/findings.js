// How findings look, wherever they are shown.
import { el, empty, plain, table } from "./dom.js";

/** @type {[string, string, RegExp][]} */
const GROUPS = [
  ["money", "Money", /^(CREDIT_CARD|IBAN|CRYPTO|BIC|SWIFT|BANK|ACCOUNT|US_BANK|ABA|PAYMENT)|_(BANK|IBAN|ACCOUNT)/],
  ["secret", "Secrets", /SECRET|PASSWORD|TOKEN|API_KEY|ENCODED/],
  ["contact", "Contact", /EMAIL|PHONE|URL|FAX|HANDLE|USERNAME|USER_NAME/],
  ["device", "Devices", /^(IP_|MAC_|IMEI|IMSI|UUID|DEVICE|VIN|LICENSE_PLATE)/],
  ["place", "Places", /LOCATION|ADDRESS|STREET|POSTAL|ZIP|CITY|COORDINATE/],
  ["person", "People", /^(PERSON|AGE|NRP|GENDER|BIRTH|DATE_OF_BIRTH|ORGANIZATION|NAME)/],
  ["number", "Numbers of people", /^[A-Z]{2}_|PASSPORT|SSN|TAX|LICEN[CS]E|MEDICAL|HEALTH|NATIONAL|ID$|NUMBER$/],
  ["other", "Other", /./],
];

/** [short name, words] of the group of an entity type. @returns {[string, string, RegExp]} */
export const groupOf = (entity) => GROUPS.find(([, , pattern]) => pattern.test(entity));
export const groups = GROUPS.map(([name, words]) => [name, words]);
/** What the filters on answers look for, in words. */
export const stages = {
  links: "Links and images",
  invisible: "Invisible characters",
  system_prompt: "System prompt",
  regurgitation: "Protected documents",
  canaries: "Canaries",
  pii: "Personal data of others",
  secrets: "Secrets",
};
const MOST_ROWS = 200;

const tag = (entity) => el("span", { class: "tag" }, entity);

/** A text with its findings marked; `key`: which side of a piece is shown. */
export function marked(pieces, key) {
  const first = new Map();
  return pieces.flatMap((piece) => {
    if (!piece.entity) return plain(piece.text);
    const id = idOf(piece);
    const [name] = groupOf(piece.entity);
    first.set(id, true);
    const mark = el("mark", { class: `g-${name} a-${piece.action}`, "data-id": id }, el("bdi", {}, plain(piece[key])));
    if (key === "text") mark.append(tag(piece.entity));
    return [mark];
  });
}

const idOf = (piece) => `${piece.entity}\n${piece.text}\n${piece.becomes}`;

/** The same value of a type, once. */
export function gathered(pieces) {
  const all = new Map();
  for (const piece of pieces) {
    if (!piece.entity) continue;
    const id = idOf(piece);
    const known = all.get(id);
    if (known) known.count += 1;
    else all.set(id, { ...piece, id, count: 1 });
  }
  return [...all.values()];
}

export function legend(node, counts) {
  node.replaceChildren(
    ...groups
      .filter(([name]) => counts[name])
      .map(([name, words]) => el("li", {}, el("span", { class: `dot g-${name}`, "aria-hidden": "true" }), `${words} `, el("b", {}, String(counts[name])))),
  );
}

export function groupCounts(pieces) {
  const counts = {};
  for (const piece of pieces) {
    if (piece.entity) counts[groupOf(piece.entity)[0]] = (counts[groupOf(piece.entity)[0]] || 0) + 1;
  }
  return counts;
}

const ACTIONS = {
  placeholder: "placeholder, given back",
  surrogate: "stand-in, given back",
  mask: "masked, not given back",
  remove: "removed, not given back",
  hash: "hashed, not given back",
  encrypt: "sealed, not given back",
};

export function findingsTable(pieces) {
  const all = gathered(pieces);
  if (all.length === 0) return empty("No personal data was found in it, so the model would see it as it is.");
  const rows = all.slice(0, MOST_ROWS).map((one) => [
    el("td", { class: "value" }, el("bdi", {}, plain(one.text)), one.count > 1 ? el("span", { class: "times" }, ` × ${one.count}`) : null),
    el("span", { class: `tag g-${groupOf(one.entity)[0]}` }, one.entity),
    score(one.score),
    one.recognizer || "the policy",
    ACTIONS[one.action] || one.action,
    el("td", { class: "value mono" }, el("bdi", {}, plain(one.becomes))),
  ]);
  const more = all.length > MOST_ROWS ? el("p", { class: "hint" }, `The first ${MOST_ROWS} of ${all.length} are listed.`) : null;
  return el("div", {}, table("Findings", ["Found", "Type", "Score", "Recognizer", "What is done", "The model sees"], rows), more);
}

function score(value) {
  return el("span", { class: "score" }, el("meter", { min: "0", max: "1", value, "aria-label": `score ${value.toFixed(2)}` }), el("span", { class: "num" }, value.toFixed(2)));
}

/** A text of the model's in which what stood for values, or these, are marked. `key`: which of both it has. */
export function traced(text, pieces, key) {
  const known = new Map();
  for (const piece of pieces) {
    const given = piece.action === "placeholder" || piece.action === "surrogate" || key === "becomes";
    if (piece.entity && given && piece[key]) known.set(piece[key], piece);
  }
  if (known.size === 0 || known.size > 2000) return plain(text);
  const words = [...known.keys()].sort((a, b) => b.length - a.length).map((word) => word.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&"));
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(new RegExp(words.join("|"), "g"))) {
    const piece = known.get(match[0]);
    nodes.push(...plain(text.slice(at, match.index)));
    nodes.push(el("mark", { class: `g-${groupOf(piece.entity)[0]} a-${piece.action}`, "data-id": idOf(piece) }, el("bdi", {}, plain(match[0]))));
    at = match.index + match[0].length;
  }
  return [...nodes, ...plain(text.slice(at))];
}

/** Marks of one value light up together, wherever they stand. */
export function linked(root) {
  const light = (event, on) => {
    const id = event.target.closest?.("mark")?.dataset.id;
    if (id === undefined) return;
    for (const mark of root.querySelectorAll("mark")) if (mark.dataset.id === id) mark.classList.toggle("lit", on);
  };
  root.addEventListener("mouseover", (event) => light(event, true));
  root.addEventListener("mouseout", (event) => light(event, false));
}
