"""What was expected beside what came out, and answers in words."""

from __future__ import annotations

from collections import Counter

import numpy as np

from experiments.report import Report, Row
from experiments.yuan2010 import pictures
from experiments.yuan2010.measures import LEVELS, OURS, THEIRS
from experiments.yuan2010.pictures import SAID, SHORTLY, in_words
from experiments.yuan2010.running import SKIPPED
from experiments.yuan2010.solvers import LOSSES

REFERENCES = {0.1: (12.22277928, 9), 1.0: (46.08174039, 16)}
"""Optimum and weights that are not zero by C: breast_cancer, all samples, logistic loss."""


def expect_references(report: Report, rows: list[Row]) -> None:
    """The numbers that were computed before, on all samples of breast_cancer."""
    for C, (value, nonzeros) in REFERENCES.items():
        mine = [row for row in rows if row["C"] == C]
        report.expect(
            f"breast_cancer, all samples, logistic loss, C = {C:g}",
            expected=f"f* = {value:.8f}, {nonzeros} weights that are not 0",
            found="; ".join(
                f"{row['solver']} {row['value']:.8f}, {row['nonzeros']}" for row in mine
            ),
            holds=all(
                abs(row["value"] / value - 1.0) < 1e-8 and row["nonzeros"] == nonzeros
                for row in mine
            ),
            source="computed beforehand with liblinear and CVXPY, which agree to 1e-12",
        )
    slopes = {row["C"]: row["subgradient"] for row in rows if row["solver"] == THEIRS}
    report.expect(
        "liblinear (scikit-learn) at tolerance 1e-10: length of the shortest subgradient",
        expected="below 1e-6",
        found=", ".join(f"{slope:.1e} (C = {C:g})" for C, slope in slopes.items()),
        holds=max(slopes.values()) < 1e-6,
        source="computed beforehand on the same data",
    )


def expect(report: Report, times: list[Row], optima: list[Row]) -> None:
    """Headlines of the papers, as far as they can be held against what came out."""
    report.expect(
        "the smallest objective that was found is the minimum",
        expected="dual vectors prove lower bounds within 1e-6 of it, and none above",
        found=f"relative gaps from {min(row['gap'] for row in optima):.1e} to "
        f"{max(row['gap'] for row in optima):.1e}",
        holds=all(-1e-12 <= row["gap"] <= 1e-6 for row in optima),
        source="weak duality",
    )
    expect_before_saga(report, times)
    for loss, kind in (("squared_hinge", "CDN"), ("logistic", "newGLMNET")):
        mine = [row for row in times if row["name"] == "sparse" and row["loss"] == loss]
        took = [(row["1e-4"], row["solver"]) for row in mine if row["1e-4"] is not None]
        if took:
            report.expect(
                f"large sparse data, {SAID[loss]}: who is first within 1e-4",
                expected=f"liblinear ({kind})",
                found=", ".join(f"{solver} {in_words(s)}" for s, solver in sorted(took)),
                holds="liblinear" in min(took)[1],
                source=PAPERS[loss],
            )


PAPERS = {
    "squared_hinge": "Yuan, Chang, Hsieh and Lin 2010, abstract: coordinate descent is best for "
    "large document data",
    "logistic": "Yuan, Ho and Lin 2012 (JMLR 13), abstract: newGLMNET for the logistic loss",
}


def expect_before_saga(report: Report, times: list[Row]) -> None:
    """liblinear against scikit-learn's other solver for an L1 penalty."""
    pairs = {}
    for row in times:
        if row["solver"] in (THEIRS, "saga") and row["loss"] == "logistic":
            pairs.setdefault((row["name"], row["seed"]), {})[row["solver"]] = row["1e-4"]
    report.expect(
        "logistic loss: liblinear (scikit-learn) reaches 1e-4 before saga",
        expected="on every set",
        found=", ".join(
            f"{name} {said(pair[THEIRS])} against {said(pair['saga'])}"
            for (name, _), pair in pairs.items()
        ),
        holds=all(
            pair[THEIRS] is not None and pair[THEIRS] < (pair["saga"] or np.inf)
            for pair in pairs.values()
        ),
        source="computed beforehand on breast_cancer",
    )


def said(seconds: float | None) -> str:
    """Seconds, or that there are none."""
    return "not reached" if seconds is None else in_words(seconds)


# What is answered


def answer_times(report: Report, times: list[Row]) -> None:
    """Who is first at each level, and who is last."""
    problems = list(dict.fromkeys((row["name"], row["loss"], row["seed"]) for row in times))
    columns = [
        [row for row in times if (row["name"], row["loss"], row["seed"]) == key] for key in problems
    ]
    sentences = [firsts(columns, level) for level in LEVELS]
    report.answer(
        "Which solver is within one part in ten thousand of the optimum first?",
        f"Of {len(problems)} problems, {'; '.join(sentences)}. {slowest(columns)} "
        f"{ours(columns)} {absent(times)}",
        pictures.table_of_times(
            [row for row in times if row["seed"] == 0], "1e-4", ["1e-2", "1e-6"]
        ),
        "times",
    )


def firsts(columns: list[list[Row]], level: str) -> str:
    """How often each solver is first at a level."""
    winners = Counter(
        min((row for row in column if row[level] is not None), key=lambda row: row[level])["solver"]
        for column in columns
        if any(row[level] is not None for row in column)
    )
    said = ", ".join(f"{solver} {count} times" for solver, count in winners.most_common())
    return f"first within {level} are {said}"


