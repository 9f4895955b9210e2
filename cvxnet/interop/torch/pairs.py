"""Which layer of cvxnet and which module of torch are the same function, option by option."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias

from cvxnet import layers
from cvxnet.errors import InputError
from cvxnet.functions.arithmetic import TENSORS
from cvxnet.layers import Conv2d, Flatten
from cvxnet.layers.activations import Activation
from cvxnet.layers.images import Pool2d
from cvxnet.layers.layer import Layer

ROWS, IMAGES, ANYTHING = "rows", "images", "anything"

Image: TypeAlias = tuple[int, int, int] | None
"""(channels, height, width) of the images between two layers, or None for rows."""


@dataclass(frozen=True)
class Fixed:
    """An option of torch that cvxnet lacks.

    Attributes
    ----------
    value : object
        What `to_torch` writes.
    accepts : callable
        Of the values that `from_torch` finds: whether they mean what cvxnet does.
    words : str
        The accepted values, for a message.
    """

    value: Any
    accepts: Callable[[Any], bool]
    words: str


def only(*values: Any) -> Fixed:
    """An option of torch that must have one of a few values; the first one is written.

    Examples
    --------
    >>> dim = only(-1, 1)
    >>> dim.value, dim.accepts(1), dim.accepts(0), dim.words
    (-1, True, False, '-1 or 1')
    """
    return Fixed(values[0], lambda value: value in values, " or ".join(map(repr, values)))


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A layer of cvxnet and the module of ``torch.nn`` that is the same function.

    Attributes
    ----------
    layer : type of Layer
        cvxnet's.
    module : str
        The name in ``torch.nn``.
    options : mapping of str to str
        torch's name of each option, to cvxnet's.
    fixed : mapping of str to Fixed
        The options of torch that cvxnet's layer lacks.
    works_on : str
        What torch's module must get for the two to agree: rows, images or anything.
    """

    layer: type[Layer]
    module: str
    options: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Fixed] = field(default_factory=dict)
    works_on: str = ANYTHING


def names(*same: str, **different: str) -> dict[str, str]:
    """Options by torch's name: those that are called the same in cvxnet, and the others.

    Examples
    --------
    >>> names("eps", num_features="features")
    {'eps': 'eps', 'num_features': 'features'}
    """
    return {name: name for name in same} | different


PAIRS: tuple[Pair, ...] = (
    Pair(
        layer=layers.Linear,
        module="Linear",
        options=names("in_features", "out_features", "bias"),
        works_on=ROWS,
    ),
    Pair(layer=layers.ReLU, module="ReLU"),
    Pair(layer=layers.LeakyReLU, module="LeakyReLU", options=names(negative_slope="slope")),
    Pair(layer=layers.ELU, module="ELU", options=names("alpha")),
    Pair(layer=layers.CELU, module="CELU", options=names("alpha")),
    Pair(layer=layers.SELU, module="SELU"),
    Pair(
        layer=layers.Softplus,
        module="Softplus",
        options=names("beta"),
        # Above the threshold torch returns z itself. At 40 that is the same number in float64.
        fixed={"threshold": Fixed(40.0, lambda value: value >= 20.0, "at least 20")},
    ),
    Pair(layer=layers.Sigmoid, module="Sigmoid"),
    Pair(layer=layers.Tanh, module="Tanh"),
    Pair(layer=layers.HardTanh, module="Hardtanh", options=names(min_val="low", max_val="high")),
    Pair(layer=layers.SiLU, module="SiLU"),
    Pair(layer=layers.GELU, module="GELU", fixed={"approximate": only("none")}),
    Pair(layer=layers.Softmax, module="Softmax", fixed={"dim": only(-1, 1)}, works_on=ROWS),
    Pair(
        layer=layers.BatchNorm,
        module="BatchNorm1d",
        options=names("eps", num_features="features"),
        fixed={"track_running_stats": only(True)},
        works_on=ROWS,
    ),
    Pair(
        layer=layers.LayerNorm,
        module="LayerNorm",
        options=names("eps", normalized_shape="features"),
        works_on=ROWS,
    ),
    Pair(
        layer=layers.Conv2d,
        module="Conv2d",
        options=names("in_channels", "out_channels", "kernel_size", "stride", "padding", "bias"),
        fixed={"dilation": only(1), "groups": only(1), "padding_mode": only("zeros")},
        works_on=IMAGES,
    ),
    Pair(
        layer=layers.AvgPool2d,
        module="AvgPool2d",
        options=names("kernel_size", "stride"),
        fixed={"padding": only(0), "ceil_mode": only(False), "divisor_override": only(None)},
        works_on=IMAGES,
    ),
    Pair(
        layer=layers.MaxPool2d,
        module="MaxPool2d",
        options=names("kernel_size", "stride"),
        fixed={
            "padding": only(0),
            "dilation": only(1),
            "ceil_mode": only(False),
            "return_indices": only(False),
        },
        works_on=IMAGES,
    ),
    Pair(
        layer=layers.Flatten,
        module="Flatten",
        fixed={"start_dim": only(1), "end_dim": only(-1)},
    ),
)
BY_LAYER: dict[type[Layer], Pair] = {pair.layer: pair for pair in PAIRS}

