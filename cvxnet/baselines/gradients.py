"""Gradient training of a batch of networks; apart from interop, the one place that imports torch.

Weights are (s, m, d) and (s, m) tensors, s networks at once. The objective of each network depends
on its own weights only, so the gradient of the sum over networks holds each network's own.

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
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import minimize

from cvxnet.baselines.objective import Array
from cvxnet.baselines.tasks import Record, Task, curve_epochs, start
from cvxnet.errors import MissingExtraError
from cvxnet.training.threads import one_blas_thread

if TYPE_CHECKING:
    import torch

Curve = tuple[Array, Array, Array]
Note = Callable[[int, Any, Any], None]

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": lambda f, y: 0.5 * (f - y).square(),
    "logistic": lambda f, y: (-y * f).logaddexp(0.0 * f),
    "hinge": lambda f, y: (1.0 - y * f).relu(),
    "squared_hinge": lambda f, y: (1.0 - y * f).relu().square(),
    "absolute": lambda f, y: (f - y).abs(),
    "huber": lambda f, y: huber((f - y).abs()),
}
CORRECTIONS = 20
"""Pairs of steps that L-BFGS remembers."""
TINY = 1e-300


def huber(r: Any) -> Any:
    """``r^2 / 2`` up to 1 and ``r - 1/2`` beyond, for r >= 0."""
    inside = r.clamp(max=1.0)
    return 0.5 * inside.square() + (r - inside)


def import_torch() -> Any:
    """The torch package, or a MissingExtraError that names the extra."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError(
            "gradient training needs torch, which is not installed: pip install 'cvxnet[torch]'"
        ) from None
    return torch


@dataclass(frozen=True)
class Tensors:
    """A task's data as tensors; ``X`` with a column of ones where there is a bias."""

    task: Task
    X: torch.Tensor
    y: torch.Tensor

    def objective(self, W: Any, a: Any, rows: Any = None, decay: bool = True) -> Any:
        """The objective of each network, (s,).

        With ``rows`` (s, b), each network's own b samples stand for all: their losses count n/b.
        """
        X, y = (self.X, self.y) if rows is None else (self.X[rows], self.y[rows])
        goal, n = self.task.objective, len(self.y)
        U, c = (W, a) if not goal.activation.fixed_length else of_length_one(W, a)
        hidden = goal.activation.of_tensor(U @ X.transpose(-1, -2), **goal.options)  # (s, m, b)
        f = (c[:, None, :] @ hidden)[:, 0]
        value = LOSSES[goal.loss](f, y).sum(1) * (n / y.shape[-1])
        if not decay:
            return value
        return value + 0.5 * goal.weight_decay * (W.square().sum((1, 2)) + a.square().sum(1))


def of_length_one(W: Any, a: Any) -> tuple[Any, Any]:
    """Hidden weights of length one, and the output weights that take over their lengths."""
    lengths = W.square().sum(2).clamp(min=TINY).sqrt()
    return W / lengths[:, :, None], a * lengths


def train_batch(task: Task) -> Record:
    """Train the networks of a task: the same result whenever, wherever and beside whom it runs."""
    torch = import_torch()
    ones = np.ones((len(task.X), int(task.objective.bias)))
    X = torch.from_numpy(np.hstack([task.X, ones]))
    tensors, together = Tensors(task, X, torch.from_numpy(task.y)), task.optimizer != "lbfgs"
    with one_thread(torch):
        method = descend_together if together else descend_each
        W, a, (epochs, clock, curve) = method(torch, tensors)
    return Record(
        optimizer=task.optimizer,
        width=task.width,
        stream=task.stream,
        seeds=task.seeds,
        rates=task.rates,
        W=W,
        a=a,
        objective=task.objective.values(W, a, task.X, task.y),
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


def descend_together(torch: Any, tensors: Tensors) -> tuple[Array, Array, Curve]:
    """SGD, Adam and AdamW: all networks of the batch in one tensor program."""
    task, epochs = tensors.task, tensors.task.protocol.epochs
    W0, a0, generators = start(task)
    W, a = (torch.from_numpy(weights).requires_grad_() for weights in (W0, a0))
    optimizer = make_optimizer(torch, task, [W, a])
    rates = torch.tensor(task.rates, dtype=torch.float64)
    noted, points, begin = [], set(curve_epochs(epochs).tolist()), time.perf_counter()
    for epoch in range(epochs + 1):
        if epoch in points:
            with torch.no_grad():
                value = tensors.objective(W, a).numpy()
            noted.append((epoch, time.perf_counter() - begin, value))
        if epoch < epochs:
            cosine = 0.5 * (1.0 + np.cos(np.pi * epoch / epochs))
            for rows in batches(torch, task, generators):
                optimizer.zero_grad()
                tensors.objective(W, a, rows, task.optimizer != "adamw").sum().backward()
                step(torch, optimizer, [W, a], cosine * rates)
    passed, clock, values = (np.array(column) for column in zip(*noted, strict=True))
    passed, clock = (np.tile(column, (len(rates), 1)) for column in (passed, clock))
    return W.detach().numpy(), a.detach().numpy(), (passed, clock, values.T)


def make_optimizer(torch: Any, task: Task, weights: list[Any]) -> Any:
    """torch's optimiser at rate one; decay is in the objective, except for AdamW."""
    if task.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=1.0, momentum=task.protocol.momentum)
    if task.optimizer == "adam":
        return torch.optim.Adam(weights, lr=1.0)
    return torch.optim.AdamW(weights, lr=1.0, weight_decay=task.objective.weight_decay)


