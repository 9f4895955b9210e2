"""The reference of the checker's tests: numbers near the ends of the range do not fool it."""

import numpy as np
import pytest
import truth

import cvxnet as cn

DEGREES = {"relu": 1, "abs": 1, "linear": 1, "quadratic": 2, "squared_relu": 2}


@pytest.mark.parametrize("power", [-600, 600])
@pytest.mark.parametrize(("name", "degree"), DEGREES.items())
def test_rho_is_homogeneous_where_its_terms_overflow(name, degree, power):
    rng = np.random.default_rng(0)
    X, v = rng.standard_normal((4, 2)), rng.standard_normal(4)
    plain = truth.rho({"name": name}, "l2", X, v)
    scaled = truth.rho({"name": name}, "l2", np.ldexp(X, power), np.ldexp(v, -power))
    assert scaled == pytest.approx(np.ldexp(plain, (degree - 1) * power))


def test_rho_of_polynomial_and_tanh_units_at_the_ends_of_the_range():
    X, v = np.array([[2.0**600], [-(2.0**600)]]), np.array([1.0, -0.5])
    square = {"name": "polynomial", "coefficients": [x.hex() for x in (2.0**-1000, 0.0, 3.0)]}
    assert truth.rho(square, "l2", X, v) == pytest.approx(2.0**199)
    with np.errstate(over="ignore"):
        steep = truth.rho({"name": "tanh", "radius": (1e300).hex()}, "l2", X, v)
    assert steep == pytest.approx(1.5)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber"])
def test_certificates_of_huge_numbers_are_told_from_false_ones(loss):
    """Products of weights and targets leave the range of doubles; the objective does not."""
    X, y = np.array([[1.0], [2.0]]), np.array([1.0, -1.0])
    small = cn.train("relu", X, y, loss=loss, weight_decay=0.1, bias=False)
    document = small.certificate.to_dict()
    assert truth.is_true(document)
    a, W = small.certificate.a * 2.0**700, small.certificate.W * 2.0**-700
    network = document["network"] | {"a": [x.hex() for x in a], "W": [[w[0].hex()] for w in W]}
    far = document | {"network": network}
    assert not truth.is_true(far)  # the same predictions, at a penalty beyond the range
    far = document | {"network": network | {"a": [x.hex() for x in np.zeros_like(a)]}}
    assert not truth.is_true(far)
