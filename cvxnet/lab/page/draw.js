// Elements, and plots in SVG that are drawn at the size they have on the screen.

export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Curvature is never said by colour alone.
export const CURVATURE = { convex: "∪", concave: "∩", affine: "∕", constant: "—", mixed: "∪∩", unknown: "?" };

export function curvatureMark(curvature) {
  return el("span", { class: `mark ${curvature}`, title: curvature, role: "img", "aria-label": curvature },
    CURVATURE[curvature]);
}

const SHAPES = {
  circle: (r) => svg("circle", { r }),
  square: (r) => svg("rect", { x: -0.9 * r, y: -0.9 * r, width: 1.8 * r, height: 1.8 * r }),
  triangle: (r) => svg("path", { d: `M0 ${-1.2 * r} L${1.1 * r} ${0.8 * r} L${-1.1 * r} ${0.8 * r} Z` }),
  diamond: (r) => svg("path", { d: `M0 ${-1.3 * r} L${1.3 * r} 0 L0 ${1.3 * r} L${-1.3 * r} 0 Z` }),
  cross: (r) => svg("path", { class: "stroked", d: `M${-r} ${-r} L${r} ${r} M${-r} ${r} L${r} ${-r}` }),
};
export const MARKERS = ["circle", "triangle", "square", "diamond", "cross"];

// A picture of numbers. `draw(plot)` is called whenever it is to be drawn: after `redraw`, and when
// its place changes its size. What it draws is in the numbers of x and y; classes say how it looks.
//   new Plot({ label: "for those who do not see it", x: [0, 1], y: [0, 1], xLabel, yLabel, draw })
// aspect: height / width. `equal`: one scale on both axes (y is widened or x is). `bare`: no axes.
export class Plot {
  constructor(options) {
    this.options = { aspect: 0.66, equal: false, bare: false, most: 560, ...options };
    this.handles = new Map();
    this.axes = svg("g", { class: "axes" });
    this.clip = `clip-${Plot.count += 1}`;
    this.clipRect = svg("rect");
    this.marks = svg("g", { "clip-path": `url(#${this.clip})` });
    this.words = svg("g", { class: "words" });
    this.grips = svg("g", { class: "grips" });
    this.svg = svg("svg", { role: "group", "aria-label": this.options.label },
      svg("defs", {}, svg("clipPath", { id: this.clip }, this.clipRect)),
      this.axes, this.marks, this.words, this.grips);
    this.node = el("div", { class: "plot", "data-testid": this.options.testid }, this.svg);
    new ResizeObserver(() => this.redraw()).observe(this.node);
  }

  // Change options (x, y, label, draw, ...) and draw again.
  set(options) {
    Object.assign(this.options, options);
    this.redraw();
  }

  redraw() {
    const width = this.node.clientWidth;
    if (!width) return;
    this.layOut(width);
    this.svg.setAttribute("aria-label", this.options.label);
    this.axes.replaceChildren();
    this.marks.replaceChildren();
    this.words.replaceChildren();
    if (!this.options.bare) this.drawAxes();
    this.touched = new Set();
    this.options.draw?.(this);
    for (const [key, handle] of this.handles) {
      if (this.touched.has(key)) continue;
      handle.remove();
      this.handles.delete(key);
    }
  }

