"""``python -m experiments bach2014``: all six parts, one after the other."""

from __future__ import annotations

from experiments import bach2014
from experiments.bach2014 import adaptivity, relaxations, smoothness, steps, zonotopes
from experiments.report import Report


def main(argv: list[str]) -> int:
    """Ask every part."""
    report = Report("bach2014", bach2014.__doc__, argv, seeds=(3, 1))
    for part in (steps, zonotopes, smoothness, adaptivity, relaxations):
        part.ask(report)
    return report.close()
