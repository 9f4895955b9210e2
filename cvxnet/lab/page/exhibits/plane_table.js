// A table, pasted or dropped, becomes points. Its text goes to the server, which reads no file.

import { button, panel, select } from "../controls.js";
import { el } from "../draw.js";

const MOST_BYTES = 500_000;
const KINDS = [["classes", "classes"], ["values", "values"], ["curve", "a curve"]];
const EXAMPLE = "height,weight,kind\n1.2,3.4,a\n1.5,3.1,b";

// use({ kind, points, names }) takes the points over.
export function tableDialog(lab, use) {
  let found = null;
  let choices = {}; // what was chosen for this text
  const area = el("textarea", { id: "table-text", placeholder: EXAMPLE, spellcheck: "false", "data-testid": "table-text" });
  const file = el("input", { type: "file", id: "table-file", accept: ".csv,.tsv,.txt,text/*", "data-testid": "table-file" });
  const wrong = el("p", { class: "wrong", role: "alert", "data-testid": "table-wrong" });
  const columns = el("div", { class: "panel", hidden: true });
  const remarks = el("p", { class: "note" });
  const take = button({ name: "table-use", label: "Use these points", primary: true, onClick: () => { close(); use(found); } });
  const leave = button({ name: "table-close", label: "Close", onClick: () => close() });
  const dialog = el("dialog", { "aria-labelledby": "table-title", "data-testid": "table" },
    el("h2", { id: "table-title" }, "Points from a table"),
    el("p", {}, "Names of columns in the first line; cells separated by commas, semicolons or tabs. ",
      "Columns are shifted and scaled to the square. The text is read and not kept."),
    el("label", { for: "table-text" }, "Text of the table"), area,
    el("p", {}, el("label", { for: "table-file" }, "or a file of it "), file),
    columns, remarks, wrong, panel(take, leave));
  const close = () => dialog.close();

  // The text is another one: nothing has been chosen yet.
  function readAnew() {
    choices = {};
    columns.hidden = true;
    return read();
  }

  async function read() {
    wrong.textContent = "";
    if (!area.value.trim()) return fill(null);
    if (area.value.length > MOST_BYTES) return refuse(`The table has ${area.value.length} characters; at most ${MOST_BYTES} are read.`);
    try {
      fill(await lab.ask("plane/table", { text: area.value, ...choices }));
    } catch (error) {
      refuse(error.message);
    }
  }

  // The choices stay in view: another one may do.
  function refuse(why) {
    fill(null);
    wrong.textContent = why;
  }

  function fill(answer) {
    found = answer;
    take.enable(answer !== null);
    remarks.textContent = "";
    if (!answer) return;
    columns.hidden = false;
    const { numeric, columns: names, features, target, kind } = answer;
    const again = (change) => {
      choices = { ...choices, ...change };
      return read();
    };
    const pick = (name, label, options, value) =>
      select({ name: `table-${name}`, label, options, value, onChange: (to) => again({ [name]: to }) }).node;
    const twice = (list) => list.map((name) => [name, name]);
    columns.replaceChildren(
      pick("kind", "read as", KINDS, kind),
      pick("target", "target", twice(names), target),
      pick("x", "across", twice(numeric), features[0]),
      ...(features.length > 1 ? [pick("y", "up", twice(numeric), features[1])] : []));
    const count = `${answer.points.length} points`;
    remarks.textContent = [count, ...answer.remarks, answer.labels.join(", ")].filter(Boolean).join("; ");
  }

  async function open(text = "") {
    if (text) area.value = text;
    if (!dialog.open) dialog.showModal();
    await readAnew();
  }

  async function openFile(chosen) {
    if (!chosen) return;
    if (chosen.size > MOST_BYTES) {
      if (!dialog.open) dialog.showModal();
      refuse(`${chosen.name} has ${chosen.size} bytes; at most ${MOST_BYTES} are read.`);
      return;
    }
    await open(await chosen.text());
  }

  let waiting = 0;
  area.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(readAnew, 250);
  });
  file.addEventListener("change", () => openFile(file.files[0]));
  take.enable(false);
  return { node: dialog, open, openFile };
}

// Dropped text or files on an element.
export function acceptDrops(node, dialog) {
  node.addEventListener("dragover", (event) => {
    event.preventDefault();
    node.classList.add("drop");
  });
  node.addEventListener("dragleave", () => node.classList.remove("drop"));
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    node.classList.remove("drop");
    const [file] = event.dataTransfer.files;
    if (file) dialog.openFile(file);
    else dialog.open(event.dataTransfer.getData("text/plain"));
  });
}
