"""Who listens to a comparison hears where every run is."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.baselines.tasks import TRAINING, TUNING, Trace
from cvxnet.plots import plot_traces
from cvxnet.training.progress import Round

pytest.importorskip("torch")

SEEDS = (0, 1, 5)


@pytest.fixture(scope="module")
def heard():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 2))
    y = X[:, 0] * X[:, 1]
    told = []
    options = {"optimizers": ("adam", "lbfgs"), "widths": (6,), "seeds": SEEDS, "epochs": 20}
    options |= {"rates": {"adam": (0.01, 0.03)}, "weight_decay": 0.3}
    runs = cn.compare("relu", X, y, progress=told.append, **options)
    return runs, told, cn.compare("relu", X, y, **options)


def test_first_the_bracket_then_the_runs(heard):
    _, told, _ = heard
    kinds = [type(one) for one in told]
    rounds = kinds.count(Round)
    assert 0 < rounds < len(kinds)
    assert kinds == [Round] * rounds + [Trace] * (len(kinds) - rounds)


def test_learning_rates_are_heard_as_such(heard):
    _, told, _ = heard
    streams = {(one.optimizer, one.stream) for one in told if isinstance(one, Trace)}
    assert streams == {("adam", TUNING), ("adam", TRAINING), ("lbfgs", TRAINING)}


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_trace_is_the_curve_of_the_record(heard, optimizer):
    runs, told, _ = heard
    (record,) = runs.records_of(optimizer, 6)
    for place, seed in enumerate(SEEDS):
        noted = {
            one.epoch: one.objective[one.seeds.index(seed)]
            for one in told
            if isinstance(one, Trace)
            and (one.optimizer, one.stream) == (optimizer, TRAINING)
            and seed in one.seeds
        }
        curve = dict(zip(record.epochs[place], record.curve[place], strict=True))
        shared = noted.keys() & curve.keys()
        assert len(shared) > 5
        assert all(noted[epoch] == curve[epoch] for epoch in shared)


def test_no_trace_is_below_the_lower_bound(heard):
    runs, told, _ = heard
    lowest = min(one.objective.min() for one in told if isinstance(one, Trace))
    assert lowest >= runs.solution.lower_bound


def test_listening_changes_no_number(heard):
    runs, _, silent = heard
    for mine, other in zip(runs.records, silent.records, strict=True):
        assert np.array_equal(mine.objective, other.objective)
        assert np.array_equal(mine.W, other.W)


def test_the_picture_has_every_run_where_it_ended(heard):
    pytest.importorskip("matplotlib")
    runs, _, _ = heard
    way, _ = plot_traces(runs).axes
    drawn = [line.get_ydata()[-1] for line in way.get_lines() if len(line.get_xdata()) > 1]
    ends = np.concatenate([group.excess[:, 1] for group in runs.groups])
    assert sorted(drawn) == pytest.approx(sorted(np.maximum(ends, 1e-8)))
