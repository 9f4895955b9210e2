// The plane: points in a square, and the proved optimum for them.

import { button, choice, panel, select, slider } from "../controls.js";
import { el, within } from "../draw.js";
import { Board } from "./plane_board.js";
import { bracketPlot, factsPanel } from "./plane_facts.js";
import { MOST, classesOf, decode, encode, rounded } from "./plane_points.js";
import { Solver } from "./plane_solver.js";
import { acceptDrops, tableDialog } from "./plane_table.js";

const KINDS = [["classes", "classes"], ["values", "values over two features"], ["curve", "a curve"]];
const SETS = {
  classes: [["moons", "two moons"], ["xor", "XOR"], ["rings", "rings"], ["spiral", "spiral"], ["lines", "two lines"], ["blobs", "three blobs"]],
  values: [["waves", "waves"], ["bowl", "bowl"]],
  curve: [["sine", "sine"], ["step", "step"], ["hat", "hat"]],
};
const OWN = ["own", "your own points"];
const UNITS = [["relu", "ReLU"], ["leaky_relu", "leaky ReLU"], ["abs", "absolute value"], ["squared_relu", "squared ReLU"],
  ["threshold", "threshold"], ["sign", "sign"], ["tanh", "tanh"], ["quadratic", "quadratic"], ["linear", "linear"]];
const NARROW = ["relu", "leaky_relu", "abs", "threshold", "sign", "linear"]; // of these one may ask for so many
const WIDTHS = [["0", "any number"], ...[1, 2, 3, 4, 5, 6, 7, 8].map((m) => [String(m), `at most ${m}`])];
const BETA = [0.001, 20];
const LEGENDS = {
  classes: "Colour and hatching: the surest class, paler where it is less sure. Solid line: the border. Dashed: kinks.",
  values: "Orange: above zero. Blue and hatched: below. Solid lines: equal values, 0.25 apart. Dashed: kinks.",
  curve: "Solid line: the network. Dashed: its kinks.",
};
const LOSSES = {
  classes: [["logistic", "logistic"], ["hinge", "hinge"], ["squared_hinge", "squared hinge"], ["cross_entropy", "cross entropy"]],
  values: [["squared", "squared"], ["absolute", "absolute"], ["huber", "Huber"], ["log_cosh", "log cosh"]],
};
LOSSES.curve = LOSSES.values;

export default {
  id: "plane",
  title: "The plane",
  look: "the network drawn under the points. Once the bracket is closed, no network of any width, or of as many units as you allow, is better: that is proved.",
  attempt: "drag a point into the other class, and raise the weight decay until the last kink line is gone. How many units are worth having?",
  state: { kind: "classes", set: "moons", draw: 0, n: 60, points: "", names: "", units: "relu", width: 0, loss: "logistic", beta: 0.3 },
  sheet: true,
  mount,
};

function mount(place, lab) {
  let loaded = ""; // which points the board has
  const history = [];
  const legend = el("p", { class: "note", "data-testid": "legend" });
  const facts = factsPanel(lab, () => solver.cancel());
  const bracket = bracketPlot(history);
  const board = new Board({ say: lab.say, change });
  const solver = new Solver(lab, show);
  const dialog = tableDialog(lab, ({ kind, points, features, target, labels }) =>
    lab.set({ kind, set: "own", points: encode(kind, points), loss: LOSSES[kind][0][0],
      names: [features[0], features[1] ?? target, ...labels].map((name) => name.replaceAll("|", "/")).join("|") }));
  const controls = makeControls(lab, board, dialog);
  acceptDrops(board.node, dialog);
  place.append(...controls.nodes,
    el("div", { class: "columns" },
      el("div", { class: "square" }, board.node, legend, keys()),
      el("div", {}, controls.points, facts.node, bracket.node)),
    dialog.node);

  function question() {
    const { kind, units, beta } = lab.state;
    const width = widthOf(lab.state, board.points);
    return { kind, points: board.points, units, loss: lossOf(lab.state, board.points), beta, ...(width && { width }) };
  }

  // What keeps it from being a question; empty where nothing does.
  function lacks() {
    if (!board.points.length) return "Click into the square to add a point.";
    if (lab.state.kind === "classes" && classesOf(board.points).length < 2) return "Add a point of another class.";
    return "";
  }

  function change(points, done) {
    if (done) lab.set({ set: "own", points: encode(lab.state.kind, points) });
    else if (!lacks()) solver.quick(question());
  }

  function show(answer, asked, stage) {
    if (asked.kind !== lab.state.kind) return;
    if (stage === "waiting" || stage === "begun") history.length = 0;
    if (stage === "round" || stage === "done") history.push(answer);
    if (answer.picture) board.setPicture(asked.kind, answer.picture, classesOf(asked.points));
    facts.show(answer, asked, stage);
    bracket.redraw();
  }

  async function load(state) {
    const wanted = [state.kind, state.set, state.draw, state.n, state.points].join();
    if (wanted === loaded) return;
    loaded = wanted;
    const own = encode(state.kind, board.points);
    if (state.set === "own") {
      if (board.kind !== state.kind || own !== state.points) board.points = decode(state.kind, state.points);
    } else {
      const { points } = await lab.ask("plane/set", { set: state.set, n: state.n, seed: state.draw });
      if (loaded !== wanted) return;
      board.points = points;
    }
  }

  return {
    async update(state) {
      mend(state);
      await load(state);
      controls.show(state, board.points);
      board.setPoints(state.kind, board.points, labels(state));
      board.repaint();
      legend.textContent = LEGENDS[state.kind];
      const problem = JSON.stringify(question());
      if (problem === solver.problem) return;
      solver.problem = problem;
      const why = lacks();
      if (why) {
        solver.stop();
        board.clearPicture();
        facts.wait(why);
      } else solver.settle(question());
    },
    destroy() {
      solver.stop();
    },
  };
}

