"""The checker of counterexamples: it proves true ones, and nothing else."""

import copy
import json
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest

from cvxnet.analysis import convexity
from cvxnet.analysis.documents import counterexample_document
from cvxnet.layers import atoms
from cvxnet.proofs.checker.atoms import FORMULAS
from cvxnet.proofs.checker.witness import check_witness


def leaf(size, low=None, high=None, attributes=()):
    shape, count = ([], 1) if size is None else ([size], size)
    return {"atom": "leaf", "shape": shape, "low": [low] * count, "high": [high] * count,
            "attributes": list(attributes)}  # fmt: skip


def atom(name, shape, args, **options):
    return {"atom": name, "shape": shape, "args": args, "options": options}


def document(nodes, a, b, refutes="concave", constraints=(), entry=0):
    return {"nodes": nodes, "root": len(nodes) - 1, "entry": entry, "refutes": refutes,
            "constraints": list(constraints), "a": {0: a}, "b": {0: b}, "fixed": {}}  # fmt: skip


def square(**bounds):
    return [leaf(None, **bounds), atom("Power", [], [0], p=2.0)]


def test_a_counterexample_is_proved_exactly():
    result = check_witness(document(square(), [-0.1], [0.3]))
    a, b = Fraction(-0.1), Fraction(0.3)
    assert result.proved
    assert Fraction(int(result.gap.p), int(result.gap.q)) == (a - b) ** 2 / 4


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (document(square(), [-1.0], [1.0], "convex"), "no violation"),
        (document(square(), [1.0], [1.0]), "no violation"),
        (document(square(low=0.0), [-1.0], [1.0]), "outside the bounds"),
        (document(square(high=0.5), [-1.0], [1.0]), "outside the bounds"),
        (document(square(attributes=["pos"]), [0.0], [1.0]), "not pos"),
        (document(square(attributes=["hermitian"]), [0.0], [1.0]), "hermitian is not known"),
        (document(square(), [float("nan")], [1.0]), "not a finite number"),
        (document(square(), [float("inf")], [1.0]), "not a finite number"),
        (document(square(), [0.0, 1.0], [1.0, 0.0]), "as many entries"),
        (document([leaf(None), atom("perspective", [], [0])], [0.0], [1.0]), "no formula"),
        (document([leaf(None), atom("Power", [1], [0], p=2.0)], [0.0], [1.0]), "not the shape"),
        (document([leaf(None), atom("log", [], [0])], [0.0], [1.0]), "outside its domain"),
        (document([leaf(None), atom("Power", [], [0], p="3")], [-2.0], [1.0]), "outside its dom"),
        (document([leaf(2), atom("GeoMean", [], [0], axis=None, keepdims=False,
                                 weights={"shape": [2], "entries": ["1", "0"]})],
                  [-1.0, 1.0], [1.0, 1.0]), "below zero"),
    ],
)  # fmt: skip
def test_other_claims_are_refused(claim, reason):
    result = check_witness(claim)
    assert not result.proved and reason in result.reason


def bound(kind, args, **options):
    return {"kind": kind, "args": args, "options": options}


# On x in R^3: the constraint, a point inside of it, a point outside, with t and the like appended.
CONES = {
    "Inequality": (bound("Inequality", [0, 1]), [0, 1, 1], [2, 0, 0]),
    "Equality": (bound("Equality", [0, 1]), [1, 1, 1], [1, 1, 1 + 2**-52]),
    "NonNeg": (bound("NonNeg", [0]), [0, 0, 0], [0, 0, -(2**-1000)]),
    "NonPos": (bound("NonPos", [0]), [0, 0, 0], [0, 0, 2**-1000]),
    "Zero": (bound("Zero", [0]), [0, 0, 0], [0, 0, 1]),
    "SOC": (bound("SOC", [2, 3], axis=0), [5, 3, 4], [5, 3, 4 + 2**-50]),
    "ExpCone": (bound("ExpCone", [2, 4, 5]), [0, 1, 1], [0, 1, 1 - 2**-53]),
    "PowCone3D": (bound("PowCone3D", [2, 4, 5], alpha={"shape": [1], "entries": [0.5]}),
                  [4, 9, 6], [4, 9, 6 + 2**-50]),
}  # fmt: skip


def cone_document(constraint, point):
    """x in R^3 as node 0, 1 as node 1, then x[0], x[1:], x[1] and x[2]."""
    nodes = [
        leaf(3),
        {"atom": "constant", "shape": [], "entries": [1.0]},
        atom("index", [1], [0], key=[[0, 1, None]]),
        atom("index", [2], [0], key=[[1, None, None]]),
        atom("index", [1], [0], key=[[1, 2, None]]),
        atom("index", [1], [0], key=[[2, None, None]]),
        atom("norm1", [], [0], axis=None, keepdims=False),
        atom("NegExpression", [], [6]),
    ]
    point = [float(v) for v in point]
    return document(nodes, point, point, constraints=[constraint])


