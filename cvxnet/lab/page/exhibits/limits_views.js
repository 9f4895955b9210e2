// The three series of the exhibit: what is asked, and how its rows are drawn.

import { powers } from "../draw.js";

const log = (value) => Math.log10(Math.max(value, 1e-9));
const percent = (share) => `${Math.round(100 * share)} %`;
const three = (value) => String(Number(value.toPrecision(2)));
const least = (rows, of) => rows.reduce((best, row, k) => (of(row) < of(rows[best]) ? k : best), 0);

// A mark at the row that is shown, so that the two pictures belong together.
function ring(p, x, ...heights) {
  p.dots(heights.map((y) => [x, y]), { kind: "shown", radius: 9 });
}

// A line with marks of its own, and its name at one of its points.
function curve(p, points, { kind, shape, name, at = 0.62, dy = -0.8, anchor = "middle" }) {
  p.line(points, kind);
  p.dots(points, { kind, shape, radius: 4.5 });
  const [x, y] = points[Math.round(at * (points.length - 1))];
  p.text(x, y, name, { kind, anchor, dy });
}

const error = {
  name: "error",
  controls: ["noise", "n"],
  labels: [
    "Error on the samples trained on and on new ones, over weight decay",
    "The samples, the function behind them, and the optimal network at the weight decay shown",
  ],
  question: ({ n, noise, seed }) => ({ n: clamp(n, 10, 80), noise: clamp(noise, 0, 1), seed: clamp(seed, 0, 1e9) }),
  telling: (rows) => least(rows, (row) => row.test),
  name_of: (row) => `β = ${three(row.decay)}`,

  words({ rows }) {
    if (rows.length < 3) return "";
    const best = rows[least(rows, (row) => row.test)];
    const last = rows.at(-1);
    const optimal = rows.every((row) => row.closed) ? "All of these networks are optimal." : "";
    return `Less weight decay always fits the samples better: ${three(last.train)} at β = ${three(last.decay)}. On new `
      + `samples the error is least at β = ${three(best.decay)} (${three(best.test)}), and ${three(last.test)} at the end. `
      + optimal;
  },

  trendRange({ rows }) {
    const ends = rows.length ? [log(rows.at(-1).decay), log(rows[0].decay)] : [-4, 1];
    const x = [Math.min(ends[0] - 0.3, ends[1] - 2), ends[1] + 0.3];
    const most = Math.max(0.1, ...rows.map((row) => Math.max(row.train, row.test)));
    return { x, y: [0, 1.15 * most], xTicks: powers(x), xLabel: "weight decay β", yLabel: "mean squared error" };
  },

  trend(p, { rows, end, shown }) {
    if (end) {
      p.line([[p.x[0], end.noise], [p.x[1], end.noise]], "soft dotted");
      p.text(p.x[1], end.noise, "noise", { kind: "soft", anchor: "end", dy: -0.3, dx: -0.3 });
    }
    const at = (name) => rows.map((row) => [log(row.decay), row[name]]);
    curve(p, at("train"), { kind: "blue", shape: "circle", name: "trained on", at: 0.9 });
    curve(p, at("test"), { kind: "vermilion", shape: "triangle", name: "new samples", at: 0.9 });
    ring(p, log(rows[shown].decay), rows[shown].train, rows[shown].test);
  },

  detailRange({ head }) {
    const size = 1.1 * Math.max(...[...head.y, ...head.truth].map(Math.abs));
    return { x: [-1.05, 1.05], y: [-size, size], xTicks: undefined, yTicks: undefined, xLabel: "x", yLabel: "y" };
  },

  detail(p, { head, rows, shown }) {
    p.line(head.grid.map((x, k) => [x, head.truth[k]]), "soft dashed");
    p.line(head.grid.map((x, k) => [x, rows[shown].curve[k]]), "blue");
    p.dots(head.x.map((x, k) => [x, head.y[k]]), { radius: 4 });
    p.text(head.grid[150], head.truth[150], "the truth", { kind: "soft", dy: -0.6 });
  },
};

// Two series over the number of features share the picture of their gaps.
const byFeatures = (rows, most) => ({ x: [-0.1, 1.06 * log(most)], xTicks: rows.map((row) => [log(row.features), String(row.features)]),
  xLabel: "features" });
const LEAST = 1e-8;

