// Many optima, one value: the band of all optimal networks of a few points, and a walk through them.

import { button, digits, panel, select, short, slider, toggle } from "../controls.js";
import { Plot, el, within } from "../draw.js";

const REACH = [-3, 3];
const VIEW = [-3.9, 3.9];
const MOST = 12;
const SETS = {
  band: { label: "three points and a free line", points: [-2, 3, 0, 2, 2, 3], decay: 0.1, skip: true },
  one: { label: "five points, one peak", points: [-2, 0, -1, 0, 0, 1, 1, 0, 2, 0], decay: 0.02, skip: false },
  single: { label: "five points, two peaks", points: [-2, 0, -1, 1, 0, 0, 1, 1, 2, 0], decay: 0.02, skip: false },
};

export default {
  id: "many-optima",
  title: "Many optima, one value",
  look: "the networks change as you walk, and the objective does not. All of them are optimal, and agree on the data.",
  attempt: "walk through the networks. Then drag a point until only one network is left.",
  sheet: true,
  state: { points: SETS.band.points, decay: 0.1, skip: true, walk: 0 },
  mount,
};

function mount(place, lab) {
  let found = null;
  let asked = "";
  const controls = {
    walk: slider({ name: "walk", label: "walk", min: 0, max: 48, step: 1, value: 0, show: (k) => `${k} of 48`,
      onInput: (walk) => lab.set({ walk }) }),
    decay: slider({ name: "decay", label: "weight decay β", min: 0.005, max: 1, log: true, value: 0.1,
      onInput: (decay) => lab.set({ decay }) }),
    skip: toggle({ name: "skip", label: "free line (skip connection)", value: true, onChange: (skip) => lab.set({ skip }) }),
  };
  const sets = select({ name: "set", label: "data", value: "band", onChange: (name) => choose(name),
    options: [["own", "own points"], ...Object.entries(SETS).map(([name, { label }]) => [name, label])] });
  const add = button({ name: "add", label: "Add a point", onClick: () => lab.set({ points: [...lab.state.points, ...fresh(lab.state.points)] }) });
  const remove = button({ name: "remove", label: "Remove the last", onClick: () => lab.set({ points: lab.state.points.slice(0, -2) }) });
  const ready = (draw) => (plot) => draw(plot, found, lab.state, lab);
  const most = lab.present ? 480 : 400;
  const main = new Plot({ label: "Points, the band of all optimal networks, and one of them", testid: "band", x: VIEW, y: [-3.5, 3.9],
    xLabel: "x", yLabel: "network", most, draw: ready(drawNetworks) });
  const sizes = new Plot({ label: "Size of each unit of the network, and its range over all optimal networks", testid: "sizes",
    x: [0, 1], y: [0, 1], xTicks: [], xLabel: "units, by their kinks", yLabel: "size", aspect: 0.42, draw: ready(drawSizes) });
  const touch = ["right", "left"].map((side) => new Plot({ label: `v · φ of units that rise to the ${side}`, testid: side, x: VIEW,
    y: [-1.25, 1.25], yTicks: [], aspect: 0.3, xLabel: side === "left" ? "kink of the unit" : undefined,
    draw: ready((plot, ...rest) => drawTouching(plot, side, ...rest)) }));
  const said = el("div", { "data-testid": "said" });
  const status = el("p", { class: "status", "data-testid": "status" });
  place.append(panel(sets, controls.walk, controls.decay, controls.skip, add, remove), status,
    el("div", { class: "columns" }, el("div", {}, main.node, said),
      el("div", {}, el("h2", {}, "Sizes of the units"), sizes.node,
        el("h2", {}, "Which units may be there: v · φ touches ±β"), ...touch.map((plot) => plot.node),
        el("p", { class: "note" }, "Above, units that rise to the right of their kink; below, to the left. ● in the first network, ○ in others."))));

  function choose(name) {
    if (!(name in SETS)) return;
    const { points, decay, skip } = SETS[name];
    lab.set({ points: [...points], decay, skip, walk: 0 });
  }

  function redraw() {
    for (const plot of [main, sizes, ...touch]) plot.redraw();
    if (found) said.replaceChildren(...sentences(found, lab.state));
  }

  async function solve(question) {
    const key = asked;
    try {
      const answer = await lab.ask("many-optima/networks", question);
      if (key !== asked) return;
      found = answer;
      status.textContent = "";
      lab.say(answer.claim);
    } catch (error) {
      if (key !== asked) return;
      found = null;
      status.textContent = error.message;
      said.replaceChildren();
    }
    redraw();
  }

  return {
    update(state) {
      for (const [name, control] of Object.entries(controls)) control.set(state[name]);
      sets.set(nameOf(state));
      const count = pairs(state.points).length;
      add.enable(count < MOST);
      remove.enable(count > 2);
      const question = { points: pairs(state.points), decay: within(state.decay, [0.005, 1]), skip: state.skip };
      if (asked !== JSON.stringify(question)) {
        asked = JSON.stringify(question);
        solve(question);
      }
      redraw();
    },
  };
}

