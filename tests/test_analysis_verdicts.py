"""What a verdict carries: derivation, blame, blocks, disciplines, repairs, pictures, JSON."""

import json
import xml.etree.ElementTree as ElementTree
from io import StringIO

import cvxpy as cp
import numpy as np
import pytest
from rich.console import Console

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis import convexity
from cvxnet.analysis.show import grow_tree, lines_of
from cvxnet.errors import InputError

UP = {"nonneg": True}


def net(*layers):
    return L.Sequential(*layers)


def given(network):
    return network.load_state_dict(network.state_dict())


def two_layers(**last):
    return net(L.Linear(2, 4), L.ReLU(), L.Linear(4, 1, **last))


# derivation and blame


def test_the_derivation_names_layers_signs_curvature_and_rules():
    verdict = convexity(two_layers(**UP))
    steps = {(s.layer, s.name): s for s in verdict.derivation}
    relu = steps["1", "relu"]
    assert (relu.curvature, relu.sign, relu.monotone) == (
        "convex", "nonnegative", ("rising", "rising"),
    )  # fmt: skip
    product = steps["2", "matrix product"]
    assert product.curvature == "convex" and product.monotone == ("rising", "affine")
    assert verdict.derivation.root.layer == "2"
    assert all(step.rule for step in verdict.derivation)
    assert all(k < place for place, s in enumerate(verdict.derivation) for k in s.args)


def test_blame_names_the_layer_the_entry_and_the_sign():
    network = given(two_layers())
    network[2].weight = [[1.0, 0.5, -0.31, 2.0]]
    blame = convexity(network).blame
    assert (blame.layer, blame.entry) == ("2", "2.weight[0, 2] = -0.31")
    assert "1 of 4 factors" in blame.rule and ">= 0" in blame.needs


def test_blame_names_a_weight_that_was_not_given():
    blame = convexity(two_layers()).blame
    assert blame.layer == "2" and "2.weight" in blame.rule and "nonneg=True" in blame.needs


def test_blame_names_products_activations_and_directions():
    assert "0.weight" in convexity(net(L.Linear(2, 1)), ["input", "0"]).blame.rule
    blame = convexity(net(L.Linear(2, 2), L.Sigmoid()), "input").blame
    assert blame.layer == "1" and "sigmoid is neither convex nor concave" in blame.rule
    turned = convexity(two_layers(nonpos=True)).blame
    assert turned.layer == "2" and "2.weight" in turned.entry + turned.needs + turned.rule
    assert convexity(two_layers(**UP)).blame is None


def test_shared_nodes_are_shown_once():
    x = cp.Variable(name="x")
    shared = cp.exp(x)
    branches = [b for _, b in lines_of(grow_tree(convexity(shared + cp.square(shared)).derivation))]
    again = [b for b in branches if b.step.name == "exp"]
    assert [b.repeated for b in again] == [False, True]


# counterexamples


def test_a_witness_can_be_computed_by_hand():
    network = net(L.Linear(1, 1, False, **UP), L.ReLU(), L.Linear(1, 1, False, **UP))
    witness = convexity(network, "weights", inputs="nonneg").counterexample
    points = {
        name: (float(a.item()), float(witness.b[name].item())) for name, a in witness.a.items()
    }
    assert sorted(points.values()) == [(0.0, 2.0), (2.0, 0.0)]
    assert witness.f_a == witness.f_b == 0.0 and witness.f_middle > 0
    assert witness.arithmetic == "rational" and witness.verify()


def test_a_tampered_witness_does_not_verify():
    from dataclasses import replace

    witness = convexity(two_layers(), "weights").counterexample
    assert witness.verify()
    assert not replace(witness, b=witness.a).verify()
    assert not replace(witness, refutes="concave").verify()


def test_witnesses_respect_domains():
    network = net(L.Linear(1, 1, False, nonpos=True), L.ReLU(), L.Linear(1, 1, False, **UP))
    witness = convexity(network, "weights", inputs="nonpos").counterexample
    assert (witness.a["0.weight"] <= 0).all() and (witness.b["2.weight"] >= 0).all()
    assert (witness.fixed["x"] <= 0).all()


