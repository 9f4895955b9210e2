"""``python -m experiments pilanci2020``."""

from __future__ import annotations

from experiments import pilanci2020
from experiments.pilanci2020 import gates, sampling, widths
from experiments.report import Report


def main(argv: list[str]) -> int:
    """Widths, sampled gates, gated units."""
    report = Report("pilanci2020", pilanci2020.__doc__, argv, seeds=(20, 2))
    widths.ask(report)
    sampling.ask(report)
    gates.ask(report)
    return report.close()
