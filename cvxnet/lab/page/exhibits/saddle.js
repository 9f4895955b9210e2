// Two weights: w2 relu(w1 x) as a map and as a surface, and the line between two points of it.

import { chordMarks, judged } from "../chord.js";
import { button, choice, panel, slider, toggle } from "../controls.js";
import { Plot, el, signedColor, within } from "../draw.js";
import { lineInSpace, relief, view } from "../relief.js";

const REACH = [-3, 3];
const GRID = 16; // points stand on sixteenths, so that all heights are short fractions

export default {
  id: "saddle",
  title: "Two weights: a saddle",
  look: "the line from a to b. Both ends are low, and between them the function rises above the chord: no convex function does.",
  attempt: "switch relu off. Is the bump between a and b gone? And is there another line with a bump?",
  sheet: true,
  state: { relu: true, x: 1, show: "output", a1: 0, a2: 2, b1: 2, b2: 0, turn: 30 },
  options: { show: ["output", "loss"] },
  mount,
};

function mount(place, lab) {
  let surface = null;
  let line = null;
  const controls = {
    relu: toggle({ name: "relu", label: "with relu", value: true, onChange: (relu) => lab.set({ relu }) }),
    x: slider({ name: "x", label: "sample x", min: -2, max: 2, step: 0.25, value: 1, onInput: (x) => lab.set({ x }) }),
    show: choice({ name: "show", label: "shown", options: [["output", "output f"], ["loss", "loss ½(f − 1)²"]],
      value: "output", onChange: (show) => lab.set({ show }) }),
    turn: slider({ name: "turn", label: "turn", min: -80, max: 80, step: 5, value: 30, show: (t) => `${t}°`,
      onInput: (turn) => lab.set({ turn }) }),
  };
  const show = button({ name: "counterexample", label: "Counterexample", onClick: () => {
    const [[a1, a2], [b1, b2]] = surface.counterexample;
    lab.set({ a1, a2, b1, b2 });
  } });
  const most = lab.present ? 430 : 350;
  const ready = (draw) => (plot) => surface && line && draw(plot, surface, line, lab);
  const plots = [
    new Plot({ label: "The function from above, with the points a and b", testid: "map", x: REACH, y: REACH,
      xLabel: "w₁", yLabel: "w₂", aspect: 0.9, most, draw: ready(drawMap) }),
    new Plot({ label: "The function in space", testid: "space", x: [-1, 1], y: [-1, 1], bare: true, aspect: 0.9,
      most, draw: ready(drawSpace) }),
    new Plot({ label: "The function on the line from a to b, with its chord", testid: "line", x: [-0.2, 1.2], y: [0, 1],
      xTicks: [], xLabel: "from a to b", aspect: 0.9, most, draw: ready(drawLine) }),
  ];
  const formula = el("p", { class: "formula", "data-testid": "formula" });
  const verdict = el("div", { "data-testid": "verdict" });
  const here = el("div", { "data-testid": "here" });
  place.append(panel(controls.relu, controls.x, controls.show, controls.turn, show), formula,
    el("div", { class: "three" }, ...plots.map((plot) => plot.node)),
    el("div", { class: "columns" }, verdict, here));

  return {
    async update(state) {
      for (const [name, control] of Object.entries(controls)) control.set(state[name]);
      const { relu, x, show: what } = state;
      const [a, b] = ends(state);
      formula.replaceChildren(...formulaOf(state));
      [surface, line] = await Promise.all([
        lab.ask("saddle/surface", { relu, x: within(x, [-2, 2]), show: what }),
        lab.ask("saddle/line", { relu, x: within(x, [-2, 2]), show: what, a, b })]);
      const values = [...line.values, line.chord];
      const room = 0.12 * (Math.max(...values) - Math.min(...values)) || 1;
      plots[2].set({ y: [Math.min(...values) - room, Math.max(...values) + room] });
      plots[0].redraw();
      plots[1].redraw();
      verdict.replaceChildren(...judged(surface));
      if (surface.rule) verdict.append(el("p", { class: "note" }, `Where the rules stop: ${surface.rule}`));
      show.node.hidden = !surface.counterexample;
      here.replaceChildren(...seen(surface, line));
    },
  };
}

const minus = (text) => text.replaceAll("-", "−");
const snapped = (w) => within(Math.round(w * GRID) / GRID, REACH);
const ends = ({ a1, a2, b1, b2 }) => [[a1, a2].map(snapped), [b1, b2].map(snapped)];
const sub = (letter, index) => [el("i", {}, letter), el("sub", {}, index)];

function formulaOf({ relu, x, show }) {
  const f = [el("i", {}, "f"), "(", ...sub("w", "1"), ", ", ...sub("w", "2"), ") = ", ...sub("w", "2"), " ",
    relu ? "relu(" : "(", ...sub("w", "1"), " ", el("i", {}, "x"), ") with ", el("i", {}, "x"), ` = ${minus(String(x))}`];
  return show === "loss" ? [...f, ", and its loss ½ (", el("i", {}, "f"), " − 1)²"] : f;
}