def test_labels_in_witnesses_are_labels():
    witness = convexity(two_layers(**UP), "0", loss="logistic").counterexample
    assert abs(witness.fixed["y"].item()) == 1.0


def test_one_wrong_weight_in_a_deep_network_is_found():
    network = given(net(L.Linear(4, 20), L.ReLU(), L.Linear(20, 20, **UP), L.ReLU(),
                        L.Linear(20, 1)))  # fmt: skip
    last = np.abs(network[4].weight)
    last[0, 7] = -1.0
    network[4].weight = last
    verdict = convexity(network)
    assert verdict.convex is False and verdict.blame.entry == "4.weight[0, 7] = -1"


# blocks, disciplines, repairs


def test_blocks_of_the_naive_network():
    network = net(L.Linear(2, 2, **UP), L.ReLU(), L.Linear(2, 2, **UP), L.ReLU(),
                  L.Linear(2, 1, **UP))  # fmt: skip
    blocks = convexity(network, "weights").blocks
    assert blocks["single"] == {"0": True, "2": True, "4": True}
    assert blocks["maximal"] == [("0",), ("2",), ("4",)]
    assert convexity(cp.square(cp.Variable())).blocks == {}


def test_blocks_find_sets_that_are_jointly_convex():
    network = net(L.Linear(2, 2), L.Residual(L.ReLU()), L.LayerNorm(2), L.Linear(2, 1))
    assert convexity(network, "weights").blocks["maximal"] == [("2",), ("3",)]
    parallel = L.InputConvex([2, 2, 1])
    blocks = convexity(net(parallel), "weights").blocks
    assert ("0.x0", "0.x1") in blocks["maximal"] and ("0.z1", "0.x1") in blocks["maximal"]


def test_disciplines_of_known_cases():
    positive = net(L.Linear(2, 2, False, **UP), L.ReLU(), L.Linear(2, 1, False, **UP))
    found = convexity(positive, "weights", inputs="nonneg").disciplines
    assert found["log-log convex (DGP)"].startswith("log-log convex")
    assert found["difference of convex (DCCP)"].startswith("yes")
    gate = convexity(net(L.Linear(2, 1), L.Sigmoid()), "input").disciplines
    assert gate["quasiconvex (DQCP)"].startswith("quasiconvex and quasiconcave; CVXPY accepts it")
    assert gate["smooth (DNLP)"].startswith("yes: smooth")
    hidden = convexity(net(L.Linear(2, 2), L.Tanh(), L.Linear(2, 1)), "input").disciplines
    assert hidden["quasiconvex (DQCP)"].startswith("not by the rules")
    assert hidden["log-log convex (DGP)"].startswith("not by the rules")


def test_products_of_concave_functions_of_one_sign_are_quasiconcave():
    up, also = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
    down, down_too = cp.Variable(nonpos=True), cp.Variable(nonpos=True)
    products = {
        "quasiconcave;": (up * also, down * down_too, cp.sqrt(up) * also, down * -up),
        "quasiconvex;": (up * down, cp.sqrt(up) * down),
        "not by the rules;": (up * cp.square(also), cp.square(up) * down, up * cp.Variable()),
    }
    for said, expressions in products.items():
        for expression in expressions:
            line = convexity(expression).disciplines["quasiconvex (DQCP)"]
            assert line.startswith(said), expression
            assert ("CVXPY accepts" in line) == (said != "not by the rules;"), expression
    unit = net(L.Linear(1, 1, False, **UP), L.ReLU(), L.Linear(1, 1, False, **UP))
    line = convexity(unit, "weights", inputs="nonneg").disciplines["quasiconvex (DQCP)"]
    assert line.startswith("quasiconcave")


