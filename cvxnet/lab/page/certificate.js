// A certificate as a document that can be read, and changed: every number is a button.

import { el } from "./draw.js";
import { fromHex, isHex, toHex } from "./numbers.js";

const MOST = 200; // samples or units that are shown

// The text as a node; onEdit(path, hex) where somebody has changed a number. `before` is the text
// that it is compared with: what differs is marked.
export function certificateView(text, before, onEdit) {
  const shown = JSON.parse(text);
  const original = JSON.parse(before);
  const number = (path, write = short) =>
    numberButton(path, write, at(shown, path), at(original, path), onEdit);
  const node = el(
    "div",
    { class: "certificate", "data-testid": "certificate" },
    claim(number),
    objective(shown, number),
    network(shown, number),
    samples(shown, number),
    fingerprint(shown, original),
  );
  node.addEventListener("keydown", walk);
  return node;
}

// The same text with one number replaced.
export function withNumber(text, path, hex) {
  const changed = JSON.parse(text);
  const inner = at(changed, path.slice(0, -1));
  inner[path.at(-1)] = hex;
  return JSON.stringify(changed);
}

function at(value, path) {
  return path.reduce((inner, step) => inner?.[step], value);
}

function claim(number) {
  const line = el("p", { class: "claim" }, number(["lower"], String), " ≤ optimum ≤ ", number(["upper"], String));
  return section("What it claims", line);
}

function objective(shown, number) {
  const words =
    `${shown.dual.length} samples, ${shown.loss} loss, ` +
    `${shown.units.name} units${shown.bias ? " with hidden bias" : ""}, weight decay β = `;
  return section("What is minimised", el("p", {}, words, number(["weight_decay"])));
}

function network(shown, number) {
  const { W, b, a, c } = shown.network;
  const name = (what, count, k) => (count === 1 ? what : `${what}${sub(k)}`);
  const features = W[0] ?? [];
  const outputs = Array.isArray(a[0]) ? a[0] : null;
  const heads = [
    "unit",
    ...features.map((_, k) => name("u", features.length, k)),
    ...(b ? ["bias"] : []),
    ...(outputs ? outputs.map((_, k) => name("a", outputs.length, k)) : ["a"]),
  ];
  const rows = W.slice(0, MOST).map((row, j) => [
    ...row.map((_, k) => number(["network", "W", j, k])),
    ...(b ? [number(["network", "b", j])] : []),
    ...cells(a[j], ["network", "a", j], number),
  ]);
  const free = c == null ? [] : [el("p", {}, "output bias ", ...cells(c, ["network", "c"], number))];
  return section(
    `The network: ${W.length} ${W.length === 1 ? "unit" : "units"}`,
    table(heads, rows, W.length),
    ...free,
  );
}

function samples(shown, number) {
  const { data, dual } = shown;
  const several = Array.isArray(dual[0]);
  const names = (what, list) => list.map((_, k) => (list.length === 1 ? what : `${what}${sub(k)}`));
  const heads = [
    "sample",
    ...(data ? [...names("x", data.X[0]), ...(several ? names("y", data.y[0]) : ["y"])] : []),
    ...(several ? names("v", dual[0]) : ["v"]),
  ];
  const rows = dual.slice(0, MOST).map((v, i) => [
    ...(data ? cells(data.X[i], ["data", "X", i], number) : []),
    ...(data ? cells(data.y[i], ["data", "y", i], number) : []),
    ...cells(v, ["dual", i], number),
  ]);
  const title = data ? "The samples, and the dual vector v" : "The dual vector v (data kept apart)";
  return section(title, table(heads, rows, dual.length));
}

function fingerprint(shown, original) {
  const differs = shown.data_sha256 !== original.data_sha256;
  const code = el("code", { class: differs ? "changed" : "" }, `${shown.data_sha256.slice(0, 24)}…`);
  return section("Fingerprint of the data (SHA-256)", el("p", {}, code));
}

function cells(value, path, number) {
  if (!Array.isArray(value)) return [number(path)];
  return value.map((_, k) => number([...path, k]));
}

function section(title, ...content) {
  return el("section", {}, el("h3", {}, title), ...content);
}

function table(heads, rows, count) {
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  const body = rows.map((row, k) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, String(k + 1)),
      ...row.map((cell) => el("td", {}, cell)),
    ),
  );
  const more = count > rows.length ? [el("p", {}, `… and ${count - rows.length} more`)] : [];
  const inner = el("table", {}, el("thead", {}, head), el("tbody", {}, ...body));
  makeOneStop(inner);
  return el("div", { class: "scroll" }, inner, ...more);
}

function numberButton(path, write, hex, was, onEdit) {
  if (!isHex(hex)) return el("span", {}, "–");
  const value = fromHex(hex);
  const changed = hex !== was;
  const said = changed && isHex(was) ? `, was ${fromHex(was)}` : "";
  const button = el(
    "button",
    {
      type: "button",
      class: changed ? "number changed" : "number",
      "data-path": path.join("."),
      "aria-label": `${path.join(" ")}: ${write(value)}${said}; change it`, // what is seen is said
      title: `${value}${said}`,
    },
    write(value),
  );
  button.addEventListener("click", () => edit(button, path, value, onEdit));
  return button;
}

function edit(button, path, value, onEdit) {
  const field = el("input", {
    class: "number",
    type: "text",
    inputmode: "decimal",
    "aria-label": `new value of ${path.join(" ")}`,
    value: String(value),
  });
  button.replaceWith(field);
  field.focus();
  field.select();
  const leave = () => field.isConnected && field.replaceWith(button);
  field.addEventListener("blur", leave);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      leave();
      button.focus();
    }
    if (event.key !== "Enter") return;
    event.preventDefault(); // or it presses the button that takes the place of the field
    const entered = Number(field.value.replace(",", "."));
    if (field.value.trim() === "" || !Number.isFinite(entered)) {
      field.setAttribute("aria-invalid", "true");
    } else {
      onEdit(path, toHex(entered));
    }
  });
}

// A table is one stop of the Tab key, at the number that was last met: hundreds of numbers would
// otherwise lie between a reader at the keyboard and the rest of the page.
function makeOneStop(table) {
  const numbers = () => table.querySelectorAll("button.number");
  const stopAt = (met) => numbers().forEach((button) => (button.tabIndex = button === met ? 0 : -1));
  stopAt(numbers()[0]);
  table.addEventListener("focusin", (event) => {
    if (event.target.tagName === "BUTTON") stopAt(event.target);
  });
}

// Arrow keys go from number to number of a table.
function walk(event) {
  const cell = event.target.closest?.("td");
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const step = steps[event.key];
  if (!cell || !step || event.target.tagName !== "BUTTON") return;
  const row = cell.parentElement;
  const next = row.parentElement.rows[row.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
  const button = next?.querySelector("button");
  if (button) {
    event.preventDefault();
    button.focus();
  }
}

function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(5))) : value.toExponential(2);
  return text.replace("-", "−");
}

function sub(k) {
  return String(k + 1).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);
}
