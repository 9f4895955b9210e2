"""Run the methods on Gaussian data of growing size, and on the bundled sets."""

from __future__ import annotations

import argparse
from typing import Any

from experiments.peers import __doc__ as about
from experiments.peers import pictures
from experiments.peers.expectations import say_expectations
from experiments.peers.measuring import ABSENT, HERE, OWN, PEERS, certify, measure
from experiments.peers.methods import METHODS, QUICK
from experiments.report import Report, Row, peers_python

GAUSSIAN = {
    ("rough", 3): (20, 50, 100, 200, 500),
    ("planted", 3): (100, 1000),
    ("rough", 2): (20, 1000),
    ("rough", 4): (20, 100),
    ("rough", 5): (20,),
}
"""Target and rank, and the numbers of samples."""
DECAY, CLOSED = 0.01, 1e-6
HURRY, PATIENT = 0.5, 20.0
"""Limits with ``--quick``: cvxnet's is of the clock, and the machine may be busy."""
REAL = (
    ("iris", "squared", 0.1),
    ("iris", "cross_entropy", 0.1),
    ("wine", "cross_entropy", 0.1),
    ("diabetes", "squared", 0.1),
    ("diabetes", "squared", 0.03),
    ("breast_cancer", "squared", 0.1),
    ("breast_cancer", "logistic", 0.1),
    ("digits", "squared", 0.1),
    ("digits", "cross_entropy", 0.1),
)
"""Bundled sets, from the smallest to the largest; the loss; the share of weight decay."""


class Contest:
    """Which methods are still in the race, and what they did."""

    def __init__(self, report: Report) -> None:
        options = report.options
        self.report, self.quick, self.part = report, options.quick, options.part
        self.limit = HURRY if options.quick else options.limit
        self.left: dict[Any, list[str]] = {}

    def environment(self, method: str) -> str:
        """Where a method runs; with ``--quick`` all but ADMM run in this process."""
        if self.quick:
            return OWN if METHODS[method].room == "sampled" else HERE
        if not METHODS[method].apart:
            return OWN
        return PEERS if peers_python() else ABSENT

    def run(self, table: str, kind: Any, which: Row, stay: tuple[str, ...]) -> list[Row]:
        """All methods left on problems of a kind; those whose status does not stay leave."""
        left = self.left.setdefault(kind, list(QUICK if self.quick else METHODS))
        terms = {"limit": self.limit} | which
        ours = [{"method": "cvxnet", "environment": self.environment("cvxnet")} | terms]
        if self.quick:
            ours[0]["limit"] = PATIENT
        rows = self.report.table(table, measure, ours)
        terms["lower"] = rows[0]["lower"]
        rest = [
            {"method": method, "environment": self.environment(method)} | terms
            for method in left
            if method != "cvxnet"
        ]
        rows += self.report.table(table, measure, rest)
        self.left[kind] = [row["method"] for row in rows if row["status"].startswith(stay)]
        return rows


def gaussian(contest: Contest) -> list[Row]:
    """Growing samples."""
    plan = {("rough", 2): (20,)} if contest.quick else GAUSSIAN
    if contest.part == "real":
        plan = {}
    rows = []
    for (data, rank), sizes in plan.items():
        for n in sizes:
            which = {"data": data, "rank": rank, "n": n, "loss": "squared", "decay": DECAY}
            rows += contest.run("gaussian", (data, rank), which, ("done",))
    return rows


def real(contest: Contest) -> list[Row]:
    """The bundled sets; where the bracket stayed open, the best other network is certified."""
    rows = []
    for data, loss, decay in () if contest.quick or contest.part == "gaussian" else REAL:
        which = {"data": data, "loss": loss, "decay": decay}
        found = contest.run("real", "real", which, ("done", "cannot", "over"))
        others = [row for row in found[1:] if row["status"] == "done"]
        bound = found[0]["lower"]
        if others and found[0]["excess"] > CLOSED:
            best = min(others, key=lambda row: row["value"])
            asked = which | {"limit": contest.limit, "network": best["network"]}
            bound = max(bound, contest.report.table("certified", certify, [asked])[0]["lower"])
        rows += [row | {"certified": bound} for row in found]
    return rows


def more(parser: argparse.ArgumentParser) -> None:
    """The options of this experiment."""
    parser.add_argument(
        "--limit", type=float, default=6.0, metavar="SECONDS", help="for each (default 6)"
    )
    parser.add_argument("--part", choices=["gaussian", "real"], help="only these problems")


def main(argv: list[str]) -> int:
    """Two tables, and what they say."""
    report = Report("peers", about, argv, more=more)
    contest = Contest(report)
    growth, sets = gaussian(contest), real(contest)
    say_expectations(report, growth, sets)
    pictures.say_answers(report, growth, sets)
    return report.close()