@pytest.mark.parametrize("seed", range(30))
def test_log_log_claims_hold_on_random_positive_segments(seed):
    from cvxnet.analysis.disciplines import log_log_curvature
    from cvxnet.analysis.spaces import Space

    rng = np.random.default_rng(seed)
    act = [L.ReLU, L.Softplus, L.Square, L.SquaredReLU, L.ELU, L.Abs][rng.integers(6)]()
    network = net(L.Linear(2, 2, bool(rng.integers(2)), **UP), act, L.Linear(2, 1, False, **UP))
    loss = rng.choice([None, "logistic", "squared"])
    options = {} if loss is None else {"loss": str(loss)}
    verdict = convexity(network, "weights", inputs="nonneg", **options)
    tape = verdict.question.tape()
    word, why = log_log_curvature(verdict.question, tape)
    assert word != "unknown" or why
    if loss is None:
        assert word in ("affine", "convex")
    if word == "unknown":
        return
    space = Space(verdict.question, tape)
    u, v = rng.normal(size=(2, 300, space.size))
    free = {
        k: np.exp(rng.normal(size=value.shape)) for k, value in space.draw_free(300, False).items()
    }
    f = [np.log(space.f(np.exp(t), free)) for t in (u, v, (u + v) / 2)]
    assert (f[2] <= (f[0] + f[1]) / 2 + 1e-9).all()


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        (two_layers(), {}, "make the weights of layer 2 >= 0"),
        (given(two_layers()), {}, "make the weights of layer 2 >= 0"),
        (two_layers(), {"wrt": "weights"}, "train layer 2 only"),
        (two_layers(), {"wrt": "0"}, "train layer 2 instead"),
        (two_layers(), {"loss": "squared"}, 'lift exactly: cn.train("relu"'),
        (net(L.Linear(2, 2), L.Tanh()), {}, "replace Tanh (layer 1) by ReLU"),
        (net(L.Linear(2, 2), L.GELU(), L.Linear(2, 1)), {}, "and make the weights of layer 2 >= 0"),
        (net(L.Linear(2, 2), L.SELU(), L.Linear(2, 1, **UP)), {}, "replace SELU (layer 1) by ELU"),
        (net(L.Linear(2, 2, **UP), L.ReLU(), L.Linear(2, 1, **UP)), {"wrt": "weights"},
         "substitute W = exp(V)"),
        (cp.sqrt(1 + cp.square(cp.Variable())), {}, "cp.norm"),
    ],
)  # fmt: skip
def test_repairs_are_offered_and_verified(network, options, words):
    repairs = convexity(network, **options).repairs
    assert any(words in repair.change for repair in repairs), [r.change for r in repairs]
    assert [r.rank for r in repairs] == sorted(r.rank for r in repairs)
    for repair in repairs:
        assert repair.cost and repair.outcome
        assert repair.verdict is None or repair.verdict.convex


def test_clipping_counts_what_it_changes():
    network = given(two_layers())
    network[2].weight = [[1.0, -0.5, -0.25, 0.0]]
    (clip, *_) = convexity(network).repairs
    assert "clips 2 entries, the smallest -0.5" in clip.cost
    assert network[2].weight[0, 1] == -0.5  # the network itself is left alone


def test_what_is_convex_needs_no_repair():
    assert convexity(two_layers(**UP)).repairs == ()


# rendering

VERDICTS = [
    lambda: convexity(two_layers(), "weights", loss="logistic"),
    lambda: convexity(two_layers(**UP)),
    lambda: convexity(cp.sqrt(1 + cp.square(cp.Variable(name="x<&>")))),
    lambda: convexity(cp.Problem(cp.Minimize(cp.Variable(name="t")))),
    lambda: convexity(given(net(*[L.Residual(net(L.Linear(3, 3), L.ReLU())) for _ in range(30)]))),
]


@pytest.mark.parametrize("make", VERDICTS)
def test_every_rendering_says_the_same(make):
    verdict = make()
    text, html = str(verdict), verdict._repr_html_()
    console = Console(width=200, record=True, file=StringIO())
    console.print(verdict)
    headline = text.splitlines()[0]
    assert headline.split(":")[0] in console.export_text()
    assert headline.split(":")[0] in html
    ElementTree.fromstring(verdict.to_svg())
    record = json.loads(json.dumps(verdict.to_dict(), allow_nan=False))
    assert record["convex"] == verdict.convex and record["status"] == verdict.status
    assert len(record["derivation"]) == len(verdict.derivation)


