"""How tight are upper bounds on the incremental step, ``rho(v) = max_{|u|<=1} |v . (X u)_+|``?

* spectral: ``(t)_+ = (t + |t|) / 2``, so ``rho(v) <= (|X^T v| + |v| |X|) / 2``.
* gated: the largest ``|X^T D v|`` over the cells D, which forgets that u must lie in its cell.
* semidefinite: ``(x_i.u)_+ = (x_i.u + s_i x_i.u) / 2`` with signs ``s_i = +-1`` and
  ``s_i x_i.u >= |x_i.u|``. The matrix of all products of (1, u, s) is positive semidefinite, has
  ones where a sign meets itself, and is otherwise free (Shor).
* with pairs: moreover ``s_k x_k.u >= |s_i x_k.u|`` for all i and k.
* cvxnet's multipliers, which every certificate at high rank carries: a dual of the last, so a
  bound whatever its rounding; and the same in a tree of some known signs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import cvxpy as cp
import numpy as np

import cvxnet as cn
from cvxnet.plots.style import (
    COLORS,
    GREY,
    LINES,
    MARKERS,
    PALE,
    WIDTH,
    entitle,
    head,
    new_figure,
    styled,
)
from cvxnet.training.bounds.proof_search import Forest, grow, improve
from cvxnet.training.clock import now
from cvxnet.training.geometry.cells import all_cells
from cvxnet.training.units import bind
from cvxnet.types import Array
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes, Figure

BOUNDS = ("spectral", "gated", "semidefinite", "with pairs", "multipliers", "tree")
OPEN = ("spectral", "multipliers", "tree")
"""Those that need no exact value and no list of cells."""
SMOOTHINGS = np.geomspace(1e-2, 1e-5, 6)
"""Of the stages in which multipliers are found."""
LEAVES = 16
"""Cases of known signs in a tree."""
WITHIN = 1e-5
"""Conic solvers err by less, relatively; of some of these programs they say that they may."""
EXACT = 1e-5
"""Bounds closer to the exact value are as good as exact."""


def draw(n: int, rank: int, kind: str, seed: int) -> tuple[Array, Array]:
    """Gaussian rows with a column of ones, and a dual vector.

    It is Gaussian, or that of the optimal network for a wavy target.
    """
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, rank - 1))
    rows = np.column_stack([X, np.ones(n)])
    if kind == "random":
        return rows, rng.standard_normal(n)
    y = np.sin(2.0 * X).sum(axis=1) + 0.1 * rng.standard_normal(n)
    beta = 0.1 * cn.largest_weight_decay("relu", X, y)
    return rows, cn.train("relu", X, y, weight_decay=beta, time_limit=10.0).certificate.v


def exactly(rows: Array, v: Array) -> float:
    """``rho(v)``, by cvxnet's exact pricing."""
    return bind(cn.Family("relu"), rows).price(v, 0.0).rho


def spectral(rows: Array, v: Array) -> float:
    """By the largest singular value."""
    return float(np.linalg.norm(rows.T @ v) + np.linalg.norm(v) * np.linalg.norm(rows, 2)) / 2.0


def gated(rows: Array, v: Array) -> float:
    """By the best gate, whatever cell the unit lies in."""
    cells = all_cells(rows / np.linalg.norm(rows, axis=1)[:, None])
    return float(np.linalg.norm(((cells > 0) * v) @ rows, axis=1).max())


def semidefinite(rows: Array, v: Array, pairs: bool = False) -> float:
    """By the semidefinite relaxation, for v and for -v."""
    return max(lifted(rows, side * v, pairs) for side in (1.0, -1.0))


def lifted(rows: Array, v: Array, pairs: bool) -> float:
    """The largest ``v . (X u)_+`` where products of (1, u, s) may be any matrix of that kind."""
    n, r = rows.shape
    M = cp.Variable((1 + r + n, 1 + r + n), PSD=True)
    along = rows @ M[1 : r + 1, 0]
    turned = rows @ M[1 : r + 1, r + 1 :]  # x_k . E s_i u
    sizes = cp.diag(turned)
    constraints = [
        cp.diag(M)[r + 1 :] == 1.0,
        M[0, 0] == 1.0,
        cp.trace(M[1 : r + 1, 1 : r + 1]) <= 1.0,
        sizes >= cp.abs(along),
    ]
    if pairs:
        constraints.append(cp.abs(turned) <= cp.reshape(sizes, (n, 1), order="C") @ np.ones((1, n)))
    problem = cp.Problem(cp.Maximize(v @ (along + sizes) / 2.0), constraints)
    return float(problem.solve(solver="CLARABEL"))


def multipliers(
    rows: Array, v: Array, leaves: int, enough: float = 0.0, seconds: float = np.inf
) -> tuple[float, float]:
    """By cvxnet's relaxation, and in a tree of known signs with at most so many leaves.

    The tree ends with a bound that is small enough, too, and after so many seconds.
    """
    forest, deadline = Forest(rows, (1.0, 0.0), v), now() + seconds
    for eps in SMOOTHINGS:
        improve(forest.sides, eps, deadline)
    bounds = [forest.bound()]
    deadline += seconds
    while len(forest.sides) < leaves and bounds[-1] > enough and now() < deadline:
        if not grow(forest, SMOOTHINGS[-1], deadline):
            break
        bounds.append(forest.bound())
    return bounds[0], min(bounds)


