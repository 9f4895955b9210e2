"""Piecewise-linear functions of any depth are decided, with certificates that are re-proved."""

import copy
import json
from dataclasses import replace
from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.analysis import convexity
from cvxnet.analysis.answers import answer
from cvxnet.analysis.derivation import derived
from cvxnet.analysis.evidence import Proof, Unfinished
from cvxnet.analysis.methods import METHODS
from cvxnet.analysis.provers.pieces import prove_by_pieces
from cvxnet.analysis.questions import ask_about_expression, ask_about_network
from cvxnet.analysis.spaces import Space

x = cp.Variable(name="x")
z = cp.Variable(2, name="z")
w = cp.Variable(3, name="w")


def network(seed, inputs, *widths, bad=-0.05):
    """A deep input-convex network, but for one weight of a layer behind the first."""
    rng = np.random.default_rng(seed)
    sizes, layers, weights = [inputs, *widths, 1], [], {}
    for place, (last, size) in enumerate(pairwise(sizes)):
        layers += [cn.Linear(last, size), cn.ReLU()]
        W = rng.normal(size=(size, last))
        weights[f"{2 * place}.weight"] = np.abs(W) if place else W
        weights[f"{2 * place}.bias"] = rng.normal(size=size)
    W = weights[f"{2 * rng.integers(1, len(sizes) - 1)}.weight"]
    W[tuple(rng.integers(n) for n in W.shape)] = bad
    return cn.Sequential(*layers[:-1]).load_state_dict(weights)


def is_proved(verdict):
    """Whether the certificate's own claims are re-proved from its text; others have their tests."""
    document = json.loads(json.dumps(verdict.certificate.to_dict()))
    own = (None, "pieces")  # refuted, or by pieces
    document["claims"] = [c for c in document["claims"] if c["proof"].get("kind") in own]
    return not document["claims"] or cn.check(document).valid


@pytest.mark.parametrize("widths", [(2, 4, 4), (3, 8, 8), (2, 5, 5, 5), (8, 16, 16)])
@pytest.mark.parametrize("bad", [-0.05, -1.0])
def test_a_network_with_one_bad_weight_is_decided(widths, bad):
    for seed in range(2):
        verdict = convexity(network(seed, *widths, bad=bad), wrt="input", complete=False)
        assert verdict.convex is not None and verdict.concave is False
        assert is_proved(verdict)


def expression(rng, argument, depth):
    """A random piecewise-linear function with small whole numbers, so that kinks meet."""
    if depth == 0:
        return rng.integers(-2, 3, size=argument.size) @ argument + int(rng.integers(-1, 2))
    one, two = (expression(rng, argument, depth - 1) for _ in range(2))
    factor = int(rng.choice([-1, 1, 2]))
    made = (
        lambda: cp.abs(one) * factor + two,
        lambda: cp.maximum(one, two) * factor,
        lambda: cp.minimum(one, two) + cp.pos(one) * factor,
        lambda: cp.max(cp.hstack([one, two, 0])) * factor,
        lambda: cp.norm1(cp.hstack([one, two])) * factor - one,
        lambda: cp.sum_largest(cp.hstack([one, two, 1]), 2) + two * factor,
    )
    return made[rng.integers(len(made))]()


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_piecewise_linear_is_decided_and_random_midpoints_agree(seed):
    rng = np.random.default_rng(seed)
    question = ask_about_expression(expression(rng, (cp.Variable(1), z, w)[seed % 3], 2))
    if not question.unknowns:
        return
    verdict = answer(question, METHODS)
    assert verdict.convex is not None and verdict.concave is not None and is_proved(verdict)
    space = Space(question, question.tape())
    a, b = (3.0 * rng.normal(size=(2000, space.size)) for _ in range(2))
    gap = space.f(0.5 * (a + b), {}) - 0.5 * (space.f(a, {}) + space.f(b, {}))
    assert not (verdict.convex and gap.max() > 1e-9)
    assert not (verdict.concave and gap.min() < -1e-9)


