"""The lift: cells are counted, the program is the one that cvxnet writes, the page shows both."""

from math import comb

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.lift import FIVE, QUESTIONS, RECORDED, cells, count, price, written
from cvxnet.plots import cells_of

ANSWER = {question.name: question.ask for question in QUESTIONS}
TARGETS = [1.0, -1.0, 0.5, 0.0, 1.0]


@pytest.mark.parametrize("unit", [(30.0, -0.2), (-100.0, 0.6), (0.0, 9.0), (77.0, -9.0)])
def test_the_unit_is_in_its_cell(unit):
    angle, distance = unit
    found = cells(Asked({"points": FIVE, "angle": angle, "distance": distance}))
    assert found["count"] == found["most"] == 22 == len(found["places"])
    a = np.deg2rad(angle)
    expected = [np.cos(a) * x + np.sin(a) * y > distance for x, y in FIVE]
    assert found["active"] == expected
    assert np.mean(np.array(found["sizes"]) == sum(expected)) > 0.0
    inside = [low <= found["place"][1] <= high for at, low, high in found["outline"] if at == angle]
    assert all(inside)


def test_lines_split_the_points_in_different_ways():
    found = cells(Asked({"points": FIVE, "angle": 0.0, "distance": 0.0}))
    sides = {tuple((np.array([*p, 1.0]) @ line > 0.0) for p in FIVE) for line in found["lines"]}
    opposite = {tuple(not side for side in sides) for sides in sides}
    assert len(sides) == 10 and len(sides | opposite) == 20


@pytest.mark.parametrize("n", [1, 2, 3, 10, 200])
def test_random_points_make_as_many_cells_as_can_be(n):
    most = 2 * sum(comb(n - 1, k) for k in range(3))
    assert count(Asked({"n": n})) == {"count": most, "most": most}
    assert count(Asked({"n": n, "placed": "line"}))["count"] == 2 * n
    side = int(np.ceil(np.sqrt(n)))
    X = [(k % side, k // side) for k in range(n)]
    assert count(Asked({"n": n, "placed": "grid"}))["count"] == cells_of(X).count <= most


@pytest.mark.parametrize("scale", [0.25, 1.0, 2.0, 16.0])
def test_a_scale_changes_the_price_and_not_the_network(scale):
    found = price(Asked({"scale": scale}))
    assert found["hidden"] * found["output"] == pytest.approx(found["least"])
    assert found["penalty"] == pytest.approx((found["hidden"] ** 2 + found["output"] ** 2) / 2)
    assert found["penalty"] >= found["least"] * (1 - 1e-12) and found["change"] < 1e-12
    assert min(found["penalties"]) == pytest.approx(found["least"], rel=1e-3)
    shape = 2.0 * np.maximum(0.4 * np.array(found["x"]) + 0.3, 0.0)
    assert found["f"] == pytest.approx(shape)


def test_the_program_is_what_cvxnet_writes_and_solves():
    found = written(Asked({"points": FIVE, "targets": TARGETS, "beta": 0.1}))
    program = cn.program("relu", FIVE, TARGETS, weight_decay=0.1)
    sizes = found["sizes"]
    assert sizes["pieces"] == len(found["pieces"]) == 2 * (cells_of(FIVE).count - 1)
    assert sum(sizes["variables"].values()) == program.size_metrics.num_scalar_variables
    assert sizes["equations"] == program.size_metrics.num_scalar_eq_constr
    assert sizes["inequalities"] == program.size_metrics.num_scalar_leq_constr
    solution = cn.train("relu", FIVE, TARGETS, weight_decay=0.1)
    assert found["value"] == pytest.approx(solution.value, rel=1e-5) and found["dcp"]
    sizes = sum(piece["size"] for piece in found["pieces"])
    rows = np.column_stack([FIVE, np.ones(5)])
    f = np.zeros(5)
    for piece in found["pieces"]:
        f[piece["active"]] += piece["sign"] * rows[piece["active"]] @ np.array(piece["w"])
    value = 0.5 * ((f - TARGETS) ** 2).sum() + 0.1 * sizes
    assert value == pytest.approx(found["value"], rel=1e-4)


def test_what_is_recorded_can_be_asked():
    for name, question in RECORDED:
        asked = Asked(question)
        assert ANSWER[name](asked) and not asked.unknown()


@pytest.mark.failure
def test_what_is_no_question_is_refused():
    ask = {"points": FIVE, "angle": 0.0, "distance": 0.0}
    for wrong in ({"points": [[9.0, 0.0]]}, {"points": [[0.0, 0.0]] * 9}, {"angle": 200.0}):
        with pytest.raises(InputError):
            cells(Asked(ask | wrong))
    for wrong in ({"targets": [1.0]}, {"beta": 0.0}, {"points": []}):
        with pytest.raises(InputError):
            written(Asked({"points": FIVE, "targets": TARGETS, "beta": 0.1} | wrong))


@pytest.mark.interface
def test_points_are_dragged_and_cells_counted(lab_page):
    page = lab_page
    page.open("?exhibit=lift")
    said = page.get_by_test_id("count")
    said.filter(has_text="5 points cut the units into 22 cells").wait_for()
    page.get_by_test_id("many-count").filter(has_text="999,002 cells").wait_for()
    page.get_by_test_id("formula").filter(has_text="= 22").wait_for()
    page.get_by_test_id("point-5").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: "points=" in url)
    page.get_by_test_id("n").fill("8")
    said.filter(has_text="8 points cut the units into 58 cells").wait_for()
    page.open("?exhibit=lift&n=3&points=0,0,1,1,-1,-1")
    said.filter(has_text="3 points cut the units into 6 cells").wait_for()
    page.get_by_test_id("formula").filter(has_text="on a line").wait_for()
    page.get_by_test_id("placed-grid").check()
    page.get_by_test_id("many-count").filter(has_text="at most 999,002").wait_for()


@pytest.mark.interface
def test_a_unit_is_moved_over_its_cells_with_the_keyboard(lab_page):
    page = lab_page
    page.open("?exhibit=lift")
    page.get_by_test_id("count").filter(has_text="22 cells").wait_for()
    before = page.locator("[data-testid=points] .handle.on").count()
    page.get_by_test_id("unit").focus()
    for _ in range(6):
        page.keyboard.press("Shift+ArrowUp")
    page.locator("[data-testid=points] .handle.on").first.wait_for(state="detached")
    assert before > 0
    page.wait_for_url(lambda url: "distance=" in url)


@pytest.mark.interface
def test_the_layers_are_balanced_and_the_program_written_out(lab_page):
    page = lab_page
    page.open("?exhibit=lift&part=price&scale=8")
    page.get_by_test_id("price").filter(has_text="= 8.03").wait_for()
    page.get_by_test_id("balance").click()
    page.get_by_test_id("price").filter(has_text="= 1 ≥ |u| |a| = 1").wait_for()
    page.get_by_test_id("part-program").check()
    page.get_by_test_id("program").filter(has_text="152 inequalities").wait_for()
    page.get_by_test_id("solved").filter(has_text="≤ optimum ≤").wait_for()
    assert page.get_by_test_id("program").filter(has_text="126 + 5 variables").count() == 1
    page.get_by_test_id("piece").fill("42")
    page.get_by_test_id("piece-text").filter(has_text="Piece 42").wait_for()
    assert "negative" in page.get_by_test_id("piece-text").inner_text()
    page.get_by_test_id("n").fill("3")
    page.get_by_test_id("program").filter(has_text="14 pieces").wait_for()
