"""The accept/reject table: networks x unknowns x loss x sign of data, with hand-known truth.

No answer may be wrong and at most one in twenty may be unknown. Run this file to print it, with
what CVXPY alone can say beside it.
"""

import time
from functools import cache

import cvxpy as cp
import numpy as np
import pytest

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis import convexity
from cvxnet.losses import LOSSES

T, F = True, False
ONE = np.array([[1.0]])


def net(*layers):
    return L.Sequential(*layers)


def units(act, rows, biases, out, **sign):
    """A given two-layer network: hidden rows and biases, output weights, no output bias."""
    rows, out = np.atleast_2d(np.array(rows, float)), np.atleast_2d(np.array(out, float))
    if rows.shape[0] == 1 and out.shape[1] > 1:
        rows = rows.T
    network = net(L.Linear(rows.shape[1], len(rows)), act, L.Linear(len(rows), 1, False, **sign))
    return network.load_state_dict({"0.weight": rows, "0.bias": biases, "2.weight": out})


def chain(*matrices, act=L.ReLU):
    """A given network without biases."""
    parts = []
    for matrix in matrices:
        matrix = np.atleast_2d(np.array(matrix, float))
        layer = L.Linear(matrix.shape[1], matrix.shape[0], bias=False)
        layer.weight = matrix
        parts += [layer, act()]
    return net(*parts[:-1])


def free(act, **sign):
    return net(L.Linear(2, 3), act, L.Linear(3, 1, **sign))


def three(**signs):
    return net(
        L.Linear(2, 3), L.ReLU(), L.Linear(3, 2, **signs.get("mid", {})), L.ReLU(),
        L.Linear(2, 1, **signs.get("last", {})),
    )  # fmt: skip


def positive(act):
    return net(L.Linear(1, 1, False, nonneg=True), act)


OTHERS = sorted(set(LOSSES) - {"squared", "logistic", "cross_entropy"})
UP, DOWN = {"nonneg": True}, {"nonpos": True}
x, y, z = cp.Variable(name="x"), cp.Variable(name="y"), cp.Variable(3, name="z")
p = cp.Variable(nonneg=True, name="p")

DATA = np.random.default_rng(0).normal(size=(60, 3))
W = cp.Variable(100, name="w")
HALF = np.random.default_rng(1).normal(size=(100, 100))
GRAM = HALF @ HALF.T + np.eye(100)

