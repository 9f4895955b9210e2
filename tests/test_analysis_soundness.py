"""Soundness: "convex" never meets a violated midpoint; every counterexample holds independently.

``python -m experiments adversary --only expressions,networks`` tries as many as there is time for.
"""

from fractions import Fraction
from itertools import pairwise

import cvxpy as cp
import numpy as np
import pytest

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis.answers import answer
from cvxnet.analysis.atoms import values_of
from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.documents import counterexample_document
from cvxnet.analysis.methods import Methods
from cvxnet.analysis.questions import ask_about_expression, ask_about_network
from cvxnet.analysis.spaces import Space
from cvxnet.analysis.tape import Tape
from cvxnet.losses import LOSSES
from cvxnet.proofs.checker.witness import check_witness

PIECEWISE = [L.ReLU, L.Abs, lambda: L.LeakyReLU(0.25), lambda: L.LeakyReLU(2.0), L.HardTanh]
SMOOTH = [L.Square, L.Softplus, L.ELU, lambda: L.ELU(2.0), L.Sigmoid, L.Tanh, L.SiLU, L.GELU,
          L.Squareplus, L.SquaredReLU, L.SELU]  # fmt: skip
BATCH = 20
BRIEF = Methods(seconds=2.0)
"""The few that are not decided use their time up to the end."""


def draw_network(rng, activations):
    """One to three layers, small whole weights (often of one sign), often not given at all."""
    sizes = rng.integers(1, 4, size=rng.integers(2, 5))
    parts = []
    for k, (wide, out) in enumerate(pairwise(sizes)):
        sign = rng.choice(["", "nonneg", "nonneg", "nonpos"])
        layer = L.Linear(
            int(wide), int(out), bool(rng.integers(2)), **({sign: True} if sign else {})
        )
        if rng.random() < 0.75:
            weight = rng.integers(-2, 3, (out, wide)).astype(float)
            weight = {"nonneg": np.abs, "nonpos": lambda w: -np.abs(w), "": lambda w: w}[sign](
                weight
            )
            layer.weight = weight
            if layer.bias is not None:
                layer.bias = rng.integers(-1, 2, out)
        parts.append(layer)
        if k < len(sizes) - 2 or rng.random() < 0.5:
            parts.append(activations[rng.integers(len(activations))]())
        if rng.random() < 0.15:
            parts.append(L.Residual(L.ReLU()))
    return L.Sequential(*parts)


def draw_question(rng, activations):
    network = draw_network(rng, activations)
    blocks = [n for n, layer in network.named_layers() if layer.tensors]
    wrt = [*(["input"] * 3), "weights", *blocks][rng.integers(4 + len(blocks))]
    options = {"wrt": wrt, "inputs": rng.choice(["any", "nonneg", "nonpos"])}
    if rng.random() < 0.3:
        several = network.width(None) > 1
        options["loss"] = rng.choice(
            [n for n, loss in LOSSES.items() if several or not loss.classes]
        )
    return network, {k: str(v) for k, v in options.items()}


def judge(network, wrt, inputs=None, loss=None):
    """The answers of ``convexity`` alone, without what it says beside them."""
    return answer(ask_about_network(network, wrt, loss, None, inputs, 0.0), BRIEF)


def worst_midpoint(question, sign, count=600, seed=0):
    """The largest relative violation over random segments of many sizes."""
    tape = Tape([question.expression])
    space = Space(question, tape, seed)
    worst = -np.inf
    for whole in (True, False):
        a, b = space.draw(count, whole), space.draw(count, whole)
        near = space.clipped(a + 1e-2 * (b - a))
        for end in (b, near):
            free = space.draw_free(count, whole)
            f = [space.f(point, free) for point in (a, end, 0.5 * (a + end))]
            with np.errstate(invalid="ignore"):
                gap = sign * (f[2] - 0.5 * (f[0] + f[1]))
                size = 1.0 + sum(np.abs(v) for v in f)
                worst = max(worst, float(np.nanmax(gap / size, initial=-np.inf)))
    return worst


