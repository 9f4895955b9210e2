// What exhibits about a function on a line have in common: chord, midpoint, and a verdict in words.

import { curvatureMark, el } from "./draw.js";

// The chord from a to b with both heights at the midpoint: { f_a, f_b, f_middle, chord, rise }.
export function chordMarks(plot, found, a, b, words = "f(midpoint)") {
  const middle = (a + b) / 2;
  const above = found.rise > 0;
  const color = above ? "vermilion" : "green";
  plot.line([[a, found.f_a], [b, found.f_b]], "dashed");
  plot.line([[middle, found.chord], [middle, found.f_middle]], color);
  plot.dots([[middle, found.chord]], { kind: "stroked", radius: 5 });
  plot.dots([[middle, found.f_middle]], { kind: color, shape: "diamond", radius: 6 });
  // Where the chord rises there is room above on the left, and below on the right.
  const rising = (found.f_b - found.f_a) * (b - a) >= 0;
  const label = (height, text, up) => plot.text(middle, height, text,
    { anchor: up === rising ? "end" : "start", dx: up === rising ? -0.7 : 0.7, dy: up ? -0.5 : 1.1 });
  label(found.f_middle, words, above);
  if (found.rise) label(found.chord, "chord", !above);
}

// A verdict of cvxnet in two lines: { convex, concave, reason }.
export function judged({ convex, concave, reason }) {
  const line = (mark, kind, words) => el("p", { class: "verdict" }, mark, el("span", { class: kind }, words));
  const why = (words) => el("p", { class: "note" }, words);
  if (convex) {
    return [line(curvatureMark(concave ? "affine" : "convex"), "yes", concave ? "Affine: convex and concave" : "Convex"),
      why(`Proved for all chords, by the ${reason}.`)];
  }
  if (convex === false) {
    return [line(el("span", { class: "mark no", "aria-hidden": "true" }, "✗"), "no", "Not convex"),
      why(`Refuted by ${reason}.`)];
  }
  return [line(curvatureMark("unknown"), "open", "Unknown"), why(reason)];
}
