"""How long does the exact checker take, and how tight is what it proves?

Trains networks on 2 Gaussian features + bias with `cvxnet.train` and checks the
certificates as they come: time of the check, whether it proved, and the relative gap proved.

    python -m experiments checker_times [--quick] [--seed 0] [--out checker_times.csv]

Measured with Python 3.11 on two cores that two or three other experiments shared, seed 0: seconds
for a check, least and most over targets, losses and decays. All were proved:

    n = 20: 0.006 to 0.021    n = 100: 0.22 to 0.52    n = 300: 1.9 to 6.1    n = 1000: 19 to 61

With --large instead: families whose proof is quick, on 10^4 samples with 100 features, saved to
a file of 25 MB, or with the data apart, and checked by a process of its own. All were proved; its
processor time and the most memory that it took:

    linear 3.4 s, 0.22 GB    coordinate 5.4 s, 0.22 GB    gated_relu (3 gates) 6.0 s, 0.27 GB
    quadratic 9.1 s, 0.39 GB
"""

import argparse
import csv
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import cvxnet as cn
from cvxnet.proofs.checker import __file__ as checker
from cvxnet.proofs.checker import check
from cvxnet.proofs.gaps import relative_gap

COLUMNS = ("target", "n", "loss", "decay", "units", "train_s", "check_s", "valid", "gap", "reason")

MEASURED = """
import runpy, sys, time
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:  # memory of this process since it began: Linux only
    peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
    print(f"{time.process_time():.1f} s of one core, {int(peak) / 2**20:.2f} GB")
"""


def make_data(target: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Planted: a network of 5 units plus noise. Rough: a wavy function plus noise."""
    X = rng.normal(size=(n, 2))
    if target == "rough":
        f = np.sin(2 * X[:, 0]) * np.cos(2 * X[:, 1])
    else:
        W, b, a = rng.normal(size=(5, 2)), rng.normal(size=5), rng.normal(size=5)
        f = np.maximum(X @ W.T + b, 0.0) @ a
    return X, f + 0.1 * rng.normal(size=n)


def measure(target: str, n: int, loss: str, share: float, seed: int) -> dict[str, object]:
    """Train, check, and time both."""
    X, y = make_data(target, n, np.random.default_rng(seed))
    y = np.where(y > np.median(y), 1.0, -1.0) if loss == "logistic" else y
    decay = share * cn.largest_weight_decay("relu", X, y, loss=loss)
    start = time.perf_counter()
    solution = cn.train("relu", X, y, loss=loss, weight_decay=decay, time_limit=120.0)
    trained = time.perf_counter()
    result = check(solution.certificate.to_dict())
    checked = time.perf_counter()
    gap = relative_gap(result.lower, result.upper) if result.valid else float("nan")
    values = (target, n, loss, share, len(solution.certificate.a), trained - start,
              checked - trained, result.valid, gap, result.reason)  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def cases(quick: bool) -> Iterator[tuple[str, int, str, float]]:
    """Targets, sizes, losses, weight decays as shares of the largest useful one."""
    if quick:
        yield from (("planted", 30, loss, 0.1) for loss in ("squared", "logistic"))
        return
    for n in (20, 100, 300, 1000):
        for target in ("planted", "rough"):
            for loss in ("squared", "logistic"):
                yield from ((target, n, loss, share) for share in (0.01, 0.1))


def measure_large(units: str, seed: int, n: int = 10_000, d: int = 100) -> None:
    """Train, save with and without the data, check both files; the processes are measured."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) + np.abs(X[:, 0]) + rng.normal(size=n)
    family = cn.Family(units, gates=3) if units == "gated_relu" else units
    decay = 0.1 * cn.largest_weight_decay(family, X, y, bias=False)
    start = time.perf_counter()
    solution = cn.train(family, X, y, weight_decay=decay, bias=False, time_limit=120.0)
    print(units, f"trained in {time.perf_counter() - start:.1f} s, gap {solution.gap:.1e}")
    with tempfile.TemporaryDirectory() as folder:
        whole, bare, data = (Path(folder) / name for name in ("whole", "bare", "data.csv"))
        solution.certificate.save(whole)
        solution.certificate.save(bare, embed_data=False)
        np.savetxt(data, np.column_stack([X, y]), delimiter=",", fmt="%.17g")
        for arguments in ([whole], [bare, "--data", data]):
            command = [sys.executable, "-c", MEASURED, Path(checker).parent, *arguments]
            done = subprocess.run(command, capture_output=True, text=True)
            size = sum(Path(name).stat().st_size for name in arguments if name != "--data") / 1e6
            print(f"  {size:.1f} MB:", done.stdout.strip().replace("\n", "; "), flush=True)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="30 samples")
    parser.add_argument("--large", action="store_true", help="10^4 samples, 100 features")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="checker_times.csv")
    options = parser.parse_args(argv)
    print(platform.python_version(), platform.processor() or platform.machine())
    if options.large:
        for units in ("linear", "coordinate", "gated_relu", "quadratic"):
            measure_large(units, options.seed)
        return
    with open(options.out, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for case in cases(options.quick):
            row = measure(*case, options.seed)
            writer.writerow(row)
            file.flush()
            cells = (f"{x:.3g}" if isinstance(x, float) else str(x) for x in row.values())
            print("  ".join(cells), flush=True)
