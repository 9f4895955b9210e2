"""Neural isometry (Wang et al. 2022): when does the convex program recover a planted linear neuron?

ReLU networks with a linear unit (skip connection), no noise: y = X w with Gaussian X (n x d),

    minimise  |w_0| + sum_j |w_j|   subject to   sum_j D_j X w_j + X w_0 = y,

over activation patterns D_j. The neuron is recovered where w_0 = w and all w_j = 0. With
``l = X (X^T X)^-1 w / |w|``, a dual vector, that is certain where ``|X^T D_j l| < 1`` for every
pattern (the neural isometry condition). Where all samples can be active at once, a unit with that
pattern is as good as the linear one, which is then one optimum of many: the authors' code adds this
pattern to those drawn wherever there is one. Of Gaussian samples that has the probability
``2^(1-n) sum_{k<d} C(n-1, k)`` (Cover 1965), 1/2 at n = 2 d.
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

from cvxnet.plots.style import COLORS, GREY, LINES, MARKERS, WIDTH, head, new_figure, styled
from cvxnet.types import Array
from experiments.after2020.programs import TIGHT, all_patterns, sampled_patterns
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SOURCE = "Wang et al. 2022 (arXiv 2209.15265)"
D = 10
RATIOS = (1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.2)
QUICK = (1.4, 2.8)
DRAWN = 50
RECOVERED = 1e-4
"""As in the authors' code."""
MORE = (50, 200, 800)
MORE_RATIOS = (2.0, 2.4, 2.8)


def planted(n: int, d: int, seed: int) -> tuple[Array, Array, np.random.Generator]:
    """Gaussian samples and a Gaussian neuron of length one."""
    rng = np.random.default_rng([seed, n, d])
    X, w = rng.standard_normal((n, d)) / np.sqrt(n), rng.standard_normal(d)
    return X, w / np.linalg.norm(w), rng


def recover(X: Array, w: Array, patterns: Array) -> bool:
    """Whether the linear neuron is all that the convex program finds."""
    P, d = len(patterns), X.shape[1]
    W, w0 = cp.Variable((P, d)), cp.Variable(d)
    fit = cp.sum(cp.multiply(patterns, W @ X.T), axis=0) + X @ w0
    program = cp.Problem(
        cp.Minimize(cp.norm(w0, 2) + cp.sum(cp.norm(W, 2, axis=1))), [fit == X @ w]
    )
    program.solve(solver="CLARABEL", **TIGHT)
    if W.value is None:
        return False
    return bool(np.allclose(w0.value, w, atol=RECOVERED) and np.abs(W.value).max() <= RECOVERED)


def isometry(X: Array, w: Array, patterns: Array) -> float:
    """The largest ``|X^T D_j l|``: below 1 the neuron is certain to be recovered."""
    dual = X @ np.linalg.solve(X.T @ X, w)
    return float(np.linalg.norm((patterns * dual) @ X, axis=1).max())


def all_active(X: Array) -> bool:
    """Whether some unit is active on all samples: ``X u >= 1`` has a solution."""
    n, d = X.shape
    return linprog(np.zeros(d), A_ub=-X, b_ub=-np.ones(n), bounds=(None, None)).status == 0


def phase(ratio: float, seed: int) -> Row:
    """One trial by the protocol of the authors: max(n, 50) drawn patterns."""
    n = round(ratio * D)
    X, w, rng = planted(n, D, seed)
    patterns = sampled_patterns(X, max(n, DRAWN), rng)
    found = recover(X, w, patterns)
    alone = found and not all_active(X)
    return {
        "n": n,
        "patterns": len(patterns),
        "condition": isometry(X, w, patterns),
        "recovered": found,
        "all_active": all_active(X),
        "alone": alone,
    }


def more(ratio: float, gates: int, seed: int) -> Row:
    """The same with more patterns: what a small sample does not see."""
    n = round(ratio * D)
    X, w, rng = planted(n, D, seed)
    patterns = sampled_patterns(X, gates, rng)
    return {"n": n, "patterns": len(patterns), "recovered": recover(X, w, patterns)}


def every(n: int, seed: int) -> Row:
    """Three columns: all cells beside 20 drawn ones."""
    X, w, rng = planted(n, 3, seed)
    drawn, whole = sampled_patterns(X, 20, rng), all_patterns(X)
    return {
        "cells": len(whole),
        "drawn": len(drawn),
        "recovered": recover(X, w, drawn),
        "recovered_all": recover(X, w, whole),
        "condition_all": isometry(X, w, whole),
    }


def cover(n: int, d: int) -> int:
    """How many cells n hyperplanes in general position have (Cover 1965)."""
    return 2 * sum(comb(n - 1, k) for k in range(d))


