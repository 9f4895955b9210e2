"""The objective on tensors of torch, which comes from `cvxnet.baselines.gradients`.

Weights are (s, m, d), (s, m) and (s, k) tensors (hidden, output, free), s networks at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cvxnet.baselines.tasks import Task

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": lambda f, y: 0.5 * (f - y).square(),
    "logistic": lambda f, y: (-y * f).logaddexp(0.0 * f),
    "hinge": lambda f, y: (1.0 - y * f).relu(),
    "squared_hinge": lambda f, y: (1.0 - y * f).relu().square(),
    "absolute": lambda f, y: (f - y).abs(),
    "huber": lambda f, y: huber((f - y).abs()),
    "log_cosh": lambda f, y: (f - y).logaddexp(y - f) - math.log(2.0),
}
TINY = 1e-300


def huber(r: Any) -> Any:
    """``r^2 / 2`` up to 1 and ``r - 1/2`` beyond, for r >= 0."""
    inside = r.clamp(max=1.0)
    return 0.5 * inside.square() + (r - inside)


@dataclass(frozen=True)
class Tensors:
    """A task's data as tensors.

    ``X`` has a column of ones where there is a bias; ``F`` (n, k) has the columns that the free
    weights belong to, and ``sample_weight`` (n,) may be None.
    """

    task: Task
    X: Any
    F: Any
    y: Any
    sample_weight: Any

    def objective(self, W: Any, a: Any, free: Any, rows: Any = None, decay: bool = True) -> Any:
        """The objective of each network, (s,).

        With ``rows`` (s, b), each network's own b samples stand for all: their losses count n/b.
        """
        goal, n = self.task.objective, len(self.y)
        X, F, y, w = self.X, self.F, self.y, self.sample_weight
        if rows is not None:
            X, F, y, w = X[rows], F[rows], y[rows], None if w is None else w[rows]
        U, c = (W, a) if not goal.activation.fixed_length else of_length_one(W, a)
        hidden = goal.activation.of_tensor(U @ X.transpose(-1, -2), **goal.options)  # (s, m, b)
        f = (c[:, None, :] @ hidden)[:, 0]
        f = f + (F @ free[:, :, None])[..., 0] if F.shape[-1] else f
        losses = LOSSES[goal.loss](f, y)
        value = (losses if w is None else w * losses).sum(1) * (n / y.shape[-1])
        if not decay:
            return value
        squares = W.square().sum((1, 2)) if goal.norm == "l2" else W.abs().sum(2).square().sum(1)
        return value + 0.5 * goal.weight_decay * (squares + a.square().sum(1))


def of_length_one(W: Any, a: Any) -> tuple[Any, Any]:
    """Hidden weights of length one, and the output weights that take over their lengths."""
    lengths = W.square().sum(2).clamp(min=TINY).sqrt()
    return W / lengths[:, :, None], a * lengths


def to_tensors(torch: Any, task: Task) -> Tensors:
    """The data of a task for torch."""
    form, w = task.objective.form, task.sample_weight
    X, F, y = map(torch.from_numpy, (form.rows(task.X), form.free_columns(task.X), task.y))
    return Tensors(task, X, F, y, None if w is None else torch.from_numpy(w))
