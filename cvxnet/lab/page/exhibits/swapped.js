// Swapped units: the objective along the straight line between two networks, as their units came
// and after matching them.

import { Cancelled } from "../ask.js";
import { button, choice, panel, select, short, slider } from "../controls.js";
import { Plot, el, within } from "../draw.js";

const PAUSE = 300; // milliseconds without a change before Adam is started

export default {
  id: "swapped",
  title: "Swapped units",
  look: "two networks that are equally good, and the worse ones halfway between them. No convex function has that.",
  attempt: "move t and watch the fit break. Then match the units, and take two runs of Adam.",
  sheet: true,
  state: { set: "valley", pair: "optimum", order: "came", t: 0.5, decay: 0.1, width: 8, seed: 0, other: 1 },
  options: { set: ["valley", "hill", "wave"], pair: ["optimum", "adam"], order: ["came", "matched"] },
  mount,
};

function mount(place, lab) {
  let found = null;
  let proof = null; // of the question asked; it takes longer than the picture
  let asked = "";
  let running = null;
  let waiting = 0;
  const change = (name) => (value) => lab.set({ [name]: value });
  const number = (name, label, min, max) => slider({ name, label, min, max, step: 1, value: min, onInput: change(name) });
  const controls = {
    pair: choice({ name: "pair", label: "networks", value: "optimum", onChange: change("pair"),
      options: [["optimum", "the optimum and its swap"], ["adam", "two runs of Adam"]] }),
    set: select({ name: "set", label: "data", value: "valley", onChange: change("set"),
      options: [["valley", "valley"], ["hill", "hill"], ["wave", "wave"]] }),
    decay: slider({ name: "decay", label: "weight decay β", min: 0.01, max: 1, log: true, value: 0.1, onInput: change("decay") }),
    width: number("width", "width", 2, 32),
    seed: number("seed", "seed of a", 0, 20),
    other: number("other", "seed of b", 0, 20),
    order: choice({ name: "order", label: "units", value: "came", onChange: change("order"),
      options: [["came", "as they came"], ["matched", "matched"]] }),
    t: slider({ name: "t", label: "t, from a to b", min: 0, max: 1, step: 0.025, value: 0.5, onInput: change("t") }),
  };
  const stop = button({ name: "stop", label: "Cancel", onClick: () => running?.cancel() });
  const ready = (draw) => (plot) => found && draw(plot, found, lab.state, lab);
  const most = lab.present ? 380 : 340;
  const plots = [
    new Plot({ label: "Objective along the line from a to b", testid: "line", x: [-0.04, 1.04], y: [0, 1], aspect: 0.9, most,
      xLabel: "t", yLabel: "objective", draw: ready(drawLine) }),
    new Plot({ label: "Data and the network at t", testid: "fit", x: [-2.5, 2.5], y: [0, 1], aspect: 0.9, most,
      xLabel: "x", yLabel: "network at t", draw: ready(drawFit) }),
    new Plot({ label: "Hidden weight and bias of each unit", testid: "units", x: [-1, 1], y: [-1, 1], aspect: 0.9, most,
      xLabel: "weight w", yLabel: "bias b", draw: ready(drawUnits) }),
  ];
  const status = el("p", { class: "status", "data-testid": "status" });
  const said = el("div", { class: "columns", "data-testid": "said" });
  place.append(panel(...Object.values(controls), stop), status,
    el("div", { class: "three" }, ...plots.map((plot) => plot.node)), said);

  function redraw() {
    if (!found) return;
    const bounds = ranges(found);
    plots.forEach((plot, k) => plot.set(bounds[k]));
    said.replaceChildren(...sentences(found, proof));
  }

  function answered(answer, question) {
    if (question !== asked) return;
    found = { ...answer, pair: lab.state.pair };
    proof = answer.proof ?? proof;
    status.textContent = "";
    stop.node.hidden = true;
    redraw();
    lab.say(`highest between: ${short(Math.max(...answer.came.values))}`);
  }

  function failed(error, question) {
    if (question !== asked) return;
    status.textContent = error instanceof Cancelled ? "Cancelled." : error.message;
    stop.node.hidden = true;
  }

  // Adam takes seconds: it is started when nothing has changed for a moment.
  function train(question) {
    const key = asked;
    status.textContent = "Adam is training both networks …";
    waiting = setTimeout(() => {
      running = lab.askLong("swapped/trained", question, ({ doing }) => (status.textContent = `${doing} …`));
      stop.node.hidden = false;
      running.answer.then((answer) => answered(answer, key), (error) => failed(error, key));
    }, PAUSE);
  }

  function solve(question) {
    const key = asked;
    lab.ask("swapped/optimum", question).then((answer) => answered(answer, key), (error) => failed(error, key));
    lab.ask("swapped/proof", question).then((answer) => {
      if (key !== asked) return;
      proof = answer.proof;
      redraw();
    });
  }

  stop.node.hidden = true;
  return {
    update(state) {
      for (const [name, control] of Object.entries(controls)) control.set(state[name]);
      const adam = state.pair === "adam";
      for (const name of ["width", "seed", "other"]) controls[name].node.classList.toggle("idle", !adam);
      const question = questionOf(state);
      if (asked !== JSON.stringify([adam, question])) {
        asked = JSON.stringify([adam, question]);
        proof = null;
        running?.cancel();
        clearTimeout(waiting);
        if (adam) train(question);
        else solve(question);
      }
      redraw();
    },
    destroy() {
      asked = "";
      clearTimeout(waiting);
      running?.cancel();
    },
  };
}