# (reason, thing, options, convex, concave)
ROWS = [
    # one layer and an activation, in the input, for all weights
    ("affine", net(L.Linear(2, 3)), {}, T, T),
    ("relu is convex", net(L.Linear(2, 3), L.ReLU()), {}, T, F),
    ("leaky, slope in [0, 1]", net(L.Linear(2, 3), L.LeakyReLU(0.1)), {}, T, F),
    ("leaky, slope < 0", net(L.Linear(2, 3), L.LeakyReLU(-0.5)), {}, T, F),
    ("leaky, slope > 1", net(L.Linear(2, 3), L.LeakyReLU(3.0)), {}, F, T),
    ("leaky, slope = 1", net(L.Linear(2, 3), L.LeakyReLU(1.0)), {}, T, T),
    ("elu, alpha = 1", net(L.Linear(2, 3), L.ELU()), {}, T, F),
    ("elu, alpha < 1", net(L.Linear(2, 3), L.ELU(0.5)), {}, T, F),
    ("elu, alpha > 1: slope drops at 0", net(L.Linear(2, 3), L.ELU(2.0)), {}, F, F),
    ("celu, any alpha", net(L.Linear(2, 3), L.CELU(2.0)), {}, T, F),
    ("selu = elu with alpha 1.67", net(L.Linear(2, 3), L.SELU()), {}, F, F),
    ("softplus", net(L.Linear(2, 3), L.Softplus()), {}, T, F),
    ("squared relu", net(L.Linear(2, 3), L.SquaredReLU()), {}, T, F),
    ("square", net(L.Linear(2, 3), L.Square()), {}, T, F),
    ("abs", net(L.Linear(2, 3), L.Abs()), {}, T, F),
    ("squareplus", net(L.Linear(2, 3), L.Squareplus()), {}, T, F),
    ("maxout", net(L.Linear(2, 4), L.Maxout(2)), {}, T, F),
    ("log-sum-exp", net(L.Linear(2, 3), L.LogSumExp()), {}, T, F),
    ("sigmoid", net(L.Linear(2, 3), L.Sigmoid()), {}, F, F),
    ("tanh", net(L.Linear(2, 3), L.Tanh()), {}, F, F),
    ("hardtanh", net(L.Linear(2, 3), L.HardTanh()), {}, F, F),
    ("silu", net(L.Linear(2, 3), L.SiLU()), {}, F, F),
    ("gelu", net(L.Linear(2, 3), L.GELU()), {}, F, F),
    ("softmax", net(L.Linear(2, 3), L.Softmax()), {}, F, F),
    ("sign", net(L.Linear(2, 3), L.Sign()), {}, F, F),
    ("threshold", net(L.Linear(2, 3), L.Threshold()), {}, F, F),
    ("batch norm is affine", net(L.Linear(2, 3), L.BatchNorm(3)), {}, T, T),
    ("layer norm", net(L.Linear(2, 3), L.LayerNorm(3)), {}, F, F),
    # on arguments of one sign
    ("relu never clips", positive(L.ReLU()), {"inputs": "nonneg"}, T, T),
    ("relu is zero", positive(L.ReLU()), {"inputs": "nonpos"}, T, T),
    ("leaky is linear", positive(L.LeakyReLU(0.1)), {"inputs": "nonneg"}, T, T),
    ("elu is linear", positive(L.ELU()), {"inputs": "nonneg"}, T, T),
    ("selu is linear", positive(L.SELU()), {"inputs": "nonneg"}, T, T),
    ("selu on the left", positive(L.SELU()), {"inputs": "nonpos"}, T, F),
    ("abs is linear", positive(L.Abs()), {"inputs": "nonneg"}, T, T),
    ("sigmoid on the right", positive(L.Sigmoid()), {"inputs": "nonneg"}, F, T),
    ("sigmoid on the left", positive(L.Sigmoid()), {"inputs": "nonpos"}, T, F),
    ("tanh on the right", positive(L.Tanh()), {"inputs": "nonneg"}, F, T),
    ("tanh on the left", positive(L.Tanh()), {"inputs": "nonpos"}, T, F),
    ("hardtanh on the right", positive(L.HardTanh()), {"inputs": "nonneg"}, F, T),
    ("threshold is one", positive(L.Threshold()), {"inputs": "nonneg"}, T, T),
    ("silu bends both ways", positive(L.SiLU()), {"inputs": "nonneg"}, F, F),
    ("gelu bends both ways", positive(L.GELU()), {"inputs": "nonneg"}, F, F),
    # two layers in the input, for all weights
    *[
        row
        for act in (L.ReLU(), L.Softplus(), L.ELU(), L.Square(), L.Squareplus(), L.LeakyReLU())
        for row in (
            (f"{act!r}, output >= 0", free(act, **UP), {}, T, F),
            (f"{act!r}, output <= 0", free(act, **DOWN), {}, F, T),
            (f"{act!r}, output free", free(act), {}, F, F),
        )
    ],
    ("sigmoid, output >= 0", free(L.Sigmoid(), **UP), {}, F, F),
    ("square after square >= 0", net(L.Linear(2, 2), L.Square(), L.Linear(2, 2, False, **UP),
                                     L.Square()), {}, T, F),
    ("square after shifted square", net(L.Linear(1, 1), L.Square(), L.Linear(1, 1), L.Square()),
     {}, F, F),
    ("abs after relu >= 0", net(L.Linear(2, 2), L.ReLU(), L.Linear(2, 2, False, **UP), L.Abs()),
     {}, T, F),
    ("abs after shifted relu", net(L.Linear(2, 2), L.ReLU(), L.Linear(2, 2, **UP), L.Abs()),
     {}, F, F),
    ("tanh after relu", net(L.Linear(2, 2), L.ReLU(), L.Tanh()), {}, F, F),
    ("three layers, later >= 0", three(mid=UP, last=UP), {}, T, F),
    ("three layers, middle free", three(last=UP), {}, F, F),
    ("three layers, last free", three(mid=UP), {}, F, F),
    ("three layers, last <= 0", three(mid=UP, last=DOWN), {}, F, T),
    # in the weights
    ("one linear layer", net(L.Linear(2, 1)), {"wrt": "weights"}, T, T),
    ("one relu layer", net(L.Linear(2, 1), L.ReLU()), {"wrt": "weights"}, T, F),
    ("one sigmoid layer", net(L.Linear(2, 1), L.Sigmoid()), {"wrt": "weights"}, F, F),
    ("two linear layers multiply", net(L.Linear(2, 1), L.Linear(1, 1)), {"wrt": "weights"}, F, F),
    ("swap two units", free(L.ReLU()), {"wrt": "weights"}, F, F),
    ("the post's naive claim", net(L.Linear(2, 2, False, **UP), L.ReLU(),
                                   L.Linear(2, 1, False, **UP)),
     {"wrt": "weights", "inputs": "nonneg"}, F, F),
    ("last layer", free(L.ReLU()), {"wrt": "2"}, T, T),
    ("last layer, any activation", free(L.GELU()), {"wrt": "2"}, T, T),
    ("first layer, output >= 0", free(L.ReLU(), **UP), {"wrt": "0"}, T, F),
    ("first layer, output <= 0", free(L.ReLU(), **DOWN), {"wrt": "0"}, F, T),
    ("first layer, output free", free(L.ReLU()), {"wrt": "0"}, F, F),
    ("first layer, tanh", free(L.Tanh(), **UP), {"wrt": "0"}, F, F),
    ("first layer >= 0 on data >= 0 never clips", net(L.Linear(2, 3, False, **UP), L.ReLU(),
                                                      L.Linear(3, 1)),
     {"wrt": "0", "inputs": "nonneg"}, T, T),
    ("layer 0 of three", three(mid=UP, last=UP), {"wrt": "0"}, T, F),
    ("layer 2 of three", three(last=UP), {"wrt": "2"}, T, F),
    ("layer 4 of three", three(), {"wrt": "4"}, T, T),
    ("layer 0, middle free", three(last=UP), {"wrt": "0"}, F, F),
    ("layer 2, last free", three(mid=UP), {"wrt": "2"}, F, F),
    ("two neighbours", three(mid=UP, last=UP), {"wrt": ["0", "2"]}, F, F),
    ("two outer layers", three(mid=UP, last=UP), {"wrt": ["0", "4"]}, F, F),
    ("one bias", free(L.ReLU(), **UP), {"wrt": "0.bias"}, T, F),
    ("both biases", free(L.ReLU(), **UP), {"wrt": ["0.bias", "2.bias"]}, T, F),
    ("first layer and output bias", free(L.ReLU(), **UP), {"wrt": ["0", "2.bias"]}, T, F),
    ("bias and later weight", free(L.ReLU(), **UP), {"wrt": ["0.bias", "2.weight"]}, F, F),
    ("input and first weights multiply", net(L.Linear(2, 1)), {"wrt": ["input", "0"]}, F, F),
    ("input and bias", net(L.Linear(2, 1), L.ReLU()), {"wrt": ["input", "0.bias"]}, T, F),
    ("batch norm after the layer", net(L.Linear(2, 2), L.BatchNorm(2)), {"wrt": "1"}, T, T),
    # losses
    ("least squares", net(L.Linear(2, 1)), {"loss": "squared"}, T, F),
    ("logistic regression", net(L.Linear(2, 1)), {"loss": "logistic"}, T, F),
    ("relu regression", net(L.Linear(2, 1), L.ReLU()), {"loss": "squared"}, F, F),
    ("two layers, squared", free(L.ReLU()), {"loss": "squared"}, F, F),
    ("two layers, logistic", free(L.ReLU()), {"loss": "logistic"}, F, F),
    ("two linear layers, squared", net(L.Linear(2, 2), L.Linear(2, 1)), {"loss": "squared"}, F, F),
    ("last layer, squared", free(L.ReLU()), {"loss": "squared", "wrt": "2"}, T, F),
    ("last layer, logistic", free(L.ReLU()), {"loss": "logistic", "wrt": "2"}, T, F),
    ("last layer, tanh, logistic", free(L.Tanh()), {"loss": "logistic", "wrt": "2"}, T, F),
    ("first layer, squared", free(L.ReLU(), **UP), {"loss": "squared", "wrt": "0"}, F, F),
    ("first layer, both labels", free(L.ReLU(), **UP), {"loss": "logistic", "wrt": "0"}, F, F),
    ("first of two linear", net(L.Linear(2, 2), L.Linear(2, 1)), {"loss": "squared", "wrt": "0"},
     T, F),
    ("second of two linear", net(L.Linear(2, 2), L.Linear(2, 1)),
     {"loss": "logistic", "wrt": "1"}, T, F),
    ("first layer, never clips, squared", net(L.Linear(2, 3, False, **UP), L.ReLU(),
                                              L.Linear(3, 1)),
     {"loss": "squared", "wrt": "0", "inputs": "nonneg"}, T, F),
    ("first layer, never clips, logistic", net(L.Linear(2, 3, False, **UP), L.ReLU(),
                                               L.Linear(3, 1)),
     {"loss": "logistic", "wrt": "0", "inputs": "nonneg"}, T, F),
    ("only labels -1: loss rises with a convex score", free(L.ReLU(), **UP),
     {"loss": "logistic", "wrt": "0", "data": (np.eye(2), [-1.0, -1.0])}, T, F),
    ("only labels +1", free(L.ReLU(), **UP),
     {"loss": "logistic", "wrt": "0", "data": (np.eye(2), [1.0, 1.0])}, F, F),
    ("targets below a nonnegative score", net(L.Linear(2, 1), L.ReLU()),
     {"loss": "squared", "data": (np.eye(2), [-1.0, -2.0])}, T, F),
    ("a target above zero", net(L.Linear(2, 1), L.ReLU()),
     {"loss": "squared", "data": (np.eye(2), [-1.0, 2.0])}, F, F),
    ("first layer, squared, real targets", free(L.ReLU(), **UP),
     {"loss": "squared", "wrt": "0", "data": (DATA[:, :2], DATA[:, 2])}, F, F),
    *[(f"linear model, {loss}", net(L.Linear(2, 1)), {"loss": loss}, T, F) for loss in OTHERS],
    *[(f"two layers, {loss}", free(L.ReLU()), {"loss": loss}, F, F) for loss in OTHERS],
    *[(f"last layer, {loss}", free(L.Tanh()), {"loss": loss, "wrt": "2"}, T, F) for loss in OTHERS],
    *[(f"first layer, {loss}", free(L.ReLU(), **UP), {"loss": loss, "wrt": "0"}, F, F)
      for loss in OTHERS],
    *[(f"{loss} in the input", free(L.ReLU()), {"loss": loss, "wrt": "input"}, F, F)
      for loss in OTHERS],
    *[(f"only labels {label:+g}, {loss}", free(L.ReLU(), **UP),
       {"loss": loss, "wrt": "0", "data": (np.eye(2), [label, label])}, label < 0.0, F)
      for loss in ("hinge", "squared_hinge") for label in (-1.0, 1.0)],
    ("weight decay does not save it", net(L.Linear(1, 1, False), L.Linear(1, 1, False)),
     {"loss": "squared", "data": (ONE, [0.0]), "weight_decay": 0.1}, F, F),
    # given weights, in the input: what cancels and what does not
    ("relu(x) - relu(-x) = x", units(L.ReLU(), [1, -1], [0, 0], [1, -1]), {}, T, T),
    ("relu(x) + relu(-x) = |x|", units(L.ReLU(), [1, -1], [0, 0], [1, 1]), {}, T, F),
    ("-|x|", units(L.ReLU(), [1, -1], [0, 0], [-1, -1]), {}, F, T),
    ("relu(2x) - relu(x) = relu(x)", units(L.ReLU(), [2, 1], [0, 0], [1, -1]), {}, T, F),
    ("relu(x) - 2 relu(x)", units(L.ReLU(), [1, 1], [0, 0], [1, -2]), {}, F, T),
    ("relu(x) - relu(x)", units(L.ReLU(), [1, 1], [0, 0], [1, -1]), {}, T, T),
    ("relu(x) - relu(x - 1) clips", units(L.ReLU(), [1, 1], [0, -1], [1, -1]), {}, F, F),
    ("2-D: x1 + relu(x2)", units(L.ReLU(), [[1, 0], [-1, 0], [0, 1]], [0] * 3, [1, -1, 1]), {},
     T, F),
    ("2-D: parallel units with shifts", units(L.ReLU(), [[1, 1], [-2, -2]], [1, -2], [3, -1]), {},
     T, F),
    ("2-D: one hyperplane bends down", units(L.ReLU(), [[1, 1], [1, -1]], [0, 0], [3, -1]), {},
     F, F),
    ("softplus(x) - softplus(-x) = x", units(L.Softplus(), [1, -1], [0, 0], [1, -1]), {}, T, T),
    ("sigmoid(x) + sigmoid(-x) = 1", units(L.Sigmoid(), [1, -1], [0, 0], [1, 1]), {}, T, T),
    ("tanh is odd", units(L.Tanh(), [1, -1], [0, 0], [1, 1]), {}, T, T),
    ("gelu(x) - gelu(-x) = x", units(L.GELU(), [1, -1], [0, 0], [1, -1]), {}, T, T),
    ("x1^2 - x2^2", units(L.Square(), [[1, 0], [0, 1]], [0, 0], [1, -1]), {}, F, F),
    ("(x1+x2)^2 + (x1-x2)^2 - x1^2", units(L.Square(), [[1, 1], [1, -1], [1, 0]], [0] * 3,
                                           [1, 1, -1]), {}, T, F),
    ("... - 2 x1^2 is the edge", units(L.Square(), [[1, 1], [1, -1], [1, 0]], [0] * 3,
                                       [1, 1, -2]), {}, T, F),
    ("... - 3 x1^2", units(L.Square(), [[1, 1], [1, -1], [1, 0]], [0] * 3, [1, 1, -3]), {}, F, F),
    ("-relu(x + 1) on x >= 0", units(L.ReLU(), [[1]], [1], [-1]), {"inputs": "nonneg"}, T, T),
    ("-relu(x - 1) on x >= 0", units(L.ReLU(), [[1]], [-1], [-1]), {"inputs": "nonneg"}, F, T),
    ("-relu(1 - x) on x <= 0", units(L.ReLU(), [[-1]], [1], [-1]), {"inputs": "nonpos"}, T, T),
    ("relu(relu(x) - relu(-x))", chain([[1], [-1]], [[1, -1]], [[1]]), {}, T, F),
    ("identity by five layers", chain([[1], [-1]], [[1, -1], [-1, 1]], [[1, -1]]), {}, T, T),
    ("||x| - relu(x)|", chain([[1], [-1]], [[0, 1]], [[1]]), {}, T, F),
    ("a deep cancellation, -x", chain([[1], [-1]], [[1, 1], [2, -1]], [[1, -1]]), {}, T, T),
    ("||x| - 1|", cp.abs(cp.abs(x) - 1), {}, F, F),
    ("given, output has one wrong sign", units(L.ReLU(), [[1, 0], [0, 1]], [0, 0], [1, -0.01]),
     {}, F, F),
    # structure
    ("residual relu", net(L.Linear(2, 2), L.Residual(L.ReLU())), {}, T, F),
    ("residual block >= 0", net(L.Linear(2, 2), L.Residual(net(L.ReLU(), L.Linear(2, 2, **UP)))),
     {}, T, F),
    ("residual block free", net(L.Linear(2, 2), L.Residual(net(L.ReLU(), L.Linear(2, 2)))), {},
     F, F),
    ("input-convex network", L.input_convex([3, 4, 4, 1]), {}, T, F),
    ("input-convex network in its weights", L.input_convex([2, 2, 1]), {"wrt": "weights"}, F, F),
    ("convolution", net(L.Conv2d(1, 2, 2, image=(3, 3))), {}, T, T),
    ("convolution >= 0 after relu", net(L.Conv2d(1, 2, 2, image=(3, 3)), L.ReLU(),
                                        L.Conv2d(2, 1, 2, image=(2, 2), nonneg=True)), {}, T, F),
    ("convolution free after relu", net(L.Conv2d(1, 1, 2, image=(3, 3)), L.ReLU(),
                                        L.Conv2d(1, 1, 2, image=(2, 2))), {}, F, F),
    ("max pooling", net(L.MaxPool2d(2, channels=1, image=(2, 4))), {}, T, F),
    ("average pooling", net(L.AvgPool2d(2, channels=1, image=(2, 4))), {}, T, T),
    ("max pooling after convolution", net(L.Conv2d(1, 1, 2, image=(3, 3)),
                                          L.MaxPool2d(2, channels=1, image=(2, 2))), {}, T, F),
    ("maxout of relus", net(L.Linear(2, 4), L.ReLU(), L.Linear(4, 4, **UP), L.Maxout(2)), {}, T, F),
    ("softmax of one column is one", net(L.Linear(2, 1), L.Softmax()), {}, T, T),
    ("layer norm of one column is zero", net(L.Linear(2, 1), L.Square(), L.LayerNorm(1)), {}, T, T),
    ("layer norm after relu", net(L.Linear(2, 2), L.ReLU(), L.LayerNorm(2)), {}, F, F),
    # CVXPY expressions
    ("(x^2 - 1)^2", cp.square(cp.square(x) - 1), {}, F, F),
    ("x y", x * y, {}, F, F),
    ("sqrt(1 + x^2) is a norm", cp.sqrt(1 + cp.square(x)), {}, T, F),
    ("log(1 + exp x)", cp.log(1 + cp.exp(x)), {}, T, F),
    ("log sum exp", cp.log(cp.sum(cp.exp(z))), {}, T, F),
    ("x log x", x * cp.log(x), {}, T, F),
    ("2 x^2 - x^2", 2 * cp.square(x) - cp.square(x), {}, T, F),
    ("log(1 + exp(-relu w))", cp.logistic(-cp.pos(x)), {}, F, F),
    ("indefinite quadratic form", cp.quad_form(z, np.diag([1.0, -1.0, 0.0])), {}, F, F),
    ("a large quadratic form", cp.quad_form(W, GRAM), {}, T, F),
    ("a large indefinite form", cp.quad_form(W, GRAM - 150 * np.eye(100)), {}, F, F),
    ("semidefinite quadratic form", cp.quad_form(z, np.ones((3, 3))), {}, T, F),
    ("exp(-x^2)", cp.exp(-cp.square(x)), {}, F, F),
    ("(relu(x) - 1)^2", cp.square(cp.pos(x) - 1), {}, F, F),
    ("(|x| + 1)^2", cp.square(cp.abs(x) + 1), {}, T, F),
    ("max - min", cp.max(z) - cp.min(z), {}, T, F),
    ("|x| - |x| / 2", cp.abs(x) - 0.5 * cp.abs(x), {}, T, F),
    ("exp(x) - exp(x)", cp.exp(x) - cp.exp(x), {}, T, T),
    ("x'x", z @ z, {}, T, F),
    ("log x + log y", cp.log(x) + cp.log(y), {}, F, T),
    ("sqrt(p) - p", cp.sqrt(p) - p, {}, F, T),
    ("p^2 on p >= 0, cubed", cp.power(cp.square(p), 3), {}, T, F),
]  # fmt: skip


