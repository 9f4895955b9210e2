"""The incremental step as a picture: the Hausdorff distance of two zonotopes.

``v . (X u)_+`` is the support function of the sum of segments [0, v_i x_i] with ``v_i > 0`` minus
that of the segments with ``v_i < 0``; its largest absolute value over ``|u| <= 1`` is how far the
two zonotopes are apart (Bach 2014). Here that distance is computed from their vertices,
without any unit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots import follow_training, zonotopes_at
from cvxnet.plots.style import WIDTH, entitle, head, new_figure, styled
from cvxnet.plots.zonotope import draw_zonotopes
from cvxnet.types import Array
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.rounds import Course
    from cvxnet.plots.style import Figure


def hausdorff(P: Array, N: Array) -> float:
    """Of two convex polygons (k, 2), their vertices in order of angle.

    Examples
    --------
    >>> square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> bool(hausdorff(square, 3.0 * square) == np.hypot(2.0, 2.0))
    True
    """
    return max(
        max(distance(vertex, other) for vertex in polygon) for polygon, other in ((P, N), (N, P))
    )


def distance(point: Array, polygon: Array) -> float:
    """From a point to a convex polygon, 0 inside."""
    steps = np.roll(polygon, -1, axis=0) - polygon
    to = point - polygon
    turns = steps[:, 0] * to[:, 1] - steps[:, 1] * to[:, 0]
    if len(polygon) > 2 and (turns >= 0.0).all():
        return 0.0
    squares = (steps * steps).sum(axis=1)
    along = np.divide((to * steps).sum(axis=1), squares, out=np.zeros(len(to)), where=squares > 0.0)
    nearest = to - np.clip(along, 0.0, 1.0)[:, None] * steps
    return float(np.linalg.norm(nearest, axis=1).min())


def example(seed: int, n: int) -> Course:
    """Training on samples of one feature, a unit a round."""
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-2.0, 2.0, (n, 1)), axis=0)
    y = np.abs(x[:, 0]) + 0.3 * np.sin(4.0 * x[:, 0])
    beta = 0.05 * cn.largest_weight_decay("relu", x, y)
    return follow_training("relu", x, y, weight_decay=beta, one_by_one=True)


def measure(seed: int, n: int) -> Row:
    """The distances after each round beside ``rho(v)``, and the course for a picture."""
    course = example(seed, n)
    rows = np.column_stack([course.solution.objective.X, np.ones(n)])
    beta = course.solution.objective.weight_decay
    apart, rho = [], []
    for at in course.rounds:
        pair = zonotopes_at(course.solution, at)
        apart.append(hausdorff(pair.above, pair.below) / beta)
        rho.append(cn.largest_weight_decay("relu", rows, at.dual, bias=False) / beta)
    return {
        "rounds": len(rho),
        "first distance / decay": apart[0],
        "last distance / decay": apart[-1],
        "largest difference": float(np.abs(np.subtract(apart, rho)).max() / max(rho)),
        "course": course,
    }


def ask(report: Report) -> None:
    """Table, expectation and picture of the zonotopes."""
    settings = [{"seed": seed, "n": 14} for seed in range(report.options.seeds)]
    rows = report.table("zonotopes", measure, settings)
    worst = max(row["largest difference"] for row in rows)
    report.expect(
        "Hausdorff distance of the zonotopes against exact pricing, over all rounds",
        expected="equal",
        found=f"within {worst:.1e}, relatively",
        holds=worst <= 1e-9,
        source="Bach 2014",
    )
    first = [row["first distance / decay"] for row in rows]
    last = [row["last distance / decay"] for row in rows]
    report.answer(
        "What does the incremental step look like?",
        "Samples that the network overestimates span one zonotope, the others a second, and the "
        "best new unit points along the line on which they are farthest apart. Before the first "
        f"unit that is {np.mean(first):.0f} times the weight decay, which was chosen so, and in "
        f"the end at most {max(last):.6f} times: no unit is worth its price any more. "
        "In more dimensions the zonotopes have far too many vertices to be looked at one by one, "
        "which is why this step is the hard one.",
        draw(rows[0]["course"]),
        "zonotopes",
    )


def draw(course: Course) -> Figure:
    """Both zonotopes before the first unit, in the middle, and in the end."""
    rounds = course.rounds
    chosen = (rounds[0], rounds[len(rounds) // 4], rounds[-1])
    with styled():
        figure = new_figure(WIDTH, 5.6)
        for axes, at in zip(figure.subplots(1, 3), chosen, strict=True):
            pair = zonotopes_at(course.solution, at)
            draw_zonotopes(axes, pair)
            apart = hausdorff(pair.above, pair.below) / course.solution.objective.weight_decay
            entitle(axes, f"Round {rounds.index(at) + 1}: {apart:.3g} β apart")
        head(figure, "The best new unit points where two zonotopes are farthest apart")
    return figure
