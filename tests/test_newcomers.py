"""What a newcomer tried: answers that were wrong or easily misread, as they should be."""

import cvxpy as cp
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
