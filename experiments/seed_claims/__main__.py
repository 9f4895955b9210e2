"""The post in the frame of the experiments: its claims, then weights, then two output nodes."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path

from cvxnet.analysis.verdicts import BLOCK_WORDS
from experiments import seed_claims
from experiments.report import Report, Row
from experiments.seed_claims import pictures
from experiments.seed_claims.about_nodes import judge_two_nodes, train_two_nodes
from experiments.seed_claims.about_weights import list_what_remains, show_witnesses, swap_units
from experiments.seed_claims.claims import CLAIMS, decided
from experiments.seed_claims.page import page


def more(parser: ArgumentParser) -> None:
    """The option of this experiment."""
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the claims as markdown")


def judge_claims(report: Report) -> None:
    """Every claim, against what the rules of convex analysis say."""
    rows = report.table("claims", decided, [{"number": k} for k in range(len(CLAIMS))])
    for claim, row in zip(CLAIMS, rows, strict=True):
        expected = BLOCK_WORDS[claim.convex]
        report.expect(
            claim.asked,
            expected=expected,
            found=row["verdict"],
            holds=row["verdict"] == expected,
            source=claim.source,
        )
    report.answer(report.question, told(rows), pictures.claims(rows), "claims")
    if report.options.page:
        report.options.page.write_text(page(rows), encoding="utf-8")


def told(rows: list[Row]) -> str:
    """How many of the questions are decided which way, and what the post makes of it."""
    proved = sum(row["verdict"] == "convex" for row in rows)
    exact = [row["arithmetic"] for row in rows if row["verdict"] == "not convex"]
    return f"""The claims of the post become {len(rows)} questions about convexity: {proved} proved,
        {len(exact)} refuted, {exact.count("rational")} of them in rational
        and {exact.count("ball")} in ball arithmetic. The three lemmas hold, the second and third
        under weaker conditions than the post asks for. That non-negative inputs and weights make a
        network convex in all weights is false already for two weights. That [1, -1] in the loss is
        to blame is half of the truth: log(1 + exp(y0 - y1)) is convex in the scores, and what does
        harm is a score that is not affine, or two layers at once."""


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
