"""The attack on lower bounds: networks from anywhere, pressed down by L-BFGS and Adam.

The objective is written anew in torch. Its penalty is never below the true one, and what counts in
the end is the objective of the network as ``tests/truth.py`` computes it, in longer floats.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import truth
from scipy.optimize import minimize

import cvxnet as cn

WIDTHS = (30, 100, 10, 4)
ALL = ("polished", "perturbed", "wider", "random", "adam")
SQUARES = ("squared_relu", "quadratic")
STIFF = ("coordinate", "sign", "threshold")
"""Units that cannot be moved: only their output weights are."""
SHARED = ("relu", "leaky_relu", "abs", "linear", "gated_relu")
INSIDE = 1.0 - 1e-14
"""Hidden weights of tanh units end a little inside their ball."""

ACTIVATIONS = {
    "relu": torch.relu,
    "abs": torch.abs,
    "linear": lambda z: z,
    "coordinate": lambda z: z,
    "squared_relu": lambda z: torch.relu(z).square(),
    "quadratic": torch.square,
    "tanh": torch.tanh,
    "sign": torch.sign,
    "threshold": lambda z: (z >= 0.0).to(z.dtype),
}
LOSSES = {
    "squared": lambda f, y: 0.5 * (f - y) ** 2,
    "absolute": lambda f, y: (f - y).abs(),
    "huber": lambda f, y: torch.nn.functional.huber_loss(f, y, reduction="none"),
    "log_cosh": lambda f, y: (f - y).abs() + torch.log1p(torch.expm1(-2.0 * (f - y).abs()) / 2.0),
    "logistic": lambda f, y: torch.nn.functional.softplus(-y * f),
    "hinge": lambda f, y: torch.relu(1.0 - y * f),
    "squared_hinge": lambda f, y: torch.relu(1.0 - y * f) ** 2,
}
Weights = tuple[np.ndarray, np.ndarray, np.ndarray]  # hidden (m, r), output (m,), free


class Target:
    """What is attacked: a problem, a certificate with its bound, and the objective in torch.

    A unit has weights w and c with penalty beta (|w|^2 + c^2) / 2, of which the network has
    u = w and a = c where both layers are decayed. Units of degree two have u = w / |w| and
    a = c |w|. Where only |a| is charged, c = (p, q) and a = p q, at most (p^2 + q^2) / 2, and
    u = w, inside the ball (tanh) or on the sphere (polynomial).
    """

    def __init__(self, certificate: cn.Certificate) -> None:
        self.certificate, self.name = certificate, certificate.unit_name
        self.beta = certificate.weight_decay
        X, n = np.array(certificate.X), len(certificate.y)
        self.rows = np.column_stack([X, np.ones(n)]) if certificate.bias else X
        free = [np.ones((n, 1))] * (certificate.c is not None)
        free += [X] * (certificate.s is not None)
        self.free = np.hstack([*free, np.zeros((n, 0))])
        weights = certificate.sample_weights
        self.weights = torch.ones(n, dtype=torch.float64) if weights is None else as_tensor(weights)
        self.X, self.F, self.y = map(as_tensor, (self.rows, self.free, certificate.y))
        self.scale = float(np.abs(self.rows).mean()) or 1.0
        self.document = certificate.to_dict()
        self.options = self.document["units"]

    @property
    def shared(self) -> bool:
        """Whether the penalty is on both layers."""
        return self.name in (*SHARED, *SQUARES)

    def features(self, W: torch.Tensor) -> torch.Tensor:
        """The columns of units with these weights, and of unit length where that is fixed."""
        W = W.detach() if self.name in STIFF else W
        length = W.norm(dim=1, keepdim=True) + 1e-100
        if self.name in ("polynomial", *SQUARES):
            W = W / length
        elif self.name == "tanh":
            radius = float(truth.decoded(self.options["radius"]))
            W = W * torch.clamp(radius * INSIDE / length, max=1.0)
        z = self.X @ W.T
        if self.name == "leaky_relu":
            return torch.nn.functional.leaky_relu(z, float(truth.decoded(self.options["slope"])))
        if self.name == "polynomial":
            p, q, r = truth.decoded(self.options["coefficients"])
            return (p * z + q) * z + r
        if self.name == "gated_relu":
            gates = as_tensor(truth.decoded(self.options["gates"]))
            return z * (self.X @ gates[self.gate(len(W))].T >= 0.0)
        feature = ACTIVATIONS[self.name](z)
        return feature * length.T if self.name in SQUARES else feature

    def gate(self, width: int) -> np.ndarray:
        """Gates in turn."""
        return np.arange(width) % len(self.options["gates"])

    def objective(self, W: torch.Tensor, a: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        """The training objective, or a little more."""
        output = a if self.shared else a[0] * a[1]
        f = self.features(W) @ output + self.F @ free
        loss = (self.weights * LOSSES[self.certificate.loss](f, self.y)).sum()
        hidden = W.abs().sum(dim=1) if self.certificate.norm == "l1" else W.norm(dim=1)
        penalty = a.square().sum() + (hidden.square().sum() if self.shared else 0.0)
        return loss + 0.5 * self.beta * penalty

    def network(self, weights: Weights) -> dict[str, Any]:
        """The entry ``network`` of a certificate."""
        W, a, free = weights
        a = a if self.shared else a[0] * a[1]
        lengths = np.linalg.norm(W, axis=1) + 1e-100
        gate = None
        if self.name in SQUARES:
            W, a = W / lengths[:, None], a * lengths
        elif self.name == "tanh":
            radius = float(truth.decoded(self.options["radius"]))
            W = W * np.minimum(1.0, radius * INSIDE / lengths)[:, None]
        elif self.name == "gated_relu":
            gate = self.gate(len(W)).tolist()
        c = self.certificate
        bias = c.c is not None
        hexes = np.vectorize(lambda x: float(x).hex(), otypes=[object])
        return {
            "W": hexes(W[:, :-1] if c.bias else W).tolist(),
            "b": hexes(W[:, -1]).tolist() if c.bias else None,
            "a": hexes(a).tolist(),
            "c": float(free[0]).hex() if bias else None,
            "s": hexes(free[int(bias) :]).tolist() if c.s is not None else None,
            "gate": gate,
        }

    def exact(self, weights: Weights) -> float:
        """The objective of a network as a certificate defines it, in longer floats."""
        with np.errstate(all="ignore"):
            return truth.objective(self.document | {"network": self.network(weights)})

    def given(self) -> Weights | None:
        """The certified network; None where its units cannot be moved."""
        c = self.certificate
        if self.name in ("gated_relu", "coordinate") or not len(c.a):
            return None
        W, a = np.column_stack([c.W, c.b]) if c.bias else np.array(c.W), np.array(c.a)
        if self.name in SQUARES:
            lengths = np.linalg.norm(W, axis=1) + 1e-100
            sizes = np.sqrt(np.abs(a) * lengths**2)
            W, a = W / lengths[:, None] * sizes[:, None], np.sign(a) * sizes
        free = np.concatenate([np.ravel(x) for x in (c.c, c.s) if x is not None] or [np.zeros(0)])
        return W, a if self.shared else split(a), free

    def random(self, width: int, size: float, rng: np.random.Generator) -> Weights:
        """Weights as large as the data ask for, times ``size``."""
        d = self.rows.shape[1]
        W = size * rng.normal(size=(width, d)) / np.sqrt(d * self.scale)
        if self.name in ("sign", "threshold"):
            W = self.through_rows(W, rng)
        elif self.name == "coordinate":
            W = np.eye(d)[np.arange(width) % d]
        a = size * rng.normal(size=width) / np.sqrt(width)
        return W, a if self.shared else split(a), np.zeros(self.free.shape[1])

    def through_rows(self, W: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Some of the units moved so that they split the data: steps have no gradient."""
        if self.certificate.bias:
            directions = W[:, :-1]
            rows = self.rows[rng.integers(len(self.rows), size=len(W)), :-1]
            W[:, -1] = -(directions * rows).sum(axis=1) * rng.uniform(0.9, 1.1, len(W))
        return W


