"""Two tables: cvxnet by the number of samples, and peers beside it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from experiments.peers.measuring import environment, facts, measure, problem, run
from experiments.report import Report, Row
from experiments.speed import __doc__ as about
from experiments.speed import telling

DECAY = 0.01
"""Of the largest useful weight decay."""
TARGETS = {
    "planted": ("squared", "logistic"),
    "rough": ("squared", "logistic"),
    "repeated breast_cancer": ("logistic",),
    "repeated diabetes": ("squared",),
}
SIZES = {
    "planted": (1000, 10_000, 100_000, 1_000_000),
    "rough": (1000, 10_000, 100_000),
    "repeated": (100_000,),
}
"""Samples, by the first word of a target."""
LIMITS = {1000: 60.0, 10_000: 60.0, 100_000: 120.0, 1_000_000: 400.0}
"""Seconds for cvxnet, by the number of samples."""
BESIDE = ("ecos", "scs", "clarabel", "pyscnn", "adelie", "adam", "lbfgs")
FEW = (100, 1000, 10_000, 100_000)
"""Samples where others are asked, too; at the first the full program can be solved."""
PATIENCE, HURRY = 15.0, 0.5
"""Seconds for each of the others, and with ``--quick``."""


def grow(data: str, loss: str, n: int, limit: float, where: str) -> Row:
    """cvxnet on one problem."""
    asked = problem(data=data, loss=loss, decay=DECAY, n=n, rank=3)
    return facts(run("proved", asked, limit, where))


class Contest:
    """Which problems and methods are asked for."""

    def __init__(self, report: Report) -> None:
        self.report, self.options = report, report.options
        self.quick = report.options.quick
        self.hurry = min(HURRY if self.quick else PATIENCE, report.options.limit)

    def kinds(self) -> list[tuple[str, str]]:
        """Targets with their losses."""
        only, loss = self.options.only, self.options.loss
        return [
            (data, each)
            for data, losses in TARGETS.items()
            for each in losses
            if data.startswith(only or "") and loss in (None, each)
        ][: 1 if self.quick else None]

    def sizes(self, sizes: tuple[int, ...]) -> list[int]:
        """Those that are asked for."""
        return [20, 40] if self.quick else [n for n in sizes if n <= self.options.largest]

    def growth(self) -> list[Row]:
        """cvxnet on all problems."""
        where = environment("proved", self.quick)
        settings = [
            {"data": data, "loss": loss, "n": n, "limit": self.limit(n), "where": where}
            for data, loss in self.kinds()
            for n in self.sizes(SIZES[data.split()[0]])
        ]
        return self.report.table("growth", grow, settings)

    def limit(self, n: int) -> float:
        """Seconds for cvxnet."""
        return min(self.options.limit, LIMITS.get(n, LIMITS[1000]))

    def peers(self) -> list[Row]:
        """All that are left, by rising sizes; the bound is that of cvxnet's certificate."""
        rows = []
        for data, loss in self.kinds():
            if data.startswith("repeated"):
                continue
            left = ["clarabel", "adam"] if self.quick else list(BESIDE)
            for n in self.sizes(FEW)[: 1 if self.quick else None]:
                which = {"data": data, "loss": loss, "decay": DECAY, "n": n, "rank": 3}
                rows += (found := self.beside(which, left))
                left = [row["method"] for row in found[1:] if row["status"] == "done"]
        return rows

    def beside(self, which: Row, methods: list[str]) -> list[Row]:
        """cvxnet and others on one problem."""
        first = {"method": "cvxnet", "environment": environment("cvxnet", self.quick)} | which
        first["limit"] = self.limit(which["n"])
        rows = self.report.table("peers", measure, [first])
        rest = [
            {"method": method, "environment": environment(method, self.quick)}
            | which
            | {"limit": self.hurry, "lower": rows[0].get("lower", 0.0)}
            for method in methods
        ]
        return rows + self.report.table("peers", measure, rest)


def more(parser: argparse.ArgumentParser) -> None:
    """Options of this experiment."""
    parser.add_argument("--part", choices=["growth", "peers"], help="one table")
    parser.add_argument("--only", choices=["planted", "rough", "repeated"], help="one target")
    parser.add_argument("--loss", choices=["squared", "logistic"], help="one loss")
    parser.add_argument("--largest", type=int, default=10**6, metavar="N", help="most samples")
    parser.add_argument(
        "--limit", type=float, default=400.0, metavar="SECONDS", help="at most (default 400)"
    )


def main(argv: list[str]) -> int:
    """The tables that are asked for, and what they say."""
    report = Report("speed", about, argv, more=more, packages=("numba", "threadpoolctl"))
    contest, part = Contest(report), report.options.part
    tables: dict[str, tuple[Callable[[], list[Row]], Callable[[Report, list[Row]], None]]] = {
        "growth": (contest.growth, telling.say_growth),
        "peers": (contest.peers, telling.say_peers),
    }
    for name, (measured, say) in tables.items():
        rows = measured() if part in (None, name) else []
        if any(row["status"] == "done" for row in rows):
            say(report, rows)
    return report.close()
