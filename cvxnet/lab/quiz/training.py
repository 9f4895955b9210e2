"""Items about training: values that can be reached, weight decay, averages of networks, cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.baselines.networks import value_of
from cvxnet.lab.quiz.items import Item, Option, number, shuffled
from cvxnet.lab.quiz.networks import row
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.geometry.arrangement import arrange, count_cells
from cvxnet.training.geometry.cells import all_cells
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import largest_weight_decay, train
from cvxnet.types import Array

CLEAR = 1e-3
"""Relative distance from which on two values are told apart here; brackets are far narrower."""
CALL = 'cn.train("relu", X, y, weight_decay=β)'


def random_points(rng: np.random.Generator, least: int = 3, most: int = 5) -> tuple[Array, Array]:
    """A few whole numbers x, all different, with targets y that are not all zero."""
    n = int(rng.integers(least, most + 1))
    x = np.sort(rng.choice(np.arange(-4, 5), n, replace=False)).astype(float)
    y = rng.integers(-3, 4, n).astype(float)
    y[rng.integers(n)] = rng.choice([-3.0, 3.0])
    return x, y


def solve(x: Array, y: Array, decay: float, **options: Any) -> Solution | None:
    """The proved optimum; None where the bracket did not close."""
    solution = train("relu", x[:, None], y, weight_decay=decay, **options)
    return solution if solution.status == "optimal" else None


def described(x: Array, y: Array, decay: float | None = None, bias: bool = True) -> tuple[str, ...]:
    """Data and objective in words."""
    unit = "relu(w·x + b)" if bias else "relu(w·x), no bias"
    lines = (f"x = ({row(x)})", f"y = ({row(y)})")
    if decay is None:
        return lines
    objective = f"ReLU units {unit}, squared loss ½ Σ (f − y)², weight decay β = {number(decay)}"
    return (*lines, objective)


def drawn(x: Array, y: Array) -> dict[str, Any]:
    """The points, to be drawn."""
    return {"x": x.tolist(), "y": y.tolist()}


def bracketed(solution: Solution) -> str:
    """The bracket in words."""
    lower, upper = bracket_text(solution.lower_bound, solution.value)
    return f"{lower} ≤ optimum ≤ {upper}"


def reach(rng: np.random.Generator) -> Item | None:
    """Can any network get below this value?"""
    x, y = random_points(rng)
    decay = float(rng.choice([0.2, 0.5, 1.0]))
    solution = solve(x, y, decay)
    if solution is None or solution.value < 0.05:
        return None
    goal = float(f"{solution.value * rng.choice([0.8, 0.9, 0.95, 1.05, 1.1, 1.25]):.3g}")
    if abs(goal - solution.value) < CLEAR * goal:
        return None
    below = solution.value < goal
    proof = (
        f"cvxnet found a network with the value {number(solution.value)}, with {solution.units} "
        f"units ({bracketed(solution)})."
        if below
        else f"The optimum over all widths is proved: {bracketed(solution)}."
    )
    options = (
        Option("yes", below, proof),
        Option("no, whatever the width and however it is trained", not below, proof),
        Option("only with more than 100 hidden units", False, proof),
        Option("nobody can know without trying all starting points", False, proof),
    )
    return Item(
        f"Can training reach an objective below {number(goal)}?",
        described(x, y, decay),
        options,
        "A network shows that a value can be reached. That none lies below takes a dual vector: a "
        "proof for all widths at once.",
        CALL,
        drawn(x, y) | {"decay": decay, "goal": goal},
    )


def zero_network(rng: np.random.Generator) -> Item | None:
    """From which weight decay on is the zero network optimal?"""
    x, y = random_points(rng, 4, 5)
    limit = largest_weight_decay("relu", x[:, None], y, bias=False)
    left, right = (abs(float((x * y)[side].sum())) for side in (x < 0, x > 0))
    sums = (limit, left, right, abs(float(x @ y)), float(np.abs(x * y).sum()), limit / 2.0)
    others = sorted({round(v, 6) for v in sums} - {0.0, round(limit, 6)})[:3]
    if limit < 0.5 or len(others) < 3:
        return None
    proof = both_sides(x, y, limit)
    if not proof:
        return None
    options = [Option(number(v), v == round(limit, 6), proof) for v in (round(limit, 6), *others)]
    return Item(
        "From which weight decay β on is the zero network optimal?",
        (*described(x, y), "f(x) = Σ a·relu(w·x), no biases, squared loss ½ Σ (f − y)²"),
        shuffled(rng, options),
        "At f = 0 the dual vector is v = −y. Zero is optimal as long as no unit has |Σ v·relu(w·x)|"
        " above β with |w| = 1; in one dimension there are only two units, w = 1 and w = −1.",
        'cn.largest_weight_decay("relu", X, y, bias=False)',
        drawn(x, y) | {"bias": False},
    )


def both_sides(x: Array, y: Array, limit: float) -> str:
    """What is optimal a little above and below that weight decay; empty where it is no limit."""
    above, under = (solve(x, y, factor * limit, bias=False) for factor in (1.01, 0.99))
    loss = 0.5 * float(y @ y)
    if above is None or under is None or above.units or under.value >= loss:
        return ""
    return (
        f"At β = {number(1.01 * limit)} the optimum is the zero network: {bracketed(above)}, and "
        f"its loss is {number(loss)}. At β = {number(0.99 * limit)} one unit is worth its price: "
        f"{under.value:.8g} < {number(loss)}."
    )


def three_decays(rng: np.random.Generator) -> Item | None:
    """What can the optimum be between two weight decays?"""
    x, y = random_points(rng)
    low = float(rng.choice([0.1, 0.2, 0.3]))
    high = low + float(rng.choice([0.4, 0.8, 1.2]))
    middle = 0.5 * (low + high)
    solutions = [solve(x, y, decay) for decay in (low, middle, high)]
    if None in solutions:
        return None
    first, second, third = (s.value for s in solutions if s is not None)
    mean = 0.5 * (first + third)
    if second - mean < 0.01 * third or third - second < 0.01 * third:
        return None
    step = second - mean
    texts = {second: True, mean - step: False, first - step: False, third + step: False}
    proof = (
        f"p({number(middle)}) = {number(second)}, with the bracket closed. It is at least the "
        f"mean {number(mean)} of the two values, and at most the larger one."
    )
    options = [Option(number(value), right, proof) for value, right in texts.items()]
    return Item(
        f"p(β) is the optimal value at weight decay β. p({number(low)}) = {number(first)} and "
        f"p({number(high)}) = {number(third)}. Only one of these can be p({number(middle)}):",
        described(x, y),
        shuffled(rng, options),
        "For each network the objective is affine in β, and rises. p is the least of these lines, "
        "and so concave and nondecreasing.",
        f"{CALL} for three β",
        drawn(x, y) | {"decays": [low, middle, high]},
    )


def output_signs(rng: np.random.Generator) -> Item | None:
    """What does it cost to ask for a convex function?"""
    x, y = random_points(rng, 3, 4)
    if rng.random() < 0.5:
        y = np.abs(x - rng.integers(-2, 3))  # convex data
    decay = float(rng.choice([0.1, 0.3]))
    free, convex = solve(x, y, decay), solve(x, y, decay, output_weights="nonneg")
    if free is None or convex is None:
        return None
    apart = convex.value / free.value - 1.0
    if 1e-5 < apart < CLEAR:
        return None
    proof = (
        f"Any signs: {bracketed(free)}. Nonnegative output weights: {bracketed(convex)}"
        f"{'' if apart > CLEAR else ': the same value'}."
    )
    options = (
        Option("it is lower", False, proof),
        Option("it is the same", apart <= CLEAR, proof),
        Option("it is higher", apart > CLEAR, proof),
    )
    return Item(
        "Output weights are now to be nonnegative, which makes the network a convex function of x. "
        "What happens to the optimal value?",
        described(x, y, decay),
        options,
        "A constraint can only raise the optimum. It costs nothing where the best network fulfils "
        "it anyway: where convex data ask for a convex function.",
        'cn.train("relu", X, y, weight_decay=β, output_weights="nonneg")',
        drawn(x, y) | {"decay": decay},
    )


def two_units(rng: np.random.Generator) -> Item | None:
    """What can the optimum of two units be?"""
    x, y = random_points(rng, 4, 5)
    decay = float(rng.choice([0.05, 0.1, 0.2]))
    one, two, every = (solve(x, y, decay, width=width) for width in (1, 2, None))
    if one is None or two is None or every is None:
        return None
    low, value, high = every.value, two.value, one.value
    if min(value - low, high - value) < 0.01 * high:
        return None
    texts = {value: True, 0.9 * low: False, 0.6 * low: False, 1.1 * high: False}
    proof = (
        f"Of at most 2 units: {bracketed(two)}. That is not below {number(low)}, the optimum of "
        f"every width, and not above {number(high)}, that of one unit."
    )
    options = [Option(number(value), right, proof) for value, right in texts.items()]
    return Item(
        "p(m) is the optimal value over networks of at most m units; it is "
        f"{number(high)} for m = 1, and over networks of every width {number(low)}. Only one of "
        "these can be p(2):",
        described(x, y, decay),
        shuffled(rng, options),
        "A network of one unit is one of two, the other being zero, and one of two units is one of "
        "some width: p never rises with m, and the convex problem of every width bounds it from "
        "below. "
        "At a fixed width training is not convex; branching on the convex problem solves it.",
        'cn.train("relu", X, y, weight_decay=β, width=2)',
        drawn(x, y) | {"decay": decay},
    )


def midpoint(rng: np.random.Generator) -> Item | None:
    """What is the value halfway between two optimal networks?"""
    x, y = random_points(rng)
    decay = float(rng.choice([0.1, 0.3, 0.5]))
    solution = solve(x, y, decay)
    if solution is None or not 1 <= solution.units <= 4:
        return None
    W, a = weights_of(solution)
    if len(a) == 1:
        W, a = np.vstack([W, 0.0 * W]), np.append(a, 0.0)
    outputs = bool(rng.random() < 0.5)
    if outputs:
        W_m, a_m = np.vstack([W, W[::-1]]) / np.sqrt(2.0), np.append(a, a[::-1]) / np.sqrt(2.0)
        what = "a network whose predictions are the mean of theirs: all units of both, halved"
    else:
        W_m, a_m = 0.5 * (W + W[::-1]), 0.5 * (a + a[::-1])
        what = "the network whose weights are the mean of theirs"
    value = value_of(solution.objective, W_m, a_m)
    apart = value / solution.value - 1.0
    if 1e-5 < apart < CLEAR:
        return None
    proof = (
        f"Both have the value {number(solution.value)} ({bracketed(solution)}); "
        f"the network between them has {number(value)}."
    )
    options = (
        Option("lower than that of the two", False, proof),
        Option("the same", apart <= CLEAR, proof),
        Option("higher", apart > CLEAR, proof),
    )
    return Item(
        "A is an optimal network; B is A with its hidden units in reverse order"
        f"{', one of which is zero' if solution.units == 1 else ''}. What is the objective of "
        f"{what}?",
        described(x, y, decay),
        options,
        "Below the optimum there is nothing. Means of predictions stay optimal, for there the "
        "problem is convex; means of weights need not be, for in the weights it is not.",
        CALL,
        drawn(x, y) | {"decay": decay, "W": W.tolist(), "a": a.tolist(), "outputs": outputs},
    )


def weights_of(solution: Solution) -> tuple[Array, Array]:
    """Hidden weights with their biases, and output weights."""
    state = solution.network.state_dict()
    return np.column_stack([state["0.weight"], state["0.bias"]]), state["2.weight"][0]


def cells(rng: np.random.Generator) -> Item | None:
    """How many activation patterns are there?"""
    n = int(rng.integers(3, 7))
    points = np.array(rng.choice(25, n, replace=False))
    P = np.column_stack([points % 5, points // 5]).astype(float)
    flat = rng.random() < 0.3
    X = P[:, :1] if flat else P
    if len(np.unique(X, axis=0)) < n:
        return None
    arrangement = arrange(np.column_stack([X, np.ones(n)]))
    found = len(all_cells(arrangement.normals))
    general = count_cells(n, arrangement.rank)
    counts = {found, general, 2**n, 2 * n, n * (n - 1), n * n + n}
    others = sorted(counts - {found}, key=lambda c: abs(c - found))[:3]
    proof = (
        f"Counted one by one: {found}. In general position {n} hyperplanes through the origin of "
        f"R{'²' if arrangement.rank == 2 else '³'} make {general} cells"
        f"{'' if found == general else ', here some of them fall together'}."
    )
    options = [Option(str(c), c == found, proof) for c in (found, *others)]
    unit = "relu(w·x + b)" if flat else "relu(w₁·x + w₂·y + b)"
    places = row(X[:, 0]) if flat else ", ".join(f"({number(p)}, {number(q)})" for p, q in P)
    return Item(
        f"A hidden unit {unit} is on at some of these points and off at the others. How many "
        "different patterns of on and off can its weights make, no point on the kink?",
        (f"points: {places}",),
        shuffled(rng, options),
        "Each pattern is a cell of weights. In a cell the unit is linear in its weights, so the "
        "convex program has one block of variables for each cell: about nʳ, not 2ⁿ.",
        "all cells of the hyperplanes w·x + b = 0, listed",
        {"x": X[:, 0].tolist(), "y": (0.0 * X[:, 0] if flat else X[:, 1]).tolist(), "flat": flat},
    )
