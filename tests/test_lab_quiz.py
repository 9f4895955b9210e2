"""The quiz: every key is computed again, and the page asks, answers, counts and prints."""

import pytest
import quiz_truth

from cvxnet.lab.exhibits import quiz
from cvxnet.lab.question import answered
from cvxnet.lab.quiz.kinds import KINDS, make_item

pytestmark = pytest.mark.interface

NEXT = "[data-testid=next-question]:focus"
TOPICS = ["Functions", "Networks", "Training", "Proofs"]


@pytest.mark.parametrize("kind", KINDS)
def test_keys_are_those_of_a_computation_of_its_own(kind):
    """`quiz_truth`, run as a program, does it for as many seeds of each as one likes."""
    item = quiz_truth.check(kind, seed=1)
    assert sum(option.right for option in item.options) == 1
    assert all(option.text and option.why for option in item.options)
    assert item.prompt and item.lesson and item.call


@pytest.mark.parametrize("kind", ["curvature", "cells"])
def test_keys_of_fifty_seeds(kind):
    items = [quiz_truth.check(kind, seed) for seed in range(50)]
    assert len({(item.given, item.options) for item in items}) > 40
    assert len({item.answer for item in items}) > 1


def test_a_wrong_key_is_found():
    """The second computation is one: with the options turned round it protests."""
    for kind in ("curvature", "composition", "cells", "reach", "tampered"):
        item = make_item(kind, 3)
        turned = [o.__class__(o.text, not o.right, o.why) for o in item.options]
        with pytest.raises(AssertionError):
            quiz_truth.CHECKS[kind](item.__class__(**{**vars(item), "options": tuple(turned)}))


def test_kinds_and_items_are_answers_to_the_page():
    events = []
    for question, fields in [*quiz.RECORDED[:2], ("quiz/item", {"kind": "no such", "seed": 1})]:
        asked = next(q for q in quiz.QUESTIONS if q.name == question)
        answered(asked, fields, events.append)
    assert [event.kind for event in events] == ["answer", "answer", "error"]
    assert len(KINDS) >= 15 and list(dict.fromkeys(k.topic for k in KINDS.values())) == TOPICS


def right_option(kind, seed):
    return quiz_truth.check(kind, seed).answer


def test_answers_are_told_counted_and_kept_in_the_address(lab_page):
    first, second = (right_option(kind, 2) for kind in list(KINDS)[:2])
    lab_page.open("?exhibit=quiz&seed=2")
    lab_page.get_by_test_id(f"option-{first}").click()
    assert "Right" in lab_page.get_by_test_id("feedback").inner_text()
    assert make_item("curvature", 2).options[0].why in lab_page.get_by_test_id("why").inner_text()
    lab_page.get_by_test_id("next-question").click()
    lab_page.get_by_text("Question 2 of").wait_for()
    lab_page.get_by_test_id(f"option-{(second + 1) % 4}").click()
    assert f"The answer is {'ABCD'[second]}" in lab_page.get_by_test_id("feedback").inner_text()
    lab_page.reload()
    lab_page.get_by_text("1 right of 2 answered").wait_for()
    assert "✓" in lab_page.get_by_test_id("number-1").inner_text()
    assert "✗" in lab_page.get_by_test_id("number-2").inner_text()
    lab_page.get_by_test_id("again").click()
    lab_page.get_by_text("Question 1 of").wait_for()
    assert "answers" not in lab_page.url and lab_page.get_by_test_id("feedback").count() == 0


def test_the_quiz_is_answered_by_keys_alone(lab_page):
    kinds = list(KINDS)[:3]
    lab_page.open("?exhibit=quiz&seed=3")
    lab_page.get_by_test_id("option-0").focus()
    for k, kind in enumerate(kinds):
        lab_page.get_by_text(f"Question {k + 1} of").wait_for()
        lab_page.keyboard.press("1234"[right_option(kind, 3)])
        lab_page.get_by_test_id("feedback").wait_for()
        lab_page.locator(NEXT).wait_for()
        lab_page.keyboard.press("Enter")
    lab_page.get_by_text("3 right of 3 answered").wait_for()
    lab_page.keyboard.press("ArrowLeft")
    lab_page.get_by_text("Question 3 of").wait_for()


def test_a_sheet_for_teachers_has_all_questions_and_the_key(lab_page, expect):
    lab_page.open("?exhibit=quiz&seed=1&print=true")
    lab_page.get_by_test_id("printed").wait_for()
    assert lab_page.locator(".sheet > li").count() == len(KINDS)
    letters = lab_page.locator("[data-testid=the-key] li strong").all_inner_texts()
    assert letters == ["ABCDE"[right_option(kind, 1)] for kind in KINDS]
    lab_page.get_by_test_id("key").uncheck()
    expect(lab_page.get_by_test_id("the-key")).to_have_count(0)
    lab_page.get_by_test_id("printed").wait_for()
    assert lab_page.get_by_test_id("the-key").count() == 0
