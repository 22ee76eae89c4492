// Counts of the last 24 hours, of all workers that have answered.

import { ask, note } from "./api.js";
import { $, el, empty, fill, svg, table } from "./dom.js";
import { groupOf, groups, legend, stages } from "./findings.js";

const EVERY_MS = 15_000;
const HOURS = 24;
const HOUR_S = 3600;
const FORGET_MS = 120_000;
let session = null;
let shown = false;
let timer = 0;
let heard = new Map();
let failed = null;

export function begin(opened) {
  session = opened;
  $("whose-field").hidden = !opened.sees_all;
  $("whose").value = "";
}

export function end() {
  session = null;
  forget();
  show(false);
  for (const id of ["tiles", "chart", "chart-legend", "chart-table", "kinds", "filters", "times", "counts-told"]) fill($(id));
  $("counts-state").textContent = "";
}

export function show(on) {
  shown = on;
  clearTimeout(timer);
  if (on) round();
}

function forget() { heard = new Map(); }

/** Ask until every worker has been heard, or often enough; then again after a while. */
async function round() {
  clearTimeout(timer);
  const asking = session;
  const whose = $("whose").value;
  try {
    const since = Date.now();
    let workers = 1;
    for (let left = 12; left > 0; left -= 1) {
      const { told } = await ask("GET", whose ? "counts?all" : "counts");
      if (session !== asking || !shown || $("whose").value !== whose) return;
      heard.set(told.worker, { at: Date.now(), told });
      workers = told.workers;
      if ([...heard.values()].filter((one) => one.at >= since).length >= workers) break;
    }
    // A worker that was replaced is never heard again.
    for (const [worker, one] of heard) if (Date.now() - one.at > FORGET_MS) heard.delete(worker);
    failed = null;
    draw(workers);
  } catch (error) {
    if (session !== asking || !shown) return;
    failed = error;
    fill($("counts-told"), note(error));
  }
  if (shown) timer = setTimeout(round, EVERY_MS * (failed ? 4 : 1));
}

const add = (into, from) => { for (const [key, count] of Object.entries(from)) into[key] = (into[key] || 0) + count; };
const ZERO = () => ({ exchanges: 0, blocked: 0, refused: 0, failed: 0, cache: {}, entities: {}, answers: {}, whole_ms: [], analysis_ms: [] });

function summed(into, hour) {
  for (const key of ["exchanges", "blocked", "refused", "failed"]) into[key] += hour[key];
  for (const key of ["cache", "entities", "answers"]) add(into[key], hour[key]);
  for (const key of ["whole_ms", "analysis_ms"]) hour[key].forEach((count, index) => { into[key][index] = (into[key][index] || 0) + count; });
}

function draw(workers) {
  const now = Math.floor(Date.now() / 1000 / HOUR_S) * HOUR_S;
  const hours = Array.from({ length: HOURS }, (_, index) => ({ starts: now - (HOURS - 1 - index) * HOUR_S, ...ZERO() }));
  const all = ZERO();
  let bounds = [];
  for (const { told } of heard.values()) {
    bounds = told.bounds_ms;
    for (const hour of told.hours) {
      const slot = hours.find((one) => one.starts === hour.starts) || hours[HOURS - 1];
      summed(slot, hour);
      summed(all, hour);
    }
  }
  fill($("counts-told"));
  const several = workers === 1 ? "" : heard.size < workers ? ` · ${heard.size} of ${workers} workers heard so far` : ` · all ${workers} workers together`;
  $("counts-state").textContent = `The last 24 hours, or since the gateway was started${several}`;
  tiles(all, bounds);
  chart(hours);
  kinds(all);
  times(all, bounds);
}

function tiles(all, bounds) {
  const looked = (all.cache.hit || 0) + (all.cache.miss || 0);
  const values = Object.values(all.entities).reduce((sum, count) => sum + count, 0);
  const tile = (name, value, more) => el("div", { class: "tile" }, el("dt", {}, name), el("dd", {}, el("span", { class: "big" }, value), el("span", { class: "hint" }, more)));
  fill($("tiles"), [
    tile("Exchanges", number(all.exchanges), `${number(all.refused)} refused, ${number(all.failed)} failed`),
    tile("Values hidden", number(values), `${Object.keys(all.entities).length} kinds`),
    tile("Blocked", number(all.blocked), all.exchanges ? `${percent(all.blocked / all.exchanges)} of all` : "none yet"),
    tile("Cache hits", looked ? percent((all.cache.hit || 0) / looked) : "–", `${number(all.cache.hit || 0)} of ${number(looked)} looked up`),
    tile("Half are faster than", quantile(all.whole_ms, bounds, 0.5), `reading: ${quantile(all.analysis_ms, bounds, 0.5)}`),
    tile("95% are faster than", quantile(all.whole_ms, bounds, 0.95), `reading: ${quantile(all.analysis_ms, bounds, 0.95)}`),
  ]);
}

