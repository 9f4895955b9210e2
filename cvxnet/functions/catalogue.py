"""The scalar functions behind the activations and behind CVXPY's atoms, each with its profile."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from cvxnet.functions import formulas
from cvxnet.functions.arithmetic import defined_everywhere
from cvxnet.functions.profile import (
    BOTH_HALVES,
    EVERYWHERE,
    INF,
    NEGATIVE,
    POSITIVE,
    Profile,
)
from cvxnet.types import Array


def with_options(formula: Any, *options: Any) -> Any:
    """A formula with its options filled in."""
    return lambda t, K: formula(t, *options, K)


def normal_density(t: Array) -> Array:
    """The density of the normal distribution."""
    return np.exp(-0.5 * t * t) / np.sqrt(2.0 * np.pi)


@cache
def leaky_relu_profile(slope: float) -> Profile:
    """``t`` for t >= 0, ``slope t`` below: convex for slope <= 1, concave for slope >= 1."""
    return Profile(
        name="relu" if slope == 0.0 else "leaky_relu",
        formula=with_options(formulas.leaky_relu, slope) if slope else formulas.relu,
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
        bounded_curvature=True,
        log_log="identity",
    )


def relu_profile() -> Profile:
    """``max(t, 0)``."""
    return leaky_relu_profile(0.0)


@cache
def elu_profile(alpha: float) -> Profile:
    """``t`` for t >= 0, ``alpha (exp(t) - 1)`` below: convex exactly for 0 <= alpha <= 1."""
    return Profile(
        name="elu",
        formula=with_options(formulas.elu, alpha),
        derivative=lambda t: np.where(t >= 0.0, 1.0, alpha * np.exp(np.minimum(t, 0.0))),
        convex=EVERYWHERE if alpha <= 1.0 else BOTH_HALVES,
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=-alpha,
        smooth=alpha == 1.0,
        bounded_curvature=True,
        log_log="identity",
    )


@cache
def squareplus_profile(b: float) -> Profile:
    """``(t + sqrt(t^2 + b)) / 2``, a smooth relu without exponentials."""
    return Profile(
        name="squareplus",
        formula=with_options(formulas.squareplus, b),
        derivative=lambda t: 0.5 * (1.0 + t / np.hypot(t, np.sqrt(b))),
        convex=EVERYWHERE,
        rising=EVERYWHERE,
        low=0.0,
        mirror=(1.0, -1.0, 0.0),
        bounded_curvature=True,
    )


@cache
def sigmoid_profile() -> Profile:
    """``1 / (1 + exp(-t))``: convex on t <= 0, concave on t >= 0."""
    return Profile(
        name="sigmoid",
        formula=formulas.sigmoid,
        derivative=lambda t: expit(t) * expit(-t),
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=0.0,
        high=1.0,
        mirror=(-1.0, 0.0, 1.0),
        bounded_curvature=True,
    )


@cache
def tanh_profile() -> Profile:
    """``tanh(t)``: convex on t <= 0, concave on t >= 0."""
    return Profile(
        name="tanh",
        formula=formulas.tanh,
        derivative=lambda t: 1.0 / np.cosh(np.clip(t, -350.0, 350.0)) ** 2,
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=-1.0,
        high=1.0,
        mirror=(-1.0, 0.0, 0.0),
        bounded_curvature=True,
    )


@cache
def hardtanh_profile(low: float, high: float) -> Profile:
    """``t`` clipped to [low, high]: convex up to high, concave from low on."""
    return Profile(
        name="hardtanh",
        formula=with_options(formulas.hardtanh, low, high),
        derivative=lambda t: ((t >= low) & (t <= high)).astype(float),
        convex=((-INF, high), (high, INF)),
        concave=((-INF, low), (low, INF)),
        rising=EVERYWHERE,
        falling=((-INF, low), (high, INF)),
        low=low,
        high=high,
        mirror=(-1.0, 0.0, 0.0) if low == -high else None,
        bounded_curvature=True,
        kinks=((low, 1.0), (high, -1.0)),
        tails=(0.0, 0.0, float(np.clip(0.0, low, high))),
        smooth=False,
        exact=True,
    )


@cache
def silu_profile() -> Profile:
    """``t sigmoid(t)``: turns at -1.2785, inflects at +-2.3994."""
    return Profile(
        name="silu",
        formula=formulas.silu,
        limits=(0.0, INF),
        derivative=lambda t: expit(t) * (1.0 + np.where(np.isinf(t), 0.0, t) * expit(-t)),
        convex=((-2.3993, 2.3993),),
        concave=((-INF, -2.3994), (2.3994, INF)),
        rising=((-1.2784, INF),),
        falling=((-INF, -1.2785),),
        low=-0.27847,
        mirror=(1.0, -1.0, 0.0),
        bounded_curvature=True,
    )


@cache
def gelu_profile() -> Profile:
    """``t Phi(t)`` with the normal distribution function: inflects at +-sqrt(2)."""
    return Profile(
        name="gelu",
        formula=formulas.gelu,
        limits=(0.0, INF),
        derivative=lambda t: ndtr(t) + t * normal_density(t),
        convex=((-1.4142, 1.4142),),
        concave=((-INF, -1.4143), (1.4143, INF)),
        rising=((-0.7517, INF),),
        falling=((-INF, -0.7518),),
        low=-0.17,
        mirror=(1.0, -1.0, 0.0),
        bounded_curvature=True,
    )


@cache
def sign_profile() -> Profile:
    """-1, 0 or 1: concave on t >= 0 because it jumps up right at the border 0."""
    return Profile(
        name="sign",
        formula=formulas.sign,
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


@cache
def threshold_profile() -> Profile:
    """1 for t >= 0, else 0: constant on t >= 0, convex on t <= 0 (it jumps at the border)."""
    return Profile(
        name="threshold",
        formula=formulas.threshold,
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


@cache
def celu_profile(alpha: float) -> Profile:
    """``t`` for t >= 0, ``alpha (exp(t / alpha) - 1)`` below: convex for every alpha > 0."""
    return Profile(
        name="celu",
        formula=with_options(formulas.celu, alpha),
        derivative=lambda t: np.exp(np.minimum(t, 0.0) / alpha),
        convex=EVERYWHERE,
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=-alpha,
        bounded_curvature=True,
        log_log="identity",
    )


@cache
def selu_profile() -> Profile:
    """``1.05 elu(t, 1.67)``: its slope jumps down at 0."""
    alpha, scale = formulas.SELU_ALPHA, formulas.SELU_SCALE
    return Profile(
        name="selu",
        formula=formulas.selu,
        derivative=lambda t: scale * np.where(t >= 0.0, 1.0, alpha * np.exp(np.minimum(t, 0.0))),
        convex=BOTH_HALVES,
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=-1.7581,
        smooth=False,
        bounded_curvature=True,
    )


@cache
def squared_relu_profile() -> Profile:
    """``max(t, 0)^2``."""
    return Profile(
        name="squared_relu",
        formula=formulas.squared_relu,
        derivative=lambda t: 2.0 * np.maximum(t, 0.0),
        convex=EVERYWHERE,
        concave=(NEGATIVE,),
        rising=EVERYWHERE,
        falling=(NEGATIVE,),
        low=0.0,
        whole=True,
        bounded_curvature=True,
    )


def square_profile() -> Profile:
    """``t^2``."""
    return power_profile(Fraction(2))


@cache
def power_profile(p: Fraction) -> Profile:
    """``t^p`` with p not 0 or 1, on CVXPY's domain: everything for p = 2, 4, 8, ..., or t >= 0."""
    exponent = float(p)
    even, root, half = defined_everywhere(p), 0 < p < 1, (POSITIVE,)
    curved = EVERYWHERE if even else half
    return Profile(
        name={Fraction(2): "square", Fraction(1, 2): "sqrt"}.get(p, f"power {p}"),
        formula=with_options(formulas.power, p),
        derivative=lambda t: exponent * np.power(t, exponent - 1.0),
        convex=() if root else curved,
        concave=half if root else (),
        rising=half if p > 0 else (),
        falling=half if p < 0 else (NEGATIVE,) if even else (),
        low=0.0,
        mirror=(1.0, 0.0, 0.0) if even else None,
        whole=p > 0 and p.denominator == 1,
        domain=(-INF, INF) if even else POSITIVE,
        bounded_curvature=p == 2,
    )


