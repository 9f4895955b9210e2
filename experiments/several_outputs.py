"""Several outputs and classes that share hidden units: proved, beside Adam and one-vs-rest.

ReLU units with a hidden bias. Seconds are those of the processor, certificate included.

    python -m experiments several_outputs [--quick] [--parts random sets shared] [--splits 20]

``random``: samples of rank 3 (two features and the bias), targets of six units with noise, or their
largest as classes; weight decay 0.1 or 0.01 of the largest useful one.
``sets``: iris (4 features), wine (13) and 70 % of digits (64), standardised, cross entropy. Adam is
the best and the worst of ten networks of width 100 at the best of three rates, as its excess over
our objective.
``shared``: one network for all classes and one for each class against the rest, at 0.1 of the
largest useful weight decay of each: accuracy on test sets, units of all networks together, seconds.

Measured with Python 3.11, November 2026, on two cores, with at most two of these parts at a time
and limits of 60, 40 and 2 seconds for a network. ``random``: units, seconds and gap; an asterisk is
what the limit left open. At n = 300, c = 2, squared, most seconds are those of compiling the check.

    share 0.1          c = 2                c = 3                c = 10
    squared
     n = 20         5   0.2 5.8e-13      5   0.2 3.9e-13      8   0.4 6.4e-10
     n = 50         8   0.6 7.9e-08     11   0.7 9.5e-09     13   2.9 2.2e-08
     n = 100       10   1.5 5.9e-13     11   1.9 8.8e-07     15   3.5 5.7e-08
     n = 300        6  13.3 1.0e-12      7   2.1 2.6e-07      8   2.3 2.6e-08
     n = 1000       7  17.2 3.7e-07      8  32.1 5.2e-08      9  45.0 3.8e-07
    cross entropy
     n = 20         5   0.1 1.3e-07      3   0.2 2.5e-13     11   0.4 6.5e-08
     n = 50         3   0.3 1.0e-08      5   0.6 2.2e-10      8   1.0 1.6e-08
     n = 100        6   1.2 1.0e-07      7   2.1 2.9e-07     13   2.6 1.6e-07
     n = 300        4   1.8 1.4e-07     10   3.4 9.4e-07     15   9.6 4.3e-07
     n = 1000       5   9.5 2.0e-09      4   5.6 2.0e-12      9  22.7 1.1e-07

    share 0.01         c = 2                c = 3                c = 10
    squared
     n = 50                             27   2.2 2.6e-07     39   8.8 3.9e-07
     n = 100                            19   2.9 5.1e-07    43  60.0 5.7e-06*
    cross entropy
     n = 50                             10   1.1 3.4e-07     14   0.7 2.3e-10
     n = 100                             9   1.6 1.4e-07     16   2.8 3.8e-07

``sets``: our objective, gap, units and seconds; by how much the best and the worst of ten networks
of Adam end above it, and the seconds of all of them. On digits Adam is ahead.

    iris     0.3    131.42764  7.3e-07    3    18    +5.5e-09  +3.4e-06    20
    iris     0.1     83.64175  9.5e-07    4    11    +3.2e-09  +9.3e-06    21
    iris    0.03     42.78818  4.8e-04    5    34    -4.3e-08  -2.1e-08    19
    wine     0.3    126.03851  8.6e-07    3     7    +6.1e-09  +1.0e-08    31
    wine     0.1     63.68317  9.1e-07    3    10    +6.2e-09  +1.2e-08    38
    wine    0.03     27.67557  5.4e-05    3    40    +4.1e-05  +1.2e-04    38
    digits   0.1    997.42341  4.9e-01   64    41    -9.3e-06  +3.3e-05   201
    digits  0.03    433.62834  5.4e-01   83    41    -2.4e-05  +1.4e-04   206

``shared``: accuracy on test sets with its standard error over 20 splits, units, seconds.

    iris   softmax  0.9567 +- 0.0078    2.0    2.2
    iris   ovr      0.9611 +- 0.0068    4.0    4.1
    wine   softmax  0.9935 +- 0.0024    3.0    1.9
    wine   ovr      0.9907 +- 0.0028    3.6    2.9
    digits softmax  0.9643 +- 0.0020   49.2    5.3
    digits ovr      0.9627 +- 0.0018   37.0   26.4
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

import cvxnet as cn
from cvxnet.losses import get_loss
from cvxnet.objective import Objective
from cvxnet.training.recovery import problem_of

GRID = [(n, c, 0.1) for n in (20, 50, 100, 300, 1000) for c in (2, 3, 10)]
GRID += [(n, c, 0.01) for n in (50, 100) for c in (3, 10)]
SETS = [(name, share) for name in ("iris", "wine") for share in (0.3, 0.1, 0.03)]
SETS += [("digits", 0.1), ("digits", 0.03)]
RATES, WIDTH, RUNS, EPOCHS = (0.003, 0.01, 0.03), 100, 10, 1000
NAMES = ("iris", "wine", "digits")


def random_data(n: int, c: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples with two features, and targets of six units with noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 2))
    rows = np.column_stack([X, np.ones(n)])
    hidden = np.maximum(rows @ rng.standard_normal((3, 6)), 0.0)
    Y = hidden @ rng.standard_normal((6, c)) + 0.5 * rng.standard_normal((n, c))
    return X, Y - Y.mean(axis=0)


def load(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A bundled set, standardised; of digits the first 70 %."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    if name == "digits":
        X, y = X[:1257], y[:1257]
    X = X[:, X.std(axis=0) > 0.0]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def solve(X: np.ndarray, y: np.ndarray, share: float, loss: str, seconds: float) -> Any:
    """Our solution at a share of the largest useful weight decay, and its processor seconds."""
    decay = share * cn.largest_weight_decay("relu", X, y, loss=loss)
    begin = time.process_time()
    solution = cn.train("relu", X, y, loss=loss, weight_decay=decay, time_limit=seconds)
    return solution, time.process_time() - begin


def show_random(grid: list[tuple[int, int, float]], seconds: float) -> None:
    """Units, rounds, seconds and gap."""
    print("    n   c  share  loss           units rounds  seconds      gap  certificate")
    for n, c, share in grid:
        X, Y = random_data(n, c)
        for loss, y in (("squared", Y), ("cross_entropy", Y.argmax(axis=1))):
            solution, took = solve(X, y, share, loss, seconds)
            stats = solution.stats
            print(
                f"{n:5} {c:3}  {share:5}  {loss:13} {stats['units']:6} {stats['rounds']:6} "
                f"{took:8.2f}  {solution.gap:7.1e}  {stats['checked'].split(':')[0]}",
                flush=True,
            )


def adam(X: np.ndarray, y: np.ndarray, decay: float, epochs: int) -> tuple[list[float], float]:
    """Objectives of all runs at the best rate, ascending, and processor seconds."""
    import torch

    objective = Objective(
        units="relu", X=X, y=y, loss=get_loss("cross_entropy"), weight_decay=decay
    )
    problem = problem_of(objective)
    rows, targets = torch.tensor(objective.rows), torch.tensor(objective.y)
    (n, d), c = rows.shape, targets.shape[1]
    begin, found = time.process_time(), list[list[float]]()
    for rate in RATES:
        generator = torch.Generator().manual_seed(0)
        shape = {"generator": generator, "dtype": torch.float64}
        W = torch.randn((RUNS, d, WIDTH), **shape) * np.sqrt(1.0 / d)
        A = torch.randn((RUNS, WIDTH, c), **shape) * np.sqrt(1.0 / WIDTH)
        for part in (W, A):
            part.requires_grad_()
        optimizer = torch.optim.Adam([W, A], lr=rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        for _ in range(epochs):
            optimizer.zero_grad()
            f = torch.relu(rows @ W) @ A
            losses = (torch.logsumexp(f, 2) - (f * targets).sum(2)).sum(1)
            price = (W**2).sum((1, 2)) + (A**2).sum((1, 2))
            values = losses + 0.5 * decay * price
            values.sum().backward()
            optimizer.step()
            schedule.step()
        found.append(sorted(values.detach().tolist()))
    assert problem.y.shape == (n, c)
    return min(found), time.process_time() - begin


def show_sets(sets: list[tuple[str, float]], seconds: float, epochs: int) -> None:
    """Bracket, units, seconds; Adam's excess and seconds."""
    print("set     share      objective      gap  units  seconds   Adam best   worst  seconds")
    for name, share in sets:
        X, y = load(name)
        solution, took = solve(X, y, share, "cross_entropy", seconds)
        values, theirs = adam(X, y, solution.certificate.weight_decay, epochs)
        best, worst = (value / solution.value - 1.0 for value in (values[0], values[-1]))
        print(
            f"{name:7} {share:5} {solution.value:14.7f}  {solution.gap:7.1e} "
            f"{solution.stats['units']:6} {took:8.2f}   {best:+.1e} {worst:+.1e} {theirs:8.2f}",
            flush=True,
        )


