"""Nothing that the page sends is believed: every field is checked as it is read."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Question, answered

pytestmark = pytest.mark.failure

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def whatever(asked):
    return {
        "number": asked.number("number", -1.0, 1.0, default=0.0),
        "whole": asked.whole("whole", 0, 9, default=0),
        "flag": asked.flag("flag", default=False),
        "choice": asked.choice("choice", ("a", "b"), default="a"),
        "text": asked.text("text", 5, default=""),
        "points": asked.points("points", 3, 2, -1.0, 1.0, default=[]).tolist(),
        "labels": asked.labels("labels", 3, 2, default=[]).tolist(),
    }


@given(st.dictionaries(st.sampled_from([*"abc", *whatever(Asked({}))]), JSON))
def test_any_question_has_an_answer_within_bounds_or_a_reason(fields):
    events = []
    answered(Question("q", whatever, seconds=1.0), fields, events.append)
    (event,) = events
    found = json.loads(event.text)
    if event.kind == "error":
        assert event.status == 400 and len(found) < 300
        return
    assert not fields.keys() - found.keys()
    assert -1.0 <= found["number"] <= 1.0 and found["whole"] in range(10)
    assert isinstance(found["flag"], bool) and found["choice"] in ("a", "b")
    assert len(found["text"]) <= 5 and set(found["labels"]) <= {0, 1}
    points = np.array(found["points"]).reshape(-1, 2)
    assert len(points) <= 3 and (np.abs(points) <= 1.0).all()


@pytest.mark.parametrize(
    ("name", "found", "told"),
    [
        ("number", "1", "number is '1'; expected a number"),
        ("number", True, "expected a number"),
        ("number", math.nan, "expected a finite number"),
        ("number", 10**400, "expected a finite number"),
        ("number", 2, "expected a number from -1 to 1"),
        ("whole", 1.5, "expected a whole number"),
        ("flag", 1, "expected true or false"),
        ("choice", "c", "expected one of a, b"),
        ("choice", ["a"], "expected one of a, b"),
        ("text", "too long", "at most 5"),
        ("points", [[0, 0]] * 4, "at most 3"),
        ("points", [[0, 0], [0]], "row 1 of points"),
        ("labels", [0.5], "no whole numbers"),
        ("surplus", 1, "fields of no use: surplus"),
    ],
)
def test_what_is_wrong_is_named(name, found, told):
    events = []
    answered(Question("q", whatever, seconds=1.0), {name: found}, events.append)
    assert told in events[0].text


def test_what_is_missing_is_named():
    with pytest.raises(InputError, match="lacks 'beta'"):
        Asked({}).number("beta", 0.0, 1.0)


def test_bugs_and_numbers_that_are_none_do_not_reach_the_page(capfd):
    for answer in ({"x": math.nan}, {"x": object()}):
        events = []
        answered(Question("q", lambda asked, a=answer: a, seconds=1.0), {}, events.append)
        assert (events[0].kind, events[0].status) == ("error", 500)
    assert "Traceback" in capfd.readouterr().err
