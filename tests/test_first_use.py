"""The first training after installation: what it compiles, and that its limit stands still."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cvxnet

FIRST = """
import sys, cvxnet, numpy as np
from numba.core.dispatcher import Dispatcher
X, y = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]]), np.array([0., 1., 1., 0.])
options = {{"weight_decay": 0.01, "output_bias": True, "time_limit": 4.0}}
solution = cvxnet.train({family!r}, X, y, **options)
print(solution.status, solution.value)
for name, module in sorted(sys.modules.items()):
    for kernel in vars(module).values() if name.startswith("cvxnet.") else ():
        if isinstance(kernel, Dispatcher) and kernel.signatures and kernel.__module__ == name:
            print(name, len(kernel.signatures))
"""


def train_first(family, cache):
    """Status, value and the kernels that were compiled, in a process without any."""
    run = subprocess.run(
        [sys.executable, "-c", FIRST.format(family=family)],
        capture_output=True,
        text=True,
        cwd=Path(cvxnet.__file__).parents[1],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
    )
    assert run.returncode == 0, run.stderr
    first, *kernels = (line.split() for line in run.stdout.splitlines())
    return first, kernels


CELLS = {"geometry.cells", "geometry.circles", "kernels"}


@pytest.mark.architecture
@pytest.mark.parametrize(
    ("family", "rooms"),
    [
        ("relu", {*CELLS, "pricing.cone_search", "pricing.nearest_point"}),
        ("tanh", {"kernels", "pricing.box_search", "pricing.term_bounds"}),
        ("linear", set()),
    ],
)
def test_it_compiles_what_its_units_need_and_nothing_twice(family, rooms, tmp_path):
    """Each kernel is compiled for one list of types: another one costs as much again.

    Compiling those of ReLU units takes several times the time limit, on every machine that there
    is; the network is trained within the limit all the same.
    """
    (status, value), kernels = train_first(family, tmp_path)
    assert {name.removeprefix("cvxnet.training.") for name, _ in kernels} == rooms
    assert all(times == "1" for _, times in kernels), kernels
    if family == "relu":
        assert status == "optimal" and abs(float(value) - 0.027884) < 1e-6
