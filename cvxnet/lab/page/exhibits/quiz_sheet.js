// The whole set on paper, for teachers, with the key on a page of its own.

import { button, panel, toggle } from "../controls.js";
import { el } from "../draw.js";
import { LETTERS, body } from "./quiz.js";

export async function printed(quiz) {
  const { place, lab } = quiz;
  const wanted = quiz.drawn;
  const news = el("p", { class: "note", role: "status" });
  place.replaceChildren(controls(quiz), news);
  const items = [];
  for (let k = 0; k < quiz.count; k += 1) {
    news.textContent = `Question ${k + 1} of ${quiz.count} is being made …`;
    items.push(await quiz.fetch(k));
    if (wanted !== quiz.drawn) return;
  }
  place.replaceChildren(
    controls(quiz),
    el("p", { class: "name-line" }, "Name: ", el("span", { class: "blank" }), ` Set ${quiz.seed}`),
    el("ol", { class: "sheet", "data-testid": "printed" }, ...items.map(question)),
    lab.state.key ? key(quiz, items) : "",
  );
}

function controls(quiz) {
  return panel(
    button({ name: "back", label: "Back to the quiz", onClick: () => quiz.lab.set({ print: false }) }),
    button({ name: "paper", label: "Print", primary: true, onClick: () => print() }),
    toggle({ name: "key", label: "with the key", value: quiz.lab.state.key,
      onChange: (wanted) => quiz.lab.set({ key: wanted }) }));
}

function question(item) {
  return el("li", {}, ...body(item),
    el("ul", { class: "boxes" }, ...item.options.map((text, k) =>
      el("li", {}, el("span", { class: "letter" }, LETTERS[k]), text))));
}

function key(quiz, items) {
  return el("section", { class: "key", "data-testid": "the-key" },
    el("h2", {}, `Key to set ${quiz.seed}`),
    el("ol", {}, ...items.map((item, k) =>
      el("li", {}, el("strong", {}, LETTERS[item.answer]), ` (${quiz.kinds[k].title}). ${item.why[item.answer]} ${item.lesson}`))),
    el("p", { class: "note" }, "Every key is a verdict or a bracket that cvxnet proved."));
}
