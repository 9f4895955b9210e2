"""SGD beside it: networks trained by gradients from many seeds, above the proved bracket."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

import cvxnet as cn
from cvxnet.baselines.report import Runs
from cvxnet.baselines.results import TOLERANCES
from cvxnet.baselines.tasks import Trace
from cvxnet.data.point_sets import POINT_SETS, point_set
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question, Tell
from cvxnet.optional import is_installed
from cvxnet.training.progress import Round
from cvxnet.types import Array

OPTIMIZERS = ("sgd", "adam", "lbfgs")
LOSSES = {"classes": "logistic", "values": "squared", "curve": "squared"}
MOST_POINTS, MOST_WIDTH, MOST_SEEDS, MOST_EPOCHS = 100, 100, 20, 2000
EXACT_SECONDS, WIDTH_SECONDS, GAP = 30.0, 20.0, 1e-6
"""For the optimum of every width, and for that of the width of the runs."""
PAUSE = 0.05
"""Seconds between two pieces of news about the same batch, at least."""


def run(asked: Asked, tell: Tell) -> Answer:
    """Many seeds of one optimiser at one width, as curves on the way and where they end."""
    name = asked.choice("set", tuple(POINT_SETS), default="waves")
    X, y = point_set(name, asked.whole("n", 4, MOST_POINTS), asked.whole("draw", 0, 9999))
    kind = POINT_SETS[name].kind
    loss = "cross_entropy" if kind == "classes" and y.max() > 1 else LOSSES[kind]
    batch = asked.whole("batch", 0, MOST_POINTS, default=0)
    runs = cn.compare(
        "relu",
        X,
        y,
        loss=loss,
        weight_decay=asked.number("beta", 1e-4, 1e4),
        optimizers=asked.choice("optimizer", OPTIMIZERS),
        widths=asked.whole("width", 1, MOST_WIDTH),
        seeds=asked.whole("seeds", 1, MOST_SEEDS),
        epochs=asked.whole("epochs", 10, MOST_EPOCHS),
        batch_size=batch or None,
        gap=GAP,
        time_limit=EXACT_SECONDS,
        width_seconds=WIDTH_SECONDS,
        progress=Telling(tell).listen,
    )
    return described(runs)


class Telling:
    """What is heard of a comparison as news for the page, no more than it can show."""

    def __init__(self, tell: Tell) -> None:
        self.tell, self.told = tell, -math.inf
        self.of: Any = None

    def listen(self, heard: Round | Trace) -> None:
        """Each round of the exact solutions; of the runs the first news, and then some."""
        now = time.monotonic()
        if isinstance(heard, Round):
            ends = {"lower": heard.lower, "upper": heard.upper}
            self.tell(ends if heard.open is None else {"narrow": ends, "open": heard.open})
        elif heard.seeds != self.of or now - self.told >= PAUSE:
            self.of, self.told = heard.seeds, now
            self.tell(
                {
                    "stream": heard.stream,
                    "seeds": list(heard.seeds),
                    "epoch": heard.epoch,
                    "objective": numbers(heard.objective),
                }
            )


def described(runs: Runs) -> Answer:
    """The bracket, and for each seed its curve and its end."""
    (group,) = runs.groups
    records = runs.records_of(group.optimizer, group.width)
    low, high = runs.width_bracket(group.width)
    return {
        "status": runs.solution.status,
        "lower": runs.solution.lower_bound,
        "upper": runs.best,
        "narrow": {"lower": low, "upper": high if math.isfinite(high) else None},
        "exact_seconds": runs.exact_seconds,
        "units": runs.solution.units,
        "loss": runs.objective.loss.name,
        "rate": group.rate,
        "seconds": group.tuning_seconds + group.seconds,
        "seeds": list(group.seeds),
        "objective": numbers(group.objective),
        "least": numbers(group.excess[:, 0]),
        "most": numbers(group.excess[:, 1]),
        "above_width": numbers(group.above_width[:, 1]),
        "within": [[tolerance, *group.within(tolerance)] for tolerance in TOLERANCES],
        "within_width": [[tolerance, *group.within_width(tolerance)] for tolerance in TOLERANCES],
        "epochs": np.concatenate([record.epochs for record in records]).tolist(),
        "curves": [numbers(curve) for record in records for curve in record.curve],
    }


def numbers(values: Array) -> list[float | None]:
    """Numbers for the page; None where a run diverged."""
    return [x if math.isfinite(x) else None for x in values.tolist()]


QUESTIONS = (Question("sgd/run", run, seconds=300.0, long=True),)

USUAL = {
    "set": "waves",
    "draw": 0,
    "n": 40,
    "beta": 0.1,
    "optimizer": "adam",
    "seeds": 10,
    "epochs": 600,
    "batch": 0,
}
"""What the page asks before anybody has changed anything but the width."""
RECORDED = tuple(
    ("sgd/run", {**USUAL, "width": width}) for width in (2, 4, 8, 10, 50) if is_installed("torch")
)
"""Asked once for the page without a server."""
