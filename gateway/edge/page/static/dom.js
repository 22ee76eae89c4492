// Everything on the page is made here, of text nodes and attributes. Nothing is ever parsed as HTML.
const SVG = "http://www.w3.org/2000/svg";

/** @returns {any} */
export const $ = (id) => document.getElementById(id);

/** An element. `props`: `class`, `on` (listeners by name), or attributes. Children are nodes or texts. */
export function el(name, props = {}, ...children) {
  return filled(document.createElement(name), props, children);
}

export function svg(name, props = {}, ...children) {
  return filled(document.createElementNS(SVG, name), props, children);
}

function filled(node, props, children) {
  for (const [key, value] of Object.entries(props)) {
    if (key === "on") for (const [name, listener] of Object.entries(value)) node.addEventListener(name, listener);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

// What is invisible, or turns the direction of what stands around it, is shown by its number: it could hide something.
const UNSEEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;

/** A text as nodes in which nothing is unseen. */
export function plain(text) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(UNSEEN)) {
    if (match.index > at) nodes.push(text.slice(at, match.index));
    const code = match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    nodes.push(el("span", { class: "unseen", title: "a character that cannot be seen" }, `U+${code}`));
    at = match.index + match[0].length;
  }
  nodes.push(text.slice(at));
  return nodes;
}

/** A table with a heading row; cells are nodes or texts, in a region that scrolls by itself. */
export function table(caption, headings, rows) {
  return el(
    "div",
    { class: "scroll", role: "region", tabindex: "0", "aria-label": caption },
    el(
      "table",
      {},
      el("caption", { class: "hidden" }, caption),
      el("thead", {}, el("tr", {}, headings.map((one) => el("th", { scope: "col" }, one)))),
      el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell) => (cell instanceof HTMLTableCellElement ? cell : el("td", {}, cell)))))),
    ),
  );
}

export const empty = (text) => el("p", { class: "nothing" }, text);

export async function copied(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy by hand";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

/** Calls `work` one at a time: who asks meanwhile waits for one more round, which sees what is wanted by then. */
export function inTurn(work) {
  let running = null;
  let again = false;
  const rounds = async () => {
    try {
      do { again = false; await work(); } while (again);
    } finally { running = null; }
  };
  return () => {
    again = true;
    running ||= rounds();
    return running;
  };
}

/** Calls `work` once nobody has called for `ms`. */
export function later(work, ms) {
  let timer = 0;
  return () => { clearTimeout(timer); timer = setTimeout(work, ms); };
}
