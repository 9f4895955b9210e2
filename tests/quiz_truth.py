"""Keys of the quiz, computed again from the text that people read, without cvxnet.

``python tests/quiz_truth.py [SEEDS]`` does so for so many seeds of every kind.

What is claimed to be convex must pass all midpoints that are tried, what is claimed not to be must
fail at one. Optima lie between the best network of a fine grid of units (a lasso) and the value of
its dual vector. Patterns of units are counted by linear programs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

from cvxnet.lab.quiz.items import Item
from cvxnet.lab.quiz.kinds import KINDS, make_item

Function = Callable[..., Any]
UNITS = {
    "relu": lambda v: np.maximum(v, 0.0),
    "softplus": lambda v: np.logaddexp(0.0, v),
    "tanh": np.tanh,
    "abs": np.abs,
    "square": np.square,
}


class Root:
    """√, as an operator in front of its argument."""

    def __matmul__(self, value: Any) -> Any:
        return np.sqrt(value)


NAMES: dict[str, Any] = {
    "exp": np.exp,
    "log": np.log,
    "max": lambda first, *rest: largest(np.maximum, first, *rest),
    "min": lambda first, *rest: largest(np.minimum, first, *rest),
    "ROOT": Root(),
    **UNITS,
}


def largest(pick: Function, value: Any, *rest: Any) -> Any:
    for other in rest:
        value = pick(value, other)
    return value


def as_python(text: str) -> str:
    """A formula of the quiz in Python. A bar opens where a value is expected."""
    out, last = "", "("
    for char in text:
        opens = char == "|" and last in "(,+−·/√["
        out += "abs(" if opens else ")" if char == "|" else char
        last = last if char == " " else "[" if opens else char
    for old, new in (("²", "**2"), ("−", "-"), ("·", "*"), ("√", "ROOT@"), ("₁", "1"), ("₂", "2")):
        out = out.replace(old, new)
    return out


def function(text: str, *names: str, **more: Any) -> Function:
    """The function that a formula says, without its ``f(x) =``."""
    code = compile(as_python(text.split(" = ")[-1]), text, "eval")

    def f(*values: Any) -> Any:
        with np.errstate(all="ignore"):
            known = NAMES | more | dict(zip(names, values, strict=True))
            return eval(code, {}, known) + 0.0 * values[0]

    return f


def bends(f: Function, a: Any, b: Any, sign: float = 1.0) -> bool:
    """Whether f is above its chord at a midpoint (below it for -1). Points are (k, d)."""
    fa, fb, fm = (sign * f(*p.T) for p in (a, b, 0.5 * (a + b)))
    with np.errstate(invalid="ignore", over="ignore"):
        above = fm - 0.5 * (fa + fb) > 1e-10 * (1e-3 + abs(fa) + abs(fb) + abs(fm))
    return bool((above & np.isfinite(fa) & np.isfinite(fb)).any())


def segments(low: float = -8.0, high: float = 8.0, dimension: int = 1) -> tuple[Any, Any]:
    """Ends of many segments: of all lengths, and between whole numbers."""
    rng = np.random.default_rng(0)
    a = rng.uniform(low, high, (15_000, dimension))
    near = a + rng.normal(size=a.shape) * 10.0 ** rng.uniform(-4, 1, (len(a), 1))
    b = np.clip(near, low, high)
    whole = np.round(rng.uniform(low, high, (2, 3_000, dimension)) * 2.0) / 2.0
    return np.vstack([a, np.clip(whole[0], low, high)]), np.vstack(
        [b, np.clip(whole[1], low, high)]
    )


def is_convex(f: Function, sign: float = 1.0, **where: Any) -> bool:
    return not bends(f, *segments(**where), sign)


def curvature_word(f: Function, dimension: int = 1) -> str:
    found = tuple(is_convex(f, sign, dimension=dimension) for sign in (1.0, -1.0))
    return {
        (True, False): "convex, not concave",
        (False, True): "concave, not convex",
        (True, True): "both: affine",
        (False, False): "neither convex nor concave",
    }[found]


def only(item: Item, holds: Callable[[str], bool]) -> None:
    """The key is the one option of which something holds."""
    found = [holds(option.text) for option in item.options]
    assert found == [option.right for option in item.options], (found, item)


def check_curvature(item: Item) -> None:
    word = curvature_word(function(item.given[0], "x"))
    only(item, lambda text: text == word)


def check_composition(item: Item) -> None:
    only(item, lambda text: is_convex(function(text, "x")))


def check_operation(item: Item) -> None:
    f, g = (function(text, "x") for text in item.given)
    assert is_convex(f) and is_convex(g)
    only(item, lambda text: not is_convex(function(text, "x", f=f, g=g)))


def check_domain(item: Item) -> None:
    f = function(item.given[0], "x")

    def convex_on(text: str) -> bool:
        ends = [float(v.replace("−", "-")) for v in re.findall(r"[−]?\d+", text)]
        low = ends[0] if "≥" in text or len(ends) == 2 else -12.0
        high = ends[-1] if "x ≤" in text else 12.0
        return is_convex(f, low=low, high=high)

    only(item, convex_on)


def check_losses(item: Item) -> None:
    name = "r" if "r = f" in item.prompt else "m"
    only(item, lambda text: not is_convex(function(text, name)))


def check_quasiconvex(item: Item) -> None:
    f = function(item.given[0], "x")
    values = f(np.linspace(-9.0, 9.0, 3_601))
    least = values.argmin()
    falls, rises = np.diff(values[: least + 1]), np.diff(values[least:])
    quasi = (falls <= 1e-12).all() and (rises >= -1e-12).all()
    word = (
        "convex, and so quasiconvex"
        if is_convex(f)
        else "quasiconvex, but not convex"
        if quasi
        else "not even quasiconvex"
    )
    only(item, lambda text: text == word)


def check_loglog(item: Item) -> None:
    def log_log_convex(text: str) -> bool:
        f = function(text, "x", "y")
        return is_convex(lambda u, v: np.log(f(np.exp(u), np.exp(v))), dimension=2)

    only(item, lambda text: not log_log_convex(text))


def check_input(item: Item) -> None:
    word = curvature_word(function(item.given[0], "x", "y"), dimension=2)
    only(item, lambda text: text == word)


def numbers(text: str) -> list[float]:
    return [float(v) for v in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("−", "-"))]


def check_blame(item: Item) -> None:
    weights = [
        np.array([numbers(line) for line in text.split("=")[1].split(";")])
        for text in item.given[1:]
    ]

    def convex_without(text: str) -> bool:
        _, row, column = numbers(text.split(" of ")[0])
        changed = [W.copy() for W in weights]
        changed["₁₂₃".index(text[-1])][int(row) - 1, int(column) - 1] *= -1.0
        first, second, third = changed
        relu = UNITS["relu"]

        def f(x: Any, y: Any) -> Any:
            return (third @ relu(second @ relu(first @ np.stack([x, y]))))[0]

        return is_convex(f, dimension=2)

    only(item, convex_without)


def units_of(text: str) -> tuple[str, Any, Any]:
    """Activation, hidden and output weights of a formula."""
    found = re.findall(r"([−+]?) ?(?:([\d.]+)·)?([a-z]+)\(([^)]*)\)", text.split(" = ")[1])
    W = [[function(u[3], "x", "y")(*e) for e in ((1.0, 0.0), (0.0, 1.0))] for u in found]
    a = [(-1.0 if u[0] == "−" else 1.0) * float(u[1] or 1) for u in found]
    return found[0][2], np.array(W), np.array(a)


def check_repair(item: Item) -> None:
    only(item, repaired_input(item) if item.given else repaired_training(item))


def repaired_input(item: Item) -> Callable[[str], bool]:
    name, W, a = units_of(item.given[0])

    def convex(text: str) -> bool:
        other = re.fullmatch(r"put (\w+) in place of \w+", text)
        unit = UNITS[other[1] if other else name]
        first = abs(W) if "hidden" in text else W * (2.0 if "double" in text else 1.0)
        first = first @ np.array([[2.0, 1.0], [1.0, 1.0]]) if "in front" in text else first
        last = abs(a) if "output weights nonneg" in text else -a if "sign of all" in text else a
        return is_convex(lambda x, y: last @ unit(first @ np.stack([x, y])), dimension=2)

    return convex


LOSSES: dict[str, Function] = {
    "squared": lambda f, y: 0.5 * (f - y) ** 2,
    "logistic": lambda f, y: np.logaddexp(0.0, -y * f),
    "absolute": lambda f, y: abs(f - y),
}


def repaired_training(item: Item) -> Callable[[str], bool]:
    """One unit will do: others may be zero. Some data set must show a bend."""
    loss = next(f for name, f in LOSSES.items() if f"the {name} loss" in item.prompt)

    def convex(text: str) -> bool:
        return not any(
            bends_in_training(text, loss, np.array(x), y) for x in DATA for y in (-1.0, 1.0)
        )

    return convex


DATA = ([1.0, 0.0], [-1.0, 2.0], [0.0, 0.0])


def bends_in_training(text: str, loss: Function, x: Any, y: float) -> bool:
    unit = UNITS["softplus"] if "softplus" in text else UNITS["square"] if "x²" in text else None
    unit = unit or ((lambda v: v) if "relu out" in text else UNITS["relu"])
    fixed = np.array([0.5, -1.0, 0.25])
    decay = 0.1 if "decay" in text else 0.0

    def objective(w1: Any, w2: Any, b: Any, a: Any, c: Any) -> Any:
        total = decay / 2 * (w1**2 + w2**2 + b**2 + a**2 + c**2)
        return total + loss(a * unit(w1 * x[0] + w2 * x[1] + b) + c, y)

    if "output weights only" in text:
        low, f, dimension = -3.0, lambda a, c: objective(*fixed, a, c), 2
    elif "hidden weights only" in text:
        low, dimension = -3.0, 3
        both = [lambda *w, a=a: objective(*w, a, 0.0) for a in (1.5, -1.5)]
        return any(bends(g, *segments(low, 3.0, dimension)) for g in both)
    elif "hidden layer out" in text:
        low, f, dimension = -3.0, lambda p, q, c: loss(p * x[0] + q * x[1] + c, y), 3
    else:
        low, f, dimension = (0.0 if "nonnegative" in text else -3.0), objective, 5
    return bends(f, *segments(low, 3.0, dimension))


def check_blocks(item: Item) -> None:
    unit = next((UNITS[n] for n in ("relu", "softplus", "tanh") if n in item.given[0]), None)
    unit = unit or (lambda v: v)
    nonneg = "≥" in item.given[0]
    loss = next(f for name, f in LOSSES.items() if f"the {name} loss" in item.given[1])
    x, y = np.array(item.data["x"]), np.array(item.data["y"])

    def objective(w: Any, v: Any, a: Any, b: Any) -> Any:
        f = [a * unit(w * t) + b * unit(v * t) for t in x]
        return sum(loss(f_t, y_t) for f_t, y_t in zip(f, y, strict=True))

    low = 0.0 if nonneg else -3.0
    some = np.random.default_rng(0).uniform(low, 3.0, (30, 2)) * np.tile(
        [[1.0], [0.3], [0.1]], (10, 1)
    )
    hidden = all(is_convex(lambda w, v, p=p: objective(w, v, *p), low=-3.0, high=3.0, dimension=2)
                 for p in some)  # fmt: skip
    output = all(is_convex(lambda a, b, p=p: objective(*p, a, b), low=low, high=3.0, dimension=2)
                 for p in [(1.0, -1.0), (2.0, 1.0), (-1.0, -0.5)])  # fmt: skip
    a, b = segments(-3.0, 3.0, 4)
    for ends in (a, b):
        ends[:, 2:] = np.maximum(ends[:, 2:], low)
    found = (hidden, output, not bends(objective, a, b))
    words = {
        (True, True, False): "in each layer alone, but not in both together",
        (False, True, False): "in the output weights alone, nothing more",
        (True, False, False): "in the hidden weights alone, nothing more",
        (False, False, False): "in neither layer, nor in both together",
        (True, True, True): "in both layers together",
    }
    only(item, lambda text: text == words[found])


def optimum(item: Item, decay: float, bias: bool = True, sign: bool = False) -> tuple[float, float]:
    """A lower and an upper bound on the optimum: units on a fine grid of directions."""
    x, y = np.array(item.data["x"]), np.array(item.data["y"])
    angles = np.linspace(0.0, 2.0 * np.pi, 3_000, endpoint=False) if bias else [0.0, np.pi]
    features = np.maximum(np.outer(x, np.cos(angles)) + bias * np.sin(angles), 0.0)
    signs = (1.0,) if sign else (1.0, -1.0)
    columns = np.hstack([s * features for s in signs])
    a = cp.Variable(columns.shape[1], nonneg=True)
    f = columns @ a
    problem = cp.Problem(cp.Minimize(cp.sum_squares(f - y) / 2 + decay * cp.sum(a)))
    problem.solve(solver=cp.CLARABEL)
    residual = f.value - y
    lean = np.abs(residual) @ np.hypot(x, 1.0) * np.pi / len(angles) if bias else 0.0
    rho = (-(columns.T @ residual)).max() + lean
    v = residual * min(1.0, decay / rho)
    return float(-v @ v / 2 - v @ y), float(problem.value)


def check_reach(item: Item) -> None:
    lower, upper = optimum(item, item.data["decay"])
    assert upper < item.data["goal"] or lower > item.data["goal"]
    word = (
        "yes" if upper < item.data["goal"] else "no, whatever the width and however it is trained"
    )
    only(item, lambda text: text == word)


def check_zero(item: Item) -> None:
    x, y = np.array(item.data["x"]), np.array(item.data["y"])
    limit = max(abs((x * y)[x > 0].sum()), abs((x * y)[x < 0].sum()))
    only(item, lambda text: np.isclose(numbers(text)[0], limit))


def check_decays(item: Item) -> None:
    lower, upper = optimum(item, item.data["decays"][1])
    low, high = (optimum(item, item.data["decays"][k])[1] for k in (0, 2))
    only(item, lambda text: 0.995 * lower <= numbers(text)[0] <= 1.005 * upper)
    only(item, lambda text: (low + high) / 2 <= 1.001 * numbers(text)[0] <= 1.001 * high)


def optimum_of_width(item: Item, width: int) -> float:
    """The best of one or two units from a grid of directions: least squares in closed form."""
    x, y = np.array(item.data["x"]), np.array(item.data["y"])
    even, kinks = np.linspace(0.0, 2.0 * np.pi, 1_200, endpoint=False), np.arctan(-x)
    angles = np.concatenate([even, kinks, kinks + np.pi])
    units = np.maximum(np.outer(x, np.cos(angles)) + np.sin(angles), 0.0)
    columns = np.hstack([units, -units])
    linear, squares = y @ columns - item.data["decay"], (columns**2).sum(axis=0)
    with np.errstate(all="ignore"):
        gain = np.where(squares > 0.0, np.maximum(linear, 0.0) ** 2 / squares / 2.0, 0.0)
        best = np.nanmax(gain)
        for k in range(len(squares) if width == 2 else 0):
            cross = columns[:, k] @ columns
            det = squares[k] * squares - cross**2
            a = (linear[k] * squares - linear * cross) / det
            b = (linear * squares[k] - linear[k] * cross) / det
            inside = (det > 1e-9 * squares[k] * squares) & (a > 0.0) & (b > 0.0)
            best = max(best, (a * linear[k] + b * linear)[inside].max(initial=0.0) / 2.0)
    return float(y @ y / 2.0 - best)


def check_width(item: Item) -> None:
    high, _, low, _ = numbers(item.prompt)
    assert np.isclose(optimum_of_width(item, 1), high, rtol=2e-3)
    lower, upper = optimum(item, item.data["decay"])
    assert 0.995 * lower <= low <= 1.005 * upper
    two = optimum_of_width(item, 2)
    only(item, lambda text: 0.99 * two < numbers(text)[0] < 1.001 * two)


def check_signs(item: Item) -> None:
    free, convex = (optimum(item, item.data["decay"], sign=sign) for sign in (False, True))
    higher = convex[0] > free[1]
    assert higher or abs(convex[1] - free[1]) < 1e-3 * free[1]
    only(item, lambda text: text == ("it is higher" if higher else "it is the same"))


def check_midpoint(item: Item) -> None:
    x, y = np.array(item.data["x"]), np.array(item.data["y"])
    W, a = np.array(item.data["W"]), np.array(item.data["a"])

    def f(W: Any, a: Any) -> Any:
        return a @ np.maximum(np.outer(W[:, 0], x) + W[:, 1:], 0.0)

    def value(W: Any, a: Any) -> float:
        decay = item.data["decay"] / 2 * ((W**2).sum() + (a**2).sum())
        return float(((f(W, a) - y) ** 2).sum() / 2 + decay)

    swapped, given = (W[::-1], a[::-1]), value(W, a)
    assert np.isclose(value(*swapped), given)
    assert given < 1.001 * optimum(item, item.data["decay"])[1]
    between = value((W + swapped[0]) / 2, (a + swapped[1]) / 2)
    if item.data["outputs"]:
        halved = np.sqrt(0.5)
        double = (np.vstack([W, W[::-1]]) * halved, np.append(a, a[::-1]) * halved)
        assert np.allclose(f(*double), (f(W, a) + f(*swapped)) / 2)
        between = value(*double)
    word = "the same" if np.isclose(between, given) else "higher"
    assert between > 0.999 * given
    only(item, lambda text: text == word)


def check_cells(item: Item) -> None:
    """A pattern is possible where a linear program finds weights with all margins at least 1."""
    x, y = np.array(item.data["x"]), np.array(item.data["y"])
    rows = np.column_stack([x, *([] if item.data["flat"] else [y]), np.ones(len(x))])
    zero, free = np.zeros(rows.shape[1]), [(None, None)] * rows.shape[1]
    half = sum(  # with a pattern its opposite is possible
        linprog(zero, -np.array(signs)[:, None] * rows, -np.ones(len(x)), bounds=free).status == 0
        for signs in product((1.0,), *[(-1.0, 1.0)] * (len(x) - 1))
    )
    only(item, lambda text: int(text) == 2 * half)


def check_claims(item: Item) -> None:
    lower, upper = item.data["lower"], item.data["upper"]

    def follows(text: str) -> bool:
        low, high = numbers(text)
        return low <= lower and high >= upper

    best = optimum(item, item.data["decay"])
    assert lower < best[1] and upper > best[0]
    only(item, follows)


TRUE_CHANGES = ("reverse order", "lower end is made smaller", "upper end is made larger")


def check_tampered(item: Item) -> None:
    only(item, lambda text: any(change in text for change in TRUE_CHANGES))


def check_excess(item: Item) -> None:
    lower, upper = optimum(item, item.data["decay"])
    least, most = (100.0 * (item.data["value"] / bound - 1.0) for bound in (upper, lower))
    only(item, lambda text: least - 0.1 - least / 50 < numbers(text)[0] < most + 0.1 + most / 50)


CHECKS = {name: globals()[f"check_{name}"] for name in KINDS}


@cache
def check(kind: str, seed: int) -> Item:
    """The item of a kind and a seed, after its key was computed again."""
    item = make_item(kind, seed)
    CHECKS[kind](item)
    return item


if __name__ == "__main__":
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    for kind in KINDS:
        for seed in range(seeds):
            check(kind, seed)
        print(f"{kind}: {seeds} keys computed again", flush=True)
