// What can stand at a place of a policy, by its JSON Schema: hints for whoever types.

let schema = {};

export async function load() {
  const response = await fetch("ui/policy.schema.json", { credentials: "omit", mode: "same-origin", referrerPolicy: "no-referrer" });
  if (response.ok) schema = await response.json();
}

/** All alternatives of a node, references followed. */
function options(node) {
  if (!node || typeof node !== "object") return [];
  if (node.$ref) return options(schema.$defs?.[node.$ref.split("/").pop()]);
  if (node.anyOf || node.oneOf) return (node.anyOf || node.oneOf).flatMap(options);
  return [node];
}

function below(nodes, key) {
  return nodes.flatMap((node) => {
    if (node.type === "array") return below(options(node.items), key);
    if (node.properties && Object.hasOwn(node.properties, key)) return options(node.properties[key]);
    return [node.additionalProperties, ...Object.values(node.patternProperties || {})].flatMap(options);
  });
}

const KEY = /^( *)((?:- +)*)([A-Za-z_][\w.-]*):(?: +|$)/;

/** Where the cursor is: the keys above, what is written before it, and the keys beside it. */
function place(text, at) {
  const lines = text.slice(0, at).split("\n");
  const line = lines.pop();
  const own = KEY.exec(line);
  let indent = own ? own[1].length + own[2].length : line.length - line.trimStart().replace(/^(- +)*/, "").length;
  if (!own && line.trim() === "") indent = line.length;
  const path = [];
  const beside = new Set();
  let limit = indent;
  for (const above of lines.reverse()) {
    const match = KEY.exec(above);
    if (!match) continue;
    const depth = match[1].length + match[2].length;
    if (depth < limit) { path.unshift(match[3]); limit = depth; }
    else if (depth === indent && limit === indent) beside.add(match[3]);
  }
  return { path, beside, indent, key: own?.[3], written: (own ? line.slice(own[0].length) : line.trim().replace(/^(- +)*/, "")).trimStart() };
}

/** Up to a dozen `{label, insert, written, about}`. */
export function hints(text, at) {
  const here = place(text, at);
  let nodes = options(schema);
  for (const key of here.path) nodes = below(nodes, key);
  const found = here.key ? values(below(nodes, here.key)) : keys(nodes, here);
  const start = here.written.toLowerCase();
  return found.filter((one) => one.label.toLowerCase().startsWith(start) && one.label !== here.written).slice(0, 14).map((one) => ({ ...one, written: here.written }));
}

export const where = (text, at) => { const here = place(text, at); return [...here.path, ...(here.key ? [here.key] : [])].join(" › "); };

function values(nodes) {
  const all = nodes.flatMap((node) => (node.enum || (node.const !== undefined ? [node.const] : node.type === "boolean" ? [true, false] : [])).map((value) => ({ label: String(value), insert: String(value), about: "" })));
  return all.filter((one, index) => all.findIndex((other) => other.label === one.label) === index);
}

function keys(nodes, here) {
  const all = nodes.flatMap((node) => Object.entries((node.type === "array" ? options(node.items)[0] : node)?.properties || {}));
  return all
    .filter(([name], index) => !here.beside.has(name) && all.findIndex(([other]) => other === name) === index)
    .map(([name, node]) => ({ label: name, insert: `${name}: `, about: node.description || options(node)[0]?.description || "" }));
}
