// The page around the exhibits: contents, address, theme, and what all exhibits share.

import * as address from "./address.js";
import { Cancelled, answerWith, ask, askLong, isLive, watchOpen } from "./ask.js";
import { el } from "./draw.js";
import { recorded } from "./recorded.js";

// [address, title]; the module is exhibits/ADDRESS.js, with _ for -.
let EXHIBITS = [
  ["one-weight", "One weight"],
  ["saddle", "Two weights: a saddle"],
  ["swapped", "Swapped units"],
  ["convex", "Is it convex?"],
  ["tour", "A blog post, six questions"],
  ["lift", "The lift"],
  ["plane", "The plane"],
  ["columns", "Columns entering"],
  ["sgd", "SGD beside it"],
  ["many-optima", "Many optima, one value"],
  ["proof", "Trust me not"],
  ["limits", "What it does not say"],
  ["quiz", "Quiz"],
];

const place = document.getElementById("exhibit");
const trouble = document.getElementById("trouble");
let shown = null;

function moduleOf(id) {
  return import(`./exhibits/${id.replaceAll("-", "_")}.js`);
}

function link(id, extra = "") {
  return address.write(id, {}, {}) + extra;
}

function drawContents(current) {
  const items = EXHIBITS.map(([id, title]) => {
    const a = el("a", { href: link(id), "data-testid": `to-${id}` }, title);
    if (id === current) a.setAttribute("aria-current", "page");
    return el("li", {}, a);
  });
  document.getElementById("exhibits").replaceChildren(...items);
}

function neighbours(id) {
  const k = EXHIBITS.findIndex(([other]) => other === id);
  const to = (other, way, mark) =>
    other ? el("a", { href: link(other[0]), rel: way, "data-testid": way }, mark(other[1])) : el("span");
  return el("nav", { class: "neighbours", "aria-label": "Next and previous exhibit" },
    to(EXHIBITS[k - 1], "prev", (title) => `← ${title}`),
    to(EXHIBITS[k + 1], "next", (title) => `${title} →`));
}

async function open() {
  const where = address.read();
  const id = EXHIBITS.some(([known]) => known === where.exhibit) ? where.exhibit : EXHIBITS[0][0];
  document.documentElement.classList.toggle("present", where.present);
  setTheme(where.theme);
  drawContents(id);
  tell("");
  shown?.view?.destroy?.();
  shown = null;
  place.setAttribute("aria-busy", "true");
  const exhibit = (await moduleOf(id)).default;
  if (address.read().exhibit !== where.exhibit) return; // somebody was faster
  show(exhibit, where);
  place.removeAttribute("aria-busy");
}

function show(exhibit, where) {
  document.title = `${exhibit.title} · cvxnet lab`;
  const root = el("div", { class: `exhibit ${exhibit.id}`, "data-testid": exhibit.id });
  const sentence = (name, mark, text) =>
    el("p", { class: name, "data-testid": name, hidden: where.hide.has(name) || !text },
      el("strong", {}, mark), ` ${text}`);
  place.replaceChildren(
    el("h1", {}, exhibit.title),
    sentence("look", "Look at:", exhibit.look),
    root,
    sentence("attempt", "Try:", exhibit.attempt),
    neighbours(exhibit.id),
  );
  useSheet(exhibit);
  const state = address.stateOf(exhibit.state, where.given, exhibit.options);
  shown = { exhibit, state, view: null };
  const mine = shown;
  const lab = {
    state,
    present: where.present,
    live: isLive(),
    set(changes) {
      if (mine !== shown) return;
      Object.assign(state, changes);
      history.replaceState(null, "", address.write(exhibit.id, exhibit.state, state));
      mine.view?.update?.(state);
    },
    // What comes after another exhibit was opened is of no use here.
    ask: (name, question) =>
      new Promise((resolve, reject) =>
        ask(name, question).then(
          (answer) => mine === shown && resolve(answer),
          (error) => mine === shown && reject(error))),
    askLong,
    say,
    tell,
  };
  root.classList.add("waiting");
  mine.view = exhibit.mount(root, lab);
  mine.view?.update?.(state);
  if (!openQuestions) root.classList.remove("waiting");
}

// Pictures stay empty until there is something to see; what takes longer is said to be under way.
let openQuestions = 0;
let patience = 0;
watchOpen((open) => {
  clearTimeout(patience);
  if (open < openQuestions) document.querySelector(".exhibit.waiting")?.classList.remove("waiting");
  openQuestions = open;
  if (open) patience = setTimeout(() => place.classList.add("computing"), 400);
  else place.classList.remove("computing");
});

// A sheet of its own, where an exhibit says so by `sheet: true`.
function useSheet(exhibit) {
  const href = `exhibits/${exhibit.id.replaceAll("-", "_")}.css`;
  if (exhibit.sheet && !document.querySelector(`link[href="${href}"]`)) {
    document.head.append(el("link", { rel: "stylesheet", href }));
  }
}

// For those who do not see the picture change.
let saying = 0;
function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => (document.getElementById("said").textContent = text), 300);
}

// What went wrong, for everybody; nothing takes it away again.
function tell(text) {
  trouble.textContent = text;
  trouble.hidden = !text;
}

addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Cancelled)) tell(`This did not work: ${event.reason?.message ?? event.reason}`);
  event.preventDefault();
});

function setTheme(wanted) {
  const dark = wanted ? wanted === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  document.getElementById("theme").textContent = dark ? "Light" : "Dark";
}

document.getElementById("theme").addEventListener("click", () => {
  const query = new URLSearchParams(location.search);
  query.set("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  history.replaceState(null, "", `?${query}`.replaceAll("%2C", ",").replace("present=", "present"));
  setTheme(query.get("theme"));
  drawContents(shown?.exhibit.id);
  shown?.view?.update?.(shown.state); // pictures of pixels have colours of their own
});

const menu = document.getElementById("menu");
function openMenu(wanted) {
  menu.setAttribute("aria-expanded", String(wanted));
  document.body.classList.toggle("menu-open", wanted);
}
menu.addEventListener("click", () => openMenu(menu.getAttribute("aria-expanded") !== "true"));

// Links to exhibits are followed without loading the page again.
document.addEventListener("click", (event) => {
  const a = event.target.closest?.("a[href^='?exhibit=']");
  if (!a || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  history.pushState(null, "", a.getAttribute("href"));
  openMenu(false);
  open().then(() => { place.focus({ preventScroll: true }); scrollTo(0, 0); });
});
addEventListener("popstate", open);

// Plain files have the answers beside them, and say so in the head of the page.
const recording = document.querySelector("meta[name='recorded']");
if (recording) {
  const index = await (await fetch(recording.content)).json();
  answerWith(recorded(index));
  if (index.exhibits) EXHIBITS = EXHIBITS.filter(([id]) => index.exhibits.includes(id));
}
open();
