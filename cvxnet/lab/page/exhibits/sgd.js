// SGD beside it: many seeds on their way down, and the proved optimum that none of them passes.

import { button, panel, select, slider } from "../controls.js";
import { Cancelled } from "../ask.js";
import { Plot, el } from "../draw.js";
import { OPTIMIZERS, drawStrip, drawWays, figure, keyOf, nameOf, scale, tableOf, wordsOf } from "./sgd_picture.js";

const SETS = [["waves", "waves"], ["sine", "sine, a curve"], ["hat", "hat, a curve"], ["moons", "two moons"],
  ["rings", "rings"], ["spiral", "spiral"], ["blobs", "three blobs"]];
const first = ([name]) => name;
const BLOCK = "Grey block: what no network of that width can reach, which is the width's part. Above it: the optimiser's. Pale: whose it is, is not proved.";
const BATCHES = [["0", "all samples a step"], ["16", "16 samples a step"]];

export default {
  id: "sgd",
  title: "SGD beside it",
  look: "where the runs end. No network of any width is below the green line, and none of that width in the grey block: that is proved.",
  attempt: "run width 2, then 4, then 10. Which part of what is missing is the width's, and which is the optimiser's?",
  state: { set: "waves", draw: 0, n: 40, beta: 0.1, optimizer: "adam", width: 8, seeds: 10, epochs: 600, batch: "0" },
  options: { set: SETS.map(first), optimizer: OPTIMIZERS.map(first), batch: BATCHES.map(first) },
  sheet: true,
  mount,
};

function mount(place, lab) {
  const view = { bracket: null, narrow: null, paths: new Map(), tuning: false, epochs: lab.state.epochs, optimizer: "" };
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
    status, el("div", { class: "columns" }, figure(ways, "On the way: how far above the proved bound"), figure(strip, "Where they ended")),
    el("p", { class: "note" }, BLOCK), table);

  function question() {
    const { set, draw, n, beta, optimizer, width, seeds, epochs, batch } = lab.state;
    return { set, draw, n, beta, optimizer, width, seeds, epochs, batch: Number(batch) };
  }

  function hear(news) {
    if ("narrow" in news) {
      view.narrow = news.narrow;
      say("working", `Last, the best of this width: ${news.open} nodes open`);
    } else if ("lower" in news) {
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
    Object.assign(view, { bracket: null, narrow: null, paths: new Map(), tuning: false, epochs: asked.epochs, optimizer: asked.optimizer });
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
    view.narrow = answer.narrow;
    view.paths = new Map(answer.seeds.map((seed, k) =>
      [seed, answer.curves[k].map((f, i) => [answer.epochs[k][i], f]).filter(([, f]) => f !== null)]));
    const old = finished.findIndex((one) => keyOf(one.asked) === keyOf(asked));
    if (old >= 0) finished.splice(old, 1);
    finished.push({ asked, answer });
    finished.sort((a, b) => a.asked.optimizer.localeCompare(b.asked.optimizer) || a.asked.width - b.asked.width);
    const words = `${nameOf(asked)}, width ${asked.width}: ${wordsOf(answer)}`;
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

  say("idle", "Run: a network from each seed, and the proved optimum beside them");
  return {
    update(state) {
      for (const [name, control] of Object.entries(controls)) control.set(state[name]);
      const now = [state.set, state.draw, state.n, state.beta].join();
      if (now !== problem) { // another problem has another optimum
        problem = now;
        finished.length = 0;
        view.bracket = view.narrow = null;
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
