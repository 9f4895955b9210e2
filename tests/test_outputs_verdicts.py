"""Verdicts on networks with several outputs and their losses, cross entropy above all.

The truth of every row is known by hand. The loss of a sample of class l is the log-sum-exp of
``f_k - f_l`` over all classes k: convex in whatever makes every such difference convex. So the
score of the class itself may bend down and those of the others up.
"""

import copy
import json

import cvxpy as cp
import numpy as np
import pytest

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis import convexity
from cvxnet.analysis.documents import counterexample_document
from cvxnet.analysis.questions import ask_about_network
from cvxnet.analysis.spaces import Space
from cvxnet.analysis.tape import Tape
from cvxnet.errors import InputError
from cvxnet.losses import LOSSES, get_loss
from cvxnet.proofs.checker.witness import check_witness

T, F = True, False
UP, CE = {"nonneg": True}, "cross_entropy"
ENTRYWISE = sorted(name for name, loss in LOSSES.items() if not loss.classes)
X3 = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]])
THREE = {"loss": CE, "data": (X3, ["a", "c", "b"])}
ONE_SAMPLE = {"loss": CE, "data": ([[1.0, 2.0]], [1])}


def net(*layers):
    return L.Sequential(*layers)


def shared(act=L.ReLU, **sign):
    """Three units that three outputs share."""
    return net(L.Linear(2, 3), act(), L.Linear(3, 3, **sign))


def post():
    """The network of the question that started it: two output nodes, no weight below zero."""
    return net(L.Linear(2, 2, False, **UP), L.ReLU(), L.Linear(2, 2, False, **UP))


def with_outputs(*rows):
    """A first layer of two units in question under output weights that are given."""
    network = net(L.Linear(2, 2), L.ReLU(), L.Linear(2, len(rows), False))
    network.layers[2].weight = np.array(rows, float)
    return network


def given(hidden, out):
    """Units of one input without biases, all weights given."""
    hidden, out = np.array(hidden, float)[:, None], np.array(out, float)
    network = net(L.Linear(1, len(hidden), False), L.ReLU(), L.Linear(len(hidden), len(out), False))
    return network.load_state_dict({"0.weight": hidden, "2.weight": out})


def first(labels, *rows):
    """Cross entropy in the first layer under given output weights, with these labels."""
    return with_outputs(*rows), {"loss": CE, "wrt": "0", "data": (np.eye(2), labels)}


LINEAR = net(L.Linear(2, 3))
DEEP = net(L.Linear(2, 2), L.Linear(2, 3))
LAYERS = net(L.Linear(2, 2), L.ReLU(), L.Linear(2, 2, **UP), L.ReLU(), L.Linear(2, 3))

