"""A series of one solver on one problem: in this process, or in one of the peers' environment."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from experiments.report import Row, peers_python
from experiments.yuan2010.sets import problem
from experiments.yuan2010.solvers import SOLVERS, Problem, save, series

ROOT = Path(__file__).parents[2]
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
LONGEST = 200
"""Seconds of the wall for a series elsewhere; the limit of processor seconds is looked at between
runs. (A limit that the system watches would make the processor's clock a coarse one.)"""
SKIPPED = "not run with --quick"


def where(solver: str, quick: bool) -> str:
    """Where a solver is run, as far as there is such a place."""
    if not SOLVERS[solver].apart:
        return "here"
    if quick:
        return SKIPPED
    return "apart" if peers_python() else "absent"


def run(
    name: str, loss: str, C: float, seed: int, solver: str, place: str, seconds: float,
    tolerances: Sequence[float],
) -> Row:  # fmt: skip
    """Tolerances, seconds and weights; or the reason why there are none."""
    given = problem(name, loss, C, seed)
    refusal = SOLVERS[solver].refuses(given)
    if refusal or place not in ("here", "apart"):
        return {"points": 0, "version": "", "outcome": refusal or place}
    start = run_apart if place == "apart" else run_here
    found, took, W, version, failure = start(solver, given, seconds, tolerances)
    row = {"points": len(took), "version": version, "outcome": failure}
    return row | {"found": found, "took": took, "W": W}


Series = tuple[list[float], list[float], Any, str, str]


def run_here(solver: str, given: Problem, seconds: float, tolerances: Sequence[float]) -> Series:
    """In this process, with one thread."""
    points, failure = [], ""
    with threadpool_limits(1):
        try:
            for point in series(solver, given, seconds, tolerances):
                points.append(point)
        except Exception as error:  # whatever it is, the line says so
            failure = f"failed: {type(error).__name__}"
    found, took, W = zip(*points, strict=True) if points else ((), (), ())
    version = metadata.version(SOLVERS[solver].package)
    return list(found), list(took), np.array(W), version, failure


def run_apart(solver: str, given: Problem, seconds: float, tolerances: Sequence[float]) -> Series:
    """In the peers' environment; points that were written before it failed count."""
    with tempfile.TemporaryDirectory() as folder:
        here, out = Path(folder) / "problem.npz", Path(folder) / "out.npz"
        save(here, given)
        module = "experiments.yuan2010.solvers"
        command = [peers_python(), "-m", module, here, out, solver, seconds, *tolerances]
        try:
            done = subprocess.run(
                [str(word) for word in command],
                cwd=ROOT,
                env=os.environ | ONE_THREAD,
                capture_output=True,
                text=True,
                timeout=LONGEST,
            )
            failure = "" if done.returncode == 0 else reason(done)
        except subprocess.TimeoutExpired:
            failure = f"stopped after {LONGEST} s"
        if not out.exists():
            return [], [], np.zeros((0, 0)), "", failure
        with np.load(out) as found:
            columns = found["tolerances"].tolist(), found["seconds"].tolist(), found["W"]
            return *columns, str(found["version"]), failure


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what it said."""
    lines = done.stderr.strip().splitlines()
    return f"failed: {lines[-1][:80]}" if lines else f"failed: exit status {done.returncode}"