def show_shared(names: tuple[str, ...], splits: int, seconds: float) -> None:
    """Mean accuracy with its standard error, mean units and seconds of both ways."""
    print("set      way       accuracy            units  seconds")
    for name in names:
        X, y = load(name)
        for way in ("softmax", "ovr"):
            scores, units, took = [], [], []
            for seed in range(splits):
                parts = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
                model = cn.ConvexNetClassifier(multi_class=way, time_limit=seconds)
                begin = time.process_time()
                model.fit(parts[0], parts[2])
                took.append(time.process_time() - begin)
                scores.append(model.score(parts[1], parts[3]))
                found = model.solution_
                found = found if isinstance(found, list) else [found]
                units.append(sum(solution.stats["units"] for solution in found))
            error = np.std(scores) / np.sqrt(splits)
            print(
                f"{name:8} {way:8} {np.mean(scores):.4f} +- {error:.4f} {np.mean(units):8.1f} "
                f"{np.mean(took):8.2f}",
                flush=True,
            )


def main(argv: list[str]) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few small problems")
    parser.add_argument("--parts", nargs="+", default=["random", "sets", "shared"])
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of each network")
    options = parser.parse_args(argv)
    seconds, splits = (2.0, 1) if options.quick else (options.seconds, options.splits)
    with threadpool_limits(1):
        if "random" in options.parts:
            show_random(GRID[:2] if options.quick else GRID, seconds)
        if "sets" in options.parts:
            show_sets(
                SETS[1:2] if options.quick else SETS, seconds, 50 if options.quick else EPOCHS
            )
        if "shared" in options.parts:
            show_shared(NAMES[:1] if options.quick else NAMES, splits, seconds)
