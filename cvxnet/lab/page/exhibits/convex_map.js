// The map: for each layer that is trained and each loss a verdict, asked for as a whole.

import { choice, panel } from "../controls.js";
import { CURVATURE, el } from "../draw.js";
import { minus } from "../verdict.js";

const ROWS = { first: "first layer", last: "last layer", weights: "all weights" };
const COLUMNS = { none: "output alone", squared: "squared", absolute: "absolute", logistic: "logistic", hinge: "hinge",
  squared_hinge: "squared hinge" };
export const SIGNS = [["any", "any sign"], ["last", "last layer ≥ 0"], ["all", "all ≥ 0, no bias"]];
export const KNOWN = [["any", "any data"], ["nonneg", "inputs ≥ 0"], ["minus", "four samples, labels −1"], ["plus", "four samples, labels +1"]];

export class TrainingMap {
  constructor(lab) {
    this.lab = lab;
    this.signs = choice({ name: "signs", label: "Weights", options: SIGNS, value: "any", onChange: (signs) => lab.set({ signs }) });
    this.known = choice({ name: "known", label: "Data", options: KNOWN, value: "any", onChange: (known) => lab.set({ known }) });
    this.table = el("table", { class: "map", "data-testid": "map" });
    this.node = el("section", { class: "training-map" }, el("h2", {}, "When is training convex?"),
      el("p", { class: "note" }, "Two layers with relu, two inputs, two units; only one layer trained, or all. Each mark is a verdict of cvxnet: ∪ proved, ✗ refuted by a counterexample. Choose one to see it above."),
      panel(this.signs, this.known), el("div", { class: "scrolls" }, this.table));
    this.asked = "";
  }

  async update({ signs, known }) {
    this.signs.set(signs);
    this.known.set(known);
    if (this.node.hidden || this.asked === `${signs} ${known}`) return;
    this.asked = `${signs} ${known}`;
    this.table.setAttribute("aria-busy", "true");
    const { rows, columns, cells } = await this.lab.ask("convex/map", { signs, data: known });
    this.table.removeAttribute("aria-busy");
    const head = el("tr", {}, el("td", { class: "corner" }, "trained"), ...columns.map((name) => el("th", { scope: "col" }, COLUMNS[name])));
    this.table.replaceChildren(head, ...rows.map((row) => el("tr", {}, el("th", { scope: "row" }, ROWS[row]),
      ...cells.filter((cell) => cell.row === row).map((cell) => el("td", {}, this.cell(cell))))));
  }

  cell({ row, column, convex, why, state }) {
    const [symbol, kind, word] = { true: [CURVATURE.convex, "yes", "convex"], false: ["✗", "no", "not convex"],
      null: ["?", "open", "unknown"] }[convex];
    const made = el("button", { type: "button", class: kind, title: minus(why), "data-testid": `map-${row}-${column}`,
      "aria-label": `${ROWS[row]}, ${COLUMNS[column]}: ${word}` }, symbol);
    made.addEventListener("click", () => {
      this.lab.set(state);
      const main = document.getElementById("exhibit");
      main.focus({ preventScroll: true });
      main.scrollIntoView();
    });
    return made;
  }
}
