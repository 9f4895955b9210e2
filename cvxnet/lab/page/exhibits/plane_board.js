// The board with the points: clicked, dragged, or moved by keys; and what the network says under it.

import { Plot, svg } from "../draw.js";
import { MOST, SIDE, rounded } from "./plane_points.js";
import { regions, surface, valueColor } from "./plane_picture.js";

const LOOKS = [["circle", "plain"], ["triangle", "orange"], ["square", "green"]];
export const LETTERS = ["A", "B", "C"];
const BESIDE = 0.1; // how far from the last one a point is put by the keyboard

export class Board {
  // change(points, done): points have moved, been added or removed; done: for now that is all.
  constructor({ change, say }) {
    this.change = change;
    this.say = say;
    this.points = [];
    this.kind = "classes";
    this.brush = 0; // the class or value of the next point
    this.current = 0;
    this.picture = null;
    this.plot = new Plot({ label: "Points, and what the network says", testid: "board", x: SIDE, y: SIDE,
      aspect: 1, most: 900, xLabel: " ", yLabel: " ", draw: (plot) => this.draw(plot) });
    // Handles are drawn anew while they are held, so it counts where a click began.
    this.plot.svg.addEventListener("pointerdown", (event) => this.press(event), { capture: true });
    this.plot.svg.addEventListener("click", (event) => this.pressed || this.click(event));
  }

  get node() {
    return this.plot.node;
  }

  // The points, their kind, and names for the axes.
  setPoints(kind, points, [xLabel, yLabel]) {
    this.kind = kind;
    this.points = points;
    this.current = Math.min(this.current, Math.max(points.length - 1, 0));
    this.plot.set({ xLabel, yLabel });
  }

  // What the network says; classes are the numbers of those that there are.
  setPicture(kind, picture, classes) {
    const paint = { classes: () => regions(picture, classes), values: () => surface(picture), curve: () => null }[kind];
    this.picture = { kind, picture, classes, image: paint() };
    this.plot.redraw();
  }

  clearPicture() {
    this.picture = null;
    this.plot.redraw();
  }

  // The theme has changed: pixels are of another colour.
  repaint() {
    if (this.picture) this.setPicture(this.picture.kind, this.picture.picture, this.picture.classes);
  }

  draw(plot) {
    if (this.picture?.kind === this.kind) this.drawPicture(plot, this.picture);
    this.points.forEach((point, k) => this.drawPoint(plot, point, k));
  }

  drawPicture(plot, { kind, picture, image }) {
    if (kind === "curve") {
      for (const x of picture.kinks) plot.line([[x, SIDE[0]], [x, SIDE[1]]], "kink");
      plot.line(picture.x.map((x, k) => [x, picture.values[k]]), "fit");
      return;
    }
    const [left, right, top, bottom] = [plot.X(SIDE[0]), plot.X(SIDE[1]), plot.Y(SIDE[1]), plot.Y(SIDE[0])];
    plot.mark(svg("image", { href: image, x: left, y: top, width: right - left, height: bottom - top,
      preserveAspectRatio: "none" }));
    for (const [x0, y0, x1, y1] of picture.kinks) plot.line([[x0, y0], [x1, y1]], "kink");
  }

  drawPoint(plot, [x, y, z], k) {
    const [shape, look] = this.kind === "classes" ? LOOKS[z] : LOOKS[0];
    const node = plot.handle(k, {
      x, y, shape, radius: 6, kind: `${look} ${k === this.current ? "current" : ""}`,
      label: `point ${k + 1} of ${this.points.length}${this.nameOf(z)}`, testid: `point-${k}`,
      bounds: { x: SIDE, y: SIDE },
      onMove: ([a, b]) => this.move(k, a, b), onRelease: () => this.release(),
    });
    node.setAttribute("tabindex", k === this.current ? 0 : -1);
    node.style.fill = this.kind === "values" ? valueColor(z) : "";
    if (node.dataset.point) return;
    node.dataset.point = k;
    node.addEventListener("keydown", (event) => this.key(event, k));
    node.addEventListener("focus", () => this.choose(k));
  }

  nameOf(z) {
    return { classes: `, class ${LETTERS[z]}`, values: `, value ${z}`, curve: "" }[this.kind];
  }

  choose(k) {
    if (k === this.current) return;
    this.current = k;
    this.plot.redraw();
  }

  move(k, x, y) {
    this.points = this.points.with(k, [rounded(x), rounded(y), this.points[k][2]]);
    this.current = k;
    this.moved = true;
    this.plot.redraw();
    this.change(this.points, false);
  }

  press(event) {
    this.pressed = event.target.closest(".handle");
    if (!this.pressed || !event.shiftKey) return;
    event.stopPropagation();
    event.preventDefault();
    this.remove(Number(this.pressed.dataset.point));
  }

  release() {
    if (this.moved) this.change(this.points, true);
    this.moved = false;
  }

  click(event) {
    const [x, y] = this.plot.at(event);
    if ([x, y].every((value) => value >= SIDE[0] && value <= SIDE[1])) this.add(x, y);
  }

  add(x, y) {
    if (this.points.length >= MOST) {
      this.say(`There are ${MOST} points: no more fit in.`);
      return;
    }
    this.points = [...this.points, [rounded(x), rounded(y), this.kind === "curve" ? 0 : this.brush]];
    this.current = this.points.length - 1;
    this.done(`Point ${this.points.length} added${this.nameOf(this.points.at(-1)[2])}.`);
  }

  // By the keyboard: beside the current point, or in the middle.
  addBeside() {
    const [x, y] = this.points[this.current] ?? [-BESIDE, -BESIDE];
    const step = (value) => (value + BESIDE > SIDE[1] ? value - BESIDE : value + BESIDE);
    this.add(step(x), step(y));
    this.focus();
  }

  remove(k) {
    if (k >= this.points.length) return;
    this.points = this.points.toSpliced(k, 1);
    this.current = Math.max(Math.min(k, this.points.length - 1), 0);
    this.done(`Point ${k + 1} removed; ${this.points.length} left.`);
  }

  done(words) {
    this.say(words);
    this.plot.redraw();
    this.change(this.points, true);
  }

  focus() {
    this.plot.handles.get(this.current)?.node.focus();
  }

  key(event, k) {
    const count = this.points.length;
    const action = {
      PageDown: () => this.choose((k + 1) % count),
      PageUp: () => this.choose((k + count - 1) % count),
      Insert: () => this.addBeside(),
      "+": () => this.addBeside(),
      Delete: () => this.remove(k),
      Backspace: () => this.remove(k),
    }[event.key] ?? this.classKey(event.key, k);
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
    this.focus();
  }

  classKey(key, k) {
    if (this.kind !== "classes" || !["1", "2", "3"].includes(key)) return null;
    return () => {
      const [x, y] = this.points[k];
      this.points = this.points.with(k, [x, y, Number(key) - 1]);
      this.done(`Point ${k + 1} is of class ${LETTERS[Number(key) - 1]}.`);
    };
  }
}
