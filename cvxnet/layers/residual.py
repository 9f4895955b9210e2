"""The residual connection."""

from __future__ import annotations

from cvxnet.errors import InputError
from cvxnet.layers.layer import Layer, Tensor


class Residual(Layer):
    """``z + body(z)``; the body's weights are named ``body.*``.

    Examples
    --------
    >>> from cvxnet.layers.activations import ReLU
    >>> Residual(ReLU())([-1.0, 2.0])
    array([-1.,  4.])
    """

    wraps = True

    def __init__(self, body: Layer) -> None:
        super().__init__()
        if not isinstance(body, Layer):
            raise InputError(f"Residual needs a layer, not a {type(body).__name__}.")
        self.body = body

    def forward(self, z: Tensor) -> Tensor:
        return z + self.body.run(z)

    def children(self) -> dict[str, Layer]:
        return {"body": self.body}

    def width(self, columns: int | None) -> int | None:
        out = self.body.width(columns)
        if columns is not None and out != columns:
            raise InputError(
                f"the body of Residual turns {columns} columns into {out}; it must keep the "
                "number of columns, so that it can be added to its input."
            )
        return out

    def __repr__(self) -> str:
        return f"Residual({self.body!r})"
