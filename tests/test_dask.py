"""compare on a real local Dask cluster of two processes, one of which is killed on the way."""

import os
import signal
import threading
import time

import joblib
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.baselines import tasks

pytest.importorskip("torch")
distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.failure

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((12, 2)), rng.standard_normal(12)
RUNS = {"weight_decay": 0.1, "optimizers": ("adam", "lbfgs"), "widths": 3, "seeds": 8}
RUNS |= {"epochs": 300, "rates": {"adam": (0.02, 0.1)}}


@pytest.fixture
def client():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


def kill(pid, store):
    """As soon as a run is finished, so that others are under way."""
    deadline = time.monotonic() + 200.0
    while not list(store.glob("training-*.npz")) and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)


def test_a_killed_worker_costs_nothing_and_changes_nothing(client, tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "SEEDS_TOGETHER", 2)
    workers = set(client.run(os.getpid).values())
    victim = min(workers)
    killer = threading.Thread(target=kill, args=(victim, tmp_path))
    killer.start()
    with joblib.parallel_config("dask"):
        parallel = cn.compare("relu", X, Y, **RUNS, store=tmp_path)
    killer.join()
    assert len(workers) == 2 and os.getpid() not in workers
    assert victim not in client.run(os.getpid).values()
    assert not parallel.interrupted and len(list(tmp_path.glob("*.npz"))) == 1 + 8
    serial = cn.compare("relu", X, Y, **RUNS)
    assert len(parallel.records) == len(serial.records) == 8
    for there, here in zip(parallel.records, serial.records, strict=True):
        for name in ("optimizer", "seeds", "rates"):
            assert getattr(there, name) == getattr(here, name)
        assert (there.objective == here.objective).all() and (there.W == here.W).all()
