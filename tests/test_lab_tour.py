"""The tour of the post: the answers are verdicts, and the text explains those."""

import pytest

from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits import convex, tour

pytestmark = pytest.mark.interface

NUMBERS = range(1, len(tour.STOPS) + 1)


def test_there_are_six_questions_without_answers():
    stops = tour.list_stops(Asked({}))["stops"]
    assert len(stops) == 6
    assert all(stop.keys() == {"post", "asked", "formula"} for stop in stops)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_answer_is_the_verdict_that_is_explained(number):
    stop, answer = tour.STOPS[number - 1], tour.reveal(Asked({"number": number}))
    verdict = stop.judge()
    assert answer["convex"] is verdict.convex is stop.explained
    assert (answer["witness"] is not None) == (verdict.convex is False)
    if verdict.convex is False:
        assert verdict.counterexample.verify()


@pytest.mark.parametrize("number", [n for n in NUMBERS if tour.STOPS[n - 1].builder])
def test_the_link_to_the_builder_asks_the_same(number):
    stop = tour.STOPS[number - 1]
    answer = convex.judge(Asked({"inputs": 2} | stop.builder))
    assert answer["convex"] is stop.explained


def test_the_last_question_is_convex_in_each_layer_alone():
    answer = tour.reveal(Asked({"number": 6}))
    assert answer["blocks"] == {"0": True, "2": True}


@pytest.mark.failure
@pytest.mark.parametrize("number", [0, 7, 1.5, "1", None])
def test_other_numbers_are_refused(number):
    with pytest.raises(InputError, match="number"):
        tour.reveal(Asked({"number": number}))


def test_questions_are_answered_before_they_are_revealed(lab_page, expect):
    page = lab_page
    page.open("?exhibit=tour")
    asked, judged = page.get_by_test_id("asked"), page.get_by_test_id("judged")
    right = 0
    for number, stop in enumerate(tour.STOPS, start=1):
        asked.filter(has_text=f"{number}. ").wait_for()
        assert not page.get_by_test_id("revealed").is_visible()
        page.get_by_test_id("convex").focus()  # always "convex", by keyboard
        page.keyboard.press("Enter")
        expect(judged).to_be_focused()  # until then it may be about the question before
        judged.filter(has_text="agree" if stop.explained else "found otherwise").wait_for()
        word = "Proved" if stop.explained else "Refuted by a counterexample"
        page.get_by_test_id("verdict").filter(has_text=word).wait_for()
        assert page.get_by_test_id("segment").is_visible() is not stop.explained
        right += stop.explained
        if number < len(tour.STOPS):
            page.get_by_test_id("next-question").click()
    page.get_by_test_id("score").filter(has_text=f"{right} of 6").wait_for()
    assert "answers=cccccc" in page.url
    page.get_by_test_id("builder").click()
    page.get_by_test_id("layer-2").wait_for()
    page.get_by_test_id("verdict").filter(has_text="Not convex").wait_for()
