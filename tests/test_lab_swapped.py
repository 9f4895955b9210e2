"""Swapped units: equally good ends, worse between, and every number that of the networks."""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.swapped import SETS, X, optimum, proof, trained


def objective(units, y, decay):
    """Of a network from its units (w, b, a) alone."""
    w, b, a = np.array(units).T
    f = np.maximum(X * w + b, 0.0) @ a
    return 0.5 * ((f - y) ** 2).sum() + 0.5 * decay * (w**2 + b**2 + a**2).sum()


def check_line(found, which, y, decay):
    """All that is drawn of a line comes from the units at its ends."""
    line, one = found[which], np.array(found["one"])
    other = np.array(line["units"])
    for t, value, f in zip(found["t"], line["values"], line["functions"], strict=True):
        units = (1 - t) * one + t * other
        assert value == pytest.approx(objective(units, y, decay), abs=1e-9)
        assert value >= found["lower"] * (1 - 1e-9)
        grid = np.array(found["grid"])[:, None]
        assert f == pytest.approx(
            np.maximum(grid * units[:, 0] + units[:, 1], 0) @ units[:, 2], abs=1e-6
        )


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("decay", [0.02, 0.3])
def test_between_an_optimum_and_its_swap_it_is_worse(name, decay):
    found = optimum(Asked({"set": name, "decay": decay}))
    came, matched = found["came"], found["matched"]
    assert found["status"] == "optimal"
    for end in ("f_a", "f_b"):
        assert came[end] == pytest.approx(found["lower"], rel=1e-6)
    assert came["barrier"] > 0.0 and matched["barrier"] < 1e-9
    assert sorted(map(tuple, came["units"])) == sorted(map(tuple, found["one"]))
    assert matched["units"] == found["one"]
    check_line(found, "came", SETS[name], decay)


def test_the_swap_is_a_counterexample_in_exact_arithmetic():
    fields = {"set": "valley", "decay": 0.1}
    found, exact = optimum(Asked(fields))["came"], proof(Asked(fields))["proof"]
    assert exact["arithmetic"] == "rational"
    assert float(exact["gap"]) == pytest.approx(found["f_middle"] - found["chord"], rel=1e-5)


def test_matching_two_runs_of_adam_brings_the_line_down():
    pytest.importorskip("torch")
    news = []
    found = trained(Asked({"set": "valley", "decay": 0.1, "width": 16}), news.append)
    assert len(news) == 2 and found["proof"]["arithmetic"] == "rational"
    came, matched = found["came"], found["matched"]
    assert 0.0 <= matched["barrier"] < 0.2 * came["barrier"]
    assert (matched["f_a"], matched["f_b"]) == pytest.approx((came["f_a"], came["f_b"]))
    for which in ("came", "matched"):
        check_line(found, which, SETS["valley"], 0.1)


@pytest.mark.failure
def test_without_torch_the_message_says_what_to_install(monkeypatch):
    def missing():
        raise cn.MissingExtraError("gradient training needs torch: pip install 'cvxnet[torch]'")

    monkeypatch.setattr("cvxnet.baselines.comparison.import_torch", missing)
    with pytest.raises(cn.MissingExtraError, match=r"cvxnet\[torch\]"):
        trained(Asked({}), lambda news: None)


@pytest.mark.failure
def test_what_is_no_question_is_refused():
    for wrong in ({"set": "cliff"}, {"decay": 0}, {"width": 1}, {"width": 2.5}, {"seed": -1}):
        with pytest.raises(InputError):
            trained(Asked(wrong), lambda news: None)


@pytest.mark.interface
def test_the_walk_along_the_line_in_the_browser(lab_page):
    page = lab_page
    page.open("?exhibit=swapped")
    said = page.get_by_test_id("said")
    said.filter(has_text="both proved optimal").wait_for()
    page.get_by_test_id("proof").filter(has_text="rational arithmetic").wait_for()
    page.get_by_test_id("place").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: "t=0.525" in url)
    page.get_by_test_id("order-matched").check()
    page.wait_for_url(lambda url: "order=matched" in url)
    page.get_by_test_id("set").select_option("hill")
    page.get_by_test_id("proof").filter(has_text="1.45507").wait_for()
    assert page.get_by_test_id("width").is_hidden()


@pytest.mark.interface
def test_two_runs_of_adam_in_the_browser(lab_page):
    pytest.importorskip("torch")
    page = lab_page
    page.open("?exhibit=swapped&pair=adam&width=4")
    page.get_by_test_id("said").filter(has_text="different seeds").wait_for()
    page.get_by_test_id("seed").fill("3")
    page.get_by_test_id("stop").click()
    page.get_by_test_id("status").filter(has_text="Cancelled").wait_for()
