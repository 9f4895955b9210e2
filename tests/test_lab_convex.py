"""The exhibit "Is it convex?": what the page is told is what `convexity` says."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits import convex
from cvxnet.lab.networks import (
    ACTIVATIONS,
    MOST_LAYERS,
    give_weights,
    read_network,
    write_edits,
    write_network,
)

pytestmark = pytest.mark.interface

TEXTS = [
    "linear-4,relu,linear-1",
    "linear-4-nonneg,leaky--0.5,linear-2-nonpos-nobias,maxout-2",
    "residual-softplus-nonneg,linear-1",
    "inputconvex-3-2",
    *(f"linear-3,{name}" for name in ACTIVATIONS),
]
NET = read_network("linear-4,relu,linear-1", 2)
FIRST = {"net": "linear-4,relu,linear-1", "inputs": 2}


def judge(**fields):
    return convex.judge(Asked(FIRST | fields))


def repair(**fields):
    told = []
    answer = convex.repair(Asked(FIRST | fields), told.append)
    assert told and all(answer[name] == value for name, value in told[0].items())
    return answer


@pytest.mark.parametrize("text", TEXTS)
def test_a_network_and_its_text(text):
    network = read_network(text, 2)
    assert write_network(network) == text
    give_weights(network, 3, "")
    assert write_edits(network, 3) == ""
    state = network.state_dict()
    for prefix, layer in network.named_layers():
        if layer.tensors.get("weight") is not None and layer.sign("weight"):
            side = 1.0 if layer.sign("weight") == "nonneg" else -1.0
            assert (side * state[f"{prefix}.weight"] >= 0.0).all()


def test_changed_entries_come_back():
    network, again = read_network(TEXTS[0], 2), read_network(TEXTS[0], 2)
    give_weights(network, 1, "0.weight~3~1~-0.75,2.bias~0~1.5e-05")
    edits = write_edits(network, 1)
    give_weights(again, 1, edits)
    assert sorted(edits.split(",")) == ["0.weight~3~1~-0.75", "2.bias~0~1.5e-05"]
    X = np.random.default_rng(0).standard_normal((5, 2))
    assert (network(X) == again(X)).all()


@pytest.mark.failure
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"net": "linear-4,rule"}, "layer 1 is 'rule'; expected one of linear, "),
        ({"net": "linear"}, "layer 0, 'linear', is not understood"),
        ({"net": "linear-9"}, "a layer of 9 units; from 1 to 8"),
        ({"net": "linear-3,maxout-2"}, "3 columns, which is no multiple of 2"),
        ({"net": "residual-tanh-up"}, "layer 0, 'residual-tanh-up', is not understood"),
        ({"net": "linear-2-nonneg-nonpos"}, "both nonneg and nonpos"),
        ({"net": "leaky-1e999"}, "is not understood"),
        ({"net": ",".join(["relu"] * (MOST_LAYERS + 1))}, "has 7 layers; at most 6"),
        ({"net": ""}, "layer 0 is ''"),
        ({"inputs": 5}, "inputs is 5"),
        ({"wrt": "7"}, "names nothing in this network"),
        ({"net": "relu", "wrt": "first"}, "this network has no weights"),
        ({"loss": "cross_entropy", "wrt": "last"}, "one output for each class"),
        ({"given": True, "edits": "0.weight~9~0~1"}, "out of range"),
        ({"given": True, "edits": "5.weight~0~0~1"}, "is no entry of"),
        ({"given": True, "edits": "0.weight=3"}, "is no changed entry"),
        ({"given": True, "edits": "0.weight~0~0~1e9"}, "out of range"),
    ],
)
def test_bad_questions_are_refused_with_the_reason(fields, words):
    with pytest.raises(InputError, match=words):
        judge(**fields)


@pytest.mark.parametrize("wrt", ["input", "weights", "first", "last", "0,2"])
def test_the_answer_is_the_verdict(wrt):
    asked = {"first": "0", "last": "2", "0,2": ["0", "2"]}.get(wrt, wrt)
    verdict, answer = cn.convexity(NET, asked), judge(wrt=wrt)
    assert (answer["convex"], answer["concave"]) == (verdict.convex, verdict.concave)
    assert answer["headline"] == verdict.page().headline
    assert (answer["blame"] is None) == (verdict.blame is None or verdict.convex)
    assert (answer["witness"] is None) == (verdict.convex is not False)
    if answer["witness"]:
        assert answer["witness"]["gap"] == verdict.counterexample.gap
        assert answer["witness"]["f_middle"] > answer["witness"]["chord"]
    rest = repair(wrt=wrt)
    assert [each["change"] for each in rest["repairs"]] == [r.change for r in verdict.repairs]
    assert rest["blocks"] == verdict.blocks["single"]


@pytest.mark.parametrize(
    "fields",
    [
        {"wrt": "last", "loss": "squared", "data": "four"},
        {"wrt": "first", "loss": "logistic", "data": "nonneg", "given": True, "seed": 3},
        {"net": "residual-relu-nobias,leaky-0.1,linear-2-nonpos", "given": True},
        {"net": "linear-2,relu,linear-3", "wrt": "2", "loss": "cross_entropy", "data": "minus"},
        {"net": "inputconvex-2,softplus", "inputs": 3},
    ],
)
def test_the_same_in_python_is_the_same(fields, capsys):
    answer = judge(**fields)
    exec(answer["code"], {})
    assert capsys.readouterr().out.startswith(answer["headline"])


GIVEN = {"given": True, "seed": 2}
REPAIRED = [
    *convex.READY.values(),
    *convex.SWITCHED[:3],
    convex.READY["relu"] | GIVEN,
    convex.READY["tanh"] | GIVEN,
    convex.READY["post"] | GIVEN,
]


@pytest.mark.parametrize("fields", REPAIRED, ids=[f"{f}" for f in REPAIRED])
def test_every_repair_that_is_a_state_leads_to_what_is_convex(fields):
    answer = repair(**fields)
    assert answer["repairs"] or convex.judge(Asked(fields))["convex"]
    for each in answer["repairs"]:
        if each["state"] is not None:
            asked = Asked(each["state"])
            assert convex.judge(asked)["convex"] and not asked.unknown()


def test_the_entry_at_fault_is_one_of_the_weights_that_are_shown():
    answer = judge(given=True, seed=1)
    blame, weights = answer["blame"], answer["weights"]
    value = np.array(weights[blame["tensor"]])[tuple(blame["index"])]
    assert blame["tensor"] == "2.weight" and value < 0.0
    assert f"{value:.4g}" in blame["entry"]


def test_layers_are_marked_by_what_comes_out_of_them():
    layers = judge()["layers"]
    assert [layer["curvature"] for layer in layers] == ["affine", "convex", "unknown"]
    assert [layer["out"] for layer in layers] == [4, 4, 1]


def test_labels_decide_where_the_loss_is_monotone():
    fields = {"net": "linear-2,relu,linear-1-nonneg", "wrt": "first", "loss": "logistic"}
    assert judge(**fields, data="minus")["convex"] is True
    assert judge(**fields, data="plus")["convex"] is False
    assert judge(**fields, data="four")["convex"] is False


@pytest.mark.parametrize(("signs", "data"), [("last", "minus"), ("all", "nonneg")])
def test_the_map_is_made_of_verdicts(signs, data):
    answer = convex.draw_map(Asked({"signs": signs, "data": data}))
    found = {(cell["row"], cell["column"]): cell for cell in answer["cells"]}
    assert found.keys() == {*product(answer["rows"], answer["columns"])}
    for cell in answer["cells"]:
        assert convex.judge(Asked(cell["state"]))["convex"] is cell["convex"]
    assert all(found["last", loss]["convex"] for loss in answer["columns"])
    assert not any(found["weights", loss]["convex"] for loss in answer["columns"])
    rising = ("none", "logistic", "hinge", "squared_hinge")
    linear = signs == "all" and data == "nonneg"  # no relu clips, so each layer is linear
    for loss in answer["columns"]:
        rises = loss == "none" or (data == "minus" and loss in rising)
        assert found["first", loss]["convex"] is (rises or linear)


def test_what_is_recorded_can_be_asked():
    questions = {question.name: question for question in convex.QUESTIONS}
    for name, fields in convex.RECORDED:
        assert name in questions
        if name == "convex/judge":
            asked = Asked(fields)
            questions[name].ask(asked)
            assert not asked.unknown()


def test_the_page_offers_the_networks_that_are_recorded():
    """What is ready on the page can be asked without a server."""
    page = Path(convex.__file__).parents[1] / "page" / "exhibits" / "convex.js"
    script = page.read_text(encoding="utf-8")
    offered = set(re.findall(r'net: "([^"]+)"', script))
    assert offered == {fields["net"] for fields in convex.READY.values()}


def test_from_refuted_to_repaired_in_one_click(lab_page):
    page = lab_page
    page.open("?exhibit=convex")
    verdict, tree = page.get_by_test_id("verdict"), page.get_by_test_id("tree")
    verdict.filter(has_text="Not convex").wait_for()
    blamed = tree.locator(".blamed")
    assert blamed.count() == 1 and "matrix product" in blamed.inner_text()
    assert "the rules stop here" in page.get_by_test_id("layer-2").inner_text()
    page.get_by_test_id("segment-said").filter(has_text="above the chord by 1/2").wait_for()
    page.get_by_test_id("repair-0").click()
    verdict.filter(has_text="Proved: composition rules").wait_for()
    assert page.evaluate("new URLSearchParams(location.search).get('net')").endswith("-1-nonneg")
    assert page.get_by_test_id("sign-2").input_value() == "nonneg"
    assert tree.locator(".blamed").count() == 0
    marks = tree.locator("li[data-curvature]").evaluate_all(
        "lines => lines.map(e => [e.dataset.curvature, e.querySelector('.mark').innerText])"
    )
    symbols = {"convex": "∪", "affine": "∕", "constant": "—"}  # noqa: RUF001
    assert {curvature for curvature, _ in marks} == set(symbols)
    assert all(symbols[curvature] == mark for curvature, mark in marks)
    page.get_by_test_id("wrt-weights").check()
    verdict.filter(has_text="Not convex").wait_for()
    page.get_by_role("button", name="train layer 2 only").click()
    verdict.filter(has_text="Affine").wait_for()


def test_a_network_is_built_and_one_weight_changed(lab_page, expect):
    page = lab_page
    page.open("?exhibit=convex&net=linear-3,tanh,linear-1")
    verdict = page.get_by_test_id("verdict")
    verdict.filter(has_text="Not convex").wait_for()
    page.get_by_test_id("kind-1").select_option("relu")
    page.get_by_test_id("sign-2").select_option("nonneg")
    page.get_by_test_id("add").select_option("softplus")
    verdict.filter(has_text="Proved").wait_for()
    page.get_by_test_id("remove-3").click()
    page.get_by_test_id("sign-2").select_option("")
    page.get_by_test_id("given").check()
    page.get_by_test_id("2.weight[0,0]").wait_for()
    for place in ("0,0", "0,1", "0,2"):
        page.get_by_test_id(f"2.weight[{place}]").fill("0.5")
        page.keyboard.press("Tab")
    verdict.filter(has_text="Proved").wait_for()
    page.get_by_test_id("2.weight[0,1]").fill("-2")
    page.keyboard.press("Enter")
    verdict.filter(has_text="Not convex").wait_for()
    page.locator("input.fault").wait_for()
    assert page.locator("input.fault").get_attribute("data-testid") == "2.weight[0,1]"
    page.get_by_test_id("blame").filter(has_text="2.weight[0, 1] = −2").wait_for()
    page.get_by_test_id("repair-0").filter(has_text="≥ 0").click()
    verdict.filter(has_text="Proved").wait_for()
    page.get_by_test_id("later-0").click()
    expect(page.get_by_test_id("kind-0")).to_have_value("relu")
    assert page.evaluate("new URLSearchParams(location.search).get('net')").startswith("relu,")


def test_the_tree_is_walked_by_keys_and_says_its_rules(lab_page):
    page = lab_page
    page.open("?exhibit=convex")
    rule = page.get_by_test_id("tree-rule")
    rule.filter(has_text="matrix product is unknown").wait_for()
    page.locator(".tree [tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    rule.filter(has_text="relu is convex: the maximum of convex functions").wait_for()
    page.keyboard.press("Home")
    rule.filter(has_text="sum of terms is unknown").wait_for()
    page.keyboard.press("End")
    rule.filter(has_text="2.bias is constant").wait_for()
    page.locator(".tree li", has_text="relu").hover()
    rule.filter(has_text="relu is convex").wait_for()


def test_the_map_leads_to_the_question(lab_page):
    page = lab_page
    page.open("?exhibit=convex&signs=last&known=minus")
    cell = page.get_by_test_id("map-first-logistic")
    cell.wait_for()
    assert cell.get_attribute("aria-label") == "first layer, logistic: convex"
    page.get_by_test_id("known-plus").check()
    page.get_by_role("button", name="first layer, logistic: not convex").click()
    page.get_by_test_id("verdict").filter(has_text="the logistic loss in 0.bias").wait_for()
    assert page.get_by_test_id("wrt-first").is_checked()
    assert page.get_by_test_id("data").input_value() == "plus"
    assert page.get_by_test_id("loss").input_value() == "logistic"


def test_teachers_hide_what_they_like(lab_page):
    page = lab_page
    page.open("?exhibit=convex&hide=layers,map,repairs,ready&present")
    page.get_by_test_id("verdict").filter(has_text="Not convex").wait_for()
    for name in ("layers", "repairs", "ready"):
        assert not page.get_by_test_id(name).is_visible()
    assert not page.locator(".training-map").is_visible()  # its table would be empty at first
    assert page.get_by_test_id("segment").is_visible()


def test_an_address_of_nonsense_shows_the_usual(lab_page):
    page = lab_page
    page.open("?exhibit=convex&inputs=99&seed=-1.5&loss=x&data=x&signs=x&known=x&given=maybe")
    page.get_by_test_id("verdict").filter(has_text="Not convex").wait_for()
    page.get_by_test_id("map-first-none").wait_for()
    assert page.get_by_test_id("inputs").input_value() == "4"
