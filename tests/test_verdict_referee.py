"""False claims that were accepted once, or might be: documents written by hand."""

import cvxpy as cp
import pytest

import cvxnet as cn
from cvxnet.proofs.checker.convexity import Statement, check_convexity, check_proof
from cvxnet.proofs.checker.document import RefusalError

KINDS = ("rules", "boxes", "normal form", "terms", "hessian")


def leaf(low=None, high=None, shape=(), attributes=()):
    count = 1
    for size in shape:
        count *= size
    ends = {"low": [low] * count, "high": [high] * count}
    return {"atom": "leaf", "shape": list(shape), **ends, "attributes": list(attributes)}


def atom(name, *args, shape=(), **options):
    return {"atom": name, "shape": list(shape), "args": list(args), "options": options}


def constant(value):
    return {"atom": "constant", "shape": [], "entries": [value]}


def accepted(nodes, says, proof, *, constraints=(), unknowns=(0,)):
    claim = {
        "nodes": nodes,
        "constraints": list(constraints),
        "unknowns": list(unknowns),
        "root": len(nodes) - 1,
        "says": says,
        "proof": proof,
    }
    document = {"format": "cvxnet-convexity", "version": 1, "claims": [claim]}
    return check_convexity(document, time_limit=20).valid


CUBE = [leaf(), atom("multiply", 0, 0), atom("multiply", 1, 0)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_for_a_leaf_has_a_value_everywhere(kind):
    root = [leaf(), atom("Power", 0, p=0.5), atom("Power", 1, p=2.0)]  # x, but only for x >= 0
    nodes = [*root, atom("multiply", 2, 2), atom("multiply", 3, 2)]
    document = {"nodes": nodes, "root": 4, "unknowns": [0], "constraints": [], "from": []}
    proof = {"kind": "restated", **document, "leaves": {"0": 0}, "proof": {"kind": kind}}
    assert not accepted(CUBE, "convex", proof)
    same = {"kind": "same", "nodes": nodes[1:3], "root": 3, "proof": {"kind": kind}}
    assert not accepted(CUBE, "convex", same)


@pytest.mark.parametrize("attribute", ["integer", "boolean", "complex", "whole", "one_hot", "odd"])
def test_a_set_with_gaps_is_no_convex_problem(attribute):
    nodes = [leaf(0, 1, attributes=[attribute]), atom("multiply", 0, 0)]
    proof = {"kind": "problem", "sets": [], "objective": {"kind": "rules"}}
    assert not accepted(nodes, "convex problem", proof)
    assert accepted([leaf(0, 1), nodes[1]], "convex problem", proof)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attribute", ["complex", "imag", "hermitian"])
def test_the_square_of_a_complex_number_may_be_below_zero(kind, attribute):
    nodes = [leaf(attributes=[attribute]), atom("multiply", 0, 0), atom("real", 1)]
    assert not accepted(nodes, "convex", {"kind": kind})
    i = [leaf(), constant("1j"), atom("multiply", 1, 0), atom("multiply", 2, 2), atom("real", 3)]
    assert not accepted(i, "convex", {"kind": kind})


@pytest.mark.parametrize("kind", [*KINDS, "pieces"])
def test_a_shape_that_hides_all_entries(kind):
    nodes = [leaf(), atom("NegExpression", 0), atom("multiply", 0, 1, shape=[0])]
    assert not accepted(nodes, "convex", {"kind": kind, "entries": []})


@pytest.mark.parametrize("says", ["convex", "concave"])
def test_expressions_in_complex_variables_are_answered(says):
    z = cp.Variable(complex=True)
    assert cn.convexity(cp.abs(z)).convex
    assert cn.check(cn.convexity(cp.abs(z))).valid
    assert getattr(cn.convexity(cp.real(z * z)), says) is not True


def test_a_quotient_that_cancels_inside_a_mean():
    x, y = cp.Variable(bounds=[2, 3]), cp.Variable(pos=True)
    mean = cp.geo_mean(cp.hstack([0.5, y]))
    assert cn.convexity(cp.power(y / y + mean, 4)).concave is False
    assert cn.convexity(x * y / (x * y)).convex is True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["kl_div", "rel_entr", "entr"])
def test_entropies_have_a_value_at_zero(kind, name):
    """0 log 0 is 0, so ``x^2 + (0 log 0 ...)`` has values, and is not concave."""
    zeros = {"rel_entr": (1, 2), "kl_div": (1, 2), "entr": (1,)}[name]
    square = [leaf(1, 3), constant(0), constant(1), atom(name, *zeros), atom("multiply", 0, 0)]
    assert not accepted([*square, atom("AddExpression", 3, 4)], "concave", {"kind": kind})
    nodes = [leaf(1, 3), constant(0), atom("minimum", 0, 1), atom(name, 2, *zeros[1:] and (0,))]
    more = [atom("multiply", 0, 0), atom("AddExpression", 3, 4)]
    assert not accepted([*nodes, *more], "concave", {"kind": kind})


@pytest.mark.parametrize("high", [0, 1])
def test_a_level_set_in_two_parts_beside_a_kink(high):
    """0.1 - (x + 1/2)^2 + 10 max(x, 0) is at most zero near -1 and near 0, and not between."""
    nodes = [leaf(-1, high), constant("1/2"), atom("AddExpression", 0, 1), atom("multiply", 2, 2)]
    nodes += [atom("NegExpression", 3), constant(0), atom("maximum", 0, 5), constant(10)]
    nodes += [atom("multiply", 7, 6), constant("1/10"), atom("AddExpression", 4, 8, 9)]
    statement = Statement(nodes, [], frozenset([0]), 10, "sublevel")
    with pytest.raises(RefusalError):
        check_proof(statement, {"kind": "level"})


def test_a_level_set_is_no_claim_of_its_own():
    """-100 x + ((x - 1)(x - 2))^2.5 falls, but has no value between 1 and 2."""
    nodes = [leaf(0, 3), constant(-1), constant(-2), atom("AddExpression", 0, 1)]
    nodes += [atom("AddExpression", 0, 2), atom("multiply", 3, 4), atom("Power", 5, p=2.5)]
    nodes += [constant(-100), atom("multiply", 7, 0), atom("AddExpression", 8, 6)]
    assert not accepted(nodes, "sublevel", {"kind": "level"})