function questionOf({ set, pair, decay, width, seed, other }) {
  const problem = { set, decay: within(decay, [0.01, 1]) };
  if (pair !== "adam") return problem;
  return { ...problem, width: within(Math.round(width), [2, 32]), seed: within(Math.round(seed), [0, 99]),
    other: within(Math.round(other), [0, 99]) };
}

const orderOf = (found, { order }) => found[order === "matched" ? "matched" : "came"];
const stopOf = (found, { t }) => Math.round(within(t, [0, 1]) * (found.t.length - 1));

function ranges(found) {
  const wide = (values, share = 0.08) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = share * (high - low) || 1;
    return [low - room, high + room];
  };
  const units = [...found.one, ...found.came.units];
  return [{ y: [0, 1.2 * Math.max(...found.came.values, ...found.matched.values)] },
    { y: wide([...found.y, ...found.came.functions.flat()]) },
    { x: wide(units.map(([w]) => w), 0.15), y: wide(units.map(([, b]) => b), 0.15) }];
}

function drawLine(plot, found, state, lab) {
  const pair = (line) => found.t.map((t, k) => [t, line.values[k]]);
  const chosen = orderOf(found, state);
  plot.line([[0, found.lower], [1, found.lower]], "thin dotted");
  plot.line(pair(found.came), "vermilion");
  plot.line(pair(found.matched), "green dashed");
  const top = found.came.values.indexOf(Math.max(...found.came.values));
  const right = found.t[top] > 0.7;
  plot.text(found.t[top], found.came.values[top], "as they came", { kind: "vermilion", anchor: right ? "end" : "middle", dy: -1 });
  plot.text(0.5, Math.max(...found.matched.values), "matched", { kind: "green", anchor: "middle", dy: -0.7 });
  const k = stopOf(found, state);
  plot.text(0, found.came.f_a, "a", { kind: "strong", dx: 0.5, dy: -0.8 });
  plot.text(1, found.came.f_b, "b", { kind: "strong", anchor: "end", dx: -0.5, dy: -0.8 });
  plot.dots([[0, found.came.f_a]]);
  plot.dots([[1, found.came.f_b]], { kind: "orange", shape: "triangle" });
  plot.handle("t", { x: found.t[k], y: chosen.values[k], label: "place t on the line", testid: "place", shape: "diamond", radius: 7,
    bounds: { x: [0, 1] }, onMove: ([t]) => lab.set({ t: stepped(t, state.t) }),
    onRelease: () => lab.say(`objective ${short(chosen.values[k])}`) });
}

// An arrow key moves by one place on the line, though that is more than its hundredth.
function stepped(t, before) {
  const step = 1 / 40;
  const moved = Math.round(t / step) * step;
  return moved === before && t !== before ? within(before + Math.sign(t - before) * step, [0, 1]) : moved;
}

function drawFit(plot, found, state) {
  const curve = (values) => found.grid.map((x, k) => [x, values[k]]);
  const { functions } = orderOf(found, state);
  plot.line(curve(functions[0]), "soft dashed");
  plot.line(curve(functions.at(-1)), "soft dotted");
  plot.line(curve(functions[stopOf(found, state)]), "blue");
  plot.dots(found.x.map((x, k) => [x, found.y[k]]));
}

function drawUnits(plot, found, state) {
  const { units } = orderOf(found, state);
  const t = found.t[stopOf(found, state)];
  const place = ([w, b]) => [w, b];
  const hollow = ([, , a]) => (a < 0 ? "stroked" : "");
  found.one.forEach((one, k) => plot.line([place(one), place(units[k])], "thin soft"));
  for (const one of found.one) plot.dots([place(one)], { kind: hollow(one), radius: 6 });
  for (const one of units) plot.dots([place(one)], { kind: `orange ${hollow(one)}`, shape: "triangle", radius: 4.5 });
  plot.dots(found.one.map((one, k) => [0, 1].map((c) => (1 - t) * one[c] + t * units[k][c])),
    { kind: "blue", shape: "diamond", radius: 4 });
}

function sentences({ pair, came, matched, lower, status }, proof) {
  const worse = (line) => (line.barrier > 1e-9 ? `${short(line.barrier)} above the worse end` : "no higher than the ends");
  const optimal = pair === "optimum" && status === "optimal" ? ", both proved optimal" : "";
  const rows = [
    ["a and b", `${short(came.f_a)} and ${short(came.f_b)}${optimal}`],
    ["every network", `not below ${short(lower)}, proved`],
    ["as they came", worse(came)],
    ["matched", worse(matched)],
  ];
  const facts = el("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
  const why = pair === "optimum"
    ? "a and b are one function: only the order of the units differs. Halfway, each unit is the mean of two that have nothing to do with one another."
    : "a and b come from different seeds. Matching pairs the units that are most alike; in wide networks little is then left between the two.";
  const key = "Units: ● of a, ▲ of b, ◆ at t; hollow ones are subtracted.";
  return [facts, el("div", {}, el("p", {}, why), ...refuted(proof), el("p", { class: "note" }, key))];
}

function refuted(proof) {
  if (!proof) return [];
  return [el("p", { "data-testid": "proof" }, el("span", { class: "no" }, "✗ Not convex in the weights"),
    `: midway the objective is ${proof.gap} above the chord, verified in ${proof.arithmetic} arithmetic.`)];
}
