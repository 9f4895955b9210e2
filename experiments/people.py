"""Four people at work: with a CSV file, a torch network, a scikit-learn pipeline, a CVXPY problem.

Each job is a few commands and Python files, as somebody would type them who has just installed
cvxnet; they run one after the other in a folder of their own, and what they print is shown with the
seconds that each took, start and imports included.

    python -m experiments people [--quick] [--out FILE.md]

--quick does the last one only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sklearn.datasets import load_wine

HERE = Path(__file__).resolve().parents[1]
ENDED = "(exit code {})"


@dataclass(frozen=True)
class Job:
    """Somebody's job: who, and what is typed; a step is a command or the text of a Python file."""

    who: str
    steps: tuple[str, ...]


CSV = Job(
    "with a CSV file: which wine is it, and how sure can one be?",
    (
        "cvxnet train wine.csv --target cultivar --holdout 0.2 --time-limit 30 --out wine",
        "cvxnet predict wine new.csv",
        "cvxnet check wine/certificate.json",
        "cvxnet compare wine.csv --target cultivar --weight-decay 5 --widths 8 --seeds 5 "
        "--epochs 500 --time-limit 30",
    ),
)
TORCH = Job(
    "with a torch network: how far from the optimum did Adam stop, and is the network convex?",
    (
        """\
# network.py
import numpy as np, torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.drop, self.fc2 = nn.Linear(2, 32), nn.Dropout(0.1), nn.Linear(32, 1)

    def forward(self, x):
        return self.fc2(self.drop(torch.relu(self.fc1(x))))

rng = np.random.default_rng(0)
X = rng.standard_normal((200, 2))
y = np.abs(X[:, 0]) + 0.1 * rng.standard_normal(200)

if __name__ == "__main__":
    torch.manual_seed(0)
    net, A, b = Net().double(), torch.tensor(X), torch.tensor(y)[:, None]
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(2000):
        decayed = [p for name, p in net.named_parameters() if name != "fc2.bias"]
        loss = 0.5 * ((net(A) - b) ** 2).sum() + 0.5 * sum((p**2).sum() for p in decayed)
        adam.zero_grad(), loss.backward(), adam.step()
    torch.save({"model": net.state_dict(), "epoch": 2000}, "net.pt")
""",
        """\
# ask.py
import torch, cvxnet as cn
from network import Net, X, y

net = Net().double()
net.load_state_dict(torch.load("net.pt")["model"])
print(cn.certify(net, X, y, weight_decay=1.0))
print(repr(cn.convexity(net)))
cn.to_onnx(cn.from_torch(net), "net.onnx")
""",
        "cvxnet explain net.pt",
    ),
)
SKLEARN = Job(
    "with a scikit-learn pipeline: a grid search, and what an MLP left on the table",
    (
        """\
# pipeline.py
import warnings
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
import cvxnet as cn

warnings.simplefilter("ignore", ConvergenceWarning)
X, y = load_breast_cancer(return_X_y=True)
X, new, y, truth = train_test_split(X, y, random_state=0, stratify=y)
ours = make_pipeline(StandardScaler(), cn.ConvexNetClassifier("relu", time_limit=1))
search = GridSearchCV(ours, {"convexnetclassifier__weight_decay": [3.0, 10.0, 30.0]}, cv=3)
search.fit(X, y)
print(search.best_params_, f"held out: {search.score(new, truth):.3f}")
print(repr(search.best_estimator_[-1].solution_))

theirs = make_pipeline(StandardScaler(), MLPClassifier(alpha=3.0, max_iter=1000, random_state=0))
theirs.fit(X, y)
print(f"MLPClassifier held out: {theirs.score(new, truth):.3f}")
scaled = theirs[0].transform(X)
print(cn.certify(theirs[-1], scaled, y, loss="logistic", weight_decay=3.0, time_limit=10))
""",
    ),
)
CVXPY = Job(
    "with a CVXPY problem: is it convex, and a cost learned from data inside it",
    (
        """\
# problem.py
import cvxpy as cp, numpy as np, cvxnet as cn

x, t = cp.Variable(2, name="x"), cp.Variable(pos=True, name="t")
print(repr(cn.convexity(cp.sum_squares(x) / t)))  # not DCP as it stands
print(cn.convexity(x[0] * x[1]))

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, (80, 2))
cost = np.hypot(X[:, 0] - 1, X[:, 1]) + 0.05 * rng.standard_normal(80)
form = {"output_weights": "nonneg", "output_bias": True, "skip": True}
fitted = cn.train("relu", X, cost, weight_decay=0.1, **form)
print(repr(fitted), "convex:", cn.convexity(fitted.network).convex)
problem = cp.Problem(cp.Minimize(cp.sum(cn.embed(fitted.network, x))), [cp.sum(x) >= 2])
print(f"{problem.solve():.3f} at", x.value.round(2))
""",
    ),
)
JOBS = {"csv": CSV, "torch": TORCH, "sklearn": SKLEARN, "cvxpy": CVXPY}


def write_wine(folder: Path) -> None:
    """The wines as a CSV file with their cultivar as text, and three of them without."""
    wine = load_wine()
    names = [*wine.feature_names, "cultivar"]
    rows = [
        [*map(repr, row.tolist()), f"cultivar {kind}"]
        for row, kind in zip(wine.data, wine.target, strict=True)
    ]
    (folder / "wine.csv").write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    new = [names[:-1], *(rows[k][:-1] for k in (0, 70, 170))]
    (folder / "new.csv").write_text("\n".join(",".join(row) for row in new) + "\n")


def run(step: str, folder: Path) -> tuple[str, str]:
    """What is typed and, below it, what is printed; a Python file is written first, and shown."""
    command, shown = step, f"$ {step}"
    if step.startswith("# "):
        name = step.split("\n", 1)[0][2:]
        (folder / name).write_text(step)
        command, shown = f"python {name}", f"{step}\n$ python {name}"
    words = {"cvxnet": f"{sys.executable} -m cvxnet", "python": sys.executable}
    program, rest = command.split(" ", 1)
    environment = os.environ | {"PYTHONPATH": str(HERE), "COLUMNS": "100"}
    begin = time.perf_counter()
    process = subprocess.run(
        f"{words[program]} {rest}",
        shell=True,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    seconds = time.perf_counter() - begin
    ended = "" if process.returncode == 0 else f" {ENDED.format(process.returncode)}"
    if "Traceback" in process.stdout:
        raise SystemExit(f"{shown}\nfailed:\n{process.stdout}")
    return f"{shown}\n{process.stdout.rstrip()}", f"{seconds:.1f} s{ended}"


def transcript(job: Job) -> Iterator[str]:
    """The job's steps with their output and times, as Markdown."""
    yield f"## {job.who[0].upper()}{job.who[1:]}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_wine(folder)
        for step in job.steps:
            printed, took = run(step, folder)
            yield f"```text\n{printed}\n```\n*{took}*"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the job with CVXPY")
    parser.add_argument("--jobs", default=",".join(JOBS), help="which of them")
    parser.add_argument("--out", type=Path, help="Markdown file")
    options = parser.parse_args(argv)
    chosen = ["cvxpy"] if options.quick else options.jobs.split(",")
    parts = ["# Four people, from a fresh install", __doc__.split("\n\n")[1]]
    for name in chosen:
        for part in transcript(JOBS[name]):
            print(part, flush=True)
            parts.append(part)
    if options.out:
        options.out.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
