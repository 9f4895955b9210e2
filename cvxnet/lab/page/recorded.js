// Answers that were recorded: the page as plain files, without a server that can be asked.

import { Refused } from "./ask.js";

const LIVE = ["proof/check", "proof/forge"]; // what the checker in the browser can answer
const MOST = 4; // seconds that the news on the way to an answer take at most
const NOT_RECORDED =
  "This page shows recorded answers, and there is none to this. To ask anything: " +
  "pip install 'cvxnet[lab]', then run cvxnet lab.";

// The answers that `index` (exhibits, answers, checker) lists, each in a file of its own.
export function recorded(index) {
  const alone = index.exhibits?.length === 1; // then it is sure to be needed
  const checker = index.checker ? startChecker(alone) : null;

  async function events(name, question) {
    const entry = index.answers.find((one) => one.name === name && same(one.question, question));
    if (!entry) throw new Refused(NOT_RECORDED, 404);
    return (await fetch(entry.file)).json();
  }

  return {
    async ask(name, question) {
      if (checker && LIVE.includes(name)) return checker(name, question);
      return (await events(name, question)).at(-1).answer;
    },
    async askLong(name, question, onProgress, signal) {
      if (checker && LIVE.includes(name)) return checker(name, question, onProgress, signal);
      const list = await events(name, question);
      const pace = Math.min(1, MOST / list.at(-1).seconds);
      let now = list.length > 1 ? 0 : list.at(-1).seconds;
      for (const event of list) {
        await wait(1000 * pace * (event.seconds - now), signal);
        now = event.seconds;
        if ("progress" in event) onProgress(event.progress);
      }
      return list.at(-1).answer;
    },
  };
}

function wait(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new DOMException("cancelled", "AbortError"));
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop);
    setTimeout(resolve, milliseconds);
  });
}

// Equal but for the digits that long lists have lost.
function same(one, other) {
  if (typeof one === "number" && typeof other === "number") {
    return Math.abs(one - other) <= 1e-5 * Math.max(1, Math.abs(one));
  }
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return one === other;
  const [names, others] = [Object.keys(one), Object.keys(other)];
  return names.length === others.length && names.every((name) => same(one[name], other[name]));
}

// The checker itself, in a worker: see checker.js. It starts now or with the first question, and
// takes one at a time; a question that nobody waits for any longer is not sent.
function startChecker(now) {
  let worker = null;
  let step = null;
  let broken = null;
  let current = null;
  let queue = Promise.resolve();

  function hear({ data }) {
    if (data.broken) broken = data.broken;
    else if (data.step) step = data;
    if (broken) current?.reject(new Refused(`the checker does not start in this browser: ${broken}`, 500));
    else if (data.step) current?.tell();
    else if ("answer" in data) current?.resolve(data.answer);
    else current?.reject(new Refused(data.error, 400));
  }

  function begin() {
    worker = new Worker(new URL("./checker.js", import.meta.url), { type: "module" });
    worker.addEventListener("message", hear);
    worker.addEventListener("error", (event) => hear({ data: { broken: event.message || "no worker" } }));
  }

  function send(name, question, onProgress) {
    if (!worker) begin();
    return new Promise((resolve, reject) => {
      const tell = () => step && onProgress?.(step);
      current = { resolve, reject, tell };
      if (broken) hear({ data: { broken } });
      tell();
      worker.postMessage({ name, question });
    });
  }

  if (now) begin();
  return (name, question, onProgress, signal) =>
    new Promise((resolve, reject) => {
      const stop = () => reject(new DOMException("cancelled", "AbortError"));
      signal?.addEventListener("abort", stop);
      queue = queue.then(() => (signal?.aborted ? undefined : send(name, question, onProgress).then(resolve, reject)));
    });
}
