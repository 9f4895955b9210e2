"""Methods that train weights: torch's SGD, Adam and L-BFGS, and scikit-learn's MLP.

Of each ten restarts, from the same ten starts for torch's; the best network counts. The objective
is the common one, with the hidden bias as a weight, but for scikit-learn's, whose biases are free.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from experiments.peers.objective import objective

WIDTH, RESTARTS, STEPS, BATCH = 100, 10, 3000, 64
ADAM_RATES = (1e-3, 3e-3, 1e-2, 3e-2)
SGD_RATES = (0.003, 0.01, 0.03, 0.1)
"""Of the mean over the samples."""


def tensors(problem: dict[str, Any]) -> tuple[Any, Any, int]:
    """Features with a column of ones, targets, and the number of outputs."""
    import torch

    torch.set_num_threads(1)
    X, Y = problem["X"], problem["Y"]
    A = torch.tensor(np.column_stack([X, np.ones(len(X))]))
    return A, torch.tensor(Y), int(problem["outputs"])


def losses(f: Any, t: Any, loss: str) -> Any:
    """Of each restart, from its outputs f (restarts, n, c): the sum over the samples."""
    import torch

    if loss == "squared":
        return 0.5 * ((f - t) ** 2).sum((1, 2))
    if loss == "logistic":
        return torch.nn.functional.softplus(-t * f).sum((1, 2))
    chosen = f[:, torch.arange(len(t)), t]
    return (torch.logsumexp(f, 2) - chosen).sum(1)


def start(d: int, outputs: int) -> tuple[Any, Any]:
    """Hidden weights (restarts, d, width) and output weights (restarts, width, outputs)."""
    import torch

    torch.manual_seed(0)
    W = torch.randn(RESTARTS, d, WIDTH, dtype=torch.float64) / d**0.5
    a = torch.randn(RESTARTS, WIDTH, outputs, dtype=torch.float64) / WIDTH**0.5
    return W.requires_grad_(), a.requires_grad_()


class Training:
    """The objective of all restarts at once, which do not touch one another."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.A, self.t, self.outputs = tensors(problem)
        self.loss, self.beta = str(problem["loss"]), float(problem["weight_decay"])

    def objectives(self, W: Any, a: Any, rows: Any = None) -> Any:
        """One for each restart; of some rows, the loss is scaled to all."""
        import torch

        A, t = (self.A, self.t) if rows is None else (self.A[rows], self.t[rows])
        fit = losses(torch.relu(A @ W) @ a, t, self.loss) * (len(self.A) / len(A))
        return fit + 0.5 * self.beta * ((W**2).sum((1, 2)) + (a**2).sum((1, 2)))

    def some_rows(self, batch: int) -> Any:
        """A batch, or None for all."""
        import torch

        n = len(self.A)
        return None if batch >= n else torch.randperm(n)[:batch]

    def best(self, W: Any, a: Any) -> tuple[float, dict[str, Any]]:
        """The best of the restarts, those aside that ran away."""
        values = self.objectives(W, a).detach().numpy()
        k = int(np.argmin(np.where(np.isfinite(values), values, np.inf)))
        W, a = W.detach().numpy()[k], a.detach().numpy()[k]
        return float(values[k]), {"W": W[:-1].T, "b": W[-1], "A": a.T}


def descend(
    problem: dict[str, Any], limit: float, rates: tuple[float, ...], batch: int, rule: Callable
) -> dict[str, Any]:
    """A rule of descent at each rate, which falls to zero over STEPS or over its share of time."""
    training = Training(problem)
    ended = []
    for rate in rates:
        weights = start(training.A.shape[1], training.outputs)
        optimizer = rule(weights, rate)
        for part in progress(limit / len(rates)):
            for group in optimizer.param_groups:
                group["lr"] = rate * 0.5 * (1.0 + np.cos(np.pi * part))
            optimizer.zero_grad()
            training.objectives(*weights, rows=training.some_rows(batch)).sum().backward()
            optimizer.step()
        ended.append(training.best(*weights))
    value, network = min(ended, key=lambda pair: pair[0])
    return network | {"claimed": value}


