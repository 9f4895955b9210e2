"""Can a certified lower bound be beaten? An attack on every bound, and how close it came.

For each case (data, units, loss, weight decay) `cvxnet.train` gives a network and a lower bound,
the checker re-proves the bound, and then everything is tried to get below it, with an objective
written anew in torch:

* random: networks of widths 4 to 100 from random weights, by L-BFGS (scipy's)
* adam: the same by 500 steps of Adam, then by L-BFGS
* polished, perturbed, wider: L-BFGS from the certified network, from copies disturbed by 0.1 to
  30 %, and from copies with up to 32 units more

The best network of each start is evaluated by the checker, in exact arithmetic rounded up, so that
neither rounding here nor there can pass for a success. Then networks with hidden layers of 100
ReLU units, trained by torch's SGD, Adam and L-BFGS on all features of breast_cancer and diabetes,
are certified with `cvxnet.certify`, and their bounds attacked in the same way from where they are.

    python experiments/falsify.py [--quick] [--seeds 20] [--hours H] [--seed 0] [--out falsify.csv]

Without --hours each case ends after --seeds starts of each kind; with it, also after its share of
these hours of processor time. The exit code is 1 if anything lands below a bound, or if a bound
was not proved.

Measured with Python 3.11 on a machine with two cores that was busy with other work (so the seconds
say little), seed 0, in four runs of some cases each, 3 to 6 seconds of processor time for each
attack, a small part of the nightly size: nothing landed below a bound, and all bounds were proved
exactly. The smallest objective found was above the proved bound, relative to it, by (in brackets:
the best from random weights alone)

    five points, relu, decay 1e-3: 1.6e-12 (6.9e-7); decay 0.1: 4.9e-11 (6.1e-11)
    planar, n = 150: squared 7.3e-12 (4e-3), leaky_relu, huber 4.2e-12 (3e-4), abs 2.7e-12 (1e-2),
        logistic 3.2e-12 (4e-4), absolute 1.2e-8 (6e-4), quadratic 7.8e-11 (7.8e-11),
        squared_relu, n = 60: 4.1e-8 (4.1e-8); in the same time the certified network was not
        polished yet with output bias 1.2e-3, hinge 1.3e-4, abs, squared_hinge 3.1e-3 (all random)
    breast_cancer, 2 features, n = 300: 1.1e-9 (2.5e-5); diabetes, 2, n = 300: 2.9e-7 (2.9e-7)
    diabetes, 10 features: quadratic 9.4e-10 (9.4e-10), relu 1.3e-4 (1.4e-4), where the bracket is
        open; so it is with the 30 of breast_cancer: 2.1e-5 (2.2e-5)

Certified gaps of the networks that torch trained (decay 0.3 of the largest useful one, 30 s for
`certify`), proved exactly in 1 to 3 s; attacked, none came closer to its bound by more than 3 %:

    diabetes       SGD 1.6e-4   Adam 1.7e-4   L-BFGS 5.2e-5
    breast_cancer  SGD 1.2e-3   Adam 1.0e-3   L-BFGS 1.0e-3

With --quick (n <= 60, 3 s a case, about a minute) the largest margins of closed brackets were 5e-9.
"""

from __future__ import annotations

import argparse
import csv
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.datasets import standardise

WIDTHS = (30, 100, 10, 4)
ALL = ("polished", "perturbed", "wider", "random", "adam")
COLUMNS = ("case", "n", "columns", "units", "loss", "decay", "lower", "proved", "gap", "starts")
COLUMNS += ("best", "margin", "by", "alone", "beaten", "prepare_s", "check_s", "attack_s")
SQUARES = ("squared_relu", "quadratic")


@dataclass(frozen=True, eq=False)
class Case:
    """A training problem; ``share`` is the weight decay over the largest useful one."""

    name: str
    X: np.ndarray
    y: np.ndarray
    units: str
    loss: str
    share: float
    options: dict[str, Any] = field(default_factory=dict)
    decay: float | None = None

    def train(self, seconds: float) -> cn.Solution:
        decay = self.decay
        if decay is None:
            largest = cn.largest_weight_decay(self.family(), self.X, self.y, **self.problem())
            decay = self.share * largest
        return cn.train(
            self.family(),
            *(self.X, self.y),
            weight_decay=decay,
            time_limit=seconds,
            **self.problem(),
        )

    def family(self) -> Any:
        return cn.Family(self.units, slope=0.2) if self.units == "leaky_relu" else self.units

    def problem(self) -> dict[str, Any]:
        return {"loss": self.loss} | self.options


