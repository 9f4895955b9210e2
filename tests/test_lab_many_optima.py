"""Many optima: every network of the walk has the proved value and the same predictions."""

from functools import cache

import numpy as np
import pytest

from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.many_optima import MOST, SETS, STOPS, networks


@cache
def of_set(k):
    return networks(Asked(SETS[k]))


def values_at(found, stop, x):
    """A network of the walk at other places: straight between those at which it was drawn."""
    return np.interp(x, found["x"], found["functions"][stop])


@pytest.mark.parametrize("k", range(3), ids=["band", "one function", "single"])
def test_the_value_stays_and_is_proved(k):
    found = of_set(k)
    assert found["status"] == "optimal" and len(found["values"]) == STOPS
    assert found["spread"] == np.ptp(found["values"]) < 1e-12
    assert float(found["lower"]) <= found["values"][0] <= float(found["upper"])
    penalty = np.sum(found["sizes"], axis=1)
    assert penalty == pytest.approx(np.full(STOPS, penalty[0]))
    kinks = [unit["kink"] for unit in found["units"] if unit["kink"] is not None]
    assert all(abs(abs(unit["level"]) - 1.0) < 1e-4 for unit in found["units"])
    assert max(np.abs(curve).max() for curve in found["heights"].values()) < 1.0 + 1e-6
    assert len(kinks) >= 2


def test_the_three_sets_show_three_cases():
    band, one, single = map(of_set, range(3))
    assert band["wide"] and not band["single"] and "band" in band["claim"]
    assert not one["wide"] and not one["single"] and "one function" in one["claim"]
    assert single["single"] and "only" in single["claim"]
    for found, many in ((band, True), (one, True), (single, False)):
        assert (np.ptp(found["sizes"], axis=0).max() > 1e-3) == many


def test_networks_lie_in_the_band_and_meet_on_the_data():
    found = of_set(0)
    x = np.array(found["places"])
    for stop in range(0, STOPS, 6):
        f = values_at(found, stop, x)
        assert (f >= np.array(found["low"]) - 0.02).all()
        assert (f <= np.array(found["high"]) + 0.02).all()
    data = np.array(SETS[0]["points"], dtype=float)[:, 0]
    first = values_at(found, 0, data)
    assert all(
        values_at(found, stop, data) == pytest.approx(first, abs=1e-5) for stop in range(STOPS)
    )
    sizes = np.array(found["sizes"])
    for k, unit in enumerate(found["units"]):
        assert unit["least"] - 1e-6 <= sizes[:, k].min() < unit["least"] + 0.1
        assert unit["most"] - 0.1 < sizes[:, k].max() <= unit["most"] + 1e-6


@pytest.mark.failure
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"points": [[1, 0], [1, 1]]}, "one x in common"),
        ({"points": []}, "one x in common"),
        ({"points": [[0, 0]] * (MOST + 1)}, "at most 12"),
        ({"points": [[0, 9], [1, 0]]}, "from -3 to 3"),
        ({"decay": 0.0}, "decay is"),
    ],
)
def test_what_is_no_question_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        networks(Asked(SETS[0] | wrong))


@pytest.mark.interface
def test_the_walk_in_the_browser(lab_page):
    page = lab_page
    page.open("?exhibit=many-optima")
    said, value = page.get_by_test_id("said"), page.get_by_test_id("objective-here")
    said.filter(has_text="all pass through the band").wait_for()
    before, sizes = value.text_content(), page.get_by_test_id("sizes").inner_html()
    page.get_by_test_id("walk").fill("20")
    page.wait_for_url(lambda url: "walk=20" in url)
    assert page.get_by_test_id("sizes").inner_html() != sizes
    assert value.text_content() == before
    page.get_by_test_id("set").select_option("single")
    said.filter(has_text="The only optimal network").wait_for()
    page.get_by_test_id("point-1").focus()
    page.keyboard.press("Shift+ArrowUp")
    page.wait_for_url(lambda url: "points=-2,0,-1,1.46" in url)
    assert page.get_by_test_id("set").input_value() == "own"
    page.get_by_test_id("add").click()
    page.get_by_test_id("point-5").wait_for()
    page.get_by_test_id("remove").click()
    page.get_by_test_id("point-5").wait_for(state="detached")


@pytest.mark.interface
def test_points_that_cannot_be_solved_get_a_sentence(lab_page):
    page = lab_page
    page.open("?exhibit=many-optima&points=1,0,1,1")
    page.get_by_test_id("status").filter(has_text="one x in common").wait_for()
    assert len(page.faults) == 2 and all("400" in fault for fault in page.faults)
    page.faults.clear()