def compare(n: int, rank: int, kind: str, seed: int) -> Row:
    """All bounds, relative to ``rho(v)``."""
    rows, v = draw(n, rank, kind, seed)
    rho = exactly(rows, v)
    whole, parts = multipliers(rows, v, LEAVES, (1.0 + EXACT) * rho)
    found = {
        "spectral": spectral(rows, v),
        "gated": gated(rows, v),
        "semidefinite": semidefinite(rows, v),
        "with pairs": semidefinite(rows, v, pairs=True),
        "multipliers": whole,
        "tree": parts,
    }
    return {"rho": rho} | {name: bound / rho for name, bound in found.items()}


def bracket(n: int, rank: int, kind: str, seed: int, seconds: float) -> Row:
    """Where exact pricing ends in no time that one has: what was found, and what was proved."""
    rows, v = draw(n, rank, kind, seed)
    found = cn.largest_weight_decay("relu", rows, v, bias=False)
    whole, parts = multipliers(rows, v, 10**6, seconds=seconds)
    return {
        "found": found,
        "spectral": spectral(rows, v) / found,
        "multipliers": whole / found,
        "tree": parts / found,
    }


def sizes(quick: bool) -> Iterator[tuple[int, int]]:
    """Samples and rank of the first table."""
    if quick:
        yield 6, 3
        return
    yield from ((20, rank) for rank in (2, 3, 4, 5))
    yield from ((n, 3) for n in (10, 40))


def ask(report: Report) -> None:
    """Tables, expectations and pictures of the bounds."""
    quick, seeds = report.options.quick, range(report.options.seeds)
    settings = [
        {"n": n, "rank": rank, "kind": kind, "seed": seed}
        for n, rank in sizes(quick)
        for kind in ("random", "optimal")
        for seed in seeds
    ]
    rows = report.table("tightness", compare, settings)
    n, ranks, seconds = (12, (6,), 0.1) if quick else (100, (10, 20, 50), 5.0)
    settings = [
        {"n": n, "rank": rank, "kind": kind, "seed": seed, "seconds": seconds}
        for rank in ranks
        for kind in ("random", "optimal")
        for seed in seeds
    ]
    open_rows = report.table("brackets", bracket, settings)
    hold_against(report, rows)
    report.answer(
        "How tight are relaxations of the incremental step?",
        describe(rows),
        draw_tightness(rows),
        "tightness",
    )
    report.answer(
        "What remains in high dimension, where exact pricing does not end?",
        describe_open(open_rows, n, seconds),
        draw_open(open_rows),
        "brackets",
    )


def hold_against(report: Report, rows: list[Row]) -> None:
    """Bounds are bounds, and the semidefinite ones are ordered."""
    least = min(row[name] for row in rows for name in BOUNDS)
    report.expect(
        "every bound, relative to the exact rho(v), least over all",
        expected="at least 1",
        found=f"1 {least - 1.0:+.1e}",
        holds=least >= 1.0 - WITHIN,
        source="each is a relaxation",
    )
    above = max(row["with pairs"] / row["semidefinite"] for row in rows)
    report.expect(
        "semidefinite bound with pairs, relative to that without, largest",
        expected="at most 1",
        found=f"{above:.7f}",
        holds=above <= 1.0 + WITHIN,
        source="it has more constraints",
    )
    below = min(row["multipliers"] / row["with pairs"] for row in rows)
    report.expect(
        "cvxnet's multipliers, relative to the semidefinite bound with pairs, least",
        expected="at least 1: they are a dual of it",
        found=f"{below:.7f}",
        holds=below >= 1.0 - WITHIN,
        source="cvxnet.training.bounds.relaxation, against an independent program",
    )
    worst = max(row["semidefinite"] for row in rows)
    report.expect(
        "semidefinite bound, relative to the exact rho(v), largest",
        expected="above 1: no constant factor is known for such relaxations",
        found=f"{worst:.3f}",
        holds=worst > 1.0 + WITHIN,
        source="Bach 2014, abstract",
    )


def middle(rows: list[Row], name: str, **where: object) -> float:
    """The median of a bound over the lines with these settings."""
    found = [row[name] for row in rows if all(row[key] == value for key, value in where.items())]
    return float(np.median(found)) if found else np.nan


