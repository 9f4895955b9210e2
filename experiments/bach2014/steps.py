"""Conditional gradient: exact, approximate and fully corrective steps, and the rate.

    minimise  1/2 |f - y|^2   over   f = sum_j a_j (X u_j)_+,  |u_j| = 1,  sum_j |a_j| <= radius

The optimum is known from the penalised problem: with weight decay beta its optimal network has some
``sum_j |a_j|``, and is optimal for that radius. Targets are scaled so that the radius is 2. Each
rule takes a unit u and a sign s for the vertex ``-radius s (X u)_+``, and f moves to it by
``2 / (t + 2)``; the fully corrective rule fits all coefficients again instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots import follow_training
from cvxnet.plots.style import COLORS, GREY, INK, LINES, WIDTH, entitle, new_figure, styled
from cvxnet.training.units import bind
from cvxnet.types import Array
from experiments.bach2014.spaces import with_ones
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

RADIUS = 2.0
MARKS = (100, 500, 2000)
"""Steps after which the excess is written down."""
HALF = 0.5
"""What the approximate rule guarantees, relative to the best unit."""
DONE = 1e-7
"""The fully corrective rule ends at this duality gap, relative to the loss of the zero network."""

Rule = Callable[[Array, Array, Array, np.random.Generator], Array]
"""A unit for the rows, the dual vector and the best unit."""


def example(n: int, seed: int) -> tuple[Array, Array, float, float]:
    """Features, targets and a bracket of the optimum, for the radius RADIUS."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2))
    y = np.sin(2 * X[:, 0]) * np.cos(2 * X[:, 1]) + 0.1 * rng.standard_normal(n)
    beta = 0.1 * cn.largest_weight_decay("relu", X, y)
    solution = cn.train("relu", X, y, weight_decay=beta, gap=1e-9)
    loss = 0.5 * float(np.sum((solution.network(X).ravel() - y) ** 2))
    scale = RADIUS * beta / (solution.value - loss)
    lower = loss - (solution.value - solution.lower_bound)
    return X, scale * y, scale**2 * lower, scale**2 * loss


def heights(rows: Array, v: Array, U: Array) -> Array:
    """``v . (X u)_+`` for each row u of U."""
    return np.asarray(v @ np.maximum(rows @ U.T, 0.0))


def random_units(count: int, rank: int, rng: np.random.Generator) -> Array:
    """Units (count, rank), uniform on the sphere."""
    U = rng.standard_normal((count, rank))
    return np.asarray(U / np.linalg.norm(U, axis=1)[:, None])


def exact(rows: Array, v: Array, best: Array, rng: np.random.Generator) -> Array:
    """The best unit."""
    return best


def best_of_hundred(rows: Array, v: Array, best: Array, rng: np.random.Generator) -> Array:
    """The best of a hundred random units."""
    U = random_units(100, rows.shape[1], rng)
    return np.asarray(U[np.argmax(np.abs(heights(rows, v, U)))])


def one_at_random(rows: Array, v: Array, best: Array, rng: np.random.Generator) -> Array:
    """A random unit."""
    return np.asarray(random_units(1, rows.shape[1], rng)[0])


def half_as_good(rows: Array, v: Array, best: Array, rng: np.random.Generator) -> Array:
    """The worst of a thousand units that are at least half as good as the best, which is one."""
    U = np.vstack([random_units(1000, rows.shape[1], rng), best])
    size = np.abs(heights(rows, v, U))
    return np.asarray(U[np.argmin(np.where(size >= HALF * size[-1], size, np.inf))])


RULES: dict[str, Rule] = {
    "exact": exact,
    "best of 100 random units": best_of_hundred,
    "at least half as good": half_as_good,
    "one random unit": one_at_random,
}
CORRECTIVE = "fully corrective"


