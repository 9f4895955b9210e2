// The lift in three steps: points cut the units into cells; a unit costs |u||a|; what is left is convex.

import { isHidden } from "../address.js";
import { button, choice, panel, short, slider } from "../controls.js";
import { Plot, el, within } from "../draw.js";
import { programPart, thousands } from "../program.js";
import { nameKinks, toDistance, toTilt } from "../units.js";

const REACH = 2;
const BASE = Math.hypot(0.4, 0.3); // |u| at scale 1
const PARTS = { cells: "1 Cells", price: "2 The price of a unit", program: "3 A convex program" };

export default {
  id: "lift",
  title: "The lift",
  look: "how few cells there are: within a cell the set of active points does not change, and a unit is linear in its weights.",
  attempt: "drag three points into one line and watch the number of cells; then go on to steps 2 and 3.",
  sheet: true,
  state: {
    part: "cells", n: 5, angle: 30, distance: -0.2, scale: 5, beta: 0.1, piece: 4, many: 1000, placed: "random",
    points: [-1.2, 0.3, 0.3, -1.1, 1.1, 0.9, -0.5, 1.2, 0.1, 0.1, -0.9, -0.8, 1.3, -0.3, 0.5, 1.6],
    targets: [1, -1, 0.5, 0, 1, -0.5, 0.5, 0],
  },
  options: { part: Object.keys(PARTS), placed: ["random", "grid", "line"] },
  mount,
};

function mount(place, lab) {
  const parts = { cells: cellsPart(lab), price: pricePart(lab), program: programPart(lab, pointsOf) };
  const chooser = choice({ name: "part", label: "step", options: Object.entries(PARTS), value: "cells",
    onChange: (part) => lab.set({ part }) });
  const points = slider({ name: "n", label: "points", min: 2, max: 8, step: 1, value: 5, onInput: (n) => lab.set({ n }) });
  const nodes = Object.fromEntries(Object.entries(parts).map(([name, part]) =>
    [name, el("div", { "data-testid": `shown-${name}` }, ...part.nodes)]));
  place.append(panel(chooser, points), ...Object.values(nodes));
  return {
    update(state) {
      const now = state.part in parts ? state.part : "cells";
      chooser.set(now);
      points.set(count(state));
      points.node.hidden = now === "price" || isHidden("n");
      for (const [name, node] of Object.entries(nodes)) node.hidden = name !== now;
      return parts[now].update(state);
    },
  };
}

const count = ({ n }) => within(Math.round(n), [2, 8]);
const pointsOf = (state) => Array.from({ length: count(state) }, (_, k) =>
  [0, 1].map((j) => within(state.points[2 * k + j] ?? 0, [-REACH, REACH])));

// 1: cells

