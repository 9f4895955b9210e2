"""Linear layers, in torch's letters: ``y = x W^T + b`` with ``W`` of shape (out, in)."""

from __future__ import annotations

from typing import Any, ClassVar

import cvxpy as cp
import numpy as np

from cvxnet.errors import InputError
from cvxnet.layers import atoms
from cvxnet.layers.layer import Layer, Tensor, check_tensor


class Linear(Layer):
    """``y = x W^T + b``.

    Parameters
    ----------
    in_features, out_features : int
        Number of columns that come in and go out.
    bias : bool
        Whether there is a ``b``.
    nonneg, nonpos : bool
        Declares the sign of the weight matrix (not of the bias). Other weights are refused, and
        verdicts on weights that are not given rely on it.

    Raises
    ------
    InputError
        For sizes that are no whole numbers, and two signs at once; later for weights of another
        shape or sign.

    Notes
    -----
    As in torch, weights start uniform in ``[-1/sqrt(in), 1/sqrt(in)]`` (folded onto the declared
    sign), reproducibly: `Sequential` draws them all from its ``seed``.

    Examples
    --------
    >>> layer = Linear(2, 1).load_state_dict({"weight": [[1.0, -2.0]], "bias": [0.5]})
    >>> layer([[3.0, 1.0]])
    array([[1.5]])
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        nonneg: bool = False,
        nonpos: bool = False,
    ) -> None:
        super().__init__()
        self.nonneg, self.nonpos = check_flag(nonneg, "nonneg"), check_flag(nonpos, "nonpos")
        if self.nonneg and self.nonpos:
            raise InputError("a Linear layer cannot be both nonneg and nonpos; choose one.")
        self.in_features = check_count(in_features, "in_features")
        self.out_features = check_count(out_features, "out_features")
        self.tensors = {"weight": np.zeros((self.out_features, self.in_features))}
        if check_flag(bias, "bias"):
            self.tensors["bias"] = np.zeros(self.out_features)
        self.given = False
        self.initialize(np.random.default_rng(0))

    @property
    def weight(self) -> Tensor:
        """The weight matrix, (out, in)."""
        return self.tensors["weight"]

    @weight.setter
    def weight(self, value: Any) -> None:
        self._set({"weight": self._checked("weight", value)})

    @property
    def bias(self) -> Tensor | None:
        """The bias, (out,), or None."""
        return self.tensors.get("bias")

    @bias.setter
    def bias(self, value: Any) -> None:
        if "bias" not in self.tensors:
            raise InputError("this Linear layer was built with bias=False.")
        self._set({"bias": check_tensor(value, "bias", (self.out_features,), None)})

    def initialize(self, rng: np.random.Generator) -> None:
        if self.given:
            return
        bound = 1.0 / np.sqrt(self.in_features)
        for name in self.tensors:
            self.tensors[name] = rng.uniform(-bound, bound, self.shape(name))
        if self.sign("weight"):
            self.tensors["weight"] = np.abs(self.weight) * (-1.0 if self.nonpos else 1.0)

    @property
    def takes_sparse(self) -> bool:
        return True

    def forward(self, z: Tensor) -> Tensor:
        return affine(z, self.weight, self.bias)

    def options(self) -> dict[str, Any]:
        return {
            "in_features": self.in_features,
            "out_features": self.out_features,
            "bias": "bias" in self.tensors,
            "nonneg": self.nonneg,
            "nonpos": self.nonpos,
        }

    def width(self, columns: int | None) -> int:
        check_columns(self, self.in_features, columns)
        return self.out_features

    def columns(self, out: int | None = None) -> int:
        return self.in_features

    def sign(self, name: str) -> str | None:
        if name != "weight":
            return None
        return "nonneg" if self.nonneg else "nonpos" if self.nonpos else None

    def __repr__(self) -> str:
        extra = "".join(f", {name}=True" for name in ("nonneg", "nonpos") if getattr(self, name))
        return f"Linear({self.in_features}, {self.out_features}{extra})"


class GatedLinear(Layer):
    """``y_j = 1[g_j.x + h_j >= 0] (w_j.x + b_j)`` with fixed gates g, h.

    Linear in its weights ``weight`` (out, in) and ``bias`` (out,), unlike a ReLU layer; the gates
    ``gate_weight`` and ``gate_bias`` are not trained (Mishkin, Sahiner and Pilanci 2022).

    Parameters
    ----------
    in_features, out_features : int
        Number of columns that come in and go out.
    bias : bool
        Whether there are ``b`` and ``h``.

    Examples
    --------
    >>> layer = GatedLinear(1, 2, bias=False)
    >>> state = {"weight": [[2.0], [3.0]], "gate_weight": [[1.0], [-1.0]]}
    >>> layer.load_state_dict(state)([[5.0]])
    array([[10.,  0.]])
    """

    statistics: ClassVar[tuple[str, ...]] = ("gate_weight", "gate_bias")

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features = check_count(in_features, "in_features")
        self.out_features = check_count(out_features, "out_features")
        for name in ("weight", "gate_weight"):
            self.tensors[name] = np.zeros((self.out_features, self.in_features))
        for name in ("bias", "gate_bias") if bias else ():
            self.tensors[name] = np.zeros(self.out_features)
        self.given = False
        self.initialize(np.random.default_rng(0))

    def initialize(self, rng: np.random.Generator) -> None:
        if self.given:
            return
        bound = 1.0 / np.sqrt(self.in_features)
        for name in self.tensors:
            self.tensors[name] = rng.uniform(-bound, bound, self.shape(name))

    def forward(self, z: Tensor) -> Tensor:
        gate = affine(z, self.tensors["gate_weight"], self.tensors.get("gate_bias"))
        value = affine(z, self.tensors["weight"], self.tensors.get("bias"))
        if isinstance(gate, cp.Expression):
            return cp.multiply(atoms.threshold(gate), value)
        is_open = (gate >= 0.0).astype(float)
        return cp.multiply(is_open, value) if isinstance(value, cp.Expression) else is_open * value

    def options(self) -> dict[str, Any]:
        return {
            "in_features": self.in_features,
            "out_features": self.out_features,
            "bias": "bias" in self.tensors,
        }

    def width(self, columns: int | None) -> int:
        check_columns(self, self.in_features, columns)
        return self.out_features

    def columns(self, out: int | None = None) -> int:
        return self.in_features

    def __repr__(self) -> str:
        return f"GatedLinear({self.in_features}, {self.out_features})"


def affine(z: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """``z W^T + b``."""
    if isinstance(weight, cp.Expression) and not isinstance(z, cp.Expression):
        z = cp.Constant(z)  # numpy's @ would try to go entry by entry
    product = z @ weight.T
    return product if bias is None else product + bias


def check_columns(layer: Layer, expected: int, columns: int | None) -> None:
    """The number of columns that come in, where it is known, must be the layer's own."""
    if columns is not None and columns != expected:
        raise InputError(
            f"{layer!r} expects {expected} columns, but gets {columns}. "
            "Rows are samples, columns are features."
        )


MOST = 2**31
"""No layer has as many columns."""


def check_count(value: Any, what: str) -> int:
    """A whole number of at least one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{what} must be a whole number of at least 1, not {value!r}.")
    if value >= MOST:
        raise InputError(f"{what} is at least {MOST:,}, which is more than any layer can have.")
    return int(value)


def check_flag(value: Any, what: str) -> bool:
    """True or false; an array of several would be neither."""
    if isinstance(value, bool | np.bool_ | int | np.integer | None):
        return bool(value)
    raise InputError(f"{what} is True or False, not {value!r}.")