// What an address says that cannot be gives way to what is usual.
function mend(state) {
  if (!(state.kind in SETS)) state.kind = "classes";
  if (![...SETS[state.kind], OWN].some(([name]) => name === state.set)) state.set = SETS[state.kind][0][0];
  if (!UNITS.some(([name]) => name === state.units)) state.units = "relu";
  state.n = Math.round(within(state.n, [1, MOST]));
  state.draw = Math.round(within(state.draw, [0, 9999]));
  state.beta = within(state.beta, BETA);
  state.width = Math.round(within(state.width, [0, WIDTHS.length - 1]));
}

// The most units that there may be; 0 for any number, also where one cannot ask.
function widthOf({ kind, units, width }, points) {
  return canBeNarrow(kind, units, points) ? width : 0;
}

function canBeNarrow(kind, units, points) {
  return NARROW.includes(units) && !(kind === "classes" && classesOf(points).length > 2);
}

function lossOf({ kind, loss }, points) {
  if (kind === "classes" && classesOf(points).length > 2) return "cross_entropy";
  return LOSSES[kind].some(([name]) => name === loss) ? loss : LOSSES[kind][0][0];
}

function labels({ kind, names }) {
  const [x, y] = names.split("|");
  if (!names) return kind === "curve" ? ["feature x", "target y"] : ["feature x₁", "feature x₂"];
  return [`${x}, scaled`, `${y ?? "target"}, scaled`];
}

function makeControls(lab, board, dialog) {
  const fresh = { points: "", names: "", draw: 0 };
  const kind = choice({ name: "kind", label: "Points are", options: KINDS, value: lab.state.kind,
    onChange: (to) => lab.set({ ...fresh, kind: to, set: SETS[to][0][0], loss: LOSSES[to][0][0] }) });
  const sets = el("div", { class: "control" });
  const units = select({ name: "units", label: "Units", options: UNITS, value: lab.state.units, onChange: (to) => lab.set({ units: to }) });
  const widths = el("div", { class: "control" });
  const losses = el("div", { class: "control" });
  const beta = slider({ name: "beta", label: "Weight decay β", min: BETA[0], max: BETA[1], log: true, value: lab.state.beta, onInput: (to) => lab.set({ beta: to }) });
  const again = button({ name: "again", label: "Draw anew", onClick: () => lab.set({ draw: lab.state.draw + 1 }) });
  const paste = button({ name: "paste", label: "Paste a table…", onClick: () => dialog.open() });
  const add = button({ name: "add", label: "Add a point", onClick: () => board.addBeside() });
  const remove = button({ name: "remove", label: "Remove the point", onClick: () => board.remove(board.current) });
  const clear = button({ name: "clear", label: "Clear", onClick: () => { board.points = []; board.change([], true); } });
  const classes = choice({ name: "brush", label: "New points:", value: "0",
    options: ["● A", "▲ B", "■ C"].map((text, k) => [String(k), text]), onChange: (to) => { board.brush = Number(to); } });
  const value = slider({ name: "value", label: "Value of new points", min: -1, max: 1, step: 0.1, value: 0.5, onInput: (to) => { board.brush = rounded(to); } });

  let shownKind = "";
  function show(state, points) {
    kind.set(state.kind);
    units.set(state.units);
    beta.set(state.beta);
    const options = [...SETS[state.kind], OWN];
    fill(sets, { name: "set", label: "Set", options, value: state.set,
      onChange: (set) => lab.set(set === "own" ? { set, points: encode(state.kind, board.points) } : { ...fresh, set }) });
    const three = state.kind === "classes" && classesOf(points).length > 2;
    fill(losses, { name: "loss", label: "Loss", options: three ? LOSSES.classes.slice(-1) : LOSSES[state.kind],
      value: lossOf(state, points), onChange: (loss) => lab.set({ loss }) });
    fill(widths, { name: "width", label: "How many units", options: WIDTHS.slice(0, canBeNarrow(state.kind, state.units, points) ? undefined : 1),
      value: widthOf(state, points), onChange: (to) => lab.set({ width: Number(to) }) });
    again.enable(state.set !== "own");
    remove.enable(points.length > 0);
    clear.enable(points.length > 0);
    classes.node.hidden = state.kind !== "classes";
    value.node.hidden = state.kind !== "values";
    if (shownKind !== state.kind) board.brush = state.kind === "values" ? 0.5 : 0;
    if (shownKind !== state.kind) classes.set("0");
    shownKind = state.kind;
  }
  return { nodes: [panel(kind, sets, again, paste), panel(units, widths, losses, beta)],
    points: panel(classes, value, add, remove, clear), show };
}

// A select in a place of its own, anew only where its options are others.
function fill(node, options) {
  const key = JSON.stringify([options.options, options.name]);
  if (node.dataset.key !== key) {
    node.dataset.key = key;
    node.control = select(options);
    node.replaceChildren(node.control.node);
  }
  node.control.set(options.value);
}

function keys() {
  const key = (name) => el("kbd", {}, name);
  return el("p", { class: "note keys" }, "Click: a new point. Drag: move it. Shift and click: remove it. By keyboard: ",
    key("Tab"), " to a point, ", key("←↑→↓"), " move it, ", key("PgUp"), " ", key("PgDn"), " another one, ",
    key("+"), " a new one, ", key("Del"), " remove, ", key("1"), " ", key("2"), " ", key("3"), " its class.");
}