function cellsPart(lab) {
  let found = null;
  const controls = {
    angle: slider({ name: "angle", label: "unit rises at", min: -180, max: 180, step: 1, value: 0, show: (a) => `${short(a)}°`,
      onInput: (angle) => lab.set({ angle }) }),
    distance: slider({ name: "distance", label: "kink at distance", min: -2.5, max: 2.5, step: 0.01, value: 0,
      onInput: (distance) => lab.set({ distance }) }),
  };
  const options = { most: lab.present ? 430 : 380 };
  const plane = new Plot({ label: "Points of the plane, a line for each way to split them, and the kink of a unit",
    testid: "points", x: [-REACH, REACH], y: [-REACH, REACH], equal: true, aspect: 0.8, ...options,
    draw: (plot) => found && drawPlane(plot, found, lab) });
  const map = new Plot({ label: "All units, by direction and kink, cut into cells", testid: "cells",
    x: [-180, 180], y: [-90, 90], xTicks: [-180, -90, 0, 90, 180], yTicks: [], aspect: 0.8, ...options,
    xLabel: "direction in which the unit rises (degrees)", draw: (plot) => found && drawCells(plot, found, lab) });
  const verdict = el("p", { class: "verdict", "data-testid": "count" });
  const formula = el("p", { "data-testid": "formula" });
  const counting = countingPart(lab);
  const nodes = [panel(...Object.values(controls)), verdict, el("div", { class: "columns" },
    el("figure", {}, plane.node, el("figcaption", {}, "Points, and one line for each way to split them. The thick line is the "
      + "kink of a unit: filled points are on its active side. Drag the points.")),
    el("figure", {}, map.node, el("figcaption", {}, "Every place is a unit; each point draws a curve, and units below it "
      + "are active on that point. Numbers: on how many points. Drag the unit."))), formula, ...counting.nodes];
  return {
    nodes,
    async update(state) {
      controls.angle.set(state.angle);
      controls.distance.set(state.distance);
      const points = pointsOf(state);
      counting.update(state);
      plane.redraw(); // what is held follows the hand at once, the cells when they are known
      map.redraw();
      const answer = await lab.ask("lift/cells", { points, angle: within(state.angle, [-180, 180]),
        distance: within(state.distance, [-9, 9]) });
      if (found) lab.say(`${answer.count} cells; the unit is active on ${answer.active.filter(Boolean).length} points`);
      found = answer;
      lab.tell("");
      plane.redraw();
      map.redraw();
      verdict.textContent = `${points.length} points cut the units into ${found.count} cells.`;
      formula.textContent = found.count === found.most ? formulaOf(points.length, found.most)
        : `In general position there would be ${found.most}: here points coincide, or three and more are on a line.`;
    },
  };
}

function formulaOf(n, most) {
  const terms = [0, 1, 2].map((k) => `C(${thousands(n - 1)}, ${k})`).join(" + ");
  return `No three on a line: 2 · (${terms}) = ${thousands(most)}, about n² instead of 2ⁿ = ${n <= 30 ? thousands(2 ** n) : `2^${thousands(n)}`}.`;
}

function drawPlane(plot, found, lab) {
  const far = 20;
  const along = ([w1, w2, b]) => {
    const size = w1 * w1 + w2 * w2;
    const [x, y] = [(-b * w1) / size, (-b * w2) / size];
    const length = Math.sqrt(size);
    const [dx, dy] = [(-w2 / length) * far, (w1 / length) * far];
    return [[x - dx, y - dy], [x + dx, y + dy]];
  };
  for (const unit of found.lines) plot.line(along(unit), "thin soft");
  const ends = along(found.unit);
  const [w1, w2, b] = found.unit;
  plot.area([...ends, [ends[1][0] + far * w1, ends[1][1] + far * w2], [ends[0][0] + far * w1, ends[0][1] + far * w2]], "orange");
  plot.line(ends, "vermilion heavy");
  const foot = [-b * w1, -b * w2];
  plot.line([foot, [foot[0] + 0.35 * w1, foot[1] + 0.35 * w2]], "vermilion");
  plot.dots([[foot[0] + 0.35 * w1, foot[1] + 0.35 * w2]], { kind: "vermilion", radius: 4 });
  pointsOf(lab.state).forEach(([x, y], k) => {
    plot.text(x, y, String(k + 1), { kind: "strong", dx: 0.8, dy: -0.5 });
    plot.handle(k, { x, y, label: `point ${k + 1}, ${found.active[k] ? "active" : "not active"}`, testid: `point-${k + 1}`,
      kind: found.active[k] ? "on" : "off", bounds: { x: [-REACH, REACH], y: [-REACH, REACH] },
      onMove: (moved) => {
        const points = [...lab.state.points];
        points.splice(2 * k, 2, ...moved.map((value) => Math.round(value * 100) / 100));
        lab.set({ points });
      } });
  });
}

