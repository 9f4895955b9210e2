// Columns entering: training round by round, with v·φ over all units, the bracket and the zonotopes.

import { contour } from "../contour.js";
import { button, choice, panel, short, slider } from "../controls.js";
import { Plot, el, signedColor, svg, within } from "../draw.js";
import { nameKinks } from "../units.js";

const REACH = 3;
const PACE = 1400; // milliseconds a round
const LEVELS = [[1, "β"], [10, "10β"], [100, "100β"], [1000, "1000β"]];
const HEIGHTS = [0.6, -0.8, 0.5, 0.9, -0.5, -0.4, 1.2, -0.6, 0.1, -0.9, 0.8, -0.3];
// Between -β and β heights are in scale, beyond on a logarithmic one.
const squash = (h) => (Math.abs(h) <= 1 ? h : Math.sign(h) * (1 + Math.log10(Math.abs(h))));

export default {
  id: "columns",
  title: "Columns entering",
  look: "v·φ, how much each unit would help. Where it pokes out of ±β a unit enters, and there it sinks to ±β; when nothing pokes out, no unit helps: the bracket is closed.",
  attempt: "step to the last round, drag a point, and find out which of the units come back.",
  sheet: true,
  state: {
    features: "1", slow: true, beta: 0.2, round: 0,
    curve: [-2.2, 0.9, -1.7, 0.2, -1.2, -0.6, -0.7, -1, -0.2, -0.4, 0.3, 0.5, 0.8, 1, 1.3, 0.6, 1.8, -0.2, 2.3, -0.9],
    plane: [-1.5, -1.2, -1.4, 0.2, -1.1, 1.5, -0.4, -0.6, -0.2, 0.9, 0.1, -1.6, 0.3, 0.2, 0.6, 1.7, 0.9, -0.7, 1.2, 0.8, 1.5, -1.5, 1.7, 0.1],
  },
  options: { features: ["1", "2"] },
  mount,
};

function mount(place, lab) {
  const film = { answer: null, data: null, playing: null };
  const draw = (what) => (plot) => film.answer && what(plot, film, lab);
  const most = lab.present ? 255 : 280;
  const plots = {
    fit: new Plot({ label: "The data and the network of this round", testid: "fit", x: [-REACH, REACH], y: [-REACH, REACH],
      aspect: 0.72, most, draw: draw(drawFit) }),
    columns: new Plot({ label: "v·φ over all units, between plus and minus the weight decay", testid: "columns-plot",
      x: [-180, 180], y: [-2, 2], xTicks: [], yTicks: [], aspect: 0.72, most, draw: draw(drawColumns) }),
    bracket: new Plot({ label: "Upper and lower bound after each round", testid: "bracket", x: [0, 1], y: [0, 1], xLabel: "round",
      aspect: 0.72, most, draw: draw(drawBracket) }),
    zonotopes: new Plot({ label: "Two zonotopes, whose distance is the largest v·φ", testid: "zonotopes", x: [-1, 1], y: [-1, 1], equal: true,
      xLabel: "sum of v·x", yLabel: "sum of v", aspect: 0.72, most, draw: draw(drawZonotopes) }),
  };
  const words = Object.fromEntries(Object.keys(plots).map((name) => [name, el("figcaption", { "data-testid": `say-${name}` })]));
  const figures = Object.fromEntries(Object.entries(plots).map(([name, plot]) => [name, el("figure", {}, words[name], plot.node)]));

  const last = () => film.answer.frames.length - 1;
  const now = () => within(Math.round(lab.state.round), [0, last()]);
  const go = (round) => {
    lab.set({ round: within(round, [0, last()]) });
    lab.say(`round ${now()}: ${claim(film.answer.frames[now()])}`);
  };
  const stop = () => {
    clearInterval(film.playing);
    film.playing = null;
    controls.play.set("▶ Play");
  };
  const play = () => {
    if (film.playing) return stop();
    if (now() === last()) go(0);
    controls.play.set("❚❚ Pause");
    film.playing = setInterval(() => (now() < last() ? go(now() + 1) : stop()), PACE);
  };
  const byHand = (round) => () => { stop(); go(round()); };
  const controls = {
    features: choice({ name: "features", label: "features", options: [["1", "one"], ["2", "two"]], value: "1",
      onChange: (features) => { stop(); lab.set({ features, round: 0 }); } }),
    slow: choice({ name: "pace", label: "units enter", options: [["true", "one a round"], ["false", "as in cn.train"]], value: "true",
      onChange: (slow) => { stop(); lab.set({ slow: slow === "true", round: 0 }); } }),
    beta: slider({ name: "beta", label: "weight decay β", min: 0.02, max: 2, value: 0.2, log: true, onInput: (beta) => lab.set({ beta }) }),
    back: button({ name: "back", label: "◀ Back", onClick: byHand(() => now() - 1) }),
    play: button({ name: "play", label: "▶ Play", primary: true, onClick: play }),
    step: button({ name: "step", label: "Step ▶", onClick: byHand(() => now() + 1) }),
    round: slider({ name: "round", label: "round", min: 0, max: 1, step: 1, value: 0, show: String, onInput: (round) => { stop(); go(round); } }),
  };
  const verdict = el("p", { class: "verdict", "data-testid": "verdict" });
  const grid = el("div", { class: "figures" }, ...Object.values(figures));
  place.append(panel(controls.features, controls.slow, controls.beta, controls.back, controls.play, controls.step, controls.round),
    verdict, grid);

  return {
    async update(state) {
      controls.features.set(state.features);
      controls.slow.set(state.slow);
      controls.beta.set(state.beta);
      const question = asked(state);
      const text = JSON.stringify(question);
      if (text !== film.data) {
        plots.fit.redraw(); // what is held follows the hand at once
        const answer = await lab.ask("columns/rounds", question);
        Object.assign(film, { answer, data: text, question });
        lab.tell("");
      }
      controls.round.node.querySelector("input").max = last();
      controls.round.set(now());
      controls.back.enable(now() > 0);
      controls.step.enable(now() < last());
      show(film, plots, words, verdict, now());
      figures.zonotopes.hidden = question.features === 2;
      grid.classList.toggle("three", question.features === 2);
    },
    destroy: stop,
  };
}