# ----------------------------------------------------------- the objective, independent of cvxnet


ACTIVATIONS = {
    "relu": torch.relu,
    "leaky_relu": lambda z: torch.nn.functional.leaky_relu(z, 0.2),
    "abs": torch.abs,
    "squared_relu": lambda z: torch.relu(z).square(),
    "quadratic": torch.square,
}
LOSSES = {
    "squared": lambda f, y: 0.5 * (f - y) ** 2,
    "absolute": lambda f, y: (f - y).abs(),
    "huber": lambda f, y: torch.nn.functional.huber_loss(f, y, reduction="none"),
    "logistic": lambda f, y: torch.nn.functional.softplus(-y * f),
    "hinge": lambda f, y: torch.relu(1.0 - y * f),
    "squared_hinge": lambda f, y: torch.relu(1.0 - y * f) ** 2,
}
Weights = tuple[np.ndarray, np.ndarray, np.ndarray]  # hidden (m, d), output (m,), free (0 or 1,)


class Target:
    """What is attacked: a problem, a certificate with its bound, and the objective in torch.

    Units of degree two, whose penalty is beta |a| |u|^2, have free weights w and c here, of which
    u = w / |w| and a = c |w|; the penalty of a unit is then at most beta (|w|^2 + c^2) / 2.
    """

    def __init__(self, certificate: cn.Certificate) -> None:
        self.certificate = certificate
        self.units, self.beta = certificate.unit_name, certificate.weight_decay
        X = certificate.X
        self.rows = np.column_stack([X, np.ones(len(X))]) if certificate.bias else X
        self.X, self.y = torch.tensor(self.rows), torch.tensor(np.array(certificate.y))
        self.scale = float(np.abs(self.rows).mean()) or 1.0

    def objective(self, W: torch.Tensor, a: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        phi = ACTIVATIONS[self.units](self.X @ W.T)
        if self.units in SQUARES:
            phi = phi / (W.norm(dim=1) + 1e-100)
        f = phi @ a + free.sum()
        loss = LOSSES[self.certificate.loss](f, self.y).sum()
        return loss + 0.5 * self.beta * (W.square().sum() + a.square().sum())

    def exact(self, weights: Weights) -> float:
        """The objective of a network, rounded up, by the checker."""
        W, a, free = weights
        if self.units in SQUARES:
            lengths = np.linalg.norm(W, axis=1) + 1e-100
            W, a = W / lengths[:, None], a * lengths
        bias = self.certificate.bias
        network = {"W": W[:, :-1] if bias else W, "b": W[:, -1] if bias else None, "a": a}
        network["c"] = float(free[0]) if len(free) else None
        return replace(self.certificate, **network).rounded_outward().upper

    def network(self) -> Weights:
        """The certified one."""
        c = self.certificate
        W = np.column_stack([c.W, c.b]) if c.bias else np.array(c.W)
        a = np.array(c.a)
        if self.units in SQUARES:
            sizes = np.sqrt(np.abs(a) * np.linalg.norm(W, axis=1) ** 2)
            W = W / (np.linalg.norm(W, axis=1) + 1e-100)[:, None] * sizes[:, None]
            a = np.sign(a) * sizes
        return W, a, np.zeros(0) if c.c is None else np.array([c.c])

    def random(self, width: int, size: float, rng: np.random.Generator) -> Weights:
        """Weights as large as the data ask for, times ``size``."""
        d = self.rows.shape[1]
        W = size * rng.normal(size=(width, d)) / np.sqrt(d * self.scale)
        free = np.zeros(0 if self.certificate.c is None else 1)
        return W, size * rng.normal(size=width) / np.sqrt(width), free


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
        found = minimize(evaluate, p, jac=True, method="L-BFGS-B", options=options | {"gtol": 0.0})
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


# ------------------------------------------------------------------------------------- the attack


def starts(
    target: Target, kinds: tuple[str, ...], seeds: int, rng: np.random.Generator, steps: int
) -> Iterator[tuple[str, Weights]]:
    """Names and starting points; each kind in turn."""
    W, a, free = target.network()
    for seed in range(seeds):
        width, size = WIDTHS[seed % len(WIDTHS)], 10.0 ** rng.uniform(-1.5, 0.5)
        if "random" in kinds:
            yield "random", target.random(width, size, rng)
        if "adam" in kinds:
            rate = 10.0 ** rng.uniform(-2.5, -0.5)
            yield "adam", adam(target, target.random(width, size, rng), rate, steps)
        if "polished" in kinds and seed == 0:
            yield "polished", (W, a, free)
        if "perturbed" in kinds:
            noise = 10.0 ** rng.uniform(-3.0, -0.5)
            yield (
                "perturbed",
                tuple(p * (1 + noise * rng.normal(size=p.shape)) for p in (W, a, free)),
            )
        if "wider" in kinds:
            more, output, _ = target.random(rng.integers(1, 33), 0.1 * size, rng)
            yield "wider", (np.concatenate([W, more]), np.concatenate([a, output]), free)


@dataclass
class Finding:
    """The smallest exact objective that each kind of start led to, and how many there were."""

    smallest: dict[str, float] = field(default_factory=dict)
    starts: int = 0

    @property
    def best(self) -> float:
        return min(self.smallest.values(), default=np.inf)

    @property
    def by(self) -> str:
        return min(self.smallest, key=self.smallest.__getitem__, default="")

    @property
    def alone(self) -> float:
        """The smallest that was found without a look at the certified network."""
        return min(self.smallest.get(kind, np.inf) for kind in ("random", "adam"))


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


def beaten(certificate: cn.Certificate, finding: Finding) -> bool:
    """Whether some network is below the lower bound, both ends being exact."""
    return finding.best < certificate.lower


# -------------------------------------------------------------------------------------- the cases


def planar(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A wavy function of two features, with noise."""
    X = rng.normal(size=(n, 2))
    return X, np.sin(2 * X[:, 0]) * np.cos(2 * X[:, 1]) + 0.1 * rng.normal(size=n)


def real(name: str, columns: list[str] | None, rows: int | None) -> tuple[np.ndarray, np.ndarray]:
    """breast_cancer (labels -1, +1) or diabetes, standardised."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    names = list(bunch.feature_names)
    X = bunch.data if columns is None else bunch.data[:, [names.index(c) for c in columns]]
    y = np.where(bunch.target == 1, 1.0, -1.0) if name == "breast_cancer" else bunch.target
    X, y = X[:rows], y[:rows]
    return standardise(X), y if name == "breast_cancer" else standardise(y)


def cases(quick: bool, seed: int) -> Iterator[Case]:
    """From one column to thirty-one."""
    X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]])  # Pilanci and Ergen 2020
    y = np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    for decay in (1e-3, 0.1):
        yield Case("five points", X, y, "relu", "squared", np.nan, decay=decay)
    X, y = planar(30 if quick else 150, np.random.default_rng(seed))
    labels = np.where(y > np.median(y), 1.0, -1.0)
    yield Case("planar", X, y, "relu", "squared", 0.01)
    yield Case("planar", X, y, "leaky_relu", "huber", 0.03)
    yield Case("planar", X, y, "abs", "squared", 0.03)
    yield Case("planar", X, labels, "relu", "logistic", 0.03)
    if not quick:
        yield Case("planar", X, y, "relu", "squared", 0.03, {"output_bias": True})
        yield Case("planar", X, y, "relu", "absolute", 0.1)
        yield Case("planar", X, labels, "relu", "hinge", 0.1)
        yield Case("planar", X, labels, "abs", "squared_hinge", 0.03)
        yield Case("planar", X, y, "quadratic", "squared", 0.1)
        yield Case("planar", X[:60], y[:60], "squared_relu", "squared", 0.1)
    columns = ["worst concave points", "worst texture"]
    X, y = real("breast_cancer", columns, 60 if quick else 300)
    yield Case("breast_cancer, 2", X, y, "relu", "logistic", 0.01)
    X, y = real("diabetes", ["bmi", "s5"], 60 if quick else 300)
    yield Case("diabetes, 2", X, y, "relu", "squared", 0.03)
    X, y = real("diabetes", None, None)
    yield Case("diabetes, 10", X, y, "quadratic", "squared", 0.1)
    yield Case("diabetes, 10", X, y, "relu", "squared", 0.3)
    if not quick:
        X, y = real("breast_cancer", None, None)
        yield Case("breast_cancer, 30", X, y, "relu", "logistic", 0.1)