def step(torch: Any, optimizer: Any, weights: list[Any], rates: Any) -> None:
    """A step in which each network has its own learning rate, ``rates`` (s,)."""
    before = [tensor.detach().clone() for tensor in weights]
    optimizer.step()
    with torch.no_grad():
        for tensor, old in zip(weights, before, strict=True):
            tensor.copy_(old + rates.view(-1, *[1] * (tensor.ndim - 1)) * (tensor - old))


def batches(torch: Any, task: Task, generators: list[np.random.Generator]) -> Iterator[Any]:
    """One epoch: None for all samples at once, or (s, b) row numbers in each network's order."""
    n, size = len(task.y), task.protocol.batch_size
    if size is None or size >= n:
        yield None
        return
    order = torch.from_numpy(np.array([rng.permutation(n) for rng in generators]))
    for first in range(0, n, size):
        yield order[:, first : first + size]


def descend_each(torch: Any, tensors: Tensors) -> tuple[Array, Array, Curve]:
    """L-BFGS: one network after the other."""
    W0, a0, _ = start(tensors.task)
    ends, curves = zip(
        *(descend_one(torch, tensors, *one) for one in zip(W0, a0, strict=True)), strict=True
    )
    epochs, clock, curve = (np.array(part) for part in zip(*curves, strict=True))
    W, a = (np.array(part) for part in zip(*ends, strict=True))
    return W, a, (epochs, clock, curve)


def descend_one(
    torch: Any, tensors: Tensors, W0: Array, a0: Array
) -> tuple[tuple[Array, Array], Curve]:
    """Until the line search fails, the gradient vanishes or the epochs are over."""
    epochs, begin = tensors.task.protocol.epochs, time.perf_counter()
    passed, p = 0, np.concatenate([W0.ravel(), a0])

    def evaluate(p: Array) -> tuple[float, Array]:
        nonlocal passed
        passed += 1
        weights = torch.tensor(p, requires_grad=True)
        W, a = weights[: W0.size].view(1, *W0.shape), weights[W0.size :].view(1, -1)
        value = tensors.objective(W, a)[0]
        value.backward()
        return value.item(), weights.grad.numpy()

    def note(intermediate_result: Any) -> None:
        nonlocal p  # what comes back at the end may be a trial point of the last line search
        p = intermediate_result.x.copy()
        noted.append((passed, time.perf_counter() - begin, float(intermediate_result.fun)))

    noted = [(0, 0.0, tensors.task.objective.value(W0, a0, tensors.task.X, tensors.task.y))]
    options = {"maxiter": epochs, "maxfun": epochs, "maxcor": CORRECTIONS, "ftol": 0, "gtol": 1e-12}
    minimize(evaluate, p, jac=True, method="L-BFGS-B", callback=note, options=options)
    noted.append((passed, time.perf_counter() - begin, noted[-1][2]))
    rows = np.searchsorted([one[0] for one in noted], curve_epochs(epochs), side="right") - 1
    rows[-1] = len(noted) - 1
    epochs_passed, clock, curve = (np.array(part)[rows] for part in zip(*noted, strict=True))
    return (p[: W0.size].reshape(W0.shape), p[W0.size :]), (epochs_passed, clock, curve)
