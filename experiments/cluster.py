"""Does a Dask cluster give what one process gives, to the last bit, though a worker dies?

What users run many times goes through joblib: trainings at a list of weight decays, the optima of
all widths on several data sets, a grid of decays with its folds (scikit-learn), the paths of decays
of the folds of ``ConvexNetRegressorCV``, the seeds and widths of ``cn.compare``, and the cones of
one pricing of many samples. Each kind of work is done three times: in this process; on a local
cluster of Dask, whose workers are processes of their own; and there again, where one of two workers
is killed (SIGKILL) while it has work. Certificates, weights, objectives and scores are compared by
a digest of all their digits. Seconds are of the clock, after a first training in each process,
which loads the compiled kernels.

Floor: as many workers as cores do as much in as many times less time; a worker that dies costs what
it had begun, and a new one the loading of packages and kernels.

    python -m experiments cluster [--only KIND] [--quick] [--out DIR]
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from distributed import Client, LocalCluster
from sklearn.model_selection import GridSearchCV

import cvxnet as cn
from cvxnet.plots.style import COLORS, WIDTH, new_figure, styled
from experiments.problems import target
from experiments.report import Report, Row

if TYPE_CHECKING:
    import argparse

    from cvxnet.plots.style import Figure

WORKERS = 2
PATIENCE = 60.0
"""Seconds to wait for work to be given to the worker that is to die, and for its death."""
PLACES = HERE, CLUSTER, KILLED = "in one process", "on the cluster", "with a worker killed"


@contextmanager
def local_cluster() -> Iterator[Client]:
    """Processes of this machine, one thread each."""
    with (
        LocalCluster(  # at any free port: another cluster on this machine may have the usual one
            n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def a_worker_killed(client: Client) -> Iterator[None]:
    """One worker dies as soon as it has work; the scheduler must have noticed before the end."""
    address, victim = min(client.run(os.getpid).items())

    def kill() -> None:
        deadline = time.monotonic() + PATIENCE
        while not client.processing()[address] and time.monotonic() < deadline:
            time.sleep(0.001)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        killer.join()
    deadline = time.monotonic() + PATIENCE
    while client.run_on_scheduler(is_known, address=address):
        if time.monotonic() > deadline:
            raise RuntimeError(f"process {victim} was to be killed, and still is a worker")
        time.sleep(0.01)


def is_known(address: str, dask_scheduler: Any) -> bool:
    """Whether the scheduler has a worker at this address."""
    return address in dask_scheduler.workers


def warm_up() -> None:
    """Load packages and kernels."""
    X, y = target("rough", 20, 0)
    train(X, y, 0.1)


def train(X: Any, y: Any, decay: float) -> Any:
    """One exact solution."""
    return cn.train("relu", X, y, weight_decay=decay)


def each(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Wherever joblib is told."""
    found: list[Any] = joblib.Parallel()(joblib.delayed(function)(*one) for one in arguments)
    return found


# Kinds of work: each returns how many jobs it was, and all that came out.


def decays(quick: bool) -> tuple[int, Any]:
    """Trainings at falling weight decays."""
    X, y = target("rough", 20 if quick else 300, 0)
    largest = cn.largest_weight_decay("relu", X, y)
    shares = np.geomspace(0.5, 0.05 if quick else 0.01, 3 if quick else 16)
    found = each(train, [(X, y, share * largest) for share in shares])
    return len(shares), [one.certificate.to_dict() for one in found]


def optima(seed: int) -> Any:
    """The optimum of each width on one data set."""
    X, y = target("rough", 12, seed, d=1)
    decay = 0.05 * cn.largest_weight_decay("relu", X, y)
    return cn.widths("relu", X, y, weight_decay=decay, gap=1e-3, up_to=2)


def widths(quick: bool) -> tuple[int, Any]:
    """Two widths of several data sets."""
    count = 2 if quick else 12
    found = each(optima, [(seed,) for seed in range(count)])
    return count, [[one.certificate.to_dict() for one in curve.solutions] for curve in found]


def folds(quick: bool) -> tuple[int, Any]:
    """A grid of weight decays, each on five folds, and the best one on all samples."""
    X, y = target("rough", 20 if quick else 200, 0)
    model = cn.ConvexNetRegressor(gap=1e-6, time_limit=None)
    grid = [0.3, 0.1] if quick else list(np.geomspace(0.05, 5.0, 6))
    search = GridSearchCV(model, {"weight_decay": grid}, cv=2 if quick else 5)
    search.fit(X, y)
    scores = {
        name: found.tolist()
        for name, found in search.cv_results_.items()
        if name.endswith("_score")
    }
    return search.n_splits_ * len(grid) + 1, [
        scores,
        search.best_estimator_.certificate_.to_dict(),
    ]


