"""What closes within a minute, and what does not: by family, rank, samples and outputs?

Each line trains one network to its global optimum, or until the time limit, and has the checker
prove the bracket anew. Data are Gaussian with the target sin(2a) cos(2b) + noise, a column of ones
counted in the rank, squared loss, weight decay 0.1 of the largest useful one; or they are bundled
with scikit-learn and standardised: diabetes, and with their classes breast_cancer, digits (0-4
against 5-9, or all ten), iris and wine; two features of the first two also repeated with noise to
100,000 samples. Seconds, and the limit, are those of the processor, certificate and all. README's
table of what closes is made of the record.

With ``--program`` the full program (every cell, dichotomy, column or gate; CVXPY with Clarabel) is
solved beside it where it fits into 6 GB, in a process of its own.

Floors: one exact pricing costs O(n^2 log n) at rank 3 and O(n^(r-1) log n) at rank r; n d for
coordinate and linear units, n d^2 for quadratic, n d g for g gates.

    python -m experiments frontier [--only FAMILY] [--program] [--limit 60]
                                   [--quick] [--seeds 1] [--out DIR]
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, GREY, MARKERS, WIDTH, entitle, new_figure, styled
from cvxnet.types import Array
from experiments.clocks import processor_time
from experiments.problems import REPEATED, bundled, repeated, target, two_classes
from experiments.report import Report, Row

if TYPE_CHECKING:
    import argparse

    from cvxnet.plots.style import Figure

APART = """
import json, sys
from experiments import frontier
print(json.dumps(frontier.run_program(frontier.Line(**json.loads(sys.argv[1])))))
"""
PATIENCE = 120.0
"""Seconds for the full program."""
SHARE = 0.1
"""Weight decay, relative to the largest useful one."""
GAP = 1e-6
LIKELY = 1e-5
"""The relative difference to which values of the program and of training agree."""
ROUNDING = ("relu", "leaky_relu", "abs", "tanh", "squared_relu")
"""Where the exact check does not end in time, these can be checked with bounds on all rounding
errors, up to rank ROUNDED."""
ROUNDED = 7


@dataclass(frozen=True)
class Line:
    """One line of the table: `rank` counts the bias; `data` are made, or named and bundled."""

    units: str
    n: int
    rank: int
    outputs: int = 1
    data: str = ""
    gates: int = 0
    limit: float = 60.0
    seed: int = 0

    @property
    def family(self) -> cn.Family:
        """The unit family."""
        return cn.Family(self.units, **({"gates": self.gates} if self.gates else {}))

    @property
    def loss(self) -> str:
        """Squared for numbers, logistic for two classes, cross entropy for more."""
        numbers = self.data.removeprefix(REPEATED) in ("", "diabetes")
        return "squared" if numbers else "logistic" if self.outputs == 1 else "cross_entropy"

    def samples(self) -> tuple[Array, Array]:
        """Features (n, rank - 1), or (n, rank) for units without a bias, and target."""
        if self.data:
            if self.data.startswith(REPEATED):
                return repeated(self.data, self.n)
            known = two_classes if self.loss == "logistic" else bundled
            return known(self.data)
        columns = self.rank - cn.FAMILIES[self.units].takes_bias
        X, y = target("rough", self.n, self.seed, columns)
        noise = 0.1 * np.random.default_rng(self.seed + 1).standard_normal((self.n, self.outputs))
        more = [np.sin(2 * X[:, 0] + k) * np.cos(2 * X[:, -1]) for k in range(1, self.outputs)]
        return X, np.column_stack([y, *more]) + noise * (np.arange(self.outputs) > 0)

    def problem(self) -> tuple[cn.Family, Array, Array, str, float]:
        """What is trained."""
        X, y = self.samples()
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        beta = SHARE * cn.largest_weight_decay(self.family, X, y, loss=self.loss)
        return self.family, X, y, self.loss, beta


FRONTIER = [
    Line("relu", 1000, 2),
    *(Line("relu", n, 3) for n in (100, 1000, 10_000, 100_000, 1_000_000)),
    *(Line("relu", n, 4) for n in (50, 150, 500)),
    *(Line("relu", n, 5) for n in (25, 40, 100)),
    Line("leaky_relu", 1000, 3),
    Line("abs", 1000, 3),
    *(Line("relu", n, 3, outputs=3) for n in (100, 1000)),
    Line("relu", 100, 4, outputs=3),
    *(Line("relu", 100_000, 3, data=f"{REPEATED}{name}") for name in ("diabetes", "breast_cancer")),
    Line("relu", 442, 11, data="diabetes"),
    Line("relu", 569, 31, data="breast_cancer"),
    Line("relu", 1797, 62, data="digits"),
    Line("relu", 150, 5, outputs=3, data="iris"),
    Line("relu", 178, 14, outputs=3, data="wine"),
    Line("relu", 1797, 62, outputs=10, data="digits"),
    *(Line(units, n, 3) for units in ("sign", "threshold") for n in (500, 2000)),
    *(Line("sign", n, 4) for n in (100, 300)),
    Line("sign", 40, 5),
    *(Line("squared_relu", 100, rank) for rank in (3, 6)),
    *(Line("tanh", n, 3) for n in (50, 200)),
    *(Line(units, 10_000, 100) for units in ("quadratic", "polynomial", "linear", "coordinate")),
    Line("gated_relu", 10_000, 100, gates=50),
    Line("coordinate", 1000, 100, outputs=3),
]
QUICK = [Line("relu", 10, 3), Line("coordinate", 10, 3, outputs=2)]


def train(line: Line) -> Row:
    """Train, and say what came out; the checker proves it anew."""
    units, X, y, loss, beta = line.problem()
    begin = time.process_time()
    with processor_time():
        solution = cn.train(
            *(units, X, y), loss=loss, weight_decay=beta, gap=GAP, time_limit=line.limit
        )
        seconds = time.process_time() - begin
        checked = check(line, solution.certificate.to_dict())
    return {
        "status": solution.status,
        "seconds": seconds,
        "gap": solution.gap,
        "network units": solution.units,
        "value": solution.value,
        "checked": checked.valid,
        "reason": checked.reason,
    }


def check(line: Line, document: dict[str, Any]) -> cn.CheckResult:
    """The checker's word: exact where that ends in time, otherwise with rounding bounds.

    Where neither proves it, the reason is the exact one's.
    """
    exact = cn.check(document, time_limit=line.limit)
    if exact.valid or line.rank > ROUNDED or line.units not in ROUNDING:
        return exact
    rounded = cn.check(document, rounded=True, time_limit=line.limit)
    return rounded if rounded.valid else exact


def run_program(line: Line) -> Row:
    """Solve the full program, where it can be written down."""
    units, X, y, loss, beta = line.problem()
    begin = time.process_time()
    try:
        program = cn.program(units, X, y, loss=loss, weight_decay=beta, memory_limit=6e9)
    except cn.UnsupportedError as error:
        return {"outcome": "none" if "no finite" in str(error) else "does not fit"}
    value = float(program.solve(solver="CLARABEL"))
    return {"outcome": "solved", "seconds": time.process_time() - begin, "value": value}


def warm_up(line: Line) -> None:
    """Load the compiled kernels, of training and of checks of more than a few samples."""
    small = replace(line, n=24, rank=min(line.rank, 5), data="")
    units, X, y, loss, beta = small.problem()
    cn.train(units, X, y, loss=loss, weight_decay=beta, time_limit=20)


def program_apart(line: Line) -> Row:
    """The full program in a process of its own, with as much time and memory as is bearable."""
    command = [sys.executable, "-c", APART, json.dumps(asdict(line))]
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=root)
    except subprocess.TimeoutExpired:
        return {"outcome": f"more than {PATIENCE:.0f} s"}
    if done.returncode:
        return {"outcome": f"failed: {done.stderr.strip().splitlines()[-1][:90]}"}
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(with_program: bool, **setting: object) -> Row:
    """Train, and solve the full program where that is asked for."""
    line = Line(**setting)  # type: ignore[arg-type]
    warm_up(line)
    whole = program_apart(line) if with_program else {}
    return train(line) | {f"program {key}": value for key, value in whole.items()}


def tell(report: Report, rows: list[Row]) -> None:
    """Expectations and the answer."""
    checked = sum(row["checked"] for row in rows)
    report.expect(
        "brackets, closed or not, that the checker proves",
        expected=f"all {len(rows)}",
        found=f"{checked} of {len(rows)}",
        holds=checked == len(rows),
        source="every training comes with a certificate",
    )
    both = [row for row in rows if "program value" in row]
    if both:
        apart = max(abs(row["program value"] / row["value"] - 1.0) for row in both)
        report.expect(
            f"values of the full program and of training, of {len(both)} lines with both",
            expected=f"equal to {LIKELY:g}",
            found=f"within {apart:.1e}",
            holds=apart <= LIKELY,
            source="the theorem: both are the optimum",
        )
    closed = [row for row in rows if row["status"] == "optimal"]
    left = [f"{named(row)} {row['gap']:.1e}" for row in rows if row not in closed] or ["none"]
    report.answer(
        "What closes within the time limit?",
        f"{len(closed)} of {len(rows)} brackets closed to {GAP:g} within {rows[0]['limit']:g} "
        f"seconds of the processor. Left open, with the gap that is proved: {'; '.join(left)}.",
        picture(rows),
        "frontier",
    )


def named(row: Row) -> str:
    """A line in words."""
    outputs = f", {row['outputs']} outputs" if row["outputs"] > 1 else ""
    data = f" ({row['data']})" if row["data"] else ""
    return f"{row['units']} {row['n']} x {row['rank']}{outputs}{data}"


def picture(rows: list[Row]) -> Figure:
    """Seconds and gap of each line."""
    with styled():
        figure = new_figure(WIDTH, 2.0 + 0.26 * len(rows))
        left, right = figure.subplots(1, 2, sharey=True)
        places = -np.arange(len(rows))
        for k, (key, label) in enumerate((("", "training"), ("program ", "full program"))):
            if any(f"{key}seconds" in row for row in rows):
                seconds = [row.get(f"{key}seconds", np.nan) for row in rows]
                left.plot(seconds, places, MARKERS[k], color=COLORS[k], markersize=8, label=label)
        gaps = [max(row["gap"], 1e-13) for row in rows]
        right.plot(gaps, places, MARKERS[0], color=COLORS[0], markersize=8)
        right.axvline(GAP, color=GREY, linewidth=1.0)
        left.set_yticks(places, [named(row) for row in rows])
        left.set(xscale="log", xlabel="processor seconds")
        right.set(xscale="log", xlabel="relative gap that is proved")
        for axes in (left, right):
            axes.grid(axis="both", color=GREY, linewidth=0.4)
        entitle(left, "Training, samples x rank")
        left.legend()
    return figure


def main(argv: list[str]) -> int:
    """Train every line."""
    report = Report("frontier", __doc__, argv, more=more)
    options = report.options
    settings = [
        asdict(replace(line, seed=seed, limit=options.limit)) | {"with_program": options.program}
        for line in (QUICK if options.quick else FRONTIER)
        if options.only in (None, line.units)
        for seed in range(options.seeds)
    ]
    tell(report, report.table("frontier", measure, settings))
    return report.close()


def more(parser: argparse.ArgumentParser) -> None:
    """Options of this experiment."""
    parser.add_argument("--only", choices=sorted({line.units for line in FRONTIER}))
    parser.add_argument("--program", action="store_true", help="the full program, too")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds (default 60)")