// At least two points, whatever the address says.
function pairs(numbers) {
  const inside = numbers.map((number) => within(number, REACH));
  const found = Array.from({ length: Math.min(Math.floor(inside.length / 2), MOST) }, (_, k) => inside.slice(2 * k, 2 * k + 2));
  return found.length < 2 ? pairs(SETS.band.points) : found;
}

function nameOf(state) {
  const same = (one) => one.decay === state.decay && one.skip === state.skip && String(one.points) === String(state.points);
  return Object.keys(SETS).find((name) => same(SETS[name])) ?? "own";
}

// In the widest gap between the points.
function fresh(numbers) {
  const xs = [REACH[0], ...pairs(numbers).map(([x]) => x).sort((a, b) => a - b), REACH[1]];
  const widths = xs.slice(1).map((x, k) => x - xs[k]);
  const k = widths.indexOf(Math.max(...widths));
  return [Number(((xs[k] + xs[k + 1]) / 2).toPrecision(3)), 0];
}

const stopOf = (found, { walk }) => within(Math.round(walk), [0, found.values.length - 1]);

function drawNetworks(plot, found, state, lab) {
  if (found) {
    const curve = (values) => found.x.map((x, k) => [x, values[k]]);
    if (found.wide) {
      const low = found.places.map((x, k) => [x, found.low[k]]);
      const high = found.places.map((x, k) => [x, found.high[k]]);
      plot.area([...low, ...high.reverse()], "blue");
      plot.line(low, "thin blue");
      plot.line(high, "thin blue");
    }
    plot.line(curve(found.functions[0]), "soft dashed");
    plot.line(curve(found.functions[stopOf(found, state)]), "vermilion");
  }
  const points = pairs(state.points);
  points.forEach(([x, y], k) => plot.handle(`p${k}`, { x, y, label: `point ${k + 1}`, testid: `point-${k}`, radius: 6,
    bounds: { x: REACH, y: REACH },
    onMove: (moved) => lab.set({ points: points.map((point, i) => (i === k ? moved.map(rounded) : point)).flat() }) }));
}

const rounded = (value) => Number(value.toFixed(2));

function drawSizes(plot, found, state) {
  if (!found) return;
  const { units, sizes } = found;
  const most = Math.max(...units.map((unit) => unit.most), 1e-9);
  plot.options.x = [-0.6, Math.max(units.length, 1) - 0.4];
  plot.options.y = [0, 1.15 * most];
  if (plot.x[1] !== plot.options.x[1] || plot.y[1] !== plot.options.y[1]) return void plot.redraw();
  const now = sizes[stopOf(found, state)];
  const wide = 0.28;
  units.forEach((unit, k) => {
    plot.area([[k - wide, 0], [k + wide, 0], [k + wide, now[k]], [k - wide, now[k]]], unit.sign > 0 ? "blue" : "orange");
    plot.line([[k, unit.least], [k, unit.most]], "soft");
    plot.dots([[k, now[k]]], { kind: unit.sign > 0 ? "blue" : "orange", shape: unit.sign > 0 ? "circle" : "square", radius: 5 });
    plot.text(k, 0, unit.kink === null ? "const." : `${unit.side === "right" ? "" : "←"}${short(Number(unit.kink.toFixed(2)))}${unit.side === "right" ? "→" : ""}`,
      { kind: "soft", anchor: "middle", dy: 1.2 });
  });
}

function drawTouching(plot, side, found) {
  if (!found) return;
  for (const level of [-1, 1]) {
    plot.line([[VIEW[0], level], [VIEW[1], level]], "thin dotted");
    plot.text(VIEW[0], level, level > 0 ? "β" : "−β", { anchor: "end", dx: -0.4, dy: 0.35 });
  }
  plot.line(found.x.map((x, k) => [x, found.heights[side][k]]));
  for (const { kink, side: own, level, used } of found.units) {
    if (own !== side || kink === null || kink < VIEW[0] || kink > VIEW[1]) continue;
    plot.dots([[kink, level]], { kind: used === "found" ? "vermilion" : `stroked ${used === "other" ? "vermilion" : "soft"}`, radius: 5 });
  }
}

function sentences(found, state) {
  const k = stopOf(found, state);
  const spread = Math.max(...found.values) - Math.min(...found.values);
  const rows = [
    ["objective here", digits(found.values[k], 10)],
    ["over the whole walk", `equal up to ${short(spread)}`],
    ["proved", `${found.lower} ≤ optimum ≤ ${found.upper}`],
  ];
  return [el("p", { class: "verdict" }, `${found.claim}.`),
    el("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { "data-testid": name.replaceAll(" ", "-") }, value)]))];
}
