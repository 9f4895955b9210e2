"""The set of optima (Mishkin and Pilanci 2023): minimal networks, and when there is one only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, INK, PALE, WIDTH, head, new_figure, styled
from cvxnet.training.optimal_set import OptimalSet, optimal_set
from cvxnet.types import Array
from experiments.after2020.programs import all_patterns, merged, solve_over, vertex
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOURCE = "Mishkin and Pilanci 2023"
BETA, SAMPLES = 0.1, 10
PUBLISHED = 0.6997383
NONZERO = 1e-6
"""Groups larger than this, relative to the largest, count as non-zero."""
OUTCOMES = ("one network", "many networks, one function", "many functions")
SEEN = 1e-4
"""Predictions that vary by less, relative to the range of the targets, are the same."""
SHARES = (0.1, 0.01)


def with_ones(X: Array) -> Array:
    """A column of ones behind the features."""
    return np.column_stack([X, np.ones(len(X))])


def minimal(seed: int) -> Row:
    """The whole convex program on ten Gaussian samples, and corners of its optimal set."""
    rng = np.random.default_rng(seed)
    features, y = rng.standard_normal((SAMPLES, 2)), rng.standard_normal(SAMPLES)
    X = with_ones(features)
    full = solve_over(X, y, BETA, all_patterns(X)).larger_than(NONZERO)
    corner = vertex(full, X)
    small = vertex(merged(full), X)
    values = [network.objective(X, y, BETA) for network in (full, corner, small)]
    trained = cn.train("relu", features, y, weight_decay=BETA, gap=1e-9)
    return {
        "groups": len(full.W),
        "corner": len(corner.W),
        "merged_corner": len(small.W),
        "objective": values[0],
        "change": max(abs(value / values[0] - 1.0) for value in values),
        "trained": trained.value,
        "trained_units": trained.units,
    }


def draw(kind: str, rng: np.random.Generator) -> tuple[Array, Array]:
    """Samples of a kind."""
    if kind == "Gaussian":
        return rng.standard_normal((12, 2)), rng.standard_normal(12)
    if kind == "whole numbers":
        return rng.integers(-2, 3, (12, 2)).astype(float), rng.integers(-2, 3, 12).astype(float)
    if kind == "mirrored":
        half, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
        return np.vstack([half, -half]), np.concatenate([y, y])
    if kind == "three points, free slope":
        reach, low, high = rng.uniform(0.5, 3.0), *np.sort(rng.uniform(0.0, 3.0, 2))
        return np.array([[-reach], [0.0], [reach]]), np.array([high, low, high])
    return rng.standard_normal((8, 1)), rng.standard_normal(8)


KINDS = {
    "Gaussian": {},
    "whole numbers": {},
    "mirrored": {},
    "one feature": {},
    "one feature, free slope": {"skip": True},
    "three points, free slope": {"skip": True},
}


def unique(kind: str, share: float, seed: int) -> Row:
    """How many optimal networks there are, and how many functions they are."""
    rng = np.random.default_rng(seed)
    X, y = draw(kind, rng)
    decay = share * cn.largest_weight_decay("relu", X, y, **KINDS[kind])
    solution = cn.train("relu", X, y, weight_decay=decay, gap=1e-10, **KINDS[kind])
    found = optimal_set(solution)
    places = rng.uniform(X.min(axis=0), X.max(axis=0), (10, X.shape[1]))
    return {
        "samples": len(y),
        "gap": solution.gap,
        "contact_units": len(found.signs),
        "columns": found.matrix.shape[1],
        "rank": rank(found.matrix),
        "opposite_pairs": opposite_pairs(found),
        "corners": len(found.networks),
        "spread": spread(found, places, y),
        "outcome": outcome(found, spread(found, places, y)),
    }


def rank(columns: Array) -> int:
    """The rank of columns brought to length one."""
    lengths = np.linalg.norm(columns, axis=0)
    return int(np.linalg.matrix_rank(columns / lengths, tol=1e-5)) if columns.size else 0


def opposite_pairs(found: OptimalSet) -> int:
    """Pairs of units u and -u with one output sign: together they can stand for a slope."""
    cosines = found.directions @ found.directions.T
    same = found.signs[:, None] == found.signs
    return int(np.sum((cosines < -1.0 + 1e-8) & same)) // 2


def spread(found: OptimalSet, places: Array, y: Array) -> float:
    """By how much predictions vary at most over the set, relative to the range of targets."""
    low, high = found.band(places)
    return float((high - low).max() / np.ptp(y))


def outcome(found: OptimalSet, width: float) -> str:
    """In words."""
    return OUTCOMES[0 if found.single else 1 if width <= SEEN else 2]


def report_on(report: Report) -> None:
    """Minimal networks, then uniqueness."""
    seeds = range(report.options.seeds)
    rows = report.table("minimal", minimal, [{"seed": seed} for seed in seeds])
    expect_minimal(report, rows)
    answer_minimal(report, rows)
    kinds = list(KINDS)[:1] if report.options.quick else list(KINDS)
    settings = [
        {"kind": kind, "share": share, "seed": seed}
        for kind in kinds
        for share in SHARES
        for seed in seeds
    ]
    found = report.table("unique", unique, settings)
    expect_unique(report, found)
    answer_unique(report, found)


def expect_minimal(report: Report, rows: list[Row]) -> None:
    """What is known of seed 0, and what must hold for all."""
    first = rows[0]
    report.expect(
        "seed 0: non-zero groups of the whole program, units at a corner, objective",
        expected=f"18, 6, {PUBLISHED}, which the corner leaves as it is",
        found=f"{first['groups']}, {first['corner']}, {first['objective']:.7f}, changed by "
        f"{first['change']:.0e}",
        holds=(first["groups"], first["corner"]) == (18, 6)
        and abs(first["objective"] - PUBLISHED) < 1e-7
        and first["change"] < 1e-9,
        source=f"{SOURCE}; the numbers are of an earlier computation for this project",
    )
    most = max(row["corner"] for row in rows)
    report.expect(
        "units at a corner of the set of optima",
        expected=f"at most n = {SAMPLES}, objective unchanged",
        found=f"at most {most}, objective changed by at most "
        f"{max(row['change'] for row in rows):.0e}",
        holds=most <= SAMPLES and all(row["change"] < 1e-8 for row in rows),
        source=f"{SOURCE}: units of a minimal network have independent predictions",
    )
    apart = max(abs(row["trained"] / row["objective"] - 1.0) for row in rows)
    report.expect(
        "the optimum of the whole program and that of cvxnet.train",
        expected="the same, to 1e-8",
        found=f"at most {apart:.0e} apart",
        holds=apart < 1e-8,
        source="Pilanci and Ergen 2020",
    )


def answer_minimal(report: Report, rows: list[Row]) -> None:
    """Groups beside units."""
    means = {key: np.mean([row[key] for row in rows]) for key in COUNTS}
    report.answer(
        "How many hidden units does an optimal network need?",
        f"Of the {2 * 91} groups of the convex program (two signs for each of 91 cells of ten "
        f"Gaussian samples with two features and a bias) an interior-point method leaves "
        f"{means['groups']:.1f} above zero on average over {len(rows)} draws. That is no width: a "
        "unit on the border of cells stands in all of them, and where there are several optimal "
        f"networks the method ends in their midst. A corner of the set has "
        f"{means['corner']:.1f} units, and {means['merged_corner']:.1f} where copies of one unit, "
        "which differ by rounding, were merged first; the objective stays what it was. "
        f"cvxnet.train ends with {means['trained_units']:.1f}.",
        picture_minimal(rows),
        "minimal",
    )


COUNTS = {
    "groups": "groups above zero in the convex program",
    "corner": "units at a corner of the set of optima",
    "merged_corner": "the same, copies merged first",
    "trained_units": "units of cvxnet.train",
}


def picture_minimal(rows: list[Row]) -> Figure:
    """Bars for each seed."""
    with styled():
        figure = new_figure(WIDTH, 4.6)
        axes = figure.add_subplot()
        at = np.arange(len(rows))
        for k, (key, label) in enumerate(COUNTS.items()):
            heights = [row[key] for row in rows]
            axes.bar(at + 0.2 * (k - 1.5), heights, 0.19, color=COLORS[k], label=label)
        axes.axhline(SAMPLES, color=INK, linewidth=1.0, linestyle="--")
        axes.text(len(rows) - 0.5, SAMPLES, f"n = {SAMPLES}", va="bottom")
        axes.set(xlabel="draw of the data", ylabel="count", xticks=at)
        axes.set_xlim(-0.6, 1.05 * len(rows))
        axes.set_ylim(0, 1.3 * max(row["groups"] for row in rows))
        axes.set_title("An interior point has many groups; a corner at most n units, as good")
        axes.legend(ncols=2, loc="upper left")
    return figure


def expect_unique(report: Report, rows: list[Row]) -> None:
    """The network is the only one where contact units have independent predictions."""
    alone = {
        independent: [
            row["outcome"] == OUTCOMES[0]
            for row in rows
            if (row["rank"] == row["columns"]) == independent
        ]
        for independent in (True, False)
    }
    report.expect(
        "one optimal network where the predictions of all contact units are independent",
        expected="always; where they are not, many, unless sizes would have to fall below zero",
        found=f"independent: {sum(alone[True])} of {len(alone[True])} have one; dependent: "
        f"{sum(alone[False])} of {len(alone[False])} have one",
        holds=all(alone[True]) and sum(alone[False]) <= 0.1 * len(alone[False]),
        source=f"{SOURCE}, uniqueness; derived in cvxnet/training/optimal_set.py",
    )
    gaussian = [row for row in rows if row["kind"] == "Gaussian"]
    functions = sum(row["outcome"] == OUTCOMES[2] for row in gaussian)
    report.expect(
        "Gaussian samples: optimal networks that are different functions",
        expected="none: in general position only slopes can be shared out anew",
        found=f"{functions} of {len(gaussian)}",
        holds=functions == 0,
        source="derived here: k pairs of units u, -u on d columns leave k - d degrees of freedom",
    )


def answer_unique(report: Report, rows: list[Row]) -> None:
    """Shares of the three outcomes."""
    said = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        mine = [row for row in rows if row["kind"] == kind]
        parts = [sum(row["outcome"] == word for row in mine) for word in OUTCOMES]
        said.append(f"{kind} {parts[0]}, {parts[1]} and {parts[2]} of {len(mine)}")
    several = [row for row in rows if row["outcome"] == OUTCOMES[1]]
    paired = sum(row["opposite_pairs"] > 0 for row in several)
    report.answer(
        "When is there only one optimal network?",
        "Problems with one optimal network, with many that are one function, and with many "
        f"functions: {'; '.join(said)}. Where many networks are one function, contact units come "
        f"in pairs u and -u in {paired} of {len(several)} cases: such a pair is a slope, more "
        "slopes than columns are dependent, and so weight moves between pairs while no prediction "
        f"changes anywhere. {many_functions(rows)}",
        picture_unique(rows),
        "unique",
    )


def many_functions(rows: list[Row]) -> str:
    """Where optimal networks differ between the samples."""
    mine = [row for row in rows if row["outcome"] == OUTCOMES[2]]
    if not mine:
        return "Optimal networks that differ anywhere were not met."
    kinds = " and ".join(dict.fromkeys(f"'{row['kind']}'" for row in mine))
    return (
        f"Different optimal functions were met for {kinds} only, up to "
        f"{max(row['spread'] for row in mine):.0%} of the range of targets apart."
    )


def picture_unique(rows: list[Row]) -> Figure:
    """Outcomes of every kind, and an example with many functions."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    with styled():
        figure = new_figure(WIDTH, 5.0)
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1.0])
        for j, kind in enumerate(reversed(kinds)):
            mine = [row["outcome"] for row in rows if row["kind"] == kind]
            start = 0.0
            for k, word in enumerate(OUTCOMES):
                share = mine.count(word) / len(mine)
                label = word if j == 0 else None
                left.barh(j, share, left=start, color=COLORS[k], edgecolor="white", label=label)
                if share > 0.08:
                    left.text(start + share / 2, j, f"{share:.0%}", ha="center", va="center")
                start += share
        left.set(yticks=range(len(kinds)), yticklabels=kinds[::-1], xticks=[], xlim=(0, 1))
        left.set_ylim(-0.6, len(kinds) + 0.1)
        left.set_title("How many optimal networks there are")
        left.legend(loc="upper center", ncols=3, columnspacing=1.0, handlelength=1.2)
        draw_example(right)
        shares = [np.mean([row["outcome"] == word for row in rows]) for word in OUTCOMES]
        head(
            figure,
            f"{shares[0]:.0%} of these problems have one optimal network, {shares[1]:.0%} many "
            f"that are one function, {shares[2]:.0%} many functions",
        )
    return figure


def draw_example(axes: Axes) -> None:
    """Three points with a free slope: a band of optimal functions."""
    X, y = np.array([[-2.0], [0.0], [2.0]]), np.array([3.0, 2.0, 3.0])
    found = optimal_set(cn.train("relu", X, y, weight_decay=0.1, skip=True, gap=1e-10))
    grid = np.linspace(-3.2, 3.2, 97)[:, None]
    low, high = found.band(grid)
    axes.fill_between(grid[:, 0], low, high, color=PALE, label="all of them")
    for k, part in enumerate((0.0, 0.5, 1.0)):
        mixture = (1.0 - part) * found.networks[0] + part * found.networks[-1]
        f = found.network(mixture)(grid)[:, 0]
        axes.plot(grid[:, 0], f, color=COLORS[k], linestyle=["-", "--", "-."][k])
    axes.plot(X[:, 0], y, "o", color=INK, markersize=9, label="data")
    axes.set(xlabel="x", ylabel="f(x)")
    axes.set_title("Three of the optimal networks of three points")
    axes.legend(loc="upper center")