def split(a: np.ndarray) -> np.ndarray:
    """p and q of the same size with p q = a."""
    return np.stack([np.sqrt(np.abs(a)), np.sign(a) * np.sqrt(np.abs(a))])


def as_tensor(array: Any) -> torch.Tensor:
    """A copy in double precision."""
    return torch.tensor(np.array(array, dtype=np.float64))


def descend(target: Target, start: Weights, evaluations: int) -> Weights:
    """L-BFGS until it stops by itself, restarted while that helps."""
    shapes, cuts = [part.shape for part in start], np.cumsum([part.size for part in start])[:-1]

    def unpack(p: Any) -> list[Any]:
        parts = torch.tensor_split(p, cuts.tolist())
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    def evaluate(p: np.ndarray) -> tuple[float, np.ndarray]:
        weights = torch.tensor(p, requires_grad=True)
        value = target.objective(*unpack(weights))
        value.backward()
        return value.item(), weights.grad.numpy()

    p, value = np.concatenate([part.ravel() for part in start]), np.inf
    options = {"maxfun": evaluations, "maxiter": evaluations, "maxcor": 30, "ftol": 1e-15}
    for _ in range(3):
        with np.errstate(all="ignore"):
            found = minimize(
                evaluate, p, jac=True, method="L-BFGS-B", options=options | {"gtol": 0.0}
            )
        if not found.fun < value * (1.0 - 1e-12):
            break
        p, value = found.x, found.fun
    return tuple(part.numpy() for part in unpack(torch.tensor(p)))


