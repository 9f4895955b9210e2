"""Convex polynomials: what is built as a sum of squares is proved, what is not is never."""

import copy
from itertools import combinations_with_replacement

import cvxpy as cp
import numpy as np
import pytest

import cvxnet as cn
from cvxnet.analysis.derivation import derived
from cvxnet.analysis.evidence import Proof, is_proved
from cvxnet.analysis.methods import verified
from cvxnet.analysis.provers.polynomials import prove_by_squares
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.analysis.spaces import Space

x, y, z = (cp.Variable(name=name) for name in "xyz")
p, q = cp.Variable(nonneg=True, name="p"), cp.Variable(nonneg=True, name="q")
v = cp.Variable(3, name="v")


def written(coefficients, variables):
    """A polynomial as products, from its coefficients by exponents."""
    total = cp.Constant(0.0)
    for exponents, value in coefficients.items():
        term = cp.Constant(float(value))
        for variable, power in zip(variables, exponents, strict=True):
            for _ in range(power):
                term = term * variable
        total = total + term
    return total


def power_of_line(line, offset, power):
    """The coefficients of ``(line . x + offset)^power``."""
    found = {}
    for chosen in combinations_with_replacement(range(len(line) + 1), power):
        counts = [chosen.count(k) for k in range(len(line) + 1)]
        ways = np.prod([1.0 * k for k in range(1, power + 1)])
        for count in counts:
            ways /= np.prod([1.0 * k for k in range(1, count + 1)])
        factors = [*line, offset]
        value = ways * np.prod([f**c for f, c in zip(factors, counts, strict=True)])
        key = tuple(counts[:-1])
        found[key] = found.get(key, 0.0) + value
    return found


def added(*several):
    """The sum of polynomials."""
    total = {}
    for one in several:
        for key, value in one.items():
            total[key] = total.get(key, 0.0) + value
    return total


def proofs_of(expression, goal="convex"):
    """The proofs that the prover finds and the checker accepts."""
    question = ask_about_expression(expression)
    return [
        found
        for found in prove_by_squares(derived(question), goal)
        if isinstance(found, Proof) and is_proved(question, goal, found)
    ]


@pytest.mark.parametrize("seed", range(2))
def test_sums_of_powers_of_lines_are_proved(seed):
    rng = np.random.default_rng(seed)
    size = 2 + seed % 2
    lines = [
        (rng.integers(-3, 4, size), int(rng.integers(-2, 3)), power)
        for power in rng.choice([2, 4, 4], size + 2)
    ]
    polynomial = added(*(power_of_line(*line) for line in lines))
    expression = written(polynomial, [x, y, z][:size])
    assert proofs_of(expression)


@pytest.mark.parametrize(
    "expression",
    [
        x**4 + x * x * x + x**2,
        cp.square(x**2 + x * y + y**2),
        x**8 - x**6 + x**4,
        cp.exp(x**4 + x * x * x + x**2) + cp.abs(x - y),
        cp.maximum(x**4 + x * x * x + x**2, x + 1),
        cp.hstack([x**4 + x * x * x + x**2, y**4 - y * y * y + y**2]),
        (0.1 * x - 0.7 * y) ** 4 + (0.1 * x - 0.7 * y) ** 2 * (0.1 * x - 0.7 * y) + x**2 + y**2,
        cp.square(cp.sum_squares(v)) + cp.sum_squares(v) + v[0] * v[1],
        p * p * q + p * q * q + p * p * p + q * q * q,
    ],
    ids=str,
)
def test_convex_polynomials_of_users(expression):
    assert proofs_of(expression) or cn.convexity(expression).convex


@pytest.mark.parametrize(
    ("expression", "where"),
    [
        (lambda t: t**4 - 3 * t**2 - t, (1.0, 2.0)),
        (lambda t: t**4 - t**2, (-2.0, -1.0)),
        (lambda t: t**4 - 0.3 * cp.multiply(t, cp.square(t)), (0.3, 3.0)),
        (lambda t: t**2 + 9 * t[::-1] ** 2, (0.0, 1.0)),
    ],
)
def test_convex_on_a_box(expression, where):
    t = cp.Variable(2, bounds=list(where))
    assert cn.convexity(cp.sum(expression(t))).convex


@pytest.mark.parametrize(
    "expression",
    [
        x**4 + y**4 - 0.01 * cp.square(x * y),
        x**4 + y**4 + 6.1 * cp.square(x) * cp.square(y),
        cp.square(x * y),
        x**4 + x * x * x + 0.3 * x**2,
        cp.square(x) * y + y**4,
        cp.square(cp.square(x) - 1),
    ],
    ids=str,
)
def test_polynomials_that_are_not_convex_are_refuted(expression):
    assert not proofs_of(expression)
    assert cn.convexity(expression).convex is False


def test_convex_without_sums_of_squares_is_never_refuted():
    """The form of Ahmadi and Parrilo (Mathematical Programming 135, 2012) is convex."""
    terms = {
        **{(8, 0, 0): 32, (6, 2, 0): 118, (6, 0, 2): 40, (4, 4, 0): 25, (4, 2, 2): -43},
        **{(4, 0, 4): -35, (2, 4, 2): 3, (2, 2, 4): -16, (2, 0, 6): 24, (0, 8, 0): 16},
        **{(0, 6, 2): 44, (0, 4, 4): 70, (0, 2, 6): 60, (0, 0, 8): 30},
    }
    expression = written(terms, [x, y, z])
    question = ask_about_expression(expression)
    asked = derived(question)
    candidates = [f for f in prove_by_squares(asked, "convex") if not isinstance(f, Proof)]
    assert verified(Space(question, asked.tape), "convex", tuple(candidates)) is None


def test_a_gram_matrix_that_was_changed_proves_nothing():
    expression = x**4 + x * x * x + x**2 + cp.square(x + y)
    question = ask_about_expression(expression - 0.1 * x * y)
    (found,) = proofs_of(expression - 0.1 * x * y)
    for path in ("gram", "basis", "factors"):
        changed = copy.deepcopy(dict(found.evidence))
        part = changed["grams"][0][0]
        if path == "gram":
            part["gram"][0][0] = "1000"
        elif path == "basis":
            part["basis"][0] = part["basis"][-1]
        else:
            part["factors"] = [-1]
        assert not is_proved(question, "convex", Proof("", changed))
    other = ask_about_expression(expression - 5 * x * y)
    assert not is_proved(other, "convex", found)
