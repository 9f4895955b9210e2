"""Compiling before the clock starts: numba compiles the sweep once after installation."""

from __future__ import annotations

import time

import numpy as np
from rich.console import Console

from cvxnet.training.trainer import train


def prepare(quiet: bool) -> None:
    """Compile, or load what an earlier run compiled, and say so."""
    if quiet:
        compile_kernels()
        return
    console = Console(stderr=True, highlight=False)
    with console.status("compiling the sweep (first run only, about 20 s) ..."):
        begin = time.perf_counter()
        compile_kernels()
    seconds = time.perf_counter() - begin
    console.print(f"sweep compiled (the first run) or loaded in {seconds:.1f} s")


def compile_kernels() -> None:
    """Run the whole of training once on six samples: it calls every kernel."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    if train("relu", X, y, weight_decay=0.1).stats["interrupted"]:
        raise KeyboardInterrupt  # meant for the command, not for this rehearsal
