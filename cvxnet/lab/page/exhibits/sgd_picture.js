// Runs of gradient training as pictures and as a table: on their way, and where they ended.

import { short } from "../controls.js";
import { MARKERS, el } from "../draw.js";

export const OPTIMIZERS = [["sgd", "SGD with momentum"], ["adam", "Adam"], ["lbfgs", "L-BFGS"]];
const KINDS = { sgd: ["blue", 0], adam: ["orange", 1], lbfgs: ["purple", 3] };
const FLOOR = 1e-7; // less than that above the bound is drawn at its line
const TOP = 10;
const MARKS = [[1, "100 %"], [1e-1, "10 %"], [1e-2, "1 %"], [1e-3, "0.1 %"], [1e-4, "0.01 %"], [1e-5, "0.001 %"], [1e-6, "10⁻⁴ %"]];

export const nameOf = ({ optimizer }) => OPTIMIZERS.find(([name]) => name === optimizer)[1];
export const keyOf = ({ optimizer, width, batch }) => [optimizer, width, batch].join();

export function figure(plot, title) {
  return el("div", {}, el("h2", {}, title), plot.node);
}

// How many seeds are within a tolerance: known, or from how many to how many.
export function countOf({ within, seeds }, k) {
  const [, least, most] = within[k];
  return `${least === most ? least : `${least} to ${most}`} of ${seeds.length}`;
}

export function tableOf(finished) {
  const head = ["optimiser", "width", "within 1 %", "within 0.01 %", "the best one, above the bound", "time, tuning included", "exact optimum, all widths"];
  const rows = finished.map(({ asked, answer }) => [
    nameOf(asked) + (asked.batch && asked.optimizer !== "lbfgs" ? `, ${asked.batch} a step` : ""), asked.width, countOf(answer, 0), countOf(answer, 1),
    percent(Math.min(...answer.most.map((excess) => excess ?? Infinity))),
    `${short(answer.seconds)} s`, `${short(answer.exact_seconds)} s`,
  ]);
  return el("table", { "data-testid": "table" },
    el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, String(cell)))))));
}

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

export function drawWays(plot, { bracket, paths, tuning }) {
  const [lower, upper] = bracket ?? [0, 0];
  drawBack(plot, lower > 0 ? (upper - lower) / lower : 0);
  for (const value of [1, 10, 100, 1000]) {
    const at = Math.log10(value);
    if (at <= plot.x[1]) plot.text(at, plot.y[0], String(value), { kind: "soft", anchor: "middle", dy: 1.3 });
  }
  if (!(lower > 0)) return;
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
    plot.dots(ends, { kind, shape: MARKERS[shape], radius: 5, titles });
    plot.text(place, plot.y[0], String(asked.width), { anchor: "middle", dy: 1.3 });
    plot.text(place, plot.y[1], `${answer.within[0][1]}/${count}`, { kind: "strong", anchor: "middle", dy: 1.1 });
  });
}
