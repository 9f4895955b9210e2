"""The profiles of CVXPY's own scalar functions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from scipy.special import ndtr

from cvxnet.functions.arithmetic import defined_everywhere
from cvxnet.functions.catalogue import leaky_relu_profile
from cvxnet.functions.profile import EVERYWHERE, INF, NEGATIVE, POSITIVE, Profile


@cache
def power_profile(p: Fraction) -> Profile | None:
    """``t^p`` on CVXPY's domain: everything for p = 2, 4, 8, ..., t >= 0 otherwise."""
    if p in (0, 1):
        return None
    exponent = float(p)
    even, half = defined_everywhere(p), (POSITIVE,)
    return Profile(
        name={Fraction(2): "square", Fraction(1, 2): "sqrt"}.get(p, f"power {p}"),
        function=lambda t: np.power(t, exponent),
        derivative=lambda t: exponent * np.power(t, exponent - 1.0),
        convex=EVERYWHERE if even else half if p > 1 or p < 0 else (),
        concave=half if 0 < p < 1 else (),
        rising=half if p > 0 else (),
        falling=(NEGATIVE,) if even else half if p < 0 else (),
        low=0.0,
        mirror=(1.0, 0.0, 0.0) if even else None,
        whole=p > 0 and p.denominator == 1,
        domain=(-INF, INF) if even else POSITIVE,
    )


@cache
def huber_profile(edge: float) -> Profile:
    """``t^2`` inside, linear outside."""

    def function(t: Any) -> Any:
        inner = np.minimum(np.abs(t), edge)
        return inner * inner + 2.0 * edge * (np.abs(t) - inner)

    return Profile(
        name="huber",
        function=function,
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
    return replace(profile, name="abs", mirror=(1.0, 0.0, 0.0))


@cache
def exp_profile() -> Profile:
    """``exp(t)``."""
    return Profile(
        name="exp",
        function=np.exp,
        derivative=np.exp,
        convex=EVERYWHERE,
        rising=EVERYWHERE,
        low=0.0,
    )


@cache
def log_profile() -> Profile:
    """``log(t)``."""
    return Profile(
        name="log",
        function=np.log,
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
        function=np.log1p,
        derivative=lambda t: 1.0 / (1.0 + t),
        concave=half,
        rising=half,
        domain=half[0],
    )


@cache
def softplus_profile() -> Profile:
    """``log(1 + exp(t))``, which CVXPY calls logistic."""
    return Profile(
        name="softplus",
        function=lambda t: np.logaddexp(0.0, t),
        derivative=lambda t: 0.5 * (1.0 + np.tanh(0.5 * t)),
        convex=EVERYWHERE,
        rising=EVERYWHERE,
        low=0.0,
        mirror=(1.0, -1.0, 0.0),
    )


def normal_density(t: Any) -> Any:
    """The density of the normal distribution."""
    return np.exp(-0.5 * t * t) / np.sqrt(2.0 * np.pi)


@cache
def normal_profile() -> Profile:
    """The normal distribution function."""
    return Profile(
        name="normcdf",
        function=ndtr,
        derivative=lambda t: normal_density(t),
        convex=(NEGATIVE,),
        concave=(POSITIVE,),
        rising=EVERYWHERE,
        low=0.0,
        high=1.0,
        mirror=(-1.0, 0.0, 1.0),
    )


@cache
def entropy_profile() -> Profile:
    """``-t log t``, largest at 1/e."""

    def function(t: Any) -> Any:
        return np.where(np.isinf(t), -INF, -t * np.log(np.where(t > 0.0, t, 1.0)))

    return Profile(
        name="entr",
        function=function,
        derivative=lambda t: -1.0 - np.log(t),
        concave=(POSITIVE,),
        rising=((0.0, 0.3678),),
        falling=((0.3679, INF),),
        high=0.36788,
        domain=POSITIVE,
    )
