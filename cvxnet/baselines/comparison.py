"""Gradient training beside the global optimum: ``cvxnet.compare``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from joblib import Parallel, delayed, parallel_config

from cvxnet.baselines.gradients import check_trained, train_batch
from cvxnet.baselines.optima import solve_widths
from cvxnet.baselines.progress import Progress
from cvxnet.baselines.protocol import Protocol, make_protocol
from cvxnet.baselines.report import Runs
from cvxnet.baselines.tasks import (
    TUNING,
    Listener,
    Record,
    Setting,
    Store,
    Task,
    best_rate,
    training_tasks,
    tuning_tasks,
)
from cvxnet.data.validation import check_matrix
from cvxnet.errors import UnsupportedError
from cvxnet.layers import BatchNorm, Sequential
from cvxnet.layers.adoption import as_layer
from cvxnet.objective import Budget, flattened, make_objective
from cvxnet.optional import import_torch
from cvxnet.training.clock import now
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import solve


def compare(
    units: Any,
    X: Any,
    y: Any,
    *,
    loss: str = "squared",
    weight_decay: float,
    bias: bool = True,
    norm: str = "l2",
    output_bias: bool = False,
    skip: bool = False,
    output_weights: str = "any",
    sample_weight: Any = None,
    optimizers: Sequence[str] = ("sgd", "adam", "lbfgs"),
    widths: Sequence[int] | int = (8, 50),
    seeds: Sequence[int] | int = 20,
    epochs: int = 2000,
    batch_size: int | None = None,
    rates: Mapping[str, Sequence[float] | float] | None = None,
    gap: float = 1e-6,
    solver: str = "CLARABEL",
    time_limit: float | None = None,
    width_seconds: float | None = None,
    store: str | os.PathLike[str] | None = None,
    progress: bool | Callable[..., object] = False,
) -> Runs:
    """How far from the global optimum does gradient training stop, how often, at what width?

    `cvxnet.train` proves a bracket for the optimum over networks of every width; then torch trains
    networks of each width on the same objective::

        sum of losses
        + weight_decay / 2 * (sum of squared weights of both layers, biases too),

    from many seeds, and each is measured against the bracket. (``cvxnet/baselines/networks.py``
    says how units with hidden weights of length one are trained.) Last, for widths with fewer units
    than the exact network, the optimum of the width is looked for: it splits each run's excess into
    the part that belongs to the width and the part that belongs to the optimiser.

    Parameters
    ----------
    units, X, y, loss, weight_decay, bias, gap, solver, time_limit
        As in `cvxnet.train`; ``time_limit`` is for the exact solution alone. Units: ``"relu"``,
        ``"leaky_relu"``, ``"abs"``, ``"squared_relu"``, ``"quadratic"``, ``"linear"``; or a network
        of them. Of one that begins with a fixed `BatchNorm`, as those of ``cvxnet train`` do, that
        layer is applied to X first, and all else is about the columns that it makes.
    norm, output_bias, skip, sample_weight
        As in `cvxnet.train`, with the same objective: for the norm ``"l1"`` the gradient is that of
        ``weight_decay / 2 * sum((sum of a unit's |hidden weights|)^2 + (output weight)^2)``.
    output_weights : str
        As in `cvxnet.train`; ``"nonneg"`` and ``"nonpos"`` weights are trained as ``|c|`` and
        ``-|c|``.
    optimizers : sequence of str
        ``"sgd"`` (with momentum 0.9), ``"adam"``, ``"adamw"`` and ``"lbfgs"``. See the notes.
    widths : int or sequence of int
        Numbers of hidden units.
    seeds : int or sequence of int
        How many, or which. A seed fixes a network's initial weights, the same for each optimiser.
    epochs : int
        Passes over the data; for L-BFGS evaluations of the objective and its gradient.
    batch_size : int, optional
        Samples a step, in an order of each network's own; by default all. L-BFGS takes all.
    rates : mapping, optional
        Learning rates to try, by optimiser: ``{"sgd": (1e-4, 1e-3), "adam": 0.01}``. With one rate
        there is no tuning. The default is six or seven, half a decade apart.
    width_seconds : float, optional
        For the optimum of each width; 0 leaves it out. By default as many as all runs of that width
        took, and ten at least. Where it stays open, the parts are known as intervals.
    store : path, optional
        A folder that keeps each finished batch, and the exact solution as a checkpoint (see
        `cvxnet.train`); not the optima of the widths. The same call with the same folder goes on
        where an interrupted one ended; more widths, seeds or optimisers compute only what is new.
    progress : bool or callable
        Show what is done on the terminal; or who is told, in this process and with nothing in
        parallel: a `.Round` after each round of the exact solution, see `cvxnet.train`, and then a
        `.Trace` at some 80 epochs of each batch (L-BFGS: after each step); at last again a
        `.Round`, whose ``open`` is a number, now and then in the search for a width. Ctrl-C ends
        early in any case: the exact solution and the finished batches come back with
        ``interrupted`` True.

    Returns
    -------
    Runs
        ``print(runs)``, ``runs.table()``, ``runs.plot()``, ``runs.to_csv(path)``,
        ``runs.to_json(path)``.

    Raises
    ------
    MissingExtraError
        Where torch is not installed.
    InputError, UnsupportedError
        As `train`; and for units that have no gradient to follow.

    See Also
    --------
    train : The bracket that the runs are measured against.
    certify : The same for one network that is already trained.

    Notes
    -----
    *The same in torch.* With ``net = Sequential(Linear(d, m), ReLU(), Linear(m, 1, bias=False))``
    the objective is that of ``torch.optim.SGD(net.parameters(), lr, momentum=0.9,
    weight_decay=weight_decay)`` (or ``Adam``) on the *sum* of the losses, e.g.
    ``0.5 * MSELoss(reduction="sum")``: torch adds ``weight_decay * w`` to the gradient, which is
    the gradient of ``weight_decay / 2 * w**2``. On the *mean* of n losses the same problem has
    ``weight_decay / n``, and for SGD ``lr * n``. An output bias and a skip connection, which are
    not decayed, belong in a parameter group with ``weight_decay=0``.

    *Several outputs, classes.* With targets (n, c) the last layer is ``Linear(m, c, bias=False)``,
    and ``MSELoss(reduction="sum")`` sums over all entries, as here. The loss ``"cross_entropy"``
    is ``CrossEntropyLoss(reduction="sum")(net(X), numbers)``, with the number of each label in
    ``runs.solution.classes``; torch's ``CrossEntropyLoss()`` is the mean. A network's objective in
    torch is at least the one with each unit's ``|hidden weights| |output weights|`` in place of
    half the sum of their squares, and equal to it where the two lengths agree.

    *Whose part.* A run of width m is above the optimum of every width by its excess. The width's
    part is the excess of the optimum of width m, the optimiser's part the run's excess over that:
    ``1 + excess = (1 + width's part) * (1 + optimiser's part)``. From the number of units of the
    exact network on the width has no part. The units must be ones that a width goes with, see
    `cvxnet.train`.

    *AdamW* shrinks the weights apart from the gradient ("decoupled"), so it does not minimise this
    objective, nor any that does not depend on its own state; its runs are measured by the
    objective above all the same, and a distance that remains is no failure of its own. Its decay
    is that of the norm l2, so with ``norm="l1"`` it is refused.

    *Learning rates* are chosen for each optimiser and width on three networks that are not counted:
    the lowest median objective at the end of a full run, among the rates at which none diverged.
    They fall to zero along a cosine. The time that this takes is reported.

    *Parallel.* Batches go through joblib: ``with joblib.parallel_config(n_jobs=2): ...`` runs them
    in two processes, and ``with joblib.parallel_config("dask"): ...`` on the Dask cluster of the
    current ``distributed.Client`` (extra ``dask``), with the same result. A batch whose worker dies
    is run again on another.

    *Raw data.* The runs are on the data as given, as is the exact solution. Where the columns
    differ much in size or offset, plain gradient methods are slow, and the notes below the table
    say so: what remains is then the scaling's part and not the method's alone.

    *Time.* The first exact solution after installation includes compiling, some 20 seconds; train
    once before comparing times. Each batch of runs uses one thread.

    Examples
    --------
    >>> X, y = [[-1.0], [1.0]], [1.0, 2.0]
    >>> runs = compare(
    ...     "relu", X, y, weight_decay=0.1, bias=False, optimizers="lbfgs", widths=8, seeds=2
    ... )
    >>> round(runs.solution.value, 6), runs.groups[0].seeds
    (0.29, (0, 1))
    >>> bool((runs.groups[0].excess >= 0.0).all())
    True
    >>> print(runs.table().splitlines()[0])
    relu units, squared loss, weight decay 0.1, without bias; n = 2, d = 1
    """
    import_torch()
    units, X = without_front(units, X)
    budget = Budget(gap=gap, solver=solver, time_limit=time_limit, progress=progress)
    objective = make_objective(
        units,
        X,
        y,
        loss=loss,
        weight_decay=weight_decay,
        bias=bias,
        norm=norm,
        output_bias=output_bias,
        skip=skip,
        output_weights=output_weights,
        sample_weight=sample_weight,
    )
    weights = objective.sample_weight
    protocol = make_protocol(
        optimizers=optimizers,
        widths=widths,
        seeds=seeds,
        epochs=epochs,
        batch_size=batch_size,
        rates=rates,
        width_seconds=width_seconds,
        n=len(objective.y) if weights is None else float(weights.sum()),
    )
    check_setting(setting := Setting(objective=objective, protocol=protocol))
    return compare_in(setting, budget, store)


def without_front(units: Any, X: Any) -> tuple[Any, Any]:
    """A network without the fixed `BatchNorm` that it begins with, and what that makes of X.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU
    >>> twice = BatchNorm(1, eps=1.0).load_state_dict(
    ...     {"weight": [2.0], "bias": [0.0], "running_mean": [3.0], "running_var": [0.0]})
    >>> network = Sequential(twice, Linear(1, 4), ReLU(), Linear(4, 1))
    >>> rest, X = without_front(network, [[5.0]])
    >>> rest, X.tolist()
    (Sequential(Linear(1, 4), ReLU(), Linear(4, 1)), [[4.0]])
    """
    layer = as_layer(units)
    layers = [] if layer is None else flattened(layer)
    if len(layers) < 2 or not isinstance(layers[0], BatchNorm):
        return units, X
    return Sequential(*layers[1:]), layers[0](check_matrix(X))


def check_setting(setting: Setting) -> None:
    """Refuse units that are not trained here, and AdamW where its decay is not the penalty."""
    check_trained(setting.objective)
    check_decay(setting.protocol, setting.objective.norm)


def compare_in(
    setting: Setting, budget: Budget, store: str | os.PathLike[str] | None = None
) -> Runs:
    """The exact solution, the gradient runs beside it, and the optima of widths; see `compare`."""
    keep, protocol = Store(store), setting.protocol
    budget = replace(budget, checkpoint=keep.exact(setting.objective))
    begin = now()
    with parallel_config("threading"):  # its tasks are too small to be sent to other processes
        solution = solve(setting.objective, budget)
    exact_seconds = solution.stats["before"] + now() - begin
    tunings: list[Record] = []
    records: list[Record] = []
    interrupted = solution.stats["interrupted"]
    if not interrupted:
        with Progress(count_batches(setting), solution.lower_bound, budget.progress) as bar:
            tunings, records, interrupted = run(setting, keep, bar)
    optima: dict[int, Solution] = {}
    if not interrupted:
        optima, interrupted = solve_widths(setting, solution, [*tunings, *records], budget)
    return Runs(
        **vars(setting),
        solution=solution,
        exact_seconds=exact_seconds,
        tunings=in_order(tunings, protocol),
        records=in_order(records, protocol),
        width_solutions=optima,
        interrupted=interrupted,
        versions=keep.versions,
    )


def check_decay(protocol: Protocol, norm: str) -> None:
    """Refuse AdamW where its decay is not the penalty."""
    if norm != "l2" and "adamw" in protocol.optimizers:
        raise UnsupportedError(
            f"adamw shrinks each weight in proportion to it: the decay of the norm l2, not of "
            f"{norm!r}. Take adam, which follows the gradient of the whole objective."
        )


def run(setting: Setting, keep: Store, bar: Progress) -> tuple[list[Record], list[Record], bool]:
    """First the learning rates, then the runs that count; returns them, and whether interrupted."""
    tunings: list[Record] = []
    records: list[Record] = []
    protocol = setting.protocol
    rates = {(o, w): protocol.rates[o][0] for o in fixed_rates(protocol) for w in protocol.widths}
    try:
        finish(tuning_tasks(setting), tunings, keep, bar)
        rates |= {(t.optimizer, t.width): best_rate(t) for t in tunings}
        finish(training_tasks(setting, rates), records, keep, bar)
    except KeyboardInterrupt:
        return tunings, records, True
    return tunings, records, False


def finish(tasks: Iterable[Task], done: list[Record], keep: Store, bar: Progress) -> None:
    """Append the record of each task: from the store, or by running it, in parallel where asked."""
    left = []
    for task in tasks:
        record = keep.load(task)
        if record is None:
            left.append(task)
        else:
            done.append(record)
            bar.report(record)
    for position, record in trained(left, bar.listener):
        keep.save(left[position], record)
        done.append(record)
        bar.report(record)


def trained(tasks: list[Task], listener: Listener | None) -> Iterator[tuple[int, Record]]:
    """Each batch with its place, in any order; one after the other where somebody listens."""
    if listener is not None:
        return ((place, train_batch(task, listener)) for place, task in enumerate(tasks))
    each = (delayed(numbered)(*one) for one in enumerate(tasks))
    batches: Iterator[tuple[int, Record]] = Parallel(return_as="generator_unordered")(each)
    return batches


def numbered(position: int, task: Task) -> tuple[int, Record]:
    """A batch with its place, as batches come back in any order."""
    return position, train_batch(task)


def count_batches(setting: Setting) -> int:
    """How many tasks there are, tuning included."""
    return sum(1 for _ in tuning_tasks(setting)) + sum(1 for _ in training_tasks(setting, {}))


def in_order(records: list[Record], protocol: Protocol) -> tuple[Record, ...]:
    """As the protocol lists them, in whatever order they were finished."""

    def place(record: Record) -> tuple[int, int, int]:
        seed = 0 if record.stream == TUNING else protocol.seeds.index(record.seeds[0])
        optimizer = protocol.optimizers.index(record.optimizer)
        return optimizer, protocol.widths.index(record.width), seed

    return tuple(sorted(records, key=place))


def fixed_rates(protocol: Protocol) -> list[str]:
    """The optimisers that have one learning rate, and no choice."""
    return [name for name in protocol.optimizers if len(protocol.rates[name]) == 1]
