// Questions to the server. The page computes nothing that cvxnet can be asked.

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const live = {
  async ask(name, question) {
    const response = await post(name, question, undefined);
    const answer = await response.json();
    if (!response.ok) throw new Refused(answer.error, response.status);
    return answer;
  },

  async askLong(name, question, onProgress, signal) {
    const response = await post(name, question, signal);
    if (!response.ok) throw new Refused((await response.json()).error, response.status);
    for await (const news of lines(response.body)) {
      if ("progress" in news) onProgress(news.progress);
      else if ("answer" in news) return news.answer;
      else throw new Refused(news.error, 400);
    }
    throw new Refused("the connection ended before there was an answer.", 500);
  },
};

async function post(name, question, signal) {
  try {
    return await fetch(`api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(question),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("the lab does not answer: is `cvxnet lab` still running?", 0);
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const complete = rest.split("\n");
    rest = complete.pop();
    for (const line of complete) yield JSON.parse(line);
  }
}

let transport = live;

// Another way to answers, for instance recorded ones.
export function answerWith(other) {
  transport = other;
}

export const isLive = () => transport === live;

// A short question. While one of a name is under way only the newest of the others waits; those
// between are dropped, and their promises never resolve: a drag shows as many answers as there is
// time for, and always the last.
const underWay = new Map();

// Called whenever it changes how many short questions are open.
let watcher = () => {};
export function watchOpen(callback) {
  watcher = callback;
}

export function ask(name, question) {
  return new Promise((resolve, reject) => {
    const job = { question, resolve, reject };
    const queue = underWay.get(name);
    if (queue) queue.next = job;
    else run(name, job);
  });
}

async function run(name, job) {
  const queue = { next: null };
  underWay.set(name, queue);
  watcher(underWay.size);
  try {
    job.resolve(await transport.ask(name, job.question));
  } catch (error) {
    job.reject(error);
  }
  underWay.delete(name);
  watcher(underWay.size);
  if (queue.next) run(name, queue.next);
}

// A long question: news on the way, and a way to give up. Giving up rejects with `Cancelled`.
export class Cancelled extends Error {}

export function askLong(name, question, onProgress = () => {}) {
  const controller = new AbortController();
  const answer = transport
    .askLong(name, question, (news) => controller.signal.aborted || onProgress(news), controller.signal)
    .catch((error) => {
      throw error.name === "AbortError" ? new Cancelled("cancelled") : error;
    });
  return { answer, cancel: () => controller.abort() };
}
