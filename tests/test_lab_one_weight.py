"""One weight: the function's own numbers, cvxnet's verdict, and ends that can be moved."""

import math

import numpy as np
import pytest

from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.one_weight import FUNCTIONS, REACH, RECORDED, chord

CLOSED = {
    "square": lambda w: w * w,
    "absolute": abs,
    "relu": lambda w: max(w, 0.0),
    "softplus": lambda w: math.log1p(math.exp(w)),
    "sine": math.sin,
    "well": lambda w: (w * w - 1.0) ** 2,
    "valleys": lambda w: min(abs(w - 1.0), abs(w + 1.0)),
    "gelu": lambda w: w * 0.5 * (1.0 + math.erf(w / math.sqrt(2.0))),
    "line": lambda w: w / 2.0 + 1.0,
}
CONVEX = {"square", "absolute", "relu", "softplus", "line"}


def ask(f, a, b):
    return chord(Asked({"f": f, "a": a, "b": b}))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_chord_are_those_of_the_function(name):
    found, f = ask(name, -0.75, 2.5), CLOSED[name]
    assert found["values"] == pytest.approx([f(w) for w in found["w"]], abs=1e-12)
    assert (found["w"][0], found["w"][-1]) == (-REACH, REACH)
    expected = f(-0.75), f(2.5), f(0.875)
    assert (found["f_a"], found["f_b"], found["f_middle"]) == pytest.approx(expected, abs=1e-12)
    assert found["chord"] == pytest.approx(0.5 * (f(-0.75) + f(2.5)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_verdict_is_proved_and_no_chord_contradicts_it(name):
    verdict = ask(name, 0.0, 1.0)["verdict"]
    assert verdict["convex"] == (name in CONVEX)
    rng = np.random.default_rng(0)
    rises = [ask(name, *rng.uniform(-REACH, REACH, 2))["rise"] for _ in range(60)]
    assert (max(rises) > 0.0) == (name not in CONVEX)
    if name not in CONVEX:
        witness = verdict["counterexample"]
        assert ask(name, witness["a"], witness["b"])["rise"] > 0.0


def test_what_is_recorded_has_every_counterexample():
    shown = [entry([])[1] for entry in RECORDED if callable(entry)]
    assert {fields["f"] for fields in shown} == {*FUNCTIONS} - CONVEX
    assert all(chord(Asked(fields))["rise"] > 0.0 for fields in shown)


@pytest.mark.failure
def test_what_is_no_question_is_refused():
    for fields in ({"f": "cube", "a": 0, "b": 1}, {"f": "sine", "a": 4, "b": 1}, {"f": "sine"}):
        with pytest.raises(InputError):
            chord(Asked(fields))


@pytest.mark.interface
def test_ends_are_dragged_and_moved_by_keys(lab_page):
    page = lab_page
    page.open("?exhibit=one-weight")
    here, verdict = page.get_by_test_id("here"), page.get_by_test_id("verdict")
    here.filter(has_text="below the chord. For this function none is above").wait_for()
    verdict.filter(has_text="Convex").wait_for()
    page.get_by_test_id("f").select_option("sine")
    verdict.filter(has_text="Not convex").wait_for()
    page.get_by_test_id("counterexample").click()
    here.filter(has_text="0.387 above the chord").wait_for()
    assert "a=0" in page.url and "f=sine" in page.url
    end = page.get_by_test_id("end-b")
    end.focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_url(lambda url: "b=1.4" in url)
    page.locator("[data-testid=end-b][aria-valuetext^='1.4']").wait_for()  # it is drawn there
    box = end.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 500, box["y"], steps=4)
    page.mouse.up()
    page.wait_for_url(lambda url: "b=-3" in url)
    here.filter(has_text="proves nothing").wait_for()
