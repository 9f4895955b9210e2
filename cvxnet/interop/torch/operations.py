"""What a forward pass does with its input outside of modules: functions, methods and operators.

Each has a rule, which gives the layers that do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cvxnet.errors import UnsupportedError
from cvxnet.interop.torch.names import ADVICE, ALIASES, CONSTANT
from cvxnet.interop.torch.signals import Operation, Signal, shape_text
from cvxnet.layers import (
    Abs,
    AvgPool2d,
    Flatten,
    Linear,
    LogSumExp,
    Maxout,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Square,
)
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

Rule = Callable[[Operation], Signal]


WITHOUT_EFFECT = ("inplace", "_stacklevel", "dtype")
"""Parameters of functions that do not change what they compute."""


def as_module(name: str, *parameters: str) -> Rule:
    """The rule of a function that is a module of torch.nn with the same parameters."""

    def rule(call: Operation) -> Signal:
        values = call.parameters("input", *parameters)[1:]
        given = zip(parameters, values, strict=True)
        options = {k: v for k, v in given if v is not None and k not in WITHOUT_EFFECT}
        return call.module(call.signal, getattr(call.reader.torch.nn, name)(**options))

    return rule


def as_layer(layer: type[Layer]) -> Rule:
    """The rule of a function of one argument that is a layer."""

    def rule(call: Operation) -> Signal:
        call.parameters("input")
        return call.signal.then(layer())

    return rule


def add(call: Operation) -> Signal:
    """A shift, or a residual sum."""
    one, other, alpha = call.parameters("input", "other", "alpha")
    if alpha not in (None, 1):
        raise UnsupportedError("alpha is not supported")
    if isinstance(one, Signal) and isinstance(other, Signal):
        return total(one, other)
    constant = other if isinstance(one, Signal) else one
    return call.signal.shifted(call.constant(constant))


def subtract(call: Operation) -> Signal:
    """The sum with the second one negated."""
    one, other, alpha = call.parameters("input", "other", "alpha")
    if alpha not in (None, 1):
        raise UnsupportedError("alpha is not supported")
    if isinstance(one, Signal) and isinstance(other, Signal):
        return total(one, other.scaled(-1.0))
    if isinstance(one, Signal):
        return one.shifted(-call.constant(other))
    return other.scaled(-1.0).shifted(call.constant(one))


def total(one: Signal, other: Signal) -> Signal:
    """What both have in common, and then one beside the other."""
    a, b = one.settled, other.settled
    if one.value.shape != other.value.shape:
        raise UnsupportedError(
            f"it adds {shape_text(one.value)} and {shape_text(other.value)}; sums in cvxnet are of "
            "one width"
        )
    shared = 0
    while shared < min(len(a), len(b)) and a[shared] is b[shared]:
        shared += 1
    shortcut, body = sorted((a[shared:], b[shared:]), key=weight_of_branch)
    if not body:
        return one.scaled(2.0)
    beside = chained(shortcut) if shortcut else None
    return Signal(one.value, (*a[:shared], Residual(chained(body), shortcut=beside)))


def weight_of_branch(layers: tuple[Layer, ...]) -> tuple[bool, bool, int]:
    """Of two branches the shortcut is none, or a Linear layer without bias, or the shorter."""
    plain = len(layers) == 1 and type(layers[0]) is Linear and layers[0].bias is None
    return len(layers) > 0, not plain, len(layers)


def chained(layers: tuple[Layer, ...]) -> Layer:
    """One layer for several."""
    return layers[0] if len(layers) == 1 else Sequential(*layers)


def multiply(call: Operation) -> Signal:
    """A scale; of two signals a square, or one times its own sigmoid."""
    one, other = call.parameters("input", "other")
    if not isinstance(one, Signal) or not isinstance(other, Signal):
        constant = other if isinstance(one, Signal) else one
        return call.signal.scaled(call.constant(constant))
    short, long = sorted((one, other), key=lambda signal: len(signal.settled))
    common = len(short.settled)
    if short.settled == long.settled[:common]:
        rest = long.settled[common:]
        if not rest:
            return short.then(Square())
        if len(rest) == 1 and type(rest[0]) is Sigmoid:
            return short.then(SiLU())
    raise UnsupportedError(
        "it multiplies two signals; products in cvxnet are torch.square and torch.nn.SiLU"
    )


def divide(call: Operation) -> Signal:
    """A scale."""
    one, other, rounding = call.parameters("input", "other", "rounding_mode")
    if not isinstance(one, Signal) or isinstance(other, Signal) or rounding is not None:
        raise UnsupportedError("it divides by a signal, or rounds")
    return one.scaled(1.0 / call.constant(other))


def power(call: Operation) -> Signal:
    """A square."""
    one, exponent = call.parameters("input", "exponent")
    if not isinstance(one, Signal) or exponent != 2:
        raise UnsupportedError("powers in cvxnet are squares")
    return one.then(Square())


def negate(call: Operation) -> Signal:
    """A scale of -1."""
    return call.parameters("input")[0].scaled(-1.0)


def at_least(signal: Signal, low: Array) -> Signal:
    """``relu(z - low) + low``."""
    if not low.any():
        return signal.then(ReLU())
    return signal.shifted(-low).then(ReLU()).shifted(low)


def at_most(signal: Signal, high: Array) -> Signal:
    """``high - relu(high - z)``."""
    return signal.scaled(-1.0).shifted(high).then(ReLU()).scaled(-1.0).shifted(high)


def extreme(limited: Callable[[Signal, Array], Signal]) -> Rule:
    """The rule of ``maximum`` and ``minimum`` with a constant."""

    def rule(call: Operation) -> Signal:
        one, other = call.parameters("input", "other")
        both = isinstance(one, Signal) and isinstance(other, Signal)
        tensors = all(hasattr(value, "shape") or value is call.signal for value in (one, other))
        if both or not tensors:
            raise UnsupportedError("maxima in cvxnet are with constants: torch.relu, torch.clamp")
        constant = other if isinstance(one, Signal) else one
        return limited(call.signal, call.constant(constant))

    return rule


def clamp(call: Operation) -> Signal:
    """A ReLU, or both ends."""
    signal, low, high = call.parameters("input", "min", "max")
    if low is not None:
        signal = at_least(signal, call.constant(low))
    return signal if high is None else at_most(signal, call.constant(high))


def matmul(call: Operation) -> Signal:
    """A Linear layer without bias."""
    one, other = call.parameters("input", "other")
    if not isinstance(one, Signal) or isinstance(other, Signal) or other.ndim > 2:
        raise UnsupportedError("products of matrices in cvxnet are a signal times a constant")
    return product(call, one, other if other.ndim == 2 else other[:, None], None)


def addmm(call: Operation) -> Signal:
    """A Linear layer."""
    bias, signal, weight = call.parameters("input", "mat1", "mat2")
    if not isinstance(signal, Signal) or isinstance(weight, Signal) or isinstance(bias, Signal):
        raise UnsupportedError("supported is a constant plus a signal times a constant")
    return product(call, signal, weight, bias)


def linear(call: Operation) -> Signal:
    """A Linear layer, its weight as (out, in)."""
    signal, weight, bias = call.parameters("input", "weight", "bias")
    if not isinstance(signal, Signal) or isinstance(weight, Signal) or isinstance(bias, Signal):
        raise UnsupportedError("supported are constant weights")
    return product(call, signal, weight.T, bias)


def product(call: Operation, signal: Signal, weight: Any, bias: Any) -> Signal:
    """The Linear layer with these tensors, the weight as (in, out)."""
    module = call.reader.torch.nn.Linear(*weight.shape, bias=bias is not None, device="meta")
    return call.module(signal, filled(call, module, weight=weight.T, bias=bias))


def conv2d(call: Operation) -> Signal:
    """A convolution."""
    signal, weight, bias, *geometry = call.parameters(
        "input", "weight", "bias", "stride", "padding", "dilation", "groups"
    )
    names = ("stride", "padding", "dilation", "groups")
    options = {k: v for k, v in zip(names, geometry, strict=True) if v is not None}
    channels = weight.shape[1] * options.get("groups", 1)
    module = call.reader.torch.nn.Conv2d(
        channels, weight.shape[0], tuple(weight.shape[2:]), bias=False, device="meta", **options
    )
    return call.module(signal, filled(call, module, weight=weight, bias=bias))


def batch_norm(call: Operation) -> Signal:
    """A normalisation by statistics that do not change."""
    signal, mean, variance, weight, bias, training, _, eps = call.parameters(
        *("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
    )
    if training or mean is None or variance is None:
        raise UnsupportedError("it uses the statistics of the batch; training=False uses others")
    nn = call.reader.torch.nn
    kind = nn.BatchNorm1d if signal.image is None else nn.BatchNorm2d
    module = kind(len(mean), affine=False, eps=1e-5 if eps is None else eps, device="meta")
    tensors = {"running_mean": mean, "running_var": variance, "weight": weight, "bias": bias}
    return call.module(signal, filled(call, module, **tensors))


def layer_norm(call: Operation) -> Signal:
    """A normalisation of each row."""
    names = ("input", "normalized_shape", "weight", "bias", "eps")
    signal, shape, weight, bias, eps = call.parameters(*names)
    module = call.reader.torch.nn.LayerNorm(
        tuple(shape), elementwise_affine=False, eps=1e-5 if eps is None else eps
    )
    return call.module(signal, filled(call, module, weight=weight, bias=bias))


def prelu(call: Operation) -> Signal:
    """A leaky ReLU."""
    signal, weight = call.parameters("input", "weight")
    module = call.reader.torch.nn.PReLU(weight.numel(), device="meta")
    return call.module(signal, filled(call, module, weight=weight))


def filled(call: Operation, module: Any, **tensors: Any) -> Any:
    """A module with these tensors as its weights and statistics; those that are None it lacks."""
    for name, tensor in tensors.items():
        inside = module._buffers if name in module._buffers else module._parameters
        if tensor is not None:
            inside[name] = call.reader.torch.as_tensor(tensor)
    return module


def dropout(call: Operation) -> Signal:
    """Nothing, in evaluation mode."""
    signal, _, training, _ = call.parameters("input", "p", "training", "inplace")
    if training is None or training:
        raise UnsupportedError(
            "it draws at random in evaluation mode, too; write training=self.training, or use "
            "torch.nn.Dropout"
        )
    return signal


def reshape(call: Operation) -> Signal:
    """The same numbers in the same order."""
    signal, shape = call.signal, tuple(call.value.shape)
    if not shape or shape[0] != len(signal.value) or call.value.numel() != signal.value.numel():
        after = shape_text(call.value, len(signal.value))
        raise UnsupportedError(
            f"it turns {shape_text(signal.value)} into {after}; in cvxnet each sample keeps its "
            "numbers"
        )
    images = (signal.image is None) != (len(shape) != 4)
    return signal.then(Flatten() if images else None) if images else signal


def cast(call: Operation) -> Signal:
    """The same numbers."""
    if call.value.dtype not in (call.reader.torch.float32, call.reader.torch.float64):
        raise UnsupportedError(f"it rounds to {call.value.dtype}; cvxnet computes in float64")
    return call.signal


def mean(call: Operation) -> Signal:
    """The mean of square images, channel by channel."""
    signal, dim, *_ = call.parameters("input", "dim", "keepdim", "dtype")
    dims = {d % signal.value.ndim for d in (dim if isinstance(dim, tuple | list) else [dim or 0])}
    if signal.image is None or dims != {2, 3} or signal.image[1] != signal.image[2]:
        raise UnsupportedError("means in cvxnet are of square images; else write a Linear layer")
    channels, *size = signal.image
    return signal.then(AvgPool2d(size[0], channels=channels, image=size))


def over_columns(layer: Callable[[int], Layer]) -> Rule:
    """The rule of a function of all columns of a row."""

    def rule(call: Operation) -> Signal:
        signal, dim, _ = call.parameters("input", "dim", "keepdim")
        if signal.value.ndim != 2 or dim not in (1, -1, (1,), (-1,), [1], [-1]):
            raise UnsupportedError(f"supported are rows, (n, d), and dim=1, not dim={dim!r}")
        return signal.then(layer(signal.columns))

    return rule


RESHAPE = (
    *("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "contiguous"),
    *("clone", "detach", "getitem", "identity"),
)
RULES: dict[str, Rule] = {
    "relu": as_module("ReLU", "inplace"),
    "leaky_relu": as_module("LeakyReLU", "negative_slope", "inplace"),
    "elu": as_module("ELU", "alpha", "inplace"),
    "celu": as_module("CELU", "alpha", "inplace"),
    "selu": as_module("SELU", "inplace"),
    "softplus": as_module("Softplus", "beta", "threshold"),
    "sigmoid": as_module("Sigmoid"),
    "tanh": as_module("Tanh"),
    "hardtanh": as_module("Hardtanh", "min_val", "max_val", "inplace"),
    "relu6": as_module("ReLU6", "inplace"),
    "silu": as_module("SiLU", "inplace"),
    "gelu": as_module("GELU", "approximate"),
    "threshold": as_module("Threshold", "threshold", "value", "inplace"),
    "softmax": as_module("Softmax", "dim", "_stacklevel", "dtype"),
    "max_pool2d": as_module(
        "MaxPool2d", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"
    ),
    "avg_pool2d": as_module(
        *("AvgPool2d", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
        "divisor_override",
    ),
    "adaptive_avg_pool2d": as_module("AdaptiveAvgPool2d", "output_size"),
    "abs": as_layer(Abs),
    "square": as_layer(Square),
    "prelu": prelu,
    "linear": linear,
    "conv2d": conv2d,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "addmm": addmm,
    "pow": power,
    "neg": negate,
    "clamp": clamp,
    "maximum": extreme(at_least),
    "minimum": extreme(at_most),
    "mean": mean,
    "logsumexp": over_columns(lambda columns: LogSumExp()),
    "amax": over_columns(Maxout),
    "add": add,
    "sub": subtract,
    "mul": multiply,
    "div": divide,
    "matmul": matmul,
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"), dropout),
    **dict.fromkeys(("feature_alpha_dropout",), dropout),
    **dict.fromkeys(("to", "float", "double", "type", "type_as"), cast),
    **dict.fromkeys(RESHAPE, reshape),
}
"""What is known of functions of torch, operators and methods of tensors, by name."""


def function_names(homes: Mapping[str, Any]) -> dict[Any, tuple[str, str]]:
    """The functions that are known, or have advice, each with its home and its name."""
    found = {}
    for title, home in homes.items():
        for name in {*RULES, *ALIASES, *CONSTANT, *ADVICE}:
            function = getattr(home, name, None)
            if callable(function):
                found[function] = (title, name)
    return found