function drawMap(plot, { w, values }, line, lab) {
  const most = Math.max(...values.flat().map(Math.abs)) || 1;
  const half = (w[1] - w[0]) / 2;
  const sides = [REACH[0] - half, REACH[1] + half];
  plot.heat(values, sides, sides, (value) => signedColor((0.85 * value) / most));
  drawSigns(plot, w, values, most);
  const [a, b] = ends(lab.state);
  plot.line([a, b]);
  plot.dots([[(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]], { kind: line.rise > 0 ? "vermilion" : "green", shape: "diamond", radius: 6 });
  for (const [key, at] of [["a", a], ["b", b]]) {
    plot.text(...at, key, { kind: "strong", dx: 0.8, dy: -0.5 });
    plot.handle(key, { x: at[0], y: at[1], label: `point ${key}`, testid: `point-${key}`, bounds: { x: REACH, y: REACH },
      onMove: ([w1, w2]) => lab.set({ [`${key}1`]: snapped(w1), [`${key}2`]: snapped(w2) }),
      onRelease: () => lab.say(plainly(line)) });
  }
}

// Signs here and there: colours alone would look the same in grey.
function drawSigns(plot, w, values, most) {
  for (let i = 3; i < w.length; i += 6) {
    for (let j = 3; j < w.length; j += 6) {
      const value = values[i][j];
      if (Math.abs(value) > 0.04 * most) {
        plot.text(w[j], w[i], value > 0 ? "+" : "−", { kind: "sign", anchor: "middle", dy: 0.35 });
      }
    }
  }
}

function drawSpace(plot, { w, values }, line, lab) {
  const all = values.flat();
  const most = Math.max(...all.map(Math.abs)) || 1;
  const z = Math.min(...all) < 0 ? [-most, most] : [0, most];
  const see = view({ x: REACH, y: REACH, z }, within(lab.state.turn, [-80, 80]));
  const some = w.filter((_, k) => k % 2 === 0);
  relief(plot, see, some, some, values.filter((_, i) => i % 2 === 0).map((row) => row.filter((_, j) => j % 2 === 0)));
  const [a, b] = ends(lab.state);
  const at = (t) => [0, 1].map((k) => (1 - t) * a[k] + t * b[k]);
  const on = line.t.map((t, k) => [t, line.values[k]]).filter(([t]) => t >= 0 && t <= 1);
  lineInSpace(plot, see, on.map(([t, value]) => [...at(t), value]), "blue");
  lineInSpace(plot, see, [[...a, line.f_a], [...b, line.f_b]], "dashed");
  lineInSpace(plot, see, [[...at(0.5), line.chord], [...at(0.5), line.f_middle]], line.rise > 0 ? "vermilion" : "green");
  for (const [key, weights, height] of [["a", a, line.f_a], ["b", b, line.f_b]]) {
    const seen = see([...weights, height]).at;
    plot.dots([seen], { radius: 5 });
    plot.text(...seen, key, { kind: "strong", dx: 0.5, dy: -0.5 });
  }
  const corner = (label, k, w1, w2) =>
    plot.text(...see([w1, w2, values[k].at(k ? 0 : -1)]).at, label, { kind: "soft", anchor: "middle", dy: 1.1 });
  corner("large w₁", 0, REACH[1], REACH[0]);
  corner("large w₂", w.length - 1, REACH[0], REACH[1]);
}

function drawLine(plot, surface, line) {
  plot.line(line.t.map((t, k) => [t, line.values[k]]), "blue");
  chordMarks(plot, line, 0, 1);
  for (const [key, t, height] of [["a", 0, line.f_a], ["b", 1, line.f_b]]) {
    plot.dots([[t, height]], { radius: 5 });
    plot.text(t, height, key, { kind: "strong", anchor: "middle", dy: -0.7 });
  }
}

// What these two points show.
function seen({ convex }, { exact, rise, proof }) {
  const facts = [["f(a), f(b)", `${exact.f_a}, ${exact.f_b}`], ["chord at the midpoint", exact.chord], ["f(midpoint)", exact.f_middle]];
  const list = el("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, minus(value))]));
  if (proof) {
    return [list, el("p", {}, el("strong", {}, `${proof.gap} above the chord`),
      `: these two points prove that the function is not convex, verified in ${proof.arithmetic} arithmetic.`)];
  }
  const where = rise < 0 ? "below" : "on";
  const more = convex ? "as everywhere." : "so these points prove nothing. Others do.";
  return [list, el("p", {}, `The midpoint is ${where} the chord, ${more}`)];
}

function plainly({ exact, proof }) {
  return `f at the midpoint is ${exact.f_middle}, the chord ${exact.chord}: ${proof ? "a counterexample" : "no counterexample"}`;
}
