"""What came out, computed once more: objectives, attacks on bounds, tampering. For snippets too."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import formulas
import numpy as np
import truth

import cvxnet as cn
from cvxnet.proofs import checker

Array = np.ndarray
WIDE = np.longdouble


def training(
    units: Any,
    X: Array,
    y: Array,
    *,
    loss: str,
    weight_decay: float,
    bias: bool = True,
    norm: str = "l2",
    output_bias: bool = False,
    skip: bool = False,
    sample_weight: Any = None,
) -> formulas.Training:
    """The problem in the formulas of the tests, in more digits than doubles have."""
    family = units if isinstance(units, cn.Family) else cn.Family(units)
    X, ones = np.asarray(X, WIDE), np.ones((len(X), 1), WIDE)
    parts = [ones] * output_bias + [X] * skip
    options = family.options
    if family.name == "polynomial":
        options = {"coefficients": (0.09, 0.5, 0.47)} | options
    return formulas.Training(
        family.name,
        np.hstack([X, ones]) if bias and family.name != "coordinate" else X,
        np.asarray(y, WIDE),
        loss,
        weight_decay,
        options,
        norm,
        None if sample_weight is None else np.asarray(sample_weight, WIDE),
        np.hstack(parts) if parts else None,
    )


def own_value(own: formulas.Training, network: Any) -> float:
    """The training objective of an ordinary network."""
    U, a, gate, c = formulas.read_weights(network, own)
    c = None if c is None else np.asarray(c, WIDE)
    with np.errstate(all="ignore"):
        return float(own.objective(np.asarray(U, WIDE), np.asarray(a, WIDE), gate, c))


def own_predictions(own: formulas.Training, network: Any) -> Array:
    """The outputs of an ordinary network on the rows."""
    U, a, gate, c = formulas.read_weights(network, own)
    return np.asarray(own.predictions(U, a, gate, c), float)


def close(x: float, y: float, relative: float = 1e-9, absolute: float = 1e-300) -> bool:
    """Whether two numbers agree."""
    return abs(x - y) <= relative * max(abs(x), abs(y)) + absolute


def near(f: Any, g: Any, relative: float = 1e-9, absolute: float = 1e-300) -> bool:
    """Whether two arrays agree, relative to the largest number in them."""
    f, g = np.asarray(f, float), np.asarray(g, float)
    largest = max(np.abs(f).max(initial=0.0), np.abs(g).max(initial=0.0))
    return f.shape == g.shape and bool((np.abs(f - g) <= relative * largest + absolute).all())


def cancelling(own: formulas.Training, network: Any) -> float:
    """What doubles lose where free weights cancel: those of nearly equal columns may be huge.

    The optimum may need them, as free weights cost nothing; whoever evaluates the network in
    doubles gets its predictions to this.
    """
    c = formulas.read_weights(network, own)[3]
    if own.free is None or c is None:
        return 1e-300
    terms = np.abs(np.asarray(own.free, float)) @ np.abs(np.asarray(c, float))
    return 1e2 * np.finfo(float).eps * float(terms.max()) + 1e-300


def closed(solution: cn.Solution, gap: float, own: formulas.Training) -> bool:
    """Whether the bracket is as narrow as "optimal" says: relatively, or for an optimum of about 0.

    Then the text says so, and the width is at most the gap times 2^-52 of the loss of the best
    network without units, and what rounding costs.
    """
    width = solution.value - solution.lower_bound
    if solution.closed_by == "gap":
        return width <= gap * (1 + 1e-9) * abs(solution.value)
    weights = np.ones(len(own.y)) if own.weights is None else own.weights
    rounding = 1e3 * np.finfo(float).eps * np.abs(own.y)
    cost = float((weights * (rounding**2 if own.loss == "squared" else rounding)).sum())
    said = "absolute tolerance" in str(solution)
    return said and width <= gap * 2.0**-52 * (1 + 1e-6) * free_loss(own) + cost


def free_loss(own: formulas.Training) -> float:
    """An upper bound on the loss of the best network without units: that of a fit of the free part.

    Weighted least squares, and the median.
    """
    zero = np.zeros_like(own.y)
    fits = [zero]
    if own.free is not None:
        F, y = np.asarray(own.free, float), np.asarray(own.y, float)
        w = np.sqrt(np.ones(len(y)) if own.weights is None else np.asarray(own.weights, float))
        fits.append(F @ np.linalg.lstsq(w[:, None] * F, w * y, rcond=None)[0])
    weights = 1.0 if own.weights is None else own.weights
    return min(float((weights * formulas.loss_terms(own.loss, f, own.y)).sum()) for f in fits)


# --------------------------------------------------------------------------------- certificates


UNDECIDED = ("unfinished", "too large", "the rank")
"""How a check begins that says neither yes nor no."""


def proved(result: checker.CheckResult) -> str:
    """``"proved"``, ``"unfinished"`` or ``"refused"``."""
    if result.valid:
        return "proved"
    return "unfinished" if result.reason.startswith(UNDECIDED) else "refused"


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all numbers of a document."""
    if isinstance(value, str) and "0x" in value:
        yield path
    elif isinstance(value, dict | list):
        children = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in children:
            yield from numbers(child, (*path, key))


