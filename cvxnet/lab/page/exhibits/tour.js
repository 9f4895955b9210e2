// The post that cvxnet began with, as six questions: first an answer, then the verdict.

import { button } from "../controls.js";
import { curvatureMark, el } from "../draw.js";
import { Segment, Tree, answerLine, minus } from "../verdict.js";

const COUNT = 6;
const OPEN = "-";

export default {
  id: "tour",
  title: "A blog post, six questions",
  look: "where the post's chain of steps breaks: which link is it, and which one did the author suspect?",
  attempt: "answer before you look. Where you were wrong, open the question in the builder and change one thing.",
  sheet: true,
  state: { at: 1, answers: OPEN.repeat(COUNT) }, // c: convex, n: not convex, for each question
  mount,
};

function mount(place, lab) {
  const steps = el("ol", { class: "steps", "aria-label": "The six questions" });
  const post = el("blockquote", { "data-testid": "post" });
  const asked = el("h2", { "data-testid": "asked", tabindex: -1 });
  const formula = el("p", { class: "formula" });
  const yes = button({ name: "convex", label: "∪ Convex", onClick: () => answer("c") });
  const no = button({ name: "not-convex", label: "✗ Not convex", onClick: () => answer("n") });
  const choose = el("div", { class: "choose" }, yes.node, no.node);
  const judged = el("p", { class: "judged", "data-testid": "judged", tabindex: -1 });
  const verdict = el("div", { "data-testid": "verdict" });
  const because = el("p", { "data-testid": "because" });
  const more = el("div", {});
  const tree = new Tree();
  const segment = new Segment();
  const revealed = el("div", { class: "columns", "data-testid": "revealed" },
    el("div", {}, judged, verdict, because, more, el("h2", {}, "Derivation"), tree.node), el("div", {}, segment.node));
  const back = button({ name: "back", label: "← Back", onClick: () => go(lab.state.at - 1) });
  const next = button({ name: "next-question", label: "Next question →", primary: true, onClick: () => go(lab.state.at + 1) });
  const score = el("p", { "data-testid": "score", class: "verdict" });
  place.append(steps, post, asked, formula, choose, revealed, score, el("div", { class: "choose" }, back.node, next.node));

  const verdicts = new Map();
  let stops = null;
  let turn = 0;
  let said = false;

  function answer(letter) {
    said = true;
    const { at, answers } = lab.state;
    lab.set({ answers: answers.slice(0, at - 1) + letter + answers.slice(at) });
  }

  function go(at) {
    lab.set({ at });
    asked.focus();
  }

  function drawSteps(at, answers) {
    steps.replaceChildren(...Array.from({ length: COUNT }, (_, k) => {
      const mark = { c: "∪", n: "✗", [OPEN]: "·" }[answers[k]];
      const item = el("button", { type: "button", "data-testid": `step-${k + 1}`, "aria-current": k + 1 === at ? "step" : null,
        "aria-label": `question ${k + 1}, ${answers[k] === OPEN ? "not answered" : "answered"}` }, `${k + 1} ${mark}`);
      item.addEventListener("click", () => go(k + 1));
      return el("li", {}, item);
    }));
  }

  return {
    async update(state) {
      const mine = (turn += 1);
      const at = Math.min(Math.max(Math.round(state.at), 1), COUNT);
      const answers = known(state.answers);
      drawSteps(at, answers);
      stops ??= (await lab.ask("tour/stops", {})).stops;
      if (mine !== turn) return;
      const stop = stops[at - 1];
      post.textContent = minus(stop.post);
      asked.textContent = `${at}. ${minus(stop.asked)}`;
      formula.textContent = minus(stop.formula);
      back.node.hidden = at === 1;
      const mineSaid = answers[at - 1];
      next.node.hidden = at === COUNT || mineSaid === OPEN;
      choose.hidden = mineSaid !== OPEN;
      revealed.hidden = mineSaid === OPEN || !verdicts.has(at);
      score.hidden = mineSaid === OPEN || answers.includes(OPEN);
      if (mineSaid === OPEN) return;
      const found = verdicts.get(at) ?? (await lab.ask("tour/reveal", { number: at }));
      verdicts.set(at, found);
      if (mine !== turn) return;
      const right = (mineSaid === "c") === found.convex;
      judged.textContent = right ? "✓ You and cvxnet agree." : `You said ${mineSaid === "c" ? "convex" : "not convex"}; cvxnet found otherwise.`;
      judged.className = `judged ${right ? "yes" : "no"}`;
      verdict.replaceChildren(...answerLine(found));
      because.textContent = minus(found.because);
      more.replaceChildren(...layers(found.blocks), ...link(found.builder));
      tree.show(found.rows);
      segment.show(found.witness);
      revealed.hidden = false;
      if (said) judged.focus({ preventScroll: true }); // the button that was pressed is gone
      said = false;
      lab.say(`${judged.textContent} ${minus(found.headline)}`);
      await drawScore(answers, mine);
    },
  };

  async function drawScore(answers, mine) {
    if (answers.includes(OPEN)) return;
    let right = 0;
    for (let k = 1; k <= COUNT; k += 1) {
      const found = verdicts.get(k) ?? (await lab.ask("tour/reveal", { number: k }));
      verdicts.set(k, found);
      right += (answers[k - 1] === "c") === found.convex;
    }
    if (mine === turn) score.textContent = `${right} of ${COUNT} as cvxnet found them.`;
  }
}

function known(answers) {
  const letters = [...String(answers)].map((letter) => ("cn".includes(letter) ? letter : OPEN));
  return Array.from({ length: COUNT }, (_, k) => letters[k] ?? OPEN).join("");
}

function layers(blocks) {
  const names = Object.keys(blocks);
  if (names.length < 2) return [];
  const word = { true: "convex", false: "not convex", null: "unknown" };
  return [el("p", {}, "In one layer at a time, by cvxnet: ",
    ...names.flatMap((name, k) => [k ? ", " : "", `layer ${name} `, blocks[name] ? curvatureMark("convex") : "", word[blocks[name]]]), ".")];
}

function link(builder) {
  const fields = Object.entries(builder);
  if (!fields.length) return [];
  const query = fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&").replaceAll("%2C", ",");
  return [el("p", {}, el("a", { href: `?exhibit=convex&${query}`, "data-testid": "builder" }, "Change it in the builder"))];
}
