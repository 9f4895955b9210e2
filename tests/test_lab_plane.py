"""The plane: cvxnet's own answers for points that are clicked, dragged, typed or pasted."""

import json
import re

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.data.point_sets import POINT_SETS
from cvxnet.errors import CvxnetError, InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.plane import (
    LOSSES,
    MOST_POINTS,
    SIDE,
    UNITS,
    data_of,
    drag,
    drawn_set,
    table,
    train,
)

FLOWERS = (
    "length;width;species\n5,1;3,5;setosa\n4,9;3,0;setosa\n7,0;3,2;versicolor\n6,4;3,1;virginica"
)


def points_of(name, n=20):
    return drawn_set(Asked({"set": name, "n": n}))


def asked_of(name, n=20, **more):
    given = points_of(name, n)
    return given | {"loss": LOSSES[given["kind"]][0], "units": "relu", "beta": 0.3} | more


def trained(fields):
    news = []
    return train(Asked(fields), news.append), news


@pytest.mark.parametrize("name", POINT_SETS)
def test_a_set_is_drawn_in_view_and_has_the_kind_it_says(name):
    found = points_of(name, 30)
    points = np.array(found["points"])
    assert points.shape == (30, 3)
    assert found["kind"] == POINT_SETS[name].kind
    assert (np.abs(points[:, :2]) <= SIDE[1]).all()
    assert np.abs(points * 500 - np.round(points * 500)).max() < 1e-9


@pytest.mark.parametrize("name", ["moons", "waves", "hat"])
def test_the_answer_is_that_of_train_and_its_certificate_proves_it(name):
    fields = asked_of(name)
    found, news = trained(fields)
    X, y = data_of(fields["kind"], np.array(fields["points"]))
    own = cn.train("relu", X, y, loss=fields["loss"], weight_decay=0.3)
    assert found["status"] == own.status == "optimal"
    assert found["upper"] == pytest.approx(own.value, rel=1e-5)
    checked = cn.check(json.loads(found["certificate"]))
    assert checked.valid
    assert checked.lower <= found["upper"]
    assert all(one["lower"] <= found["upper"] * (1.0 + 1e-9) for one in news)
    assert all(one["upper"] >= found["lower"] for one in news)


def test_three_classes_have_a_region_each():
    found, _ = trained(asked_of("blobs", 12, loss="cross_entropy"))
    shares = np.array(found["picture"]["values"])
    assert shares.shape == (3, found["picture"]["pixels"] ** 2)
    assert shares.sum(axis=0) == pytest.approx(1.0, abs=1e-3)
    assert set(shares.argmax(axis=0)) == {0, 1, 2}


def test_between_its_kinks_a_curve_is_straight():
    picture = trained(asked_of("sine", 30, beta=0.1))[0]["picture"]
    x, values = np.array(picture["x"]), np.array(picture["values"])
    slopes = np.diff(values) / np.diff(x)
    bent = x[1:-1][np.abs(np.diff(slopes)) > 1e-6]
    assert len(bent) > 1
    assert all(np.abs(np.array(picture["kinks"]) - place).min() < 1e-9 for place in bent)