@cache
def huber_profile(edge: float) -> Profile:
    """``t^2`` inside, linear outside."""
    return Profile(
        name="huber",
        formula=with_options(formulas.huber, edge),
        derivative=lambda t: 2.0 * np.clip(t, -edge, edge),
        convex=EVERYWHERE,
        rising=(POSITIVE,),
        falling=(NEGATIVE,),
        low=0.0,
        mirror=(1.0, 0.0, 0.0),
    )


@cache
def abs_profile() -> Profile:
    """``|t|``, the leaky rectifier of slope -1."""
    profile = leaky_relu_profile(-1.0)
    return replace(profile, name="abs", formula=formulas.absolute, mirror=(1.0, 0.0, 0.0))


@cache
def exp_profile() -> Profile:
    """``exp(t)``."""
    return Profile(
        name="exp",
        formula=formulas.exp,
        derivative=np.exp,
        convex=EVERYWHERE,
        rising=EVERYWHERE,
        low=0.0,
        log_log="convex",
    )


@cache
def log_profile() -> Profile:
    """``log(t)``."""
    return Profile(
        name="log",
        formula=formulas.log,
        derivative=lambda t: 1.0 / t,
        concave=(POSITIVE,),
        rising=(POSITIVE,),
        domain=POSITIVE,
    )


@cache
def log1p_profile() -> Profile:
    """``log(1 + t)``."""
    half = ((-1.0, INF),)
    return Profile(
        name="log1p",
        formula=formulas.log1p,
        derivative=lambda t: 1.0 / (1.0 + t),
        concave=half,
        rising=half,
        domain=half[0],
    )


@cache
def softplus_profile(beta: float = 1.0) -> Profile:
    """``log(1 + exp(beta t)) / beta``; for beta = 1 CVXPY calls it logistic."""
    return Profile(
        name="softplus",
        formula=formulas.softplus if beta == 1.0 else with_options(formulas.scaled_softplus, beta),
        derivative=lambda t: expit(beta * t),
        convex=EVERYWHERE,
        rising=EVERYWHERE,
        low=0.0,
        mirror=(1.0, -1.0, 0.0),
        bounded_curvature=True,
        log_log="convex",
    )


@cache
def normal_profile() -> Profile:
    """The normal distribution function."""
    return Profile(
        name="normcdf",
        formula=formulas.normal,
        derivative=normal_density,
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=0.0,
        high=1.0,
        mirror=(-1.0, 0.0, 1.0),
        bounded_curvature=True,
    )


@cache
def entropy_profile() -> Profile:
    """``-t log t``, largest at 1/e."""
    return Profile(
        name="entr",
        formula=formulas.entropy,
        derivative=lambda t: -1.0 - np.log(t),
        concave=(POSITIVE,),
        rising=((0.0, 0.3678),),
        falling=((0.3679, INF),),
        high=0.36788,
        domain=POSITIVE,
    )
