"""How far does each unit family go: a table of samples, rank, time and gap.

Each line trains one network to its global optimum, or until the time limit, and writes down the
full program (every cell, dichotomy, column or gate; CVXPY with Clarabel) beside it where that has a
chance. Data are Gaussian with the target sin(2a) cos(2b) + noise (its sign for classification), a
column of ones counted in the rank, squared loss, weight decay 0.1 of the largest useful one.

Floors: one exact pricing costs O(n^2 log n) at rank 3 and O(n^(r-1) log n) at rank r; n d for
coordinate and linear units, n d^2 for quadratic, n d g for g gates.

Where no method closes the bracket in reasonable time (real data of many features, standardised,
ReLU units), a second table has the gap after 20 seconds and after five minutes, each re-proved by
the checker, at 0.3, 0.1 and 0.03 of the largest weight decay that was found useful.

    python -m experiments frontier [--quick] [--only FAMILY] [--no-program] [--real]

Measured with Python 3.11 on two cores, one of them used by the second table; seconds of
`largest_weight_decay` and `train`, certificate and all, and the gap; in brackets the full program,
no where it takes more than 6 GB, none where there is none:

    relu          n = 100, r = 3     0.13 s, 8e-9 (34.1 s)     n = 300     0.5 s, 7e-11 (no)
                  n = 1000, r = 3    5.2 s, 7e-12 (no)         n = 50, r = 4     0.8 s, 3e-10 (no)
                  n = 150, r = 4     3.9 s, 8e-8 (no)          n = 25, r = 5  0.5 s, 4e-13 (49.9 s)
                  n = 40, r = 5      4.4 s, 4e-8 (no)
    leaky_relu    n = 300, r = 3     0.5 s, 2e-12 (no)         abs         0.8 s, 2e-12 (no)
    sign          n = 100, r = 3     0.5 s, 5e-11 (3.0 s)      n = 500     2.4 s, 3e-9 (no)
                  n = 2000, r = 3    34.3 s, 5e-10 (no)        n = 100, r = 4    1.2 s, 2e-9 (no)
                  n = 40, r = 5      1.1 s, 4e-9 (69.8 s)
    threshold     n = 100, r = 3     0.5 s, 2e-12 (9.5 s)      n = 500     2.0 s, 4e-8 (no)
                  n = 2000, r = 3    32.9 s, 7e-8 (no)
    squared_relu  n = 100, r = 3     0.8 s, 5e-8 (none)        tanh, n = 50     1.1 s, 2e-7 (none)
    coordinate    n = 10^4, r = 100  8.4 s, 1e-11 (3.8 s)      linear      7.0 s, 3e-12 (2.9 s)
    quadratic     n = 10^4, r = 100  18.0 s, 1e-7 (> 120 s)    polynomial  39.1 s, 9e-7 (> 120 s)
    gated_relu    n = 10^4, r = 100, 50 gates  13.9 s, 2e-8 (no)

Coordinate and linear units are a small program for Clarabel; there the certificate of 10^6 numbers
takes most of our time.

    gap after (about)      0.3 of the largest     0.1                  0.03
    breast_cancer 569x30   20 s: 1.5e-4           20 s: 8e-6           20 s: 3.6e-3
                           255 s: 5.4e-5          102 s: 4.4e-6        180 s: 1.4e-3
    diabetes 442x10        20 s: 4.8e-5           20 s: 8.8e-3         20 s: 0.154
                           140 s: 4.8e-5          300 s: 4.0e-3        236 s: 0.12

All were proved by the checker, in 0.4 to 2 s after 20 s, and up to 26 s (trees of signs) later. The
search ends before its five minutes where the evidence would become too large. (Measured again after
a cure: gated_relu, which had not come back after 180 s, and the 180 s of breast_cancer at 0.03,
whose certificate had a leaf that proved nothing.)
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np

import cvxnet as cn


@dataclass(frozen=True)
class Line:
    """One line of the table: ``rank`` counts the bias; ``options`` are the family's."""

    units: str
    n: int
    rank: int
    limit: float = 60.0
    options: tuple[tuple[str, int], ...] = ()

    @property
    def family(self) -> cn.Family:
        """The unit family."""
        return cn.Family(self.units, **dict(self.options))