def path(quick: bool) -> tuple[int, Any]:
    """The path of weight decays of each fold, and the best decay on all samples."""
    X, y = target("rough", 20 if quick else 150, 0)
    model = cn.ConvexNetRegressorCV(path_gap=0.1, smallest=0.1, cv=5, gap=1e-4, time_limit=None)
    model.fit(X, y)
    chosen = model.weight_decay_, model.certificate_.to_dict()
    return 6, [model.scores_.tolist(), *chosen]


def seeds(quick: bool) -> tuple[int, Any]:
    """Gradient training from many seeds, at two widths."""
    X, y = target("rough", 20 if quick else 100, 0)
    runs = cn.compare(
        *("relu", X, y),
        weight_decay=0.5,
        optimizers="lbfgs" if quick else ("adam", "lbfgs"),
        widths=(4, 8),
        seeds=2 if quick else 20,
        epochs=20 if quick else 2000,
        rates={} if quick else {"adam": 0.01},
        width_seconds=0.0,
    )
    return len(runs.records), [[one.objective.tolist(), one.W.tolist()] for one in runs.records]


def cones(quick: bool) -> tuple[int, Any]:
    """One pricing of many samples, whose cones are searched apart."""
    X, y = target("rough", 1000 if quick else 40_000, 0)
    return 1, cn.largest_weight_decay("relu", X, y)


KINDS = {
    "decays": decays,
    "widths": widths,
    "folds": folds,
    "path": path,
    "seeds": seeds,
    "cones": cones,
}


def measure(kind: str, where: str, quick: bool) -> Row:
    """Seconds of one kind of work in one place, and a digest of what came out."""
    warm_up()
    with ExitStack() as stack:
        if where != HERE:
            client = stack.enter_context(local_cluster())
            client.run(warm_up)
            if where == KILLED:
                stack.enter_context(a_worker_killed(client))
            stack.enter_context(joblib.parallel_config("dask"))
        begin = time.perf_counter()
        jobs, found = KINDS[kind](quick)
        seconds = time.perf_counter() - begin
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    return {"jobs": jobs, "seconds": seconds, "digest": digest[:16]}


def picture(rows: list[Row]) -> Figure:
    """Seconds of each kind of work, in each place."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    with styled():
        figure = new_figure(WIDTH, 4.4)
        axes = figure.add_subplot()
        for k, where in enumerate(PLACES):
            own = [row for row in rows if row["where"] == where]
            places = np.arange(len(own)) + 0.27 * (k - 1)
            axes.bar(places, [row["seconds"] for row in own], 0.25, color=COLORS[k], label=where)
        axes.set_xticks(range(len(kinds)), [f"{r['kind']}\n{r['jobs']} jobs" for r in own])
        axes.set_ylabel("seconds of the clock")
        axes.set_title(f"The same work in one process, and on {WORKERS} workers")
        axes.legend()
    return figure


def tell(report: Report, rows: list[Row]) -> None:
    """Expectation and answer."""
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    of = {(row["kind"], row["where"]): row for row in rows}
    same = [kind for kind in kinds if len({of[kind, w]["digest"] for w in PLACES}) == 1]
    report.expect(
        "kinds of work with the same numbers in one process, on the cluster, and with a worker "
        "killed",
        expected=f"all {len(kinds)}",
        found=f"{len(same)} of {len(kinds)}: {', '.join(same)}",
        holds=len(same) == len(kinds),
        source="no result depends on where it is computed",
    )
    parts = [
        f"{kind} ({of[kind, HERE]['jobs']} jobs): "
        + ", ".join(f"{of[kind, where]['seconds']:.2g} s {where}" for where in PLACES)
        for kind in kinds
    ]
    report.answer(
        "Does a cluster change the result, and what does a worker that dies cost?",
        f"{len(same)} of {len(kinds)} kinds of work gave the same numbers to the last bit in one "
        f"process, on {WORKERS} workers, and where one of these was killed. {'; '.join(parts)}.",
        picture(rows),
        "seconds",
    )


def more(parser: argparse.ArgumentParser) -> None:
    """Options of this experiment."""
    parser.add_argument("--only", choices=list(KINDS), help="one kind of work")


def main(argv: list[str]) -> int:
    """Every kind of work, in every place."""
    report = Report("cluster", __doc__, argv, more=more, packages=("distributed", "dask", "joblib"))
    options = report.options
    kinds = [options.only] if options.only else list(KINDS)[: 1 if options.quick else None]
    settings = [{"kind": k, "where": w, "quick": options.quick} for k in kinds for w in PLACES]
    rows = report.table("work", measure, settings)
    tell(report, rows)
    return report.close()