function asked({ features, curve, plane, beta, slow }) {
  const numbers = (features === "2" ? plane : curve).map((value) => within(value, [-REACH, REACH])).slice(0, 24);
  const pairs = Array.from({ length: Math.floor(numbers.length / 2) }, (_, k) => numbers.slice(2 * k, 2 * k + 2));
  const shared = { beta: within(beta, [0.001, 100]), one_by_one: slow };
  if (features === "2") return { features: 2, X: pairs, y: pairs.map((_, k) => HEIGHTS[k]), ...shared };
  return { features: 1, X: pairs.map(([x]) => [x]), y: pairs.map(([, y]) => y), ...shared };
}

const units = (number) => `${number} ${number === 1 ? "unit" : "units"}`;
const claim = ({ out, largest }) =>
  out ? `A unit pokes out to ${short(largest)} β: it can lower the objective.` : "Nothing pokes out: no unit can lower the objective.";

function show(film, plots, words, verdict, k) {
  const { frames, grid, gap, status } = film.answer;
  const frame = frames[k];
  film.frame = frame;
  film.k = k;
  const flat = film.question.features === 1;
  words.fit.textContent = `The network of round ${k}: ${units(frame.units)}. Drag the points.`;
  words.columns.textContent = `v·φ over all units. Filled: units of the network; hollow: some that poke out${flat && k ? "; dotted: a round ago" : ""}.`;
  words.bracket.textContent = `Proved after round ${k}: ${frame.proved[0]} ≤ optimum ≤ ${frame.proved[1]}`;
  words.zonotopes.textContent = `The same as a distance: ${frame.out ? `${short(frame.largest)} β` : "at most β"} between two zonotopes. Dashed: at distance β.`;
  film.closed = k === frames.length - 1 && status === "optimal";
  const found = frame.units ? `with ${units(frame.units)}${frame.touching ? ", all at ±β" : ""}` : "and no unit is worth its price";
  verdict.textContent = film.closed ? `Round ${k}: the bracket is closed (gap ${short(gap)}), ${found}.`
    : `Round ${k}: ${claim(frame)}`;
  const top = Math.max(2, ...frames.map(({ largest }) => 1.12 * squash(largest)));
  plots.fit.set({ xLabel: flat ? "x" : "x₁", yLabel: flat ? "y" : "x₂", x: [grid[0], grid.at(-1)], y: flat ? [-2, 2] : [grid[0], grid.at(-1)] });
  plots.columns.set(flat ? { y: [-top, top], xLabel: "angle of the unit (w, b)" }
    : { y: [-90, 90], xLabel: "direction in which the unit rises (degrees)", xTicks: [-180, -90, 0, 90, 180] });
  if (flat) plots.columns.set({ xTicks: [] });
  plots.bracket.set({ x: [-0.3, frames.length - 0.7], y: [0, 1.08 * frames[0].upper],
    xTicks: frames.map((_, round) => round).filter((round) => round % Math.ceil(frames.length / 8) === 0) });
  if (flat) plots.zonotopes.set(rangeOf(frame.zonotopes));
}

