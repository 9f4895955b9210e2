"""The scalar functions behind the activations, each with its profile."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from scipy.special import expit, ndtr

from cvxnet.functions.profile import BOTH_HALVES, EVERYWHERE, INF, NEGATIVE, POSITIVE, Profile
from cvxnet.types import Array

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def leaky_relu_profile(slope: float) -> Profile:
    """``t`` for t >= 0, ``slope t`` below: convex for slope <= 1, concave for slope >= 1."""

    def function(t: Array) -> Array:
        return np.where(t >= 0.0, t, slope * t) if slope else np.maximum(t, 0.0)

    return Profile(
        name="relu" if slope == 0.0 else "leaky_relu",
        function=function,
        derivative=lambda t: np.where(t >= 0.0, 1.0, slope),
        convex=EVERYWHERE if slope <= 1.0 else BOTH_HALVES,
        concave=EVERYWHERE if slope >= 1.0 else BOTH_HALVES,
        rising=EVERYWHERE if slope >= 0.0 else (POSITIVE,),
        falling=(NEGATIVE,) if slope <= 0.0 else (),
        low=0.0 if slope <= 0.0 else -INF,
        mirror=(1.0, -(1.0 + slope), 0.0),
        kinks=((0.0, 1 - Fraction(slope)),),
        tails=(slope, 1.0, 0.0),
        smooth=slope == 1.0,
        exact=slope in (-1.0, 0.0, 1.0),
    )


def elu_profile(alpha: float) -> Profile:
    """``t`` for t >= 0, ``alpha (exp(t) - 1)`` below: convex exactly for 0 <= alpha <= 1."""
    return Profile(
        name="elu",
        function=lambda t: np.where(t >= 0.0, t, alpha * np.expm1(np.minimum(t, 0.0))),
        derivative=lambda t: np.where(t >= 0.0, 1.0, alpha * np.exp(np.minimum(t, 0.0))),
        convex=EVERYWHERE if alpha <= 1.0 else BOTH_HALVES,
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=-alpha,
        smooth=alpha == 1.0,
    )


def squareplus_profile(b: float) -> Profile:
    """``(t + sqrt(t^2 + b)) / 2``, a smooth relu without exponentials."""

    def function(t: Array) -> Array:
        root = np.hypot(t, np.sqrt(b))
        # For t < 0 the sum cancels; b / (2 (root - t)) is the same number.
        return np.where(t >= 0.0, 0.5 * (t + root), 0.5 * b / np.where(t < 0.0, root - t, 1.0))

    return Profile(
        name="squareplus",
        function=function,
        derivative=lambda t: 0.5 * (1.0 + t / np.hypot(t, np.sqrt(b))),
        convex=EVERYWHERE,
        rising=EVERYWHERE,
        low=0.0,
        mirror=(1.0, -1.0, 0.0),
    )


def sigmoid_profile() -> Profile:
    """``1 / (1 + exp(-t))``: convex on t <= 0, concave on t >= 0."""
    return Profile(
        name="sigmoid",
        function=expit,
        derivative=lambda t: expit(t) * expit(-t),
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=0.0,
        high=1.0,
        mirror=(-1.0, 0.0, 1.0),
    )


def tanh_profile() -> Profile:
    """``tanh(t)``: convex on t <= 0, concave on t >= 0."""
    return Profile(
        name="tanh",
        function=np.tanh,
        derivative=lambda t: 1.0 / np.cosh(np.clip(t, -350.0, 350.0)) ** 2,
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=-1.0,
        high=1.0,
        mirror=(-1.0, 0.0, 0.0),
    )


def hardtanh_profile(low: float, high: float) -> Profile:
    """``t`` clipped to [low, high]: convex up to high, concave from low on."""
    return Profile(
        name="hardtanh",
        function=lambda t: np.clip(t, low, high),
        derivative=lambda t: ((t >= low) & (t <= high)).astype(float),
        convex=((-INF, high), (high, INF)),
        concave=((-INF, low), (low, INF)),
        rising=EVERYWHERE,
        falling=((-INF, low), (high, INF)),
        low=low,
        high=high,
        mirror=(-1.0, 0.0, 0.0) if low == -high else None,
        kinks=((low, 1.0), (high, -1.0)),
        tails=(0.0, 0.0, float(np.clip(0.0, low, high))),
        smooth=False,
        exact=True,
    )


def silu_profile() -> Profile:
    """``t sigmoid(t)``: turns at -1.2785, inflects at +-2.3994."""
    return Profile(
        name="silu",
        function=lambda t: np.where(np.isinf(t), np.maximum(t, 0.0), t * expit(t)),
        derivative=lambda t: expit(t) * (1.0 + np.where(np.isinf(t), 0.0, t) * expit(-t)),
        convex=((-2.3993, 2.3993),),
        concave=((-INF, -2.3994), (2.3994, INF)),
        rising=((-1.2784, INF),),
        falling=((-INF, -1.2785),),
        low=-0.27847,
        mirror=(1.0, -1.0, 0.0),
    )


def gelu_profile() -> Profile:
    """``t Phi(t)`` with the normal distribution function: inflects at +-sqrt(2)."""

    def density(t: Array) -> Array:
        return np.exp(-0.5 * t * t) / np.sqrt(2.0 * np.pi)

    return Profile(
        name="gelu",
        function=lambda t: np.where(np.isinf(t), np.maximum(t, 0.0), t * ndtr(t)),
        derivative=lambda t: ndtr(t) + t * density(t),
        convex=((-1.4142, 1.4142),),
        concave=((-INF, -1.4143), (1.4143, INF)),
        rising=((-0.7517, INF),),
        falling=((-INF, -0.7518),),
        low=-0.17,
        mirror=(1.0, -1.0, 0.0),
    )


def sign_profile() -> Profile:
    """-1, 0 or 1: concave on t >= 0 because it jumps up right at the border 0."""
    return Profile(
        name="sign",
        function=np.sign,
        derivative=np.zeros_like,
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=-1.0,
        high=1.0,
        mirror=(-1.0, 0.0, 0.0),
        smooth=False,
        exact=True,
    )


def threshold_profile() -> Profile:
    """1 for t >= 0, else 0: constant on t >= 0, convex on t <= 0 (it jumps at the border)."""
    return Profile(
        name="threshold",
        function=lambda t: (t >= 0.0).astype(float),
        derivative=np.zeros_like,
        convex=BOTH_HALVES,
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        falling=(POSITIVE,),
        low=0.0,
        high=1.0,
        smooth=False,
        exact=True,
    )
