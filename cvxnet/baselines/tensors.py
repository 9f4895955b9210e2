"""The objective on tensors of torch, which comes from `cvxnet.baselines.gradients`.

Weights are (s, m, d), (s, m) and (s, k) tensors (hidden, output, free), s networks at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cvxnet.baselines.networks import fixed_length
from cvxnet.baselines.tasks import Task
from cvxnet.errors import UnsupportedError
from cvxnet.functions.arithmetic import TENSORS
from cvxnet.layers.activations import Activation
from cvxnet.objective import FAMILIES, Objective

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
    weights belong to, and ``sample_weight`` (n,) may be None. ``formulas`` are those of the hidden
    layer's activation.
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
        U, c = of_length_one(W, a) if fixed_length(goal) else (W, a)
        hidden = U @ X.transpose(-1, -2)  # (s, m, b)
        for formula in self.formulas:
            hidden = formula(hidden, TENSORS)
        f = (c[:, None, :] @ hidden)[:, 0]
        f = f + (F @ free[:, :, None])[..., 0] if F.shape[-1] else f
        losses = goal.loss.formula(f, y, TENSORS)
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
