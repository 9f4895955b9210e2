"""What a proved optimum does not say: the series are real, and the page tells them row by row."""

import json
import re

import numpy as np
import pytest

from cvxnet.lab.exhibits import limits
from cvxnet.lab.question import answered

pytestmark = pytest.mark.interface

DONE = "[data-testid=stop][aria-disabled=true]"


def rows_of(name, **fields):
    """What the page is told before the rows, the rows, and the answer."""
    question = next(q for q in limits.QUESTIONS if q.name == f"limits/{name}")
    events = []
    answered(question, fields, events.append)
    assert [event.kind for event in events[:-1]] == ["progress"] * (len(events) - 1)
    assert events[-1].kind == "answer", events[-1].text
    head, *rows, answer = (json.loads(event.text) for event in events)
    assert len(rows) == head["count"]
    assert all(row["lower"] <= row["upper"] for row in rows)
    return head, rows, answer


def test_errors_over_weight_decay():
    head, rows, answer = rows_of("error", n=10, noise=0.3, seed=4)
    decays, trained = (np.array([row[k] for row in rows]) for k in ("decay", "train"))
    assert rows[0]["units"] == 0 and (np.diff(decays) < 0).all()
    assert (np.diff(trained) <= 1e-4).all()  # less weight decay fits better
    x, y, grid = (np.array(head[k]) for k in ("x", "y", "grid"))
    for row, error in zip(rows, trained, strict=True):
        predicted = np.interp(x, grid, row["curve"])
        assert abs(np.mean((predicted - y) ** 2) - error) < 0.2 * (error + 0.1)
        assert row["upper"] >= 0.5 * len(x) * error - 1e-9  # the objective is loss plus decay
    assert min(row["test"] for row in rows) > 0.8 * answer["noise"]


def test_labels_of_chance_are_learned_and_mean_nothing(monkeypatch):
    monkeypatch.setattr(limits, "WIDTHS", (1, 60))
    _, rows, _ = rows_of("wide", n=12, decay=0.05, seed=2)
    assert [row["features"] for row in rows] == [1, 60]
    assert rows[1]["train"] == 1.0  # 12 samples in general position in 60 dimensions
    assert all(abs(row["test"] - 0.5) < 0.06 for row in rows)


def test_brackets_hold_at_every_moment(monkeypatch):
    monkeypatch.setattr(limits, "RANKS", (1, 2))  # they close long before the limit
    _, rows, _ = rows_of("bracket", decay=0.1, seconds=10.0, seed=1)
    for row in rows:
        _, lower, upper = np.array(row["rounds"]).T
        assert (np.diff(lower) >= 0).all() and (np.diff(upper) <= 0).all()
        assert row["closed"] == (row["gap"] <= 1e-6)
    assert all(row["closed"] for row in rows)


def test_the_page_shows_every_training(lab_page):
    lab_page.open("?exhibit=limits&n=10&hide=noise")
    lab_page.get_by_text("On new samples the error is least at").wait_for()
    lab_page.locator(DONE).wait_for(state="attached")
    assert lab_page.locator("[data-testid=trend] .dot").count() == 2 * len(limits.SHARES) + 2
    assert lab_page.get_by_test_id("noise").is_hidden()
    before = lab_page.get_by_test_id("facts").inner_text()
    lab_page.get_by_test_id("at").focus()
    lab_page.keyboard.press("Home")
    lab_page.get_by_test_id("facts").filter(
        has_text=re.compile(r"\(closed, gap .* %\), 0 units")
    ).wait_for()
    assert before != lab_page.get_by_test_id("facts").inner_text() and "at=0" in lab_page.url


def test_a_series_is_stopped(lab_page):
    lab_page.open("?exhibit=limits&view=bracket&seconds=5")
    lab_page.get_by_test_id("news").filter(has_text=re.compile(r"Training \d+ of")).wait_for()
    lab_page.get_by_test_id("stop").click()
    lab_page.locator(DONE).wait_for(state="attached")
    assert "Stopped after" in lab_page.get_by_test_id("news").inner_text()
