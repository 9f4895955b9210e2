"""Gradient training of a batch of networks by torch.

Weights are (s, m, d), (s, m) and (s, k) tensors (hidden, output, free), s networks at once; with
several outputs the last two are (s, m, c) and (s, k, c). The objective of each network depends on
its own weights only, so the gradient of the sum over networks holds each network's own.

*A rate for every network.* Each step of SGD, Adam and AdamW is the learning rate times a direction
that does not depend on it. So the optimiser of torch takes a step of rate one, and each network is
moved only its own rate of the way.

*L-BFGS* is scipy's, network by network, on torch's gradients, because its line search couples all
that it is given. torch.optim.LBFGS was tried first: on these objectives with kinks it stopped early
(five points of Pilanci and Ergen, width 15: 0 of 20 within 1e-4 of the optimum; scipy's 13).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize

from cvxnet.baselines.networks import excess_decay, fixed_length, of_one_sign
from cvxnet.baselines.tasks import Listener, Record, Task, Tell, curve_epochs, start, telling
from cvxnet.errors import UnsupportedError
from cvxnet.functions.arithmetic import TENSORS
from cvxnet.layers.activations import Activation
from cvxnet.objective import FAMILIES, Objective
from cvxnet.optional import import_torch
from cvxnet.training.threads import one_blas_thread
from cvxnet.types import Array

Curve = tuple[Array, Array, Array]
Descent = tuple[Array, Array, Array, Curve]

CORRECTIONS = 20
"""Pairs of steps that L-BFGS remembers."""

FLAT = "their output does not change when the hidden weights move a little: there is no gradient"
NOT_TRAINED = {
    "sign": FLAT,
    "threshold": FLAT,
    "coordinate": "each is one feature, so there are no hidden weights to train",
    "gated_relu": "their gates are fixed, so gradient training of them is a convex problem already",
    "tanh": "their hidden weights are confined to a ball, which gradient training would leave",
    "polynomial": "no layer with one activation has their degree and constant as options",
}
"""Why these families are not trained."""
TRAINED = tuple(name for name in FAMILIES if name not in NOT_TRAINED)
"""The others, whose activation is a layer's."""
TINY = 1e-300


def check_trained(objective: Objective) -> None:
    """Refuse units that are not trained here."""
    name = objective.units.name
    if name in NOT_TRAINED:
        raise UnsupportedError(
            f"compare does not train {name} units: {NOT_TRAINED[name]}. cvxnet.train solves them; "
            f"compare is there for {', '.join(TRAINED)}."
        )


@dataclass(frozen=True)
class Tensors:
    """A task's data as tensors.

    ``X`` has a column of ones where there is a bias; ``F`` (n, k) has the columns that the free
    weights belong to, ``y`` is (n,) or (n, c), and ``sample_weight`` (n,) may be None. ``formulas``
    are those of the hidden layer's activation.
    """

    task: Task
    X: Any
    F: Any
    y: Any
    sample_weight: Any
    formulas: tuple[Callable[[Any, Any], Any], ...]

    def objective(self, W: Any, a: Any, free: Any, rows: Any = None, decay: bool = True) -> Any:
        """The objective of each network, (s,).

        With ``rows`` (s, b), each network's own b samples stand for all: their losses count n/b.
        """
        goal, n = self.task.objective, len(self.y)
        X, F, y, w = self.X, self.F, self.y, self.sample_weight
        if rows is not None:
            X, F, y, w = X[rows], F[rows], y[rows], None if w is None else w[rows]
        c = of_one_sign(goal, a)
        U, c = of_length_one(W, c) if fixed_length(goal) else (W, c)
        hidden = U @ X.transpose(-1, -2)  # (s, m, b)
        for formula in self.formulas:
            hidden = formula(hidden, TENSORS)
        f = (by_output(c).transpose(1, 2) @ hidden).transpose(1, 2)  # (s, b, c)
        f = f + F @ by_output(free) if F.shape[-1] else f
        f = f[..., 0] if goal.outputs == 1 else f
        losses = goal.loss.formula(f, y, TENSORS).reshape(*f.shape[:2], -1).sum(2)
        value = (losses if w is None else w * losses).sum(1) * (n / f.shape[1])
        if not decay:
            return value
        squares = W.square().sum((1, 2)) if goal.norm == "l2" else W.abs().sum(2).square().sum(1)
        return value + 0.5 * goal.weight_decay * (squares + a.flatten(1).square().sum(1))


