"""Batches of networks: what is to be trained, what came of it, and the folder that keeps it.

One task is one batch of networks of the same width under the same optimiser: several seeds, and
while a learning rate is being chosen several rates, as one tensor program.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.baselines.networks import described, value_of
from cvxnet.baselines.protocol import Protocol
from cvxnet.data.files import check_path, replacing
from cvxnet.errors import InputError
from cvxnet.objective import Objective
from cvxnet.proofs.certificate import installed_version
from cvxnet.types import Array

TRAINING, TUNING = "training", "tuning"
STREAMS = {TRAINING: 0, TUNING: 1}
"""The random numbers of a network are ``default_rng([stream, seed, width])``: learning rates are
tried on networks that never count."""

SEEDS_TOGETHER = 10
CURVE_POINTS = 80


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """What all tasks of a comparison have in common."""

    objective: Objective
    protocol: Protocol


@dataclass(frozen=True, kw_only=True, eq=False)
class Task(Setting):
    """One batch of networks to train."""

    optimizer: str
    width: int
    seeds: tuple[int, ...]
    rates: tuple[float, ...]
    stream: str

    def value(self, W: Array, a: Array, free: Array) -> float:
        """The objective of one network."""
        return value_of(self.objective, W, a, free)

    def identity(self) -> dict[str, Any]:
        """All that the result depends on, ready for JSON; the data by their fingerprint."""
        return identity_of(self.objective) | {
            "settings": self.protocol.settings(),
            "optimizer": self.optimizer,
            "width": self.width,
            "seeds": self.seeds,
            "rates": self.rates,
            "stream": self.stream,
        }

    def name(self, versions: dict[str, str]) -> str:
        """A file name for the result: readable, and different for different results."""
        digest = digest_of([self.identity(), versions])
        seeds = f"{self.seeds[0]}-{self.seeds[-1]}"
        return f"{self.stream}-{self.optimizer}-{self.width}-seeds-{seeds}-{digest}"


def identity_of(objective: Objective) -> dict[str, Any]:
    """What is minimised, ready for JSON; the data by their fingerprint."""
    weights = [] if objective.sample_weight is None else [objective.sample_weight]
    data = np.ascontiguousarray(np.column_stack([objective.X, objective.y, *weights])).tobytes()
    return {
        "objective": described(objective),
        "shape": objective.X.shape,
        "weighted": objective.sample_weight is not None,
        "data": hashlib.sha256(data).hexdigest(),
    }


def digest_of(document: Any) -> str:
    """A few characters that are different for different documents."""
    text = json.dumps(document, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True, kw_only=True, eq=False)
class Record:
    """A finished task.

    Attributes
    ----------
    W, a, free : (s, m, d), (s, m) and (s, k) arrays
        The networks at the end; the last column of ``W`` is the bias where there is one, ``free``
        holds the output bias and then the skip connection, where they are there. With c outputs
        ``a`` is (s, m, c) and ``free`` (s, k, c).
    objective : (s,) array
        Evaluated by numpy; infinite where the network diverged.
    epochs, clock, curve : (s, k) arrays
        Objective after so many epochs and seconds; networks of one batch share the clock.
    seconds : float
        For the whole batch.
    """

    optimizer: str
    width: int
    stream: str
    seeds: tuple[int, ...]
    rates: tuple[float, ...]
    W: Array = field(repr=False)
    a: Array = field(repr=False)
    free: Array = field(repr=False)
    objective: Array
    epochs: Array = field(repr=False)
    clock: Array = field(repr=False)
    curve: Array = field(repr=False)
    seconds: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """How far networks that are being trained have come.

    Attributes
    ----------
    optimizer : str
    width : int
    stream : str
        ``"training"``, or ``"tuning"`` where a learning rate is being chosen.
    seeds : tuple of int
        The networks; L-BFGS trains one after the other, the others a batch at a time.
    epoch : int
        After so many epochs; of L-BFGS, evaluations.
    objective : (s,) array
        Of each network; not finite where it diverged.

    Examples
    --------
    >>> import cvxnet as cn
    >>> told = []
    >>> runs = cn.compare("relu", [[-1.0], [1.0]], [1.0, 2.0], weight_decay=0.1, widths=8, seeds=2,
    ...                   optimizers="adam", rates={"adam": 0.03}, epochs=9, progress=told.append)
    >>> last = told[-1]
    >>> last.epoch, last.seeds, bool((last.objective >= runs.solution.lower_bound).all())
    (9, (0, 1), True)
    """

    optimizer: str
    width: int
    stream: str
    seeds: tuple[int, ...]
    epoch: int
    objective: Array = field(repr=False)


Listener = Callable[[Trace], object]
Tell = Callable[[tuple[int, ...], int, Array], object]
"""Seeds, epoch and objectives: what becomes a `Trace`."""


def telling(task: Task, listener: Listener | None) -> Tell:
    """Who tells the listener, where there is one, about networks of a task."""

    def tell(seeds: tuple[int, ...], epoch: int, objective: Array) -> None:
        if listener is not None:
            listener(
                Trace(
                    optimizer=task.optimizer,
                    width=task.width,
                    stream=task.stream,
                    seeds=seeds,
                    epoch=epoch,
                    objective=objective,
                )
            )

    return tell


def start(task: Task) -> tuple[Array, Array, Array, list[np.random.Generator]]:
    """Initial weights (s, m, d), the bias last, (s, m) and (s, k), and each network's generator.

    With c outputs the last two are (s, m, c) and (s, k, c).

    Every network draws from a generator of its own, so it does not matter which others are in
    the batch.
    """
    inputs, form = task.objective.X.shape[1], task.objective.form
    columns, outputs = inputs + form.bias, task.objective.y.shape[1:]
    hidden = 1.0 / np.sqrt(inputs)
    output = 1.0 / np.sqrt(task.width)
    stream = STREAMS[task.stream]
    generators = [np.random.default_rng([stream, seed, task.width]) for seed in task.seeds]
    free = np.array([output] * form.output_bias + [hidden] * (inputs * form.skip))
    drawn = [
        (
            rng.uniform(-hidden, hidden, (task.width, columns)),
            rng.uniform(-output, output, (task.width, *outputs)),
            (rng.uniform(-1.0, 1.0, (len(free), *outputs)).T * free).T,
        )
        for rng in generators
    ]
    W, a, free_weights = (np.array(part) for part in zip(*drawn, strict=True))
    return W, a, free_weights, generators


def curve_epochs(epochs: int) -> Array:
    """The epochs at which the objective is noted: 0, then evenly on a logarithmic scale.

    >>> curve_epochs(4).tolist()
    [0, 1, 2, 3, 4]
    """
    return np.unique(np.concatenate([[0], np.geomspace(1, epochs, CURVE_POINTS).round()])).astype(
        int
    )


def tuning_tasks(setting: Setting) -> Iterator[Task]:
    """For each optimiser with more than one rate, and each width, all rates on all tuning seeds."""
    protocol, seeds = setting.protocol, range(setting.protocol.tuning_seeds)
    for optimizer in protocol.optimizers:
        rates = protocol.rates[optimizer]
        if len(rates) > 1:
            for width in protocol.widths:
                yield Task(
                    **vars(setting),
                    optimizer=optimizer,
                    width=width,
                    seeds=tuple(seed for _ in rates for seed in seeds),
                    rates=tuple(rate for rate in rates for _ in seeds),
                    stream=TUNING,
                )


def best_rate(tuning: Record) -> float:
    """Of the rates at which no network diverged, that with the lowest median objective.

    Where there is none, the smallest.
    """
    rates = np.array(tuning.rates)
    tried = np.unique(rates)
    ends = [tuning.objective[rates == rate] for rate in tried]
    scores = [float(np.median(end)) if np.isfinite(end).all() else np.inf for end in ends]
    return float(tried[int(np.argmin(scores))])


def training_tasks(setting: Setting, rates: dict[tuple[str, int], float]) -> Iterator[Task]:
    """All seeds in batches, for each optimiser and width with its rate."""
    protocol = setting.protocol
    for optimizer in protocol.optimizers:
        for width in protocol.widths:
            for first in range(0, len(protocol.seeds), SEEDS_TOGETHER):
                seeds = protocol.seeds[first : first + SEEDS_TOGETHER]
                rate = rates.get((optimizer, width))
                yield Task(
                    **vars(setting),
                    optimizer=optimizer,
                    width=width,
                    seeds=seeds,
                    rates=() if rate is None else (rate,) * len(seeds),
                    stream=TRAINING,
                )


TEXTS = ("optimizer", "stream")
TUPLES = ("seeds", "rates")


def installed_versions() -> dict[str, str]:
    """Of the packages that the numbers depend on."""
    names = ("torch", "numpy", "scipy")
    return {"cvxnet": installed_version()} | {name: version(name) for name in names}


EXACT = "exact-{}.json"


class Store:
    """A folder of records; without a folder nothing is kept.

    A record's name holds a hash of all that its numbers depend on (problem, data, protocol,
    seeds, versions), so one folder may serve many comparisons, and none finds what is not its own.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self.folder = None if folder is None else check_path(folder)
        self.versions = installed_versions()
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"store={str(folder)!r} is no folder: {error.strerror}.") from None

    def exact(self, objective: Objective) -> Path | None:
        """The checkpoint of the exact solution."""
        name = EXACT.format(digest_of(identity_of(objective)))
        return None if self.folder is None else self.folder / name

    def path(self, task: Task) -> Path | None:
        """The file of a task."""
        return None if self.folder is None else self.folder / f"{task.name(self.versions)}.npz"

    def load(self, task: Task) -> Record | None:
        """The record of a task that is finished, or None; so too where the file is damaged."""
        path = self.path(task)
        if path is None or not path.exists():
            return None
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                return record_of(dict(arrays))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, task: Task, record: Record) -> None:
        """Write the record of a task."""
        path = self.path(task)
        if path is None:
            return
        with replacing(path) as draft:
            np.savez(draft, **{one.name: getattr(record, one.name) for one in fields(record)})


def exact_solutions(folder: Path) -> list[Path]:
    """The checkpoints of exact solutions in a folder of records, the newest first."""
    return sorted(folder.glob(EXACT.format("*")), key=lambda path: -path.stat().st_mtime)


def record_of(arrays: dict[str, Any]) -> Record:
    """A record from the arrays of its file."""
    texts = {name: str(arrays[name]) for name in TEXTS}
    tuples = {name: tuple(arrays[name].tolist()) for name in TUPLES}
    numbers = {"width": int(arrays["width"]), "seconds": float(arrays["seconds"])}
    return Record(**(arrays | texts | tuples | numbers))