@pytest.mark.parametrize("make", VERDICTS)
def test_what_is_shown_was_found_before(make, monkeypatch):
    """Nothing can be asked without a tape, and no verdict needs one any more."""
    verdict = make()

    def refuse(*_):
        raise AssertionError("a tape is built")

    monkeypatch.setattr("cvxnet.analysis.tape.Tape.__init__", refuse)
    for show in (str, repr, type(verdict)._repr_html_, type(verdict).to_dict, type(verdict).to_svg):
        assert show(verdict)
        assert all(show(part) for part in verdict.parts.values())
    Console(file=StringIO()).print(verdict)
    with pytest.raises(AssertionError, match="a tape is built"):
        convexity(cp.square(cp.Variable()))


def test_parts_of_problems_are_asked_about_more_only_on_request():
    problem = cp.Problem(cp.Minimize(cp.sqrt(1 + cp.square(cp.Variable()))))
    part = convexity(problem).parts["objective"]
    assert "Other disciplines" not in str(part) and part.to_dict()["repairs"] == []
    assert [repair.change for repair in part.repairs] and part.disciplines
    assert "Other disciplines" in str(part) and "Repairs" in str(part)
    assert part.to_dict()["repairs"] == [repair.to_dict() for repair in part.repairs]


def test_names_are_escaped_in_markup():
    html = convexity(cp.square(cp.Variable(name="<script>"))).to_svg()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_curvature_is_never_told_by_colour_alone():
    svg = convexity(two_layers(**UP)).to_svg()
    assert "convex" in svg and "affine" in svg


# speed and size


def test_a_deep_wide_network_is_no_problem():
    layers = [m for k in range(50) for m in (L.Linear(100, 100, nonneg=k > 0), L.ReLU())]
    network = given(net(*layers))
    verdict = convexity(network)
    assert verdict.convex and verdict.concave is False


def test_a_hundred_layers_and_residuals_are_no_problem():
    block = lambda: L.Residual(net(L.ReLU(), L.Linear(5, 5, **UP)))  # noqa: E731
    assert convexity(net(L.Linear(5, 5), *[block() for _ in range(100)])).convex
    assert convexity(net(*[m for _ in range(100) for m in (L.Linear(4, 4, **UP), L.ReLU())])).convex


# problems


def test_problems():
    x, y = cp.Variable(name="x"), cp.Variable(name="y")
    cases = [
        (cp.Problem(cp.Minimize(x * x), [x * y >= 1, x >= 0, y >= 0]), True),
        (cp.Problem(cp.Minimize(cp.square(x)), [x >= 1]), True),
        (cp.Problem(cp.Minimize(x * x), [cp.sqrt(1 + cp.square(y)) <= x]), True),
        (cp.Problem(cp.Maximize(cp.sqrt(x))), True),
        (cp.Problem(cp.Maximize(cp.square(x)), [cp.abs(x) <= 1]), False),
        (cp.Problem(cp.Minimize(x), [cp.square(x) + cp.square(y) == 1]), False),
        (cp.Problem(cp.Minimize(x), [cp.square(x) >= 1]), False),
        (cp.Problem(cp.Minimize(cp.square(cp.square(x) - 1)), [x >= 1]), True),
        (cp.Problem(cp.Minimize(cp.square(cp.square(x) - 1)), [x >= 0]), False),
        (cp.Problem(cp.Minimize(x), [cp.SOC(x, cp.hstack([y, 1.0]))]), True),
        (cp.Problem(cp.Minimize(x + y), [x - y == 1, x >= 0]), True),
    ]
    for number, (problem, expected) in enumerate(cases):
        verdict = convexity(problem)
        assert verdict.convex is expected, number
        assert not problem.is_dcp() or verdict.convex is not False
        assert (verdict.counterexample is not None) == (expected is False)