@pytest.mark.parametrize("batch", range(10))
@pytest.mark.parametrize("activations", [PIECEWISE, SMOOTH, PIECEWISE + SMOOTH],
                         ids=["piecewise", "smooth", "mixed"])  # fmt: skip
def test_proved_is_never_violated_and_refuted_always_verifies(batch, activations):
    for seed in range(BATCH * batch, BATCH * (batch + 1)):
        network, options = draw_question(np.random.default_rng(seed), activations)
        verdict = judge(network, **options)
        for goal, sign in (("convex", 1.0), ("concave", -1.0)):
            if getattr(verdict, goal):
                assert worst_midpoint(verdict.question, sign) < 1e-9, (seed, network, options)
            elif getattr(verdict, goal) is False:
                assert verdict.counterexamples[goal].verify(), (seed, network, options)


@pytest.mark.parametrize("batch", range(6))
def test_bounds_and_quasiconvexity_hold_at_every_node(batch):
    """Bounds enclose what every node takes; quasiconvex entries stay below the higher end."""
    quasi = 0
    for seed in range(40 * batch, 40 * (batch + 1)):
        rng = np.random.default_rng(seed)
        network, options = draw_question(rng, PIECEWISE + SMOOTH)
        question = ask_about_network(
            network, options["wrt"], options.get("loss"), None, options["inputs"], 0.0
        )
        tape = Tape([question.expression])
        facts = derive_facts(question, tape)
        space = Space(question, tape, seed)
        a, b = space.draw(300, False), space.draw(300, False)
        free = space.draw_free(300, False)
        share = rng.random((300, 1))
        at = [space.values(p, free) for p in (a, b, space.clipped(share * a + (1 - share) * b))]
        for place, fact in enumerate(facts):
            values = [np.broadcast_to(v[place], (300, *fact.low.shape)) for v in at]
            room = 1e-9 * (1 + np.abs(values[0]) + np.abs(values[1]))
            assert (values[0] >= fact.low - room).all() and (values[0] <= fact.high + room).all()
            assert (values[0][:, fact.low >= 0] >= 0).all()  # a sign has no tolerance
            assert (values[0][:, fact.high <= 0] <= 0).all()
            higher, lower = np.maximum(*values[:2]), np.minimum(*values[:2])
            assert ((values[2] <= higher + room) | ~fact.quasiconvex).all()
            assert ((values[2] >= lower - room) | ~fact.quasiconcave).all()
            quasi += int((fact.quasiconvex & ~fact.convex).sum())
    assert quasi > 20


def exact_network(network, x, weights):
    """A second evaluator, in Fractions, that shares nothing with the library."""
    z = [Fraction(float(v)) for v in x]
    for position, layer in enumerate(network):
        if isinstance(layer, L.Linear):
            W = weights[f"{position}.weight"]
            b = weights.get(f"{position}.bias", np.zeros(len(W)))
            rows = [zip(map(Fraction, map(float, row)), z, strict=True) for row in W]
            sums = [sum((w * v for w, v in row), Fraction(0)) for row in rows]
            z = [total + Fraction(float(c)) for total, c in zip(sums, b, strict=True)]
        else:
            z = [exact_activation(layer, v) for v in z]
    return z


def exact_activation(layer, v):
    if isinstance(layer, L.ReLU):
        return max(v, Fraction(0))
    if isinstance(layer, L.Abs):
        return abs(v)
    if isinstance(layer, L.LeakyReLU):
        return v if v >= 0 else Fraction(layer.slope) * v
    if isinstance(layer, L.Residual):
        return v + max(v, Fraction(0))
    return min(max(v, Fraction(-1)), Fraction(1))


