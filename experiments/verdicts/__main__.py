"""The census in the frame of the experiments: judge all, then tamper with certificates."""

from __future__ import annotations

from argparse import ArgumentParser

import numpy as np

from experiments import verdicts
from experiments.report import Report, Row
from experiments.verdicts import pictures
from experiments.verdicts.collection import cases
from experiments.verdicts.measures import measure, tampered

MOST_UNKNOWN, MOST_MS = 0.03, 50.0
QUICK, EVERY = 47, 20
"""With --quick every so manieth case; and of how many certificates one is tampered with."""


def more(parser: ArgumentParser) -> None:
    """The option of this experiment."""
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default 1)")


def judge(report: Report) -> list[Row]:
    """All cases; what was expected of them."""
    chosen = range(0, len(cases()), QUICK if report.options.quick else 1)
    rows = report.table("cases", measure, [{"number": k} for k in chosen], report.options.jobs)
    expect_answers(report, rows)
    expect_certificates(report, rows)
    report.answer(report.question, told(rows), pictures.decided(rows), "decided")
    report.answer("How long does an answer take?", timed(rows), pictures.times(rows), "times")
    report.answer("What do others make of the same questions?", told_of_peers(rows))
    return rows


def expect_answers(report: Report, rows: list[Row]) -> None:
    """None wrong, few unknown, soon."""
    for kinds in (("expressions", "problems"), ("networks",)):
        inside = [row for row in rows if row["kind"] in kinds]
        wrong, unknown = (sum(row[name] for row in inside) for name in ("wrong", "unknown"))
        report.expect(
            f"answers on {' and '.join(kinds)}",
            expected=f"none wrong, at most {100 * MOST_UNKNOWN:g} % unknown",
            found=f"{wrong} wrong and {unknown} unknown of {len(inside)}",
            holds=not wrong and unknown <= MOST_UNKNOWN * len(inside),
            source="the labels: second derivatives, theorems, constructions, brute force",
        )
    middle = float(np.median([row["ms"] for row in rows if row["kind"] == "expressions"]))
    report.expect(
        "median time for an expression",
        expected=f"at most {MOST_MS:g} ms",
        found=f"{middle:.0f} ms",
        holds=middle <= MOST_MS,
        source="what one waits for without noticing",
    )


def expect_certificates(report: Report, rows: list[Row]) -> None:
    """Every answer's evidence is proved again, from JSON."""
    answered = [row for row in rows if row["convex"] or row["concave"]]
    proved = sum(row["certificate"] == "proved" for row in answered)
    report.expect(
        "certificates proved again by the checker",
        expected="all",
        found=f"{proved} of {len(answered)}",
        holds=proved == len(answered),
        source="cvxnet.check, without CVXPY and without a solver",
    )


def tamper(report: Report) -> None:
    """False claims under proofs, and changed certificates."""
    chosen = range(0, len(cases()), (QUICK if report.options.quick else 1) * EVERY)
    rows = report.table("tampered", tampered, [{"number": k} for k in chosen], report.options.jobs)
    total = {
        name: sum(row[name] for row in rows)
        for name in ("forged", "accepted", "changed", "held", "false")
    }
    report.expect(
        "false claims that tampered certificates prove",
        expected="none",
        found=f"{total['accepted']} of {total['forged']} forgeries, and {total['false']} of the "
        f"{total['held']} that were accepted of {total['changed']} changed ones",
        holds=not total["accepted"] and not total["false"],
        source="the opposite of a true claim is false; others are held to three points",
    )
    report.answer(
        "Can a certificate be changed so that it proves something false?",
        f"""No change did. {total["forged"]} certificates claim the opposite of what is true, with
        the proofs of the truth or of something else: {total["accepted"]} were accepted. Of
        {total["changed"]} in which one entry was changed at any place {total["held"]} were
        accepted: what they then say was put to three points again and again, and
        {total["false"]} were found false."""
        if not total["accepted"] + total["false"]
        else f"Yes: {total['accepted']} forgeries and {total['false']} changed ones were accepted.",
    )


def told(rows: list[Row]) -> str:
    """How many are right, and what is left."""
    counts = {name: sum(row[name] for row in rows) for name in ("wrong", "unknown", "made")}
    hard = [row for row in rows if not row["CVXPY"]]
    open_ = [row["class"] for row in rows if row["unknown"]]
    most = sorted(set(open_), key=open_.count, reverse=True)[:3]
    left = f" Most are in these classes: {', '.join(most)}." if open_ else ""
    by_kind = ", ".join(
        f"{sum(row['unknown'] for row in rows if row['kind'] == kind)} of "
        f"{sum(row['kind'] == kind for row in rows)} {kind}"
        for kind in ("expressions", "problems", "networks")
    )
    return f"""Of {len(rows)} questions, {counts["made"]} of them made by transformations,
        {counts["wrong"]} were answered wrongly and {counts["unknown"]} were left open
        ({100 * counts["unknown"] / len(rows):.1f} %): {by_kind}. {len(hard)} are hard in the
        sense that CVXPY's rules do not settle them: they are not convex, or not written by its
        rules; {sum(row["unknown"] for row in hard)} of these were left open.{left}"""


def timed(rows: list[Row]) -> str:
    """Medians and the slowest."""
    lines = []
    for kind in ("expressions", "problems", "networks"):
        found = [row["ms"] for row in rows if row["kind"] == kind]
        if found:
            middle, nine, most = np.quantile(found, [0.5, 0.9, 1.0])
            lines.append(f"{kind} {middle:.0f} ms in the median, {nine:.0f} ms for nine in ten, "
                         f"{most / 1e3:.1f} s at most")  # fmt: skip
    return "; ".join(lines) + "."


def told_of_peers(rows: list[Row]) -> str:
    """What CVXPY accepts, and what Hessians at random points get wrong."""
    asked = [row for row in rows if row["sampled"]]
    wrong = [row for row in asked if row["sampled"] == "wrong"]
    accepted = sum(bool(row["CVXPY"]) for row in rows)
    kinked = sum(row["kind"] == "networks" for row in wrong)
    return f"""CVXPY alone accepts {accepted} of the {len(rows)}, and refutes none. Hessians by
        finite differences at ten random points were asked about {len(asked)} expressions and given
        networks and are wrong about {len(wrong)}, {kinked} of them networks: where a function has
        kinks its Hessian is zero almost everywhere, and a small region of the wrong curvature is
        not hit. They prove neither answer."""


def main(argv: list[str]) -> int:
    """Judge, tamper, and say what came out."""
    report = Report("verdicts", verdicts.__doc__, argv, more=more)
    judge(report)
    tamper(report)
    return report.close()