RELU = cp.pos
CLIPPED = cn.HardTanh()(cp.reshape(x, (1, 1), order="F"))
DECIDED = {
    "a unit of a unit": (RELU(x) - 0.5 * RELU(RELU(x)), True),
    "the same, upside down": (0.5 * RELU(RELU(x)) - RELU(x), False),
    "a kink that another one fills on one side": (
        RELU(2 * RELU(x) - RELU(RELU(x)) + z[0]) - 0.5 * RELU(RELU(x) + z[0]),
        True,
    ),
    "a network without biases": (
        RELU(RELU(z[0]) + RELU(z[1])) - 0.5 * RELU(RELU(z[0]) + RELU(z[1]) - RELU(z[0])),
        True,
    ),
    "a mirrored unit that is not there": (RELU(-RELU(x)) + x, True),
    "maxout": (cp.max(w) + cp.maximum(w[0] - w[1], 2 * w[2] - 1) - 0.5 * cp.max(w), True),
    "maxout too often": (cp.max(w) - 1.5 * cp.max(w[:2]), False),
    "a leaky unit of a leaky unit": (cn.LeakyReLU(0.1)(cn.LeakyReLU(0.5)(z)), True),
    "bent twice": (cp.abs(cp.abs(x) - 1) + 2 * RELU(1 - cp.abs(x)), False),
    "bent back": (cp.abs(cp.abs(x) - 1) + 2 * cp.maximum(1 - cp.abs(x), 0) + 4 * cp.abs(x), True),
    "clipped": (CLIPPED + RELU(x - 1), True),
    "clipped and mended": (CLIPPED + RELU(x - 1) + RELU(-1 - x) + RELU(x + 1) + RELU(1 - x), None),
    "three entries": (cp.hstack([cp.abs(cp.abs(z[0]) + 1), RELU(RELU(z[1])), z[0]]), True),
    "the largest sum": (cp.sum_largest(w, 2) - cp.max(w), False),
    "sorted": (2 * cp.sum_largest(w, 2) - cp.sum_largest(w, 1) + cp.norm_inf(w), None),
}


@pytest.mark.parametrize("name", DECIDED)
def test_kinks_that_meet_are_decided(name):
    """Where the truth is not written down, it is what random midpoints say."""
    thing, truth = DECIDED[name]
    verdict = convexity(thing, complete=False)
    assert verdict.convex is not None and is_proved(verdict)
    if truth is not None:
        assert verdict.convex is truth


def test_a_domain_counts():
    folded = cp.abs(x) - 2 * RELU(x - 3)
    assert convexity(folded).convex is False
    assert convexity(folded, where=[x <= 3]).convex is True
    assert convexity(folded, where=[x <= 3.5]).convex is False
    tilted = cp.abs(cp.abs(z[0]) - 1) + z[1]
    assert convexity(tilted).convex is False
    inside = convexity(tilted, where=[z[0] + z[1] >= 2, z[1] <= 1])
    assert inside.convex is True and is_proved(inside)


def test_parameters_shift_kinks():
    p = cp.Parameter(name="p")
    verdict = convexity(RELU(RELU(x - p) + 2) - cp.abs(p))
    assert verdict.convex is True and is_proved(verdict)


# ---------------------------------------------------------------- the checker


def certificate():
    """A verdict that needs trees, and that is not true where the weight is larger."""
    return convexity(network(0, 3, 8, 8), complete=False).certificate.to_dict()


def test_a_changed_weight_is_found_out():
    document = certificate()
    kept = [c for c in document["claims"] if c["says"] == "convex"]
    assert kept and cn.check({**document, "claims": kept}).valid
    for node in kept[0]["nodes"]:
        if node["atom"] == "constant" and min(node["entries"]) == -0.05:
            node["entries"] = [-50.0 if v == -0.05 else v for v in node["entries"]]
    assert not cn.check({**document, "claims": kept}).valid


