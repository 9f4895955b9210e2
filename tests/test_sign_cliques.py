"""Inequalities of several signs: true for all of them, and bounds by them are proved and lower."""

from itertools import product

import numpy as np
import pytest
from flint import fmpq
from numpy.testing import assert_allclose

from cvxnet.proofs.checker.document import RefusalError
from cvxnet.proofs.checker.dual import Clock, Dual
from cvxnet.proofs.checker.evidence import read_evidence
from cvxnet.proofs.checker.exact import integers
from cvxnet.proofs.checker.relaxation import relaxed_violation
from cvxnet.proofs.checker.semidefinite import MAX_ORDER
from cvxnet.proofs.documents import as_hex
from cvxnet.training.bounds import stages
from cvxnet.training.bounds.claims import proved_bound
from cvxnet.training.bounds.cliques import Cliques, violated
from cvxnet.training.bounds.evidence import Evidence
from cvxnet.training.bounds.proof_search import Forest
from cvxnet.training.bounds.relaxation import Side
from cvxnet.training.bounds.stages import run_stage

STAGES = (1e-2, 1e-2, 3e-3, 1e-3, 1e-3, 1e-4, 1e-4)
SLOPES = {"relu": (1.0, 0.0), "leaky_relu": (1.0, -0.2), "abs": (1.0, 1.0)}


def ring(seed, n=5):
    """Rows whose signs are those of the maximum cut of a cycle, a little disturbed: an odd one."""
    rng = np.random.default_rng(seed)
    near = np.roll(np.eye(n), 1, axis=0)
    X = np.linalg.cholesky(2.01 * np.eye(n) - near - near.T)
    return X + 0.02 * rng.standard_normal((n, n)), 1.0 + 0.05 * rng.uniform(size=n)


def largest(X, v):
    """Of g, for weights that are not negative: the longest sum of +- v_i x_i."""
    signs = np.array(list(product([-1.0, 1.0], repeat=len(v))))
    return np.linalg.norm(signs @ (v[:, None] * X), axis=1).max()


def improved(side, stages=STAGES):
    for eps in stages:
        run_stage(side, eps, np.inf)
    return proved_bound(side)


def entangled(seed, name="abs", n=24, r=4):
    """A side most of whose rows carry, so that their signs have to be chosen together."""
    rng = np.random.default_rng(seed)
    X, v = rng.standard_normal((n, r)), rng.standard_normal(n) + 0.8
    return X, v, Side(X, SLOPES[name], 1.0, v)


def random_cliques(rng, rows):
    weights = rng.choice([-1.0, 0.0, 1.0, 2.0], (6, len(rows)))
    constant = (weights.sum(axis=1) + 1.0) % 2.0
    return Cliques(np.array(rows), constant, weights)


def test_slack_is_never_negative_for_signs():
    rng = np.random.default_rng(0)
    cliques = random_cliques(rng, [1, 2, 5, 7])
    for sigma in product([-1.0, 1.0], repeat=4):
        s = np.array(sigma)
        assert (cliques.slack(s, np.outer(s, s)) >= 0.0).all()
        known = cliques.without(5, s[2])
        assert_allclose(known.slack(s[[0, 1, 3]], np.outer(s, s)[np.ix_([0, 1, 3], [0, 1, 3])]),
                        cliques.slack(s, np.outer(s, s)))  # fmt: skip


def test_the_form_is_the_maximum_over_signs_as_real_numbers():
    rng = np.random.default_rng(1)
    cliques, tau = random_cliques(rng, [0, 2, 3]), np.full(5, 9.0)
    shares = 0.3 * rng.uniform(size=6)
    form = cliques.form(tau, shares)
    for t in rng.standard_normal((5, 3)):
        bound = form.const + tau[:3].sum() / 2 + (t + form.ell) @ form.inverse @ (t + form.ell) / 2
        for sigma in product([-1.0, 1.0], repeat=3):
            assert t @ np.array(sigma) <= bound + 1e-12


def test_signs_violate_nothing_and_their_opposites_are_found():
    rng = np.random.default_rng(2)
    s = rng.choice([-1.0, 1.0], (5, 9))
    moments = s.mean(axis=0), s.T @ s / 5.0
    assert not len(violated(np.arange(9), *moments))
    apart = np.full((3, 3), -0.45) + 1.45 * np.eye(3)
    (found,) = violated(np.arange(3), np.zeros(3), apart).weights
    assert abs(found.sum()) == 3.0


