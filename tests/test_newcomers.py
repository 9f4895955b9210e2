"""What a newcomer tried: answers that were wrong or easily misread, as they should be."""

import cvxpy as cp
import numpy as np
import pytest

from cvxnet.analysis import convexity

# Verdicts


def test_a_verdict_has_no_truth_value():
    a, b = cp.Variable(), cp.Variable()
    verdict = convexity(a * b)
    with pytest.raises(TypeError, match=r"NOT CONVEX.*\.convex"):
        if verdict:
            pass


def test_wrt_takes_variables_and_names_alone_and_in_lists():
    z, w = cp.Variable(name="z"), cp.Variable(name="w")
    for wrt in (z, "z", [z], ["z"], (z, "z"), {"z"}):
        assert convexity(z * w, wrt=wrt).affine
    assert convexity(z * w, wrt=[z, "w"]).convex is False
    assert convexity(z * w, wrt=(w, z)).convex is False


def knapsack(**attributes):
    items = cp.Variable(4, name="items", **attributes)
    weights = np.array([3.0, 1.0, 4.0, 1.5])
    return cp.Problem(cp.Maximize(weights @ items), [weights @ items <= 5, items >= 0, items <= 1])


@pytest.mark.parametrize("attribute", ["boolean", "integer"])
def test_a_knapsack_is_not_convex_and_its_relaxation_is(attribute):
    verdict = convexity(knapsack(**{attribute: True}))
    assert verdict.convex is False and verdict.relaxation.convex is True
    witness = verdict.counterexample
    assert witness.refutes == "set" and witness.verify()
    assert all((point["items"] % 1 == 0).all() for point in (witness.a, witness.b))
    assert not (witness.middle["items"] % 1 == 0).all()
    for text in (repr(verdict), str(verdict), verdict._repr_html_()):
        assert "NOT CONVEX" in text and "relaxation is convex" in text
    assert f"items is {attribute}" in str(verdict)
    assert verdict.to_dict()["relaxation"]["convex"] is True
    assert convexity(knapsack()).convex is True and convexity(knapsack()).relaxation is None


def test_gaps_are_found_wherever_they_are():
    i = cp.Variable(name="i", integer=True)
    part = cp.Variable(3, name="part", boolean=[(1,)])
    matrix = cp.Variable((2, 2), name="M", integer=True)
    for constraints, variable in (
        ([i >= 1000, i <= 1001], i),
        ([i <= -0.5, i >= -7.5], i),
        ([cp.sum(part) == 1, part >= 0], part),
        ([cp.trace(matrix) == 2], matrix),
    ):
        verdict = convexity(cp.Problem(cp.Minimize(cp.sum_squares(variable)), constraints))
        assert verdict.convex is False and verdict.counterexample.verify()
        assert verdict.relaxation.convex is True
    lone = convexity(cp.Problem(cp.Minimize(i), [i >= 0.5, i <= 1.5]))
    assert lone.convex is True and lone.relaxation is None  # 1 is the only whole number
    hidden = convexity(cp.Problem(cp.Minimize(i), [3 * i == 3]))
    assert hidden.convex is None and hidden.relaxation.convex is True
    crooked = convexity(cp.Problem(cp.Minimize(-cp.square(i)), [i >= 0, i <= 4]))
    assert crooked.convex is False and crooked.relaxation.convex is False


def test_expressions_in_whole_numbers_are_judged_relaxed_and_say_so():
    b, k = cp.Variable(name="b", boolean=True), cp.Parameter(name="k", integer=True)
    verdict = convexity(cp.square(b))
    assert verdict.convex and "b is boolean" in verdict.premises[0]
    x = cp.Variable(2, name="x", boolean=[(0,)])  # CVXPY takes the other entry for a sign, too
    assert convexity(cp.power(x, 3)[1]).domain == ("x >= 0",)
    refuted = convexity(k * cp.square(cp.Variable(name="y")))
    assert refuted.convex is False and refuted.counterexample.fixed["k"] % 1 == 0


def test_a_sparse_variable_is_a_smaller_space_and_nothing_else():
    x = cp.Variable((2, 2), name="x", sparsity=([0, 1], [1, 0]))
    assert convexity(cp.sum_squares(x)).convex
    witness = convexity(x[0, 1] * x[1, 0]).counterexample
    assert witness.verify() and witness.a["x"][0, 0] == 0.0 == witness.b["x"][1, 1]
    assert convexity(x[0, 0] * x[0, 1]).affine


def test_disciplines_of_a_problem_are_said_to_be_of_its_objective():
    x = cp.Variable(pos=True)
    disciplines = convexity(cp.Problem(cp.Minimize(1 / x), [x <= 1])).disciplines
    assert all("the objective alone" in line for line in disciplines.values())