function drawCells(plot, found, lab) {
  const { angles, borders } = found;
  const opacity = 1 - 0.4 ** (1 / borders.length);
  for (const border of borders) {
    const curve = angles.map((a, k) => [a, border[k]]);
    plot.area([[-180, -90], ...curve, [180, -90]], "blue").style.fillOpacity = opacity;
  }
  for (const border of borders) plot.line(angles.map((a, k) => [a, border[k]]), "thin");
  for (const piece of pieces(found.outline)) {
    const closed = [...piece.map(([a, low]) => [a, low]), ...piece.reverse().map(([a, , high]) => [a, high])];
    plot.line([...closed, closed[0]], "vermilion heavy");
  }
  borders.forEach((border, k) => {
    const top = border.indexOf(Math.max(...border));
    plot.text(within(angles[top], [-172, 172]), border[top], borders.length > 5 ? String(k + 1) : `point ${k + 1}`, { kind: "soft", anchor: "middle", dy: -0.35 });
  });
  if (borders.length <= 6) {
    found.places.forEach(([a, t], k) =>
      plot.text(a, t, String(found.sizes[k]), { kind: "size", anchor: "middle", dy: 0.35 }));
  }
  nameKinks(plot);
  const { angle: at, distance } = lab.state;
  plot.handle("unit", { x: within(at, [-180, 180]), y: toTilt(distance), label: "the unit", testid: "unit", kind: "vermilion",
    bounds: { x: [-180, 180], y: [-80, 80] },
    onMove: ([angle, tilt]) => lab.set({ angle: Math.round(angle), distance: Number(toDistance(tilt).toFixed(3)) }) });
}

// The runs of places that are there: [angle, low, high], angle is null elsewhere.
function pieces(outline) {
  const runs = [[]];
  for (const place of outline) {
    if (place[0] === null) runs.push([]);
    else runs.at(-1).push(place);
  }
  return runs.filter((run) => run.length > 1);
}

// How fast cells grow in number.
function countingPart(lab) {
  const controls = {
    many: slider({ name: "many", label: "count the cells of", min: 2, max: 1000, value: 1000, log: true,
      show: (n) => `${thousands(Math.round(n))} points`, onInput: (many) => lab.set({ many: Math.round(many) }) }),
    placed: choice({ name: "placed", label: "placed", value: "random",
      options: [["random", "at random"], ["grid", "on a grid"], ["line", "on a line"]], onChange: (placed) => lab.set({ placed }) }),
  };
  const told = el("span", { "data-testid": "many-count" });
  return {
    nodes: [panel(...Object.values(controls), told)],
    async update({ many, placed }) {
      const n = within(Math.round(many), [1, 1000]);
      controls.many.set(n);
      controls.placed.set(placed);
      const { count: cells, most } = await lab.ask("lift/count", { n, placed });
      told.textContent = `${thousands(cells)} cells${cells === most ? "" : ` (at most ${thousands(most)})`}, counted`;
    },
  };
}

// 2: the price of a unit