def adam(target: Target, start: Weights, rate: float, steps: int) -> Weights:
    """Adam with a rate that falls to zero."""
    weights = [torch.tensor(part, requires_grad=True) for part in start]
    optimizer = torch.optim.Adam(weights, lr=rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        target.objective(*weights).backward()
        optimizer.step()
        schedule.step()
    return tuple(part.detach().numpy() for part in weights)


def starts(
    target: Target, kinds: tuple[str, ...], seeds: int, rng: np.random.Generator, steps: int
) -> Iterator[tuple[str, Weights]]:
    """Names and starting points; each kind in turn."""
    given = target.given()
    if given is None:
        kinds = tuple(kind for kind in kinds if kind in ("random", "adam"))
    for seed in range(seeds):
        width, size = WIDTHS[seed % len(WIDTHS)], 10.0 ** rng.uniform(-1.5, 0.5)
        if "random" in kinds:
            yield "random", target.random(width, size, rng)
        if "adam" in kinds:
            rate = 10.0 ** rng.uniform(-2.5, -0.5)
            yield "adam", adam(target, target.random(width, size, rng), rate, steps)
        if given is None:
            continue
        if "polished" in kinds and seed == 0:
            yield "polished", given
        if "perturbed" in kinds:
            noise = 10.0 ** rng.uniform(-3.0, -0.5)
            yield "perturbed", tuple(p * (1 + noise * rng.normal(size=p.shape)) for p in given)
        if "wider" in kinds:
            more, output, _ = target.random(int(rng.integers(1, 33)), 0.1 * size, rng)
            W, a, free = given
            yield "wider", (np.concatenate([W, more]), np.concatenate([a, output], axis=-1), free)


@dataclass
class Finding:
    """The smallest objective that each kind of start led to, and how many there were."""

    smallest: dict[str, float] = field(default_factory=dict)
    starts: int = 0

    @property
    def best(self) -> float:
        """The smallest of all."""
        return min(self.smallest.values(), default=np.inf)


def attack(
    certificate: cn.Certificate,
    *,
    kinds: tuple[str, ...] = ALL,
    seeds: int = 20,
    seconds: float = np.inf,
    evaluations: int = 3000,
    steps: int = 500,
    seed: int = 0,
) -> Finding:
    """Try to find a network below the lower bound of a certificate."""
    target, rng, finding = Target(certificate), np.random.default_rng(seed), Finding()
    begin = time.process_time()
    for kind, start in starts(target, kinds, seeds, rng, steps):
        end = descend(target, start, evaluations)
        finding.starts += 1
        if all(np.isfinite(part).all() for part in end):
            value = target.exact(end)
            finding.smallest[kind] = min(value, finding.smallest.get(kind, np.inf))
        if time.process_time() - begin > seconds:
            break
    return finding


def beaten(certificate: cn.Certificate, finding: Finding, slack: float = 1e-12) -> bool:
    """Whether some network is below the lower bound, by more than rounding."""
    return bool(finding.best < certificate.lower * (1.0 - slack))
