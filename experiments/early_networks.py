"""How good is the network after 1, 3 and 10 seconds, beside L-BFGS from as many starts as fit in?

Eight sets that need no download, standardised, ReLU units with hidden and output bias, weight decay
0.02 of the largest useful one. The other side is SciPy's L-BFGS-B on the weights of networks of
width 50 from He's random initial weights, one start after the other until the time is over; the
lowest objective that was ever evaluated counts. Both minimise the same objective, on one BLAS
thread each, one after the other; ours is evaluated by the function that the other side minimises.
Kernels are compiled before. The share is our objective over the other side's: above 1 we lose.

    python -m experiments early_networks [--quick] [--seeds 1] [--out DIR] [--seconds 1 3 10]

`--seeds N` begins N times, from other starts; `--quick` takes three small sets and a quarter of a
second.

Measured with Python 3.11 on two idle cores, November 2026, share of the objective after 1, 3 and
10 seconds (an asterisk where we lose), and what our call took in all, certificate included:

    iris           1.000000   1.000000   1.000000     1.1   3.3   6.2 s
    wine           0.999901   0.999917   0.999949     1.0   3.2  10.2 s
    breast_cancer  1.000298*  0.999891   0.999822     1.1   3.1  10.3 s
    digits         1.007375*  0.998677   0.996200     2.1   4.1  10.8 s
    diabetes       0.995346   0.996977   0.997656     1.1   3.1  10.1 s
    friedman       0.999457   0.996890   0.997737     1.2   3.1  10.1 s
    moons          0.999509   0.999885   0.999885     0.6   0.6   0.5 s, optimal
    ripples        1.017726*   1.001691*   0.999943     1.2   3.3   10.7 s

Where one L-BFGS run takes about as long as the limit, a part of it goes into the certificate and
into fitting the free weights, and we lose.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn import datasets
from threadpoolctl import threadpool_limits

import cvxnet as cn
from cvxnet.plots.style import COLORS, GREY, MARKERS, WIDTH, new_figure, styled
from cvxnet.types import Array
from experiments.descent import Network, descend
from experiments.problems import data_set, standardised
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDEST, DECAY, LOST = 50, 0.02, 1e-6
"""Above 1 by less than LOST the share counts as 1."""
SETS = ("iris", "wine", "breast_cancer", "digits", "diabetes", "friedman", "moons", "ripples")
QUICK = ("iris", "diabetes", "moons")


@dataclass
class Task:
    """A set, standardised, and what is minimised over networks on it."""

    X: Array
    y: Array
    loss: str

    def __post_init__(self) -> None:
        self.X = standardised(self.X)
        options = {"loss": self.loss, "output_bias": True}
        self.decay = DECAY * cn.largest_weight_decay("relu", self.X, self.y, **options)

    def network(self, width: int) -> Network:
        """Networks of one width on it."""
        return Network(self.X, self.y, self.loss, self.decay, width, output_bias=True)


def task(name: str) -> Task:
    """The set of this name; classes are told from the rest."""
    if name in ("iris", "wine", "breast_cancer", "digits"):
        X, t = data_set(name)
        return Task(X, np.where(t >= 5 if name == "digits" else t == 1, 1.0, -1.0), "logistic")
    if name == "moons":
        X, t = datasets.make_moons(400, noise=0.3, random_state=0)
        return Task(X, np.where(t > 0, 1.0, -1.0), "logistic")
    if name == "ripples":
        rng = np.random.default_rng(0)
        X = rng.standard_normal((5000, 2))
        t = np.sin(3.0 * X[:, 0]) * X[:, 1] + 0.3 * rng.standard_normal(5000)
        return Task(X, t, "squared")
    if name == "friedman":
        X, t = datasets.make_friedman1(500, noise=1.0, random_state=0)
    else:
        X, t = data_set(name)
    return Task(X, t / t.std(), "squared")


def ours(task: Task, seconds: float) -> tuple[float, float, float]:
    """Our objective, what it took, and the bracket's gap."""
    options = {"loss": task.loss, "weight_decay": task.decay, "output_bias": True}
    begin = time.perf_counter()
    solution = cn.train("relu", task.X, task.y, time_limit=seconds, **options)
    took, proof = time.perf_counter() - begin, solution.certificate
    W = np.column_stack([proof.W, proof.b])
    weights = np.concatenate([W.ravel(), proof.a, [proof.c]])
    value, _ = task.network(len(proof.a)).value_and_gradient(weights)
    return value, took, solution.gap


