// The layers of a network as cards, in the order in which they are applied.

import { CURVATURE, el } from "../draw.js";
import { minus } from "../verdict.js";

const KINDS = [
  ["linear", "linear"], ["relu", "relu"], ["leaky", "leaky relu"], ["abs", "|·|"], ["square", "square"],
  ["squared_relu", "relu²"], ["softplus", "softplus"], ["elu", "ELU"], ["tanh", "tanh"], ["sigmoid", "sigmoid"],
  ["gelu", "GELU"], ["logsumexp", "log-sum-exp"], ["maxout", "maxout"], ["residual", "residual"],
  ["inputconvex", "input-convex"],
];
const FIRST = { linear: "linear-3", leaky: "leaky-0.1", maxout: "maxout-2", residual: "residual-relu", inputconvex: "inputconvex-3" };
const SIGNS = [["", "any sign"], ["nonneg", "≥ 0"], ["nonpos", "≤ 0"]];
const SLOPES = ["-0.5", "0", "0.1", "0.5", "1", "1.5"];
const MOST = 6;
const upTo = (most) => Array.from({ length: most }, (_, k) => [String(k + 1), String(k + 1)]);

export class Builder {
  // change({net, ...}) is called with what is to be another state.
  constructor(change) {
    this.change = change;
    this.list = el("ol", { class: "layers", "aria-label": "Layers of the network", "data-testid": "layers" });
    this.node = this.list;
    this.drawn = "";
  }

  show({ net, inputs, given, edits }) {
    this.layers = net.split(",");
    this.edits = edits;
    if (this.drawn === `${net} ${inputs} ${given}`) return;
    this.drawn = `${net} ${inputs} ${given}`;
    const held = document.activeElement?.dataset?.testid;
    this.cards = this.layers.map((text, k) => this.card(text, k));
    this.list.replaceChildren(this.input(inputs), ...this.cards.map((card) => card.node), this.adder());
    this.hold(held);
  }

  // What had the focus has it again; what is gone leaves it to the last layer.
  hold(testid) {
    if (!testid || !/^(kind|out|sign|bias|slope|hidden|earlier|later|remove|add|inputs)\b/.test(testid)) return;
    const again = this.list.querySelector(`[data-testid="${testid}"]:not(:disabled)`);
    (again ?? this.cards.at(-1).node.querySelector("select")).focus();
  }

  set(layers) {
    this.change({ net: layers.join(","), edits: "" });
  }

  replace(k, text) {
    this.set(this.layers.map((old, j) => (j === k ? text : old)));
  }

  input(inputs) {
    const box = pick("inputs", "inputs", upTo(4), String(inputs), (value) => this.change({ inputs: Number(value), edits: "" }));
    return el("li", { class: "layer" }, el("strong", {}, "x"), box);
  }

  adder() {
    const box = pick("add", "add a layer", [["", "+ layer"], ...KINDS], "", (kind) =>
      kind && this.set([...this.layers, FIRST[kind] ?? kind]), true);
    box.disabled = this.layers.length >= MOST;
    return el("li", { class: "layer adder" }, box);
  }

  card(text, k) {
    const mark = el("span", { class: "out" });
    const weights = el("div", { class: "scrolls" });
    const name = `layer ${k}`;
    const kind = text.split("-")[0];
    const kinds = pick(`kind-${k}`, `${name}, kind`, KINDS, kind, (other) => this.replace(k, FIRST[other] ?? other), true);
    const move = (to, label, symbol) => this.tool(`${label}-${k}`, `${label} ${name}`, symbol, to < 0 || to >= this.layers.length,
      () => this.set(moved(this.layers, k, to)));
    const tools = el("span", { class: "tools" }, move(k - 1, "earlier", "◀"), move(k + 1, "later", "▶"),
      this.tool(`remove-${k}`, `remove ${name}`, "✕", this.layers.length === 1, () => this.set(this.layers.filter((_, j) => j !== k))));
    const node = el("li", { class: "layer", "data-testid": `layer-${k}` },
      el("span", { class: "top" }, el("span", { class: "number" }, k), kinds, tools), ...this.options(text, k), weights, mark);
    return { node, mark, weights };
  }

  tool(testid, label, symbol, disabled, onClick) {
    const made = el("button", { type: "button", "data-testid": testid, "aria-label": label, title: label, disabled }, symbol);
    made.addEventListener("click", onClick);
    return made;
  }