def test_across_a_map_the_network_bends_at_its_kinks_only():
    picture = trained(asked_of("waves"))[0]["picture"]
    side = picture["pixels"]
    values = np.array(picture["values"]).reshape(side, side)
    middle = values[side // 2]
    places = np.linspace(*SIDE, side)
    bent = places[1:-1][np.abs(np.diff(middle, 2)) > 1e-3]
    crossings = [
        x0 + (x1 - x0) * (0.0 - y0) / (y1 - y0)
        for x0, y0, x1, y1 in picture["kinks"]
        if min(y0, y1) <= 0.0 <= max(y0, y1) and y0 != y1
    ]
    assert len(bent) > 0
    step = places[1] - places[0]
    assert all(min(abs(x - place) for x in crossings) <= step for place in bent)


@pytest.mark.parametrize("units", UNITS)
def test_a_drag_goes_on_from_the_network_before(units):
    fields = asked_of("moons", 12, units=units)
    found = drag(Asked(fields))
    again = drag(Asked(fields | {"hidden": found["hidden"], "outputs": found["outputs"]}))
    assert again["upper"] <= found["upper"] * (1.0 + 1e-9)
    assert again["lower"] <= again["upper"]


def test_a_drag_is_never_below_the_proved_bound():
    fields = asked_of("waves", 30, beta=0.05)
    best, _ = trained(fields)
    moved = [[x, y, z] for x, y, z in fields["points"]]
    moved[0][0] += 0.1
    start = {"hidden": best["hidden"], "outputs": best["outputs"]}
    quick = drag(Asked(fields | {"points": moved} | start))
    assert quick["upper"] >= trained(fields | {"points": moved})[0]["lower"]


@pytest.mark.parametrize("units", ["relu", "abs"])
def test_of_few_units_the_optimum_of_every_width_stands_beside(units):
    fields = asked_of("sine", 20, units=units, width=1, beta=0.05)
    found, news = trained(fields)
    every, quick = found["every"], drag(Asked(fields))
    any_width = trained(fields | {"width": 0})[0]
    assert any_width["every"] is None and any_width["units"] == every["units"] > 1
    assert found["units"] <= 1 and quick["units"] <= 1
    assert every["lower"] <= any_width["upper"] < found["lower"] * (1.0 + 1e-9)
    assert quick["lower"] <= found["upper"] <= quick["upper"] * (1.0 + 1e-6)
    assert all(one["lower"] <= found["upper"] * (1.0 + 1e-9) for one in news)
    assert "above the optimum" in every["excess"]
    start = {"hidden": found["hidden"], "outputs": found["outputs"]}
    assert drag(Asked(fields | start))["upper"] == pytest.approx(found["upper"], rel=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"points": [[9.0, 0.0, 0.0]]},
        {"width": 9},
        {"width": 1, "units": "quadratic"},
        {"points": [[0.0, 0.0]]},
        {"points": [[0.0, 0.0, 0.0]] * (MOST_POINTS + 1)},
        {"points": []},
        {"loss": "squared"},
        {"beta": 0},
        {"units": "gates"},
        {"hidden": [[1.0, 2.0]], "outputs": [[1.0]]},
        {"hidden": [[1.0, 2.0, 3.0]], "outputs": [[1.0], [2.0]]},
        {"hidden": [[]], "outputs": [[]]},
        {"hidden": ["x"], "outputs": ["x"]},
    ],
)
def test_what_is_no_problem_is_refused(change):
    with pytest.raises(CvxnetError):
        drag(Asked(asked_of("moons", 8) | change))


def test_a_table_becomes_points_in_the_square():
    found = table(Asked({"text": FLOWERS}))
    assert (found["kind"], found["target"]) == ("classes", "species")
    assert found["features"] == ["length", "width"]
    assert found["labels"] == ["setosa", "versicolor", "virginica"]
    points = np.array(found["points"])
    assert points[:, 2].tolist() == [0, 0, 1, 2]
    assert points[:, :2].min(axis=0).tolist() == [-1, -1]
    assert points[:, :2].max(axis=0).tolist() == [1, 1]
    other = table(Asked({"text": FLOWERS, "target": "width", "kind": "curve", "x": "length"}))
    assert other["features"] == ["length"]
    assert np.array(other["points"])[:, 0] == pytest.approx(points[:, 0])


def test_of_a_long_table_rows_are_spread_evenly_and_it_is_said():
    rows = "\n".join(f"{k},{k % 7},{k}" for k in range(1000))
    found = table(Asked({"text": f"a,b,c\n{rows}", "kind": "values"}))
    points = np.array(found["points"])
    assert len(points) == MOST_POINTS
    assert np.diff(points[:, 0]).max() < 0.02
    assert any(str(MOST_POINTS) in remark for remark in found["remarks"])


