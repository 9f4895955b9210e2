"""Random training problems: small, and often degenerate, badly scaled or extreme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from experiments.adversary.trials import Script, literal

Array = np.ndarray
Rng = np.random.Generator

FAMILIES: dict[str, float] = {
    "relu": 4,
    "leaky_relu": 2,
    "abs": 2,
    "linear": 1,
    "coordinate": 1,
    "gated_relu": 1,
    "quadratic": 1,
    "polynomial": 1,
    "squared_relu": 1,
    "tanh": 0.5,
    "sign": 1,
    "threshold": 1,
}
"""How often each is drawn."""
CLASSES = ("logistic", "hinge", "squared_hinge")
REAL = ("squared", "absolute", "huber", "log_cosh")
L1 = ("relu", "leaky_relu", "abs", "linear")


@dataclass(frozen=True)
class Drawn:
    """A problem: what `cvxnet.train` takes, without the weight decay.

    ``tame`` says that no number is far from one, so that general solvers can be asked too.
    """

    family: str
    options: dict[str, Any]
    X: Array
    y: Array
    loss: str
    form: dict[str, Any] = field(default_factory=dict)
    tame: bool = True

    @property
    def units(self) -> str:
        """The first argument of `cvxnet.train`, as Python text."""
        pairs = "".join(f", {key}={literal(value)}" for key, value in self.options.items())
        return f"cn.Family({self.family!r}{pairs})" if pairs else repr(self.family)

    @property
    def columns(self) -> int:
        """Columns, with that of the hidden bias."""
        return self.X.shape[1] + self.bias

    @property
    def bias(self) -> bool:
        """Whether hidden units have one."""
        return bool(self.form.get("bias", True)) and self.family != "coordinate"

    def write(self, script: Script) -> None:
        """X, y, units and the problem, as names of a script."""
        script.let(X=self.X, y=self.y)
        script.run(f"units = {self.units}")
        script.let(problem={"loss": self.loss, **self.form})


def pick(rng: Rng, chances: dict[Any, float]) -> Any:
    """A key, as often as its number says."""
    weights = np.array([*chances.values()], dtype=float)
    return [*chances][rng.choice(len(weights), p=weights / weights.sum())]


def draw(rng: Rng, most: int = 8, families: dict[str, float] = FAMILIES) -> Drawn:
    """A problem of at most so many rows."""
    family = pick(rng, families)
    n, d = int(rng.integers(2, most + 1)), int(pick(rng, {1: 3, 2: 5, 3: 2, 4: 1}))
    X, plain_X = draw_data(rng, n, d)
    loss = str(rng.choice(CLASSES if rng.random() < 0.35 else REAL))
    y, plain_y = draw_labels(rng, X) if loss in CLASSES else draw_target(rng, X)
    form: dict[str, Any] = {}
    if rng.random() < 0.5:
        form["bias"] = bool(rng.integers(2))
    for name in ("output_bias", "skip"):
        if rng.random() < 0.3:
            form[name] = True
    if family in L1 and rng.random() < 0.25:
        form["norm"] = "l1"
    if rng.random() < 0.25:
        form["sample_weight"] = draw_weights(rng, n)
    made = Drawn(family, {}, X, y, loss, form, plain_X and plain_y)
    return replace(made, options=draw_options(rng, made))


def draw_options(rng: Rng, made: Drawn) -> dict[str, Any]:
    """Options of the family."""
    if made.family == "leaky_relu":
        return {"slope": float(rng.choice([0.0, 0.01, 0.1, 0.5, 0.9, rng.random()]))}
    if made.family == "gated_relu":
        gates = rng.standard_normal((int(rng.integers(1, 6)), made.columns))
        return {"gates": np.round(gates, int(rng.integers(0, 3))) if rng.random() < 0.5 else gates}
    if made.family == "polynomial" and rng.random() < 0.7:
        return {"coefficients": [float(x) for x in np.round(rng.standard_normal(3), 2) + 0.001]}
    if made.family == "tanh":
        return {"radius": float(rng.choice([0.1, 1.0, 3.0, 10.0]))}
    return {}


# ------------------------------------------------------------------------------------------ data


def draw_data(rng: Rng, n: int, d: int) -> tuple[Array, bool]:
    """A data matrix, never zero, and whether its numbers are of size about one."""
    kind = pick(rng, {"normal": 3, "whole": 3, "signs": 1, "line": 1, "onehot": 0.5})
    X = {
        "normal": lambda: rng.standard_normal((n, d)),
        "whole": lambda: rng.integers(-2, 3, (n, d)).astype(float),
        "signs": lambda: rng.choice([0.0, 1.0], (n, d)),
        "line": lambda: np.outer(np.linspace(-1.0, 1.0, n), rng.integers(1, 4, d)),
        "onehot": lambda: np.eye(max(n, d))[:n, :d],
    }[kind]()
    tame = True
    for _ in range(int(rng.integers(0, 3))):
        spoil, keeps = SPOILERS[int(rng.integers(len(SPOILERS)))]
        X, tame = spoil(rng, X), tame and keeps
    if not X.any():
        X[0, 0] = 1.0
    return X, tame


def one_row(change: Callable[[Rng, Array], Array]) -> Callable[[Rng, Array], Array]:
    """A spoiler that replaces one row by what another becomes."""

    def spoil(rng: Rng, X: Array) -> Array:
        i, j = rng.integers(len(X), size=2)
        X = X.copy()
        X[i] = change(rng, X[j])
        return X

    return spoil


def one_column(change: Callable[[Rng, Array], Array]) -> Callable[[Rng, Array], Array]:
    """A spoiler that replaces one column by what all become."""

    def spoil(rng: Rng, X: Array) -> Array:
        X = X.copy()
        X[:, rng.integers(X.shape[1])] = change(rng, X)
        return X

    return spoil


def some(rng: Rng, X: Array) -> Array:
    """One of the columns."""
    return X[:, rng.integers(X.shape[1])]


def size(rng: Rng, low: float, high: float) -> float:
    """A number that is log-uniform, or a power of ten."""
    power = rng.uniform(low, high)
    return float(10.0 ** (np.round(power) if rng.random() < 0.5 else power))


SPOILERS: list[tuple[Callable[[Rng, Array], Array], bool]] = [
    (one_row(lambda rng, x: x), True),
    (one_row(lambda rng, x: -x), True),
    (one_row(lambda rng, x: 0.0 * x), True),
    (one_row(lambda rng, x: 2.0 * x), True),
    (one_row(lambda rng, x: x + size(rng, -16, -2) * rng.standard_normal(x.shape)), False),
    (one_row(lambda rng, x: x * size(rng, -6, 6)), False),
    (one_column(lambda rng, X: np.full(len(X), rng.integers(-1, 3))), True),
    (one_column(lambda rng, X: X.sum(axis=1)), True),
    (one_column(lambda rng, X: -some(rng, X)), True),
    (one_column(lambda rng, X: some(rng, X) + size(rng, -14, -3) * rng.random(len(X))), False),
    (one_column(lambda rng, X: some(rng, X) * size(rng, -13, 13)), False),
    (one_column(lambda rng, X: some(rng, X) + size(rng, 1, 9)), False),
    (lambda rng, X: X * size(rng, -13, 13), False),
    (lambda rng, X: np.vstack([X, X])[: len(X)], True),
    (lambda rng, X: np.outer(X[:, 0], np.ones(X.shape[1])), True),
    (lambda rng, X: np.round(X, 1), True),
]
"""What makes data awkward, and whether they stay tame."""


# --------------------------------------------------------------------------------------- targets


def draw_target(rng: Rng, X: Array) -> tuple[Array, bool]:
    """Numbers to fit, and whether they are of size about one."""
    n, f = len(X), X / (np.abs(X).max() or 1.0)
    y = {
        "noise": lambda: rng.standard_normal(n),
        "whole": lambda: rng.integers(-3, 4, n).astype(float),
        "kink": lambda: np.abs(f @ rng.standard_normal(X.shape[1])),
        "linear": lambda: f @ rng.standard_normal(X.shape[1]) + 1.0,
        "constant": lambda: np.full(n, float(rng.choice([0.0, 1.0, -2.5]))),
        "one": lambda: np.eye(n)[rng.integers(n)],
    }[pick(rng, {"noise": 3, "whole": 3, "kink": 2, "linear": 1, "constant": 0.7, "one": 0.7})]()
    change = pick(rng, {"none": 8, "scale": 2, "offset": 1.5, "outlier": 0.7})
    if change == "scale":
        y = y * size(rng, -12, 12)
    elif change == "offset":
        y = y + size(rng, 2, 9)
    elif change == "outlier":
        y[rng.integers(n)] *= size(rng, 2, 8)
    return y, change == "none"


def draw_labels(rng: Rng, X: Array) -> tuple[Array, bool]:
    """Labels -1 and +1: random, separable, or of one class."""
    kind = pick(rng, {"random": 4, "separable": 2, "one": 0.4})
    if kind == "random":
        return rng.choice([-1.0, 1.0], len(X)), True
    if kind == "one":
        return np.full(len(X), float(rng.choice([-1.0, 1.0]))), True
    return np.where(X @ rng.standard_normal(X.shape[1]) >= 0.0, 1.0, -1.0), True


def draw_weights(rng: Rng, n: int) -> Array:
    """Sample weights; at least two above zero."""
    weights = {
        "plain": lambda: rng.uniform(0.5, 2.0, n),
        "zeros": lambda: rng.choice([0.0, 1.0, 2.0], n),
        "extreme": lambda: 10.0 ** rng.uniform(-6.0, 3.0, n),
    }[pick(rng, {"plain": 2, "zeros": 1, "extreme": 0.7})]()
    weights[rng.choice(n, 2, replace=False)] = 1.0
    return weights


def draw_decay(rng: Rng, largest: float) -> float:
    """A weight decay: mostly a share of the largest useful one."""
    share = float(
        pick(rng, {0.5: 2, 0.1: 3, 0.01: 2, 1e-3: 1, 1e-6: 0.5, 1.0: 0.3, 1.1: 0.5, 1e4: 0.2})
    )
    share *= float(rng.uniform(0.5, 1.0)) if share < 1.0 else 1.0
    return share * largest if largest > 0.0 else share
