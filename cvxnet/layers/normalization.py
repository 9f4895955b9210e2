"""Normalisation: by fixed statistics (affine) or by those of the row itself (not convex)."""

from __future__ import annotations

from typing import Any, ClassVar

import cvxpy as cp
import numpy as np

from cvxnet.data.preparation import Scaling
from cvxnet.data.validation import check_positive
from cvxnet.errors import InputError
from cvxnet.layers.atoms import standardize
from cvxnet.layers.layer import Layer, Tensor
from cvxnet.layers.linear import check_count

NO_EPS = 1e-300


class Normalization(Layer, abstract=True):
    """Columns scaled by ``weight`` and shifted by ``bias`` after some standardisation."""

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.features = check_count(features, "features")
        self.eps = check_positive(eps, "eps")
        self.tensors = {"weight": np.ones(self.features), "bias": np.zeros(self.features)}
        self.given = False

    def options(self) -> dict[str, Any]:
        return {"features": self.features, "eps": self.eps}

    def width(self, columns: int | None) -> int:
        if columns is not None and columns != self.features:
            raise InputError(f"{self!r} expects {self.features} columns, but gets {columns}.")
        return self.features

    def columns(self, out: int | None = None) -> int:
        return self.features

    def standardized(self, z: Tensor) -> Tensor:
        """The input before it is scaled and shifted."""
        raise TypeError(f"{type(self).__name__} does not define standardized")

    def forward(self, z: Tensor) -> Tensor:
        return product(self.standardized(z), self.tensors["weight"]) + self.tensors["bias"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.features})"


class BatchNorm(Normalization):
    """``weight (z - running_mean) / sqrt(running_var + eps) + bias``: affine, statistics fixed.

    It keeps convexity where its ``weight`` is nonnegative.

    Parameters
    ----------
    features : int
        Number of columns.
    eps : float
        Added to the variances, above 0.

    Examples
    --------
    >>> norm = BatchNorm(1, eps=1.0).load_state_dict(
    ...     {"weight": [2.0], "bias": [1.0], "running_mean": [3.0], "running_var": [3.0]})
    >>> norm([5.0])
    array([3.])
    """

    statistics: ClassVar[tuple[str, ...]] = ("running_mean", "running_var")

    def __init__(self, features: int, eps: float = 1e-5) -> None:
        super().__init__(features, eps)
        self.tensors["running_mean"] = np.zeros(self.features)
        self.tensors["running_var"] = np.ones(self.features)

    @classmethod
    def standardising(cls, scaling: Scaling) -> BatchNorm:
        """The layer that computes what a scaling does, to the last bit.

        Its ``eps`` is nothing beside variances of data: added to them it changes no double.

        Examples
        --------
        >>> scaling = Scaling(mean=(3.0,), variance=(0.49,))
        >>> X = np.array([[0.1], [7.7]])
        >>> bool((BatchNorm.standardising(scaling)(X) == scaling.apply(X)).all())
        True
        """
        layer = cls(len(scaling.mean), eps=NO_EPS)
        statistics = {"running_mean": scaling.mean, "running_var": scaling.variance}
        return layer.load_state_dict(layer.state_dict() | statistics)

    def sign(self, name: str) -> str | None:
        return "nonneg" if name == "running_var" else None

    def standardized(self, z: Tensor) -> Tensor:
        scale = 1.0 / np.sqrt(self.tensors["running_var"] + self.eps)
        return product(z - self.tensors["running_mean"], scale)


class LayerNorm(Normalization):
    """Each row standardised by its own mean and variance: neither convex nor concave.

    Parameters
    ----------
    features : int
        Number of columns.
    eps : float
        Added to the variances, above 0.

    Examples
    --------
    >>> LayerNorm(2)([1.0, 3.0]).round(3)
    array([-1.,  1.])
    """

    def standardized(self, z: Tensor) -> Tensor:
        atom = standardize(z, self.eps)
        return atom if isinstance(z, cp.Expression) else atom.numeric([z])


def product(z: Tensor, factors: Tensor) -> Tensor:
    """Each column times its factor."""
    if not isinstance(z, cp.Expression) and not isinstance(factors, cp.Expression):
        return z * factors
    if len(z.shape) == 2:
        factors = cp.broadcast_to(factors, z.shape)
    return cp.multiply(factors, z)