def tampered(document: dict[str, Any], path: list[Any], value: float) -> dict[str, Any]:
    """A copy with one number changed, and the fingerprint of its data."""
    document = copy.deepcopy(document)
    owner: Any = document
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value.hex()
    data = document["data"]
    X, y = truth.decoded(data["X"]).tolist(), truth.decoded(data["y"]).tolist()
    return document | {"data_sha256": checker.fingerprint(X, y)}


CHANGES = {
    "next": lambda x: math.nextafter(x, math.inf),
    "before": lambda x: math.nextafter(x, -math.inf),
    "minus": lambda x: -x,
    "twice": lambda x: 2.0 * x,
    "one": lambda x: x + 1.0,
    "zero": lambda x: 0.0,
    "more": lambda x: x * (1 + 1e-6),
    "less": lambda x: x * (1 - 1e-6),
    "tiny": lambda x: x * 1e-300,
}
"""What happens to a number of a certificate."""


# ----------------------------------------------------------------------------------- invariances


def difference(one: cn.Solution, other: cn.Solution, factor: float, gap: float) -> str:
    """What two solutions of one problem, with values ``factor`` times as large, disagree on."""
    lower, value = factor * one.lower_bound, factor * one.value
    room = ROUNDING * max(abs(value), abs(other.value))
    room += factor * one.tolerance + other.tolerance  # what the rounding of the data costs
    if lower > other.value + room or other.lower_bound > value + room:
        return f"the brackets do not overlap: [{lower!r}, {value!r}]"
    relative = {one.closed_by, other.closed_by} == {"gap"}
    if relative and abs(other.value - value) > gap * max(value, other.value) + room:
        return f"the values differ by more than the gap: {value!r}, {other.value!r}"
    wider = max(one.gap, other.gap)
    if closed_by_rounding(one, other, factor) or closed_by_rounding(other, one, 1.0 / factor):
        return ""
    if one.status == other.status or timed_out(one, other) or wider <= THRESHOLD * gap:
        return ""
    return f"one is optimal, the other has a gap of {wider!r}"


def closed_by_rounding(one: cn.Solution, other: cn.Solution, factor: float) -> bool:
    """Whether only one is about 0, by what its data cost in rounding: the offset of targets, say.

    Then the bracket of the other is as narrow.
    """
    width = factor * (one.value - one.lower_bound)
    return other.closed_by == "tolerance" and width <= other.tolerance


ROUNDING = 1e-9
"""Relative room for two ways of rounding."""
THRESHOLD = 10.0
"""Up to so many times the gap asked for a status may differ."""


def timed_out(*solutions: cn.Solution) -> bool:
    """Whether one of them took seconds, so that a time limit may have ended it."""
    return any(solution.stats["seconds"] > 2.0 for solution in solutions)


def trained_by_torch(
    X: Array, y: Array, width: int, seed: int, *, loss: str, weight_decay: float
) -> Any:
    """A ReLU network as anyone would train it on the summed loss, by torch's L-BFGS."""
    import torch

    from experiments.adversary.attack import LOSSES

    generator = torch.Generator().manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, 1, bias=False),
    ).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.3 * torch.randn(p.shape, generator=generator, dtype=torch.float64))
    A, b = torch.tensor(X), torch.tensor(y)
    maker = torch.optim.LBFGS(net.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        maker.zero_grad()
        decay = 0.5 * weight_decay * sum(p.square().sum() for p in net.parameters())
        value = LOSSES[loss](net(A)[:, 0], b).sum() + decay
        value.backward()
        return value

    maker.step(closure)
    return net
