"""The command line of `experiments.worth`."""

from __future__ import annotations

from argparse import ArgumentParser

from experiments.report import Report, Row
from experiments.worth import __doc__ as about
from experiments.worth import pictures, words
from experiments.worth.comparisons import Found
from experiments.worth.measures import measure_errors, measure_seeds, measure_widths
from experiments.worth.methods import METHODS, OPTIMUM
from experiments.worth.samples import SETS

QUICK = (OPTIMUM, "SGD", "Adam", "linear")
SEEDED = ("SGD", "Adam", "MLP", OPTIMUM)
WIDTHS = (1, 2, 4, 8, 16, 32)
SECONDS = 2.0
"""For an optimum."""
HASTE = {"quick": True}
"""With ``--quick``: few steps of SGD and Adam, few candidates, and few methods."""
AGAIN = 2
"""On so many splits networks are trained from several seeds, and at several widths."""


def options_of(parser: ArgumentParser) -> None:
    """Which sets."""
    known = [name.replace(" ", "-") for name in SETS]
    parser.add_argument("--sets", nargs="+", choices=known, help="default all")


def sets_of(report: Report) -> list[str]:
    """Those that were asked for; the first with ``--quick``."""
    options = report.options
    asked = [name.replace("-", " ") for name in options.sets or []]
    return asked or list(SETS[:1] if options.quick else SETS)


def tables(report: Report) -> Found:
    """Measure all three."""
    quick = report.options.quick
    splits = report.options.seeds
    errors = report.table(
        "errors",
        measure_errors,
        [
            {"name": name, "split": k, "method": method, "splits": splits, "seconds": SECONDS}
            | (HASTE if quick else {})
            for name in sets_of(report)
            for method in (QUICK if quick else METHODS)
            for k in range(splits)
        ],
    )
    again = [
        {key: row[key] for key in ("name", "split", "decay")}
        for row in errors
        if row["method"] == OPTIMUM and row["split"] < (1 if quick else AGAIN)
    ]
    seeds = report.table("seeds", measure_seeds, seed_settings(again, quick))
    widths = report.table("widths", measure_widths, width_settings(again, quick))
    return Found(errors, seeds, widths)


def seed_settings(again: list[Row], quick: bool) -> list[Row]:
    """Of gradient training eight seeds, of the optimum three orders."""
    return [
        {
            "name": one["name"],
            "split": one["split"],
            "method": method,
            "decay": one["decay"],
            "seeds": 2 if quick else 3 if method == OPTIMUM else 8,
            "seconds": SECONDS,
        }
        | (HASTE if quick else {})
        for one in again
        for method in SEEDED
        if method in QUICK or not quick
    ]


def width_settings(again: list[Row], quick: bool) -> list[Row]:
    """Five seeds at each width."""
    return [
        one | {"width": width, "seeds": 2 if quick else 5} | (HASTE if quick else {})
        for one in again
        for width in ((2, 8) if quick else WIDTHS)
    ]


def main(argv: list[str]) -> int:
    """Measure three tables, and say what they say."""
    report = Report("worth", about, argv, seeds=(20, 2), more=options_of)
    found = tables(report)
    words.hold_against(report, found)
    report.answer(
        "Does the exact optimum predict better?",
        words.errors_text(found),
        pictures.errors_picture(found),
        "errors",
    )
    report.answer(
        "How much depends on the seed?",
        words.seeds_text(found),
        pictures.seeds_picture(found),
        "seeds",
    )
    report.answer(
        "How many units does it need?",
        words.units_text(found),
        pictures.units_picture(found),
        "units",
    )
    report.answer(
        "What does the bracket tell?",
        words.distances_text(found),
        pictures.distances_picture(found),
        "brackets",
    )
    report.answer("What is an exact optimum good for?", words.summary(found))
    return report.close()