def trainings(quick: bool) -> Iterator[tuple[str, str]]:
    """Data and optimisers of the networks that torch trains."""
    for name in ("diabetes",) if quick else ("diabetes", "breast_cancer"):
        yield from ((name, optimizer) for optimizer in ("sgd", "adam", "lbfgs"))


def trained_by_torch(
    name: str, optimizer: str, share: float, steps: int, seed: int
) -> tuple[torch.nn.Sequential, np.ndarray, np.ndarray, str, float]:
    """A ReLU network of width 100, as anyone would train it on the summed loss; no output bias."""
    X, y = real(name, None, None)
    loss = "logistic" if name == "breast_cancer" else "squared"
    beta = share * cn.largest_weight_decay("relu", X, y, loss=loss)
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(X.shape[1], 100), torch.nn.ReLU(), torch.nn.Linear(100, 1, bias=False)
    ).double()
    A, b = torch.tensor(X), torch.tensor(y)

    def objective() -> torch.Tensor:
        fit = LOSSES[loss](net(A)[:, 0], b).sum()
        return fit + 0.5 * beta * sum(p.square().sum() for p in net.parameters())

    def closure() -> torch.Tensor:
        maker.zero_grad()
        value = objective()
        value.backward()
        return value

    if optimizer == "lbfgs":
        maker: torch.optim.Optimizer = torch.optim.LBFGS(
            net.parameters(), max_iter=steps, line_search_fn="strong_wolfe", tolerance_change=1e-12
        )
        maker.step(closure)
        return net, X, y, loss, beta
    rate = 0.1 / len(y) if optimizer == "sgd" else 0.01
    maker = (
        torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
        if optimizer == "sgd"
        else torch.optim.Adam(net.parameters(), lr=rate)
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(maker, steps)
    for _ in range(steps):
        closure()
        maker.step()
        schedule.step()
    return net, X, y, loss, beta


# ------------------------------------------------------------------------------------- the report


def prepared(options: argparse.Namespace) -> Iterator[tuple[str, cn.Certificate, float]]:
    """Case by case, a certificate and the seconds that it took."""
    limit = 5.0 if options.quick else 30.0
    for case in cases(options.quick, options.seed):
        begin = time.perf_counter()
        certificate = case.train(limit).certificate
        yield case.name, certificate, time.perf_counter() - begin
    for name, optimizer in trainings(options.quick):
        begin = time.perf_counter()
        steps = 300 if options.quick else 5000
        net, X, y, loss, beta = trained_by_torch(name, optimizer, 0.3, steps, options.seed)
        certified = cn.certify(net, X, y, loss=loss, weight_decay=beta, time_limit=limit)
        yield f"{name}, {optimizer}", certified.certificate, time.perf_counter() - begin


def measure(
    name: str, certificate: cn.Certificate, prepare: float, seconds: float, o: argparse.Namespace
) -> dict[str, Any]:
    """Check, attack, and the row of the table."""
    begin = time.perf_counter()
    proved = cn.check(certificate.to_dict()).valid
    checked = time.perf_counter()
    finding = attack(
        certificate,
        seeds=o.seeds,
        seconds=seconds,
        evaluations=300 if o.quick else 2000,
        steps=100 if o.quick else 1000,
        seed=o.seed,
    )
    c, columns = certificate, certificate.X.shape[1] + certificate.bias
    margin, alone = (
        (value - c.lower) / abs(c.lower or 1.0) for value in (finding.best, finding.alone)
    )
    row = (name, len(c.y), columns, c.unit_name, c.loss, c.weight_decay, c.lower, proved, c.gap)
    row += (finding.starts, finding.best, margin, finding.by, alone, beaten(c, finding))
    row += (prepare, checked - begin, time.perf_counter() - checked)
    return dict(zip(COLUMNS, row, strict=True))


def shown(value: object) -> str:
    """A cell of the table."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> int:
    """Print the table, write it, and say loudly what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller data, about a minute")
    parser.add_argument("--seeds", type=int, help="starts of each kind; 20, or 4 with --quick")
    parser.add_argument("--hours", type=float, default=np.inf, help="for all attacks together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default="falsify.csv")
    options = parser.parse_args()
    options.seeds = options.seeds or (4 if options.quick else 20)
    parts = len(list(cases(options.quick, options.seed))) + len(list(trainings(options.quick)))
    share = 3.0 if options.quick else 3600.0 * options.hours / parts
    torch.set_num_threads(1)
    print(f"Python {platform.python_version()}, {platform.processor() or platform.machine()}")
    print("  ".join(COLUMNS))
    rows = []
    with open(options.out, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for name, certificate, seconds in prepared(options):
            rows.append(measure(name, certificate, seconds, share, options))
            writer.writerow(rows[-1])
            file.flush()
            print("  ".join(map(shown, rows[-1].values())), flush=True)
    for row in rows:
        if row["beaten"] and row["proved"]:
            print(f"FALSE BOUND: {row['case']}: {row['best']!r} < {row['lower']!r}, exactly")
        elif row["beaten"] or not row["proved"]:
            print(f"NOT PROVED: {row['case']}, beaten: {row['beaten']}")
    return any(row["beaten"] or not row["proved"] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
