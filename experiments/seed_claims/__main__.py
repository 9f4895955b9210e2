"""The post in the frame of the experiments: tables, expectations, pictures, answers."""

from __future__ import annotations

import itertools
from argparse import ArgumentParser
from pathlib import Path

import numpy as np

from experiments import seed_claims
from experiments.report import Report, Row
from experiments.seed_claims import pictures
from experiments.seed_claims.claims import CLAIMS, decided
from experiments.seed_claims.page import page
from experiments.seed_claims.remains import CURVED, LOSSES, PARTS, bend_in_logs, bent, remaining
from experiments.seed_claims.swapped import between_swapped
from experiments.seed_claims.two_nodes import (
    LABELS,
    LAYERS,
    SAMPLES,
    WEIGHT_DECAY,
    one_sample,
    trained,
    verdict_on,
)
from experiments.seed_claims.witnesses import ASKED, BY_HAND, as_by_hand, witness

CLOSE = 1e-6
"""Relative difference of two optima that are the same number by theory."""
WORDS = {True: "convex", False: "not convex"}


def more(parser: ArgumentParser) -> None:
    """The option of this experiment."""
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the claims as markdown")


def judge_claims(report: Report) -> None:
    """Every claim, against what the rules of convex analysis say."""
    rows = report.table("claims", decided, [{"number": k} for k in range(len(CLAIMS))])
    for claim, row in zip(CLAIMS, rows, strict=True):
        expected = WORDS[claim.convex]
        report.expect(
            claim.asked,
            expected=expected,
            found=row["verdict"],
            holds=row["verdict"] == expected,
            source=claim.source,
        )
    if report.options.page:
        report.options.page.write_text(page(rows), encoding="utf-8")


def show_witnesses(report: Report) -> None:
    """The counterexamples, with the pictures of two of them."""
    rows = report.table("witnesses", witness, [{"function": name} for name in ASKED])
    for row in rows:
        ends, chord, midpoint = BY_HAND[row["function"]]
        report.expect(
            f"counterexample to convexity of {row['function']}",
            expected=f"ends {ends[0]} and {ends[1]}, chord {chord:g}, midpoint {midpoint:g}",
            found=f"ends {row['ends']}, chord {row['chord']:.4f}, midpoint {row['midpoint']:.4f}",
            holds=as_by_hand(row),
            source="by hand",
        )
    product, _, unit = rows
    report.expect(
        "w1 w2 for positive weights",
        expected="not concave either, but log-log affine",
        found=f"{'concavity open' if product['concave'] else 'not concave'}, {product['log-log']}",
        holds=not product["concave"] and product["log-log"] == "log-log affine",
        source="a monomial; (0, 0), (1, 1), (2, 2)",
    )
    report.answer(
        "Is a network convex in its weights if inputs and weights are non-negative?",
        f"""No. The smallest such network is w2 relu(w1 x); for x = 1 and weights that are not
        negative it is the product w1 w2. At {tuple(product["a"])} and {tuple(product["b"])} it is
        {product["chord"]:g}, and half-way between them {product["midpoint"]:g}, above the straight
        line. Each weight alone enters linearly; two layers at once multiply.""",
        pictures.surface(product),
        "surface",
    )
    report.answer(
        "Is the loss of a single unit convex in its weight?",
        f"""For label +1 it is not: log(1 + exp(-relu(w))) is {unit["midpoint"]:.4f} at 0, and the
        mean of its values at -1 and 1 is {unit["chord"]:.4f}. For label -1 it is convex: the loss
        rises with the score, and the score is convex. Samples of both labels need the score and its
        negative, and both are convex only where the score is affine.""",
        pictures.one_unit(),
        "one-unit",
    )


