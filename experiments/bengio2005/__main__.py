"""Tables, what was expected, and answers."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from experiments import bengio2005
from experiments.bengio2005 import measures, pictures
from experiments.bengio2005.comparison import APPROXIMATE, learners
from experiments.bengio2005.rows import NOISES, distinct, mean, percent, pick, runs, span
from experiments.report import Report, Row

REFERENCE = {0: 2.9525, 1: 2.9530}
"""Objectives at noise .1 by seed: computed here earlier as a Lasso over all dichotomies."""
WIDTHS = (("hinge", "moons"), ("hinge", "random labels"), ("squared", "random numbers"))
SHARE = {"hinge": 0.01, "squared": 0.001}
"""Weight decay for the widths, of the largest useful one."""
SIZES = (30.0, 10.0, 3.0, 1.0, 0.1)
NONE = ("none, same units", "none, unit by unit")
RADII = (1.0, 3.0, 10.0, 30.0, 100.0)


def reference(report: Report) -> None:
    """The values known from before."""
    seeds = [seed for seed in REFERENCE if not (report.options.quick and seed)]
    settings = [{"n": 100, "noise": 0.1, "seed": seed} for seed in seeds]
    rows = report.table("reference", measures.by_train, settings)
    for row in rows:
        expected = REFERENCE[row["seed"]]
        report.expect(
            f"optimum, n = 100, noise .1, seed {row['seed']}",
            expected=f"{expected}, and a lower bound with the same digits",
            found=f"{row['value']:.6f}, lower bound {row['lower']:.6f}",
            holds=abs(row["value"] - expected) < 6e-5 and row["value"] - row["lower"] < 5e-5,
            source="a Lasso over all 4951 dichotomies, computed for this project before",
        )
    counted = {"n": 40 if report.options.quick else 100, "noise": 0.1, "seed": 0}
    count = report.table("columns", measures.columns, [counted])[0]
    report.expect(
        f"dichotomies of {count['n']} points up to their sign",
        expected=str(count["formula"]),
        found=str(count["columns"]),
        holds=count["columns"] == count["formula"],
        source="(n^2 - n + 2) / 2, which is 4951 for n = 100; Cover 1965",
    )


def widths(report: Report) -> None:
    """How many units an optimum takes."""
    sizes, seeds = (
        ((6, 12), 1) if report.options.quick else ((10, 20, 40), min(5, report.options.seeds))
    )
    settings = [
        {"loss": loss, "data": data, "share": SHARE[loss], "n": n, "seed": seed}
        for (loss, data), n, seed in product(WIDTHS, sizes, range(seeds))
    ]
    rows = report.table("widths", measures.width, settings)
    expect_widths(report, rows)
    simple, random = pick(rows, data="moons"), pick(rows, data="random labels")
    numbers = pick(rows, data="random numbers")
    beyond = sum(row["units"] > row["n"] for row in rows)
    report.answer(
        "How many units does an optimum need?",
        f"Of {len(rows)} optima {beyond} have more units than samples. On moons with "
        f"{span(simple, 'n')} samples and hinge loss a vertex of the linear program has "
        f"{span(simple, 'vertex_units')}; cn.train returns {span(simple, 'units')} for the same "
        "value: the hinge loss leaves predictions free beyond the margin, and any network of the "
        "optimal face will do. With random labels a vertex has "
        f"{span(random, 'vertex_units')}; random numbers, squared loss and almost no penalty, "
        f"take {span(numbers, 'units')}.",
        pictures.widths(rows),
        "widths",
    )


def expect_widths(report: Report, rows: list[Row]) -> None:
    """The bounds of theory."""
    vertices = pick(rows, loss="hinge")
    report.expect(
        "hinge loss: units of a vertex of the whole linear program",
        expected="at most n + 1 (theorem 3.1); at most n, as the program has n rows",
        found=f"at most n {most_beyond(vertices, 'vertex_units'):+d} in {len(vertices)} problems",
        holds=most_beyond(vertices, "vertex_units") <= 0,
        source="Bengio et al. 2005, theorem 3.1; Caratheodory on a face",
    )
    differ = max(abs(row["vertex_value"] / row["value"] - 1.0) for row in vertices)
    report.expect(
        "hinge loss: cn.train and the whole linear program",
        expected="the same optimum",
        found=f"relative difference at most {differ:.1e}",
        holds=differ < 1e-5,
        source="Bengio et al. 2005, theorem 3.1: it is a linear program",
    )
    needed = pick(rows, loss="squared")
    report.expect(
        "units of cn.train, both losses",
        expected="at most n, and n for random numbers and almost no penalty",
        found=f"at most n {most_beyond(rows, 'units'):+d}; n in "
        f"{sum(row['units'] == row['n'] for row in needed)} of {len(needed)} with random "
        "numbers",
        holds=most_beyond(rows, "units") <= 0 and any(row["units"] == row["n"] for row in needed),
        source="Caratheodory on a face: n units suffice",
    )


def most_beyond(rows: list[Row], key: str) -> int:
    """The most by which a count is beyond n."""
    return max(row[key] - row["n"] for row in rows)


def tanh_units(report: Report, optima: list[Row]) -> None:
    """Tanh units by radius."""
    radii, seconds = ((3.0, 30.0), 0.2) if report.options.quick else (RADII, 15.0)
    settings = [row | {"seconds": seconds} for row in runs(report, radius=radii) if row["seed"] < 2]
    rows = report.table("tanh", measures.tanh, settings)
    expect_nested(report, rows, radii)
    best = {noise: best_radius(pick(rows, noise=noise)) for noise in NOISES}
    parts = [
        f"at noise {noise:g} it was best, {percent(best[noise][1])}, at length {best[noise][0]:g}, "
        f"where sign units have {percent(sign_error(optima, noise, rows))}"
        for noise in NOISES
    ]
    closed = sum(row["status"] == "optimal" for row in rows)
    report.answer(
        "What changes with tanh in place of sign?",
        f"Without a bound on the hidden weights the best unit may be a sign unit, which no tanh "
        f"unit is, so there is a bound. Test error: {'; '.join(parts)}. The bracket closed "
        f"to 1e-4 in {closed} of {len(rows)} trainings of at most {seconds:g} s. Its mean "
        f"width was {mean_gap(rows, radii[0]):.0e} of the objective at length {radii[0]:g} and "
        f"{mean_gap(rows, radii[-1]):.0e} at {radii[-1]:g}.",
        pictures.tanh(rows, optima),
        "tanh",
    )


def expect_nested(report: Report, rows: list[Row], radii: tuple[float, ...]) -> None:
    """Longer weights, lower objective."""
    ends = {
        (noise, radius): mean(rows, "value", noise=noise, radius=radius)
        for noise, radius in product(NOISES, radii)
    }
    falls = all(
        ends[noise, larger] <= ends[noise, smaller] * (1.0 + 1e-3)
        for noise in NOISES
        for smaller, larger in pairwise(radii)
    )
    report.expect(
        "tanh units: the objective falls as longer hidden weights are allowed",
        expected="it falls at every step",
        found="; ".join(
            f"noise {noise:g}: " + ", ".join(f"{ends[noise, radius]:.2f}" for radius in radii)
            for noise in NOISES
        ),
        holds=falls,
        source="the sets of units are nested",
    )


def mean_gap(rows: list[Row], radius: float) -> float:
    """The mean relative width of the bracket."""
    return float(np.mean([1.0 - row["lower"] / row["value"] for row in pick(rows, radius=radius)]))


def best_radius(rows: list[Row]) -> tuple[float, float]:
    """The radius with the least mean test error, and that."""
    errors = {
        radius: mean(rows, "test_error", radius=radius) for radius in distinct(rows, "radius")
    }
    best = min(errors, key=errors.__getitem__)
    return best, errors[best]


def sign_error(optima: list[Row], noise: float, rows: list[Row]) -> float:
    """The mean test error of sign units for the same seeds."""
    seeds = distinct(rows, "seed")
    return float(
        np.mean([row["test_error"] for row in pick(optima, noise=noise) if row["seed"] in seeds])
    )


def penalties(report: Report) -> list[Row]:
    """The L1 penalty against none."""
    sizes = (10.0, 1.0) if report.options.quick else SIZES
    kinds = [("L1", size) for size in sizes] + [(how, 0.0) for how in NONE]
    settings = [
        row | dict(zip(("how", "size"), row.pop("kind"), strict=True))
        for row in runs(report, kind=kinds)
    ]
    rows = report.table("penalties", measures.penalty, settings)
    sentences = [penalty_sentence(pick(rows, noise=noise), noise) for noise in NOISES]
    report.answer(
        "Is the L1 penalty worth having?",
        " ".join(sentences) + " Unit by unit is ConvexNN with lambda = 0: exact steps until no "
        "residual is left. The units that lambda = 1 has chosen, with output weights fitted "
        "without a penalty, show what the penalty does beyond choosing units.",
        pictures.penalties(rows),
        "penalties",
    )
    return rows


def penalty_sentence(rows: list[Row], noise: float) -> str:
    """The best penalty, beside none."""
    sizes = distinct(pick(rows, how="L1"), "size")
    errors = {size: mean(rows, "test_error", how="L1", size=size) for size in sizes}
    best = min(errors, key=errors.__getitem__)
    same, grown = NONE
    return (
        f"At noise {noise:g} the least mean test error is that of lambda = {best:g}, "
        f"{percent(errors[best])} with {mean(rows, 'units', how='L1', size=best):.1f} units; "
        f"lambda = 1 has {percent(errors[1.0])} with "
        f"{mean(rows, 'units', how='L1', size=1.0):.1f}, "
        f"the same units without a penalty {percent(mean(rows, 'test_error', how=same))}, and "
        f"without a penalty from the beginning {percent(mean(rows, 'test_error', how=grown))} with "
        f"{mean(rows, 'units', how=grown):.1f}."
    )


def boosting(report: Report, learned: list[Row], penalized: list[Row]) -> None:
    """Boosting beside it."""
    rounds = 10 if report.options.quick else 100
    settings = [row | {"rounds": rounds} for row in runs(report, method=list(measures.BOOSTERS))]
    rows = report.table("boosting", measures.boosting, settings)
    ours = [
        row | {"method": f"exact, lambda = {row['size']:g}"}
        for row in pick(penalized, how="L1")
        if row["size"] in (1.0, 10.0)
    ]
    theirs = [
        row | {"method": f"ConvexNN, {row['learner']}"}
        for row in learned
        if row["learner"] in APPROXIMATE
    ]
    everything = [*ours, *theirs, *rows]
    names = sorted(distinct(ours, "method")) + distinct(theirs, "method") + distinct(rows, "method")
    sentences = []
    for noise in NOISES:
        errors = {name: mean(everything, "test_error", noise=noise, method=name) for name in names}
        order = sorted(names, key=errors.__getitem__)
        sentences.append(
            f"At noise {noise:g}, by mean test error: "
            + ", ".join(f"{name} {percent(errors[name])}" for name in order)
            + "."
        )
    report.answer(
        "How does boosting do on the same data?",
        " ".join(sentences) + " AdaBoost with linear classifiers uses the same weak learners as "
        "the approximate step; it ends early where a learner is no better than chance on the "
        "weights that it has made.",
        pictures.baselines(everything, names),
        "boosting",
    )


def main(argv: list[str]) -> int:
    """Measure everything."""
    report = Report("bengio2005", bengio2005.__doc__, argv, seeds=(10, 1))
    reference(report)
    optima = report.table("optima", measures.by_train, runs(report))
    learned = learners(report, optima)
    widths(report)
    tanh_units(report, optima)
    penalized = penalties(report)
    boosting(report, learned, penalized)
    return report.close()