def describe(rows: list[Row]) -> str:
    """The medians over all, and how often a bound is the exact value."""
    parts = [
        f"{name} {middle(rows, name, kind='random'):.3f} and "
        f"{middle(rows, name, kind='optimal'):.3f}"
        for name in BOUNDS
    ]
    medians = [middle(rows, "semidefinite", kind=kind) for kind in ("random", "optimal")]
    tight = {name: sum(row[name] <= 1.0 + 10.0 * EXACT for row in rows) for name in BOUNDS[2:]}
    return (
        f"Bounds relative to the exact rho(v), median over {len(rows) // 2} random dual vectors "
        f"and as many of optimal networks (n up to {max(row['n'] for row in rows)}, rank up to "
        f"{max(row['rank'] for row in rows)}): {'; '.join(parts)}. Exact to 1e-4, of {len(rows)}: "
        + ", ".join(f"{name} {count}" for name, count in tight.items())
        + "."
        + " The dual vectors of optimal networks are the harder ones, and those are the ones for "
        "which a proof is needed." * (medians[1] > medians[0])
    )


def describe_open(rows: list[Row], n: int, seconds: float) -> str:
    """Bracket by rank."""
    parts = [
        f"rank {rank}, {word}: "
        + ", ".join(f"{middle(rows, name, rank=rank, kind=kind):.3f}" for name in OPEN)
        for rank in sorted({row["rank"] for row in rows})
        for kind, word in (("random", "random"), ("optimal", "trained"))
    ]
    return (
        f"{n} samples, with random dual vectors and those of trained networks. What local search "
        "found is a lower bound on rho(v); relative to it, the spectral bound, cvxnet's "
        f"multipliers, and a tree of known signs, {seconds:g} s for each: {'; '.join(parts)} "
        "(medians). The exact value lies between 1 and the last of these; what local search found "
        "may or may not be it."
    )


def draw_tightness(rows: list[Row]) -> Figure:
    """Bounds by samples at rank 3, for both kinds of dual vectors, and by rank."""
    with styled():
        figure = new_figure(WIDTH, 5.6)
        panels = figure.subplots(1, 3, sharey=True)
        flat = [row for row in rows if row["rank"] == 3]
        shared = min(20, max(row["n"] for row in flat))
        last = [row for row in rows if row["kind"] == "optimal" and row["n"] == shared]
        draw_bounds(panels[0], [row for row in flat if row["kind"] == "random"], "n")
        draw_bounds(panels[1], [row for row in flat if row["kind"] == "optimal"], "n")
        draw_bounds(panels[2], last, "rank")
        entitle(panels[0], "Random v, rank 3")
        entitle(panels[1], "Optimal v, rank 3")
        entitle(panels[2], f"Optimal v, {shared} samples")
        for axes, label in zip(panels, ("samples", "samples", "rank"), strict=True):
            axes.set_xlabel(label)
        panels[0].set_ylim(EXACT / 2.0, 2.0 * max(row["spectral"] for row in rows))
        panels[0].set_ylabel(r"bound above the exact $\rho(v)$, relatively")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
        head(figure, "How far upper bounds on the incremental step are above it")
    return figure


def draw_bounds(axes: Axes, rows: list[Row], along: str) -> None:
    """Medians of what every bound is too large by, and all values, small."""
    places = sorted({row[along] for row in rows})
    for k, name in enumerate(BOUNDS):
        medians = [middle(rows, name, **{along: place}) for place in places]
        look = {"color": COLORS[k], "linestyle": LINES[k], "marker": MARKERS[k]}
        axes.plot(places, too_large(medians), label=name, **look)
        axes.plot([row[along] for row in rows], too_large([row[name] for row in rows]), ".",
                  color=COLORS[k], markersize=4)  # fmt: skip
    axes.set_yscale("log")
    axes.set_xticks(places)
    axes.axhline(EXACT, color=GREY, linewidth=1.0)
    axes.annotate("exact", (0.25, EXACT), (0, 3), xycoords=("axes fraction", "data"),
                  textcoords="offset points")  # fmt: skip


def too_large(ratios: list[float]) -> Array:
    """By how much bounds exceed the exact value, EXACT at least."""
    return np.maximum(np.array(ratios) - 1.0, EXACT)


def draw_open(rows: list[Row]) -> Figure:
    """What is between what was found and what was proved, by rank."""
    ranks = sorted({row["rank"] for row in rows})
    most = max(row["spectral"] for row in rows)
    with styled():
        figure = new_figure(WIDTH, 5.0)
        panels = figure.subplots(1, 2, sharey=True)
        for axes, kind in zip(panels, ("random", "optimal"), strict=True):
            for k, name in enumerate(OPEN):
                medians = [middle(rows, name, rank=rank, kind=kind) for rank in ranks]
                look = {"color": COLORS[k], "linestyle": LINES[k], "marker": MARKERS[k]}
                axes.plot(range(len(ranks)), too_large(medians), label=name, **look)
            axes.fill_between(range(len(ranks)), EXACT, too_large(medians), color=PALE)
            axes.set(yscale="log", ylim=(EXACT / 2.0, 2.0 * most), xlabel="rank")
            axes.set_xticks(range(len(ranks)), [str(rank) for rank in ranks])
            entitle(axes, "Random v" if kind == "random" else "v of a trained network")
        panels[0].set_ylabel("bound above what was found, relatively")
        panels[0].legend()
        head(figure, r"In high dimension $\rho(v)$ is only known to lie in the grey part")
    return figure