def swap_units(report: Report) -> None:
    """Optima that differ in the order of their units only."""
    settings = [{"seed": k} for k in range(report.options.seeds)]
    rows = report.table("swapped", between_swapped, settings)
    worse = [row["midpoint"] / row["optimum"] for row in rows if row["units"] > 1]
    report.expect(
        "midpoint between an optimum and the same with other places for its units",
        expected="never below the optimum; with more than one unit, above it",
        found=f"from {min(worse):.4g} to {max(worse):.4g} times the optimum",
        holds=min(row["midpoint"] - row["lower"] for row in rows) >= 0.0 and min(worse) > 1.0,
        source="the optimum is proved; units of an optimum with fewest units differ",
    )
    matched = [row["midpoint of matched"] / row["optimum"] for row in rows]
    report.expect(
        "the same after matching the units",
        expected="the optimum itself",
        found=f"at most {max(matched):.10g} times the optimum",
        holds=max(matched) < 1.0 + CLOSE,
        source="the two networks are one: Ainsworth, Hayase and Srinivasa 2023",
    )
    first = rows[0]
    report.answer(
        "Why can training all weights at once not be convex?",
        f"""Swap two hidden units, and the network stays what it is, at another point of the space
        of weights. Both ends of this line are global optima, {first["optimum"]:.4f}, and a convex
        function would be no higher between them. Half-way the objective is
        {first["midpoint"]:.4f}. Over {len(rows)} seeds of the data the midpoint was between
        {min(worse):.3g} and {max(worse):.3g} times the optimum. Once the units are matched, nothing
        is left of it.""",
        pictures.swapped(first),
        "swapped",
    )


def list_what_remains(report: Report) -> None:
    """One layer, logarithms, inputs, the last layer; and which losses bear logarithms."""
    rows = report.table("remains", remaining, [{"number": k} for k in range(len(PARTS))])
    for part, row in zip(PARTS, rows, strict=True):
        shown = "above" if row["above the chord"] > 0.0 else "not above"
        report.expect(
            row["asked"],
            expected=WORDS[part.convex],
            found=f"{row['verdict']}; on the line shown {shown} its chord",
            holds=row["verdict"] == WORDS[part.convex] == WORDS[row["above the chord"] <= 0.0],
            source=part.source,
        )
    bends = report.table("logarithms", bend_in_logs, [{"loss": name} for name in LOSSES])
    for row in bends:
        report.expect(
            f"log of {row['loss']} in the logarithms of positive scores",
            expected=CURVED[row["loss"]],
            found=f"{bent(row)}: second differences {row['least']:.3g} to {row['largest']:.3g}",
            holds=bent(row) == CURVED[row["loss"]],
            source="second derivative by hand",
        )
    is_ = [row["verdict"] for row in rows]
    report.answer(
        "What remains convex in a network?",
        f"""The cross entropy of two output nodes is {is_[0]} in the first layer alone, {is_[1]} in
        the last layer alone, {is_[2]} in both at once. A network of positive weights is {is_[4]} in
        them, but its logarithm is {is_[3]} in their logarithms. In its input a network is {is_[5]}
        where output weights are not negative, and {is_[6]} where they have any sign. For samples of
        both labels the logistic loss is {is_[7]} in the last layer and {is_[8]} in the first. And
        logarithms help only with losses that bear them: there softplus(y) is {bent(bends[0])},
        softplus(-y) {bent(bends[1])}, and softplus(y0 - y1), which is cross entropy,
        {bent(bends[2])}.""",
        pictures.remaining(rows),
        "remains",
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
    wrong = [row for row in rows if row["verdict"] != WORDS[is_affine(row)]]
    report.expect(
        "cross entropy of two output nodes, for all unknowns, signs and labels",
        expected="convex exactly where the scores are affine in the unknowns",
        found=f"so in {len(rows) - len(wrong)} of {len(rows)} cases",
        holds=not wrong,
        source="softplus of an affine function, else a difference of convex functions",
    )
    alike = {tuple(row["verdict"] for row in rows if row["labels"] == label) for label in LABELS}
    same = "the same" if len(alike) == 1 else "not the same"
    together = {row["verdict"] for row in rows if row["unknown"] == "all weights"}
    report.answer(
        "Where does the trail of convexity end for two output nodes?",
        f"""In all weights at once it is {" or ".join(together)}, for all signs and labels: two
        layers multiply. One layer at a time, theory says, it is convex where both scores are
        affine: in the last layer, and in the first one if no unit clips; verdicts agree in
        {len(rows) - len(wrong)} of {len(rows)} cases. So the vector [1, -1] does harm only where
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


def main(argv: list[str]) -> int:
    """Judge, show, train, and say what came out."""
    report = Report("seed_claims", seed_claims.__doc__, argv, seeds=(10, 1), more=more)
    for part in (
        judge_claims,
        show_witnesses,
        swap_units,
        list_what_remains,
        judge_two_nodes,
        train_two_nodes,
    ):
        part(report)
    return report.close()