@cache
def judged():
    """The verdict on every row, asked once."""
    return [convexity(thing, **options, complete=False) for _, thing, options, _, _ in ROWS]


def test_the_table_is_long_enough():
    assert len(ROWS) >= 120
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[row[0] for row in ROWS])
def test_no_answer_is_wrong(number):
    verdict = judged()[number]
    _, _, _, convex, concave = ROWS[number]
    assert verdict.convex in (convex, None)
    assert verdict.concave in (concave, None)
    for goal, witness in verdict.counterexamples.items():
        assert getattr(verdict, goal) is False and witness.verify()
    assert set(verdict.counterexamples) == {
        goal for goal in ("convex", "concave") if getattr(verdict, goal) is False
    }


def test_at_most_one_answer_in_twenty_is_unknown():
    unknown = [row[0] for row, v in zip(ROWS, judged(), strict=True) if v.convex is None]
    either = [v for v in judged() for answer in (v.convex, v.concave) if answer is None]
    assert len(unknown) <= 0.05 * len(ROWS), unknown
    assert len(either) <= 0.05 * 2 * len(ROWS)


def test_cvxpy_alone_knows_less_and_never_contradicts():
    """The comparison that the table prints: DCP proves a part of it and refutes nothing."""
    proved = 0
    for (_, _, _, convex, _), verdict in zip(ROWS, judged(), strict=True):
        accepted = verdict.dcp in ("CONVEX", "AFFINE", "CONSTANT")
        assert not accepted or convex or "quadratic form" in verdict.about
        proved += accepted
    assert proved < sum(row[3] for row in ROWS)


def print_table():
    print(f"{'row':45} {'truth':>12} {'cvxnet':>12} {'CVXPY alone':>13} {'ms':>6}")
    words = {T: "yes", F: "no", None: "unknown"}
    for reason, thing, options, *truth in ROWS:
        started = time.perf_counter()
        v = convexity(thing, **options)
        seconds = time.perf_counter() - started
        truth, ours = ("/".join(words[a] for a in pair) for pair in (truth, (v.convex, v.concave)))
        print(f"{reason:45} {truth:>12} {ours:>12} {v.dcp:>13} {1e3 * seconds:6.1f}")


if __name__ == "__main__":
    print_table()
