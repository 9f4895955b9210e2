// One weight: a function, two points on it that can be dragged, and the chord between them.

import { chordMarks, judged } from "../chord.js";
import { button, panel, select, short } from "../controls.js";
import { Plot, el, within } from "../draw.js";

const REACH = [-3, 3];
const NEAR = 2; // what is always in view
const FUNCTIONS = [
  ["square", "w²"], ["absolute", "|w|"], ["relu", "relu(w)"], ["softplus", "log(1 + exp w)"],
  ["line", "w / 2 + 1"], ["sine", "sin w"], ["well", "(w² − 1)²"],
  ["valleys", "min(|w − 1|, |w + 1|)"], ["gelu", "GELU(w)"],
];

export default {
  id: "one-weight",
  title: "One weight",
  look: "the chord between two points of the graph. Between the two a convex function is nowhere above it.",
  attempt: "drag a and b. For sin w, find a chord below the curve and a chord above it. Which of the two proves something?",
  state: { f: "square", a: -1, b: 2 },
  options: { f: FUNCTIONS.map(([name]) => name) },
  mount,
};

function mount(place, lab) {
  let found = null;
  const functions = select({ name: "f", label: "f(w) =", options: FUNCTIONS, value: lab.state.f,
    onChange: (f) => lab.set({ f }) });
  const show = button({ name: "counterexample", label: "Show the counterexample",
    onClick: () => lab.set({ a: found.verdict.counterexample.a, b: found.verdict.counterexample.b }) });
  const plot = new Plot({ label: "The function with its chord", testid: "plot", x: REACH, y: [0, 1],
    xLabel: "weight w", yLabel: "f(w)", draw: () => found && drawChord(plot, found, ends(lab.state), lab) });
  const verdict = el("div", { "data-testid": "verdict" });
  const here = el("p", { "data-testid": "here" });
  const facts = el("dl", { class: "facts" });
  place.append(panel(functions, show),
    el("div", { class: "columns" }, plot.node, el("div", {}, verdict, facts, here)));

  return {
    async update(state) {
      functions.set(state.f);
      const [a, b] = ends(state);
      found = await lab.ask("one-weight/chord", { f: state.f, a, b });
      plot.set({ y: view(found), yLabel: `f(w) = ${formulaOf(state.f)}` });
      verdict.replaceChildren(...judged(found.verdict));
      show.node.hidden = !found.verdict.counterexample;
      facts.replaceChildren(...numbers(found));
      here.textContent = seen(found);
    },
  };
}

const formulaOf = (f) => FUNCTIONS.find(([name]) => name === f)[1];
const ends = ({ a, b }) => [within(a, REACH), within(b, REACH)];

function view({ w, values, f_a, f_b }) {
  const near = values.filter((_, k) => Math.abs(w[k]) <= NEAR);
  const [low, high] = [Math.min(...near, f_a, f_b), Math.max(...near, f_a, f_b)];
  const room = 0.12 * (high - low);
  return [low - room, high + room];
}

function drawChord(plot, found, [a, b], lab) {
  plot.line(found.w.map((w, k) => [w, found.values[k]]), "blue");
  chordMarks(plot, found, a, b);
  for (const [key, at, height, to] of [["a", a, found.f_a, (x) => lab.set({ a: x })],
    ["b", b, found.f_b, (x) => lab.set({ b: x })]]) {
    plot.text(at, height, key, { kind: "strong", anchor: "middle", dy: -1.1 });
    plot.handle(key, { x: at, y: height, label: `end ${key} of the chord`, testid: `end-${key}`,
      bounds: { x: REACH }, onMove: ([x]) => to(x), onRelease: () => lab.say(seen(found)) });
  }
}

function numbers({ f_a, f_b, f_middle, chord }) {
  return [["f(a), f(b)", `${short(f_a)}, ${short(f_b)}`], ["f(midpoint)", short(f_middle)],
    ["chord at the midpoint", short(chord)]]
    .flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
}

// What these two ends show, and what they do not.
function seen({ rise, verdict }) {
  const size = short(Math.abs(rise));
  if (rise > 0) return `The midpoint is ${size} above the chord: no convex function can be there.`;
  const where = rise < 0 ? `${size} below the chord` : "on the chord";
  return verdict.convex
    ? `The midpoint is ${where}. For this function none is above, whatever the chord.`
    : `The midpoint is ${where}, as it may be for convex functions. One such chord proves nothing: for other ends it is different.`;
}
