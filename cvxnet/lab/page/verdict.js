// A verdict: what was found, the tree of the derivation, and the counterexample with its chord.

import { CURVATURE, Plot, curvatureMark, el } from "./draw.js";
import { short } from "./controls.js";

// A hyphen before a number or between spaces is a minus sign.
export const minus = (text) => text.replace(/(^|[\s[(=])-(?=[\s\d.])/g, "$1−").replaceAll(">=", "≥").replaceAll("<=", "≤");

export function answerLine({ convex, concave, reason }) {
  if (convex) {
    const word = concave ? "Affine: convex and concave" : "Convex";
    return line(curvatureMark(concave ? "affine" : "convex"), "yes", word, `Proved: ${reason}.`);
  }
  if (convex === false) {
    const word = concave ? "Not convex (it is concave)" : "Not convex";
    return line(el("span", { class: "mark no", "aria-hidden": "true" }, "✗"), "no", word, `Refuted by ${reason}.`);
  }
  return line(curvatureMark("unknown"), "open", "Unknown", `${reason}.`);
}

function line(mark, kind, word, why) {
  return [el("p", { class: "verdict" }, mark, " ", el("span", { class: kind }, word)), el("p", { class: "note" }, minus(why))];
}

// The tree as a list of lines, each set in below the one that uses it. One line has the focus; the
// rule of the line that is pointed at, or has it, stands below.
export class Tree {
  constructor(testid = "tree") {
    this.list = el("ul", { class: "tree", role: "tree", "aria-label": "Derivation", "data-testid": testid });
    this.rule = el("p", { class: "rule", "data-testid": `${testid}-rule` });
    this.node = el("div", {}, el("div", { class: "scrolls" }, this.list), this.rule);
    this.list.addEventListener("keydown", (event) => this.key(event));
  }

  show(rows) {
    this.rows = rows;
    this.lines = rows.map((row, number) => this.line(row, number));
    this.list.replaceChildren(...this.lines);
    this.list.classList.toggle("deep", rows.some((row) => row.depth > 6));
    const blamed = rows.findIndex((row) => row.blamed);
    this.current = Math.max(blamed, 0);
    this.lines[this.current]?.setAttribute("tabindex", 0);
    this.tell(this.current);
  }

  line(row, number) {
    const size = row.shape.length ? ` ${row.shape.join("×")}` : "";
    const item = el("li", { role: "treeitem", "aria-level": row.depth + 1, tabindex: -1,
      class: `${row.curvature} ${row.blamed ? "blamed" : ""}`, "data-place": row.place, "data-curvature": row.curvature },
    el("span", { class: "box" }, curvatureMark(row.curvature), el("span", { class: "name" }, row.name.replace("^T", "ᵀ")),
      el("span", { class: "size" }, size), row.sign && el("span", { class: "sign" }, ` ${minus(row.sign)}`),
      row.repeated && el("span", { class: "size" }, " see above")),
    row.layer && !row.name.startsWith(`${row.layer}.`) && el("span", { class: "layer" }, `layer ${row.layer}`),
    row.blamed && el("strong", { class: "stop" }, "◀ the rules stop here"));
    item.style.setProperty("--depth", row.depth);
    item.style.setProperty("--up", number - row.parent);
    item.addEventListener("pointerenter", () => this.tell(number));
    item.addEventListener("pointerleave", () => this.tell(this.current));
    item.addEventListener("focus", () => { this.move(number); this.tell(number); });
    return item;
  }

  tell(number) {
    const row = this.rows[number];
    if (!row) return;
    const way = row.parent >= 0 && row.way ? ` What uses it is ${row.way} in it.` : "";
    this.rule.replaceChildren(el("strong", {}, `${CURVATURE[row.curvature] ?? row.symbol} ${row.name}`),
      ` is ${row.curvature}: ${minus(row.rule)}.${way}`);
  }

  move(number) {
    this.lines[this.current]?.setAttribute("tabindex", -1);
    this.current = number;
    this.lines[number].setAttribute("tabindex", 0);
  }

  key(event) {
    const last = this.rows.length - 1;
    const parent = this.rows[this.current].parent;
    const child = this.rows.findIndex((row) => row.parent === this.current);
    const to = { ArrowDown: Math.min(this.current + 1, last), ArrowUp: Math.max(this.current - 1, 0),
      ArrowLeft: parent, ArrowRight: child, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to >= 0) this.lines[to].focus();
  }
}

// The function between a and b: only the three marked values are proved.
export class Segment {
  constructor(testid = "segment") {
    this.plot = new Plot({ label: "The function between a and b, and its chord", testid, x: [-0.06, 1.06], y: [0, 1],
      aspect: 0.6, most: 340, xTicks: [], xLabel: "from a to b", draw: () => this.witness && this.draw() });
    this.points = el("p", { class: "note points" });
    this.said = el("p", { "data-testid": `${testid}-said` });
    this.node = el("figure", { class: "segment" }, el("h2", {}, "Counterexample"), this.said, this.plot.node, this.points);
  }

  show(witness) {
    this.witness = witness;
    this.node.hidden = !witness;
    if (!witness) return;
    const low = Math.min(...witness.values, witness.chord);
    const high = Math.max(...witness.values, witness.chord);
    const room = 0.18 * (high - low);
    const gap = witness.gap.replace(/^\[(.*) \+\/- (.*)\]$/, "$1 ± $2");
    this.said.textContent = minus(`The midpoint is above the chord by ${gap}, verified in ${witness.arithmetic} arithmetic.`);
    this.points.textContent = witness.points.map(minus).join("; ");
    this.plot.set({ y: [low - room, high + room],
      label: `From a to b: f(a) = ${short(witness.f_a)}, f(b) = ${short(witness.f_b)}, at the midpoint ${short(witness.f_middle)}, on the chord ${short(witness.chord)}` });
  }

  draw() {
    const { plot, witness: w } = this;
    plot.line(w.t.map((t, k) => [t, w.values[k]]), "blue");
    plot.line([[0, w.f_a], [1, w.f_b]], "dashed");
    plot.line([[0.5, w.chord], [0.5, w.f_middle]], "vermilion");
    plot.dots([[0, w.f_a], [1, w.f_b]], { kind: "blue", radius: 6 });
    plot.dots([[0.5, w.chord]], { kind: "hollow", radius: 5 });
    plot.dots([[0.5, w.f_middle]], { kind: "vermilion", shape: "diamond", radius: 6 });
    plot.text(0, w.f_a, "a", { kind: "strong", anchor: "middle", dy: w.f_a > w.f_b ? -0.8 : 1.4 });
    plot.text(1, w.f_b, "b", { kind: "strong", anchor: "middle", dy: w.f_b > w.f_a ? -0.8 : 1.4 });
    const [before, after] = [0.42, 0.58].map((t) => w.values[Math.round(t * (w.t.length - 1))]);
    const side = Math.max(before, after) <= w.f_middle ? "middle" : after > before ? "end" : "start";
    const shift = { middle: 0, end: -0.6, start: 0.6 };
    plot.text(0.5, w.f_middle, `f(midpoint) = ${short(w.f_middle)}`, { anchor: side, dx: shift[side], dy: -0.8 });
    const below = w.f_a === w.f_b ? "middle" : w.f_b > w.f_a ? "start" : "end";
    plot.text(0.5, w.chord, `chord: ${short(w.chord)}`, { anchor: below, dx: shift[below], dy: 1.4 });
  }
}
