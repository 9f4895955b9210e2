"""Ends of the bracket where weights of samples have no common powers of two: exact, or enclosed."""

import math
from fractions import Fraction

import numpy as np
import pytest
from claimed import Claimed
from flint import arb, fmpq

from cvxnet.proofs import checker
from cvxnet.proofs.checker import bracket
from cvxnet.proofs.checker.exact import LONG, balls, outward


def claims(n, weights):
    """Random targets and a random dual vector, of a network without units."""
    rng = np.random.default_rng(n)
    y, v = rng.normal(size=n), 0.01 * rng.normal(size=n)
    document = Claimed(
        units="relu", loss="squared", weight_decay=1.0, bias=False, X=rng.normal(size=(n, 1)), y=y,
        sample_weights=weights, W=np.zeros((0, 1)), b=None, a=[], v=v, lower=-1e9, upper=1e9,
    ).to_dict()  # fmt: skip
    return checker.read(document)


@pytest.mark.parametrize(("n", "expected"), [(3, fmpq), (900, arb)])
def test_the_lower_end_is_the_sum_of_fractions_rounded_down(n, expected):
    found = claims(n, np.random.default_rng(1).uniform(0.5, 2.0, n))
    rows = zip(found.v, found.y, found.sample_weights, strict=True)
    exact = -sum(
        (Fraction(v) ** 2 / (2 * Fraction(w)) + Fraction(v) * Fraction(y) for v, y, w in rows),
        Fraction(0),
    )
    assert (exact.denominator.bit_length() > LONG) == (expected is arb)
    with balls():
        (v,) = bracket.dual_vectors(found)
        value = bracket.dual_value(found, v)
        assert type(value) is expected
        lower = outward(value, -math.inf)
    assert Fraction(lower) <= exact < Fraction(math.nextafter(lower, math.inf))


def test_with_powers_of_two_it_is_exact_however_many_samples():
    found = claims(900, np.tile([0.25, 1.0, 2.0], 300))
    (v,) = bracket.dual_vectors(found)
    assert type(bracket.dual_value(found, v)) is fmpq
