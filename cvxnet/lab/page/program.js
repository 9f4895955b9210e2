// The whole convex program of some points: written out, taken apart, and solved.

import { panel, short, slider } from "./controls.js";
import { Plot, el, svg, within } from "./draw.js";

export const thousands = (number) => number.toLocaleString("en-GB");
const list = (indices) => indices.map((k) => k + 1).join(", ");

// pointsOf(state) are the points, state.targets what the network should say of them.
export function programPart(lab, pointsOf) {
  let found = null;
  const controls = {
    beta: slider({ name: "beta", label: "weight decay β", min: 0.01, max: 2, value: 0.1, log: true, onInput: (beta) => lab.set({ beta }) }),
    piece: slider({ name: "piece", label: "piece", min: 1, max: 126, step: 1, value: 1, show: (k) => String(k),
      onInput: (piece) => lab.set({ piece }) }),
  };
  const matrix = new Plot({ label: "Where the matrices of the program have entries", testid: "matrix", x: [0, 1], y: [0, 1], bare: true,
    aspect: 0.8, most: lab.present ? 560 : 460, draw: (plot) => found && drawMatrix(plot, found, lab.state) });
  const text = el("div", { class: "written", "data-testid": "program" });
  const piece = el("div", { "data-testid": "piece-text" });
  const solved = el("dl", { class: "facts", "data-testid": "solved" });
  return {
    nodes: [panel(...Object.values(controls)), el("div", { class: "columns" },
      el("div", {}, text, piece, solved),
      el("figure", {}, matrix.node, el("figcaption", {}, "The matrices as CVXPY has them: above the equations f = M w, below the "
        + "inequalities G w ≥ 0. The piece chosen is marked; pieces that the optimum uses have a tick below.")))],
    async update(state) {
      const points = pointsOf(state);
      const targets = points.map((_, k) => within(state.targets[k] ?? 0, [-9, 9]));
      const beta = within(state.beta, [0.001, 10]);
      controls.beta.set(beta);
      found = { points, targets, beta, ...(await lab.ask("lift/program", { points, targets, beta })) };
      lab.tell("");
      const chosen = within(Math.round(state.piece), [1, found.pieces.length]);
      controls.piece.node.querySelector("input").max = found.pieces.length;
      controls.piece.set(chosen);
      text.replaceChildren(...written(found));
      piece.replaceChildren(...pieceText(found, chosen));
      solved.replaceChildren(...outcome(found));
      matrix.redraw();
    },
  };
}

const sub = (letter, index) => [el("i", {}, letter), el("sub", {}, String(index))];

function written({ sizes, beta, targets }) {
  const { pieces: m, variables, equations, inequalities } = sizes;
  const line = (word, ...rest) => el("div", { class: "program-line" }, el("span", { class: "word" }, word), el("span", {}, ...rest));
  const sum = targets.map((y, k) => [k ? " + " : "", "(", ...sub("f", k + 1), y < 0 ? ` + ${-y}` : ` − ${y}`, ")²"]).flat();
  return [
    line("minimise", "½ [", ...sum, `] + ${short(beta)} (|`, ...sub("w", 1), "| + … + |", ...sub("w", m), "|)"),
    line("subject to", el("i", {}, "f"), " = ", ...sub("M", 1), ...sub("w", 1), " + … + ", ...sub("M", m), ...sub("w", m),
      el("span", { class: "note" }, ` ${equations} equations`)),
    line("", ...sub("G", "k"), ...sub("w", "k"), " ≥ 0 for each piece ", el("i", {}, "k"),
      el("span", { class: "note" }, ` ${thousands(inequalities)} inequalities`)),
    el("p", { class: "note" }, `${m} pieces: one for each cell with an active point and each sign of the output weight. `
      + `${variables.w} + ${variables.f} variables. Squares and lengths are convex, everything else is linear.`),
  ];
}

function pieceText({ pieces: all }, chosen) {
  const { sign, active, samples, size } = all[chosen - 1];
  const facets = samples.map((k) => `${active.includes(k) ? "" : "−"}(x${subscript(k + 1)}, 1)·w ≥ 0`);
  return [
    el("h2", {}, `Piece ${chosen}`),
    el("p", {}, `Output weight ${sign > 0 ? "positive" : "negative"}, active on ${active.length > 1 ? "points" : "point"} ${list(active)}: `
      + `it adds ${sign > 0 ? "" : "−"}(x, 1)·w to ${active.map((k) => `f${subscript(k + 1)}`).join(", ")}.`),
    el("p", {}, `It stays in its cell: ${facets.join(", ")}. The other points follow.`),
    el("p", {}, size > 0 ? `In the optimum |w| = ${short(size)}: one hidden unit.` : "In the optimum w = 0: no unit."),
  ];
}

const subscript = (number) => [...String(number)].map((d) => "₀₁₂₃₄₅₆₇₈₉"[d]).join("");

function outcome({ value, solver, proved, status, dcp, units }) {
  const facts = [
    ["is_dcp()", String(dcp)],
    [`${solver} finds`, String(Number(value.toPrecision(8)))],
    ["cn.train proves", status === "optimal" ? `${proved[0]} ≤ optimum ≤ ${proved[1]}` : `only ${proved[0]} ≤ optimum ≤ ${proved[1]}: the bracket is open`],
    ["network", `${units} hidden units`],
  ];
  return facts.flatMap(([name, fact]) => [el("dt", {}, name), el("dd", {}, fact)]);
}

function drawMatrix(plot, { entries, sizes, pieces: all }, state) {
  const [columns, upper, lower] = [sizes.variables.w, sizes.equations, sizes.inequalities];
  const width = columns / all.length;
  const high = 0.2; // share of the picture that the equations take
  const box = plot.box;
  const X = (j) => box.left + (j / columns) * (box.right - box.left);
  const head = 1.6 * plot.em;
  const span = box.bottom - box.top - 2 * head - 10;
  const parts = [["M", entries[0], upper, box.top + head, high * span],
    ["G", entries[1], lower, box.top + 2 * head + high * span, (1 - high) * span]];
  const chosen = within(Math.round(state.piece), [1, all.length]) - 1;
  for (const [name, places, rows, top, height] of parts) {
    plot.mark(svg("rect", { class: "frame", x: X(0), y: top, width: X(columns) - X(0), height }));
    plot.mark(svg("rect", { class: "chosen", x: X(chosen * width), y: top, width: X(width) - X(0), height }));
    const [w, h] = [Math.max((X(1) - X(0)) * 0.8, 0.8), Math.max((height / rows) * 0.8, 0.8)];
    for (const sign of [1, -1]) {
      const own = places.filter(([, j]) => all[Math.floor(j / width)].sign === sign);
      const d = own.map(([i, j]) => `M${X(j).toFixed(1)} ${(top + (i / rows) * height).toFixed(1)}h${w.toFixed(1)}v${h.toFixed(1)}h${-w.toFixed(1)}Z`);
      plot.mark(svg("path", { class: `entries ${sign > 0 ? "vermilion" : "blue"}`, d: d.join("") }));
    }
    plot.words.append(svg("text", { x: X(0), y: top - 0.45 * plot.em }, `${name}: ${thousands(rows)} × ${columns}`));
  }
  const ticks = all.map(({ size }, k) => (size > 0 ? `M${X((k + 0.5) * width)} ${box.bottom} v-8` : ""));
  plot.mark(svg("path", { class: "tick", d: ticks.join("") || "M0 0" }));
}
