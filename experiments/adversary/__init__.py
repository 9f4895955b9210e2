"""A standing adversary: random inputs against every promise of README and docstrings.

    python -m experiments adversary --minutes 60 [--seed S] [--only training,networks,...]
    python -m experiments adversary --only training --seed S --trial K

A trial draws a small, often degenerate or badly scaled input, calls public functions with it, and
holds what comes out against computations that share no code with cvxnet: ``tests/truth.py``,
``tests/formulas.py``, ``tests/full_programs.py``, CVXPY's numbers, torch, onnxruntime. Warnings
count as failures, and so do exceptions that are not in ``cvxnet.errors``. Each kind of failure is
printed once, as a snippet that can be pasted into a test, with what was promised and what came out.

Trial K of seed S of a part is the same everywhere, whatever ran before it, except where a time
limit ends a training. The parts are listed in ``PARTS`` (`experiments.adversary.watch`).
"""

import sys
from pathlib import Path

TESTS = str(Path(__file__).parents[2] / "tests")
if TESTS not in sys.path:  # the independent computations live there
    sys.path.append(TESTS)
