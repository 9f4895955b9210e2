"""Statements that were once false or misleading, with the right values from computations apart."""

import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import cvxnet as cn
from cvxnet.interop.estimators import ConvexNetClassifier, ConvexNetRegressor
from cvxnet.training import trainer
from cvxnet.training.clock import KernelTime, now

# Time limits: kernels do not count, and nothing untrained comes back without a word.

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0.0, 1.0, 1.0, 0.0])
FIRST_FIT = """
    import numpy as np, cvxnet as cn
    X, y = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]]), np.array([0., 1., 1., 0.])
    solution = cn.train("relu", X, y, weight_decay=.01, output_bias=True, time_limit=2.0)
    print(solution.status, solution.value)
"""


def test_the_first_fit_after_installation_is_trained_within_its_limit(tmp_path):
    """Compiling takes several times the limit, on every machine that there is."""
    command = [sys.executable, "-c", textwrap.dedent(FIRST_FIT)]
    environment = {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    first = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    status, value = first.stdout.split()
    assert status == "optimal" and abs(float(value) - 0.027884) < 1e-6


def test_the_clock_stands_still_while_some_thread_compiles(monkeypatch):
    ticks = iter([10.0, 11.0, 14.0, 15.0, 20.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    kernels = KernelTime()
    assert kernels.working() == 10.0
    kernels.on_start(None)  # at 11
    kernels.on_start(None)  # another thread, or the same again
    assert kernels.working() == 11.0
    kernels.on_end(None)
    assert kernels.working() == 11.0
    kernels.on_end(None)  # at 14
    assert kernels.working() == 12.0
    assert kernels.working() == 17.0


@pytest.mark.parametrize("model", [ConvexNetRegressor, ConvexNetClassifier])
def test_a_fit_without_time_for_a_unit_warns(model):
    X, y = XOR
    with pytest.warns(ConvergenceWarning, match="untrained.*time limit"):
        fitted = model(weight_decay=0.01, time_limit=1e-9).fit(X, y)
    solution = fitted.solution_
    assert solution.stats["untrained"] and "untrained" in str(solution) and solution.units == 0


@pytest.mark.parametrize("units", ["relu", "squared_relu", "threshold", "tanh", "coordinate"])
def test_untrained_is_said_only_where_units_would_help(units):
    X, y = XOR[0], np.array([0.0, 1.0, 1.0, 3.0])
    most = cn.largest_weight_decay(units, X, y, output_bias=True)
    for share, untrained in [(1.01, False), (0.5, True)]:
        options = {"weight_decay": share * most, "output_bias": True}
        cut = cn.train(units, X, y, time_limit=1e-9, **options)
        full = cn.train(units, X, y, **options)
        assert (full.units > 0) == untrained == (full.value < cut.value * (1 - 1e-9))
        assert not full.stats["untrained"] and not full.warning
        assert untrained <= cut.stats["untrained"] == bool(cut.warning) and cut.units == 0
        assert cut.status == "optimal" or "time limit" in str(cut)


def test_why_training_stopped_is_said_in_words(monkeypatch):
    X, y = XOR
    options = {"weight_decay": 0.01, "output_bias": True}
    done = cn.train("relu", X, y, **options)
    assert done.stats["stopped"] == "the gap was reached" and "reached" not in str(done)
    short = cn.train("relu", X, y, time_limit=1e-9, **options)
    assert "time limit" in short.stats["stopped"] and "time limit" in str(short)
    strict = cn.train("relu", X, y, gap=1e-300, **options)
    assert strict.status == "optimal" or "nothing improves" in str(strict)

    def interrupted(*arguments):
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "close_bracket", interrupted)
    cut = cn.train("relu", X, y, **options)
    assert cut.stats["interrupted"] and "interrupted" in str(cut)


def test_deadlines_in_the_past_have_passed_on_the_clock():
    assert now() <= time.monotonic() and now() - 1.0 < now()