@pytest.mark.parametrize("batch", range(5))
def test_counterexamples_hold_in_an_independent_evaluator(batch):
    refuted = 0
    for seed in range(50 * batch, 50 * (batch + 1)):
        rng = np.random.default_rng(10_000 + seed)
        network = draw_network(rng, PIECEWISE)
        wrt = "input" if rng.random() < 0.6 else "weights"
        for goal, witness in judge(network, wrt).counterexamples.items():
            refuted += 1
            values = []
            for share in (Fraction(0), Fraction(1), Fraction(1, 2)):
                known = {**network.state_dict(), **witness.fixed}
                for name, a in witness.a.items():
                    known[name] = (1 - float(share)) * a + float(share) * witness.b[name]
                x = known["x"].ravel()
                values.append(exact_network(network, x, known)[witness.entry[-1]])
            gap = values[2] - (values[0] + values[1]) / 2
            assert gap > 0 if goal == "convex" else gap < 0
    assert refuted > 25


def draw_expression(rng, leaves, depth):
    """A random CVXPY expression of scalars."""
    if depth == 0 or rng.random() < 0.1:
        return leaves[rng.integers(len(leaves))]
    f = draw_expression(rng, leaves, depth - 1)
    kind = rng.integers(16)
    if kind < 4:
        g = draw_expression(rng, leaves, depth - 1)
        return [f + g, f - g, cp.maximum(f, g), cp.minimum(f, g)][kind]
    if kind == 4:
        return f * draw_expression(rng, leaves, depth - 1)
    scale = float(rng.choice([-2.0, -1.0, 0.5, 3.0]))
    return [
        cp.square(f),
        cp.abs(f),
        cp.pos(f),
        cp.exp(f),
        cp.logistic(f),
        cp.sqrt(f + 1),
        scale * f,
        f + scale,
        cp.huber(f),
        cp.log(f + 2),
        cp.inv_pos(f + 1),
    ][kind - 5]


@pytest.mark.parametrize("batch", range(5))
def test_random_cvxpy_expressions(batch):
    leaves = [cp.Variable(name="x"), cp.Variable(name="y"), cp.Variable(nonneg=True, name="p")]
    for seed in range(50 * batch, 50 * (batch + 1)):
        expression = draw_expression(np.random.default_rng(seed), leaves, 4)
        verdict = answer(ask_about_expression(expression), BRIEF)
        if verdict.dcp in ("CONVEX", "AFFINE", "CONSTANT"):
            assert verdict.convex is not False, (seed, str(expression))
        if verdict.dcp in ("CONCAVE", "AFFINE", "CONSTANT"):
            assert verdict.concave is not False, (seed, str(expression))
        for goal, sign in (("convex", 1.0), ("concave", -1.0)):
            if getattr(verdict, goal) and verdict.question.unknowns:
                worst = worst_midpoint(verdict.question, sign, 400)
                assert worst < 1e-9, (seed, str(expression), goal)


@pytest.mark.parametrize("activation", [*PIECEWISE, *SMOOTH, L.Softmax, lambda: L.LayerNorm(3)])
def test_the_tape_evaluates_what_the_network_evaluates(activation):
    network = L.Sequential(L.Linear(2, 3), activation(), L.Linear(3, 2), seed=3)
    network.load_state_dict(network.state_dict())
    question = ask_about_network(network, "input", None, None, None, 0.0)
    X = np.random.default_rng(0).normal(size=(20, 2))
    tape = question.tape()
    ours = values_of(tape, {id(question.unknowns[0]): X[:, None, :]})[-1][:, 0]
    np.testing.assert_allclose(ours, network(X), rtol=1e-10, atol=1e-12)
    for x in X[:3]:
        points = ({id(question.unknowns[0]): x[None]},) * 2
        result = check_witness(counterexample_document(question, (*points, {}), "convex", (0, 1)))
        assert float(result.values[0]) == pytest.approx(network(x[None])[0, 1], rel=1e-10)


def test_rationals_are_exact():
    network = L.Sequential(L.Linear(1, 1, False)).load_state_dict({"0.weight": [[0.1]]})
    question = ask_about_network(network, "input", None, None, None, 0.0)
    points = ({id(question.unknowns[0]): np.array([[0.3]])},) * 2
    result = check_witness(counterexample_document(question, (*points, {}), "convex", (0, 0)))
    value = result.values[2]
    assert Fraction(int(value.p), int(value.q)) == Fraction(0.1) * Fraction(0.3)
