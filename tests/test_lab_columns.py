"""Columns entering: frames are what training did, and the page steps through them."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.columns import GRID, HILLS, QUESTIONS, RECORDED, SIDE, WAVE, rounds

(QUESTION,) = QUESTIONS


@pytest.fixture(scope="module", params=RECORDED, ids=lambda entry: str(sorted(entry[1].items())[1]))
def asked(request):
    name, question = request.param
    assert name == QUESTION.name
    return question, rounds(Asked(question))


def test_the_bracket_closes_around_the_optimum(asked):
    question, found = asked
    solution = cn.train("relu", question["X"], question["y"], weight_decay=question["beta"])
    assert found["status"] == "optimal"
    assert found["bracket"] == pytest.approx([solution.value] * 2, rel=1e-5)
    lowers = [frame["lower"] for frame in found["frames"]]
    uppers = [frame["upper"] for frame in found["frames"]]
    assert lowers == sorted(lowers) and uppers == sorted(uppers, reverse=True)
    assert not any(low > solution.value * (1 + 1e-9) for low in lowers)


def test_a_unit_pokes_out_in_every_round_but_the_last(asked):
    question, found = asked
    *before, last = found["frames"]
    assert not last["out"] and last["touching"] and last["largest"] <= 1.0 + 1e-4
    assert not last["entering"] and last["units"] == len(last["present"])
    for frame in before:
        assert frame["out"] == bool(frame["entering"])
        assert frame["out"] or question["features"] == 2
        if frame["entering"]:
            assert abs(frame["entering"][0][-1]) == pytest.approx(frame["largest"])


def test_heights_are_v_times_the_features_of_real_units(asked):
    question, found = asked
    X = np.column_stack([question["X"], np.ones(len(question["X"]))])
    for frame in found["frames"]:
        v = np.array(frame["v"])
        if question["features"] == 1:
            a = np.deg2rad(frame["angles"])
            U, heights = np.column_stack([np.cos(a), np.sin(a)]), np.array(frame["heights"])
        else:
            a, t = np.meshgrid(np.deg2rad(frame["angles"]), np.deg2rad(frame["tilts"]))
            U = np.stack([np.cos(t) * np.cos(a), np.cos(t) * np.sin(a), -np.sin(t)], axis=-1)
            heights = np.array(frame["map"])
        expected = np.maximum(U @ X.T, 0.0) @ v / question["beta"]
        assert heights == pytest.approx(expected, abs=2e-3)
        assert np.abs(expected).max() <= max(frame["largest"], 1.0) * (1.0 + 1e-6)


def test_the_network_of_a_frame_has_its_value(asked):
    question, found = asked
    y, frame = np.array(question["y"]), found["frames"][0]
    assert frame["units"] == 0 and frame["upper"] == pytest.approx(0.5 * (y**2).sum())
    assert np.abs(frame["fit"]).max() == 0.0
    last = found["frames"][-1]
    if question["features"] == 1:
        f = np.interp(np.ravel(question["X"]), GRID, last["fit"])
        assert f - y == pytest.approx(np.array(last["v"]), abs=0.02)
    else:
        assert np.shape(last["fit"]) == (len(SIDE), len(SIDE))


def test_segments_between_the_zonotopes_are_as_long_as_the_heights():
    found = rounds(Asked(RECORDED[0][1]))
    for frame in found["frames"]:
        for kind in ("present", "entering"):
            for (tip, foot), (_, height) in zip(frame["zonotopes"][kind], frame[kind], strict=True):
                length = np.hypot(*(np.array(tip) - foot))
                assert length == pytest.approx(WAVE_BETA * abs(height), rel=1e-6)


WAVE_BETA = RECORDED[0][1]["beta"]


def test_without_units_there_is_one_round_and_nothing_pokes_out():
    found = rounds(Asked(WAVE | {"beta": 50.0}))
    (frame,) = found["frames"]
    assert found["status"] == "optimal" and frame["units"] == 0 and not frame["out"]
    assert np.abs(frame["heights"]).max() <= 1.0


@pytest.mark.failure
def test_what_is_no_question_is_refused():
    ask = WAVE | {"beta": 0.2}
    for wrong in ({"features": 3}, {"X": [[9.0]]}, {"beta": 0.0}, {"y": [1.0]}, {"X": HILLS["X"]}):
        with pytest.raises(InputError):
            rounds(Asked(ask | wrong))


@pytest.mark.interface
def test_rounds_are_stepped_through_with_the_keyboard(lab_page):
    page = lab_page
    page.open("?exhibit=columns")
    verdict = page.get_by_test_id("verdict")
    verdict.filter(has_text="Round 0: A unit pokes out").wait_for()
    page.get_by_test_id("step").focus()
    page.keyboard.press("Enter")
    verdict.filter(has_text="Round 1").wait_for()
    page.wait_for_url(lambda url: "round=1" in url)
    page.get_by_test_id("round").focus()
    page.keyboard.press("End")
    verdict.filter(has_text="the bracket is closed").wait_for()
    assert page.get_by_test_id("step").is_disabled()
    page.keyboard.press("ArrowLeft")
    verdict.filter(has_text="A unit pokes out").wait_for()
    page.get_by_test_id("sample-4").focus()
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_url(lambda url: "curve=" in url)
    page.get_by_test_id("pace-false").check()
    verdict.filter(has_text="Round 0").wait_for()


@pytest.mark.interface
def test_the_film_plays_to_its_end(lab_page):
    page = lab_page
    page.open("?exhibit=columns&slow=false")
    verdict = page.get_by_test_id("verdict")
    verdict.filter(has_text="Round 0").wait_for()
    page.get_by_test_id("play").click()
    verdict.filter(has_text="the bracket is closed").wait_for()
    page.get_by_test_id("play").filter(has_text="Play").wait_for()


@pytest.mark.interface
def test_two_features_have_a_map_and_no_zonotopes(lab_page):
    page = lab_page
    page.open("?exhibit=columns&features=2&round=60&beta=0.5")
    page.get_by_test_id("verdict").filter(has_text="the bracket is closed").wait_for()
    assert page.get_by_test_id("columns-plot").locator("image").count() == 1
    assert page.get_by_test_id("zonotopes").is_hidden()
    page.get_by_test_id("features-1").check()
    page.get_by_test_id("zonotopes").locator(".area").first.wait_for()


@pytest.mark.interface
def test_closed_is_said_of_the_last_round_alone(lab_page):
    page = lab_page
    for k, closed in ((4, 0), (5, 1)):
        page.open(f"?exhibit=columns&round={k}")
        page.get_by_test_id("verdict").filter(has_text=f"Round {k}").wait_for()
        assert page.get_by_test_id("bracket").get_by_text("closed").count() == closed
        assert page.get_by_test_id("verdict").filter(has_text="closed").count() == closed
    page.open("?exhibit=columns&beta=50")
    page.get_by_test_id("verdict").filter(has_text="no unit is worth its price").wait_for()
