"""Two weights: the surface is the function, and a counterexample is one in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest

from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.saddle import REACH, RECORDED, line, surface

SHOWN = ("output", "loss")
CASES = [(relu, x, show) for relu in (True, False) for x in (1.0, -1.5) for show in SHOWN]


def function(relu, x, show):
    """The function in whatever numbers."""

    def f(w1, w2):
        output = w2 * (max(w1 * x, 0) if relu else w1 * x)
        return output if show == "output" else (output - 1) ** 2 / 2

    return f


def fields(relu, x, show):
    return {"relu": relu, "x": x, "show": show}


@pytest.mark.parametrize("case", CASES)
def test_the_surface_is_the_function(case):
    found, f = surface(Asked(fields(*case))), function(*case)
    w = found["w"]
    assert (w[0], w[-1]) == (-REACH, REACH)
    for i, j in np.random.default_rng(0).integers(0, len(w), (50, 2)):
        assert found["values"][i][j] == pytest.approx(f(w[j], w[i]), abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_counterexample_holds_in_fractions(case):
    a, b = surface(Asked(fields(*case)))["counterexample"]
    found = line(Asked(fields(*case) | {"a": a, "b": b}))
    assert found["proof"]["arithmetic"] == "rational"
    check(found, case, a, b)


@pytest.mark.parametrize("case", CASES)
def test_other_points_are_proofs_just_where_the_midpoint_is_above(case):
    proofs = 0
    for a, b in np.random.default_rng(1).integers(-24, 25, (40, 2, 2)) / 8.0:
        found = line(Asked(fields(*case) | {"a": a.tolist(), "b": b.tolist()}))
        check(found, case, a, b)
        proofs += found["proof"] is not None
    assert 0 < proofs < 40


def check(found, case, a, b):
    """All heights again, in fractions."""
    f, half = function(case[0], Fraction(case[1]), case[2]), Fraction(1, 2)
    (a1, a2), (b1, b2) = [map(Fraction, end) for end in (a, b)]
    heights = f(a1, a2), f(b1, b2), f((a1 + b1) * half, (a2 + b2) * half)
    gap = heights[2] - (heights[0] + heights[1]) * half
    told = [found["exact"][name] for name in ("f_a", "f_b", "f_middle")]
    for text, height in zip(told, heights, strict=True):
        assert text == str(height) or height.denominator > 10_000
    assert (found["proof"] is not None) == (gap > 0)
    if gap > 0 and gap.denominator <= 10_000:
        assert found["proof"]["gap"] == str(gap)


def test_without_a_sample_it_is_convex():
    """At x = 0 the output is constant, and no points refute that."""
    for show in SHOWN:
        assert surface(Asked(fields(True, 0.0, show)))["convex"]
        found = line(Asked(fields(True, 0.0, show) | {"a": [0, 2], "b": [2, 0]}))
        assert found["proof"] is None and found["rise"] == 0.0


def test_what_is_recorded_can_be_asked():
    for entry in RECORDED:
        name, question = entry([]) if callable(entry) else entry
        assert {"saddle/surface": surface, "saddle/line": line}[name](Asked(question))


@pytest.mark.failure
def test_what_is_no_question_is_refused():
    for wrong in ({"a": [0], "b": [1, 1]}, {"a": [0, 9], "b": [1, 1]}, {"x": 3}, {"show": "both"}):
        with pytest.raises(InputError):
            line(Asked({"a": [0, 0], "b": [1, 1]} | wrong))


@pytest.mark.interface
def test_points_relu_and_counterexample_in_the_browser(lab_page, expect):
    page = lab_page
    page.open("?exhibit=saddle")
    here = page.get_by_test_id("here")
    here.filter(has_text="1 above the chord").wait_for()
    page.get_by_test_id("verdict").filter(has_text="Not convex").wait_for()
    curve = page.get_by_test_id("line").locator(".line.blue")
    bent = curve.get_attribute("d")
    page.get_by_test_id("relu").uncheck()
    page.get_by_test_id("formula").filter(has_text="= w2 (w1 x)").wait_for()
    expect(curve).not_to_have_attribute("d", bent)
    here.filter(has_text="1 above the chord").wait_for()  # the saddle stays
    page.get_by_test_id("point-a").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_url(lambda url: "a2=" in url)
    page.get_by_test_id("x").fill("0")
    page.get_by_test_id("verdict").filter(has_text="Proved for all chords").wait_for()
    assert page.get_by_test_id("counterexample").is_hidden()
    page.get_by_test_id("x").fill("-2")
    page.get_by_test_id("counterexample").click()
    here.filter(has_text="prove that the function is not convex").wait_for()
    assert page.get_by_test_id("space").locator(".patch").count() > 100


@pytest.mark.interface
def test_the_state_stands_in_the_address(lab_page):
    page = lab_page
    page.open("?exhibit=saddle&relu=false&show=loss&x=2&hide=turn,attempt")
    page.get_by_test_id("formula").filter(has_text="loss").wait_for()
    assert (
        not page.get_by_test_id("relu").is_checked()
        and page.get_by_test_id("x").input_value() == "2"
    )
    assert page.get_by_test_id("turn").is_hidden() and page.get_by_test_id("attempt").is_hidden()
