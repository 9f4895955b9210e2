// Many optima, one value: the band of all optimal networks of a few points, and a walk through them.

import { button, panel, select, short, slider, toggle } from "../controls.js";
import { Plot, el, within } from "../draw.js";

const REACH = [-3, 3];
const HEIGHTS = [-1, 3];
const VIEW = [-3.9, 3.9];
const MOST = 12;
const SETS = {
  band: { label: "three points, free slope", points: [-2, 2, 0, 1, 2, 2], decay: 0.1, slope: true },
  one: { label: "five points, one peak", points: [-2, 0, -1, 0, 0, 1, 1, 0, 2, 0], decay: 0.02, slope: false },
  single: { label: "five points, two peaks", points: [-2, 0, -1, 1, 0, 0, 1, 1, 2, 0], decay: 0.02, slope: false },
};

export default {
  id: "many-optima",
  title: "Many optima, one value",
  look: "the walk. The units change; the objective and the predictions on the data do not.",
  attempt: "walk through the networks. Then drag a point until only one network is left.",
  sheet: true,
  state: { points: SETS.band.points, decay: 0.1, slope: true, walk: 0 },
  mount,
};

function mount(place, lab) {
  let found = null;
  let asked = "";
  const controls = {
    walk: slider({ name: "walk", label: "walk", min: 0, max: 48, step: 1, value: 0, show: String,
      onInput: (walk) => lab.set({ walk }) }),
    decay: slider({ name: "decay", label: "weight decay β", min: 0.005, max: 1, log: true, value: 0.1,
      onInput: (decay) => lab.set({ decay }) }),
    slope: toggle({ name: "slope", label: "free slope", value: true, onChange: (slope) => lab.set({ slope }) }),
  };
  const sets = select({ name: "set", label: "data", value: "band", onChange: (name) => choose(name),
    options: [["own", "own points"], ...Object.entries(SETS).map(([name, { label }]) => [name, label])] });
  const add = button({ name: "add", label: "Add", onClick: () => lab.set({ points: [...lab.state.points, ...fresh(lab.state.points)] }) });
  const remove = button({ name: "remove", label: "Remove", onClick: () => lab.set({ points: lab.state.points.slice(0, -2) }) });
  const ready = (draw) => (plot) => draw(plot, found, lab.state, lab);
  const [most, low] = lab.present ? [390, 0.28] : [400, 0.42];
  const main = new Plot({ label: "Points, the band of all optimal networks, and one of them", testid: "band", x: VIEW, y: [-1.3, 3.3],
    xLabel: "x", yLabel: "network", most, draw: ready(drawNetworks) });
  const sizes = new Plot({ label: "Size of each unit of the network, and its range over all optimal networks", testid: "sizes",
    x: [0, 1], y: [0, 1], xTicks: [], xLabel: "units, by their kinks", yLabel: "size", aspect: low, draw: ready(drawSizes) });
  const touch = new Plot({ label: "v · φ over the kinks of all units", testid: "touching", x: VIEW, y: [-1.25, 1.25], yTicks: [],
    xLabel: "kink of the unit", aspect: low, draw: ready(drawTouching) });
  const said = el("div", { "data-testid": "said" });
  const status = el("p", { class: "status", "data-testid": "status" });
  place.append(panel(sets, add, remove, controls.walk, controls.decay, controls.slope), status,
    el("div", { class: "columns" }, el("div", {}, main.node, said),
      el("div", {}, el("h2", {}, "Sizes |u||a| of the units"), sizes.node,
        el("h2", {}, "Units may be there where v · φ touches ±β"), touch.node,
        el("p", { class: "note" }, "Solid and ●: units that rise to the right of their kink; dashed and ■: to the left. Hollow ones are not in the first network."))));

  function choose(name) {
    if (!(name in SETS)) return;
    const { points, decay, slope } = SETS[name];
    lab.set({ points: [...points], decay, slope, walk: 0 });
  }

  function redraw() {
    for (const plot of [main, sizes, touch]) plot.redraw();
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
      const question = { points: pairs(state.points), decay: within(state.decay, [0.005, 1]), slope: state.slope };
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
  const inside = numbers.map((number, k) => within(number, k % 2 ? HEIGHTS : REACH));
  const found = Array.from({ length: Math.min(Math.floor(inside.length / 2), MOST) }, (_, k) => inside.slice(2 * k, 2 * k + 2));
  return found.length < 2 ? pairs(SETS.band.points) : found;
}

function nameOf(state) {
  const same = (one) => one.decay === state.decay && one.slope === state.slope && String(one.points) === String(state.points);
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
    bounds: { x: REACH, y: HEIGHTS },
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
  const order = units.map((_, k) => k).sort((one, other) => (units[one].kink ?? Infinity) - (units[other].kink ?? Infinity));
  order.forEach((k, at) => drawSize(plot, at, units[k], now[k]));
}

function drawSize(plot, at, unit, size) {
  const [kind, shape] = unit.sign > 0 ? ["blue", "circle"] : ["orange", "square"];
  plot.area([[at - 0.28, 0], [at + 0.28, 0], [at + 0.28, size], [at - 0.28, size]], kind);
  plot.line([[at, unit.least], [at, unit.most]], "soft");
  plot.dots([[at, size]], { kind, shape, radius: 5 });
  plot.text(at, 0, nameOfUnit(unit), { kind: "soft", anchor: "middle", dy: 1.2 });
}

// The kink, and the side to which the unit rises.
function nameOfUnit({ kink, side }) {
  if (kink === null) return "const.";
  const place = short(Number(kink.toFixed(2)));
  return side === "right" ? `${place}→` : `←${place}`;
}

const SIDES = [["right", "", "circle"], ["left", "dashed", "square"]];

function drawTouching(plot, found) {
  if (!found) return;
  for (const level of [-1, 1]) {
    plot.line([[VIEW[0], level], [VIEW[1], level]], "thin dotted");
    plot.text(VIEW[0], level, level > 0 ? "β" : "−β", { anchor: "end", dx: -0.4, dy: 0.35 });
  }
  for (const [side, line, shape] of SIDES) {
    plot.line(found.x.map((x, k) => [x, found.heights[side][k]]), line);
    for (const { kink, side: own, level, used } of found.units) {
      if (own !== side || kink === null || kink < VIEW[0] || kink > VIEW[1]) continue;
      const kind = used === "found" ? "vermilion" : `stroked ${used === "other" ? "vermilion" : "soft"}`;
      plot.dots([[kink, level]], { kind, shape, radius: 5 });
    }
  }
}

function sentences(found, state) {
  const k = stopOf(found, state);
  const rows = [
    ["objective here", String(Number(found.values[k].toPrecision(6)))],
    ["over the whole walk", `equal up to ${short(found.spread)}`],
    ["optimum, proved", `${found.lower} to ${found.upper}`],
  ];
  const key = `${found.wide ? "Band: all of them. " : ""}Solid: this network; dashed: the first.`;
  const facts = rows.flatMap(([name, value]) =>
    [el("dt", {}, name), el("dd", { "data-testid": name.replaceAll(/[ ,]+/g, "-") }, value)]);
  const why = "The walk mixes sizes. Straight lines between sizes stay in the set of optima; between weights they need not.";
  return [el("p", { class: "note" }, key), el("p", { class: "verdict" }, `${found.claim}.`),
    el("dl", { class: "facts" }, ...facts), found.single ? null : el("p", {}, why)].filter(Boolean);
}
