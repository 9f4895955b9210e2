"""Changes of variables that make a training problem convex without changing its optimum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from cvxnet.analysis.loglog import log_log_curvature
from cvxnet.analysis.questions import Question, check_blocks, weight_names
from cvxnet.analysis.verdicts import Verdict
from cvxnet.errors import CvxnetError
from cvxnet.layers.activations import ReLU
from cvxnet.layers.linear import Linear
from cvxnet.validation import as_floats

FAMILIES = {"ReLU": "relu"}
MOST_SAMPLES = 8


def find_lifts(question: Question) -> Iterator[tuple[str, str, str, float, Verdict | None]]:
    """(change, outcome, cost, rank, verdict) of exact lifts."""
    yield from lift_to_cells(question)
    yield from take_logarithms(question)


def lift_to_cells(question: Question) -> Iterator[tuple[str, str, str, float, Verdict | None]]:
    """Two-layer ReLU training is a convex program in one vector for each activation pattern.

    Verified by writing that program for the first samples of the data (or for four made-up ones)
    and judging it.
    """
    from cvxnet.analysis.problems import judge_problem
    from cvxnet.training.program import program

    family = two_layer_family(question)
    loss = question.options["loss"]
    if family is None or loss is None:
        return
    X, y = sample_data(question)
    try:
        written = program(family, X, y, loss=loss, weight_decay=0.1)
    except CvxnetError:
        return
    verdict = judge_problem(written)
    if verdict.convex:
        shown = f"verified on the program for {len(X)} samples with {X.shape[1]} features"
        yield (
            f'lift exactly: cn.train("{family}", X, y, loss="{loss}", weight_decay=...)',
            f"convex, {shown}",
            "needs weight decay; width is chosen by the optimum, and the "
            "number of cells grows like n^rank",
            0.5,
            verdict,
        )


def two_layer_family(question: Question) -> str | None:
    """The unit family of a Linear-activation-Linear network with one output, all weights asked."""
    layers: Any = getattr(question.network, "layers", ())
    if len(layers) != 3 or not isinstance(layers[0], Linear) or not isinstance(layers[2], Linear):
        return None
    whole = question.network is not None and check_blocks(
        question.network, question.options["wrt"]
    ) == set(weight_names(question.network))
    if not whole or layers[2].out_features != 1 or layers[0].nonneg or layers[2].nonneg:
        return None
    return FAMILIES.get(type(layers[1]).__name__) if isinstance(layers[1], ReLU) else None


def sample_data(question: Question) -> tuple[Any, Any]:
    """A few of the given samples, with at most two features, or four made-up ones."""
    data = question.options["data"]
    if data is not None:
        X, y = as_floats(data[0], "X"), as_floats(data[1], "y")
        return X[:MOST_SAMPLES, :2], y.ravel()[:MOST_SAMPLES]
    first: Any = getattr(question.network, "layers", (None,))[0]
    X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 0.5]])
    return X[:, : min(2, first.in_features)], np.array([1.0, -1.0, 1.0, -1.0])


def take_logarithms(question: Question) -> Iterator[tuple[str, str, str, float, Verdict | None]]:
    """Log-log convex functions of positive unknowns are convex in the logarithms."""
    word, _ = log_log_curvature(question, question.tape())
    if word in ("convex", "affine"):
        yield (
            "substitute W = exp(V) and minimise the logarithm (geometric programming)",
            f"log-log {word}, by the log-log rules",
            "all unknowns, and free weights and inputs, must be > 0",
            2.0,
            None,
        )
