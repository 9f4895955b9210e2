"""The gated linear layer: ReLU units whose activation patterns are fixed."""

from __future__ import annotations

from typing import Any, ClassVar

import cvxpy as cp
import numpy as np

from cvxnet.layers import atoms
from cvxnet.layers.layer import Layer, Tensor
from cvxnet.layers.linear import check_columns, check_count


class GatedLinear(Layer):
    """``y_j = 1[g_j . x + h_j >= 0] (w_j . x + b_j)`` with fixed gates g, h.

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
        gate = self.affine(z, "gate_weight", "gate_bias")
        value = self.affine(z, "weight", "bias")
        if isinstance(gate, cp.Expression):
            return cp.multiply(atoms.threshold(gate), value)
        is_open = (gate >= 0.0).astype(float)
        return cp.multiply(is_open, value) if isinstance(value, cp.Expression) else is_open * value

    def affine(self, z: Tensor, weight: str, bias: str) -> Tensor:
        """``z W^T + b``."""
        W = self.tensors[weight]
        if isinstance(W, cp.Expression) and not isinstance(z, cp.Expression):
            z = cp.Constant(z)  # numpy's @ would try to go entry by entry
        product = z @ W.T
        return product + self.tensors[bias] if bias in self.tensors else product

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
