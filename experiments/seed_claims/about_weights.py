"""What the experiment says about weights: the saddle, one unit, swapped units, what remains."""

from __future__ import annotations

from cvxnet.analysis.verdicts import BLOCK_WORDS
from experiments.report import Report, Row
from experiments.seed_claims import pictures
from experiments.seed_claims.remains import CURVED, LOSSES, PARTS, bend_in_logs, bent, remaining
from experiments.seed_claims.swapped import between_swapped
from experiments.seed_claims.two_nodes import CLOSE
from experiments.seed_claims.witnesses import ASKED, BY_HAND, as_by_hand, witness


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
    concave = "concavity open" if product["concave"] else "not concave"
    curvatures = [concave, product["quasi"], product["log-log"]]
    report.expect(
        "w1 w2 for positive weights",
        expected="not concave, quasiconcave, log-log affine",
        found=", ".join(curvatures),
        holds=curvatures == ["not concave", "quasiconcave", "log-log affine"],
        source="a monomial; Boyd and Vandenberghe 2004, section 3.4",
    )
    tell_product(report, product)
    tell_unit(report, unit)


def tell_product(report: Report, product: Row) -> None:
    """The surface of w1 w2."""
    report.answer(
        "Is a network convex in its weights if inputs and weights are non-negative?",
        f"""No. The smallest such network is w2 relu(w1 x); for x = 1 and weights that are not
        negative it is the product w1 w2. At {tuple(product["a"])} and {tuple(product["b"])} it is
        {product["chord"]:g}, and half-way between them {product["midpoint"]:g}, above the straight
        line. Each weight alone enters linearly; two layers at once multiply.""",
        pictures.surface(product),
        "surface",
    )


def tell_unit(report: Report, unit: Row) -> None:
    """One unit, and one label."""
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
    tell_swapped(report, rows, worse)


def tell_swapped(report: Report, rows: list[Row], worse: list[float]) -> None:
    """The line between two optima."""
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
        expected = BLOCK_WORDS[part.convex]
        report.expect(
            row["asked"],
            expected=expected,
            found=f"{row['verdict']}; on the line shown {shown} its chord",
            holds=row["verdict"]
            == BLOCK_WORDS[part.convex]
            == BLOCK_WORDS[row["above the chord"] <= 0.0],
            source=part.source,
        )
    tell_remaining(report, rows, bend_losses(report))


def bend_losses(report: Report) -> list[Row]:
    """Which losses bear logarithms."""
    bends = report.table("logarithms", bend_in_logs, [{"loss": name} for name in LOSSES])
    for row in bends:
        report.expect(
            f"log of {row['loss']} in the logarithms of positive scores",
            expected=CURVED[row["loss"]],
            found=f"{bent(row)}: second differences {row['least']:.3g} to {row['largest']:.3g}",
            holds=bent(row) == CURVED[row["loss"]],
            source="second derivative by hand",
        )
    return bends


def tell_remaining(report: Report, rows: list[Row], bends: list[Row]) -> None:
    """What is convex, in words and lines."""
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