def test_a_text_that_is_a_path_opens_no_file(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b,c\n1,2,3\n4,5,6\n")
    for text in (str(secret), f"file://{secret}", f"{secret}\n{secret}"):
        with pytest.raises(InputError) as refused:
            table(Asked({"text": text}))
        assert "4" not in str(refused.value).replace(str(secret), "")


@pytest.mark.parametrize(
    "fields",
    [
        {"text": ""},
        {"text": "a,b\n1,2\n"},
        {"text": "a,b,c\nx,y,z\n"},
        {"text": "a,b,c\n1,2,3\n", "target": "d"},
        {"text": "a,b,c\n1,2,3\n", "kind": "cubes"},
        {"text": "a,b,c\n" + "\n".join(f"{k},{k},name{k}" for k in range(9))},
        {"text": "a,b,c\n" * 200_000},
        {"text": ",".join(f"c{k}" for k in range(300)) + "\n" + ",".join("1" * 300)},
        {"text": 5},
    ],
)
def test_tables_of_no_use_are_refused_with_a_reason(fields):
    with pytest.raises(InputError, match=r".{15}"):
        table(Asked(fields))


# In the browser


@pytest.mark.interface
def test_a_width_is_chosen_where_there_may_be_one(lab_page):
    page = lab_page
    page.open("?exhibit=plane&kind=curve&set=hat&n=10&loss=squared")
    optimum_shown(page)
    assert page.get_by_test_id("every").count() == 0
    page.get_by_test_id("width").select_option("2")
    page.get_by_test_id("every").wait_for()
    optimum_shown(page)
    assert "above the optimum" in page.get_by_test_id("width-excess").inner_text()
    assert "width=2" in page.url
    page.get_by_test_id("units").select_option("quadratic")
    page.get_by_test_id("every").wait_for(state="detached")
    assert page.get_by_test_id("width").locator("option").count() == 1


def optimum_shown(page):
    page.locator("[data-testid=status][data-stage=done]").wait_for()
    return bracket_shown(page)


def bracket_shown(page):
    text = page.get_by_test_id("optimum").inner_text()
    return [float(number) for number in re.findall(r"\d+\.\d+", text)]


def handles(page):
    return page.locator("[data-testid=board] .handle")


def decoded(url):
    """The points in an address, each two coordinates and the number of a class."""
    text = re.search(r"points=(\w*)", url)[1]
    pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
    numbers = [[int(piece[:2], 36), int(piece[2:4], 36)] for piece in pieces]
    return np.array(numbers) / 500 - 1.25, np.array([int(piece[4]) for piece in pieces])


@pytest.mark.interface
def test_a_point_is_dragged_and_the_optimum_follows(lab_page):
    page = lab_page
    page.open("?exhibit=plane&n=20")
    before = optimum_shown(page)
    box = page.get_by_test_id("point-0").locator("circle").last.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 60, steps=5)
    page.mouse.up()
    page.wait_for_url(re.compile("points="))
    lower, upper = optimum_shown(page)
    X, y = decoded(page.url)
    own = cn.train("relu", X, y, loss="logistic", weight_decay=0.3)
    assert lower <= own.value * (1 + 1e-6)
    assert upper >= own.lower_bound * (1 - 1e-6)
    assert upper == pytest.approx(own.value, rel=1e-4)
    assert [lower, upper] != before


@pytest.mark.interface
def test_points_are_added_moved_and_removed_by_the_keyboard(lab_page, expect):
    page = lab_page
    page.open("?exhibit=plane&n=10")
    optimum_shown(page)
    assert handles(page).count() == 10
    page.get_by_test_id("add").focus()
    page.keyboard.press("Enter")
    expect(handles(page)).to_have_count(11)
    focused = page.locator("[data-testid=point-10]")
    expect(focused).to_be_focused()
    place = focused.get_attribute("aria-valuetext")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    expect(focused).not_to_have_attribute("aria-valuetext", place)
    page.keyboard.press("2")
    expect(focused).to_have_attribute("aria-label", re.compile("class B"))
    page.keyboard.press("PageDown")
    expect(page.get_by_test_id("point-0")).to_be_focused()
    page.keyboard.press("Delete")
    page.keyboard.press("Delete")
    expect(handles(page)).to_have_count(9)
    X, _ = decoded(page.url)
    assert len(X) == 9
    optimum_shown(page)


