"""Constants that scale, shift or select columns, folded into the Linear layers beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cvxnet.errors import UnsupportedError
from cvxnet.layers import BatchNorm, Conv2d, Flatten, LayerNorm, Linear
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

MOST_ENTRIES = 2**24
"""Of a matrix that stands for a selection of columns or for a convolution."""
TINY = 1e-300
"""Added to a variance in doubles it changes nothing."""


def decimal(value: Any) -> float:
    """A number in single precision as the shortest decimal that rounds to it; others as they are.

    Examples
    --------
    >>> decimal(0.009999999776482582), decimal(0.1)
    (0.01, 0.1)
    """
    single = np.float32(value) if abs(value) < 1e38 else np.float32(np.inf)
    return float(str(single)) if float(single) == float(value) else float(value)


@dataclass(frozen=True, eq=False)
class Scaling:
    """``weight (z - mean) / spread + bias`` in each column; scalars hold for all of them."""

    mean: Array
    spread: Array
    weight: Array
    bias: Array

    @classmethod
    def of(
        cls, *, mean: object = 0.0, spread: object = 1.0, weight: object = 1.0, bias: object = 0.0
    ) -> Scaling:
        """With what is left out changing nothing."""
        return cls(*(np.asarray(v, dtype=np.float64) for v in (mean, spread, weight, bias)))

    @property
    def line(self) -> tuple[Array, Array]:
        """Slope and value at zero."""
        slope = self.weight / self.spread
        return slope, self.bias - self.mean * slope

    @property
    def numbers(self) -> frozenset[float]:
        """Those in it, as decimals."""
        return frozenset(decimal(v) for v in (self.mean, self.spread, self.weight, self.bias))

    @property
    def scalar(self) -> bool:
        """Whether it is the same in all columns."""
        return max(v.ndim for v in (self.mean, self.spread, self.weight, self.bias)) == 0

    def __call__(self, z: Array) -> Array:
        return self.weight * (z - self.mean) / self.spread + self.bias

    def then(self, later: Scaling) -> Scaling:
        """Both as one. Subtracting and dividing stay what they are, so a scaler keeps its numbers.

        Examples
        --------
        >>> both = Scaling.of(mean=3.0).then(Scaling.of(spread=2.0)).then(Scaling.of(bias=1.0))
        >>> float(both.mean), float(both.spread), float(both.weight), float(both.bias)
        (3.0, 2.0, 1.0, 1.0)
        """
        slope, shift = later.line
        plain = not np.any(self.bias) and np.all(self.weight == 1.0)
        if plain and np.all(self.spread == 1.0):
            return replace(later, mean=self.mean + later.mean)
        if plain and not np.any(later.mean):
            return replace(later, mean=self.mean, spread=self.spread * later.spread)
        return replace(self, weight=self.weight * slope, bias=self.bias * slope + shift)

    def layer(self, width: int) -> BatchNorm:
        """Of that many columns."""
        ones = np.ones(width)
        return BatchNorm(width, eps=TINY).load_state_dict(
            {
                "weight": self.weight * np.sign(self.spread) * ones,
                "bias": self.bias * ones,
                "running_mean": self.mean * ones,
                "running_var": self.spread**2 * ones,
            }
        )


@dataclass(frozen=True, eq=False)
class Selection:
    """Some columns of those that come in, in some order."""

    index: NDArray[np.int64]
    width: int

    def layer(self) -> Linear:
        """As a matrix of zeros and ones."""
        return linear(np.eye(self.width)[self.index])


Part: TypeAlias = Layer | Scaling | Selection


def finished(parts: Sequence[Part], width: int | None) -> list[Layer]:
    """The parts as layers: scalings and selections become part of Linear layers beside them."""
    merged = merge(list(parts), merge_into_earlier)
    merged = merge(merged, merge_into_later)
    return list(as_layers(merged, width))


def as_layers(parts: Sequence[Part], width: int | None) -> Iterator[Layer]:
    """Scalings and selections that are left get layers of their own."""
    for part in parts:
        if isinstance(part, Scaling):
            if width is None:
                raise UnsupportedError(
                    "the file does not say how many columns its input has. Export it with a fixed "
                    "number of features."
                )
            yield part.layer(width)
        elif isinstance(part, Selection):
            width = len(part.index)
            if part.width * width > MOST_ENTRIES:
                raise UnsupportedError(
                    f"it takes {width} of {part.width} columns in another order, which would be a "
                    "Linear layer of too many weights. Export it with images in the order "
                    "(channels, height, width)."
                )
            yield part.layer()
        else:
            yield part
            width = part.width(width)


def merge(parts: list[Part], rule: Callable[[Part, Part, bool], list[Part] | None]) -> list[Part]:
    """Neighbours made one by a rule, which also gets whether they are the first."""
    done: list[Part] = []
    for part in parts:
        done.append(part)
        while len(done) > 1 and (one := rule(done[-2], done[-1], len(done) == 2)) is not None:
            done[-2:] = one
    return done


def merge_into_earlier(one: Part, other: Part, first: bool) -> list[Part] | None:
    """What comes right after a Linear layer, a convolution, a scaling or a normalisation."""
    if isinstance(other, Scaling):
        return scaled(one, other)
    if isinstance(other, Selection) and type(one) is Linear:
        return [
            linear(one.weight[other.index], None if one.bias is None else one.bias[other.index])
        ]
    if isinstance(one, Selection) and isinstance(other, Selection):
        return [Selection(one.index[other.index], one.width)]
    if isinstance(one, Selection) and type(other) is Flatten:
        return [other, one]
    return None


def scaled(one: Part, scaling: Scaling) -> list[Part] | None:
    """A layer and a scaling after it as one layer."""
    slope, shift = scaling.line
    if isinstance(one, Scaling):
        return [one.then(scaling)]
    if type(one) is Linear:
        bias = shift if one.bias is None else one.bias * slope + shift
        if one.bias is None and not np.any(shift):
            return [linear(one.weight * np.reshape(slope, (-1, 1)))]
        weight = one.weight * np.reshape(slope, (-1, 1))
        return [linear(weight, np.broadcast_to(bias, len(one.weight)))]
    if type(one) is Conv2d:
        return scaled_conv(one, slope, shift)
    if isinstance(one, BatchNorm | LayerNorm) and {slope.size, shift.size} <= {1, one.features}:
        state = one.state_dict()
        state |= {"weight": state["weight"] * slope, "bias": state["bias"] * slope + shift}
        return [type(one)(one.features, one.eps).load_state_dict(state)]
    return None


def scaled_conv(conv: Conv2d, slope: Array, shift: Array) -> list[Part] | None:
    """A convolution and a scaling that is the same all over each of its channels."""
    channels, places = conv.out_channels, math.prod(conv.windows.out)
    by_channel = []
    for values in (slope, shift):
        spread = np.broadcast_to(values, channels * places).reshape(channels, places)
        if np.any(spread != spread[:, :1]):
            return None
        by_channel.append(spread[:, 0])
    options = conv.options() | {"bias": True}
    bias = np.zeros(channels) if conv.bias is None else conv.bias
    state = {
        "weight": conv.weight * by_channel[0][:, None, None, None],
        "bias": bias * by_channel[0] + by_channel[1],
    }
    if conv.bias is None and not np.any(by_channel[1]):
        options, _ = options | {"bias": False}, state.pop("bias")
    return [Conv2d(**options).load_state_dict(state)]


def merge_into_later(one: Part, other: Part, first: bool) -> list[Part] | None:
    """What comes right before a Linear layer; a scaler of the input stays as it is."""
    if type(other) is not Linear:
        return None
    if isinstance(one, Selection):
        weight = np.zeros((other.out_features, one.width))
        np.add.at(weight.T, one.index, other.weight.T)
        return [linear(weight, other.bias)]
    if isinstance(one, Scaling) and not first:
        slope, shift = one.line
        more = other.weight @ np.broadcast_to(shift, other.in_features)
        bias = more if other.bias is None else other.bias + more
        keep = other.bias is None and not np.any(more)
        return [linear(other.weight * slope, None if keep else bias)]
    return None


def linear(weight: Array, bias: Array | None = None) -> Linear:
    """A Linear layer with these weights.

    Examples
    --------
    >>> linear(np.ones((1, 2)), np.ones(1))([1.0, 1.0])
    array([3.])
    """
    state = {"weight": weight} | ({} if bias is None else {"bias": bias})
    out, columns = weight.shape
    return Linear(columns, out, bias=bias is not None).load_state_dict(state)
