// Labelled controls. Each has a name, by which `?hide=` leaves it out.

import { isHidden } from "./address.js";
import { el } from "./draw.js";

function control(name, kind, ...children) {
  // A class, not `hidden`, which is the exhibit's own: what a teacher left out it must not bring back.
  const left = isHidden(name) ? "left-out" : "";
  return el("div", { class: `control ${kind} ${left}`, "data-control": name }, ...children);
}

let count = 0;
const fresh = () => `control-${(count += 1)}`;

// A number. With `log` the slider moves along powers. `show` turns the number into text.
export function slider({ name, label, min, max, step, value, log = false, show = short, onInput }) {
  const id = fresh();
  const [to, from] = log ? [Math.log10, (t) => 10 ** t] : [(t) => t, (t) => t];
  const input = el("input", {
    id, type: "range", min: to(min), max: to(max), step: log ? (to(max) - to(min)) / 200 : step,
    "data-testid": name,
  });
  const output = el("output", { for: id });
  const node = control(name, "slider", el("label", { for: id }, label), input, output);
  const display = (number) => {
    output.textContent = show(number);
    input.setAttribute("aria-valuetext", show(number));
  };
  input.addEventListener("input", () => {
    const number = Number(from(Number(input.value)).toPrecision(6));
    display(number);
    onInput(number);
  });
  const set = (number) => {
    if (document.activeElement !== input || Number(from(Number(input.value)).toPrecision(6)) !== number) {
      input.value = to(number);
    }
    display(number);
  };
  set(value);
  return { node, set };
}

// One of a few: radio buttons in a row. options: [[value, label], ...]
export function choice({ name, label, options, value, onChange }) {
  const group = fresh();
  const inputs = options.map(([option, text]) => {
    const id = fresh();
    const input = el("input", { id, type: "radio", name: group, value: option, "data-testid": `${name}-${option}` });
    input.addEventListener("change", () => onChange(option));
    return el("span", { class: "option" }, input, el("label", { for: id }, text));
  });
  const node = control(name, "choice", el("fieldset", {}, el("legend", {}, label), ...inputs));
  const set = (wanted) => {
    for (const input of node.querySelectorAll("input")) input.checked = input.value === String(wanted);
  };
  set(value);
  return { node, set };
}

// One of many.
export function select({ name, label, options, value, onChange }) {
  const id = fresh();
  const box = el("select", { id, "data-testid": name },
    ...options.map(([option, text]) => el("option", { value: option }, text)));
  box.addEventListener("change", () => onChange(box.value));
  const set = (wanted) => (box.value = String(wanted));
  set(value);
  return { node: control(name, "select", el("label", { for: id }, label), box), set };
}

export function toggle({ name, label, value, onChange }) {
  const id = fresh();
  const input = el("input", { id, type: "checkbox", "data-testid": name });
  input.addEventListener("change", () => onChange(input.checked));
  const set = (wanted) => (input.checked = wanted);
  set(value);
  return { node: control(name, "toggle", input, el("label", { for: id }, label)), set };
}

// One that is not enabled does nothing, yet keeps the focus: whoever has just pressed Stop would
// otherwise be sent back to the beginning of the page.
export function button({ name, label, onClick, primary = false }) {
  const input = el("button", { type: "button", class: primary ? "primary" : "", "data-testid": name }, label);
  const enabled = () => input.getAttribute("aria-disabled") !== "true";
  input.addEventListener("click", (event) => enabled() && onClick(event));
  const enable = (yes) => input.setAttribute("aria-disabled", String(!yes));
  return { node: control(name, "push", input), set: (text) => (input.textContent = text), enable, enabled };
}

// Controls side by side, above or beside a picture.
export function panel(...controls) {
  return el("div", { class: "panel" }, ...controls.map((each) => each.node ?? each));
}

// Three digits, without an exponent where it can be helped; a true minus sign.
export function short(number) {
  if (number === 0) return "0";
  const size = Math.abs(number);
  const text = size >= 1e5 || size < 1e-3 ? number.toExponential(1) : String(Number(number.toPrecision(3)));
  return text.replace("-", "−");
}

export function digits(number, places) {
  return number.toFixed(places).replace("-", "−");
}
