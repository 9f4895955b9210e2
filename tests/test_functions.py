"""Formulas: the same function in doubles, rationals, balls and tensors, and true profiles."""

from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from flint import arb, ctx, fmpq

from cvxnet import layers
from cvxnet.functions import catalogue, formulas
from cvxnet.functions.arithmetic import RATIONALS, TENSORS, Arithmetic, Undecided
from cvxnet.functions.profile import EVERYWHERE, ROOM, TINY
from cvxnet.layers.activations import Activation

LAYERS = [kind() for kind in vars(layers).values() if isinstance(kind, type)
          and issubclass(kind, Activation) and kind is not Activation]  # fmt: skip
LAYERS += [layers.LeakyReLU(-0.7), layers.ELU(1.7), layers.CELU(0.3), layers.Softplus(3.0),
           layers.Squareplus(0.01), layers.HardTanh(0.0, 6.0)]  # fmt: skip
PROFILES = [layer.profile for layer in LAYERS]
PROFILES += [catalogue.power_profile(Fraction(p)) for p in (-1, 3, 4, Fraction(1, 2))]
PROFILES += [catalogue.huber_profile(0.7), catalogue.exp_profile(), catalogue.log_profile(),
             catalogue.log1p_profile(), catalogue.normal_profile(),
             catalogue.entropy_profile()]  # fmt: skip
POINTS = np.concatenate([np.linspace(-9.0, 9.0, 37), [-1e-9, 1e-9, 1e-3, -1e-3, 35.0, -35.0]])


def ball(t):
    return t if isinstance(t, arb) else arb(t)


class Balls(Arithmetic):
    """Enclosures: numpy's own maximum of two that overlap would be one of them."""

    exact = True

    def number(self, value):
        top, bottom = Fraction(value).as_integer_ratio()
        return arb(fmpq(top, bottom))

    def maximum(self, a, b):
        return ball(a).max(ball(b))

    def minimum(self, a, b):
        return ball(a).min(ball(b))

    def absolute(self, t):
        return abs(t)

    def sign(self, t):
        return t.sgn()

    def step(self, t):
        if not (t >= 0 or t < 0):
            raise Undecided("a ball around a jump")
        return arb(1 if t >= 0 else 0)

    def power(self, t, p):
        return t ** arb(fmpq(p.numerator, p.denominator))

    def exp(self, t):
        return t.exp()

    def expm1(self, t):
        return t.expm1()

    def log(self, t):
        return t.log()

    def log1p(self, t):
        return t.log1p()

    def times_log(self, t):
        return t * t.log() if t > 0 else arb(0)

    def tanh(self, t):
        return t.tanh()

    def sigmoid(self, t):
        return 1 / (1 + (-t).exp())

    def normal(self, t):
        return (-t / arb(2).sqrt()).erfc() / 2


def inside(profile):
    low, high = profile.domain
    return POINTS[(low < POINTS) & (high > POINTS)]


@pytest.fixture(autouse=True)
def digits():
    before, ctx.prec = ctx.prec, 200
    yield
    ctx.prec = before


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_doubles_are_right_within_their_room(profile):
    """As right as the room that bounds on ranges leave for rounding."""
    for t, found in zip(inside(profile), profile.function(inside(profile)), strict=True):
        exact = profile.formula(arb(float(t)), Balls())
        assert exact.rad() < 1e-40
        assert abs(found - float(exact.mid())) <= ROOM * abs(found) + TINY


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_rationals_are_exact_or_refused(profile):
    points = np.array([-2.5, 0.0, 0.75, 3.0])
    points = points[(profile.domain[0] < points) & (profile.domain[1] > points)]
    try:
        values = profile.formula(RATIONALS.number(points), RATIONALS)
    except Undecided:
        assert profile.kinks is None
    else:
        assert all(isinstance(value, fmpq) for value in values)
        rounded = [int(value.p) / int(value.q) for value in values]
        assert rounded == pytest.approx(profile.function(points), rel=1e-15)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_tensors_have_the_same_values_and_slopes(layer):
    torch = pytest.importorskip("torch")
    t = torch.tensor(POINTS[POINTS != 0.0], requires_grad=True)
    value = layer.profile.formula(t, TENSORS)
    np.testing.assert_allclose(
        value.detach().numpy(), layer.profile.function(t.detach().numpy()), rtol=ROOM
    )
    if value.requires_grad:  # steps have no slope
        value.sum().backward()
        slopes = layer.profile.derivative(t.detach().numpy())
        np.testing.assert_allclose(t.grad.numpy(), slopes, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda p: p.name)
def test_claims_hold(profile):
    t = np.sort(inside(profile))
    value = profile.function(t)
    assert (value >= profile.low).all() and (value <= profile.high).all()
    for sign, intervals in ((1.0, profile.rising), (-1.0, profile.falling)):
        for low, high in intervals:
            part = value[(t >= low) & (t <= high)]
            assert (sign * np.diff(part) >= -1e-15 * np.abs(part[1:])).all()
    for sign, intervals in ((1.0, profile.convex), (-1.0, profile.concave)):
        for low, high in intervals:
            s = np.linspace(max(low, t[0]), min(high, t[-1]), 101)
            bend = np.diff(profile.function(s), 2)
            assert (sign * bend >= -1e-14 * (1.0 + np.abs(value).max())).all()
    for position, jump in profile.kinks or ():
        slopes = profile.derivative(np.array([position - 1e-6, position + 1e-6]))
        assert slopes[1] - slopes[0] == pytest.approx(float(jump))
    if profile.mirror is not None:
        sigma, slope, offset = profile.mirror
        mirrored = sigma * value + slope * t + offset
        np.testing.assert_allclose(profile.function(-t), mirrored, rtol=1e-12, atol=1e-12)
    if profile.log_log:
        u = np.linspace(-3.0, 2.0, 51)
        bend = np.diff(np.log(profile.function(np.exp(u))), 2)
        assert (bend >= -1e-12).all() and (profile.log_log == "convex" or (bend < 1e-12).all())
    if profile.bounded_curvature and profile.smooth:
        middle = np.linspace(-9.0, 9.0, 100001)
        assert np.abs(np.diff(profile.derivative(middle))).max() < 40.0 * (middle[1] - middle[0])


def test_limits_and_points_outside_a_domain():
    ends = np.array([-np.inf, np.inf])
    for name in ("silu", "gelu"):
        assert getattr(catalogue, f"{name}_profile")().function(ends).tolist() == [0.0, np.inf]
    assert catalogue.entropy_profile().function(np.array([0.0, np.inf])).tolist() == [0, -np.inf]
    assert np.isnan(catalogue.log_profile().function(np.array([-1.0])))
    assert np.isnan(catalogue.power_profile(Fraction(1, 2)).function(np.array([-1.0])))


def test_what_an_arithmetic_cannot_do_it_refuses():
    with pytest.raises(Undecided, match="exp has no values in rationals"):
        formulas.elu(RATIONALS.number([-1.0]), 1.0, RATIONALS)
    assert formulas.hardtanh(Balls().number(0.5), -1.0, 1.0, Balls()) == arb(0.5)


def test_profiles_and_atoms_say_the_same():
    """An activation's profile and what CVXPY is given for it agree on the curvature."""
    x = cp.Variable()
    for layer in LAYERS:
        expression, profile = layer.expression(x), layer.profile
        assert expression.is_convex() == (profile.convex == EVERYWHERE), layer
