// Questions whose key is a verdict or a bracket of cvxnet. The set is its seed; the answers so far
// stand in the address, too: one letter for each question, "-" where there is none.

import { button, panel } from "../controls.js";
import { Plot, el } from "../draw.js";
import { printed } from "./quiz_sheet.js";

export const LETTERS = "ABCD".split("").concat("E");

export default {
  id: "quiz",
  title: "Quiz",
  sheet: true,
  look: "each answer was proved by cvxnet when the question was made; the reason comes with it.",
  attempt: "answer before you compute, then say in one sentence why, and only then look at the reason.",
  state: { seed: 1, at: 1, answers: "", print: false, key: true },
  mount,
};

function mount(place, lab) {
  const quiz = new Quiz(place, lab);
  quiz.start();
  return { update: () => quiz.update(), destroy: () => quiz.unwatch() };
}

class Quiz {
  constructor(place, lab) {
    Object.assign(this, { place, lab, kinds: null, items: new Map(), asked: new Map(), drawn: "" });
    this.line = Promise.resolve();
    this.keys = (event) => this.key(event);
    this.place.addEventListener("keydown", this.keys);
  }

  unwatch() {
    this.place.removeEventListener("keydown", this.keys);
  }

  async start() {
    this.place.append(el("p", { class: "note" }, "The questions are being made …"));
    this.kinds = (await this.lab.ask("quiz/kinds", {})).kinds;
    this.update();
  }

  get count() {
    return this.kinds.length;
  }

  get at() {
    return Math.min(Math.max(Math.round(this.lab.state.at), 1), this.count) - 1;
  }

  get seed() {
    return Math.min(Math.max(Math.round(this.lab.state.seed), 0), 1e9);
  }

  // The place of the answer that was given to a question; -1 where none was.
  given(k) {
    return "abcde".indexOf(this.lab.state.answers[k] ?? "-");
  }

  item(k) {
    return this.items.get(`${this.seed}/${k}`);
  }

  // Each is asked for once, one after another, so that none is dropped for a newer one.
  fetch(k) {
    const key = `${this.seed}/${k}`;
    const asked = { kind: this.kinds[k].name, seed: this.seed };
    if (!this.asked.has(key)) {
      this.line = this.line.catch(() => null).then(() => this.lab.ask("quiz/item", asked));
      this.asked.set(key, this.line.then((item) => this.items.set(key, item).get(key)));
      this.asked.get(key).catch(() => this.asked.delete(key)); // it may be asked for again
    }
    return this.asked.get(key);
  }

  async update() {
    if (!this.kinds) return;
    const { print, key, answers } = this.lab.state;
    const wanted = [this.seed, this.at, answers, print, key].join("/");
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    if (print) return printed(this);
    await this.fetch(this.at);
    if (wanted !== this.drawn) return;
    this.draw();
    for (let k = 0; k < this.count; k += 1) {
      if (this.given(k) < 0 || this.item(k)) continue;
      await this.fetch(k);
      if (wanted !== this.drawn) return;
      this.drawScore();
    }
    if (this.at + 1 < this.count) await this.fetch(this.at + 1);
  }

  draw() {
    const kind = this.kinds[this.at];
    this.score = el("p", { class: "score", "data-testid": "score" });
    this.numbers = el("ol", { class: "numbers", "aria-label": "Questions" });
    this.question = el("section", { class: "question", tabindex: -1, "aria-labelledby": "quiz-title" },
      el("h2", { id: "quiz-title", "data-testid": "question" },
        `Question ${this.at + 1} of ${this.count} · ${kind.topic}: ${kind.title}`),
      ...body(this.item(this.at)),
      this.options(),
      this.feedback());
    this.place.replaceChildren(this.numbers, this.question, this.controls(), this.score);
    this.drawScore();
  }

  options() {
    const item = this.item(this.at);
    const chosen = this.given(this.at);
    return el("ol", { class: "options", "aria-label": "Answers" }, ...item.options.map((text, k) => {
      const mark = chosen < 0 ? "" : k === item.answer ? "✓ right" : k === chosen ? "✗ your answer" : "";
      const answer = el("button", {
        type: "button", "data-testid": `option-${k}`, disabled: chosen >= 0,
        class: chosen < 0 ? "" : k === item.answer ? "right" : k === chosen ? "wrong" : "other",
      }, el("span", { class: "letter" }, LETTERS[k]), el("span", { class: "text" }, text),
      el("span", { class: "sign" }, mark));
      answer.addEventListener("click", () => this.answer(k));
      return el("li", {}, answer,
        chosen >= 0 && !same(item.why) ? el("p", { class: "why" }, item.why[k]) : null);
    }));
  }

