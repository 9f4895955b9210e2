"""How long does the exact checker take, and how tight is what it proves?

Trains networks on 2 Gaussian features + bias with `cvxnet.train` and checks the
certificates as they come: time of the check, whether it proved, and the relative gap proved.

    python experiments/checker_times.py [--quick] [--seed 0] [--out checker_times.csv]

Measured on one of two shared cores (Python 3.11), seed 0: seconds for a check, least and most
over targets, losses and decays (at n = 1000 four of the eight cases). All were proved:

    n = 20: 0.005 to 0.012    n = 100: 0.10 to 0.22    n = 300: 0.9 to 3.7    n = 1000: 25 to 52
"""

import argparse
import csv
import platform
import time
from collections.abc import Iterator

import numpy as np

import cvxnet as cn
from cvxnet.proofs.checker import check

COLUMNS = ("target", "n", "loss", "decay", "units", "train_s", "check_s", "valid", "gap", "reason")


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
    gap = (result.upper - result.lower) / abs(result.upper) if result.valid else float("nan")
    values = (target, n, loss, share, len(solution.certificate.a), trained - start,
              checked - trained, result.valid, gap, result.reason)  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def cases(quick: bool) -> Iterator[tuple[str, int, str, float]]:
    """Targets, sizes, losses, weight decays as shares of the largest useful one."""
    for n in (20, 100, 300) if quick else (20, 100, 300, 1000):
        for target in ("planted", "rough"):
            for loss in ("squared", "logistic"):
                yield from ((target, n, loss, share) for share in (0.01, 0.1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="up to 300 samples")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="checker_times.csv")
    options = parser.parse_args()
    print(platform.python_version(), platform.processor() or platform.machine())
    with open(options.out, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for case in cases(options.quick):
            row = measure(*case, options.seed)
            writer.writerow(row)
            file.flush()
            cells = (f"{x:.3g}" if isinstance(x, float) else str(x) for x in row.values())
            print("  ".join(cells), flush=True)


if __name__ == "__main__":
    main()
