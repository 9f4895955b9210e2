"""Linear self-attention, and the convex form of its training.

A head with weights M (d, d) and V (d, c) maps the tokens X (s, d) of a sample to ``X M G V`` with
``G = X' X``. In entries, summed over heads,

    f(X)[t, o] = sum_{a, k, l} X[t, a] G[k, l] Z[(a, k), (l, o)],    Z = sum_h vec(M_h) vec(V_h)',

so the heads matter through the d^2 x dc matrix Z alone, and f is linear in it. Weight decay
``1/2 sum_h (|M_h|^2 + |V_h|^2)``, minimised over all heads with the same Z, is the nuclear norm of
Z (Srebro, Rennie and Jaakkola 2004), reached by the singular vectors, each times the root of its
singular value. So training with ``min(d^2, dc)`` heads or more is the convex problem

    minimise  loss(f_Z) + weight_decay |Z|_*

(Sahiner, Ergen, Ozturkler, Pauly, Mardani and Pilanci 2022, arXiv 2205.08078).
"""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np

from cvxnet.data.validation import as_floats, check_finite
from cvxnet.errors import InputError
from cvxnet.layers.layer import Layer, Tensor
from cvxnet.layers.linear import check_columns, check_count
from cvxnet.types import Array

NEGLIGIBLE = 1e-9
"""Singular values below, relative to the largest, belong to no head."""