def walk(n: int, seed: int, rule: str, steps: int, radius: float = RADIUS) -> Row:
    """Loss, excess over the optimum and duality gap after each step of a rule."""
    X, y, lower, upper = example(n, seed)
    rows = with_ones(X)
    if rule == CORRECTIVE:
        values, gaps = correct(rows, y, radius, min(steps, 150))
    else:
        values, gaps = descend(rows, y, radius, steps, RULES[rule], np.random.default_rng(seed))
    excess = values - lower if radius == RADIUS else np.full(len(values), np.nan)
    length = np.sqrt(cn.largest_weight_decay("squared_relu", X, np.ones(n)))
    bound = 2.0 * (2.0 * radius * length) ** 2 / (np.arange(len(values)) + 2.0)
    at = {f"after {t}": excess[t] for t in MARKS if t < len(excess)}
    return at | {
        "steps": len(values) - 1,
        "last": excess[-1],
        "last gap": gaps[-1],
        "doubt": upper - lower,
        "most of the bound": float((excess[1:] / bound[1:]).max()),
        "least gap - excess": float((gaps - excess).min()),
        "values": values,
        "excess": excess,
        "gaps": gaps,
        "bound": bound,
    }


def descend(
    rows: Array, y: Array, radius: float, steps: int, rule: Rule, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Losses and duality gaps of conditional gradient, the gaps by exact pricing."""
    family = bind(cn.Family("relu"), rows)
    f, values, gaps = np.zeros_like(y), np.empty(steps + 1), np.empty(steps + 1)
    for t in range(steps + 1):
        v = f - y
        found = family.price(v, 0.0)
        values[t] = 0.5 * float(v @ v)
        gaps[t] = float(v @ f) + radius * (found.rho + found.error)
        u = rule(rows, v, family.hidden(found.units[:1])[0], rng)
        phi = np.maximum(rows @ u, 0.0)
        share = 2.0 / (t + 2.0)
        f = (1.0 - share) * f - share * radius * np.sign(v @ phi) * phi
    return values, gaps


def correct(rows: Array, y: Array, radius: float, steps: int) -> tuple[Array, Array]:
    """The same where after each exact step all coefficients are fitted again."""
    family = bind(cn.Family("relu"), rows)
    f, columns, values, gaps = np.zeros_like(y), np.zeros((len(y), 0)), [], []
    for _ in range(steps + 1):
        v = f - y
        found = family.price(v, 0.0)
        values.append(0.5 * float(v @ v))
        gaps.append(float(v @ f) + radius * (found.rho + found.error))
        if gaps[-1] <= DONE * values[0]:
            break
        columns = np.column_stack([columns, family.features(found.units[:1])])
        f = fit_within(columns, y, radius)
    return np.array(values), np.array(gaps)


def fit_within(columns: Array, y: Array, radius: float) -> Array:
    """The predictions closest to y with coefficients of sum at most radius."""
    a = cp.Variable(columns.shape[1])
    problem = cp.Problem(cp.Minimize(cp.sum_squares(columns @ a - y)), [cp.norm1(a) <= radius])
    problem.solve(solver="CLARABEL")
    return np.asarray(columns @ a.value)


def train_in_rounds(n: int, seed: int) -> Row:
    """cvxnet's own column generation, a unit a round, on the penalised problem of `example`."""
    X, y, _, _ = example(n, seed)
    beta = 0.1 * cn.largest_weight_decay("relu", X, y)
    course = follow_training("relu", X, y, weight_decay=beta, gap=1e-8, one_by_one=True)
    excess = np.array([r.upper - course.solution.lower_bound for r in course.rounds])
    return {"rounds": len(excess), "units": course.solution.units, "excess": excess}


def ask(report: Report) -> None:
    """Tables, expectations and pictures of the steps."""
    n, few, many = (20, 40, 40) if report.options.quick else (40, 500, 2000)
    rules = [*RULES, CORRECTIVE]
    settings = [
        {"n": n, "seed": seed, "rule": rule, "steps": many if rule == "exact" else few}
        for rule in rules
        for seed in range(report.options.seeds)
    ]
    rows = report.table("steps", walk, settings)
    halves = report.table(
        "half_the_radius",
        walk,
        [
            {"n": n, "seed": seed, "rule": CORRECTIVE, "steps": few, "radius": HALF * RADIUS}
            for seed in range(report.options.seeds)
        ],
    )
    rounds = report.table(
        "rounds", train_in_rounds, [{"n": n, "seed": k} for k in range(report.options.seeds)]
    )
    by_rule = {rule: [row for row in rows if row["rule"] == rule] for rule in rules}
    hold_rate(report, by_rule["exact"])
    hold_bounds(report, by_rule, halves)
    report.answer(
        "How fast is conditional gradient, and what do approximate steps cost?",
        describe(by_rule, rounds, n),
        draw_steps({rule: found[0] for rule, found in by_rule.items()}, rounds[0], halves[0]),
        "steps",
    )
    report.answer(
        "Does the duality gap say how far the optimum is?",
        describe_gap(by_rule["exact"]),
        draw_gap(by_rule["exact"][0]),
        "duality_gap",
    )


def hold_rate(report: Report, walked: list[Row]) -> None:
    """Exact steps are as fast as promised."""
    most = max(row["most of the bound"] for row in walked)
    report.expect(
        "excess after t >= 1 exact steps, relative to 2 (2 delta R)^2 / (t + 2)",
        expected="at most 1 at every step",
        found=f"at most {most:.3f}",
        holds=most <= 1.0,
        source="Bach 2014; Jaggi 2013, theorem 1",
    )
    marks = [t for t in MARKS if f"after {t}" in walked[0]]
    if marks:
        rate = {t: min(row["bound"][t] for row in walked) for t in marks}
        seen = {t: max(row[f"after {t}"] for row in walked) for t in marks}
        report.expect(
            f"excess at delta = {RADIUS:g} after {', '.join(map(str, marks))} steps, largest",
            expected="at most " + ", ".join(f"{rate[t]:.2g}" for t in marks),
            found=", ".join(f"{seen[t]:.2g}" for t in marks),
            holds=all(seen[t] <= rate[t] for t in marks),
            source="the same rate; an earlier instance had 5.8e-2, 2.7e-3 and 1.9e-4",
        )


def hold_bounds(report: Report, by_rule: dict[str, list[Row]], halves: list[Row]) -> None:
    """The duality gap, and what a step that is half as good promises."""
    everywhere = [row for found in by_rule.values() for row in found]
    least = min(row["least gap - excess"] + row["doubt"] for row in everywhere)
    report.expect(
        "duality gap minus excess, least over all steps of all rules",
        expected="not negative",
        found=f"{least:.2g}",
        holds=least >= 0.0,
        source="convexity of the loss; Jaggi 2013",
    )
    spare = min(
        float((half["values"][-1] + row["bound"][1:] - row["values"][1:]).min())
        for row, half in zip(by_rule["at least half as good"], halves, strict=True)
    )
    report.expect(
        "steps at least half as good: optimum of half the radius, plus the rate, minus the loss",
        expected="not negative at any step",
        found=f"at least {spare:.3g}",
        holds=spare >= 0.0,
        source="derived: such a step is at least an exact one of half the radius",
    )


def describe(by_rule: dict[str, list[Row]], rounds: list[Row], n: int) -> str:
    """What came out, in words."""
    corrective, few = by_rule[CORRECTIVE], by_rule["one random unit"][0]["steps"]
    last = {rule: np.median([row["excess"][few] for row in by_rule[rule]]) for rule in RULES}
    count = [row["steps"] for row in corrective]
    others = "; ".join(f"{rule}: {last[rule]:.1e}" for rule in RULES)
    return (
        f"{n} samples, two features and bias, squared loss, {len(corrective)} seeds. Excess of the "
        f"loss over the optimum after {few} steps, median: {others}. Fitting all "
        f"coefficients again after each unit takes {min(count)} to {max(count)} steps to "
        f"{max(row['last'] for row in corrective):.0e}; cvxnet's column generation, whose master "
        "moves the units within their cells, too, takes "
        f"{min(row['rounds'] for row in rounds)} to {max(row['rounds'] for row in rounds)} rounds "
        "to 1e-8 of the penalised optimum. Steps at least half as good promise no more than the "
        "optimum of half the radius. A random unit costs nothing to find, and a step towards one "
        "that does not help still takes a share of the network away."
    )


def describe_gap(walked: list[Row]) -> str:
    """What the gap is, relative to the excess, in the second half of the way."""
    ratios = [row["gaps"][len(row["gaps"]) // 2 :] / row["excess"][len(row["gaps"]) // 2 :]
              for row in walked]  # fmt: skip
    best = [float((row["values"] - row["gaps"]).max()) for row in walked]
    optima = [row["values"][-1] - row["last"] for row in walked]
    away = [optimum - found for optimum, found in zip(optima, best, strict=True)]
    return (
        "Yes, from above: at every step the excess is at most the duality gap v.f + delta rho(v), "
        "which one exact pricing gives without knowing the optimum. In the second half of the way "
        f"it is {np.median(np.concatenate(ratios)):.1f} times the excess (median), and the best "
        f"lower bound it gave on the way is {min(away):.1e} to {max(away):.1e} below the optimum. "
        "Neither falls at every step."
    )


def draw_steps(rows: dict[str, Row], rounds: Row, half: Row) -> Figure:
    """The excess by steps, for each rule, below the rate."""
    with styled():
        figure = new_figure(WIDTH, 6.0)
        axes = figure.add_subplot()
        bound = rows["exact"]["bound"]
        axes.plot(np.arange(1, len(bound)), bound[1:], color=INK, linewidth=1.2)
        axes.annotate("the rate 2 (2δR)² / (t + 2)", (len(bound) // 8, bound[len(bound) // 8]),
                      (0, 8), textcoords="offset points")  # fmt: skip
        level = half["values"][-1] - (rows["exact"]["values"][-1] - rows["exact"]["last"])
        axes.axhline(level, color=GREY, linewidth=1.0)
        axes.annotate("optimum of half the radius", (1.0, level), (0, -14),
                      textcoords="offset points", color=GREY)  # fmt: skip
        for k, (rule, row) in enumerate(rows.items()):
            plot_falling(axes, row["excess"], row["doubt"], rule, k)
        plot_falling(axes, rounds["excess"], 0.0, "cvxnet, a unit a round (penalised)", 5)
        axes.set(xscale="log", yscale="log", xlabel="step", ylabel="loss above the optimum")
        axes.set_ylim(bottom=1e-8)
        entitle(axes, "Conditional gradient: loss above the optimum, by how the unit is chosen")
        axes.legend(loc="lower left")
    return figure


def plot_falling(axes: Axes, excess: Array, doubt: float, label: str, k: int) -> None:
    """A curve from step 1, as far as it can be told from the optimum."""
    seen = np.where(excess > 2.0 * doubt, excess, np.nan)
    axes.plot(np.arange(1, len(seen)), seen[1:], color=COLORS[k], linestyle=LINES[k % len(LINES)],
              label=label)  # fmt: skip


def draw_gap(row: Row) -> Figure:
    """Duality gap and excess of exact steps, and the bracket that they give."""
    with styled():
        figure = new_figure(WIDTH, 5.2)
        left, right = figure.subplots(1, 2)
        t = np.arange(len(row["values"]))
        left.plot(t[1:], row["gaps"][1:], color=COLORS[1], label="duality gap")
        left.plot(t[1:], row["excess"][1:], color=COLORS[0], label="loss above the optimum")
        left.set(xscale="log", yscale="log", xlabel="step")
        entitle(left, "The duality gap is never smaller")
        left.legend()
        lower = np.maximum.accumulate(row["values"] - row["gaps"])
        right.plot(t[1:], np.minimum.accumulate(row["values"])[1:], color=COLORS[0])
        right.plot(t[1:], lower[1:], color=COLORS[1])
        optimum = row["values"][-1] - row["last"]
        right.axhline(optimum, color=GREY, linewidth=1.0)
        right.fill_between(t[1:], lower[1:], np.minimum.accumulate(row["values"])[1:],
                           color=COLORS[4], alpha=0.25)  # fmt: skip
        wide = max(row["values"][0] - optimum, 1e-9)
        right.set(xscale="log", xlabel="step", ylabel="loss",
                  ylim=(optimum - wide, optimum + wide))  # fmt: skip
        entitle(right, "So best loss and best bound enclose the optimum")
    return figure
