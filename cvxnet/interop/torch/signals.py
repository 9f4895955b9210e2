"""What has become of the input of a module, and one call that it goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.interop.torch.modules import Reader, joined, to_array
from cvxnet.interop.torch.pairs import ANYTHING
from cvxnet.layers import BatchNorm, Linear
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

TINY = float(np.finfo(float).tiny)
"""A variance's addend that does not count beside 1."""


@dataclass(frozen=True)
class Affine:
    """``(z - mean) * scale + shift``, column by column."""

    mean: Array
    scale: Array
    shift: Array

    @classmethod
    def identity(cls, columns: int) -> Self:
        """The columns as they are."""
        return cls(np.zeros(columns), np.ones(columns), np.zeros(columns))

    def plus(self, number: Array) -> Affine:
        """A number is added to each column."""
        if (self.scale == 1.0).all() and not self.shift.any():
            return replace(self, mean=self.mean - number)
        return replace(self, shift=self.shift + number)

    def times(self, number: Array) -> Affine:
        """Each column is multiplied by a number."""
        return replace(self, scale=self.scale * number, shift=self.shift * number)

    def layer(self) -> Layer:
        """As a normalisation by fixed statistics."""
        layer = BatchNorm(len(self.scale), eps=TINY)
        return layer.load_state_dict(
            {
                "running_mean": self.mean,
                "running_var": np.ones(len(self.scale)),
                "weight": self.scale,
                "bias": self.shift,
            }
        )


@dataclass(frozen=True, eq=False)
class Signal:
    """What has become of the input: by which layers, and its value on some random rows.

    ``affine`` is what came after the last layer and has not become one yet.
    """

    value: Any
    layers: tuple[Layer, ...] = ()
    affine: Affine | None = None

    @cached_property
    def settled(self) -> tuple[Layer, ...]:
        """All layers."""
        return self.layers if self.affine is None else (*self.layers, self.affine.layer())

    @property
    def image(self) -> tuple[int, int, int] | None:
        """(channels, height, width), or None for rows."""
        shape = self.value.shape[1:]
        return (shape[0], shape[1], shape[2]) if len(shape) == 3 else None

    @property
    def columns(self) -> int:
        """How many numbers there are in a row."""
        return int(self.value[0].numel())

    def then(self, layer: Layer | None, images: bool = False) -> Signal:
        """With one more layer, and the value as it was."""
        return Signal(self.value, tuple(joined([*self.settled], layer, images)))

    def scaled(self, by: Array | float) -> Signal:
        """Each column multiplied by a number."""
        by = np.broadcast_to(by, self.columns)
        return replace(self, affine=(self.affine or Affine.identity(self.columns)).times(by))

    def shifted(self, by: Array | float) -> Signal:
        """A number added to each column; after a Linear layer without bias it is the bias."""
        by = np.broadcast_to(by, self.columns)
        last = self.layers[-1] if self.layers else None
        if self.affine is None and type(last) is Linear and last.bias is None:
            whole = Linear(last.in_features, last.out_features)
            whole.load_state_dict({"weight": last.weight, "bias": by})
            return replace(self, layers=(*self.layers[:-1], whole))
        return replace(self, affine=(self.affine or Affine.identity(self.columns)).plus(by))


@dataclass(frozen=True)
class Operation:
    """One call in a forward pass: the function, what it gets, and what came out."""

    name: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    value: Any
    reader: Reader

    @property
    def signal(self) -> Signal:
        """The first argument that depends on the input."""
        every = (*self.arguments, *self.options.values())
        return next(value for value in every if isinstance(value, Signal))

    def parameters(self, *names: str) -> list[Any]:
        """The arguments by the function's names of them; None where left out."""
        given = dict(zip(names, self.arguments, strict=False)) | dict(self.options)
        if len(self.arguments) > len(names) or not given.keys() <= {*names}:
            raise UnsupportedError("with these arguments it is not known to cvxnet")
        return [given.get(name) for name in names]

    def constant(self, number: Any) -> Array:
        """A number for each column, the same in all rows."""
        torch, like = self.reader.torch, self.signal.value
        array = to_array(torch.as_tensor(number), "a constant")
        try:
            rows = np.broadcast_to(array, tuple(like.shape))
        except ValueError:
            raise UnsupportedError(
                f"it joins a constant of shape {array.shape} and {shape_text(like)}, which has "
                "another width"
            ) from None
        if not np.isfinite(array).all():
            raise UnsupportedError("its constant is not finite")
        if not (rows == rows[:1]).all():
            raise UnsupportedError("its constant is not the same for all samples")
        return rows[0].ravel()

    def module(self, signal: Signal, module: Any) -> Signal:
        """The layer of a module."""
        self.reader.image = signal.image
        check_rows(self.reader, module, signal)
        return signal.then(
            self.reader.convert(module), images=type(module).__name__ == "BatchNorm2d"
        )


def shape_text(value: Any, samples: int | None = None) -> str:
    """The shape of a tensor, n in place of the number of samples."""
    first, *others = value.shape or ("",)
    sizes = ["n" if samples in (None, first) else first, *others]
    return f"a tensor of shape ({', '.join(map(str, sizes))})"


def check_rows(reader: Reader, module: Any, signal: Signal) -> None:
    """Refuse tensors that are neither rows nor images where a module mixes columns."""
    pair = reader.pairs.get(reader.kind_of(module))
    if pair is not None and pair.works_on != ANYTHING and signal.value.ndim not in (2, 4):
        raise UnsupportedError(
            f"it gets {shape_text(signal.value)}; cvxnet has rows, (n, d), and images"
        )
