// SGD beside it: many seeds on their way down, and the proved optimum that none of them passes.

import { button, panel, select, short, slider } from "../controls.js";
import { Cancelled } from "../ask.js";
import { MARKERS, Plot, el } from "../draw.js";

const SETS = [["waves", "waves"], ["sine", "sine, a curve"], ["hat", "hat, a curve"], ["moons", "two moons"],
  ["rings", "rings"], ["spiral", "spiral"], ["blobs", "three blobs"]];
const OPTIMIZERS = [["sgd", "SGD with momentum"], ["adam", "Adam"], ["lbfgs", "L-BFGS"]];
const KINDS = { sgd: ["blue", 0], adam: ["orange", 1], lbfgs: ["purple", 3] };
const BATCHES = [["0", "all samples a step"], ["16", "16 samples a step"]];
const FLOOR = 1e-7; // less than that above the bound is drawn at its line
const TOP = 10;
const MARKS = [[1, "100 %"], [1e-1, "10 %"], [1e-2, "1 %"], [1e-3, "0.1 %"], [1e-4, "0.01 %"], [1e-5, "0.001 %"], [1e-6, "10⁻⁴ %"]];

export default {
  id: "sgd",
  title: "SGD beside it",
  look: "where the runs end. No network of any width is below the green line: that is proved.",
  attempt: "run width 4, then 10, then 50. How many of ten seeds come within 1 % of the optimum?",
  state: { set: "waves", draw: 0, n: 40, beta: 0.1, optimizer: "adam", width: 8, seeds: 10, epochs: 600, batch: "0" },
  sheet: true,
  mount,
};

