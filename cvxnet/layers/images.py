"""Image layers on flattened rows: each row is an image in torch's order (channel, row, column).

CVXPY works on vectors and matrices, so an image stays one row all through the network, and each
layer is told the size of its image once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import InputError
from cvxnet.layers.columns import RowFunction, take
from cvxnet.layers.layer import Layer, Tensor
from cvxnet.layers.linear import Linear, check_count
from cvxnet.types import Array


class Windows:
    """Where a square window of an image lies: indices into the flattened, padded row."""

    def __init__(
        self, channels: int, image: Sequence[int], kernel: int, stride: int, padding: int = 0
    ) -> None:
        self.channels = check_count(channels, "channels")
        if not isinstance(image, Sequence) or len(image) != 2:
            raise InputError(f"image is (height, width), not {image!r}.")
        self.image = (check_count(image[0], "height"), check_count(image[1], "width"))
        self.kernel, self.stride = check_count(kernel, "kernel_size"), check_count(stride, "stride")
        if isinstance(padding, bool) or not isinstance(padding, int) or padding < 0:
            raise InputError(f"padding must be a whole number of at least 0, not {padding!r}.")
        self.padding = padding
        if self.kernel > min(self.image) + 2 * padding:
            raise InputError(f"a window of {kernel} does not fit into an image of {self.image}.")

    @property
    def columns(self) -> int:
        """The number of columns of a flattened image."""
        return self.channels * self.image[0] * self.image[1]

    @property
    def out(self) -> tuple[int, int]:
        """Height and width of the image that comes out."""
        rows, columns = (
            (size + 2 * self.padding - self.kernel) // self.stride + 1 for size in self.image
        )
        return rows, columns

    def indices(self) -> NDArray[np.int64]:
        """(channel, place, cell of the window) -> column, or -1 where the window is on padding."""
        height, width = self.image
        grid = np.full((self.channels, height + 2 * self.padding, width + 2 * self.padding), -1)
        inner = (
            slice(self.padding, self.padding + height),
            slice(self.padding, -self.padding or None),
        )
        grid[:, *inner] = np.arange(self.columns).reshape(self.channels, height, width)
        view = np.lib.stride_tricks.sliding_window_view(grid, (self.kernel, self.kernel), (1, 2))
        view = view[:, :: self.stride, :: self.stride]
        return view.reshape(self.channels, -1, self.kernel**2)

    def check(self, columns: int | None, layer: Layer) -> None:
        """Raise InputError where the number of columns is not that of the image."""
        if columns is not None and columns != self.columns:
            raise InputError(
                f"{layer!r} expects {self.columns} columns ({self.channels} channels of "
                f"{self.image[0]} x {self.image[1]}, flattened), but gets {columns}."
            )


class Conv2d(Linear):
    """A convolution with torch's weights, (out, in, k, k), on flattened images.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, bias
        As in torch.
    image : (height, width)
        The size of the images that come in.
    nonneg, nonpos : bool
        Declares the sign of the weight, as in `Linear`.

    Raises
    ------
    InputError
        For sizes that are no whole numbers, and windows that do not fit into the image.

    Examples
    --------
    >>> layer = Conv2d(1, 1, 2, image=(2, 3), bias=False)
    >>> _ = layer.load_state_dict({"weight": [[[[1.0, 1.0], [1.0, 1.0]]]]})
    >>> layer([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    array([12., 16.])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        *,
        image: Sequence[int],
        nonneg: bool = False,
        nonpos: bool = False,
    ) -> None:
        self.windows = Windows(in_channels, image, kernel_size, stride, padding)
        self.out_channels = check_count(out_channels, "out_channels")
        size = self.windows.kernel
        super().__init__(in_channels * size**2, self.out_channels, bias, nonneg, nonpos)
        self.tensors["weight"] = self.weight.reshape(out_channels, in_channels, size, size)

    def forward(self, z: Tensor) -> Tensor:
        """``out[c, place] = sum over (channel, cell) of weight[c, channel, cell] z[index]``."""
        if isinstance(self.weight, np.ndarray):
            flat = self.product(z) if isinstance(z, np.ndarray) else z @ self.matrix()
        else:
            flat = self.product_with_expression(z)
        if self.bias is None:
            return flat
        spread = np.repeat(np.eye(self.out_channels), np.prod(self.windows.out), axis=1)
        return flat + self.bias @ spread

    def product(self, z: Array) -> Array:
        """The convolution of an array: every window, times the weights."""
        index = self.windows.indices()
        weight = self.weight.reshape(self.out_channels, len(index), -1)
        padded = np.concatenate([z, np.zeros((*z.shape[:-1], 1))], axis=-1)
        found = np.tensordot(padded[..., index], weight, axes=([-3, -1], [1, 2]))
        return np.swapaxes(found, -1, -2).reshape(*z.shape[:-1], -1)

    def matrix(self) -> Array:
        """The convolution as a matrix, (columns in, columns out)."""
        index = self.windows.indices()
        channels, places, cells = index.shape
        weight = self.weight.reshape(self.out_channels, channels, cells)
        dense = np.zeros((self.windows.columns + 1, self.out_channels, places))
        for place in range(places):
            at = index[:, place].ravel()  # -1, the padding, is the last row, which is dropped
            np.add.at(dense[:, :, place], at, weight.reshape(self.out_channels, -1).T)
        return dense[:-1].reshape(self.windows.columns, -1)

    def product_with_expression(self, z: Tensor) -> cp.Expression:
        """The convolution where the weights are a CVXPY expression: one small product a place."""
        index = self.windows.indices()
        shape = (self.out_channels, self.windows.channels * self.windows.kernel**2)
        weight = cp.reshape(self.weight, shape, order="C")
        columns = self.windows.columns
        pad = np.concatenate([np.eye(columns), np.zeros((columns, 1))], axis=1)
        padded = z @ pad
        places = [take(padded, index[:, p].ravel()) for p in range(index.shape[1])]
        products = [cp.Constant(p) if isinstance(p, np.ndarray) else p for p in places]
        if z.ndim == 1:
            stacked = cp.vstack([p @ weight.T for p in products])
            return cp.vec(stacked, order="F")
        rows = [
            cp.vec(cp.vstack([p[i] @ weight.T for p in products]), order="F")
            for i in range(z.shape[0])
        ]
        return cp.vstack(rows)

    def options(self) -> dict[str, Any]:
        return {
            "in_channels": self.windows.channels,
            "out_channels": self.out_channels,
            "kernel_size": self.windows.kernel,
            "stride": self.windows.stride,
            "padding": self.windows.padding,
            "bias": self.bias is not None,
            "image": list(self.windows.image),
            "nonneg": self.nonneg,
            "nonpos": self.nonpos,
        }

    def width(self, columns: int | None) -> int:
        self.windows.check(columns, self)
        return self.out_channels * int(np.prod(self.windows.out))

    def columns(self, out: int | None = None) -> int:
        return self.windows.columns

    def __repr__(self) -> str:
        w = self.windows
        return f"Conv2d({w.channels}, {self.out_channels}, {w.kernel}, image={w.image})"


class Pool2d(RowFunction, abstract=True):
    """Windows of an image, each reduced to one number."""

    def __init__(
        self, kernel_size: int, stride: int | None = None, *, channels: int, image: Sequence[int]
    ) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.windows = Windows(channels, image, kernel_size, stride)

    def parts(self, z: Tensor) -> list[Tensor]:
        """One array or expression for each cell of the window, all places side by side."""
        index = self.windows.indices()
        return [take(z, index[:, :, cell].ravel()) for cell in range(index.shape[2])]

    def options(self) -> dict[str, Any]:
        w = self.windows
        return {
            "kernel_size": w.kernel,
            "stride": w.stride,
            "channels": w.channels,
            "image": list(w.image),
        }

    def width(self, columns: int | None) -> int:
        self.windows.check(columns, self)
        return self.windows.channels * int(np.prod(self.windows.out))

    def columns(self, out: int | None = None) -> int:
        return self.windows.columns

    def __repr__(self) -> str:
        w = self.windows
        return f"{type(self).__name__}({w.kernel}, channels={w.channels}, image={w.image})"


class MaxPool2d(Pool2d):
    """The largest entry of each window: convex and nondecreasing.

    Parameters
    ----------
    kernel_size : int
        Side of the square window.
    stride : int, optional
        From one window to the next; ``kernel_size`` where left out.
    channels : int
        Of the images that come in.
    image : (height, width)
        Their size.

    Examples
    --------
    >>> MaxPool2d(2, channels=1, image=(2, 4))([1.0, 2, 3, 4, 5, 6, 7, 8])
    array([6., 8.])
    """

    def values(self, z: Array) -> Array:
        return np.maximum.reduce(self.parts(z))

    def expression(self, z: cp.Expression) -> cp.Expression:
        parts = self.parts(z)
        return parts[0] if len(parts) == 1 else cp.maximum(*parts)


class AvgPool2d(Pool2d):
    """The mean of each window: linear, with nonnegative coefficients.

    Parameters
    ----------
    kernel_size : int
        Side of the square window.
    stride : int, optional
        From one window to the next; ``kernel_size`` where left out.
    channels : int
        Of the images that come in.
    image : (height, width)
        Their size.

    Examples
    --------
    >>> AvgPool2d(2, channels=1, image=(2, 4))([1.0, 2, 3, 4, 5, 6, 7, 8])
    array([3.5, 5.5])
    """

    def values(self, z: Array) -> Array:
        return np.add.reduce(self.parts(z)) / self.windows.kernel**2

    def expression(self, z: cp.Expression) -> cp.Expression:
        return z @ self.values(np.eye(self.windows.columns))


class Flatten(RowFunction):
    """Images are rows already, so this changes nothing; it is here to mirror torch networks.

    Examples
    --------
    >>> Flatten()([1.0, 2.0])
    array([1., 2.])
    """

    def forward(self, z: Tensor) -> Tensor:
        return z
