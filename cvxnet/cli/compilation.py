"""Compiling before the clock starts: numba compiles what pricing needs, once after installation."""

from __future__ import annotations

import sys
import time

import numpy as np

from cvxnet.objective import Family
from cvxnet.training.trainer import train


def prepare(units: str | Family, quiet: bool, several: bool = False) -> None:
    """Compile what pricing such units needs, or load what an earlier run compiled, and say so.

    ``several``: for more than one output.
    """
    if not quiet:
        message = "loading the pricing (the first run compiles it: up to half a minute) ..."
        print(message, end=" ", file=sys.stderr, flush=True)
    begin = time.perf_counter()
    compile_kernels(units, several)
    if not quiet:
        print(f"{time.perf_counter() - begin:.1f} s", file=sys.stderr)


def compile_kernels(units: str | Family, several: bool) -> None:
    """Run the whole of training once on six samples: it calls the kernels of these units."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((6, 2)), rng.standard_normal((6, 2))
    train(units, X, Y if several else Y[:, 0], weight_decay=0.1)
