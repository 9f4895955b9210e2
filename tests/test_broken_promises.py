"""Promises that broke on inputs found by fuzzing, with the right answers."""

import cvxpy as cp
import numpy as np
import pytest

from cvxnet import layers as L  # noqa: N812
from cvxnet.analysis import convexity
from cvxnet.cli.app import main
from cvxnet.errors import InputError

# Verdicts: false proofs


def test_a_denominator_counts_in_log_log_rules():
    """In u = log x and v = log y, ``2 u - log(1 + e^v)`` is concave and not convex."""
    x, y = cp.Variable(pos=True), cp.Variable(pos=True)
    found = {
        text: convexity(expression).disciplines["log-log convex (DGP)"]
        for text, expression in {
            "concave": cp.quad_over_lin(x, 1 + y),
            "affine": cp.quad_over_lin(x, 3 * y),
            "convex": cp.quad_over_lin(cp.hstack([x, y]), y),
        }.items()
    }
    assert all(line.startswith(f"log-log {word} ") for word, line in found.items())


@pytest.mark.parametrize("slope", [0.1, 0.3, 1e-17, 0.9999999999999999])
def test_the_jump_of_a_leaky_relu_is_exact(slope):
    """``s relu(-t) - s t`` undoes what is left of t = 0, so the sum is a relu, not nearly one."""
    net = L.Sequential(L.Linear(1, 1, bias=False), L.LeakyReLU(slope), L.Linear(1, 1, bias=False))
    net.load_state_dict({"0.weight": [[1.0]], "2.weight": [[1.0]]})
    x = cp.Variable(1, name="x")
    rest = net(x) - slope * x - cp.pos(x) + slope * cp.pos(x)
    assert convexity(rest).affine


# Verdicts: bad input


def network():
    return L.Sequential(L.Linear(2, 3), L.ReLU(), L.Linear(3, 1))


X, Y = np.eye(2), np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: convexity(network(), wrt=3), "wrt=3 names nothing"),
        (lambda: convexity(network(), wrt=[0, 2]), "wrt=0 names nothing"),
        (lambda: convexity(network(), wrt=cp.Variable()), "names nothing"),
        (lambda: convexity(cp.Variable(name="x"), wrt=3), "wrt=3 names no variable.*x"),
        (lambda: convexity(cp.Variable(name="x"), wrt=cp.Variable(name="x")), "wrt=x names no"),
        (lambda: convexity(cp.Variable(name="x"), wrt=["x", "y"]), "wrt='y' names no variable"),
        (lambda: convexity(cp.Variable(name="x"), wrt=[]), "wrt is empty"),
        (lambda: convexity(network(), weight_decay="x"), "weight_decay is a finite number"),
        (lambda: convexity(network(), weight_decay=-1.0), "weight_decay is a finite number"),
        (lambda: convexity(network(), weight_decay=np.nan), "weight_decay is a finite number"),
        (lambda: convexity(network(), weight_decay=[0.1]), "weight_decay is a finite number"),
        (lambda: convexity(cp.Variable(), weight_decay="x"), "weight_decay= is for networks"),
        (lambda: convexity(network(), effort="a"), "effort is a whole number"),
        (lambda: convexity(network(), effort=0), "effort is a whole number"),
        (lambda: convexity(cp.Variable(), effort=1.5), "effort is a whole number"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, np.eye(2))), "one column"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, 3.0)), "y has shape"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, [1.0, np.nan])), "y.1. is nan"),
        (lambda: convexity(network(), "2", loss="squared", data=(X, Y, Y)), "a tuple of 3"),
        (lambda: convexity(network(), "2", loss=3, data=(X, Y)), "loss"),
        (lambda: convexity(network(), inputs=["nonneg"]), "inputs is 'nonneg'"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused_at_the_door(ask, message):
    with pytest.raises(InputError, match=message):
        ask()


def test_a_bug_does_not_exit_with_the_code_of_a_refutation(tmp_path, monkeypatch, capsys):
    def broken(*_, **__):
        raise RuntimeError("something unforeseen")

    monkeypatch.setattr("cvxnet.analysis.answers.answer", broken)
    file = tmp_path / "net.json"
    network().save(file)
    with pytest.raises(SystemExit) as stopped:
        main(["explain", str(file)])
    assert stopped.value.code == 3
    printed = capsys.readouterr().err
    assert "something unforeseen" in printed and "unknown" in printed