@pytest.mark.interface
def test_clicks_add_points_and_shift_clicks_remove_them(lab_page):
    page = lab_page
    page.open("?exhibit=plane&set=own")
    board = page.locator("[data-testid=board] svg").first
    page.get_by_text("Click into the square").wait_for()
    board.click(position={"x": 150, "y": 150})
    page.get_by_text("Add a point of another class").wait_for()
    page.get_by_test_id("brush-1").check()
    board.click(position={"x": 300, "y": 200})
    lower, upper = optimum_shown(page)
    assert 0 < lower <= upper
    page.get_by_test_id("point-1").click(modifiers=["Shift"])
    page.get_by_text("Add a point of another class").wait_for()
    assert handles(page).count() == 1


@pytest.mark.interface
def test_a_table_is_pasted_and_stands_in_the_address(lab_page, expect):
    page = lab_page
    page.open("?exhibit=plane&n=10")
    page.get_by_test_id("paste").click()
    page.get_by_test_id("table-text").fill("/etc/passwd")
    page.get_by_test_id("table-wrong").filter(has_text="the table").wait_for()
    assert page.get_by_test_id("table-use").is_disabled()
    assert {fault[:3] for fault in page.faults} <= {"400", "con"}
    page.faults.clear()
    page.get_by_test_id("table-text").fill(FLOWERS)
    page.get_by_text("4 points").wait_for()
    page.get_by_test_id("table-use").click()
    expect(handles(page)).to_have_count(4)
    assert page.get_by_test_id("loss").input_value() == "cross_entropy"
    first = optimum_shown(page)
    page.reload()
    assert optimum_shown(page) == first
    assert handles(page).count() == 4
    assert page.get_by_text("length, scaled").is_visible()


@pytest.mark.interface
def test_a_file_is_read_in_the_page(lab_page, expect, tmp_path):
    file = tmp_path / "flowers.csv"
    file.write_text(FLOWERS)
    page = lab_page
    page.open("?exhibit=plane&n=8")
    page.get_by_test_id("paste").click()
    page.get_by_test_id("table-file").set_input_files(file)
    page.get_by_text("4 points").wait_for()
    page.get_by_test_id("table-kind").select_option("curve")
    page.get_by_test_id("table-y").wait_for(state="detached")  # a curve has one feature
    page.get_by_test_id("table-target").select_option("width")
    page.get_by_test_id("table-use").click()
    expect(handles(page)).to_have_count(4)
    optimum_shown(page)
    assert page.get_by_test_id("kind-curve").is_checked()
    assert page.get_by_text("width, scaled").is_visible()


@pytest.mark.interface
@pytest.mark.failure
def test_an_address_of_nonsense_shows_the_usual(lab_page):
    page = lab_page
    page.open(
        "?exhibit=plane&kind=cubes&set=own&units=gates&beta=-3&n=7.7&draw=x&points=zzz!&loss=no"
    )
    page.get_by_text("Click into the square").wait_for()
    page.open("?exhibit=plane&kind=values&set=moons&n=12")
    optimum_shown(page)
    assert handles(page).count() == 12


@pytest.mark.interface
def test_a_long_solve_shows_its_progress_and_is_cancelled(lab_page):
    page = lab_page
    page.open("?exhibit=plane&kind=values&set=waves&units=tanh&loss=squared&beta=0.01&n=200")
    page.locator("[data-testid=status][data-stage=round]").wait_for()
    page.get_by_test_id("cancel").click()
    page.locator("[data-testid=status][data-stage=cancelled]").wait_for()
    lower, upper = (
        float(x) for x in re.findall(r"\d+\.\d+", page.get_by_test_id("optimum").inner_text())
    )
    assert lower < upper
    page.get_by_test_id("units").select_option("linear")
    optimum_shown(page)


@pytest.mark.interface
def test_the_certificate_is_downloaded_and_handed_on(lab_page):
    page = lab_page
    page.open("?exhibit=plane&n=12")
    optimum_shown(page)
    with page.expect_download() as saved:
        page.get_by_test_id("certificate").click()
    text = saved.value.path().read_text()
    assert cn.check(json.loads(text)).valid
    assert page.evaluate("sessionStorage.getItem('certificate')") == text