@pytest.mark.parametrize("kind", CONES)
def test_every_entry_of_a_constraint_counts_and_borders_are_inside(kind):
    constraint, inside, outside = CONES[kind]
    assert check_witness(cone_document(constraint, inside)).reason == "no violation"
    result = check_witness(cone_document(constraint, outside))
    assert not result.proved and "break" in result.reason


def test_semidefinite_borders_are_inside():
    for entries, inside in (([1.0, 1.0, 1.0, 1.0], True), ([1.0, 1.0, 1.0, 1.0 - 2**-53], False)):
        nodes = [{**leaf(4), "shape": [2, 2]}, atom("Trace", [], [0])]
        claim = document(nodes, entries, entries, constraints=[bound("PSD", [0])])
        assert ("no violation" in check_witness(claim).reason) == inside


def witnesses():
    """Counterexamples of several kinds, as documents."""
    x, v, t = cp.Variable(name="x"), cp.Variable(3, name="v"), cp.Variable(name="t")
    S = cp.Variable((2, 2), symmetric=True, name="S")
    things = [
        cp.square(cp.square(x) - 1), x * t, -cp.log_sum_exp(v), cp.exp(-cp.norm(v)),
        cp.lambda_min(S) ** 2, -cp.sum_largest(v, 1.5),
        cp.Problem(cp.Minimize(-cp.square(t)), [cp.SOC(t, v), v >= 1, t <= 9]),
        cp.Problem(cp.Minimize(x), [cp.square(x) >= 1, x <= 2]),
    ]  # fmt: skip
    for thing in things:
        for w in convexity(thing).counterexamples.values():
            question = w._question
            leaves = {leaf.name(): id(leaf) for leaf in (x, v, t, S)}
            points = tuple({leaves[n]: p for n, p in part.items()} for part in (w.a, w.b, w.fixed))
            yield counterexample_document(question, points, w.refutes, w.entry)


def test_tampered_counterexamples_prove_nothing_false():
    """Another direction, equal ends, swapped roles: what must fail does; documents are JSON."""
    count = 0
    for claim in map(json.loads, map(json.dumps, witnesses())):
        assert check_witness(claim).proved
        opposite = {"convex": "concave", "concave": "convex", "set": "convex"}[claim["refutes"]]
        assert not check_witness(claim | {"refutes": opposite}).proved
        assert not check_witness(claim | {"b": claim["a"]}).proved
        assert check_witness(claim | {"a": claim["b"], "b": claim["a"]}).proved
        missing = copy.deepcopy(claim)
        missing["a"].popitem()
        assert not check_witness(missing).proved
        count += 1
    assert count > 8


def test_every_activation_has_a_formula():
    things = {getattr(atoms, name) for name in atoms.__all__} - {atoms.ScalarAtom}
    kinds = {thing.__name__ for thing in things if isinstance(thing, type)}
    assert "elu" in kinds and {f"cvxnet.{name}" for name in kinds} <= set(FORMULAS)


def test_large_spectra_are_refused_at_once():
    nodes = [{**leaf(10_000), "shape": [100, 100]}, atom("lambda_max", [], [0])]
    claim = document(nodes, [1.0] * 10_000, [2.0] * 10_000, "convex")
    assert "too large" in check_witness(claim).reason


def test_rationals_that_grow_become_balls():
    nodes = [leaf(None)]
    for k in range(40):
        nodes.append(atom("Power", [], [k], p=2.0))
    result = check_witness(document(nodes, [0.9], [1.1]))
    assert result.proved and not hasattr(result.gap, "p")


def test_stacks_of_matrices_multiply_as_in_numpy():
    rng = np.random.default_rng(0)
    for left, right in (
        ((2, 3), (4, 3, 2)),
        ((4, 2, 3), (3,)),
        ((3,), (4, 3, 2)),
        ((1, 2, 3), (5, 3, 1)),
    ):
        a, b = rng.normal(size=left), rng.normal(size=right)
        product = a @ b
        nodes = [
            {**leaf(a.size), "shape": list(left)},
            {"atom": "constant", "shape": list(right), "entries": b.ravel().tolist()},
            atom("MulExpression", list(product.shape), [0, 1]),
        ]
        for entry in range(product.size):
            claim = document(nodes, a.ravel().tolist(), a.ravel().tolist(), entry=entry)
            value = check_witness(claim).values[0]
            assert float(value.p) / float(value.q) == pytest.approx(product.ravel()[entry])