SQUARE = ("kernel_size", "stride", "padding", "dilation")
"""Options whose two numbers, one for each side of a window, must agree."""


def single(name: str, value: Any) -> Any:
    """One number in place of the same number for both sides of a window.

    Examples
    --------
    >>> single("stride", (2, 2)), single("stride", (2, 1)), single("normalized_shape", (3,))
    (2, (2, 1), 3)
    """
    if isinstance(value, tuple) and (len(value) == 1 or name in SQUARE) and len(set(value)) == 1:
        return value[0]
    return value


def works_on(layer: Layer) -> str:
    """What torch's module for a layer must get."""
    pair = BY_LAYER.get(type(layer))
    if pair is None:
        return ANYTHING if isinstance(layer, Activation) else ROWS
    return pair.works_on


@cache
def formula_module(torch: Any) -> Any:
    """The class of modules that compute an activation by its formula, where torch has none."""

    class Formula(torch.nn.Module):
        """An activation of cvxnet on tensors."""

        def __init__(self, activation: Activation) -> None:
            super().__init__()
            self.activation = activation

        def forward(self, z: Any) -> Any:
            return self.activation.profile.formula(z, TENSORS)

        def extra_repr(self) -> str:
            return repr(self.activation)

    return Formula


def check_image(image: Sequence[int] | None) -> Image:
    """Three whole numbers, or None."""
    if image is None:
        return None
    sizes = tuple(image) if isinstance(image, Sequence) else ()
    if len(sizes) != 3 or not all(isinstance(size, int) and size > 0 for size in sizes):
        raise InputError(f"image is (channels, height, width), not {image!r}.")
    return sizes[0], sizes[1], sizes[2]


def image_before(layer: Layer) -> Image:
    """The size of the images that an image layer takes; None for other layers."""
    if not isinstance(layer, Conv2d | Pool2d):
        return None
    return layer.windows.channels, *layer.windows.image


def image_after(layer: Layer, image: Image) -> Image:
    """The size of the images that come out of a layer; None for rows."""
    if isinstance(layer, Conv2d):
        return layer.out_channels, *layer.windows.out
    if isinstance(layer, Pool2d):
        return layer.windows.channels, *layer.windows.out
    return None if isinstance(layer, Flatten) else image


def next_image(layers: Sequence[Layer]) -> Image:
    """The images that the next layers want; None where they want rows or take anything."""
    for layer in layers:
        if type(layer) is Flatten or works_on(layer) == ROWS:
            return None
        if works_on(layer) == IMAGES:
            return image_before(layer)
    return None
