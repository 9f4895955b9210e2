// Is it convex? A network is built from layers, cvxnet judges it, and repairs are one click away.

import { isHidden } from "../address.js";
import { Cancelled, Refused } from "../ask.js";
import { button, choice, panel, select, toggle } from "../controls.js";
import { curvatureMark, el, within } from "../draw.js";
import { Segment, Tree, answerLine, minus } from "../verdict.js";
import { Builder } from "./convex_builder.js";
import { KNOWN, SIGNS, TrainingMap } from "./convex_map.js";

const READY = [
  ["relu", "two layers, relu", { net: "linear-4,relu,linear-1" }],
  ["positive", "two layers, last weights ≥ 0", { net: "linear-4,relu,linear-1-nonneg" }],
  ["deep", "three layers, later weights ≥ 0", { net: "linear-3,relu,linear-3-nonneg,relu,linear-1-nonneg" }],
  ["inputconvex", "input-convex, with skips", { net: "inputconvex-3-3" }],
  ["leaky", "leaky relu", { net: "linear-4,leaky-0.1,linear-1-nonneg" }],
  ["maxout", "maxout", { net: "linear-4,maxout-2,linear-1-nonneg" }],
  ["residual", "residual", { net: "residual-relu,residual-relu-nonneg,linear-1-nonneg" }],
  ["tanh", "tanh", { net: "linear-4,tanh,linear-1" }],
  ["smooth", "log(1 + exp θ·x) in θ", { net: "linear-1,softplus", wrt: "weights" }],
  ["post", "the blog post's", { net: "linear-2-nonneg-nobias,relu,linear-2-nonneg-nobias", wrt: "weights",
    loss: "cross_entropy", data: "nonneg" }],
];
const OWN = ["own", "your own"];
const UNKNOWNS = [["input", "input"], ["last", "last layer"], ["first", "first layer"], ["weights", "all weights"]];
const LOSSES = [["none", "the output alone"], ["squared", "squared loss"], ["absolute", "absolute loss"],
  ["huber", "Huber loss"], ["log_cosh", "log-cosh loss"], ["logistic", "logistic loss"], ["hinge", "hinge loss"],
  ["squared_hinge", "squared hinge loss"], ["cross_entropy", "cross entropy"]];
const DATA = [["any", "any data"], ["nonneg", "any inputs ≥ 0"], ["four", "four samples, both labels"],
  ["minus", "four samples, all labels −1"], ["plus", "four samples, all labels +1"]];
const FRESH = { edits: "", wrt: "input", loss: "none", data: "any", inputs: 2 };
const ASKED = ["net", "inputs", "given", "seed", "edits", "wrt", "loss", "data"];

export default {
  id: "convex",
  title: "Is it convex?",
  look: "the node at which the rules stop, and the three points beside it. They prove that it is the function that is not convex, and not the rules that are too weak.",
  attempt: "make the two-layer network convex in its input with one click, then ask about all weights: no sign helps there. Change one weight yourself.",
  sheet: true,
  state: { net: "linear-4,relu,linear-1", inputs: 2, given: false, seed: 0, edits: "", wrt: "input", loss: "none",
    data: "any", signs: "any", known: "any" },
  mount,
};

function mount(place, lab) {
  const ready = select({ name: "ready", label: "Network", options: [...READY.map(([name, text]) => [name, text]), OWN],
    value: "own", onChange: (name) => lab.set({ ...FRESH, ...READY.find(([each]) => each === name)?.[2] }) });
  const given = toggle({ name: "given", label: "with numbers for the weights (else their signs only)",
    value: false, onChange: (yes) => lab.set({ given: yes, edits: "" }) });
  const draw = button({ name: "draw", label: "Draw other numbers",
    onClick: () => lab.set({ seed: (lab.state.seed + 1) % 1000, edits: "" }) });
  const builder = new Builder((changes) => lab.set(changes));
  const loss = select({ name: "loss", label: "of", options: LOSSES, value: "none", onChange: (name) => lab.set({ loss: name }) });
  const data = select({ name: "data", label: "for", options: DATA, value: "any", onChange: (name) => lab.set({ data: name }) });
  const unknowns = el("div", {});
  const refused = el("p", { class: "open", role: "alert", "data-testid": "refused" });
  const verdict = el("div", { "data-testid": "verdict", tabindex: -1 });
  const blame = el("p", { "data-testid": "blame" });
  const tree = new Tree();
  const segment = new Segment();
  const repairs = el("div", { "data-testid": "repairs" });
  const alone = el("div", { "data-testid": "alone" });
  const code = el("code", { "data-testid": "code" });
  const result = el("div", {}, el("div", { class: "columns" },
    el("div", {}, verdict, blame, tree.node),
    el("div", {}, repairs, segment.node, alone)),
  el("details", {}, el("summary", {}, "The same in Python"), el("pre", { tabindex: 0 }, code)));
  const map = new TrainingMap(lab);
  for (const [name, node] of Object.entries({ layers: builder.node, repairs, alone, map: map.node })) node.hidden = isHidden(name);
  const repair = (state) => {
    lab.set(state);
    verdict.focus({ preventScroll: true }); // the button that was pressed is gone
  };
  place.append(panel(ready, given, draw), builder.node, panel(unknowns, loss, data), refused, result, map.node);

  let turn = 0;
  let repairing = null;

  function showVerdict(found) {
    refused.textContent = "";
    result.hidden = false;
    verdict.replaceChildren(...answerLine(found), ...details(found));
    blame.replaceChildren(...blamed(found));
    tree.show(found.rows);
    segment.show(found.witness);
    builder.judged(found);
    code.textContent = found.code;
    lab.say(minus(found.headline));
  }

  async function showRepairs(question, mine) {
    const ours = (draw) => (news) => mine === turn && draw(news);
    repairs.replaceChildren(el("p", { class: "note" }, "Looking for repairs …"));
    alone.replaceChildren();
    repairing = lab.askLong("convex/repair", question, ours((news) => alone.replaceChildren(...inEachLayer(news))));
    try {
      const found = await repairing.answer;
      ours(() => {
        repairs.replaceChildren(...repairList(found, repair));
        alone.replaceChildren(...inEachLayer(found));
      })();
    } catch (error) {
      if (error instanceof Cancelled) return;
      ours(() => repairs.replaceChildren(el("p", { class: "note" }, `Repairs are not known: ${error.message}`)))();
    }
  }

  return {
    async update(state) {
      const mine = (turn += 1);
      repairing?.cancel();
      mend(state);
      ready.set(nameOf(state));
      given.set(state.given);
      draw.node.hidden = !state.given;
      loss.set(state.loss);
      data.set(state.data);
      data.node.hidden = state.loss === "none" && state.wrt === "input";
      unknowns.replaceChildren(switchOf(state, lab));
      builder.show(state);
      map.update(state);
      const question = Object.fromEntries(ASKED.map((name) => [name, state[name]]));
      try {
        const found = await lab.ask("convex/judge", question);
        if (mine !== turn) return;
        showVerdict(found);
        await showRepairs(question, mine);
      } catch (error) {
        if (mine !== turn) return;
        if (!(error instanceof Refused)) throw error;
        refused.textContent = minus(`This cannot be judged: ${error.message}`);
        result.hidden = true;
      }
    },
    destroy() {
      turn = -1;
      repairing?.cancel();
    },
  };
}

