"""The labelled set: its labels hold, no answer is wrong, and no forged certificate is accepted."""

from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from experiments.verdicts.cases import TRUTHS, Case
from experiments.verdicts.chains import LAYERS, Chain, float_values, fractions, is_convex, refuted
from experiments.verdicts.collection import cases, kind_of
from experiments.verdicts.forging import accepted, contradicted, travelled
from experiments.verdicts.measures import is_wrong, judged, measure, tampered
from experiments.verdicts.sampling import draw, place, sampled

EVERY = 29
PARTS = 12
"""The cases are made when a test needs them: all workers read this file, few run it."""


def expressions():
    return [case for case in cases() if case.is_expression]


def test_the_set_is_large_and_labelled():
    kinds = [kind_of(case) for case in cases()]
    assert len(kinds) - kinds.count("networks") >= 400 and kinds.count("networks") >= 300
    assert all(case.why and case.truth in TRUTHS for case in cases())
    assert len({(case.text, str(case.where), case.family) for case in cases()}) == len(cases())


@pytest.mark.parametrize("part", range(PARTS))
@np.errstate(all="ignore")
def test_no_random_midpoint_contradicts_a_label(part):
    for case in expressions()[part * EVERY :: PARTS * EVERY]:
        hold_the_label(case)


def hold_the_label(case):
    """Against the values at random points that CVXPY computes."""
    expression, rng = case.make(), np.random.default_rng(0)
    variables = expression.variables()

    def value(x):
        place(variables, x)
        inside = all(constraint.value() for constraint in expression.domain)
        return np.asarray(expression.value, float) if inside else np.full(expression.shape, np.nan)

    for _ in range(40):
        place(expression.parameters(), draw(expression.parameters(), rng))
        ends = [draw(variables, rng) for _ in range(2)]
        a, b, middle = (value(x) for x in (*ends, sum(ends) / 2.0))
        above = middle - (a + b) / 2.0
        rounding = 1e-9 * (1.0 + abs(a) + abs(b) + abs(middle))
        assert not (case.convex and (above > rounding).any()), case.text
        assert not (case.concave and (above < -rounding).any()), case.text


@pytest.mark.parametrize("part", range(PARTS))
def test_no_answer_is_wrong(part):
    for case in cases()[part * EVERY :: PARTS * EVERY]:
        verdict = judged(case)
        assert not is_wrong(case, verdict.convex, verdict.concave), case.text


def drawn(rng, sizes, activation):
    pairs = [2 if activation == "maxout" else 1] * (len(sizes) - 2) + [1]
    weights = [
        rng.integers(-2, 3, (k * b, a)) * 1.0
        for k, (a, b) in zip(pairs, pairwise(sizes), strict=True)
    ]
    return Chain(weights, [rng.integers(-2, 3, len(w)) * 1.0 for w in weights], activation)


@pytest.mark.parametrize("activation", LAYERS)
def test_brute_force_and_counterexamples_exclude_each_other(activation):
    rng, found = np.random.default_rng(1), []
    for sizes in ((1, 2, 1), (2, 3, 1), (2, 2, 2, 1)) * 4:
        chain = drawn(rng, sizes, activation)
        x = rng.normal(size=sizes[0])
        assert np.isclose(float(chain.value(fractions(x))), chain.network()(x[None])[0, 0])
        assert np.isclose(float_values(chain, x[None])[0], chain.network()(x[None])[0, 0])
        found.append(is_convex(chain))
        assert found[-1] == (refuted(chain, 60, 0) is None)
    assert 0 < sum(found) < len(found) or activation == "hardtanh"


def test_hessians_at_random_points_do_not_see_kinks():
    networks = [case for case in cases() if kind_of(case) == "networks"]
    given = [case for case in networks if "sizes" in case.text and not case.convex][:10]
    assert sum(sampled(case) is True for case in given) >= 5
    smooth = [case for case in cases() if case.text in ("cp.sum_squares(v)", "x*y", "cp.exp(x)")]
    assert [sampled(case) for case in smooth] == [case.convex for case in smooth]


def test_a_row_says_what_was_found():
    row = measure([case.text for case in cases()].index("x*y"))
    assert (row["convex"], row["concave"], row["certificate"]) == ("no", "no", "proved")
    assert not row["wrong"] and not row["unknown"] and row["sampled"] == "right"


