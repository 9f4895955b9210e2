"""The first training after installation: what it compiles, and that its limit stands still."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cvxnet

FIRST = """
import json, sys, cvxnet, numpy as np
from numba.core.dispatcher import Dispatcher
X, y = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]]), np.array([0., 1., 1., 0.])
options = {"weight_decay": 0.01, "output_bias": True, "time_limit": 4.0}
for family in sys.argv[1:]:
    solution, kernels = cvxnet.train(family, X, y, **options), []
    for name, module in sorted(sys.modules.items()):
        for kernel in vars(module).values() if name.startswith("cvxnet.") else ():
            if isinstance(kernel, Dispatcher) and kernel.signatures and kernel.__module__ == name:
                kernels.append((name, len(kernel.signatures)))
    print(json.dumps([solution.status, solution.value, kernels]))
"""


def train_first(families, cache):
    """Status, value and the kernels compiled so far, one after the other, in a process without.

    Without optimizations, to compile takes half as long; what is compiled, and when, is the same.
    """
    run = subprocess.run(
        [sys.executable, "-c", FIRST, *families],
        capture_output=True,
        text=True,
        cwd=Path(cvxnet.__file__).parents[1],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache), "NUMBA_OPT": "0"},
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


CELLS = {"geometry.cells", "geometry.circles", "kernels"}
CONES = {f"pricing.cone_{what}" for what in ("search", "rows", "bounds", "maxima")}


@pytest.mark.architecture
@pytest.mark.parametrize(
    "rooms",
    [
        {"relu": {*CELLS, *CONES, "pricing.nearest_point", "nonneg_least_squares"}},
        {"linear": set(), "tanh": {"kernels", "pricing.box_search", "pricing.term_bounds"}},
    ],
    ids=" ".join,
)
def test_it_compiles_what_its_units_need_and_nothing_twice(rooms, tmp_path):
    """Each kernel is compiled for one list of types: another one costs as much again.

    Compiling those of ReLU units takes several times the time limit, on every machine that there
    is; the network is trained within the limit all the same. Linear units, which need nothing,
    leave a process in which tanh units are still the first.
    """
    found = train_first(rooms, tmp_path)
    for (family, expected), (status, value, kernels) in zip(rooms.items(), found, strict=True):
        assert {
            name.removeprefix("cvxnet.").removeprefix("training.") for name, _ in kernels
        } == expected
        assert all(times == 1 for _, times in kernels), kernels
        if family == "relu":
            assert status == "optimal" and abs(value - 0.027884) < 1e-6