def test_a_counterexample_to_a_problem_is_feasible():
    x = cp.Variable(name="x")
    problem = cp.Problem(cp.Maximize(cp.square(x)), [x >= 0, x <= 1])
    witness = convexity(problem).counterexample
    assert 0 <= witness.a["x"] <= 1 and 0 <= witness.b["x"] <= 1 and witness.verify()


# questions


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: convexity(5), "cannot judge a int"),
        (lambda: convexity(two_layers(), "7"), "wrt='7' names nothing.*'0', '2'"),
        (lambda: convexity(two_layers(), []), "wrt is empty"),
        (lambda: convexity(two_layers(), inputs="positive"), "inputs is 'nonneg'"),
        (lambda: convexity(two_layers(), loss="sqared"), "unknown loss"),
        (lambda: convexity(two_layers(), "0", loss="squared", data=np.eye(2)), "y is missing"),
        (lambda: convexity(two_layers(), "0", loss="squared", data=(np.eye(2), [1.0])),
         r"shape \(1,\); expected \(2,\)"),
        (lambda: convexity(two_layers(), "0", data=np.eye(3)), "expects 2 columns"),
        (lambda: convexity(two_layers(), "0", loss="logistic", data=(np.eye(2)[[0, 1, 1]],
                                                                     [1, 2, 3])),
         "two classes"),
        (lambda: convexity(cp.Variable(), loss="squared"), "loss= is for networks"),
        (lambda: convexity(cp.Variable(name="x"), "y"), "wrt='y' names no variable.*x"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(ask, message):
    with pytest.raises(InputError, match=message):
        ask()


def test_labels_may_be_zero_and_one():
    data = (np.eye(2), [0, 1])
    assert convexity(net(L.Linear(2, 1)), "0", loss="logistic", data=data).convex


def test_expressions_in_some_of_their_variables():
    x, y = cp.Variable(name="x"), cp.Variable(name="y", nonneg=True)
    assert convexity(y * cp.square(x), "x").convex
    assert convexity(y * cp.square(x), "y").affine
    assert convexity(y * cp.square(x)).convex is False


def test_a_constant_is_affine():
    assert convexity(cp.Constant(3.0) + 1).affine
    assert convexity(cp.sum(cp.Parameter(3))).affine


def test_parameters_are_any_admissible_values():
    a, x = cp.Parameter(name="a"), cp.Variable(name="x")
    verdict = convexity(a * cp.square(x))
    assert verdict.convex is False and verdict.counterexample.fixed["a"] < 0
    assert convexity(cp.Parameter(nonneg=True) * cp.square(x)).convex


def test_domains_that_the_search_does_not_know_stay_unknown():
    S = cp.Variable((2, 2), PSD=True)
    verdict = convexity(cp.quantum_rel_entr(S, S))
    assert verdict.convex and verdict.concave is None


def test_deep_networks_that_are_not_convex_are_refuted_for_all_weights():
    network = net(*[m for _ in range(120) for m in (L.Linear(3, 3), L.ReLU())])
    witness = convexity(network, complete=False).counterexamples["convex"]
    assert witness.verify() and witness.arithmetic == "rational"


def test_iterated_squares_do_not_explode(monkeypatch):
    """No search is finished within its time, however long: short times show that it ends."""
    monkeypatch.setattr("cvxnet.analysis.rewriting.search.SECONDS", 0.1)
    expression = cp.Variable(name="x")
    for _ in range(40):
        expression = expression + cp.square(expression)
    # 2^40 paths lead through it: it would not end
    assert convexity(expression, time_limit=1.0).about


def test_what_takes_long_is_put_off_and_comes_when_asked_for():
    net = L.Sequential(L.Linear(2, 3), L.ReLU(), L.Linear(3, 1))
    whole, alone = convexity(net), convexity(net, complete=False)
    assert (alone.convex, alone.counterexample.gap) == (whole.convex, whole.counterexample.gap)
    assert "Repairs" in str(whole) and "Repairs" not in str(alone)
    assert [each.change for each in alone.repairs] == [each.change for each in whole.repairs]
    assert str(alone).count("Repairs") == 1
