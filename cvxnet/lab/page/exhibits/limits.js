// What a proved optimum does not say. Three series of real trainings, each told row by row.

import { button, choice, panel, select, short, slider } from "../controls.js";
import { Plot, el } from "../draw.js";
import { VIEWS } from "./limits_views.js";

export default {
  id: "limits",
  title: "What it does not say",
  sheet: true,
  look: "each mark is a training with its bracket, proved or open. The bracket is about the samples that were trained on, and about nothing else.",
  attempt: "find the weight decay with the least error on new samples. Would the bracket have told you?",
  state: { view: "error", seed: 1, noise: 0.35, n: 30, share: "0.1", seconds: "2", at: -1 },
  options: { view: ["error", "wide", "bracket"] },
  mount,
};

function mount(place, lab) {
  const series = new Series(place, lab);
  return { update: () => series.update(), destroy: () => series.job?.cancel() };
}

class Series {
  constructor(place, lab) {
    Object.assign(this, { place, lab, rows: [], head: {}, end: null, asked: "" });
    const most = lab.present ? 470 : 360;
    const plot = (testid, draw) => new Plot({ label: "", x: [0, 1], y: [0, 1], testid, aspect: 0.75, most,
      draw: (p) => this.rows.length && draw(p) });
    this.trend = plot("trend", (p) => this.view.trend(p, this));
    this.detail = plot("detail", (p) => this.view.detail(p, this));
    this.panel = el("div");
    this.words = el("p", { class: "said", "data-testid": "said" });
    this.facts = el("p", { class: "note", "data-testid": "facts" });
    this.news = el("p", { class: "note", role: "status", "data-testid": "news" });
    place.append(this.panel, this.words,
      el("div", { class: "columns" }, this.trend.node, this.detail.node), this.facts, this.news);
    this.makeControls();
  }

  makeControls() {
    const set = (name) => (value) => this.lab.set({ [name]: value, at: -1 });
    const { state } = this.lab;
    this.controls = {
      view: choice({ name: "view", label: "series", value: state.view, onChange: set("view"),
        options: [["error", "new samples"], ["wide", "wide data"], ["bracket", "open brackets"]] }),
      noise: slider({ name: "noise", label: "noise", min: 0, max: 1, step: 0.05, value: state.noise, onInput: set("noise") }),
      n: slider({ name: "n", label: "samples", min: 10, max: 60, step: 5, value: state.n, onInput: set("n") }),
      share: select({ name: "share", label: "share of the largest useful β", value: state.share,
        onChange: set("share"), options: ["0.3", "0.1", "0.03"].map((each) => [each, each]) }),
      seconds: select({ name: "seconds", label: "seconds for each", value: state.seconds, onChange: set("seconds"),
        options: ["1", "2", "5"].map((each) => [each, each]) }),
      at: slider({ name: "at", label: "shown", min: 0, max: 1, step: 1, value: 0, onInput: (at) => this.lab.set({ at }) }),
      again: button({ name: "again", label: "Other samples", onClick: () => this.lab.set({ seed: this.lab.state.seed + 1, at: -1 }) }),
      stop: button({ name: "stop", label: "Stop", onClick: () => this.stop() }),
    };
    this.panel.append(panel(...Object.values(this.controls)));
  }

  get view() {
    return VIEWS[this.lab.state.view] ?? VIEWS.error;
  }

  // The row that is shown: the one that was asked for, or the one that the view finds telling.
  get shown() {
    const { at } = this.lab.state;
    return at >= 0 && at < this.rows.length ? at : this.view.telling(this.rows);
  }

  update() {
    const { state } = this.lab;
    const names = ["view", ...this.view.controls, "at", "again"];
    for (const [name, control] of Object.entries(this.controls)) {
      if (name !== "view" && name !== "stop") control.node.classList.toggle("unused", !names.includes(name));
      if (name in state && name !== "at") control.set(state[name]);
    }
    const question = this.view.question(state);
    const wanted = JSON.stringify([state.view, question]);
    if (wanted === this.asked) return this.draw();
    this.asked = wanted;
    clearTimeout(this.soon); // a slider that is still moving asks nothing
    this.job?.cancel();
    this.soon = setTimeout(() => this.run(question), 250);
    return undefined;
  }

  async run(question) {
    Object.assign(this, { rows: [], head: {}, end: null });
    this.controls.stop.enable(true);
    this.draw();
    const job = this.lab.askLong(`limits/${this.view.name}`, question, (news) => {
      if ("upper" in news) this.rows.push(news);
      else this.head = news;
      this.news.textContent = `Training ${this.rows.length} of ${this.head.count} …`;
      this.draw();
    });
    this.job = job;
    try {
      this.end = await job.answer;
      this.news.textContent = "";
      this.lab.say(`${this.rows.length} trainings done. ${this.words.textContent}`);
    } finally {
      if (this.job === job) {
        this.controls.stop.enable(false);
        this.draw();
      }
    }
  }

  stop() {
    this.job?.cancel();
    this.news.textContent = `Stopped after ${this.rows.length} of ${this.head.count} trainings.`;
  }

  draw() {
    const { rows, view } = this;
    const input = this.controls.at.node.querySelector("input");
    input.max = Math.max(rows.length - 1, 1);
    this.controls.at.set(Math.max(this.shown, 0));
    this.controls.at.node.querySelector("output").textContent = rows.length ? view.name_of(rows[this.shown]) : "";
    input.setAttribute("aria-valuetext", rows.length ? view.name_of(rows[this.shown]) : "");
    this.words.textContent = view.words(this);
    this.facts.textContent = rows.length ? `${view.name_of(rows[this.shown])}: ${bracketOf(rows[this.shown])}` : "";
    this.trend.set({ label: view.labels[0], ...view.trendRange(this) });
    this.detail.set({ label: view.labels[1], ...(rows.length ? view.detailRange(this) : {}) });
  }
}

function bracketOf({ lower, upper, gap, closed, units }) {
  const number = (value) => Number(value.toPrecision(6)).toString().replace("-", "−");
  const width = `${closed ? "closed" : "open"}, gap ${short(100 * gap)} %`;
  return `${number(lower)} ≤ optimum ≤ ${number(upper)} (${width}), ${units} ${units === 1 ? "unit" : "units"}.`;
}