class LinearAttention(Layer):
    """Self-attention without softmax: the sum over heads of ``X M X' X V``.

    A row is one sample: its tokens one after the other, each with its features.

    Parameters
    ----------
    tokens, features : int
        Each sample is a matrix of that many rows and columns, flattened by rows.
    out_features : int
        Columns of each token of the output.
    heads : int
        Number of heads.

    Raises
    ------
    InputError
        For sizes that are no whole numbers of at least 1.

    Notes
    -----
    ``mixing`` (heads, d, d) holds M, the product of what is called the query and the transposed key
    matrix elsewhere, and ``value`` (heads, d, c) holds V (Sahiner et al. 2022, arXiv 2205.08078,
    equation 4). They start uniform in ``[-1/sqrt(d), 1/sqrt(d)]``.

    Examples
    --------
    >>> layer = LinearAttention(2, 1, 1)
    >>> state = {"mixing": [[[1.0]]], "value": [[[0.5]]]}
    >>> layer.load_state_dict(state)([1.0, 2.0])
    array([2.5, 5. ])
    """

    def __init__(self, tokens: int, features: int, out_features: int, heads: int = 1) -> None:
        super().__init__()
        self.tokens = check_count(tokens, "tokens")
        self.features = check_count(features, "features")
        self.out_features = check_count(out_features, "out_features")
        self.heads = check_count(heads, "heads")
        self.tensors = {
            "mixing": np.zeros((self.heads, self.features, self.features)),
            "value": np.zeros((self.heads, self.features, self.out_features)),
        }
        self.given = False
        self.initialize(np.random.default_rng(0))

    def initialize(self, rng: np.random.Generator) -> None:
        if self.given:
            return
        bound = 1.0 / np.sqrt(self.features)
        for name in self.tensors:
            self.tensors[name] = rng.uniform(-bound, bound, self.shape(name))

    def width(self, columns: int | None) -> int:
        check_columns(self, self.tokens * self.features, columns)
        return self.tokens * self.out_features

    def columns(self, out: int | None = None) -> int:
        return self.tokens * self.features

    def forward(self, z: Tensor) -> Tensor:
        if z.ndim == 1:
            return self.of_sample(z)
        rows = [self.of_sample(z[i]) for i in range(z.shape[0])]
        symbolic = any(isinstance(row, cp.Expression) for row in rows)
        return cp.vstack(rows) if symbolic else np.array(rows)

    def of_sample(self, row: Tensor) -> Tensor:
        """The output for one sample, as a row."""
        weights = self.tensors.values()
        if not any(isinstance(t, cp.Expression) for t in (row, *weights)):
            X = row.reshape(self.tokens, self.features)
            return np.sum(X @ self.tensors["mixing"] @ (X.T @ X) @ self.tensors["value"], 0).ravel()
        row = row if isinstance(row, cp.Expression) else cp.Constant(row)
        X = cp.reshape(row, (self.tokens, self.features), order="C")
        gram = X.T @ X
        heads = [X @ self.matrix("mixing", h) @ (gram @ self.matrix("value", h)) for h in self.each]
        return cp.vec(sum(heads[1:], heads[0]), order="C")

    @property
    def each(self) -> range:
        """The numbers of the heads."""
        return range(self.heads)

    def matrix(self, name: str, head: int) -> Tensor:
        """One head's matrix."""
        return self.tensors[name][head]

    def lifted(self, x: Any, Z: Any) -> Tensor:
        """The output of all heads that a matrix Z stands for: linear in Z.

        Parameters
        ----------
        x : array (n, tokens * features)
            The samples.
        Z : array or CVXPY expression (features^2, features * out_features)
            The sum over heads of ``vec(M) vec(V)'``, both by rows.

        Returns
        -------
        array or CVXPY expression (n, tokens * out_features)

        Raises
        ------
        InputError
            For another width, and for a Z of another shape.

        Examples
        --------
        >>> layer = LinearAttention(2, 1, 1)
        >>> layer.lifted([[1.0, 2.0]], np.array([[0.5]]))
        array([[2.5, 5. ]])
        """
        x = as_floats(x, "x")
        check_finite(x, "x")
        check_columns(self, self.tokens * self.features, x.shape[-1])
        if tuple(Z.shape) != self.lifted_shape:
            raise InputError(f"Z has shape {tuple(Z.shape)}; expected {self.lifted_shape}.")
        rows = []
        for X in x.reshape(-1, self.tokens, self.features):
            parts = [
                np.kron(X, row) @ Z[:, k * self.out_features : (k + 1) * self.out_features]
                for k, row in enumerate(X.T @ X)
            ]
            total = sum(parts[1:], parts[0])
            symbolic = isinstance(total, cp.Expression)
            rows.append(cp.vec(total, order="C") if symbolic else total.ravel())
        return cp.vstack(rows) if isinstance(Z, cp.Expression) else np.array(rows)

    @property
    def lifted_shape(self) -> tuple[int, int]:
        """The shape of the matrix Z of `lifted`."""
        return self.features**2, self.features * self.out_features

    def of_lifted(self, Z: Array) -> LinearAttention:
        """The layer with the fewest and lightest heads that a matrix Z stands for.

        Parameters
        ----------
        Z : array (features^2, features * out_features)
            As in `lifted`.

        Returns
        -------
        LinearAttention
            With as many heads as Z has singular values other than zero (at least one). Half its
            sum of squared weights is the nuclear norm of Z.

        Examples
        --------
        >>> layer = LinearAttention(2, 1, 1).of_lifted(np.array([[0.5]]))
        >>> layer.heads, layer([1.0, 2.0])
        (1, array([2.5, 5. ]))
        """
        left, sizes, right = np.linalg.svd(np.asarray(Z, dtype=np.float64), full_matrices=False)
        count = max(1, int((sizes > NEGLIGIBLE * sizes[0]).sum()))
        roots = np.sqrt(sizes[:count])
        layer = LinearAttention(self.tokens, self.features, self.out_features, count)
        mixing = (left[:, :count] * roots).T.reshape(layer.shape("mixing"))
        value = (right[:count] * roots[:, None]).reshape(layer.shape("value"))
        return layer.load_state_dict({"mixing": mixing, "value": value})

    def __repr__(self) -> str:
        heads = f", heads={self.heads}" if self.heads > 1 else ""
        return f"LinearAttention({self.tokens}, {self.features}, {self.out_features}{heads})"
