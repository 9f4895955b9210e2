"""The residual connection."""

from __future__ import annotations

from cvxnet.errors import InputError
from cvxnet.layers.layer import Layer, Tensor


class Residual(Layer):
    """``z + body(z)``, or ``shortcut(z) + body(z)``.

    The weights are named ``body.*`` and ``shortcut.*``.

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU
    >>> Residual(ReLU())([-1.0, 2.0])
    array([-1.,  4.])
    >>> Residual(Linear(2, 1), shortcut=Linear(2, 1, bias=False))([[0.0, 0.0]]).shape
    (1, 1)
    """

    wraps = True

    def __init__(self, body: Layer, shortcut: Layer | None = None) -> None:
        super().__init__()
        for layer in (body, shortcut):
            if layer is not None and not isinstance(layer, Layer):
                raise InputError(f"Residual needs a layer, not a {type(layer).__name__}.")
        self.body, self.shortcut = body, shortcut

    def forward(self, z: Tensor) -> Tensor:
        return (z if self.shortcut is None else self.shortcut.run(z)) + self.body.run(z)

    def children(self) -> dict[str, Layer]:
        if self.shortcut is None:
            return {"body": self.body}
        return {"body": self.body, "shortcut": self.shortcut}

    def width(self, columns: int | None) -> int | None:
        out = self.body.width(columns)
        direct = columns if self.shortcut is None else self.shortcut.width(columns)
        if direct is not None and out != direct:
            raise InputError(
                f"the body of Residual turns {columns} columns into {out}; it must turn them into "
                f"{direct}, so that it can be added to the "
                f"{'input' if self.shortcut is None else 'shortcut'}."
            )
        return out

    def __repr__(self) -> str:
        if self.shortcut is None:
            return f"Residual({self.body!r})"
        return f"Residual({self.body!r}, shortcut={self.shortcut!r})"