@pytest.mark.parametrize(
    "tree",
    [
        [],
        ["kink", "kink"],
        [1, "kink"],
        [[]],
        [[["sign", 0]]],
        [[["part", 1]]],
        [[["domain", 0]]],
        [True, "kink", "kink"],
        [10**9, "kink", "kink"],
        [None],
        [{"kind": "kink"}],
        [[["sign"]]],
        [[3]],
    ],
)
def test_nothing_else_proves_that_a_function_is_convex(tree):
    """Neither for a function that is not convex, whatever the tree."""
    document = convexity(cp.abs(cp.abs(x) - 1) + 0 * x).certificate.to_dict()
    claim = copy.deepcopy(document["claims"][0])
    claim["says"] = "convex"
    for together in ([], [0], [0, 1, 2]):
        trees = {str(k): tree for k in range(3)}
        claim["proof"] = {"kind": "pieces", "entries": [{"trees": trees, "together": together}]}
        assert not cn.check({**document, "claims": [claim]}).valid


def test_a_counterexample_names_the_unit():
    question = ask_about_network(network(1, 3, 8, 8, bad=-1.0), "input", None, None, None, 0.0)
    for goal in ("convex", "concave"):
        for finding in prove_by_pieces(derived(question), goal):
            assert isinstance(finding, Proof) or " of layer " in finding.found_by


# ------------------------------------------------------------- time, progress


def test_what_is_not_finished_says_how_far_it_came():
    told = []
    thing = network(0, 3, 8, 8)
    verdict = convexity(thing, complete=False, time_limit=1e-6, progress=told.append)
    assert verdict.convex is None and "were tried within 1e-06 s" in verdict.reasons["convex"]
    question = ask_about_network(thing, "input", None, None, None, 0.0)
    (found,) = prove_by_pieces(replace(derived(question), seconds=1e-6), "convex")
    assert isinstance(found, Unfinished) and " kinks: unfinished" in found.text
    assert convexity(thing, complete=False, time_limit=20).convex is not None


@pytest.mark.parametrize("wrong", [{"time_limit": -1}, {"progress": 3}])
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(cn.InputError, match=next(iter(wrong))):
        convexity(cp.abs(x), **wrong)


# --------------------------------------------------- layers, monotone, boxes


def given(seed, *layers):
    """The layers with random weights, of which those behind the first are positive mostly."""
    rng = np.random.default_rng(seed)
    net = cn.Sequential(*layers)
    weights = {name: rng.normal(size=np.shape(t)) for name, t in net.named_tensors().items()}
    return net.load_state_dict({k: np.abs(w) if "0." not in k else w for k, w in weights.items()})