def by_output(weights: Any) -> Any:
    """Output or free weights with an axis for the outputs, (s, m) or (s, m, c) -> (s, m, c)."""
    return weights.reshape(*weights.shape[:2], -1)


def of_length_one(W: Any, a: Any) -> tuple[Any, Any]:
    """Hidden weights of length one, and the output weights that take over their lengths."""
    lengths = W.square().sum(2).clamp(min=TINY).sqrt()[:, :, None]
    return W / lengths, (by_output(a) * lengths).reshape(a.shape)


def to_tensors(torch: Any, task: Task) -> Tensors:
    """The data of a task for torch."""
    goal = task.objective
    X, F, y = map(torch.tensor, (goal.rows, goal.free_columns, goal.y))
    w = goal.sample_weight
    return Tensors(
        task=task,
        X=X,
        F=F,
        y=y,
        sample_weight=None if w is None else torch.tensor(w),
        formulas=tuple(
            layer.profile.formula for layer in goal.units.between() if isinstance(layer, Activation)
        ),
    )


def train_batch(task: Task, listener: Listener | None = None) -> Record:
    """Train the networks of a task: the same result whenever, wherever and beside whom it runs.

    The listener is told at each epoch at which the objective is noted.
    """
    torch = import_torch()
    tensors, together = to_tensors(torch, task), task.optimizer != "lbfgs"
    with one_thread(torch):
        method = descend_together if together else descend_each
        W, a, free, (epochs, clock, curve) = method(torch, tensors, telling(task, listener))
    ends = zip(W, a, free, strict=True)
    return Record(
        optimizer=task.optimizer,
        width=task.width,
        stream=task.stream,
        seeds=task.seeds,
        rates=task.rates,
        W=W,
        a=a,
        free=free,
        objective=np.array([task.value(*one) for one in ends]),
        epochs=epochs,
        clock=clock,
        curve=curve,
        seconds=float(clock[0, -1] if together else clock[:, -1].sum()),
    )


