"""The page docs/findings/seed-claims.md: the claims with their evidence, proofs, and repairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvxnet.analysis import convexity
from cvxnet.layers import ReLU
from experiments.answers import cell
from experiments.report import Row
from experiments.seed_claims.claims import CLAIMS, smallest, two_layers

HEAD = """# The seed post, claim by claim

Written by `python -m experiments seed_claims --page docs/findings/seed-claims.md`. [More of
it, with pictures](experiments.md).
"""
PROOFS = """## The three proofs

1. *relu is convex.* max(x, 0) is the maximum of two affine functions. For u, v and t in [0, 1],
   t u + (1-t) v <= t relu(u) + (1-t) relu(v) and 0 <= t relu(u) + (1-t) relu(v), so the larger of
   the two left sides, relu(t u + (1-t) v), is below the chord as well.
2. *f(a.x) is convex for convex f and every a.* a.(t x + (1-t) z) = t (a.x) + (1-t) (a.z); convexity
   of f on the line gives f(t (a.x) + (1-t) (a.z)) <= t f(a.x) + (1-t) f(a.z).
3. *f(g(x)) is convex for convex g and f convex and nondecreasing on the interval that g reaches.*
   g(t x + (1-t) z) <= t g(x) + (1-t) g(z); both sides lie in that interval, so f, being
   nondecreasing, keeps the order: f(g(t x + (1-t) z)) <= f(t g(x) + (1-t) g(z)), and convexity of f
   bounds the right side by t f(g(x)) + (1-t) f(g(z)).
"""


def page(rows: list[Row]) -> str:
    """The page as markdown, for the verdicts on all claims in their order."""
    return "\n".join([HEAD, *claims_table(rows), "", PROOFS, *log_log_section(), "", *repairs()])


def claims_table(rows: list[Row]) -> Iterator[str]:
    """The table, one row a claim."""
    yield "| the post | asked | verdict | evidence | correct statement |"
    yield "|---|---|---|---|---|"
    for claim, row in zip(CLAIMS, rows, strict=True):
        yield (
            f"| {cell(claim.post)} | `{claim.asked}` | {row['verdict']} | {cell(row['evidence'])} "
            f"| {cell(claim.corrected)} |"
        )


def log_log_section() -> list[str]:
    """What the post's network is, where it is not convex."""
    verdict = convexity(smallest(), "weights", inputs="nonneg")
    alone = ", ".join(name for name, convex in verdict.blocks["single"].items() if convex)
    return [
        "## What the post's network is instead",
        "",
        "With x > 0 and all W > 0 the network is not convex in its weights, but:",
        "",
        *[f"* {name}: {answer}" for name, answer in verdict.disciplines.items()],
        f"* convex in each of these layers alone: {alone}",
    ]


def repairs() -> Iterator[str]:
    """Which changes restore convexity, and what each costs."""
    X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 0.5]])
    y = np.array([1.0, -1.0, 1.0, -1.0])
    trained = {"loss": "logistic", "data": (X, y)}
    questions = {
        "two-layer ReLU training, logistic loss, all weights": convexity(
            two_layers(ReLU()), "weights", **trained
        ),
        "two-layer ReLU network in its input, output weights of any sign": convexity(
            two_layers(ReLU()), "input"
        ),
        "the post's network in all weights": convexity(smallest(), "weights", inputs="nonneg"),
    }
    yield "## Repairs, each with a verdict of its own\n"
    for title, verdict in questions.items():
        yield f"*{title}*\n"
        yield from (f"* {r.change}: {r.outcome}. Cost: {r.cost}." for r in verdict.repairs)
        yield ""