  options(text, k) {
    const [kind, ...words] = text.split("-");
    const put = (...parts) => this.replace(k, [kind, ...parts].filter(Boolean).join("-"));
    const sign = words.find((word) => word === "nonneg" || word === "nonpos") ?? "";
    const bias = !words.includes("nobias");
    const rest = (head) => [
      pick(`sign-${k}`, "weights", SIGNS, sign, (value) => put(head, value, bias ? "" : "nobias")),
      tick(`bias-${k}`, "bias", bias, (yes) => put(head, sign, yes ? "" : "nobias")),
    ];
    if (kind === "linear") return [pick(`out-${k}`, "outputs", upTo(8), words[0], (out) => put(out, ...words.slice(1))), ...rest(words[0])];
    if (kind === "residual") return rest(words[0]);
    if (kind === "inputconvex") {
      return [pick(`hidden-${k}`, "hidden layers", [["3", "1"], ["3-3", "2"]], words.length > 1 ? "3-3" : "3", (hidden) => put(hidden))];
    }
    if (kind === "maxout") return [pick(`of-${k}`, "of columns", [["2", "2"], ["3", "3"], ["4", "4"]], words[0], (of) => put(of))];
    const slope = words.join("-");
    const slopes = [...new Set([...SLOPES, slope])].map((value) => [value, minus(value)]);
    return kind === "leaky" ? [pick(`slope-${k}`, "slope below 0", slopes, slope, (value) => put(value))] : [];
  }

  // What the verdict says of each layer.
  judged({ layers, weights, blame }) {
    this.cards.forEach(({ node, mark, weights: place }, k) => {
      const { out, curvature } = layers[k];
      const fault = blame && (blame.layer === String(k) || blame.layer.startsWith(`${k}.`));
      node.classList.toggle("blamed", Boolean(fault));
      mark.className = `out ${curvature}`;
      mark.replaceChildren(el("span", { class: `mark ${curvature}`, "aria-hidden": "true" }, CURVATURE[curvature]),
        ` ${curvature}, ${out} column${out === 1 ? "" : "s"}`, fault ? el("strong", { class: "stop" }, "the rules stop here") : "");
      const mine = Object.entries(weights).filter(([name]) => name.startsWith(`${k}.`));
      if (!place.contains(document.activeElement)) place.replaceChildren(...mine.map(([name, values]) => this.matrix(name, values, blame)));
      else this.mark(place, blame);
    });
  }

  matrix(name, values, blame) {
    const rows = Array.isArray(values[0]) ? values : values.map((value) => [value]);
    const flat = !Array.isArray(values[0]);
    const cells = rows.map((row, i) => el("tr", {}, ...row.map((value, j) => {
      const place = flat ? [i] : [i, j];
      const box = el("input", { type: "text", inputmode: "decimal", size: 4, value: String(value),
        "data-testid": `${name}[${place}]`, "data-entry": `${name}[${place}]`, "aria-label": `${name}, entry ${place.join(", ")}` });
      box.addEventListener("change", () => this.edit(name, place, box));
      return el("td", {}, box);
    })));
    const table = el("table", { class: "weights" }, el("caption", {}, name.slice(name.indexOf(".") + 1)), ...cells);
    this.mark(table, blame);
    return table;
  }

  mark(place, blame) {
    const fault = blame?.index.length ? `${blame.tensor}[${blame.index}]` : "";
    for (const box of place.querySelectorAll("input")) {
      box.classList.toggle("fault", box.dataset.entry === fault);
      box.title = box.dataset.entry === fault ? "the entry at fault" : "";
    }
  }

  edit(name, place, box) {
    const value = Number(box.value.replace("−", "-").replace(",", "."));
    const fits = box.value.trim() !== "" && Math.abs(value) <= 100;
    box.setAttribute("aria-invalid", String(!fits));
    if (!fits) return;
    const key = [name, ...place].join("~");
    const others = this.edits.split(",").filter((part) => part && !part.startsWith(`${key}~`));
    this.change({ edits: [...others, `${key}~${value}`].join(",") });
  }
}

function moved(layers, from, to) {
  const others = layers.filter((_, j) => j !== from);
  return [...others.slice(0, to), layers[from], ...others.slice(to)];
}

function pick(testid, label, options, value, onChange, quiet = false) {
  const box = el("select", { "data-testid": testid, "aria-label": quiet ? label : null },
    ...options.map(([option, text]) => el("option", { value: option, selected: option === value }, text)));
  box.addEventListener("change", () => onChange(box.value));
  return quiet ? box : el("label", {}, el("span", {}, label), box);
}

function tick(testid, label, value, onChange) {
  const box = el("input", { type: "checkbox", "data-testid": testid, checked: value });
  box.addEventListener("change", () => onChange(box.checked));
  return el("label", {}, el("span", {}, label), box);
}