def report_on(report: Report) -> None:
    """The phase transition, and what sampling does to it."""
    quick = report.options.quick
    seeds = range(2 if quick else report.options.seeds)
    rows = report.table(
        "phase",
        phase,
        [{"ratio": r, "seed": seed} for r in (QUICK if quick else RATIOS) for seed in seeds],
    )
    ratios, gates = (MORE_RATIOS[-1:], MORE[:1]) if quick else (MORE_RATIOS, MORE)
    many = report.table(
        "more_patterns",
        more,
        [{"ratio": r, "gates": g, "seed": s} for r in ratios for g in gates for s in seeds],
    )
    sizes = (6, 12) if quick else (4, 5, 6, 7, 8, 10, 12, 15)
    whole = report.table(
        "every_cell", every, [{"n": n, "seed": seed} for n in sizes for seed in seeds]
    )
    expect_phase(report, rows)
    expect_transition(report, rows)
    expect_cells(report, whole)
    answer_phase(report, rows, many)
    answer_cells(report, whole, many)


def share(rows: list[Row], key: str = "recovered", **where: float) -> float:
    """How many of the lines with these values were successes; NaN where there are none."""
    mine = [row[key] for row in rows if all(row[name] == value for name, value in where.items())]
    return float(np.mean(mine)) if mine else float("nan")


def expect_phase(report: Report, rows: list[Row]) -> None:
    """The reference: at most half up to 1.8 d, three quarters at 2.2 d, all from 2.4 d."""
    below = [share(rows, ratio=r) for r in RATIOS if r <= 1.8]
    at, above = share(rows, ratio=2.2), [share(rows, ratio=r) for r in RATIOS if r >= 2.4]
    parts = (
        ("n up to 1.8 d", "at most 50 %", below, np.nanmax(below) <= 0.5),
        ("n = 2.2 d", "at least 75 %", [at], np.isnan(at) or at >= 0.75),
        ("n from 2.4 d on", "100 %", above, np.nanmin(above) == 1.0),
    )
    for where, expected, found, holds in parts:
        seen = [f"{value:.0%}" for value in found if not np.isnan(value)]
        if seen:
            report.expect(
                f"planted linear neuron recovered, d = {D}, {where}",
                expected=expected,
                found=", ".join(seen),
                holds=bool(holds),
                source=f"{SOURCE}, phase transition near n = 2 d; literature table D17, 8 trials",
            )
    certain = [row["recovered"] for row in rows if row["condition"] < 1.0 - 1e-6]
    report.expect(
        "recovered wherever the neural isometry condition holds over the patterns",
        expected="always",
        found=f"{sum(certain)} of {len(certain)}",
        holds=all(certain),
        source=f"{SOURCE}, neural isometry implies recovery",
    )


def expect_transition(report: Report, rows: list[Row]) -> None:
    """How often all samples can be active: then the linear neuron is not the only optimum."""
    parts, right = list[str](), list[bool]()
    for ratio in dict.fromkeys(row["ratio"] for row in rows):
        mine = [row["all_active"] for row in rows if row["ratio"] == ratio]
        chance = chance_all_active(round(ratio * D))
        error = np.sqrt(chance * (1.0 - chance) / len(mine))
        right.append(abs(np.mean(mine) - chance) <= 3.0 * error + 1.0 / len(mine))
        parts.append(f"{np.mean(mine):.0%} ({chance:.0%}) at {ratio:g} d")
    report.expect(
        "all samples active is a pattern, and so the linear unit not the only optimum",
        expected="as often as Cover says, up to three standard errors",
        found=", ".join(parts),
        holds=all(right),
        source="Cover 1965; the authors' code adds this pattern where it exists",
    )


def chance_all_active(n: int) -> float:
    """The probability that n Gaussian samples are all on one side of some hyperplane."""
    return cover(n, D) / 2**n


def expect_cells(report: Report, rows: list[Row]) -> None:
    """All cells are as many as Cover counts; more patterns never make recovery easier."""
    right = [row["cells"] in (cover(row["n"], 3), cover(row["n"], 3) - 1) for row in rows]
    report.expect(
        "cells of n Gaussian samples in three dimensions",
        expected="Cover's number, less the one without active samples where there is one",
        found=f"{sum(right)} of {len(right)}",
        holds=all(right),
        source="Cover 1965",
    )
    worse = [row["recovered"] or not row["recovered_all"] for row in rows]
    report.expect(
        "recovered over all cells, so recovered over those that were drawn",
        expected="always",
        found=f"{sum(worse)} of {len(worse)}",
        holds=all(worse),
        source="fewer patterns are fewer ways to do without the linear unit",
    )


def answer_phase(report: Report, rows: list[Row], many: list[Row]) -> None:
    """The transition and the two pictures."""
    ratios = list(dict.fromkeys(row["ratio"] for row in rows))
    said = ", ".join(
        f"{share(rows, ratio=r):.0%} ({share(rows, 'alone', ratio=r):.0%}) at n = {r:g} d"
        for r in ratios
    )
    trials = len(rows) // len(ratios)
    report.answer(
        "How many samples does it take until the simplest model is the optimal network?",
        f"A planted linear neuron with {D} inputs, no noise, {trials} trials each: the convex "
        f"program over max(n, {DRAWN}) drawn patterns returned exactly it in so many cases, and in "
        "brackets where, besides, no unit is active on all samples and so nothing else is as good: "
        f"{said}. That such a unit exists has the probability 1/2 at n = 2 d (Cover 1965), which "
        "is where the paper has the transition.",
        picture_phase(rows, many),
        "isometry",
    )


