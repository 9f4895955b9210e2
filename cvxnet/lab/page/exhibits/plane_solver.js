// Asks for the optimum: at once for a network that a moment finds, and once nothing has changed for
// a while for the whole proof, which can be given up.

import { Cancelled } from "../ask.js";

const STILL = 300; // milliseconds without a change before the long solve begins

export class Solver {
  // show(answer, question, stage), with stage "waiting", "quick", "begun", "round", "done", "cancelled" or "wrong".
  constructor(lab, show) {
    this.lab = lab;
    this.show = show;
    this.start = null; // the last network and what it is of
    this.running = null;
    this.asked = 0;
  }

  // While somebody drags: the newest answer that there is time for.
  async quick(question) {
    this.stop();
    this.show({}, question, "waiting");
    if (!this.lab.live) return; // recorded answers are to whole questions only
    const serial = (this.asked += 1);
    try {
      const answer = await this.lab.ask("plane/drag", { ...question, ...this.startFor(question) });
      if (serial < (this.whole ?? 0)) return; // the whole answer to a newer question was faster
      this.keep(question, answer);
      if (!this.running) this.show(answer, question, "quick");
    } catch (error) {
      if (serial === this.asked) this.show({ error: error.message }, question, "wrong");
    }
  }

  // Once it is settled: the proof.
  settle(question) {
    this.quick(question);
    this.timer = setTimeout(() => this.solve(question), this.lab.live ? STILL : 0);
  }

  async solve(question) {
    this.stop();
    const serial = (this.whole = this.asked += 1);
    const mine = (this.running = this.lab.askLong("plane/train", question, (news) =>
      this.running === mine && this.show(news, question, "round")));
    this.show({}, question, "begun");
    try {
      const answer = await mine.answer;
      if (serial !== this.asked) return;
      this.running = null;
      this.keep(question, answer);
      this.show(answer, question, "done");
    } catch (error) {
      if (this.running === mine) this.running = null;
      if (serial !== this.asked) return;
      if (error instanceof Cancelled) this.show({}, question, "cancelled");
      else this.show({ error: error.message }, question, "wrong");
    }
  }

  // Gives up what is under way; what was found by then stays.
  cancel() {
    clearTimeout(this.timer);
    this.running?.cancel();
  }

  stop() {
    const before = this.running;
    this.running = null;
    clearTimeout(this.timer);
    before?.cancel();
  }

  keep(question, { hidden, outputs }) {
    this.start = { of: shapeOf(question), hidden, outputs };
  }

  startFor(question) {
    const { of, hidden, outputs } = this.start ?? {};
    return of === shapeOf(question) ? { hidden, outputs } : {};
  }
}

// Networks of one shape can be begun with one another.
function shapeOf({ kind, units, width, loss, points }) {
  const classes = loss === "cross_entropy" ? new Set(points.map(([, , z]) => z)).size : 1;
  return [kind, units, width ?? 0, classes].join();
}