  layOut(width) {
    const { aspect, bare, equal, most, xLabel, yLabel } = this.options;
    const height = Math.min(width * aspect, most, 0.8 * innerHeight);
    const em = parseFloat(getComputedStyle(this.node).fontSize);
    this.em = em;
    this.growth = em / 14; // on a projector marks grow with the type
    const pad = bare ? [4, 4, 4, 4] : [0.8 * em, 1.2 * em, (xLabel ? 3.1 : 1.9) * em, (yLabel ? 4.2 : 3) * em];
    this.box = { left: pad[3], top: pad[0], right: width - pad[1], bottom: height - pad[2] };
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", height);
    let { x, y } = this.options;
    if (equal) [x, y] = this.equalised(x, y);
    this.x = x;
    this.y = y;
    const { left, top, right, bottom } = this.box;
    for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) {
      this.clipRect.setAttribute(name, Math.max(value, 0));
    }
  }

  equalised(x, y) {
    const { left, top, right, bottom } = this.box;
    const unit = Math.max((x[1] - x[0]) / (right - left), (y[1] - y[0]) / (bottom - top));
    const widen = ([low, high], pixels) => {
      const more = (unit * pixels - (high - low)) / 2;
      return [low - more, high + more];
    };
    return [widen(x, right - left), widen(y, bottom - top)];
  }

  X(value) {
    const { left, right } = this.box;
    return left + ((value - this.x[0]) / (this.x[1] - this.x[0])) * (right - left);
  }

  Y(value) {
    const { top, bottom } = this.box;
    return bottom - ((value - this.y[0]) / (this.y[1] - this.y[0])) * (bottom - top);
  }

  // The numbers at a place on the screen.
  at(event) {
    const frame = this.svg.getBoundingClientRect();
    const { left, top, right, bottom } = this.box;
    return [
      this.x[0] + ((event.clientX - frame.left - left) / (right - left)) * (this.x[1] - this.x[0]),
      this.y[0] + ((bottom - (event.clientY - frame.top)) / (bottom - top)) * (this.y[1] - this.y[0]),
    ];
  }

  drawAxes() {
    const { left, top, right, bottom } = this.box;
    const { xLabel, yLabel, xTicks, yTicks } = this.options;
    const put = (tag, attributes, ...children) => this.axes.append(svg(tag, attributes, ...children));
    put("path", { d: `M${left} ${top} V${bottom} H${right}` });
    const few = (pixels, size) => Math.max(2, Math.min(6, Math.floor(pixels / (size * this.em))));
    for (const [value, words] of named(xTicks ?? ticks(this.x, few(right - left, 4.5)))) {
      put("path", { d: `M${this.X(value)} ${bottom} v4` });
      put("text", { x: this.X(value), y: bottom + 1.25 * this.em, "text-anchor": "middle" }, words);
    }
    for (const [value, words] of named(yTicks ?? ticks(this.y, few(bottom - top, 2.5)))) {
      put("path", { d: `M${left} ${this.Y(value)} h-4` });
      put("text", { x: left - 7, y: this.Y(value) + 0.32 * this.em, "text-anchor": "end" }, words);
    }
    const middle = (top + bottom) / 2;
    if (xLabel) put("text", { class: "title", x: (left + right) / 2, y: bottom + 2.6 * this.em, "text-anchor": "middle" }, xLabel);
    if (yLabel) put("text", { class: "title", x: 0.9 * this.em, y: middle, "text-anchor": "middle",
      transform: `rotate(-90 ${0.9 * this.em} ${middle})` }, yLabel);
  }

  path(points) {
    return points.map(([x, y], k) => `${k ? "L" : "M"}${this.X(x).toFixed(2)} ${this.Y(y).toFixed(2)}`).join(" ");
  }

  line(points, kind = "") {
    return this.mark(svg("path", { class: `line ${kind}`, d: this.path(points) }));
  }

  area(points, kind = "") {
    return this.mark(svg("path", { class: `area ${kind}`, d: `${this.path(points)} Z` }));
  }

  dots(points, { kind = "", shape = "circle", radius = 4, titles = [] } = {}) {
    return points.map(([x, y], k) => {
      const dot = SHAPES[shape](radius * this.growth);
      dot.setAttribute("class", `dot ${dot.getAttribute("class") ?? ""} ${kind}`);
      dot.setAttribute("transform", `translate(${this.X(x).toFixed(2)} ${this.Y(y).toFixed(2)})`);
      if (titles[k]) dot.append(svg("title", {}, titles[k]));
      return this.mark(dot);
    });
  }

  // Words at a place; dx, dy in em. They are not cut at the frame.
  text(x, y, words, { kind = "", anchor = "start", dx = 0, dy = 0 } = {}) {
    const node = svg("text", { class: kind, x: this.X(x) + dx * this.em, y: this.Y(y) + dy * this.em,
      "text-anchor": anchor }, words);
    this.words.append(node);
    return node;
  }

  mark(node) {
    this.marks.append(node);
    return node;
  }

  // A picture of pixels: values[i][j] at the i-th y and the j-th x; color(value) is [r, g, b].
  heat(values, x, y, color) {
    const canvas = el("canvas", { width: values[0].length, height: values.length });
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    values.forEach((row, i) => row.forEach((value, j) => {
      const k = 4 * ((values.length - 1 - i) * row.length + j);
      image.data.set([...color(value), 255], k);
    }));
    context.putImageData(image, 0, 0);
    const [left, right, top, bottom] = [this.X(x[0]), this.X(x[1]), this.Y(y[1]), this.Y(y[0])];
    return this.mark(svg("image", { href: canvas.toDataURL(), x: left, y: top, width: right - left,
      height: bottom - top, preserveAspectRatio: "none" }));
  }

  // Something to drag, or to move by the arrow keys (with shift: ten times as far).
  //   handle("a", { x, y, label, bounds: {x: [lo, hi], y: [lo, hi]}, onMove([x, y]), onRelease })
  // With bounds for one axis only it moves along that one.
  handle(key, options) {
    this.touched.add(key);
    if (!this.handles.has(key)) this.handles.set(key, new Handle(this, options));
    return this.handles.get(key).set(options);
  }
}
Plot.count = 0;