const number = (value) => value.toLocaleString("en");
const percent = (value) => `${(100 * value).toFixed(value < 0.1 && value > 0 ? 1 : 0)}%`;
const time = (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`);

function quantile(counts, bounds, share) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return "–";
  let passed = 0;
  const index = counts.findIndex((count) => (passed += count) >= share * total);
  return index < bounds.length ? time(bounds[index]) : `over ${time(bounds[bounds.length - 1])}`;
}

const clock = (starts) => new Date(starts * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

function byGroup(entities) {
  const counts = {};
  for (const [entity, count] of Object.entries(entities)) counts[groupOf(entity)[0]] = (counts[groupOf(entity)[0]] || 0) + count;
  return counts;
}

function chart(hours) {
  const grouped = hours.map((hour) => byGroup(hour.entities));
  const totals = grouped.map((counts) => Object.values(counts).reduce((sum, count) => sum + count, 0));
  const most = Math.max(...totals);
  const all = {};
  for (const counts of grouped) add(all, counts);
  legend($("chart-legend"), all);
  if (most === 0) {
    fill($("chart"), empty("Nothing has been hidden in the last 24 hours. Ask a model something, or wait for others to."));
    fill($("chart-table"));
    return;
  }
  const [width, height, left, bottom] = [960, 220, 44, 24];
  const step = (width - left) / HOURS;
  const top = nice(most);
  const y = (value) => (height - bottom) * (1 - value / top) + 6;
  const parts = [0, top / 2, top].map((value) => [svg("line", { class: "grid", x1: left, x2: width, y1: y(value), y2: y(value) }), svg("text", { class: "axis", x: left - 8, y: y(value) + 4, "text-anchor": "end" }, number(value))]);
  grouped.forEach((counts, index) => {
    let sum = 0;
    for (const [name] of groups) {
      if (!counts[name]) continue;
      parts.push(svg("rect", { class: `g-${name}`, x: left + index * step + 3, width: step - 6, y: y(sum + counts[name]), height: y(sum) - y(sum + counts[name]) }));
      sum += counts[name];
    }
    if (index % 4 === 3) parts.push(svg("text", { class: "axis", x: left + (index + 0.5) * step, y: height + 4, "text-anchor": "middle" }, clock(hours[index].starts)));
  });
  fill($("chart"), svg("svg", { viewBox: `0 0 ${width} ${height + 10}`, role: "img", "aria-labelledby": "chart-title" }, parts.flat()));
  const rows = hours.map((hour, index) => [clock(hour.starts), cell(hour.exchanges), cell(totals[index]), cell(hour.blocked), cell(hour.cache.hit || 0)]).filter((_, index) => hours[index].exchanges > 0);
  const open = $("chart-table").firstElementChild?.open || false;
  fill($("chart-table"), el("details", { open }, el("summary", {}, "The same as a table"), table("By hour", ["Hour", "Exchanges", "Values hidden", "Blocked", "Cache hits"], rows)));
}

const cell = (value) => el("td", { class: "num" }, number(value));

function nice(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return Math.max(2, [1, 2, 4, 6, 10].map((each) => each * unit).find((each) => each >= value));
}

function bars(caption, headings, entries, tagged) {
  const sorted = tagged === null ? entries : entries.sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...sorted.map(([, count]) => count));
  return table(caption, headings, sorted.map(([name, count]) => [
    tagged ? el("span", { class: `tag g-${groupOf(name)[0]}` }, name) : name,
    el("td", { class: "num" }, number(count)),
    el("td", { class: "wide" }, svg("svg", { class: "barline", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: tagged ? `g-${groupOf(name)[0]}` : "neutral", width: (100 * count) / most, height: 8 }))),
  ]));
}

function kinds(all) {
  fill($("kinds"), Object.keys(all.entities).length ? bars("Kinds of values", ["Type", "Values", "Share"], Object.entries(all.entities), true) : empty("None so far."));
  fill($("filters"), Object.keys(all.answers).length ? bars("Filters on answers", ["Filter", "Findings", "Share"], Object.entries(all.answers).map(([name, count]) => [stages[name] || name, count]), false) : empty("No filter has found anything in an answer."));
}

function times(all, bounds) {
  const rows = all.whole_ms.map((count, index) => [index < bounds.length ? `up to ${time(bounds[index])}` : "longer", count]).filter(([, count]) => count);
  fill($("times"), rows.length ? bars("Time of exchanges", ["Time", "Exchanges", "Share"], rows, null) : empty("No exchange so far."));
}

export function start() {
  $("refresh").addEventListener("click", round);
  $("whose").addEventListener("change", () => { forget(); round(); });
}