@pytest.mark.parametrize("name", SLOPES)
def test_derivatives_with_inequalities(name):
    rng = np.random.default_rng(3)
    _, v, side = entangled(3, name)
    run_stage(side, 1e-2, np.inf)
    side.cliques = random_cliques(rng, [0, 3, 4, 9])
    side.z = np.append(side.z[: side.m + 4 * side.n], 1e-3 * rng.uniform(size=6))
    at = side.evaluate(side.z, 0.05)
    for direction in rng.standard_normal((4, side.z.size)):
        step = 1e-6 * direction * (np.arange(side.z.size) < side.m + 4 * side.n) + 1e-8 * direction
        up, down = (side.evaluate(side.z + s * step, 0.05).value for s in (1, -1))
        assert (up - down) / 2 == pytest.approx(at.gradient @ step, rel=1e-3, abs=1e-11)
    for direction in rng.standard_normal((3, side.n)):
        ends = []
        for h in (1e-6, -1e-6):
            side.take(v + h * direction)
            ends.append(side.evaluate(side.z, 0.05).value)
        slope = at.gradient_in_v @ direction
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(slope, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_bounds_with_inequalities_are_lower_and_above_all_units(seed, monkeypatch):
    X, v = ring(seed)
    with_them = improved(Side(X, (1.0, 1.0), 1.0, v))
    monkeypatch.setattr(stages, "MOST_SIGNS", 0)
    without = improved(Side(X, (1.0, 1.0), 1.0, v))
    rho = largest(X, v)
    assert rho <= with_them <= without * (1.0 + 1e-6)
    assert with_them - rho < 0.1 * (without - rho)


def test_the_matrix_has_no_larger_order_than_the_checker_allows(monkeypatch):
    X, v = ring(0)
    monkeypatch.setattr(stages, "LARGEST_ORDER", 8)
    side = Side(X, (1.0, 1.0), 1.0, v)
    improved(side, STAGES[:3])
    assert 0 < side.cliques.rows.size <= 3
    assert stages.LARGEST_ORDER < MAX_ORDER


def test_a_child_has_no_larger_bound():
    side = Side(*ring(0)[:1], (1.0, 1.0), 1.0, ring(0)[1])
    before = improved(side)
    assert len(side.cliques)
    for row in side.cliques.rows.tolist():
        for sign in (1.0, -1.0):
            assert proved_bound(side.child(row, sign)) <= before * (1.0 + 1e-9)


def proves(X, v, bound, document, slopes=(-1, 1)):
    """Whether the checker finds ``g <= bound`` for both signs."""
    data, x_scale = integers(X.tolist())
    w, v_scale = integers(v[:, None].tolist())
    dual = Dual(data, x_scale, w, v_scale, bound)
    try:
        evidence = read_evidence(as_hex(document), len(X), 1)
        return relaxed_violation(dual, tuple(map(fmpq, slopes)), evidence, Clock(60.0)) == 0
    except RefusalError:
        return False


def evidence_of(seed):
    X, v = ring(seed)
    forest = Forest(X, (1.0, 1.0), v)
    bound = max(improved(side, STAGES[:5]) for side in forest.sides)
    return X, v, bound, forest.evidence()


@pytest.mark.parametrize("seed", range(3))
def test_the_checker_proves_the_bound_and_it_survives_a_round_trip(seed):
    X, v, bound, evidence = evidence_of(seed)
    document = evidence.document()
    assert "odd" in document["plus"]
    assert proves(X, v, bound, document)
    assert not proves(X, v, 0.99 * bound, document)
    again = Evidence.read(document).document()["plus"]
    assert again["odd"] == document["plus"]["odd"]
    assert_allclose(again["tau"], document["plus"]["tau"])
    assert proves(2 * X, 3 * v, 6 * bound * (1 + 1e-12), evidence.times(3.0, 2.0).document())


def test_no_change_of_multipliers_proves_a_false_bound():
    """The largest g is known: above it any evidence may prove, below it none."""
    X, v, bound, evidence = evidence_of(0)
    rho = largest(X, v)
    rng = np.random.default_rng(0)
    for _ in range(60):
        document = evidence.document()
        side = document[rng.choice(["plus", "minus"])]
        entry = rng.choice(["tilt", "tau", "mu", "lean", "odd"])
        factor = rng.choice([-1.0, 0.5, 0.9, 1.1, 2.0])
        if entry in ("tilt", "tau"):
            side[entry] = side[entry].copy()
            side[entry][rng.integers(5)] *= factor
        elif entry == "mu":
            side[entry] *= factor
        elif side.get(entry):
            k = rng.integers(len(side[entry]))
            side[entry][k] = [*side[entry][k][:2], factor * side[entry][k][2]]
        assert not proves(X, v, rho * (1.0 - 1e-9), document)
    assert bound >= rho


def in_first(document, change):
    side = document["plus"]
    side["odd"] = [[e0, [list(t) for t in terms], share] for e0, terms, share in side["odd"]]
    change(side["odd"])
    return document


@pytest.mark.parametrize(
    "change",
    [
        lambda odd: odd[0].__setitem__(0, odd[0][0] + 1),
        lambda odd: odd[0].__setitem__(2, -odd[0][2]),
        lambda odd: odd[0][1].append([5, 2]),
        lambda odd: odd[0][1].append([*odd[0][1][0]]),
        lambda odd: odd[0][1].append([4, 2.0]),
        lambda odd: odd[0][1].append([4, True]),
        lambda odd: odd[0].append(1),
        lambda odd: odd.append(3),
    ],
)
def test_what_is_no_inequality_is_refused(change):
    X, v, bound, evidence = evidence_of(0)
    assert not proves(X, v, 2.0 * bound, in_first(evidence.document(), change))


def test_inequalities_may_not_name_a_row_whose_sign_is_fixed():
    X, v, _, evidence = evidence_of(0)
    leaf = evidence.document()["plus"]
    row = int(evidence.plus.cliques.rows[0])
    document = {"kind": "relaxation", "plus": {"row": row, "plus": leaf, "minus": leaf}}
    leaf["lean"] = []
    assert not proves(X, v, 1e9, document | {"minus": evidence.document()["minus"]})