  feedback() {
    const item = this.item(this.at);
    const chosen = this.given(this.at);
    if (chosen < 0) return el("div");
    const right = chosen === item.answer;
    const { exhibit } = this.kinds[this.at];
    return el("div", { class: "feedback", "data-testid": "feedback" },
      el("p", { class: right ? "yes" : "no" }, right ? "✓ Right." : `✗ The answer is ${LETTERS[item.answer]}.`),
      same(item.why) ? el("p", { "data-testid": "why" }, item.why[0]) : null,
      el("p", {}, el("strong", {}, "Keep in mind: "), item.lesson),
      el("p", { class: "note" }, "Key: ", el("code", {}, item.call), ". ",
        el("a", { href: `?exhibit=${exhibit}` }, "See it in the lab"), "."));
  }

  controls() {
    const go = (step) => () => this.go(this.at + step);
    const back = button({ name: "previous", label: "← Previous", onClick: go(-1) });
    const next = button({ name: "next-question", label: "Next →", primary: true, onClick: go(1) });
    back.enable(this.at > 0);
    next.enable(this.at + 1 < this.count);
    this.next = next;
    return panel(back, next,
      button({ name: "again", label: "Start again", onClick: () => this.move({ answers: "", at: 1 }) }),
      button({ name: "another", label: "Another set",
        onClick: () => this.move({ seed: this.seed + 1, answers: "", at: 1 }) }),
      button({ name: "sheet", label: "Sheet to print", onClick: () => this.move({ print: true }) }));
  }

  drawScore() {
    const answered = this.kinds.map((_, k) => k).filter((k) => this.given(k) >= 0);
    const known = answered.filter((k) => this.item(k));
    const isRight = (k) => this.item(k) && this.given(k) === this.item(k).answer;
    const more = answered.length - known.length ? ` (${answered.length - known.length} more are being marked)` : "";
    this.score.textContent = answered.length
      ? `${known.filter(isRight).length} right of ${known.length} answered${more}. Set ${this.seed}; the address of this page keeps your answers.`
      : `Set ${this.seed} of questions: whoever has the address gets the same.`;
    this.numbers.replaceChildren(...this.kinds.map((kind, k) => {
      const known = this.given(k) >= 0 && this.item(k);
      const state = !known ? "" : isRight(k) ? "right" : "wrong";
      const a = el("button", { type: "button", class: state, "data-testid": `number-${k + 1}`,
        "aria-label": `Question ${k + 1}: ${kind.title}${state && `, ${state}`}`,
        "aria-current": k === this.at ? "step" : null }, `${k + 1}${{ right: "✓", wrong: "✗" }[state] ?? ""}`);
      a.addEventListener("click", () => this.go(k));
      return el("li", {}, a);
    }));
  }

  go(k) {
    if (k >= 0 && k < this.count) this.move({ at: k + 1 });
  }

  // Change the state, and take those along who use the keyboard.
  async move(changes) {
    this.lab.set(changes);
    const wanted = this.drawn;
    if (!this.lab.state.print) await this.fetch(this.at);
    if (wanted === this.drawn) this.question?.focus();
  }

  async answer(k) {
    if (this.given(this.at) >= 0) return;
    const item = this.item(this.at);
    const letters = this.lab.state.answers.padEnd(this.at, "-").split("");
    letters[this.at] = "abcde"[k];
    this.lab.set({ answers: letters.join("") });
    await this.fetch(this.at);
    this.lab.say(k === item.answer ? "Right." : `Not right. The answer is ${LETTERS[item.answer]}.`);
    (this.next.enabled() ? this.next.node.querySelector("button") : this.question).focus();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.lab.state.print) return;
    const k = Math.max("12345".indexOf(event.key), "abcde".indexOf(event.key.toLowerCase()));
    const item = this.kinds && this.item(this.at);
    if (event.key.length === 1 && item && k >= 0 && k < item.options.length) this.answer(k);
    else if (event.key === "ArrowRight") this.go(this.at + 1);
    else if (event.key === "ArrowLeft") this.go(this.at - 1);
  }
}

function same(whys) {
  return whys.every((why) => why === whys[0]);
}

// What is asked, the formulas, and a picture where there are points.
export function body(item) {
  return [
    el("p", { class: "prompt", "data-testid": "prompt" }, item.prompt),
    item.given.length ? el("div", { class: "given" }, ...item.given.map((line) => el("div", {}, line))) : null,
    item.data.x ? picture(item.data) : null,
  ].filter(Boolean);
}

function picture({ x, y }) {
  const range = (values) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return [low - 0.7, high + 0.7];
  };
  const points = x.map((value, k) => [value, y[k]]);
  const said = points.map(([a, b]) => `(${a}, ${b})`).join(", ");
  const plot = new Plot({
    label: `The points ${said}`, x: range(x), y: range(y), xLabel: "x", yLabel: "y", most: 190, aspect: 0.5,
    draw: (p) => p.dots(points, { kind: "blue", radius: 5 }),
  });
  return el("figure", { class: "points" }, plot.node);
}