const wide = {
  name: "wide",
  controls: ["n"],
  labels: ["Share of labels right, on the samples trained on and on new ones, over the number of features",
    "Gap of the bracket over the number of features"],
  question: ({ n, seed }) => ({ n: clamp(n, 10, 40), decay: 0.05, seed: clamp(seed, 0, 1e9) }),
  telling: (rows) => rows.length - 1,
  name_of: (row) => `${row.features} ${row.features === 1 ? "feature" : "features"}`,

  words({ rows, end }) {
    if (!rows.length) return "";
    const last = rows.at(-1);
    const of = end ? ` of ${end.rows}` : "";
    return `The labels are thrown coins, the features are noise: there is nothing to learn. With ${last.features} features `
      + `the network has ${percent(last.train)} of the labels${of} samples right, and ${percent(last.test)} of new ones.`;
  },

  trendRange: ({ rows }) => ({ ...byFeatures(rows, 60), y: [0, 1.12], yTicks: [[0, "0"], [0.5, "50 %"], [1, "100 %"]],
    yLabel: "labels right" }),

  trend(p, { rows, shown }) {
    p.line([[p.x[0], 0.5], [p.x[1], 0.5]], "soft dotted");
    p.text(p.x[1], 0.5, "a coin", { kind: "soft", anchor: "end", dy: 1.3, dx: -0.3 });
    const at = (name) => rows.map((row) => [log(row.features), row[name]]);
    curve(p, at("train"), { kind: "blue", shape: "circle", name: "trained on", dy: 1.5 });
    curve(p, at("test"), { kind: "vermilion", shape: "triangle", name: "new samples" });
    ring(p, log(rows[shown].features), rows[shown].train, rows[shown].test);
  },

  detailRange: ({ rows }) => gapRange(rows, 60),
  detail: (p, { rows, shown }) => gaps(p, rows, shown),
};

function gapRange(rows, most) {
  const y = [log(LEAST) - 0.4, 0.4];
  return { ...byFeatures(rows, most), y, yTicks: powers(y, 2), yLabel: "gap of the bracket" };
}

// Closed and open by shape, and by name.
function gaps(p, rows, shown) {
  const at = (row) => [log(row.features), log(Math.max(row.gap, LEAST))];
  p.line(rows.map(at), "soft thin");
  p.dots(rows.filter((row) => row.closed).map(at), { kind: "green", shape: "circle", radius: 6 });
  p.dots(rows.filter((row) => !row.closed).map(at), { kind: "vermilion", shape: "cross", radius: 5 });
  ring(p, ...at(rows[shown]));
  const name = (closed, words, kind) => {
    const row = rows.find((each) => each.closed === closed);
    if (row) p.text(...at(row), words, { kind, dx: closed ? 0 : 0.6, dy: closed ? -0.9 : 1.6 });
  };
  name(true, "● closed", "green");
  name(false, "✗ open", "vermilion");
}

const bracket = {
  name: "bracket",
  controls: ["share", "seconds"],
  labels: ["Gap of the bracket after the time given, over the number of features",
    "The bracket over time for the number of features shown"],
  question: ({ share, seconds, seed }) => ({ decay: clamp(Number(share), 0.01, 1), seconds: clamp(Number(seconds), 0.5, 10),
    seed: clamp(seed, 0, 1e9) }),
  telling: (rows) => Math.max(rows.findLastIndex((row) => !row.closed), 0),
  name_of: wide.name_of,

  words({ rows, end }) {
    if (!rows.length) return "";
    const open = rows.filter((row) => !row.closed);
    const time = end ? ` within ${end.seconds} ${end.seconds === 1 ? "second" : "seconds"} each` : "";
    return open.length
      ? `${rows.length - open.length} of ${rows.length} brackets closed${time}. The others are true, but wide: nobody knows `
        + "yet whether the network is the optimum. Pricing takes about nʳ⁻¹ steps, r the features and the bias."
      : `All ${rows.length} brackets so far have closed${time}.`;
  },

  trendRange: ({ rows }) => gapRange(rows, 8),
  trend: (p, { rows, shown }) => gaps(p, rows, shown),

  detailRange({ rows, shown }) {
    const { rounds, upper } = rows[shown];
    const seconds = Math.max(0.1, ...rounds.map(([t]) => t));
    return { x: [0, 1.05 * seconds], y: [0, 1.15 * Math.max(upper, ...rounds.slice(-3).map((round) => round[2]))],
      xTicks: undefined, yTicks: undefined, xLabel: "seconds", yLabel: "objective" };
  },

  detail(p, { rows, shown }) {
    const { rounds } = rows[shown];
    if (!rounds.length) return;
    const [below, above] = [1, 2].map((k) => rounds.map((round) => [round[0], round[k]]));
    p.area([...above, ...below.toReversed()], "blue");
    curve(p, above, { kind: "blue", shape: "circle", name: "the network found", at: 1, anchor: "end" });
    curve(p, below, { kind: "green", shape: "triangle", name: "no network is below", at: 1, anchor: "end", dy: 1.7 });
  },
};

export const VIEWS = { error, wide, bracket };

function clamp(value, low, high) {
  return Number.isFinite(value) ? Math.min(Math.max(value, low), high) : low;
}
