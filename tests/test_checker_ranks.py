"""The checker at ranks above 3, and at ranks that are low but for rounding."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from claimed import Claimed
from scipy.optimize import linprog

from cvxnet import check, train
from cvxnet.proofs.checker import steps
from cvxnet.proofs.checker.dual import Clock
from cvxnet.proofs.checker.steps import Effect, extremes, planes_of, step_search


def is_a_face(Z, sides):
    """Whether some point has these signs, by linear programming."""
    off, on = -sides[sides != 0, None] * Z[sides != 0], Z[sides == 0]
    program = linprog(
        np.zeros(Z.shape[1]),
        off if len(off) else None,
        -np.ones(len(off)) if len(off) else None,
        on if len(on) else None,
        np.zeros(len(on)) if len(on) else None,
        bounds=[(None, None)] * Z.shape[1],
    )
    return program.status == 0


def values_on_faces(Z, effects):
    """The values on all faces; with the signs of a point go those of its negative."""
    found = set()
    for signs in product([-1, 0, 1], repeat=len(Z)):
        opposite = tuple(-s for s in signs)
        if signs <= opposite and is_a_face(Z, np.array(signs)):
            for side in (signs, opposite):
                found.add(
                    sum(
                        e.off if s < 0 else e.on if s else e.at
                        for s, e in zip(side, effects, strict=True)
                    )
                )
    return found


@pytest.mark.parametrize("seed", range(40))
def test_steps_are_extreme_on_real_faces_only(seed):
    rng = np.random.default_rng(seed)
    n, r = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    Z = rng.integers(-2, 3, (n, r))
    effects = [Effect(*map(int, rng.integers(-5, 6, 3))) for _ in range(n)]
    planes, base = planes_of(zip(Z.tolist(), effects, strict=True))
    low, high = extremes(planes, r, Clock(60.0)).faces
    values = values_on_faces(Z, effects)
    assert (base + low, base + high) == (min(values), max(values))


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("kind", ["sign", "threshold", "any"])
def test_cones_of_steps_find_the_same_extremes_as_all_faces(seed, kind):
    """Or give up; where the limit is not below them, and where many planes meet in a ray, too."""
    rng = np.random.default_rng(seed)
    n, r = int(rng.integers(3, 9)), int(rng.integers(2, 5))
    Z = rng.integers(-2, 3, (n, r)) if seed % 2 else rng.integers(-99, 99, (n, r))
    v = rng.integers(-5, 6, n)
    numbers = {
        "sign": [-v, v, 0 * v],
        "threshold": [0 * v, v, v],
        "any": rng.integers(-5, 6, (3, n)),
    }
    effects = [Effect(*map(int, effect)) for effect in zip(*numbers[kind], strict=True)]
    planes, base = planes_of(zip(Z.tolist(), effects, strict=True))
    if not planes:
        return
    low, high = extremes(planes, r, Clock(60.0)).faces
    most = max(base + high, -base - low)
    for limit in (0, most - 1, most, most + 1):
        search = step_search(planes, base, max(limit, 0), Clock(60.0))
        finished = search.finished()
        assert search.limit == max(limit, most) if finished else search.limit <= max(limit, most)
        assert finished or kind == "any" or seed % 2


@pytest.mark.parametrize(("units", "n", "rank"), [("sign", 60, 3), ("threshold", 52, 3)])
def test_steps_of_many_planes_are_proved_by_cones(units, n, rank, monkeypatch):
    cert = optimal(units, n, rank, seed=rank)
    faces = steps.extremes
    monkeypatch.setattr(steps, "sweep_seconds", lambda planes, r: 60.0)
    monkeypatch.setattr(
        steps, "extremes", lambda planes, *rest: faces(planes, *rest) if len(planes) < 20 else None
    )
    proved, longer = cert.to_dict(), replace(cert, v=cert.v * (1 + 1e-6)).rounded_outward()
    assert check(proved).valid
    refused = check(longer.to_dict())
    assert "dual infeasible" in refused.reason and 0.0 < refused.violation <= 1.01e-6


def optimal(units, n, rank, seed, decay=0.5):
    """The certificate of an optimal network, pricing exact."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, rank - 1)), rng.standard_normal(n)
    solution = train(units, X, y, weight_decay=decay)
    assert solution.status == "optimal"
    return solution.certificate


@pytest.mark.parametrize(
    ("units", "n", "rank"),
    [
        ("relu", 12, 4),
        ("abs", 10, 4),
        ("relu", 12, 5),
        ("relu", 10, 6),
        ("sign", 12, 4),
        ("threshold", 12, 4),
        ("sign", 10, 5),
        ("threshold", 9, 6),
    ],
)
def test_what_exact_pricing_proves_at_higher_ranks_is_proved_again(units, n, rank):
    """And a little less weight decay is refused with a unit that violates it."""
    cert = optimal(units, n, rank, seed=rank)
    assert check(cert.to_dict()).valid
    less = replace(cert.objective, weight_decay=cert.weight_decay * (1 - 1e-9))
    below = replace(cert, objective=less).rounded_outward()
    below = check(below.to_dict())
    assert "dual infeasible" in below.reason and 0.0 < below.violation < 1.1e-9


@pytest.mark.parametrize("seed", range(8))
def test_a_rank_that_is_low_but_for_rounding_refutes_nothing(seed):
    """Near-duplicate columns, or tiny ones: what lies beyond the low rank is no violation."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    tiny = 10.0 ** -rng.integers(9, 14)
    X[:, seed % 3] *= tiny if seed % 2 else 1.0
    X = X if seed % 2 else np.column_stack([X[:, :2], X[:, 0] + tiny * X[:, 2]])
    cert = train("relu", X, y, weight_decay=0.3).certificate
    assert "infeasible" not in check(cert.to_dict(), time_limit=1.0).reason
    shorter = replace(cert, v=cert.v * (1 - 1e-7)).rounded_outward()
    assert check(shorter.to_dict()).valid
    longer = check(replace(cert, v=cert.v * (1 + 1e-5)).rounded_outward().to_dict())
    assert "dual infeasible" in longer.reason and 0.9e-5 < longer.violation < 1.1e-5


def long_evidence(rng, n, d):
    """A leaf in which every row leans on thirty others; it proves nothing."""
    lean = [[i, (i + k) % n, 1e-3] for i in range(n) for k in range(1, 31)]
    leaf = {"tilt": np.zeros(n), "lean": lean, "tau": np.ones(n), "mu": 1.0}
    return {"kind": "relaxation", "plus": leaf, "minus": leaf}


@pytest.mark.parametrize("kind", ["gated", "quadratic", "lean"])
def test_the_time_limit_holds_for_all_proofs(kind):
    """At once where it is over: every proof looks at the clock before it is done."""
    rng = np.random.default_rng(0)
    n, d = 400, 60
    X, v = rng.standard_normal((n, d)), rng.standard_normal(n)
    gates = rng.standard_normal((30, d)) if kind == "gated" else None
    units = {"gated": {"name": "gated_relu", "gates": gates}, "quadratic": "quadratic"}
    cert = Claimed(
        units=units.get(kind, "relu"),
        loss="squared",
        weight_decay=1e9,
        bias=False,
        X=X,
        y=np.zeros(n),
        W=np.zeros((0, d)),
        b=None,
        a=[],
        gate=[] if kind == "gated" else None,
        v=v,
        evidence=long_evidence(rng, n, d) if kind == "lean" else None,
        lower=-1e9,
        upper=1e9,
    )
    assert "time limit" in check(cert.to_dict(), time_limit=1e-9).reason
