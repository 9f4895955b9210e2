"""What the experiment says about two output nodes: verdicts, and exact training."""

from __future__ import annotations

import itertools

import numpy as np

from cvxnet.analysis.verdicts import BLOCK_WORDS
from experiments.report import Report, Row
from experiments.seed_claims import pictures
from experiments.seed_claims.two_nodes import (
    CLOSE,
    LABELS,
    LAYERS,
    SAMPLES,
    WEIGHT_DECAY,
    one_sample,
    trained,
    verdict_on,
)


def judge_two_nodes(report: Report) -> None:
    """The network that the post ends with: which weights, signs and labels are convex."""
    signs = list(itertools.product(SAMPLES, SAMPLES))
    if report.options.quick:
        signs = [(weights, inputs) for weights, inputs in signs if weights == inputs]
    settings = [
        {"unknown": unknown, "weights": weights, "inputs": inputs, "labels": labels}
        for (weights, inputs), labels, unknown in itertools.product(signs, LABELS, LAYERS)
    ]
    rows = report.table("two-nodes", verdict_on, settings)
    wrong = [row for row in rows if row["verdict"] != BLOCK_WORDS[is_affine(row)]]
    report.expect(
        "cross entropy of two output nodes, for all unknowns, signs and labels",
        expected="convex exactly where the scores are affine in the unknowns",
        found=f"so in {len(rows) - len(wrong)} of {len(rows)} cases",
        holds=not wrong,
        source="softplus of an affine function, else a difference of convex functions",
    )
    tell_two_nodes(report, rows, len(rows) - len(wrong))


def tell_two_nodes(report: Report, rows: list[Row], agreed: int) -> None:
    """Where convexity ends, in words and fields."""
    alike = {tuple(row["verdict"] for row in rows if row["labels"] == label) for label in LABELS}
    same = "the same" if len(alike) == 1 else "not the same"
    together = {row["verdict"] for row in rows if row["unknown"] == "all weights"}
    report.answer(
        "Where does the trail of convexity end for two output nodes?",
        f"""In all weights at once it is {" or ".join(together)}, for all signs and labels: two
        layers multiply. One layer at a time, theory says, it is convex where both scores are
        affine: in the last layer, and in the first one if no unit clips; verdicts agree in
        {agreed} of {len(rows)} cases. So the vector [1, -1] does harm only where
        units clip; and there it does so for any labels, because y0 - y1 has both signs in it: for
        class 1 alone the verdicts are {same} as for samples of both classes.""",
        pictures.grid_of_verdicts(rows),
        "two-nodes",
    )


def is_affine(row: Row) -> bool:
    """Whether scores are affine in the unknowns: the last layer, or a first one without a clip."""
    clips = row["weights"] != ">= 0" or row["inputs"] != ">= 0"
    return row["unknown"] == "the last layer" or (row["unknown"] == "the first layer" and not clips)


def train_two_nodes(report: Report) -> None:
    """What exact training gives: with the post's signs, and without."""
    starts = 5 if report.options.quick else 20
    [one] = report.table("one-sample", sample_of_class_one, [{"weight_decay": WEIGHT_DECAY}])
    settings = [{"seed": k, "starts": starts} for k in range(report.options.seeds)]
    rows = report.table("trained", trained, settings)
    expect_theory(report, one, rows)
    expect_training(report, rows)
    first = rows[0]
    reached = np.mean([row["reached"] for row in rows])
    post, free = (100 * np.mean([r[f"{w} correct"] for r in rows]) for w in ("post", "free"))
    report.answer(
        "What does training the two-output network exactly give?",
        f"""With inputs and weights >= 0 no unit clips. All that the network can be is a linear
        border, and its training, not convex in the two layers, is convex in their product: logistic
        regression. Local search from random weights reached that optimum in
        {100 * reached:.0f} % of {starts * len(rows)} runs. The sign constraint has removed the
        network: on four clouds crosswise it has {post:.0f} % of the samples right. With weights of
        any sign the global optimum is bracketed by column generation: on the data shown it lies
        between {first["free lower"]:.6f} and {first["free"]:.6f} with {first["units"]} units,
        against {first["post"]:.4f} for the post's network, and over all data {free:.0f} % are
        right.""",
        pictures.trained(first, rows),
        "trained",
    )


def sample_of_class_one(weight_decay: float) -> Row:
    """The post's single sample, here (1, 2)."""
    return one_sample(np.array([1.0, 2.0]), weight_decay)


def expect_theory(report: Report, one: Row, rows: list[Row]) -> None:
    """What theory says about exact training of two output nodes."""
    off = max(abs(one[name] / one[f"{name} by hand"] - 1.0) for name in ("post", "free"))
    report.expect(
        "one sample x of class 1: the optimum",
        expected=f"entropy of decay / |x|: {one['post by hand']:.6f} with the post's signs; of "
        f"decay / (sqrt(2) |x|): {one['free by hand']:.6f} without",
        found=f"{one['post']:.6f} and {one['free']:.6f}",
        holds=off < CLOSE,
        source="the dual problem, by hand",
    )
    below = min(row["best search"] / row["post"] - 1.0 for row in rows)
    nearest = max(row["best search"] / row["post"] - 1.0 for row in rows)
    report.expect(
        "the post's network: convex problem in W2 W1 against local search in (W1, W2)",
        expected="no search below the optimum, the best of each data set at it",
        found=f"relative excess of the best from {below:.2g} to {nearest:.2g}",
        holds=below >= -CLOSE and nearest <= CLOSE,
        source="nuclear norm of non-negative matrices, by hand",
    )


def expect_training(report: Report, rows: list[Row]) -> None:
    """What theory says about networks without signs."""
    off = max(abs(row["free"] - row["one node"]) / row["free"] for row in rows)
    report.expect(
        "two nodes and cross entropy against one node, logistic loss and decay / sqrt(2)",
        expected="one optimum",
        found=f"relative difference at most {off:.2g}",
        holds=off < CLOSE,
        source="output weights are worth least as (-c/2, c/2), by hand",
    )
    gap = max(1.0 - row["free lower"] / row["free"] for row in rows)
    report.expect(
        "training two output nodes, weights of any sign",
        expected="a bracket closed to 1e-6",
        found=f"relative gap at most {gap:.2g}",
        holds=gap <= CLOSE,
        source="Bengio et al. 2005: convex in the function of all units",
    )