@contextmanager
def one_thread(torch: Any) -> Iterator[None]:
    """Tensors this small are slower on several threads; and sums come out the same everywhere.

    That holds for scipy's BLAS too, with which L-BFGS computes its steps.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_blas_thread():
            yield
    finally:
        torch.set_num_threads(before)


def descend_together(torch: Any, tensors: Tensors, tell: Tell) -> Descent:
    """SGD, Adam and AdamW: all networks of the batch in one tensor program."""
    task, epochs = tensors.task, tensors.task.protocol.epochs
    *initial, generators = start(task)
    W, a, free = weights = [torch.from_numpy(part).requires_grad_() for part in initial]
    optimizer = make_optimizer(torch, task, *weights)
    rates = torch.tensor(task.rates, dtype=torch.float64)
    noted, points, begin = [], set(curve_epochs(epochs).tolist()), time.perf_counter()
    for epoch in range(epochs + 1):
        if epoch in points:
            with torch.no_grad():
                value = tensors.objective(W, a, free).numpy()
                decayed = W.detach().numpy(), a.detach().numpy()
                value = value - excess_decay(task.objective, *decayed)
            noted.append((epoch, time.perf_counter() - begin, value))
            tell(task.seeds, epoch, value)
        if epoch < epochs:
            cosine = 0.5 * (1.0 + np.cos(np.pi * epoch / epochs))
            for rows in batches(torch, task, generators):
                optimizer.zero_grad()
                decay = task.optimizer != "adamw"
                tensors.objective(W, a, free, rows, decay=decay).sum().backward()
                step(torch, optimizer, weights, cosine * rates)
    passed, clock, values = (np.array(column) for column in zip(*noted, strict=True))
    passed, clock = (np.tile(column, (len(rates), 1)) for column in (passed, clock))
    W, a, free = (part.detach().numpy() for part in weights)
    return W, a, free, (passed, clock, values.T)


def make_optimizer(torch: Any, task: Task, W: Any, a: Any, free: Any) -> Any:
    """torch's optimiser at rate one; decay is in the objective, except for AdamW."""
    if task.optimizer == "sgd":
        return torch.optim.SGD([W, a, free], lr=1.0, momentum=task.protocol.momentum)
    if task.optimizer == "adam":
        return torch.optim.Adam([W, a, free], lr=1.0)
    decay = task.objective.weight_decay
    groups = [{"params": [W, a], "weight_decay": decay}, {"params": [free], "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1.0)


def step(torch: Any, optimizer: Any, weights: list[Any], rates: Any) -> None:
    """A step in which each network has its own learning rate, ``rates`` (s,)."""
    before = [tensor.detach().clone() for tensor in weights]
    optimizer.step()
    with torch.no_grad():
        for tensor, old in zip(weights, before, strict=True):
            tensor.copy_(old + rates.view(-1, *[1] * (tensor.ndim - 1)) * (tensor - old))


def batches(torch: Any, task: Task, generators: list[np.random.Generator]) -> Iterator[Any]:
    """One epoch: None for all samples at once, or (s, b) row numbers in each network's order."""
    n, size = len(task.objective.y), task.protocol.batch_size
    if size is None or size >= n:
        yield None
        return
    order = torch.from_numpy(np.array([rng.permutation(n) for rng in generators]))
    for first in range(0, n, size):
        yield order[:, first : first + size]


def descend_each(torch: Any, tensors: Tensors, tell: Tell) -> Descent:
    """L-BFGS: one network after the other."""
    *initial, _ = start(tensors.task)
    each = zip(tensors.task.seeds, zip(*initial, strict=True), strict=True)
    ends, curves = zip(
        *(descend_one(torch, tensors, one, partial(tell, (seed,))) for seed, one in each),
        strict=True,
    )
    epochs, clock, curve = (np.array(part) for part in zip(*curves, strict=True))
    W, a, free = (np.array(part) for part in zip(*ends, strict=True))
    return W, a, free, (epochs, clock, curve)


def descend_one(
    torch: Any,
    tensors: Tensors,
    initial: tuple[Array, Array, Array],
    tell: Callable[[int, Array], object],
) -> tuple[list[Array], Curve]:
    """Until the line search fails, the gradient vanishes or the epochs are over."""
    epochs, begin = tensors.task.protocol.epochs, time.perf_counter()
    passed, p = 0, np.concatenate([part.ravel() for part in initial])
    cuts = np.cumsum([part.size for part in initial])
    shapes = [part.shape for part in initial]

    def unpack(p: Any) -> list[Any]:
        firsts = [0, *cuts[:-1]]
        return [
            p[first:end].reshape(shape)
            for first, end, shape in zip(firsts, cuts, shapes, strict=True)
        ]

    def evaluate(p: Array) -> tuple[float, Array]:
        nonlocal passed
        passed += 1
        weights = torch.tensor(p, requires_grad=True)
        value = tensors.objective(*(part[None] for part in unpack(weights)))[0]
        value.backward()
        return value.item(), weights.grad.numpy()

    def note(intermediate_result: Any) -> None:
        nonlocal p  # what comes back at the end may be a trial point of the last line search
        p = intermediate_result.x.copy()
        W, a, _ = unpack(p)
        value = intermediate_result.fun - excess_decay(tensors.task.objective, W, a)
        noted.append((passed, time.perf_counter() - begin, float(value)))
        tell(passed, np.array([value]))

    noted = [(0, 0.0, tensors.task.value(*initial))]
    options = {"maxiter": epochs, "maxfun": epochs, "maxcor": CORRECTIONS, "ftol": 0, "gtol": 1e-12}
    minimize(evaluate, p, jac=True, method="L-BFGS-B", callback=note, options=options)
    noted.append((passed, time.perf_counter() - begin, noted[-1][2]))
    rows = np.searchsorted([one[0] for one in noted], curve_epochs(epochs), side="right") - 1
    rows[-1] = len(noted) - 1
    epochs_passed, clock, curve = (np.array(part)[rows] for part in zip(*noted, strict=True))
    return unpack(p), (epochs_passed, clock, curve)