function rangeOf({ above, below, around }) {
  const points = [...above, ...below, ...around.flat()];
  const side = (j) => [Math.min(...points.map((p) => p[j])), Math.max(...points.map((p) => p[j]))];
  return { x: side(0), y: side(1) };
}

function drawFit(plot, film, lab) {
  const { frame, question, answer } = film;
  const flat = question.features === 1;
  if (flat) plot.line(answer.grid.map((x, k) => [x, frame.fit[k]]), "vermilion");
  else {
    const most = Math.max(...question.y.map(Math.abs));
    const ends = [answer.grid[0], answer.grid.at(-1)];
    plot.heat(frame.fit, ends, ends, (value) => signedColor((0.85 * value) / most));
  }
  const held = asked(lab.state);
  if (held.features !== question.features) return;
  const [name, bounds] = flat ? ["curve", { x: [-REACH, REACH], y: [-2, 2] }] : ["plane", { x: [-REACH, REACH], y: [-REACH, REACH] }];
  held.X.forEach((x, k) => {
    const [a, b] = flat ? [x[0], held.y[k]] : x;
    if (!flat) plot.text(a, b, held.y[k] > 0 ? "+" : "−", { kind: "strong", dx: 0.6, dy: -0.3 });
    plot.handle(`${name}${k}`, { x: a, y: b, label: `sample ${k + 1}`, testid: `sample-${k + 1}`, radius: flat ? 6 : 5,
      kind: flat || held.y[k] > 0 ? "sample" : "sample low", shape: flat || held.y[k] > 0 ? "circle" : "square", bounds,
      onMove: (moved) => {
        const values = [...lab.state[name]];
        values.splice(2 * k, 2, ...moved.map((value) => Math.round(value * 100) / 100));
        lab.set({ [name]: values });
      } });
  });
}

function drawColumns(plot, film) {
  if (film.question.features === 1) drawCurve(plot, film.frame, film.answer.frames[film.k - 1]);
  else drawMap(plot, film.frame);
}

function drawCurve(plot, { angles, heights, present, entering }, before) {
  const curve = angles.map((a, k) => [a, squash(heights[k])]);
  const inside = curve.map(([a, h]) => [a, within(h, [-1, 1])]);
  plot.area([[-180, -1], [180, -1], [180, 1], [-180, 1]], "band");
  plot.area([...curve, ...inside.reverse()], "orange out");
  for (const level of [-1, 1]) plot.line([[-180, level], [180, level]], "thin soft dashed");
  if (before) plot.line(before.angles.map((a, k) => [a, squash(before.heights[k])]), "thin soft dotted");
  plot.line(curve);
  plot.text(-180, 0, "0", { kind: "soft", anchor: "end", dx: -0.4, dy: 0.35 });
  for (const [level, name] of LEVELS) {
    if (squash(level) > plot.y[1]) continue;
    plot.text(-180, squash(level), name, { kind: "soft", anchor: "end", dx: -0.4, dy: 0.35 });
    plot.text(-180, -squash(level), `−${name}`, { kind: "soft", anchor: "end", dx: -0.4, dy: 0.35 });
  }
  for (const [a, name] of [[-180, "falls ╲_"], [-90, "never on"], [0, "_╱ rises"], [90, "constant"]]) {
    plot.text(a, plot.y[0], name, { kind: "soft", anchor: a === -180 ? "start" : "middle", dy: 1.2 });
  }
  plot.dots(entering.map(([a, h]) => [a, squash(h)]), { kind: "hollow", radius: 6.5, titles: entering.map(([, h]) => `${short(h)} β`) });
  plot.dots(present.map(([a, h]) => [a, squash(h)]), { kind: "vermilion", radius: 6 });
  if (entering.length) {
    const [a, h] = entering[0];
    plot.text(within(a, [-140, 140]), squash(h), "enters", { kind: "strong", anchor: "middle", dy: h > 0 ? 1.6 : -0.9 });
  }
}