// What an address says that cannot be gives way to what is usual; of a network that cannot be, the
// server says why.
function mend(state) {
  for (const [name, options] of Object.entries({ loss: LOSSES, data: DATA, signs: SIGNS, known: KNOWN })) {
    if (!options.some(([option]) => option === state[name])) state[name] = options[0][0];
  }
  state.inputs = Math.round(within(state.inputs, [1, 4]));
  state.seed = Math.round(within(state.seed, [0, 999]));
}

function nameOf(state) {
  const same = ([, , fields]) => fields.net === state.net && state.inputs === FRESH.inputs;
  return READY.find(same)?.[0] ?? OWN[0];
}

// Repairs may ask about layers that no word of the switch names.
function switchOf(state, lab) {
  const options = UNKNOWNS.some(([name]) => name === state.wrt)
    ? UNKNOWNS : [...UNKNOWNS, [state.wrt, `layer ${state.wrt.replaceAll(",", ", ")}`]];
  const held = document.activeElement?.dataset?.testid;
  const made = choice({ name: "wrt", label: "Convex in", options, value: state.wrt, onChange: (wrt) => lab.set({ wrt }) });
  if (held?.startsWith("wrt-")) queueMicrotask(() => made.node.querySelector(`[data-testid="${held}"]`)?.focus());
  return made.node;
}

function details({ headline, domain, dcp }) {
  const where = domain.length ? ` Where ${domain.map(minus).join(" and ")}.` : "";
  const about = headline.slice(headline.indexOf(":") + 2);
  return [el("p", { class: "note" }, `Asked: ${minus(about)}.${where} CVXPY alone says: ${dcp.toLowerCase()}.`)];
}

function blamed({ blame }) {
  if (!blame) return [];
  const where = blame.layer ? `In layer ${blame.layer}, ` : "";
  const entry = blame.entry && !blame.rule.includes(blame.entry) ? ` (${blame.entry})` : "";
  return [el("strong", {}, "The rules stop: "), minus(`${where}${blame.node}${entry}: ${blame.rule}. Needed: ${blame.needs}.`)];
}

function repairList({ repairs }, repair) {
  if (!repairs.length) return [];
  const items = repairs.map(({ change, outcome, cost, state }, k) => {
    const lift = change.startsWith("lift");
    const act = state
      ? el("button", { type: "button", "data-testid": `repair-${k}` }, minus(change))
      : el("span", {}, minus(change), lift && " ", lift && el("a", { href: "?exhibit=lift" }, "see the lift"));
    if (state) act.addEventListener("click", () => repair(state));
    return el("li", {}, act, el("span", { class: "note" }, ` → ${minus(outcome)}. Price: ${minus(cost)}.`));
  });
  return [el("h2", {}, "Repairs, each with a verdict of its own"), el("ul", { class: "repairs" }, ...items)];
}

function inEachLayer({ blocks, together, disciplines }) {
  const names = Object.keys(blocks).sort((one, other) => one.localeCompare(other, "en", { numeric: true }));
  const found = [];
  if (names.length > 1) {
    const items = names.flatMap((name) => {
      const [kind, word] = { true: ["convex", "convex"], false: [null, "not convex"], null: ["unknown", "unknown"] }[blocks[name]];
      return [el("dt", {}, `layer ${name}`), el("dd", {}, kind ? curvatureMark(kind) : el("span", { class: "mark no" }, "✗"), ` ${word}`)];
    });
    found.push(el("h2", {}, "One layer at a time, the others fixed"), el("dl", { class: "facts" }, ...items));
    const joint = together.filter((set) => set.length > 1).map((set) => `{${set.join(", ")}}`);
    if (joint.length) found.push(el("p", { class: "note" }, `Jointly convex in ${joint.join(" and ")}.`));
  }
  const others = Object.entries(disciplines).map(([name, line]) => el("li", {}, el("strong", {}, `${name}: `), minus(line)));
  if (others.length) found.push(el("details", {}, el("summary", {}, "Other disciplines"), el("ul", { class: "note" }, ...others)));
  return found;
}
