"""SGD beside it: what `cvxnet.compare` says, and no dot below the proved bound."""

import numpy as np
import pytest

from cvxnet.data.point_sets import point_set
from cvxnet.errors import CvxnetError, MissingExtraError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits import sgd
from cvxnet.lab.exhibits.sgd import OPTIMIZERS, run

SMALL = {"set": "waves", "n": 12, "draw": 0, "beta": 0.2, "width": 6, "seeds": 3, "epochs": 30}


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def answered(**more):
    news = []
    return run(Asked(SMALL | {"optimizer": "adam"} | more), news.append), news


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_no_run_is_below_the_bound_on_its_way_or_at_its_end(torch, optimizer):
    found, news = answered(optimizer=optimizer)
    heard = [f for one in news if "objective" in one for f in one["objective"] if f is not None]
    curves = [f for curve in found["curves"] for f in curve if f is not None]
    ends = [f for f in found["objective"] if f is not None]
    assert min(heard + curves + ends) >= found["lower"]
    assert found["upper"] <= min(ends)
    assert len(found["objective"]) == len(found["curves"]) == len(found["epochs"]) == 3


def test_counts_are_those_of_the_excess(torch):
    found, _ = answered(width=30, epochs=400)
    for tolerance, least, most in found["within"]:
        assert least == sum(excess <= tolerance for excess in found["most"])
        assert most == sum(excess <= tolerance for excess in found["least"])
    expected = (np.array(found["objective"]) - found["lower"]) / found["lower"]
    assert np.array(found["most"]) == pytest.approx(expected)


def test_the_part_of_the_width_is_below_all_runs_and_within_the_excess(torch):
    found, _ = answered(width=1, epochs=200, optimizer="lbfgs")
    narrow, ends = found["narrow"], np.array(found["objective"])
    assert found["lower"] <= narrow["lower"] <= min(ends) and narrow["upper"] <= min(ends)
    above = np.array(found["above_width"])
    assert above == pytest.approx((ends - narrow["lower"]) / narrow["lower"])
    assert (above <= found["most"]).all()
    assert all(
        own >= every
        for (_, *own), (_, *every) in zip(found["within_width"], found["within"], strict=True)
    )
    wide, _ = answered(width=40, epochs=30)
    assert wide["narrow"]["upper"] == pytest.approx(wide["upper"], rel=1e-5)


def test_first_the_bracket_is_told_then_the_rates_then_the_runs(torch):
    _, news = answered()
    kinds = [("lower" in one and "bracket") or one.get("stream", "narrow") for one in news]
    assert list(dict.fromkeys(kinds))[:3] == ["bracket", "tuning", "training"]


def test_three_classes_are_compared_too(torch):
    found, _ = answered(set="blobs", optimizer="lbfgs")
    assert found["loss"] == "cross_entropy"
    assert point_set("blobs", 12)[1].max() == 2


def test_without_torch_the_extra_is_named(monkeypatch):
    def missing(*given, **more):
        raise MissingExtraError("pip install 'cvxnet[torch]'")

    monkeypatch.setattr("cvxnet.baselines.comparison.import_torch", missing)
    with pytest.raises(MissingExtraError, match=r"cvxnet\[torch\]"):
        answered()


@pytest.mark.parametrize(
    "change",
    [{"optimizer": "newton"}, {"width": 0}, {"seeds": 1000}, {"epochs": 10**9}, {"beta": -1}],
)
def test_what_is_no_question_is_refused(change):
    with pytest.raises(CvxnetError):
        answered(**change)


def test_every_question_has_a_limit():
    assert all(0 < question.seconds < 1000 for question in sgd.QUESTIONS)


@pytest.mark.interface
def test_runs_are_drawn_above_the_band_and_cancelled(torch, lab_page):
    page = lab_page
    page.open("?exhibit=sgd&n=12&seeds=3&epochs=30&width=4&optimizer=lbfgs")
    page.get_by_test_id("run").click()
    page.locator("[data-testid=status][data-stage=done]").wait_for()
    dots = page.locator("[data-testid=strip] .dot")
    assert dots.count() == 3
    band = page.locator("[data-testid=strip] .area.proved").bounding_box()
    middles = [box["y"] + box["height"] / 2 for box in (dot.bounding_box() for dot in dots.all())]
    assert max(middles) <= band["y"] + 1
    page.get_by_test_id("width").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_test_id("run").click()
    dots.nth(5).wait_for()
    assert page.get_by_test_id("table").locator("tbody tr").count() == 2


@pytest.mark.interface
def test_long_runs_are_cancelled(torch, lab_page):
    page = lab_page
    page.open("?exhibit=sgd&epochs=2000&seeds=20&width=60&optimizer=lbfgs&n=100")
    page.get_by_test_id("run").click()
    page.locator("[data-testid=ways] .line.run").first.wait_for(state="attached")
    page.get_by_test_id("cancel").click()
    page.get_by_text("Cancelled").wait_for()
    assert page.locator("[data-testid=strip] .dot").count() == 0
