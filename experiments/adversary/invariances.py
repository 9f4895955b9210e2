"""Trials of pairs of problems that are one problem: what training says of one holds for the other.

With free output weights for a column (output bias, skip) the target may be moved along it. Where
features are homogeneous of degree q in the data, and there is no hidden bias, ``X -> s X`` with
``weight_decay -> s^q weight_decay`` leaves every value as it is. The squared loss has ``y -> t y``
with ``weight_decay -> t weight_decay`` and values times t^2, the absolute loss the same with an
unchanged weight decay and values times t. The order of rows and columns says nothing, and the
weight of a sample is how often it is there.

Powers of two round nothing, so those scalings hold to the last bit; where both layers are
decayed the weights are multiplied by the root of the factor, so there it takes powers of four.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from experiments.adversary.problems import REAL, Drawn, draw, draw_decay, draw_weights
from experiments.adversary.training import find_largest
from experiments.adversary.trials import Script

Array = np.ndarray
Rng = np.random.Generator

LIMIT = 5.0
"""Seconds for a training."""
UNTIMED = 0.25
"""Seconds within which nothing that training decides depends on the clock."""
BITS = 20
"""Numbers of a column are multiples of 2^-BITS of the largest, so that sums with others are exact.
"""
DEGREES = {"relu": 1, "leaky_relu": 1, "abs": 1, "linear": 1, "coordinate": 1, "gated_relu": 1}
DEGREES |= {"squared_relu": 2, "quadratic": 2, "sign": 0, "threshold": 0}
ROOTS = ("relu", "leaky_relu", "abs", "linear", "gated_relu")
"""Families whose two layers share the decay."""


@dataclass(frozen=True)
class Same:
    """A problem, the same problem otherwise written, and what that does to decay and values."""

    one: Drawn
    other: Drawn
    decay: float = 1.0
    value: float = 1.0
    exact: bool = False


def offset(rng: Rng, drawn: Drawn) -> Same:
    """y -> y + c with an output bias."""
    drawn = replace(real(rng, drawn), form=drawn.form | {"output_bias": True})
    unit = grain(drawn.y)
    c = unit * float(np.round(2.0 ** rng.uniform(0.0, BITS + 30.0))) * rng.choice([-1.0, 1.0])
    return Same(drawn, replace(drawn, y=drawn.y + c))


def slope(rng: Rng, drawn: Drawn) -> Same:
    """y -> y + X w with a skip connection."""
    drawn = replace(real(rng, drawn), form=drawn.form | {"skip": True})
    column = drawn.X[:, int(rng.integers(drawn.X.shape[1]))]
    unit = grain(drawn.y) / grain(column)
    w = unit * float(np.round(2.0 ** rng.uniform(0.0, 20.0))) * rng.choice([-1.0, 1.0])
    return Same(drawn, replace(drawn, y=drawn.y + w * column))


def scaled_data(rng: Rng, drawn: Drawn) -> Same | None:
    """X -> s X without hidden bias."""
    if drawn.family not in DEGREES:
        return None
    if drawn.family == "gated_relu" and drawn.bias:
        return None
    drawn = replace(drawn, form=drawn.form | {"bias": False})
    s, exact = factor(rng, drawn)
    degree = DEGREES[drawn.family]
    return Same(drawn, replace(drawn, X=s * drawn.X), s**degree, 1.0, exact)


def scaled_target(rng: Rng, drawn: Drawn) -> Same:
    """y -> t y with the squared or the absolute loss."""
    drawn = replace(real(rng, drawn), loss=str(rng.choice(["squared", "absolute"])))
    t, exact = factor(rng, drawn)
    other = replace(drawn, y=t * drawn.y)
    squared = drawn.loss == "squared"
    return Same(drawn, other, t if squared else 1.0, t**2 if squared else t, exact)


def rows(rng: Rng, drawn: Drawn) -> Same:
    """The rows in another order."""
    order = rng.permutation(len(drawn.X))
    other = replace(drawn, X=drawn.X[order], y=drawn.y[order])
    if "sample_weight" in drawn.form:
        weights = drawn.form["sample_weight"][order]
        other = replace(other, form=drawn.form | {"sample_weight": weights})
    return Same(drawn, other)


def columns(rng: Rng, drawn: Drawn) -> Same:
    """The columns in another order, and those of the gates."""
    d = drawn.X.shape[1]
    order = rng.permutation(d)
    other = replace(drawn, X=drawn.X[:, order])
    if "gates" in drawn.options:
        gates = np.column_stack([drawn.options["gates"][:, order], drawn.options["gates"][:, d:]])
        other = replace(other, options={"gates": gates})
    return Same(drawn, other)


def halves(rng: Rng, drawn: Drawn) -> Same:
    """A row split into two of half the weight."""
    drawn = weighted(rng, drawn)
    weights, i = drawn.form["sample_weight"].copy(), int(rng.integers(len(drawn.X)))
    weights[i] /= 2.0
    return Same(drawn, again(drawn, i, np.append(weights, weights[i])))


def nothing(rng: Rng, drawn: Drawn) -> Same:
    """A row of weight zero more."""
    drawn = weighted(rng, drawn)
    x = drawn.X[:1] * rng.choice([-1.0, 1.0, 100.0])
    weights = np.append(drawn.form["sample_weight"], 0.0)
    other = replace(drawn, X=np.vstack([drawn.X, x]), y=np.append(drawn.y, drawn.y[0]))
    return Same(drawn, replace(other, form=drawn.form | {"sample_weight": weights}), exact=True)


def merged(rng: Rng, drawn: Drawn) -> Same:
    """Equal rows, or one row of their weight."""
    drawn = weighted(rng, drawn)
    i, times = int(rng.integers(len(drawn.X))), int(rng.integers(2, 5))
    weights = drawn.form["sample_weight"].copy()
    many = drawn
    for _ in range(times - 1):
        many = again(many, i, np.append(many.form["sample_weight"], weights[i]))
    weights[i] *= times
    return Same(replace(drawn, form=drawn.form | {"sample_weight": weights}), many)


INVARIANCES: dict[str, Callable[[Rng, Drawn], Same | None]] = {
    "offset": offset,
    "slope": slope,
    "scaled_data": scaled_data,
    "scaled_target": scaled_target,
    "rows": rows,
    "columns": columns,
    "halves": halves,
    "nothing": nothing,
    "merged": merged,
}


# ----------------------------------------------------------------------------------- the pieces


def grain(column: Array) -> float:
    """A power of two of which numbers of this size are multiples."""
    largest = float(np.abs(column).max(initial=0.0))
    return 2.0 ** (np.floor(np.log2(largest)) - BITS) if largest else 2.0**-BITS


def rounded(column: Array) -> Array:
    """The nearest multiples of the grain."""
    return np.round(column / grain(column)) * grain(column)


def real(rng: Rng, drawn: Drawn) -> Drawn:
    """The problem with a loss of real targets, on a grid where sums are exact."""
    loss = drawn.loss if drawn.loss in REAL else str(rng.choice(REAL))
    X = np.column_stack([rounded(column) for column in drawn.X.T])
    return replace(drawn, X=X, y=rounded(drawn.y), loss=loss)


def factor(rng: Rng, drawn: Drawn) -> tuple[float, bool]:
    """A power of two (or of four) that leaves nothing to rounding, or another number."""
    if rng.random() < 0.6:
        return float(2.0 ** (2 * int(rng.integers(-15, 16)))), True
    if rng.random() < 0.3 and drawn.family not in ROOTS:
        return float(2.0 ** int(rng.integers(-30, 31))), True
    return float(rng.choice([2.0, 3.0, 10.0, 0.1, 1e4, 1e-4])), False


def weighted(rng: Rng, drawn: Drawn) -> Drawn:
    """The problem with sample weights."""
    if "sample_weight" in drawn.form:
        return drawn
    return replace(drawn, form=drawn.form | {"sample_weight": draw_weights(rng, len(drawn.X))})


def again(drawn: Drawn, i: int, weights: Array) -> Drawn:
    """The problem with row i once more."""
    form: dict[str, Any] = drawn.form | {"sample_weight": weights}
    X, y = np.vstack([drawn.X, drawn.X[i]]), np.append(drawn.y, drawn.y[i])
    return replace(drawn, X=X, y=y, form=form)


# --------------------------------------------------------------------------------------- trials


def trial_of(name: str) -> Callable[[Rng, Script], None]:
    """The trials of one invariance."""

    def trial(rng: Rng, script: Script) -> None:
        made = None
        while made is None:
            made = INVARIANCES[name](rng, draw(rng))
        hold(rng, script, made, name)

    return trial


def hold(rng: Rng, script: Script, made: Same, name: str) -> None:
    """Train both, and compare."""
    made.one.write(script)
    find_largest(script, made.one)
    decay = draw_decay(rng, script["largest"])
    gap = float(rng.choice([1e-6, 1e-6, 1e-3]))
    call = f"cn.train(units, X, y, **problem, gap={gap!r}, time_limit={LIMIT}"
    script.run(f"one = {call}, weight_decay={decay!r})")
    made.other.write(script)
    script.run(f"other = {call}, weight_decay={decay * made.decay!r})")
    claim = f"oracles.difference(one, other, {made.value!r}, {gap!r})"
    script.holds(f"{name}: two writings of one problem", f"{claim} == ''", claim, "one", "other")
    pair = (script["one"], script["other"])
    finished = max(solution.stats["seconds"] for solution in pair) < UNTIMED
    rounding = any(solution.closed_by == "tolerance" for solution in pair)  # all that is left
    if made.exact and finished and not rounding:
        script.holds(
            f"{name}: to the last bit",
            f"(other.lower_bound, other.value) == "
            f"({made.value!r} * one.lower_bound, {made.value!r} * one.value)",
            "(one.lower_bound, one.value)",
            "(other.lower_bound, other.value)",
            "one.stats['rounds'], other.stats['rounds']",
        )