# (reason, thing, options, convex, concave)
ROWS = [
    # cross entropy
    ("softmax regression", LINEAR, {"loss": CE}, T, F),
    ("softmax regression on data", LINEAR, THREE, T, F),
    ("scores are affine in the input", LINEAR, {"loss": CE, "wrt": "input"}, T, F),
    ("two layers multiply", shared(), {"loss": CE}, F, F),
    ("two layers multiply on data", shared(), THREE, F, F),
    ("last layer", shared(), {"loss": CE, "wrt": "2"}, T, F),
    ("last layer after tanh", shared(L.Tanh), {"loss": CE, "wrt": "2"}, T, F),
    ("last layer on data", shared(), THREE | {"wrt": "2"}, T, F),
    ("output biases", shared(), {"loss": CE, "wrt": "2.bias"}, T, F),
    ("first layer", shared(), {"loss": CE, "wrt": "0"}, F, F),
    ("convex scores, but the own one counts negative", shared(**UP), {"loss": CE, "wrt": "0"},
     F, F),
    ("the same on data", shared(**UP), THREE | {"wrt": "0"}, F, F),
    ("the same in the input", shared(**UP), {"loss": CE, "wrt": "input"}, F, F),
    ("the same in hidden biases", shared(**UP), {"loss": CE, "wrt": "0.bias"}, F, F),
    ("first of two linear layers", DEEP, {"loss": CE, "wrt": "0"}, T, F),
    ("second of two linear layers", DEEP, {"loss": CE, "wrt": "1"}, T, F),
    ("two linear layers", DEEP, {"loss": CE}, F, F),
    ("layer 4 of three", LAYERS, {"loss": CE, "wrt": "4"}, T, F),
    ("layer 2 of three", LAYERS, {"loss": CE, "wrt": "2"}, F, F),
    ("input and first layer multiply", LINEAR, {"loss": CE, "wrt": ["input", "0"]}, F, F),
    ("input and bias", LINEAR, {"loss": CE, "wrt": ["input", "0.bias"]}, T, F),
    ("the own score bends down", *first([0, 0], [-1, -1], [1, 0], [2, 1]), T, F),
    ("that of another class more", *first([0, 0], [-1, -1], [1, 0], [-4, 0]), F, F),
    ("some sample is of a class that bends up", *first([0, 1], [-1, -1], [1, 0], [2, 1]), F, F),
    ("labels unknown", with_outputs([-1, -1], [1, 0], [2, 1]), {"loss": CE, "wrt": "0"}, F, F),
    ("own score zero", *first([0, 0], [0, 0], [1, 1]), T, F),
    ("other score zero", *first([1, 1], [0, 0], [1, 1]), F, F),
    ("own score zero, the other below", *first([0, 0], [0, 0], [-1, -1]), F, F),
    ("relu(x) - relu(-x) is affine", given([1, -1], [[1, -1], [2, -2]]),
     {"loss": CE, "wrt": "input", "data": ([[1.0]], [0])}, T, F),
    ("|x| against 0, class 1", given([1, -1], [[1, 1], [0, 0]]),
     {"loss": CE, "wrt": "input", "data": ([[1.0]], [1])}, T, F),
    ("|x| against 0, class 0", given([1, -1], [[1, 1], [0, 0]]),
     {"loss": CE, "wrt": "input", "data": ([[1.0]], [0])}, F, F),
    ("weight decay does not save it", net(L.Linear(1, 1, False), L.Linear(1, 2, False)),
     {"loss": CE, "data": ([[1.0]], [0]), "weight_decay": 0.1}, F, F),
    # two output nodes, weights and inputs >= 0: no unit ever clips, so every layer is affine
    ("two nodes: all weights", post(), {"loss": CE, "wrt": "weights", "inputs": "nonneg"}, F, F),
    ("two nodes: all weights, one sample", post(), ONE_SAMPLE, F, F),
    ("two nodes: first layer", post(), {"loss": CE, "wrt": "0", "inputs": "nonneg"}, T, F),
    ("two nodes: first layer, one sample", post(), ONE_SAMPLE | {"wrt": "0"}, T, F),
    ("two nodes: last layer", post(), {"loss": CE, "wrt": "2", "inputs": "nonneg"}, T, F),
    ("two nodes: last layer, one sample", post(), ONE_SAMPLE | {"wrt": "2"}, T, F),
    ("two nodes: input", post(), {"loss": CE, "wrt": "input", "inputs": "nonneg"}, T, F),
    ("two nodes: the scores alone", post(), {"wrt": "weights", "inputs": "nonneg"}, F, F),
    ("inputs of any sign clip: first layer", post(), {"loss": CE, "wrt": "0"}, F, F),
    ("inputs of any sign clip: input", post(), {"loss": CE, "wrt": "input"}, F, F),
    ("inputs of any sign: last layer", post(), {"loss": CE, "wrt": "2"}, T, F),
    # sums over the outputs
    *[(f"linear model, {loss}", LINEAR, {"loss": loss}, T, F) for loss in ENTRYWISE],
    *[(f"two layers, {loss}", shared(), {"loss": loss}, F, F) for loss in ENTRYWISE],
    *[(f"last layer, {loss}", shared(L.Tanh), {"loss": loss, "wrt": "2"}, T, F)
      for loss in ENTRYWISE],
    *[(f"first layer, {loss}", shared(**UP), {"loss": loss, "wrt": "0"}, F, F)
      for loss in ENTRYWISE],
    *[(f"first of two linear layers, {loss}", DEEP, {"loss": loss, "wrt": "0"}, T, F)
      for loss in ENTRYWISE],
    *[(f"no label +1, {loss}", shared(**UP),
       {"loss": loss, "wrt": "0", "data": (np.eye(2), -np.ones((2, 3)))}, T, F)
      for loss in ("logistic", "hinge", "squared_hinge")],
    *[(f"one label +1, {loss}", shared(**UP),
       {"loss": loss, "wrt": "0", "data": (np.eye(2), [[-1, -1, -1], [-1, 1, -1]])}, F, F)
      for loss in ("logistic", "hinge", "squared_hinge")],
    ("targets below scores >= 0", net(L.Linear(2, 3), L.ReLU()),
     {"loss": "squared", "data": (np.eye(2), -np.ones((2, 3)))}, T, F),
    ("one target above", net(L.Linear(2, 3), L.ReLU()),
     {"loss": "squared", "data": (np.eye(2), [[-1, -1, -1], [-1, 1, -1]])}, F, F),
    # without a loss: convex when every output is
    ("outputs of any sign", shared(), {}, F, F),
    ("outputs that all bend up", shared(**UP), {}, T, F),
    ("one up, one down", with_outputs([1, 1], [-1, -1]), {"wrt": "0"}, F, F),
    ("one up, one idle", with_outputs([1, 1], [0, 0]), {"wrt": "0"}, T, F),
    ("last layer of the network", shared(), {"wrt": "2"}, T, T),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_the_answer_is_right(row):
    _, thing, options, convex, concave = row
    verdict = convexity(thing, **options, complete=False)
    assert (verdict.convex, verdict.concave) == (convex, concave)
    for goal, witness in verdict.counterexamples.items():
        assert getattr(verdict, goal) is False and witness.verify()
    if convex:
        assert len(verdict.derivation) and no_midpoint_is_above(verdict.question)
    else:
        assert verdict.blame is not None and verdict.blame.needs


def no_midpoint_is_above(question):
    """Random segments, for what is proved."""
    space = Space(question, Tape([question.expression]), 1)
    a, b = space.draw(200, False), space.draw(200, False)
    free = space.draw_free(200, False)
    f_a, f_b, middle = (space.f(point, free) for point in (a, b, 0.5 * (a + b)))
    return (middle <= 0.5 * (f_a + f_b) + 1e-9 * (1.0 + np.abs(f_a) + np.abs(f_b))).all()


def test_the_two_node_question_in_words():
    """Each layer alone is convex, both together are not, and that is offered as a repair."""
    verdict = convexity(post(), **ONE_SAMPLE)
    assert verdict.blocks["single"] == {"0": True, "2": True}
    assert verdict.blocks["maximal"] == [("0",), ("2",)]
    assert verdict.blame.layer == "2" and "multiplied" in verdict.blame.rule
    changes = [repair.change for repair in verdict.repairs]
    assert changes[0] == "train layer 0 only" and changes[1].startswith("train layer 2 only")
    assert all(repair.verdict.convex for repair in verdict.repairs)
    assert verdict.counterexample.arithmetic == "ball"


def test_training_two_layers_is_lifted_to_a_convex_program():
    for options in ({"loss": CE}, THREE, {"loss": "squared", "data": (X3, X3 @ np.eye(2, 3))}):
        lifts = [r for r in convexity(shared(), **options).repairs if r.change.startswith("lift")]
        assert len(lifts) == 1 and lifts[0].verdict.convex


def test_the_entry_that_fails_is_the_output_that_bends_down():
    witness = convexity(with_outputs([1, 1], [-1, -1]), wrt="0").counterexamples["convex"]
    assert witness.entry == (0, 1)


@pytest.mark.parametrize("label", [0, 1])
def test_two_classes_are_the_logistic_loss_of_the_difference(label):
    """``log(exp f_0 + exp f_1) - f_l`` is ``log(1 + exp(-s (f_1 - f_0)))``."""
    scores = np.random.default_rng(0).normal(size=(5, 2))
    y = np.eye(2)[[label] * 5]
    ours = get_loss(CE).expression(cp.Constant(scores), y).value
    signs = np.full(5, 2.0 * label - 1.0)
    assert np.isclose(ours, get_loss("logistic").value(scores[:, 1] - scores[:, 0], signs))


def test_labels_of_any_kind_mean_the_same():
    """Words in order, numbers of outputs, rows with a 1; a class without samples may be there."""
    kinds = [["a", "b", "b", "c"], np.array(["a", "b", "b", "c"], object), [0, 1, 1, 2],
             [[0], [1], [1], [2]], [1.0, 5.0, 5.0, 7.0], np.eye(3)[[0, 1, 1, 2]]]  # fmt: skip
    X = np.vstack([X3, X3[:1]])
    found = [ask_about_network(LINEAR, "weights", CE, (X, y), None, 0.0) for y in kinds]
    space = [Space(q, Tape([q.expression]), 0) for q in found]
    points = space[0].draw(20, False)
    values = [s.f(points, {}) for s in space]
    assert all(np.array_equal(v, values[0]) for v in values)
    assert convexity(LINEAR, loss=CE, data=(X, [2, 0, 0, 0])).convex  # nobody is of class 1


@pytest.mark.parametrize(
    ("network", "loss", "data", "message"),
    [
        (net(L.Linear(2, 1)), CE, (X3, [0, 1, 1]), 'the network has 1.*loss="logistic"'),
        (net(L.Linear(2, 1)), CE, None, "one output for each class"),
        (LINEAR, CE, (X3, ["a", "b", "b"]), "2 classes, but the network has 3 outputs.*0 to 2"),
        (LINEAR, CE, (X3, [0, 1, 3.5]), "not whole"),
        (LINEAR, CE, (X3, ["a", 1, "b"]), "several kinds"),
        (LINEAR, CE, (X3, ["a", None, "b"]), r"y\[1\] is None"),
        (LINEAR, CE, (X3, np.ones((3, 3))), "a 1 for its class"),
        (LINEAR, CE, (X3, np.eye(2)[[0, 1, 1]]), "3 outputs, but y has 2 columns"),
        (LINEAR, CE, (X3, [0, 1]), "shape"),
        (LINEAR, "squared", (X3, [0, 1, 2]), "3 outputs, but y has 1 column"),
        (LINEAR, "squared", (X3, [[0, 1, np.nan]] * 3), r"y\[0, 2\] is nan"),
        (LINEAR, "logistic", (X3, np.arange(9.0).reshape(3, 3)), "two classes"),
        (net(L.Linear(2, 1)), "squared", (X3, X3), "1 output, but y has 2 columns"),
    ],
)
def test_targets_that_do_not_fit_are_refused(network, loss, data, message):
    with pytest.raises(InputError, match=message):
        convexity(network, loss=loss, data=data)


def test_the_checker_holds_unknown_labels_to_one_class():
    """A verified counterexample with the label changed to what is none proves nothing."""
    witness = convexity(post(), loss=CE, inputs="nonneg", wrt="weights").counterexample
    question = witness._question
    leaves = {question.name(leaf): id(leaf) for leaf in Tape([question.expression]).leaves()}
    points = [{leaves[n]: v for n, v in part.items()} for part in (witness.a, witness.b,
                                                                   witness.fixed)]  # fmt: skip
    document = counterexample_document(question, tuple(points), "convex", witness.entry)
    document = json.loads(json.dumps(document))  # places become text
    place = next(str(k) for k, n in enumerate(document["nodes"])
                 if n.get("attributes") == ["one_hot"])  # fmt: skip
    assert check_witness(document).proved
    for wrong in ([1.0, 1.0], [0.0, 0.0], [0.5, 0.5], [2.0, -1.0]):
        changed = copy.deepcopy(document)
        changed["fixed"][place] = wrong
        assert not check_witness(changed).proved
        for bounds in ("low", "high"):
            changed["nodes"][int(place)][bounds] = [None, None]
        assert "not one_hot" in check_witness(changed).reason
