// A certificate is checked, forged, and checked again.

import { certificateView, withNumber } from "../certificate.js";
import { button, choice, panel } from "../controls.js";
import { el } from "../draw.js";

const MOST = 4_000_000;
const AS_IT_IS = { name: "none", does: "Nothing: leave it as it is", against: "" };
const SOURCES = [
  ["curve", "a curve through 20 points"],
  ["ring", "two classes, 40 points"],
];

export default {
  id: "proof",
  title: "Trust me not",
  sheet: true,
  look:
    "a network and a dual vector, one number for each sample: together they prove where the global " +
    "optimum lies, to whoever can multiply and add. The checker uses no solver and believes nothing.",
  attempt:
    "change one number: click any in the certificate (by keyboard: Tab to a table, arrows inside " +
    "it), or choose a forgery. Can you find a change that the checker does not refuse? Is what it then proves true?",
  state: { certificate: "curve", forgery: "none" },
  mount(place, lab) {
    const exhibit = new Proof(place, lab);
    return { update: () => exhibit.update(), destroy: () => exhibit.destroy() };
  },
};

class Proof {
  constructor(place, lab) {
    this.place = place;
    this.lab = lab;
    this.own = {};
    const handed = sessionStorage.getItem("certificate");
    if (handed) this.own.plane = handed;
    this.sources = [...SOURCES, ...(handed ? [["plane", "from “The plane”"]] : [])];
    this.original = ""; // the certificate as it came
    this.text = ""; // as it is now
    this.loaded = "";
    this.forgeries = [AS_IT_IS];
    this.checking = null;
    this.build();
    if (handed && lab.state.certificate === "curve") lab.state.certificate = "plane";
  }

  build() {
    this.file = el("input", { type: "file", accept: ".json,application/json", "data-testid": "file", id: "file" });
    this.file.addEventListener("change", () => this.take(this.file.files[0]));
    this.where = el("div");
    this.verdict = el("div", { class: "outcome", role: "status", "data-testid": "verdict" });
    this.push = button({ name: "check", label: "Check it", primary: true, onClick: () => this.check() });
    this.list = el("div");
    this.document = el("div", { class: "paper", "data-testid": "document" });
    this.download = el("a", { download: "certificate.json", "data-testid": "download" }, "Download certificate.json");
    this.place.append(
      panel(this.where, el("span", { class: "control" }, el("label", { for: "file" }, "or a file, dropped or chosen"), this.file)),
      el("div", { class: "columns" },
        el("div", {}, this.push.node, this.verdict, this.list, this.elsewhere()),
        this.document));
    this.drop = (event) => {
      event.preventDefault();
      if (event.type === "drop") this.take(event.dataTransfer.files[0]);
    };
    for (const type of ["dragover", "drop"]) document.addEventListener(type, this.drop);
  }

  destroy() {
    this.checking?.cancel();
    for (const type of ["dragover", "drop"]) document.removeEventListener(type, this.drop);
    URL.revokeObjectURL(this.download.href);
  }

  elsewhere() {
    return el("section", {},
      el("h2", {}, "Check it elsewhere"),
      el("p", {}, this.download, " and run one of these; the second needs the folder ",
        el("code", {}, "cvxnet/proofs/checker"), " and python-flint, and nothing else of cvxnet."),
      el("pre", { "data-testid": "command" }, "cvxnet check certificate.json\npython checker certificate.json"));
  }

  async update() {
    const { certificate, forgery } = this.lab.state;
    const wanted = `${certificate} ${forgery}`;
    if (wanted === this.loaded) return;
    this.loaded = wanted;
    this.checking?.cancel();
    this.say("", "…");
    if (this.forgeries.length === 1) {
      const { forgeries } = await this.lab.ask("proof/forgeries", {});
      this.forgeries = [AS_IT_IS, ...forgeries];
    }
    const original = this.own[certificate] ?? (await this.solved(certificate));
    const forged = this.forgeries.slice(1).some(({ name }) => name === forgery);
    const text = forged ? await this.forge(original, forgery) : original;
    if (this.loaded !== wanted || text === null) return;
    this.original = original;
    this.show(text);
    if (forged) this.check();
    else this.say("", "Nobody has checked this yet.");
  }