def progress(seconds: float) -> Iterator[float]:
    """From 0 to 1, in STEPS steps or, where these take longer, in so many seconds."""
    begin = time.process_time()
    for step in range(STEPS):
        part = max(step / STEPS, (time.process_time() - begin) / seconds)
        if part >= 1.0:
            return
        yield part


def adam(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Adam on the whole gradient."""
    import torch

    def rule(weights: Any, rate: float) -> Any:
        return torch.optim.Adam(weights, lr=rate)

    return descend(problem, limit, ADAM_RATES, len(problem["X"]), rule)


def sgd(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Stochastic gradients of batches, with Nesterov's momentum."""
    import torch

    def rule(weights: Any, rate: float) -> Any:
        return torch.optim.SGD(weights, lr=rate, momentum=0.9, nesterov=True)

    rates = tuple(rate / len(problem["X"]) for rate in SGD_RATES)
    return descend(problem, limit, rates, BATCH, rule)


def lbfgs(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """L-BFGS with a strong Wolfe line search, one restart after the other."""
    import torch

    training = Training(problem)
    starts = start(training.A.shape[1], training.outputs)
    ended, begin = [], time.process_time()
    for k in range(RESTARTS):
        W, a = (weights[k : k + 1].detach().clone().requires_grad_() for weights in starts)
        optimizer = torch.optim.LBFGS([W, a], max_iter=20, line_search_fn="strong_wolfe")

        def closure(W: Any = W, a: Any = a, optimizer: Any = optimizer) -> Any:
            optimizer.zero_grad()
            value = training.objectives(W, a).sum()
            value.backward()
            return value

        before = np.inf
        while time.process_time() - begin < limit * (k + 1) / RESTARTS:
            now = float(optimizer.step(closure).detach())
            if before - now <= 1e-10 * abs(now):
                break
            before = now
        ended.append(training.best(W, a))
    value, network = min(ended, key=lambda pair: pair[0])
    return network | {"claimed": value}


def folded(model: Any) -> dict[str, Any]:
    """The network of an MLP; its output bias is a unit that is 1 on every sample."""
    (W, A), (b, c) = model.coefs_, model.intercepts_
    return {
        "W": np.vstack([W.T, np.zeros(len(W))]),
        "b": np.append(b, 1.0),
        "A": np.column_stack([A.T, c]),
    }


def as_it_comes(problem: dict[str, Any], seed: int) -> Any:
    """The MLP whose decay is the problem's, with scikit-learn's own optimiser (Adam, batches).

    It divides loss and decay by the samples of a batch, and the squared loss by the outputs, too.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    n, loss, outputs = len(problem["X"]), str(problem["loss"]), int(problem["outputs"])
    batch = min(200, n)
    share = outputs if loss == "squared" else 1
    kind = MLPRegressor if loss == "squared" else MLPClassifier
    return kind(
        hidden_layer_sizes=(WIDTH,),
        alpha=float(problem["weight_decay"]) * batch / n / share,
        batch_size=batch,
        max_iter=2000,
        random_state=seed,
    )


def mlp(problem: dict[str, Any], limit: float) -> dict[str, Any]:
    """Ten MLPs, or as many as time allows; the best by the common objective."""
    Y = problem["Y"]
    if str(problem["loss"]) != "cross_entropy":
        Y = Y[:, 0] if Y.shape[1] == 1 else Y
    ended, begin = [], time.process_time()
    for seed in range(RESTARTS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = folded(as_it_comes(problem, seed).fit(problem["X"], Y))
        ended.append((objective(network, problem), network))
        if (time.process_time() - begin) * (seed + 2) / (seed + 1) > limit:
            break
    return min(ended, key=lambda pair: pair[0])[1]
