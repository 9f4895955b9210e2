// What was found and proved for the points: in words, as numbers, and as a bracket over time.

import { button, panel, short } from "../controls.js";
import { Plot, el, ticks } from "../draw.js";

const STEPS = ["threshold", "sign"];
const FEW = 4; // digits of what stands beside
const SMOOTH = ["quadratic", "linear", "tanh"];
const SAID = {
  waiting: ["open", "…", "A first network; the proof follows"],
  quick: ["open", "…", "A first network; the proof follows"],
  begun: ["open", "…", "Solving"],
  round: ["open", "…", "Solving: the best network so far"],
  optimal: ["yes", "✓", "Optimal: proved"],
  gap: ["open", "?", "Best network found; the bracket is open"],
  cancelled: ["open", "■", "Cancelled: the best network so far"],
};

export function factsPanel(lab, onCancel) {
  let certificate = null;
  const verdict = el("p", { class: "verdict", "data-testid": "status" });
  const list = el("dl", { class: "facts", "data-testid": "facts" });
  const note = el("p", { class: "note" });
  const cancel = button({ name: "cancel", label: "Cancel", onClick: onCancel });
  const save = button({ name: "certificate", label: "Download the certificate", onClick: () => download(certificate) });
  const check = el("a", { href: "?exhibit=proof", "data-testid": "check" }, "Check it in the page");
  const node = el("div", {}, verdict, list, note, panel(cancel, save, check));

  function say([look, mark, words]) {
    verdict.replaceChildren(el("span", { class: `mark ${look}`, "aria-hidden": "true" }, mark), el("span", { class: look }, words));
  }

  function offer(text) {
    certificate = text ?? null;
    save.enable(certificate !== null);
    check.hidden = certificate === null;
    if (certificate) sessionStorage.setItem("certificate", certificate);
  }

  function show(answer, asked, stage) {
    cancel.enable(stage === "begun" || stage === "round");
    if (stage === "wrong") return wait(answer.error);
    say(SAID[stage === "done" ? answer.status : stage]);
    verdict.dataset.stage = stage;
    if (stage !== "cancelled") offer(stage === "done" ? answer.certificate : null);
    if ("upper" in answer) list.replaceChildren(...rows(answer, asked));
    note.textContent = stage === "done" && answer.status !== "optimal" ? `It stopped because ${answer.stopped}.` : "";
    if (stage === "done") lab.say(`${verdict.textContent}. ${list.textContent}`);
  }

  function wait(words) {
    cancel.enable(false);
    offer(null);
    verdict.replaceChildren(words);
    verdict.dataset.stage = "waiting";
    list.replaceChildren();
    note.textContent = "";
  }
  offer(null);
  return { node, show, wait };
}

function rows({ lower, upper, units, seconds, largest, open, every }, asked) {
  const name = STEPS.includes(asked.units) ? "steps" : "kinks";
  const gap = upper > 0 ? (upper - lower) / upper : 0;
  return [
    [asked.width ? `p* of at most ${count(asked.width)}` : "optimum p*", bracketText(lower, upper), "optimum"],
    ["relative gap", gap.toExponential(1).replace("-", "−"), "gap"],
    ["hidden units", `${units}${units && !SMOOTH.includes(asked.units) ? ` (dashed: their ${name})` : ""}`, "unit-count"],
    ["time", `${short(seconds)} s`, "time"],
    ...(every ? beside(every) : []),
    ...(open ? [["open nodes", String(open), "open"]] : []),
    ...(largest ? [["no units from", `β = ${short(largest)} on`, "largest"]] : []),
  ].flatMap(([term, value, testid]) => [el("dt", {}, term), el("dd", { "data-testid": testid }, value)]);
}

// What was proved of every width, and what this one costs.
function beside({ lower, upper, units, excess, nodes, open }) {
  return [
    ["p* of every width", `${bracketText(lower, upper, FEW)}, ${count(units)}`, "every"],
    ["best of this width", excess, "width-excess"],
    ["nodes of the tree", `${nodes}${open ? `, and ${open} left open` : ""}`, "nodes"],
  ];
}

const count = (units) => `${units} ${units === 1 ? "unit" : "units"}`;

// Both ends with as many digits as tell them apart, or so many, rounded outward.
function bracketText(lower, upper, most = 10) {
  const size = Math.max(Math.abs(upper), 1e-9);
  const apart = Math.max(upper - lower, 1e-9 * size);
  const places = Math.min(Math.max(Math.ceil(-Math.log10(apart)), 2), most);
  const scale = 10 ** places;
  const text = (number) => number.toFixed(places).replace("-", "−");
  return `${text(Math.floor(lower * scale) / scale)} ≤ p* ≤ ${text(Math.ceil(upper * scale) / scale)}`;
}

function download(certificate) {
  const url = URL.createObjectURL(new Blob([certificate], { type: "application/json" }));
  const link = el("a", { href: url, download: "certificate.json" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function bracketPlot(history) {
  const plot = new Plot({ label: "The bracket over time", testid: "bracket", x: [0, 1], y: [0, 1], aspect: 0.42, most: 260,
    xLabel: "seconds", yLabel: "objective", draw: () => history.length > 1 && drawBracket(plot, history) });
  const redraw = () => {
    plot.node.style.visibility = history.length < 2 ? "hidden" : "";
    if (history.length < 2) return;
    const last = history.at(-1);
    const low = Math.min(...history.map(({ lower }) => lower));
    const high = history[0].upper;
    const y = [low - 0.25 * (high - low), high + 0.1 * (high - low)];
    plot.set({ x: [0, last.seconds || 1], y, yTicks: ticks(y, 4).filter((value) => value >= low) });
  };
  redraw();
  return { node: plot.node, redraw };
}

function drawBracket(plot, history) {
  const upper = history.map(({ seconds, upper: f }) => [seconds, f]);
  const lower = history.map(({ seconds, lower: f }) => [seconds, f]);
  plot.area([...upper, ...lower.toReversed()], "blue");
  plot.line(upper, "vermilion");
  plot.line(lower, "blue");
  plot.dots(upper, { kind: "vermilion", radius: 3 });
  plot.dots(lower, { kind: "blue", shape: "triangle", radius: 3 });
  plot.text(plot.x[1], history.at(-1).upper, "network", { kind: "vermilion", anchor: "end", dy: -0.7 });
  plot.text(plot.x[1], history.at(-1).lower, "proved bound", { kind: "blue", anchor: "end", dy: 1.3 });
}