def answer_cells(report: Report, rows: list[Row], many: list[Row]) -> None:
    """Why patterns are drawn, and what that changes."""
    n = 2 * D
    gates = list(dict.fromkeys(row["gates"] for row in many))
    said = []
    for ratio in dict.fromkeys(row["ratio"] for row in many):
        shares = [f"{share(many, ratio=ratio, gates=g):.0%}" for g in gates]
        said.append(f"{' / '.join(shares)} at n = {ratio:g} d")
    missed = sum(row["recovered"] and not row["recovered_all"] for row in rows)
    report.answer(
        "Why are patterns drawn at random here, and what does that change?",
        f"At n = {n}, d = {D} there are {cover(n, D):,} cells, half of all patterns of {n} "
        "samples, and the program has a vector of ten numbers for each; at n = 30 there are "
        f"{cover(30, D):,}. No certificate over all of them is in reach, so the paper draws. Fewer "
        f"patterns make recovery easier: with {' / '.join(map(str, gates))} drawn patterns it "
        f"succeeds in {', '.join(said)}. In three dimensions, where all cells fit, 20 drawn "
        f"patterns report a recovery that all cells refute in {missed} of {len(rows)} trials.",
        picture_cells(rows),
        "cells",
    )


def picture_phase(rows: list[Row], many: list[Row]) -> Figure:
    """Share of recoveries over n / d, by protocol and with more patterns."""
    ratios = sorted({row["ratio"] for row in rows})
    with styled():
        figure = new_figure(WIDTH, 4.8)
        axes = figure.add_subplot()
        label = f"max(n, {DRAWN}) drawn patterns"
        shares = [share(rows, ratio=r) for r in ratios]
        axes.plot(ratios, shares, marker=MARKERS[0], color=COLORS[0], label=label)
        for k, gates in enumerate(sorted({row["gates"] for row in many} - {DRAWN}), start=1):
            at = sorted({row["ratio"] for row in many})
            shares = [share(many, ratio=r, gates=gates) for r in at]
            style = {"marker": MARKERS[k], "color": COLORS[k], "linestyle": LINES[k]}
            axes.plot(at, shares, label=f"{gates} drawn patterns", **style)
        shares = [share(rows, "alone", ratio=r) for r in ratios]
        style = {"marker": MARKERS[3], "color": COLORS[3], "linestyle": LINES[3]}
        axes.plot(ratios, shares, label="and no unit is active on all samples", **style)
        chances = [1.0 - chance_all_active(round(r * D)) for r in ratios]
        axes.plot(ratios, chances, color=GREY, linewidth=1.2, label="chance of that (Cover)")
        axes.axvline(2.0, color=GREY, linestyle="--", linewidth=1.5)
        axes.text(2.02, -0.01, "n = 2 d")
        axes.set(xlabel="n / d", ylabel="share of recoveries", ylim=(-0.03, 1.05))
        axes.set_title(f"How often a planted linear neuron is recovered (d = {D})")
        axes.legend(loc="center right")
    return figure


def picture_cells(rows: list[Row]) -> Figure:
    """Left how many cells there are; right recoveries in three dimensions, drawn and all."""
    with styled():
        figure = new_figure(WIDTH, 4.8)
        left, right = figure.subplots(1, 2)
        draw_counts(left)
        sizes = sorted({row["n"] for row in rows})
        for k, (key, label) in enumerate(
            (("recovered", "20 drawn patterns"), ("recovered_all", "all cells"))
        ):
            shares = [share(rows, key, n=n) for n in sizes]
            style = {"marker": MARKERS[k], "color": COLORS[k], "linestyle": LINES[k]}
            right.plot(sizes, shares, label=label, **style)
        right.set(xlabel="n (d = 3)", ylabel="share of recoveries", ylim=(-0.03, 1.05))
        right.set_title("Recoveries in three dimensions")
        right.legend(loc="lower right")
        head(
            figure,
            "All cells can be listed in low dimension only; drawn ones can only be optimistic",
        )
    return figure


def draw_counts(axes: Axes) -> None:
    """Cells over n for three dimensions, and the patterns drawn."""
    sizes = np.arange(4, 41)
    for k, d in enumerate((3, 5, D)):
        counts = [cover(int(n), d) for n in sizes]
        axes.plot(sizes, counts, LINES[k], color=COLORS[k], label=f"d = {d}")
        axes.text(40.5, counts[-1], f"d = {d}", va="center", color=COLORS[k])
    axes.axhline(DRAWN, color=GREY, linewidth=1.5)
    axes.text(27, DRAWN * 1.3, f"{DRAWN} drawn")
    axes.set(yscale="log", xlabel="n", ylabel="cells", xlim=(4, 45))
    axes.set_title("How many cells there are")
