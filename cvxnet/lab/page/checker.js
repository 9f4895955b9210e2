// The checker in this browser: Python, flint and the checker's own files, in a worker of their own.
// Where `make proof-page` has put them; the lab asks its server instead.

import { loadPyodide } from "./checker/pyodide.mjs";

const ANSWER = `
import json
from cvxnet.lab.certificates import check, forged

def answer(name, question):
    asked = json.loads(question)
    if name == "proof/check":
        return json.dumps(check(asked["text"], 60.0))
    return json.dumps({"text": forged(asked["text"], asked["forgery"])})
answer
`;

async function start() {
  const parts = await (await fetch("./checker/parts.json")).json();
  postMessage({ step: "Python", share: 0 });
  const python = await loadPyodide({ indexURL: new URL("./checker/", import.meta.url).href });
  postMessage({ step: "exact arithmetic", share: 0.6 });
  await python.loadPackage(`./checker/${parts.flint}`, { messageCallback() {} });
  postMessage({ step: "the checker", share: 0.9 });
  python.unpackArchive(await (await fetch("./checker/checker.zip")).arrayBuffer(), "zip");
  return python.runPython(ANSWER);
}

const starting = start();
starting.then(
  () => postMessage({ step: "ready", share: 1 }),
  (error) => postMessage({ broken: String(error) }),
);

onmessage = async ({ data: { name, question } }) => {
  try {
    const answer = await starting;
    postMessage({ answer: JSON.parse(answer(name, JSON.stringify(question))) });
  } catch (error) {
    const lines = String(error.message ?? error).trim().split("\n");
    postMessage({ error: lines.at(-1) });
  }
};