def theirs(task: Task, seconds: float, seed: int) -> tuple[float, float, int]:
    """The lowest objective of all starts, what they took, and how many they were."""
    begin, best, starts = time.perf_counter(), np.inf, 0
    network = task.network(WIDEST)

    def objective(x: Array) -> tuple[float, Array]:
        nonlocal best
        value, gradient = network.value_and_gradient(x)
        best = min(best, value)
        return value, gradient

    def stop_in_time(_: Array) -> None:
        if time.perf_counter() - begin > seconds:
            raise StopIteration

    he, glorot = np.sqrt(2.0 / (task.X.shape[1] + 1)), np.sqrt(1.0 / WIDEST)
    with threadpool_limits(1):
        while time.perf_counter() - begin < seconds:
            rng = np.random.default_rng(starts if seed == 0 else [seed, starts])
            descend(objective, network.start(rng, he, glorot), stop_in_time)
            starts += 1
    return best, time.perf_counter() - begin, starts


def race(name: str, seconds: float, seed: int) -> Row:
    """Both sides on one set, one after the other."""
    here = task(name)
    value, took, gap = ours(here, seconds)
    other, other_took, starts = theirs(here, seconds, seed)
    n, d = here.X.shape
    return {"n": n, "d": d, "ours": value, "ours_took": took, "gap": gap} | {
        "theirs": other,
        "theirs_took": other_took,
        "starts": starts,
        "share": value / other,
        "lost": value > other * (1.0 + LOST),
    }


def picture(rows: list[Row]) -> Figure:
    """The share for each set, a marker for each limit."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    with styled():
        figure = new_figure(WIDTH, 5.6)
        axes = figure.add_subplot()
        for k, seconds in enumerate(dict.fromkeys(row["seconds"] for row in rows)):
            lines = [row for row in rows if row["seconds"] == seconds]
            at = [names.index(row["name"]) + 0.15 * (k - 1) for row in lines]
            above = [100.0 * (row["share"] - 1.0) for row in lines]
            style = {"color": COLORS[k], "marker": MARKERS[k], "linestyle": "", "markersize": 10.0}
            axes.plot(at, above, label=f"after {seconds:g} s", **style)
        axes.axhline(0.0, color=GREY, linewidth=1.0)
        axes.set_xticks(range(len(names)), names)
        axes.set_ylabel("cvxnet's objective above that of L-BFGS, %")
        axes.set_yscale("symlog", linthresh=0.01)
        axes.margins(0.08, 0.12)
        axes.set_title(
            "The network so far, beside L-BFGS from many starts: below zero cvxnet is ahead"
        )
        axes.legend()
    return figure


def main(argv: list[str]) -> int:
    """Race on each set for each time, and say how often we lost."""
    report = Report(
        "early_networks",
        __doc__,
        argv,
        more=lambda parser: parser.add_argument("--seconds", type=float, nargs="+"),
    )
    quick = report.options.quick
    limits = report.options.seconds or ([0.25] if quick else [1.0, 3.0, 10.0])
    ours(task("iris"), 1.0)  # compiles
    settings = [
        {"name": name, "seconds": seconds, "seed": seed}
        for name in (QUICK if quick else SETS)
        for seconds in limits
        for seed in range(report.options.seeds)
    ]
    rows = report.table("early_networks", race, settings)
    lost = sum(row["lost"] for row in rows)
    worst = max(rows, key=lambda row: row["share"])
    report.expect(
        "times that L-BFGS from many starts was ahead",
        expected="none",
        found=f"{lost} of {len(rows)}",
        holds=lost == 0,
        source="aim of the time limit: at any time a network as good as others have",
    )
    report.answer(
        "How good is the network while the bracket is still open?",
        f"After {', '.join(f'{seconds:g}' for seconds in limits)} seconds the objective was above "
        f"that of L-BFGS, from as many starts as fit in, {lost} of {len(rows)} times; at worst by "
        f"{100.0 * max(worst['share'] - 1.0, 0.0):.2g} % ({worst['name']}, "
        f"{worst['seconds']:g} s). A part of the time goes into the certificate.",
        picture(rows),
        "early_networks",
    )
    return report.close()
