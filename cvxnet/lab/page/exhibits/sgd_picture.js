// Runs of gradient training as pictures and as a table: on their way, and where they ended.

import { short } from "../controls.js";
import { MARKERS, el } from "../draw.js";

export const OPTIMIZERS = [["sgd", "SGD with momentum"], ["adam", "Adam"], ["lbfgs", "L-BFGS"]];
const KINDS = { sgd: ["blue", 0], adam: ["orange", 1], lbfgs: ["purple", 3] };
const FLOOR = 1e-7; // less than that above the bound is drawn at its line
const SAME = 1e-5; // brackets are closed to less
const TOP = 10;
const MARKS = [[1, "100 %"], [1e-1, "10 %"], [1e-2, "1 %"], [1e-3, "0.1 %"], [1e-4, "0.01 %"], [1e-5, "0.001 %"], [1e-6, "10⁻⁴ %"]];

export const nameOf = ({ optimizer }) => OPTIMIZERS.find(([name]) => name === optimizer)[1];
export const keyOf = ({ optimizer, width, batch }) => [optimizer, width, batch].join();

export function figure(plot, title) {
  return el("div", {}, el("h2", {}, title), plot.node);
}

// How many seeds are within a tolerance: known, or from how many to how many.
function countOf(within, seeds, k) {
  const [, least, most] = within[k];
  return `${least === most ? least : `${least} to ${most}`} of ${seeds.length}`;
}

// What came of it, against the optimum of every width and, where that is above, of this width.
export function wordsOf(answer) {
  const { within, within_width: own, seeds } = answer;
  const words = `${countOf(within, seeds, 0)} within 1 % of the optimum`;
  return blockOf(answer, answer.narrow)?.[0] > 0 ? `${words}, ${countOf(own, seeds, 0)} within 1 % of the best of this width` : words;
}

// The excess that the width alone accounts for, at least and at most (null: who knows); nothing
// where the best of this width is as good as any.
function blockOf({ lower, upper }, narrow) {
  const known = narrow && narrow.upper !== null;
  if (!narrow || !(lower > 0) || (known && narrow.upper <= (1 + SAME) * upper)) return null;
  return [Math.max(narrow.lower / upper - 1, 0), known ? narrow.upper / lower - 1 : null];
}

// The width's part in words.
function partOf(answer) {
  const block = blockOf(answer, answer.narrow);
  if (!block) return "none";
  const [least, most] = block.map((share) => percent(share ?? Infinity));
  if (least === most) return least;
  if (block[1] === null) return block[0] > 0 ? `at least ${least}` : "not known";
  return block[0] > 0 ? `${least} to ${most}` : `at most ${most}`;
}

export function tableOf(finished) {
  const head = ["optimiser", "width", "within 1 %", "within 0.01 %", "the best one, above the bound", "of this, the width's part", "the best one, above the best of its width", "time, tuning included", "exact optimum, all widths"];
  const rows = finished.map(({ asked, answer }) => [
    nameOf(asked) + (asked.batch && asked.optimizer !== "lbfgs" ? `, ${asked.batch} a step` : ""), asked.width, countOf(answer.within, answer.seeds, 0), countOf(answer.within, answer.seeds, 1),
    percent(leastOf(answer.most)), partOf(answer), percent(leastOf(answer.above_width)),
    `${short(answer.seconds)} s`, `${short(answer.exact_seconds)} s`,
  ]);
  return el("table", { "data-testid": "table" },
    el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, String(cell)))))));
}

const leastOf = (excesses) => Math.min(...excesses.map((excess) => excess ?? Infinity));

function percent(share) {
  if (!Number.isFinite(share)) return "diverged, or not known";
  if (share < FLOOR) return "less than 0.00001 %";
  return `${short(100 * share)} %`;
}

// Heights are logarithms of (objective - lower) / lower; below the floor there is room to say so.
export function scale() {
  return [Math.log10(FLOOR) - 0.9, Math.log10(TOP) + 0.5];
}

function heightOf(excess) {
  return Math.min(Math.max(Math.log10(Math.max(excess, FLOOR)), Math.log10(FLOOR)), Math.log10(TOP));
}

// The bound that is proved, what is known of the optimum above it, and marks for the eye.
function drawBack(plot, gap) {
  const [left, right] = plot.x;
  const band = (from, to, kind) => plot.area([[left, from], [left, to], [right, to], [right, from]], kind);
  const floor = Math.log10(FLOOR);
  band(plot.y[0], floor, "proved");
  if (gap > FLOOR) band(floor, heightOf(gap), "maybe");
  plot.line([[left, floor], [right, floor]], "green");
  plot.text(left, floor, "no network gets here", { kind: "green strong", dx: 0.5, dy: 1.25 });
  for (const [share, words] of MARKS) {
    plot.line([[left, Math.log10(share)], [right, Math.log10(share)]], "goal");
    plot.text(left, Math.log10(share), words, { kind: "soft", anchor: "end", dx: -0.4, dy: 0.3 });
  }
}

// What the width keeps from everybody between two places of the plot.
function drawBlock(plot, [left, right], answer, narrow) {
  const block = blockOf(answer, narrow);
  if (!block) return;
  const [least, most] = block.map((share) => heightOf(share ?? TOP)); // below the floor: the floor
  const box = (from, to, kind) => plot.area([[left, from], [left, to], [right, to], [right, from]], kind);
  if (block[0] > 0) {
    box(Math.log10(FLOOR), least, "barred");
    plot.line([[left, least], [right, least]], "width");
  }
  if (most > least) box(least, most, "unknown");
}

export function drawWays(plot, { bracket, narrow, paths, tuning }) {
  const [lower, upper] = bracket ?? [0, 0];
  drawBack(plot, lower > 0 ? (upper - lower) / lower : 0);
  for (const value of [1, 10, 100, 1000]) {
    const at = Math.log10(value);
    if (at <= plot.x[1]) plot.text(at, plot.y[0], String(value), { kind: "soft", anchor: "middle", dy: 1.3 });
  }
  if (!(lower > 0)) return;
  drawBlock(plot, plot.x, { lower, upper }, narrow);
  for (const points of paths.values()) {
    const drawn = points.map(([epoch, f]) => [Math.log10(Math.max(epoch, 1)), heightOf((f - lower) / lower)]);
    if (!drawn.length) continue;
    plot.line(drawn, `run ${tuning ? "" : "now"}`);
    plot.dots(drawn.slice(-1), { kind: tuning ? "soft" : "blue", radius: 3.5 });
  }
}

export function drawStrip(plot, finished) {
  drawBack(plot, Math.max(...finished.map(({ answer }) => (answer.upper - answer.lower) / answer.lower), 0));
  finished.forEach(({ asked, answer }, place) => {
    const [kind, shape] = KINDS[asked.optimizer];
    const count = answer.seeds.length;
    const ends = answer.most.map((excess, k) =>
      [place + (count > 1 ? 0.6 * (k / (count - 1) - 0.5) : 0), heightOf(excess ?? TOP)]);
    const titles = answer.most.map((excess, k) => `seed ${answer.seeds[k]}: ${percent(excess ?? Infinity)}`);
    drawBlock(plot, [place - 0.42, place + 0.42], answer, answer.narrow);
    plot.dots(ends, { kind, shape: MARKERS[shape], radius: 5, titles });
    plot.text(place, plot.y[0], String(asked.width), { anchor: "middle", dy: 1.3 });
    plot.text(place, plot.y[1], `${answer.within[0][1]}/${count}`, { kind: "strong", anchor: "middle", dy: 1.1 });
  });
}