  async solved(certificate) {
    const problem = SOURCES.some(([name]) => name === certificate) ? certificate : "curve";
    this.own[certificate] = (await this.lab.ask("proof/ready", { problem })).text;
    return this.own[certificate];
  }

  async forge(text, forgery) {
    try {
      return (await this.lab.ask("proof/forge", { text, forgery })).text;
    } catch (error) {
      this.say("no", error.message);
      return null;
    }
  }

  // Somebody's own file; what it is, the checker says.
  async take(file) {
    if (!file) return;
    if (file.size > MOST) {
      this.say("no", `${file.name} has ${file.size} bytes. Here up to ${MOST} are taken; the command takes more.`);
      return;
    }
    const text = await file.text();
    this.own.file = text;
    if (!this.sources.some(([name]) => name === "file")) this.sources.push(["file", "your file"]);
    this.loaded = "file none";
    this.lab.set({ certificate: "file", forgery: "none" });
    this.original = text;
    this.show(text);
    this.check();
  }

  show(text) {
    this.text = text;
    this.checking?.cancel();
    this.drawChoices();
    let page;
    try {
      page = certificateView(text, this.original, (path, hex) => this.edit(path, hex));
    } catch {
      page = el("pre", {}, text.slice(0, 2000));
    }
    this.document.replaceChildren(page);
    const changed = page.querySelector(".changed");
    this.document.scrollTop = changed ? changed.offsetTop - this.document.offsetTop - 80 : 0;
    URL.revokeObjectURL(this.download.href);
    this.download.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  }

  edit(path, hex) {
    this.show(withNumber(this.text, path, hex));
    this.document.querySelector(`[data-path="${path.join(".")}"]`)?.focus();
    this.check("edited");
  }

  drawChoices() {
    const { certificate, forgery } = this.lab.state;
    const focused = document.activeElement?.dataset?.testid;
    this.where.replaceChildren(choice({
      name: "certificate", label: "Certificate", options: this.sources, value: certificate,
      onChange: (name) => this.lab.set({ certificate: name, forgery: "none" }),
    }).node);
    this.list.replaceChildren(choice({
      name: "forgery", label: "Forge it", options: this.forgeries.map(({ name, does }) => [name, does]),
      value: forgery, onChange: (name) => this.lab.set({ forgery: name }),
    }).node);
    if (focused) this.place.querySelector(`[data-testid="${focused}"]`)?.focus();
  }

  async check(how = "") {
    this.checking?.cancel();
    this.say("", "Checking …");
    const begun = this.lab.askLong("proof/check", { text: this.text }, (news) => this.starting(news));
    this.checking = begun;
    let found;
    try {
      found = await begun.answer;
    } catch (error) {
      if (this.checking === begun) this.say("no", error.message);
      return;
    }
    if (this.checking !== begun) return;
    this.report(found, how);
  }

  // Where the checker runs in the browser it has to be there first.
  starting({ step, share }) {
    if (step === "ready") this.say("", "Checking …");
    else {
      this.say("", `Starting ${step} …`,
        el("progress", { value: share, max: 1, "aria-label": "start of the checker" }),
        el("p", { class: "note" }, "Once, for some twenty seconds. Nothing leaves this browser."));
    }
  }

  report(found, how) {
    const seconds = `${found.seconds < 0.1 ? found.seconds.toFixed(3) : found.seconds.toFixed(1)} s`;
    if (found.valid) {
      this.say("yes", "✓ Proved", el("p", { class: "ends" },
        el("span", {}, String(found.lower)), " ≤ optimum ≤ ", el("span", {}, String(found.upper))),
        el("p", { class: "note" }, `In exact arithmetic, ${seconds}.`));
    } else {
      this.say("no", "✗ Refused", el("p", { class: "reason" }, found.reason),
        el("p", { class: "note" }, `After ${seconds}.`));
    }
    const against = how ? "" : this.forgeries.find(({ name }) => name === this.lab.state.forgery)?.against;
    if (against) this.verdict.append(el("p", {}, against));
    this.lab.say(found.valid ? "Proved" : `Refused: ${found.reason}`);
  }

  say(kind, words, ...more) {
    this.verdict.className = `outcome ${kind}`;
    this.verdict.replaceChildren(el("p", { class: "verdict" }, words), ...more);
  }
}
