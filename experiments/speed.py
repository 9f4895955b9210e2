"""How long does the global optimum take, in time and memory, beside the full program and Adam?

Two targets on two Gaussian features and a bias: `planted` (a network of five units plus noise)
and `rough` (sin(2a) cos(2b) plus noise); squared loss, weight decay 0.01 and 0.1 of the largest
useful one. Floors: one exact pricing is O(n^2 log n); the full program has about n^2 cells
(9,902 at n = 100) of n inequalities each.

Every measurement is a process of its own (peak memory is that process's, imports included), after
a small warm-up that loads the compiled kernels. All are taken in one run; ratios are within it.

    python -m experiments speed [--quick] [--seed 0] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from experiments.problems import target

METHODS = {
    "train": "column generation (cvxnet.train)",
    "facets": "full program, facets only (CVXPY + Clarabel)",
    "full": "full program, all inequalities (CVXPY + Clarabel)",
    "adam": "Adam, 10 restarts, width 100, best of 4 learning rates (torch)",
}
LARGEST = {"train": 1000, "facets": 100, "full": 100, "adam": 200}


def run_train(X, y, beta):
    import cvxnet as cn

    solution = cn.train("relu", X, y, weight_decay=beta)
    parts = ("rounds", "units", "pricing", "sliding", "assembling", "solving", "refining")
    return {
        "value": solution.value,
        "lower": solution.lower_bound,
        "gap": solution.gap,
        "status": solution.status,
    } | {part: solution.stats[part] for part in parts}


def run_program(X, y, beta, facets_only):
    import cvxnet as cn

    program = cn.program("relu", X, y, weight_decay=beta, facets_only=facets_only)
    value = float(program.solve(solver="CLARABEL"))
    stats = program.solver_stats
    return {
        "value": value,
        "status": program.status,
        "compiling": program.compilation_time,
        "solving": stats.solve_time,
    }


def run_adam(X, y, beta):
    """Ten restarts as one tensor; objective summed over samples, decay on all weights."""
    import torch

    torch.manual_seed(0)
    A = torch.tensor(np.column_stack([X, np.ones(len(X))]), dtype=torch.float64)
    t = torch.tensor(y, dtype=torch.float64)
    best = np.inf
    for rate in (1e-3, 3e-3, 1e-2, 3e-2):
        W = (torch.randn(10, 3, 100, dtype=torch.float64) / 3**0.5).requires_grad_()
        a = (torch.randn(10, 100, dtype=torch.float64) / 10.0).requires_grad_()
        optimizer = torch.optim.Adam([W, a], lr=rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3000)
        for _ in range(3000):
            optimizer.zero_grad()
            f = (torch.relu(A @ W) * a[:, None, :]).sum(2)
            decay = 0.5 * beta * ((W**2).sum((1, 2)) + (a**2).sum(1))
            objective = 0.5 * ((f - t) ** 2).sum(1) + decay
            objective.sum().backward()
            optimizer.step()
            schedule.step()
        best = min(best, float(objective.min()))
    return {"value": best, "status": "stopped"}


RUN = {
    "train": run_train,
    "facets": lambda X, y, beta: run_program(X, y, beta, True),
    "full": lambda X, y, beta: run_program(X, y, beta, False),
    "adam": run_adam,
}


def measure(method: str, kind: str, n: int, fraction: float, seed: int) -> dict:
    """One measurement in this process."""
    import cvxnet as cn

    X, y = target(kind, 20, seed + 1)
    if method != "adam":
        RUN[method](X, y, 0.1)
    X, y = target(kind, n, seed)
    beta = fraction * cn.largest_weight_decay("relu", X, y)
    begin = time.perf_counter()
    result = RUN[method](X, y, beta)
    seconds = time.perf_counter() - begin
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "memory_mb": memory} | result


def measure_apart(method: str, kind: str, n: int, fraction: float, seed: int) -> dict:
    """The same in a fresh process."""
    one = json.dumps([method, kind, n, fraction, seed])
    command = [sys.executable, "-m", "experiments", "speed", "--one", one]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    if done.returncode:
        return {"status": "failed: " + done.stderr.strip().splitlines()[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def plan(quick: bool) -> list[tuple[str, int, float]]:
    sizes = (20,) if quick else (50, 100, 200, 500, 1000)
    decays = (0.1,) if quick else (0.1, 0.01)
    kinds = ("planted",) if quick else ("planted", "rough")
    return [(kind, n, f) for kind in kinds for f in decays for n in sizes]


def methods(n: int, quick: bool) -> list[str]:
    try:
        import torch  # noqa: F401
    except ImportError:
        available = ["train", "facets", "full"]
    else:
        available = list(METHODS)
    return [m for m in available if n <= LARGEST[m] and not (quick and m in ("full", "adam"))]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="n = 20")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for speed.csv")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.one:
        print(json.dumps(measure(*json.loads(options.one))))
        return
    rows = []
    for kind, n, fraction in plan(options.quick):
        base = None
        for method in methods(n, options.quick):
            row = {"target": kind, "n": n, "decay": fraction, "method": method}
            row |= measure_apart(method, kind, n, fraction, options.seed)
            base = base or row
            report(row, base)
            rows.append(row)
    if options.out:
        write(rows, options.out)


def report(row: dict, base: dict) -> None:
    """One line, with the ratio to `train` on the same problem."""
    head = f"{row['target']:8s} n={row['n']:<5d} {row['decay']:<5g} {row['method']:7s}"
    if "seconds" not in row or "seconds" not in base:
        print(head, row["status"], flush=True)
        return
    ratio = row["seconds"] / base["seconds"]
    excess = (row["value"] - base["lower"]) / base["lower"]
    print(
        f"{head} {row['seconds']:8.2f} s {ratio:7.1f}x {row['memory_mb']:6.0f} MB  "
        f"above the proved bound by {excess:8.1e}  {row['status']}"
        + "".join(f"  {k} {row[k]:.2f}" for k in ("pricing", "compiling", "solving") if k in row)
        + (f"  units {row['units']}" if "units" in row else ""),
        flush=True,
    )


def write(rows: list[dict], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(key for row in rows for key in row))
    with open(folder / "speed.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