def slowest(columns: list[list[Row]]) -> str:
    """The largest ratio to the first, and who did not arrive."""
    ratios, missing = [], Counter()
    for column in columns:
        took = {row["solver"]: row["1e-4"] for row in column if row["1e-4"] is not None}
        if took:
            last = max(took, key=took.__getitem__)
            ratios.append((took[last] / min(took.values()), last, column[0]))
        missing.update(row["solver"] for row in column if not row["outcome"] and not row["1e-4"])
    ratio, last, row = max(ratios, key=lambda each: each[0])
    late = ", ".join(f"{solver} {count} times" for solver, count in missing.items())
    return (
        f"Within 1e-4, the slowest beside the first is {last} on {row['name']} "
        f"({SAID[row['loss']]}): {ratio:.0f} times its seconds. "
        + (f"In the time that they were given, these did not get there: {late}." if late else "")
    )


def ours(columns: list[list[Row]]) -> str:
    """cvxnet beside the first, within 1e-6."""
    ratios = []
    for column in columns:
        took = {row["solver"]: row["1e-6"] for row in column if row["1e-6"] is not None}
        if OURS in took:
            ratios.append((took[OURS] / min(took.values()), column[0]["name"]))
    if not ratios:
        return ""
    (least, here), (most, there) = min(ratios), max(ratios)
    return (
        f"Within 1e-6, cvxnet takes {least:.0f} ({here}) to {most:.0f} times ({there}) the seconds "
        "of the first, and proves it."
    )


def absent(times: list[Row]) -> str:
    """Who was not there."""
    gone = dict.fromkeys(row["solver"] for row in times if row["outcome"] in ("absent", SKIPPED))
    return f"Not run here: {', '.join(gone)}." if gone else ""


def answer_curves(
    report: Report, name: str, points: list[Row], optima: list[Row], times: list[Row]
) -> None:
    """The four measures on one set."""
    mine = [row for row in points if row["name"] == name and row["seed"] == 0]
    sizes = next(row for row in optima if row["name"] == name)
    sentences = [
        of_loss(loss, [row for row in mine if row["loss"] == loss], row)
        for loss in LOSSES
        for row in optima
        if row["name"] == name and row["loss"] == loss and row["seed"] == 0
    ]
    first = " and ".join(
        leader([row for row in times if (row["name"], row["loss"], row["seed"]) == (name, loss, 0)])
        for loss in LOSSES
    )
    report.answer(
        f"How do the solvers come near the optimum on {name}?",
        f"{sizes['n']} samples to train on, {sizes['d']} features. {' '.join(sentences)}",
        pictures.curves(mine, f"{name} ({sizes['n']} x {sizes['d']}), first within 1e-4: {first}"),
        name.replace(" ", "_"),
    )


def leader(column: list[Row]) -> str:
    """Who is first within 1e-4 of one problem."""
    reached = [row for row in column if row["1e-4"] is not None]
    if not reached:
        return "nobody"
    first = min(reached, key=lambda row: row["1e-4"])
    return f"{first['solver']}, {in_words(first['1e-4'])} ({SHORTLY[first['loss']]})"


def of_loss(loss: str, points: list[Row], best: Row) -> str:
    """What is to be said of one loss."""
    good = [row for row in points if row["error"] <= LEVELS["1e-2"]]
    accuracies = [row["accuracy"] for row in good]
    full = sorted({row["solver"] for row in good if row["nonzeros"] == best["d"]})
    dense = f"; {', '.join(full)} leave none at 0" if full and best["nonzeros"] < best["d"] else ""
    return (
        f"With the {SAID[loss]}, C = {best['C']:g}, the minimum is {best['value']:.8g} (proved to "
        f"a relative {max(best['gap'], 1e-16):.0e}), with {best['nonzeros']} weights that are not "
        f"0{dense}. Runs within 1e-2 of it have held-out accuracies from {min(accuracies):.3f} to "
        f"{max(accuracies):.3f}.{turned_back(points)}"
    )


def answer_growth(report: Report, rows: list[Row]) -> None:
    """cvxnet beside liblinear on growing dense data."""
    most = max(row["d"] for row in rows)
    largest = [row for row in rows if row["d"] == most]
    numbers = "; ".join(
        f"{SAID[row['loss']]}: {in_words(row[OURS])}, liblinear {said(row[THEIRS])}, "
        f"{row['units']} weights that are not 0"
        for row in largest
    )
    report.answer(
        "How far do coordinate units of cvxnet carry?",
        f"Dense data, weight decay a tenth of the largest useful one, bracket closed to 1e-6. With "
        f"{most} features and an eighth as many samples cvxnet takes, {numbers}. The seconds "
        "of cvxnet prove its bracket, those of liblinear (scikit-learn) are those of the first run "
        "that came as near; to know that, one must know the optimum.",
        pictures.growth(rows),
        "growth",
    )


def turned_back(points: list[Row]) -> str:
    """Whose finest tolerance gave much less than a coarser one: its iterations were over."""
    said = []
    for solver in dict.fromkeys(row["solver"] for row in points):
        mine = sorted(
            (row for row in points if row["solver"] == solver), key=lambda row: -row["tolerance"]
        )
        least, last = min(row["error"] for row in mine), mine[-1]["error"]
        if last > max(1e-6, 100.0 * least):
            said.append(
                f"{solver} ends {last:.0e} above at its finest tolerance ({least:.0e} before)"
            )
    return f" Out of iterations, {'; '.join(said)}." if said else ""
