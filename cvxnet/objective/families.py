"""Unit families: what is known of their units whatever the data.

How units are priced is not said here: `cvxnet.training.units` has that, by the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cvxnet.data.validation import check_matrix, check_positive, check_size
from cvxnet.errors import InputError, plainly
from cvxnet.layers import Abs, Layer, LeakyReLU, ReLU, Sign, Square, SquaredReLU, Tanh, Threshold
from cvxnet.layers.activations import check_number
from cvxnet.layers.linear import check_count

Options = dict[str, Any]


def check_slope(options: Options, columns: int) -> Options:
    """A slope below one, the slope of linear units."""
    slope = check_number(options["slope"], "slope")
    if not 0.0 <= slope < 1.0:
        raise InputError(
            f"the slope of leaky_relu units must be in [0, 1), not {options['slope']!r} "
            "(a slope of 1 is the linear family)."
        )
    return {"slope": slope}


def check_radius(options: Options, columns: int) -> Options:
    """A bound on the length of hidden weights."""
    radius = check_positive(options["radius"], "the radius", "")
    check_size(radius, "the radius")
    return {"radius": radius}


def check_coefficients(options: Options, columns: int) -> Options:
    """Three finite numbers, not all of a and b zero."""
    given = options["coefficients"]
    try:
        a, b, c = (check_number(number, "a coefficient") for number in given)
    except (TypeError, ValueError) as error:
        raise InputError(
            "polynomial units take coefficients=(a, b, c) of a t^2 + b t + c, not "
            f"{given!r}: {error}"
        ) from None
    if a == b == 0.0:
        raise InputError(
            "polynomial units with a = b = 0 are constant: they do not depend on the data."
        )
    return {"coefficients": (a, b, c)}


def check_gates(options: Options, columns: int) -> Options:
    """Gates as rows; a number asks for that many Gaussian ones."""
    gates = options["gates"]
    if isinstance(gates, int | np.integer):
        count = check_count(gates, "the number of gates")
        gates = np.random.default_rng(options["seed"]).standard_normal((count, columns))
    gates = check_matrix(gates, "gates")
    if gates.shape[1] != columns:
        raise InputError(
            f"gates has {gates.shape[1]} columns; the data have {columns}, the hidden bias "
            "included."
        )
    return {"gates": gates}


def no_options(options: Options, columns: int) -> Options:
    """Nothing to check."""
    return options


@dataclass(frozen=True)
class Traits:
    """What the units of a family have in common.

    Attributes
    ----------
    layer : type of Layer or None
        The activation between the two Linear layers, where it is one.
    norms : tuple of str
        The norms that the ball of hidden weights may have.
    degree : int or None
        Features on data ``s X`` are ``s**degree`` times those on ``X``; None: no such law.
    power : int or None
        ``phi_{s u}`` is ``s**power`` times ``phi_u`` for s > 0; None: no such law.
    shared_decay : bool
        Whether ``|u| |a|`` stands for ``1/2 (|u|^2 + a^2)``, with ``|u| <= 1`` (units of power
        one); otherwise ``|u|`` is fixed and the penalty is on ``|a|``.
    takes_bias : bool
        Whether hidden units can have a bias.
    outputs : bool
        Whether several outputs can share them.
    convex : bool
        Whether they are convex in the input, whatever the hidden weights.
    widths : bool
        Whether networks of at most so many of them can be trained to the global optimum.
    sparse : bool
        Whether ``X`` may be a sparse matrix of SciPy, which is nowhere made dense.
    change : str
        What they have where their input is 0: a "kink" (of the slope, or of the curvature) or a
        "step"; empty where nothing.
    formula : str
        What they are of their input, which takes the place of ``{}``, as text for pictures.
    options : dict
        Their options, with what they are where not given.
    check : callable
        The options checked and complete, for data of so many columns, the hidden bias included.
    """

    layer: type[Layer] | None = None
    norms: tuple[str, ...] = ("l2",)
    degree: int | None = None
    power: int | None = None
    shared_decay: bool = False
    takes_bias: bool = True
    outputs: bool = False
    convex: bool = False
    widths: bool = False
    sparse: bool = False
    change: str = ""
    formula: str = ""
    options: Options = field(default_factory=dict)
    check: Callable[[Options, int], Options] = no_options

    @property
    def layer_options(self) -> list[str]:
        """Those of the options that the layer has too."""
        return [name for name in self.options if self.layer and name in self.layer().options()]


HOMOGENEOUS = Traits(
    norms=("l2", "l1"), degree=1, power=1, shared_decay=True, outputs=True, widths=True
)
CONVEX = replace(HOMOGENEOUS, convex=True, change="kink")
OUTPUT_SIGNS = {"any": (1.0, -1.0), "nonneg": (1.0,), "nonpos": (-1.0,)}
"""The signs that output weights may have, by what asks for them."""
PAPER = (0.09, 0.5, 0.47)
"""Coefficients that resemble ReLU (Bartan and Pilanci 2021)."""

FAMILIES: dict[str, Traits] = {
    "relu": replace(CONVEX, layer=ReLU, formula="$({})_+$"),
    "leaky_relu": replace(
        CONVEX,
        layer=LeakyReLU,
        formula="$({})_+$ with a leak",
        options={"slope": 0.01},
        check=check_slope,
    ),
    "abs": replace(CONVEX, layer=Abs, formula="$|{}|$"),
    "linear": replace(HOMOGENEOUS, sparse=True),
    "gated_relu": replace(
        HOMOGENEOUS,
        norms=("l2",),
        options={"gates": 50, "seed": 0},
        check=check_gates,
        widths=False,
    ),
    "squared_relu": Traits(
        SquaredReLU, degree=2, power=2, convex=True, change="kink", formula="$({})_+^2$"
    ),
    "quadratic": Traits(Square, degree=2, power=2, outputs=True, convex=True),
    "polynomial": Traits(options={"coefficients": PAPER}, check=check_coefficients, outputs=True),
    "tanh": Traits(Tanh, options={"radius": 10.0}, check=check_radius),
    "sign": Traits(Sign, degree=0, power=0, widths=True, change="step"),
    "threshold": Traits(Threshold, degree=0, power=0, widths=True, change="step"),
    "coordinate": Traits(degree=1, takes_bias=False, outputs=True, widths=True, sparse=True),
}
"""The unit families by name."""


@dataclass(frozen=True)
class Family:
    """A unit family by name, with its options: what `cvxnet.train` takes beside a mere name.

    Parameters
    ----------
    name : str
        One of ``cvxnet.FAMILIES``.
    **options
        Of the family, such as the slope of ``"leaky_relu"``; `complete` checks them.

    Raises
    ------
    InputError
        For an unknown name, with the names that there are.

    Examples
    --------
    >>> Family("leaky_relu", slope=0.1)
    Family('leaky_relu', slope=0.1)
    >>> Family("leaky_rely")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    cvxnet.errors.InputError: unknown unit family 'leaky_rely'; known families: ...
    """

    name: str
    options: Options = field(default_factory=dict)

    def __init__(self, name: str, **options: Any) -> None:
        if not isinstance(name, str) or name not in FAMILIES:
            known = ", ".join(sorted(FAMILIES))
            raise InputError(f"unknown unit family {name!r}; known families: {known}.")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "options", options)

    def __repr__(self) -> str:
        options = "".join(f", {key}={value!r}" for key, value in self.options.items())
        return plainly(f"Family({self.name!r}{options})")

    @property
    def traits(self) -> Traits:
        """What is known of its units."""
        return FAMILIES[self.name]

    def complete(self, columns: int) -> Family:
        """The same with all its options, checked, on data of so many columns with the bias.

        Raises
        ------
        InputError
            For options that the family does not have, and values that they cannot have.
        """
        defaults = self.traits.options
        for name in self.options:
            if name not in defaults:
                known = ", ".join(defaults) or "none"
                raise InputError(f"{self.name} units take no {name}; their options: {known}.")
        options = defaults | self.options
        return Family(self.name, **self.traits.check(options, columns))

    def check_norm(self, norm: str) -> None:
        """Refuse a norm that the family does not have."""
        if norm not in self.traits.norms:
            raise InputError(
                f"{self.name} units have norm {' or '.join(map(repr, self.traits.norms))}, not "
                f"{norm!r}."
            )

    def between(self) -> list[Layer]:
        """The layers between the two Linear layers of a network of such units.

        Examples
        --------
        >>> Family("leaky_relu", slope=0.1).between(), Family("linear").between()
        ([LeakyReLU(slope=0.1)], [])
        """
        traits = self.traits
        if traits.layer is None:
            return []
        given = self.options.keys() & traits.layer_options
        return [traits.layer(**{name: self.options[name] for name in given})]


def family_with(activation: Layer) -> Family | None:
    """The unit family with this activation, where there is one."""
    for name, traits in FAMILIES.items():
        if traits.layer is type(activation):
            return Family(name, **{key: activation.options()[key] for key in traits.layer_options})
    return None