function drawMap(plot, { angles, tilts, map, present, entering }) {
  const orange = [230, 159, 0];
  plot.heat(map, [-180, 180], [-90, 90], (h) => (Math.abs(h) > 1.0001 ? orange : signedColor(0.8 * h)));
  for (const level of [-1, 0, 1]) {
    const lines = contour(map, angles, tilts, level);
    const d = lines.map(([from, to]) => plot.path([from, to])).join("");
    plot.mark(svg("path", { class: `line ${level ? "" : "thin soft dotted"}`, d: d || "M0 0" }));
  }
  for (let i = 5; i < tilts.length; i += 9) {
    for (let j = 5; j < angles.length; j += 10) {
      const h = map[i][j];
      const sign = Math.abs(h) > 1.0001 ? "×" : Math.abs(h) > 0.15 ? (h > 0 ? "+" : "−") : "";
      if (sign) plot.text(angles[j], tilts[i], sign, { kind: "soft", anchor: "middle", dy: 0.35 });
    }
  }
  nameKinks(plot);
  plot.dots(entering.map(([a, t]) => [a, t]), { kind: "hollow", radius: 6.5, titles: entering.map(([, , h]) => `${short(h)} β`) });
  plot.dots(present.map(([a, t]) => [a, t]), { kind: "unit", radius: 6, titles: present.map(([, , h]) => `${short(h)} β`) });
  if (entering.length) {
    const [a, t] = entering[0];
    plot.text(within(a, [-140, 140]), t, "enters", { kind: "strong", anchor: "middle", dy: -0.8 });
  }
}

function drawBracket(plot, { answer, k, closed }) {
  const frames = answer.frames.slice(0, k + 1);
  const [upper, lower] = ["upper", "lower"].map((end) => frames.map((frame, round) => [round, frame[end]]));
  plot.area([...upper, ...[...lower].reverse()], "blue");
  plot.line(upper, "vermilion");
  plot.line(lower, "blue");
  plot.dots(upper, { kind: "vermilion", shape: "square", radius: 4.5 });
  plot.dots(lower, { kind: "blue", shape: "triangle", radius: 5 });
  const room = k < 0.6 * answer.frames.length;
  const side = { anchor: room ? "start" : "end", dx: room ? 0.7 : -0.6 };
  const [up, low] = [upper.at(-1), lower.at(-1)];
  const far = Math.abs(plot.Y(up[1]) - plot.Y(low[1])) > 3 * plot.em;
  if (closed) {
    plot.text(...low, "closed", { kind: "strong", ...side, dy: 1.6 });
    return;
  }
  plot.text(...up, "best network", { kind: "vermilion", ...side, dy: far ? (room ? 0.1 : 1.5) : -0.8 });
  plot.text(...low, "proved bound", { kind: "blue", ...side, dy: far ? (room ? 0.4 : -0.8) : 1.6 });
}

function drawZonotopes(plot, { frame }) {
  if (!frame.zonotopes) return;
  const { above, below, around, present, entering } = frame.zonotopes;
  [[above, "blue", "v > 0: too high"], [below, "orange", "v < 0: too low"]].forEach(([polygon, kind, words], of) => {
    plot.area(polygon, kind);
    plot.line([...polygon, polygon[0]], `thin ${kind}`);
    plot.line(around[of], `thin dashed ${kind}`);
    const place = plot.box.top + (1.1 + 1.4 * of) * plot.em;
    plot.words.append(svg("text", { class: kind, x: plot.box.left + 0.7 * plot.em, y: place }, words));
  });
  for (const [end, lines] of [["present", present], ["entering", entering.slice(0, 1)]]) {
    for (const [tip, foot] of lines) {
      plot.line([foot, tip], `vermilion ${end}`);
      plot.dots([tip], { kind: end === "present" ? "vermilion" : "hollow", radius: end === "present" ? 4 : 5.5 });
    }
  }
}
