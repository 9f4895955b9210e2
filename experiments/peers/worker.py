"""One method on one problem: ``python -m experiments.peers.worker ROOM METHOD IN OUT LIMIT``.

Imports nothing of cvxnet; of the rooms only `whole` does. IN and OUT are .npz files: the problem;
and the network, with processor time, wall time and peak memory. A warm-up on a dozen of the samples
comes first, which loads and compiles what is loaded and compiled once; memory counts all, time only
what comes after it. Beyond GRACE times the limit in processor time the system ends the process.
"""

from __future__ import annotations

import importlib
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WARM, WARM_SECONDS = 12, 0.3
GRACE = 1.5


def peak_memory() -> float:
    """Of this process so far, in megabytes."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return float(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def few_samples(problem: dict[str, Any]) -> dict[str, Any]:
    """The same problem with a dozen of its samples."""
    rows = np.unique(np.linspace(0, len(problem["X"]) - 1, WARM).astype(int))
    return problem | {"X": problem["X"][rows], "Y": problem["Y"][rows]}


def stop_after(seconds: float) -> None:
    """Of processor time, from now on."""
    most = int(time.process_time() + GRACE * seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))


def solve(
    room: str, method: str, problem: dict[str, Any], limit: float, strict: bool = False
) -> dict[str, Any]:
    """The network found, with times and memory; strict: the process ends beyond the limit."""
    run = getattr(importlib.import_module(f"experiments.peers.{room}"), method)
    run(few_samples(problem), WARM_SECONDS)
    imports = peak_memory()
    if strict:
        stop_after(limit)
    wall, processor = time.perf_counter(), time.process_time()
    found = run(problem, limit)
    times = {"seconds": time.process_time() - processor, "wall": time.perf_counter() - wall}
    memory = {"memory_mb": peak_memory(), "imports_mb": imports}
    return (found() if callable(found) else found) | times | memory


def main(room: str, method: str, source: str, target: str, limit: float) -> None:
    """Solve the problem in one file, and write the network found into another."""
    with np.load(source) as file:
        problem = {key: file[key][()] for key in file.files}
    np.savez(target, **solve(room, method, problem, limit, strict=True))


if __name__ == "__main__":
    main(*sys.argv[1:5], float(sys.argv[5]))
