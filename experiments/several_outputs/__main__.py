"""Runs the three parts, see the package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from experiments import several_outputs
from experiments.report import Report, Row
from experiments.several_outputs.measures import bundled_set, random_problem, shared
from experiments.several_outputs.pictures import (
    LOSSES,
    WAYS,
    means,
    picture_random,
    picture_sets,
    picture_shared,
)

if TYPE_CHECKING:
    import argparse

GRID = [(n, c, 0.1) for n in (20, 50, 100, 300, 1000) for c in (2, 3, 10)]
GRID += [(n, c, 0.01) for n in (50, 100) for c in (3, 10)]
SETS = [(name, share) for name in ("iris", "wine") for share in (0.3, 0.1, 0.03)]
SETS += [("digits", 0.1), ("digits", 0.03)]
EPOCHS = 1000
SECONDS = {"random": 60.0, "sets": 40.0, "shared": 2.0}
NAMES = ("iris", "wine", "digits")


def main(argv: list[str]) -> int:
    """All parts, or those that are named."""

    def more(parser: argparse.ArgumentParser) -> None:
        parts = list(PARTS)
        parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
        limits = ", ".join(f"{part} {limit:g}" for part, limit in SECONDS.items())
        parser.add_argument("--seconds", type=float, help=f"time limit of a network ({limits})")

    report = Report("several_outputs", several_outputs.__doc__, argv, seeds=(20, 1), more=more)
    for part in report.options.parts:
        PARTS[part](report)
    return report.close()


def seconds(report: Report, part: str) -> float:
    """The time limit of a network."""
    asked: float | None = report.options.seconds
    return asked or (0.5 if report.options.quick else SECONDS[part])


def report_random(report: Report) -> None:
    """Where brackets close."""
    grid = GRID[:2] if report.options.quick else GRID
    settings = [
        {"n": n, "c": c, "share": share, "loss": loss, "seconds": seconds(report, "random")}
        for n, c, share in grid
        for loss in LOSSES
    ]
    rows = report.table("random", random_problem, settings)
    closed = [row["status"] == "optimal" for row in rows]
    report.expect(
        "rank 3, several outputs: brackets that close to 1e-6",
        expected=f"all {len(rows)}",
        found=f"{sum(closed)} of {len(rows)}, the widest gap {max(r['gap'] for r in rows):.1e}",
        holds=all(closed),
        source="pricing is exact up to rank three",
    )
    report.answer(
        "Up to which size are networks with several outputs trained to a proved optimum?",
        f"Samples with two features and a bias, {min(r['n'] for r in rows)} to "
        f"{max(r['n'] for r in rows)} of them, {min(r['c'] for r in rows)} to "
        f"{max(r['c'] for r in rows)} outputs or classes: {sum(closed)} of {len(rows)} brackets "
        f"closed to 1e-6, in {min(r['took'] for r in rows):.1f} to "
        f"{max(r['took'] for r in rows):.1f} seconds of the processor.",
        picture_random(rows),
        "random",
    )


def report_sets(report: Report) -> None:
    """Bundled sets, beside Adam."""
    quick, limit = report.options.quick, seconds(report, "sets")
    settings = [
        {"data": name, "share": share, "seconds": limit, "epochs": 50 if quick else EPOCHS}
        for name, share in (SETS[1:2] if quick else SETS)
    ]
    rows = report.table("sets", bundled_set, settings)
    expect_sets(report, rows)
    excess = {f"{row['data']} {row['share']:g}": row["adam_excess"] for row in rows}
    said = ", ".join(f"{name} {value:+.1e}" for name, value in excess.items())
    wide = max(rows, key=lambda row: row["gap"])
    report.answer(
        "On real data with several classes, how wide is the bracket, and is the network good?",
        f"The gap is between {min(r['gap'] for r in rows):.1e} and {wide['gap']:.1e} (on "
        f"{wide['data']}). The best of ten runs of Adam, relative to our network: {said}. The "
        "optimum lies between network and bound; the gap does not say which of the two is far "
        "from it.",
        picture_sets(rows),
        "sets",
    )


def expect_sets(report: Report, rows: list[Row]) -> None:
    """What the bound says, and an earlier run."""
    report.expect(
        "Adam never below the proved bound",
        expected="its best objective is at least the lower bound",
        found=f"{sum(r['adam_best'] >= r['lower'] for r in rows)} of {len(rows)}",
        holds=all(row["adam_best"] >= row["lower"] for row in rows),
        source="theory",
    )
    small = [row["gap"] for row in rows if row["data"] != "digits" and row["share"] >= 0.1]
    report.expect(
        "three classes, 0.3 and 0.1 of the largest weight decay: the gap",
        expected=f"below 1e-6 after {SECONDS['sets']:g} seconds",
        found=", ".join(f"{gap:.1e}" for gap in small),
        holds=all(gap < 1e-6 for gap in small),
        source="an earlier run",
    )


def report_shared(report: Report) -> None:
    """Shared units beside one network for each class."""
    settings = [
        {"data": name, "way": way, "seed": seed, "seconds": seconds(report, "shared")}
        for name in (NAMES[:1] if report.options.quick else NAMES)
        for way in WAYS
        for seed in range(report.options.seeds)
    ]
    rows = report.table("shared", shared, settings)
    mean = means(rows)
    expect_shared(report, mean)
    said = [
        f"{name}, {WAYS[way]}: accuracy {mean[name, way, 'accuracy']:.3f}, "
        f"{mean[name, way, 'units']:.1f} units, {mean[name, way, 'took']:.1f} seconds"
        for name, way, key in mean
        if key == "units"
    ]
    report.answer(
        "Should classes share hidden units, or have a network each?",
        f"{'; '.join(said)}: means over {report.options.seeds} splits.",
        picture_shared(rows),
        "shared",
    )


def expect_shared(report: Report, mean: dict[tuple[str, str, str], float]) -> None:
    """What an earlier run said of accuracies."""
    apart = {
        name: abs(mean[name, "softmax", "accuracy"] - mean[name, "ovr", "accuracy"])
        for name, _, _ in mean
    }
    report.expect(
        "accuracy of one network for all classes and of one for each",
        expected="neither is better: within 1 percentage point",
        found=", ".join(f"{name} {100 * value:.1f} apart" for name, value in apart.items()),
        holds=max(apart.values()) < 0.01,
        source="an earlier run",
    )


PARTS: dict[str, Callable[[Report], None]] = {
    "random": report_random,
    "sets": report_sets,
    "shared": report_shared,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