function pricePart(lab) {
  let found = null;
  const scale = slider({ name: "scale", label: "scale s", min: 0.25, max: 16, value: 1, log: true, onInput: (s) => lab.set({ scale: s }) });
  const balance = button({ name: "balance", label: "Balance the layers", onClick: () => lab.set({ scale: found.best }) });
  const most = lab.present ? 430 : 330;
  const ready = (draw) => (plot) => found && draw(plot, found, lab);
  const plots = [
    new Plot({ label: "All pairs of sizes |u| and |a| of one network, and circles of equal weight decay", testid: "pairs",
      x: [0, 4.2], y: [0, 4.2], xLabel: "|u|, hidden weights", yLabel: "|a|, output weight", equal: true, aspect: 0.95, most,
      draw: ready(drawPairs) }),
    new Plot({ label: "Weight decay over the scale", testid: "penalty", x: [-0.65, 1.25], y: [0, 6], xTicks: [], yLabel: "weight decay",
      xLabel: "scale s", aspect: 0.95, most, draw: ready(drawPenalty) }),
    new Plot({ label: "The network, which the scale does not change", testid: "unit-curve", x: [-3, 3], y: [-0.5, 3.5], xLabel: "x",
      yLabel: "f(x)", aspect: 0.95, most, draw: ready(drawUnit) }),
  ];
  const formula = el("p", { class: "formula", "data-testid": "price" });
  const reason = el("p", { class: "note" }, "½ (p² + q²) − p q = ½ (p − q)² is never negative. Whoever minimises balances the layers, "
    + "so weight decay costs |u||a| for each unit: the length of the one vector w = |a| u. A sum of lengths is convex.");
  return {
    nodes: [panel(scale, balance), formula, el("div", { class: "three" }, ...plots.map((plot) => plot.node)), reason],
    async update(state) {
      const s = within(state.scale, [0.05, 50]);
      scale.set(s);
      for (const plot of plots) plot.redraw();
      found = await lab.ask("lift/price", { scale: s });
      lab.say(`weight decay ${short(found.penalty)}, at least ${short(found.least)}`);
      formula.textContent = `½ (|s u|² + (a/s)²) = ½ (${short(found.hidden)}² + ${short(found.output)}²) = ${short(found.penalty)}`
        + `  ≥  |u| |a| = ${short(found.least)}`;
      for (const plot of plots) plot.redraw();
    },
  };
}

function drawPairs(plot, found, lab) {
  const circle = (radius) => Array.from({ length: 46 }, (_, k) => {
    const a = (k / 45) * (Math.PI / 2);
    return [radius * Math.cos(a), radius * Math.sin(a)];
  });
  plot.line([[0, 0], [6, 6]], "thin soft dotted");
  plot.line(circle(Math.sqrt(2 * found.least)), "thin green");
  plot.line(circle(Math.hypot(found.hidden, found.output)), "thin vermilion dashed");
  plot.line(found.pairs);
  const balanced = Math.sqrt(found.least);
  plot.dots([[balanced, balanced]], { kind: "green", shape: "square", radius: 6 });
  plot.text(balanced, balanced, "balanced", { kind: "green", dx: 0.8, dy: -0.6 });
  plot.text(found.least / 3.4, 3.4, "one network", { dx: 0.6 });
  const hidden = BASE * within(lab.state.scale, [0.05, 50]);
  plot.handle("pair", { x: hidden, y: found.least / hidden, label: "size of the hidden weights", testid: "pair", kind: "vermilion",
    bounds: { x: [0.25 * BASE, 8 * BASE] }, onMove: ([moved]) => lab.set({ scale: moved / BASE }) });
}

function drawPenalty(plot, found, lab) {
  plot.line(found.scales.map((s, k) => [Math.log10(s), found.penalties[k]]));
  plot.line([[-2, found.least], [2, found.least]], "thin green dashed");
  plot.text(-0.6, found.least, `|u||a| = ${short(found.least)}`, { kind: "green", dy: 1.2 });
  plot.dots([[Math.log10(found.best), found.least]], { kind: "green", shape: "square", radius: 6 });
  for (const s of [0.25, 0.5, 1, 2, 4, 8, 16]) {
    plot.text(Math.log10(s), 0, short(s), { kind: "soft", anchor: "middle", dy: 1.25 });
  }
  const now = Math.log10(within(lab.state.scale, [0.05, 50]));
  plot.handle("scale", { x: now, y: Math.min(found.penalty, 5.9), label: "logarithm of the scale", testid: "scale-handle", kind: "vermilion",
    bounds: { x: [-0.6, 1.2] }, onMove: ([power]) => lab.set({ scale: 10 ** power }) });
}

function drawUnit(plot, found) {
  plot.line(found.x.map((x, k) => [x, found.f[k]]), "vermilion");
  plot.text(-2.8, 3.1, `largest change by the scale: ${short(found.change)}`, { kind: "soft" });
}