class Handle {
  constructor(plot, options) {
    this.plot = plot;
    this.node = svg("g", { class: "handle", tabindex: 0, role: "slider", "data-testid": options.testid });
    plot.grips.append(this.node);
    this.node.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.node.focus();
      this.node.setPointerCapture(event.pointerId);
      this.node.classList.add("held");
    });
    this.node.addEventListener("pointermove", (event) => {
      if (this.node.hasPointerCapture(event.pointerId)) this.move(plot.at(event));
    });
    const release = () => {
      if (!this.node.classList.contains("held")) return;
      this.node.classList.remove("held");
      this.options.onRelease?.();
    };
    this.node.addEventListener("lostpointercapture", release);
    this.node.addEventListener("keydown", (event) => this.key(event));
    this.node.addEventListener("keyup", (event) => event.key.startsWith("Arrow") && this.options.onRelease?.());
  }

  set(options) {
    this.options = { shape: "circle", radius: 8, kind: "", ...options };
    const { x, y, label, shape, radius, kind, bounds } = this.options;
    const held = this.node.classList.contains("held") ? "held" : "";
    this.node.setAttribute("class", `handle ${kind} ${held}`);
    this.node.setAttribute("transform", `translate(${this.plot.X(x)} ${this.plot.Y(y)})`);
    const main = bounds.x ? "x" : "y";
    const said = [bounds.x && number(round(x)), bounds.y && number(round(y))].filter(Boolean).join(", ");
    for (const [name, value] of Object.entries({
      "aria-label": label, "aria-valuetext": said, "aria-valuenow": this.options[main],
      "aria-valuemin": bounds[main][0], "aria-valuemax": bounds[main][1],
    })) this.node.setAttribute(name, value);
    this.node.replaceChildren(svg("circle", { class: "reach", r: 22 }), SHAPES[shape](radius * this.plot.growth));
    return this.node;
  }

  move([x, y]) {
    const { bounds } = this.options;
    const within = (value, limits, old) => (limits ? Math.min(Math.max(value, limits[0]), limits[1]) : old);
    const to = [within(x, bounds.x, this.options.x), within(y, bounds.y, this.options.y)];
    [this.options.x, this.options.y] = to; // the next key goes on from here, drawn or not
    this.options.onMove(to);
  }

  key(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!way) return;
    event.preventDefault();
    const far = event.shiftKey ? 0.1 : 0.01;
    const { x, y } = this.options;
    const step = (axis) => far * (this.plot[axis][1] - this.plot[axis][0]);
    this.move([x + way[0] * step("x"), y + way[1] * step("y")]);
  }

  remove() {
    this.node.remove();
  }
}

// Ticks are numbers, or numbers with words: [[-2, "0.01"], ...].
const named = (given) => given.map((tick) => (Array.isArray(tick) ? tick : [tick, number(tick)]));

// Ticks at powers of ten, for numbers that are drawn by their logarithms; every step-th.
export function powers([low, high], step = 1) {
  const exponents = Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, k) => Math.ceil(low) + k);
  return exponents.filter((k) => k % step === 0).map((k) => [k, k >= -2 && k <= 3 ? String(10 ** k) : `10${raised(k)}`]);
}

const raised = (k) => String(k).replace(/./g, (c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]));

const round = (value) => Number(value.toPrecision(3));

// The number itself, or the end of the range that it lies beyond.
export function within(value, [low, high]) {
  return Math.min(Math.max(value, low), high);
}

// Round numbers between two, about so many.
export function ticks([low, high], wanted) {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

function number(value) {
  const size = Math.abs(value);
  const text = size !== 0 && (size >= 1e5 || size < 1e-3) ? value.toExponential(0) : String(Number(value.toPrecision(4)));
  return text.replace("-", "−");
}

// A number between -1 and 1 as a colour from blue over the paper's to vermilion; see --low, --high.
export function signedColor(value) {
  const style = getComputedStyle(document.documentElement);
  const rgb = (name) => style.getPropertyValue(name).trim().match(/[0-9a-f]{2}/gi).map((h) => parseInt(h, 16));
  const [from, to] = [rgb("--paper"), rgb(value < 0 ? "--low" : "--high")];
  const share = Math.min(Math.abs(value), 1);
  return from.map((channel, k) => Math.round(channel + share * (to[k] - channel)));
}
