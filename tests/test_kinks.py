"""The proof for many rows: the same as by visiting every face, whatever rows there are."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from claimed import Claimed

from cvxnet.proofs import checker
from cvxnet.proofs.checker import kinks, sweeps
from cvxnet.proofs.checker.coordinates import LowRank, coordinates
from cvxnet.proofs.checker.corners import shortest
from cvxnet.proofs.checker.document import RefusalError, UnfinishedError
from cvxnet.proofs.checker.dual import Clock
from cvxnet.proofs.checker.lines import Slopes

SLOPES = [Slopes(0, 1), Slopes(-1, 1), Slopes(1, 4), Slopes(1, 1)]
SIDES = [(1, -1), (1,), (-1,)]
LIMIT = Fraction(2**100)


def drawn(seed, r=3, most=25):
    """Rows of rank r, with duplicate, opposite, parallel and zero ones; weights; what counts."""
    rng = random.Random(seed)
    size, n = rng.choice([3, 100, 10**9]), rng.randrange(r + 1, most)
    rows = [[rng.randint(-size, size) for _ in range(r)] for _ in range(n)]
    for _ in range(rng.randrange(4)):
        rows[rng.randrange(n)] = [rng.choice([-2, -1, 0, 1, 3]) * x for x in rng.choice(rows)]
    weights = [[rng.randint(-9, 9) * 2**100] for _ in range(n)]
    points, H, scale, _ = coordinates(rows, 7)
    if len(H) < r:
        return drawn(seed + 1000, r, most)
    return LowRank(points, weights, H, scale, LIMIT), rng.choice(SLOPES), rng.choice(SIDES)


def by_faces(problem, slopes, sides):
    """The violation by the sweep."""
    assert len(problem.points) <= sweeps.FEW
    return sweeps.violation_in_ball(problem, slopes, sides, Clock(60.0))


def by_cones(problem, slopes, sides):
    """The violation by cones."""
    return kinks.kinks_violation(problem, slopes, sides, Clock(60.0))


@pytest.mark.parametrize(("seed", "r"), [*((k, 3) for k in range(25)), *((k, 2) for k in range(8))])
def test_cones_find_what_faces_find(seed, r):
    problem, slopes, sides = drawn(seed, r)
    rho = LIMIT * (1 + by_faces(problem, slopes, sides))
    if rho == LIMIT:
        assert by_cones(problem, slopes, sides) == 0
        return
    for share, proved in ((1 + 1e-9, True), (1 - 1e-9, False), (1.5, True), (0.7, False)):
        asked = problem._replace(limit=rho * Fraction(share))
        over = by_cones(asked, slopes, sides)
        assert (over == 0) == proved == (by_faces(asked, slopes, sides) == 0)
        if not proved:
            exact = rho / asked.limit - 1
            assert 0.99 * exact < over <= exact * (1 + Fraction(1, 2**60))


@pytest.mark.parametrize("seed", range(6))
def test_no_point_refutes_what_cones_prove_at_higher_rank(seed):
    problem, slopes, sides = drawn(seed, 4, 9)
    over = by_cones(problem, slopes, sides)
    if over is None:
        return
    w = np.random.default_rng(seed).normal(size=(20_000, 4))
    unit = float(LIMIT)
    z, v = np.array(problem.points, float), np.array(problem.weights, float)[:, 0] / unit
    H = np.array(problem.H, float) / problem.scale
    size = np.sqrt(np.einsum("ij,jk,ik->i", w, np.linalg.inv(H), w))
    seen = z @ w.T
    g = v @ (slopes.on * np.maximum(seen, 0.0) - slopes.off * np.maximum(-seen, 0.0)) / size
    assert max(side * g[k] for side in sides for k in range(len(g))) <= (1.002 * (1.0 + over))


def test_a_limit_that_is_reached_on_a_kink_is_left_to_the_faces():
    rows = [[3, 4, 0], [4, -3, 0], [-4, 3, 0], [0, 0, 1]] * 26
    weights = [[2 * 10**40], [-(10**40)], [-(10**40)], [0]] * 26
    points, H, scale, _ = coordinates(rows, 3)
    problem = LowRank(points, weights, H, scale, Fraction(26 * 10 * 10**40))
    assert by_cones(problem, Slopes(0, 1), (1, -1)) in (None, 0)
    assert sweeps.violation_in_ball(problem, Slopes(0, 1), (1, -1), Clock(60.0)) == 0
    less = problem._replace(limit=problem.limit * (1 - Fraction(1, 10**15)))
    assert sweeps.violation_in_ball(less, Slopes(0, 1), (1, -1), Clock(60.0)) > 0


def certificate(n, size, **more):
    """Random data and a random dual vector."""
    rng = np.random.default_rng(n)
    values = {"X": rng.normal(size=(n, 2)), "v": size * rng.normal(size=n), "y": np.zeros(n)}
    values |= {"bias": True, "W": np.zeros((0, 2)), "b": []}
    return Claimed(
        units="relu", loss="squared", weight_decay=1.0, a=[], lower=-1e9, upper=1e9,
        **values | more,
    ).to_dict()  # fmt: skip


def test_many_samples_are_proved_and_a_longer_dual_vector_is_refuted():
    long = checker.check(certificate(400, 1.0))
    assert "infeasible" in long.reason and long.violation > 1.0
    size = 1.0 / (1.0 + long.violation)
    assert checker.check(certificate(400, size * (1.0 - 2e-9))).valid
    slightly = checker.check(certificate(400, size * (1.0 + 1e-6)))
    assert "infeasible" in slightly.reason and slightly.violation == pytest.approx(1e-6, rel=0.01)


@pytest.mark.parametrize("power", [-900, -300, 300, 900])
def test_numbers_of_any_size(power):
    X = np.random.default_rng(0).normal(size=(120, 2))
    X[:, 0] *= 2.0**power
    v = 2.0 ** -abs(power) * np.random.default_rng(1).normal(size=120)
    result = checker.check(certificate(120, 1.0, X=X, v=v), time_limit=20.0)
    assert result.valid or result.violation >= 0.0


def test_the_time_limit_holds():
    document = certificate(2000, 0.02)
    assert "time limit" in checker.check(document, time_limit=0.05).reason
    with pytest.raises(RefusalError, match="time limit"):
        problem, slopes, sides = drawn(3)
        kinks.kinks_violation(problem, slopes, sides, Clock(-1.0))


class Patience(Clock):
    """A clock that lets go on for so many looks at it."""

    def __init__(self, looks):
        super().__init__(60.0)
        self.looks = looks

    def check(self, ahead=0.0):
        self.looks -= 1
        if self.looks < 0:
            raise UnfinishedError("unfinished")


def test_one_point_at_which_g_is_too_large_is_enough_when_time_is_over():
    """A dual vector that is far too long is refuted on the first cones; no more of it is known."""
    claims = checker.read(certificate(600, 3.0))
    rho = checker.check(certificate(600, 3.0)).violation
    cut = checker.answer.check_claims(claims, Patience(5), checker.EXACT)
    assert cut.reason.startswith("dual infeasible") and 0.0 < cut.violation <= rho
    assert not cut.valid and cut.lower is None and cut.upper is not None
    tight = checker.read(certificate(600, 3.0 / (1.0 + rho) * (1.0 - 2e-9)))
    late = checker.answer.check_claims(tight, Patience(5), checker.EXACT)
    assert late.reason == "unfinished" and late.violation == 0.0


@pytest.mark.parametrize(("d", "bias"), [(1, False), (1, True), (2, False)])
def test_many_samples_of_few_columns(d, bias):
    rng = np.random.default_rng(d)
    X, v = rng.normal(size=(300, d)), rng.normal(size=300)
    more = {"X": X, "bias": bias, "W": np.zeros((0, d)), "b": [] if bias else None}
    long = checker.check(certificate(300, 1.0, v=v, **more)).violation
    for share, valid in ((1.0 - 2e-9, True), (1.0 + 1e-6, False)):
        document = certificate(300, 1.0, v=share * v / (1.0 + long), **more)
        assert checker.check(document).valid == valid
    rows = np.column_stack([X, np.ones(300)]) if bias else X
    u = rng.normal(size=(rows.shape[1], 20_000))
    seen = np.abs(v @ np.maximum(rows @ (u / np.linalg.norm(u, axis=0)), 0.0)).max()
    assert seen <= (1.0 + long) * (1.0 + 1e-12) and seen > 0.999 * (1.0 + long)


@pytest.mark.parametrize("seed", range(20))
def test_the_shortest_vector_above_heights_is_above_and_no_longer_than_others(seed):
    rng = np.random.default_rng(seed)
    r = int(rng.integers(1, 6))
    W, heights = rng.normal(size=(r, r)), rng.normal(size=r)
    length, shares = shortest((W @ W.T).tolist(), heights.tolist())
    q = np.array(shares) @ W
    assert (W @ q >= heights - 1e-9).all() and math.isclose(length, np.linalg.norm(q), abs_tol=1e-6)
    for other in rng.normal(size=(200, r)) * 3.0:
        if (W @ other >= heights).all():
            assert np.linalg.norm(other) >= length - 1e-9