LAYERS = {
    "maxout": (cn.Linear(2, 6), cn.Maxout(2), cn.Linear(3, 3), cn.ReLU(), cn.Linear(3, 1)),
    "leaky": (cn.Linear(2, 4), cn.LeakyReLU(0.1), cn.Linear(4, 3), cn.LeakyReLU(0.2)),
    "abs": (cn.Linear(2, 3), cn.Abs(), cn.Linear(3, 3), cn.ReLU(), cn.Linear(3, 2)),
    "clipped": (cn.Linear(2, 3), cn.HardTanh(), cn.Linear(3, 2), cn.ReLU(), cn.Linear(2, 1)),
    "residual": (
        cn.Linear(2, 3),
        cn.Residual(cn.Sequential(cn.Linear(3, 3), cn.ReLU(), cn.Linear(3, 3))),
        cn.ReLU(),
        cn.Linear(3, 1),
    ),
    "images": (
        cn.Conv2d(1, 2, 2, image=(3, 3)),
        cn.ReLU(),
        cn.MaxPool2d(2, channels=2, image=(2, 2)),
        cn.Linear(2, 2),
        cn.ReLU(),
        cn.Linear(2, 1),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_piecewise_linear_layer_is_decided(name):
    verdict = convexity(given(0, *LAYERS[name]), complete=False)
    assert verdict.convex is not None and verdict.concave is not None and is_proved(verdict)


def test_monotone_in_each_input():
    found = cn.monotonicity(
        cn.Sequential(cn.Linear(2, 1)).load_state_dict({"0.weight": [[1.0, -2.0]], "0.bias": [0.0]})
    )
    assert (found.rising, found.falling) == ((True, False), (False, True))
    f = cp.maximum(cp.abs(z[0]) + z[1], 3 * z[1]) - 0.5 * RELU(z[1])
    found = cn.monotonicity(f)
    assert (found.rising, found.falling) == ((False, True), (False, False))
    for (place, way), ends in found.steps.items():
        z.value = ends[0]
        first = f.value
        z.value = ends[1]
        assert bool(f.value < first) is (way == "rising") and ends[1][place] > ends[0][place]
    z.value = None
    assert cn.monotonicity(f, where=(0, None)).rising == (True, True)
    assert cn.monotonicity(cp.exp(x)).rising == (None,)


@pytest.mark.parametrize("seed", range(6))
def test_monotone_agrees_with_differences(seed):
    rng = np.random.default_rng(seed)
    question = ask_about_expression(expression(rng, (cp.Variable(1), z)[seed % 2], 2))
    found = cn.monotonicity(question.expression)
    assert None not in found.rising + found.falling
    space = Space(question, question.tape())
    a = 3.0 * rng.normal(size=(3000, space.size))
    for k in range(space.size):
        b = a + rng.exponential(size=(3000, 1)) * np.eye(space.size)[k]
        difference = space.f(b, {}) - space.f(a, {})
        assert not (found.rising[k] and difference.min() < -1e-9)
        assert not (found.falling[k] and difference.max() > 1e-9)


def test_the_largest_box():
    folded = cn.Sequential(cn.Linear(1, 2), cn.ReLU(), cn.Linear(2, 1)).load_state_dict(
        {
            "0.weight": [[1.0], [1.0]],
            "0.bias": [0.0, -3.0],
            "2.weight": [[2.0, -1.0]],
            "2.bias": [0.0],
        }
    )
    box = cn.largest_convex_box(folded, [1.0], gap=1e-4)
    assert box.lower <= 2.0 <= box.upper <= box.lower * (1 + 2e-4)
    assert box.inside.convex is True and box.outside.convex is False and is_proved(box.inside)
    data = cn.largest_convex_box(folded, [[-1.0], [1.0], [0.5]])
    assert data.lower <= 3.0 <= data.upper and data.center == 0.0 and data.half_widths == 1.0
    everywhere = cn.largest_convex_box(
        cn.Sequential(cn.Linear(1, 1)).load_state_dict({"0.weight": [[1.0]], "0.bias": [0.0]}),
        [0.0],
    )
    assert everywhere.lower == np.inf
    with pytest.raises(cn.InputError, match="half_widths"):
        cn.largest_convex_box(folded, [1.0], [-1.0])


def test_an_input_whose_bounds_meet_is_counted_and_moves_nothing():
    z = cp.Variable(2, name="z")
    found = cn.monotonicity(z[0] - 2 * z[1], where=([1, 0], [1, 3]))
    assert found.rising == (True, False) and found.falling == (True, True)


def test_free_parameters_are_no_inputs():
    found = cn.monotonicity(cp.abs(cp.Variable(name="z")) + cp.Parameter(name="shift"))
    assert found.rising == (False,) and found.falling == (False,)


def test_what_is_missing_or_of_another_size_is_named():
    network = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))
    with pytest.raises(cn.InputError, match=r"0\.weight has no value"):
        cn.monotonicity(network)
    with pytest.raises(cn.InputError, match="3 entries; the network has 2 inputs"):
        cn.largest_convex_box(network, [0.0, 0.0, 0.0])