@pytest.mark.parametrize("part", range(PARTS // 2))
def test_no_forged_or_changed_certificate_proves_anything_false(part):
    for number in range(part * 6 * EVERY, len(cases()), PARTS // 2 * 6 * EVERY):
        row = tampered(number)
        assert not row["accepted"] and not row["false"], number


def test_what_is_false_is_found_out():
    number = [case.text for case in cases()].index("x*y")
    document = travelled(judged(cases()[number]).certificate.to_dict())
    assert accepted(document)
    false = {**document["claims"][0], "says": "convex"}
    assert contradicted({**document, "claims": [false]}, 50, np.random.default_rng(0))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("f", [cp.log_det, cp.lambda_max, cp.tr_inv, cp.lambda_min])
def test_definite_matrices_are_drawn_to_refute(f, sign):
    matrix = cp.Variable((3, 3), PSD=sign > 0, NSD=sign < 0, name="D")
    verdict = judged(Case("f(D)", "neither", "", "matrices", network=lambda: f(sign * matrix)))
    assert {verdict.convex, verdict.concave} == {True, False}
    for witness in verdict.counterexamples.values():
        ends = [np.linalg.eigvalsh(sign * end["D"]).min() for end in (witness.a, witness.b)]
        assert min(ends) >= 0.0 and witness.verify()


def refutation(text):
    """A case's refutation of convexity as a document, with one claim."""
    number = [case.text for case in cases()].index(text)
    document = travelled(judged(cases()[number]).certificate.to_dict())
    claims = [claim for claim in document["claims"] if claim["says"] == "not convex"]
    return {**document, "claims": claims}


def test_a_counterexample_gives_values_to_leaves_only():
    document = refutation("cp.abs(x) - cp.abs(x - 1)")
    assert accepted(document)
    claim = document["claims"][0]
    claim["proof"]["a"][str(claim["root"])] = [5.0]
    claim["proof"]["b"][str(claim["root"])] = [-5.0]
    assert not accepted(document)


def test_a_counterexample_moves_the_unknowns_only():
    document = refutation("h*cp.square(x)")
    assert accepted(document)
    claim = document["claims"][0]
    ((place, value),) = claim["proof"]["fixed"].items()
    claim["proof"] |= {"fixed": {}}
    for end in ("a", "b"):
        claim["proof"][end] = {**claim["proof"][end], place: value}
    assert not accepted(document)


x, y, z = (cp.Variable(name=name) for name in "xyz")
CONES = {
    "power": cp.PowCone3D(x, y, z, 0.25),
    "powers": cp.PowConeND(cp.hstack([x, y]), z, np.array([0.25, 0.75])),
    "second order": cp.SOC(x, cp.hstack([y, z])),
    "exponential": cp.ExpCone(x, y, z),
}


@pytest.mark.parametrize("name", CONES)
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PowCone3D", {"alpha": {"shape": [1], "entries": [2.0]}}),
        ("PowConeND", {"alpha": {"shape": [2], "entries": [0.75, 0.75]}, "axis": 0}),
        ("PowConeND", {"alpha": {"shape": [2], "entries": [-1.0, 2.0]}, "axis": 0}),
        ("FiniteSet", {"ineq_form": False}),
        ("something else", {}),
    ],
)
def test_only_convex_cones_keep_a_set_convex(name, kind, options):
    problem = cp.Problem(cp.Minimize(x), [CONES[name]])
    document = travelled(cn.convexity(problem, complete=False).certificate.to_dict())
    assert accepted(document)
    document["claims"][0]["constraints"][0] |= {"kind": kind, "options": options}
    assert not accepted(document)


@pytest.mark.parametrize("axis", [0, 1])
def test_power_cones_run_along_the_axis_that_is_named(axis):
    alpha = np.array([[0.25, 0.75], [0.5, 0.5]])
    alpha = alpha if axis else alpha.T
    W, w = cp.Variable(alpha.shape, name="W"), cp.Variable(2, name="w")
    problem = cp.Problem(cp.Minimize(-cp.sum_squares(w)), [cp.PowConeND(W, w, alpha, axis=axis)])
    verdict = cn.convexity(problem, complete=False)
    assert verdict.convex is False
    assert accepted(travelled(verdict.certificate.to_dict()))
