"""One method on one problem: ``python -m experiments.peers.worker METHOD IN OUT LIMIT``.

Imports nothing of cvxnet; of the rooms only `whole` does. IN and OUT are .npz files: the problem;
and the network, with processor time, wall time and peak memory. A warm-up on a dozen of the samples
comes first, which loads and compiles what is loaded and compiled once; memory counts all, time only
what comes after it. Soon after the limit, in processor time, the system ends the process.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from experiments.peers.methods import EVERY

WARM, WARM_SECONDS = 12, 0.3
GRACE = 1.2
MEMORY = float(os.environ.get("PEERS_MEMORY", "12e9"))
"""Bytes of address space for a process."""


def peak_memory() -> float:
    """Of this process so far, in megabytes."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return float(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def small(problem: dict[str, Any], name: str) -> dict[str, Any]:
    """The same with a dozen of its samples.

    Full programs get one feature, too, of more they would be large; and sampled gates a decay that
    leaves none of them.
    """
    if "X" not in problem:
        return first_rows(problem)
    room, X = EVERY[name].room, problem["X"]
    rows = np.unique(np.linspace(0, len(X) - 1, WARM).astype(int))
    few = 1 if room == "whole" and name != "cvxnet" else X.shape[1]
    decay = problem["weight_decay"] * (1e3 if room == "sampled" else 1.0)
    return problem | {"X": X[rows, :few], "Y": problem["Y"][rows], "weight_decay": decay}


def first_rows(problem: dict[str, Any]) -> dict[str, Any]:
    """A dozen samples of sparse data."""
    starts = problem["starts"][: WARM + 1]
    few = {key: problem[key][: starts[-1]] for key in ("values", "columns")}
    shape = np.array([WARM, problem["shape"][1]])
    return problem | few | {"starts": starts, "shape": shape, "Y": problem["Y"][:WARM]}


def stop_after(seconds: float) -> None:
    """Of processor time, from now on."""
    most = int(time.process_time() + GRACE * seconds) + 2
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))


def keep_within(memory: float) -> None:
    """Bytes; who asks for more is told that there is none."""
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))


def solve(name: str, problem: dict[str, Any], limit: float, strict: bool = False) -> dict[str, Any]:
    """The network found, with times and memory; strict: the process ends beyond the limit."""
    method = EVERY[name]
    run = getattr(importlib.import_module(f"experiments.peers.{method.room}"), name)
    with contextlib.suppress(Exception):  # what does not work is said by the problem itself
        run(small(problem, name), WARM_SECONDS)
    imports = peak_memory()
    if strict:
        stop_after(limit)
    wall, processor = time.perf_counter(), time.process_time()
    found = run(problem, limit)
    facts = {
        "seconds": time.process_time() - processor,
        "wall": time.perf_counter() - wall,
        "memory_mb": peak_memory(),
        "imports_mb": imports,
        "version": f"{method.package} {metadata.version(method.package)}",
    }
    return facts | (found() if callable(found) else found)


def main(method: str, source: str, target: str, limit: float) -> None:
    """Solve the problem in one file, and write the network found into another.

    cvxnet keeps to its limit and says what it proved.
    """
    keep_within(MEMORY)
    with np.load(source) as file:
        problem = {key: file[key][()] for key in file.files}
    np.savez(target, **solve(method, problem, limit, strict=EVERY[method].package != "cvxnet"))


if __name__ == "__main__":
    main(*sys.argv[1:4], float(sys.argv[4]))