LINES = [
    *(Line("relu", n, 3) for n in (100, 300, 1000)),
    Line("relu", 50, 4),
    Line("relu", 150, 4),
    Line("relu", 25, 5),
    Line("relu", 40, 5),
    Line("leaky_relu", 300, 3),
    Line("abs", 300, 3),
    *(Line(units, n, 3) for units in ("sign", "threshold") for n in (100, 500, 2000)),
    Line("sign", 100, 4),
    Line("sign", 40, 5),
    Line("squared_relu", 100, 3),
    Line("tanh", 50, 3),
    *(Line(units, 10_000, 100) for units in ("coordinate", "linear", "quadratic", "polynomial")),
    Line("gated_relu", 10_000, 100, options=(("gates", 50),)),
]
QUICK = [Line("relu", 10, 3)]


def data(line: Line, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features (n, rank - 1), or (n, rank) for units without a bias, and target (n,)."""
    rng = np.random.default_rng(seed)
    columns = line.rank - cn.FAMILIES[line.units].takes_bias
    X = rng.standard_normal((line.n, columns))
    second = X[:, min(1, columns - 1)]
    return X, np.sin(2 * X[:, 0]) * np.cos(2 * second) + 0.1 * rng.standard_normal(line.n)


def run_line(line: Line) -> str:
    """Train, and describe what came out."""
    warm_up(line)
    X, y = data(line)
    begin = time.perf_counter()
    beta = 0.1 * cn.largest_weight_decay(line.family, X, y)
    solution = cn.train(line.family, X, y, weight_decay=beta, time_limit=line.limit)
    seconds = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{seconds:7.2f} s  {memory:6.0f} MB  gap {solution.gap:8.1e}  {solution.units:4d} units  "
        f"{solution.stats['rounds']:3d} rounds  value {solution.value:.8g}"
    )


def run_program(line: Line) -> str:
    """Solve the full program, where it can be written down."""
    X, y = data(line)
    beta = 0.1 * cn.largest_weight_decay(line.family, X, y)
    begin = time.perf_counter()
    try:
        program = cn.program(line.family, X, y, weight_decay=beta, memory_limit=6e9)
    except cn.UnsupportedError as error:
        return "none" if "no finite" in str(error) else "does not fit"
    value = program.solve(solver="CLARABEL")
    return f"{time.perf_counter() - begin:7.2f} s  value {value:.8g}"


def warm_up(line: Line) -> None:
    """Load the compiled kernels."""
    rng = np.random.default_rng(1)
    columns = min(line.rank, 5) - cn.FAMILIES[line.units].takes_bias
    X, y = rng.standard_normal((8, columns)), rng.standard_normal(8)
    cn.train(line.family, X, y, weight_decay=0.5, time_limit=20)


def in_process(position: int, quick: bool, method: str, limit: float) -> str:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--line", str(position), "--method", method]
    command += ["--quick"] if quick else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"more than {limit:.0f} s"
    return done.stdout.strip() or f"failed: {done.stderr.strip().splitlines()[-1][:90]}"


def real_data(name: str) -> tuple[np.ndarray, np.ndarray, str]:
    """Standardised features, target and loss."""
    from sklearn import datasets

    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    if name == "diabetes":
        return X, (y - y.mean()) / y.std(), "squared"
    return X, 2.0 * y - 1.0, "logistic"


def run_real(limits: tuple[float, ...]) -> None:
    """Gaps on real data after some seconds, proved by the checker."""
    for name in ("breast_cancer", "diabetes"):
        X, y, loss = real_data(name)
        largest = cn.largest_weight_decay("relu", X, y, loss=loss)
        for share in (0.3, 0.1, 0.03):
            for limit in limits:
                solution = cn.train(
                    "relu", X, y, loss=loss, weight_decay=share * largest, time_limit=limit
                )
                begin = time.perf_counter()
                result = cn.check(solution.certificate.to_dict())
                print(
                    f"{name:13} {share:4}  after {solution.stats['seconds']:5.1f} s  "
                    f"gap {solution.gap:8.1e}  {solution.units:3d} units  {result.reason} in "
                    f"{time.perf_counter() - begin:.1f} s",
                    flush=True,
                )


def main(argv: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="one family")
    parser.add_argument("--no-program", action="store_true")
    parser.add_argument("--real", action="store_true", help="the second table")
    parser.add_argument("--line", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.real:
        run_real((5.0,) if options.quick else (20.0, 300.0))
        return
    lines = QUICK if options.quick else LINES
    if options.line is not None:
        print({"train": run_line, "program": run_program}[options.method](lines[options.line]))
        return
    for i, line in enumerate(lines):
        if options.only not in (None, line.units):
            continue
        trained = in_process(i, options.quick, "train", 3 * line.limit)
        print(f"{line.units:12} n {line.n:6d} r {line.rank:3d}  train  {trained}", flush=True)
        if not options.no_program:
            whole = in_process(i, options.quick, "program", 120.0)
            print(f"{'':34}full program  {whole}", flush=True)