function mount(place, lab) {
  const view = { bracket: null, paths: new Map(), tuning: false, epochs: lab.state.epochs, optimizer: "" };
  const finished = []; // the runs of this problem: one column of dots each
  let problem = "";
  let running = null;
  const change = (name) => (to) => lab.set({ [name]: to });
  const controls = {
    set: select({ name: "set", label: "Data", options: SETS, value: lab.state.set, onChange: change("set") }),
    beta: slider({ name: "beta", label: "Weight decay β", min: 0.01, max: 2, log: true, value: lab.state.beta, onInput: change("beta") }),
    optimizer: select({ name: "optimizer", label: "Optimiser", options: OPTIMIZERS, value: lab.state.optimizer, onChange: change("optimizer") }),
    batch: select({ name: "batch", label: "Batch", options: BATCHES, value: lab.state.batch, onChange: change("batch") }),
    width: slider({ name: "width", label: "Width", min: 1, max: 60, step: 1, value: lab.state.width, show: String, onInput: change("width") }),
    seeds: slider({ name: "seeds", label: "Seeds", min: 1, max: 20, step: 1, value: lab.state.seeds, show: String, onInput: change("seeds") }),
  };
  const start = button({ name: "run", label: "Run", primary: true, onClick: () => run() });
  const cancel = button({ name: "cancel", label: "Cancel", onClick: () => running?.cancel() });
  const clear = button({ name: "clear", label: "Clear", onClick: () => { finished.length = 0; redraw(); } });
  const status = el("p", { class: "verdict", role: "status", "data-testid": "status" });
  const ways = new Plot({ label: "The objective of every run on its way", testid: "ways", x: [0, 3], y: scale(), aspect: 0.72, most: 520,
    yTicks: [], xLabel: "epochs (of L-BFGS: evaluations)", yLabel: " ", draw: () => drawWays(ways, view) });
  const strip = new Plot({ label: "Where every run ended", testid: "strip", x: [-0.5, 0.5], y: scale(), aspect: 0.72, most: 520,
    xTicks: [], yTicks: [], xLabel: "width", yLabel: " ", draw: () => drawStrip(strip, finished) });
  const table = el("div", { class: "scrolls" });
  place.append(panel(controls.set, controls.beta), panel(controls.optimizer, controls.batch, controls.width, controls.seeds, start, cancel, clear),
    status, el("div", { class: "columns" }, figure(ways, "On the way: how far above the proved bound"), figure(strip, "Where they ended")), table);

  function question() {
    const { set, draw, n, beta, optimizer, width, seeds, epochs, batch } = lab.state;
    return { set, draw, n, beta, optimizer, width, seeds, epochs, batch: Number(batch) };
  }

  function hear(news) {
    if ("lower" in news) {
      view.bracket = [news.lower, news.upper];
      say("working", "First the exact optimum, and its proof");
    } else {
      if ((news.stream === "tuning") !== view.tuning) view.paths.clear();
      view.tuning = news.stream === "tuning";
      say("working", view.tuning ? "Choosing the learning rate on other seeds" : "The runs that count");
      news.seeds.forEach((seed, k) => follow(view.tuning ? k : seed, news.epoch, news.objective[k]));
    }
    ways.redraw();
  }

  function follow(key, epoch, objective) {
    if (!view.paths.has(key)) view.paths.set(key, []);
    if (objective !== null) view.paths.get(key).push([epoch, objective]);
  }

  async function run() {
    running?.cancel();
    const asked = question();
    Object.assign(view, { bracket: null, paths: new Map(), tuning: false, epochs: asked.epochs, optimizer: asked.optimizer });
    const mine = (running = lab.askLong("sgd/run", asked, (news) => running === mine && hear(news)));
    say("working", "Starting");
    try {
      const answer = await mine.answer;
      if (running === mine) finish(asked, answer);
    } catch (error) {
      if (running !== mine) return;
      running = null;
      say("stopped", error instanceof Cancelled ? "Cancelled" : error.message);
    }
  }

  function finish(asked, answer) {
    running = null;
    view.bracket = [answer.lower, answer.upper];
    view.paths = new Map(answer.seeds.map((seed, k) =>
      [seed, answer.curves[k].map((f, i) => [answer.epochs[k][i], f]).filter(([, f]) => f !== null)]));
    const old = finished.findIndex((one) => keyOf(one.asked) === keyOf(asked));
    if (old >= 0) finished.splice(old, 1);
    finished.push({ asked, answer });
    finished.sort((a, b) => a.asked.optimizer.localeCompare(b.asked.optimizer) || a.asked.width - b.asked.width);
    const words = `${nameOf(asked)}, width ${asked.width}: ${countOf(answer, 0)} within 1 % of the optimum`;
    say("done", words);
    lab.say(words);
    redraw();
  }

  function say(stage, words) {
    status.textContent = words;
    status.dataset.stage = stage;
    cancel.enable(stage === "working");
  }

  function redraw() {
    ways.set({ x: [0, 1.03 * Math.log10(Math.max(view.epochs, 10))], xTicks: [] });
    strip.set({ x: [-0.6, Math.max(finished.length, 1) - 0.4] });
    table.replaceChildren(...(finished.length ? [tableOf(finished)] : []));
    clear.enable(finished.length > 0);
  }

  say("idle", "Run: ten networks from ten seeds, and the proved optimum beside them");
  return {
    update(state) {
      for (const [name, control] of Object.entries(controls)) control.set(state[name]);
      const now = [state.set, state.draw, state.n, state.beta].join();
      if (now !== problem) { // another problem has another optimum
        problem = now;
        finished.length = 0;
        view.bracket = null;
        view.paths.clear();
        if (running) running.cancel();
      }
      redraw();
    },
    destroy() {
      const before = running;
      running = null;
      before?.cancel();
    },
  };
}

const nameOf = ({ optimizer }) => OPTIMIZERS.find(([name]) => name === optimizer)[1];
const keyOf = ({ optimizer, width, batch }) => [optimizer, width, batch].join();

function figure(plot, title) {
  return el("div", {}, el("h2", {}, title), plot.node);
}

// How many seeds are within a tolerance: known, or from how many to how many.
function countOf({ within, seeds }, k) {
  const [, least, most] = within[k];
  return `${least === most ? least : `${least} to ${most}`} of ${seeds.length}`;
}

function tableOf(finished) {
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
function scale() {
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

function drawWays(plot, { bracket, paths, tuning }) {
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

function drawStrip(plot, finished) {
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
