"""Single modules of torch, and Sequentials of them, as layers.

pairs.py is the table of modules and layers that are the same function. Beside it
stand here the modules that do nothing in evaluation mode, those that are another one with certain
options, weights that are computed from others, and wrappers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnet.errors import CvxnetError, InputError, UnsupportedError
from cvxnet.interop.torch.names import INSTEAD
from cvxnet.interop.torch.pairs import (
    IMAGES,
    PAIRS,
    ROWS,
    Image,
    Pair,
    check_image,
    formula_module,
    image_after,
    single,
)
from cvxnet.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Flatten,
    HardTanh,
    LeakyReLU,
    ReLU,
    Sequential,
)
from cvxnet.layers.layer import Layer
from cvxnet.types import Array

SUPPORTED = ", ".join(f"torch.nn.{name}" for name in (p.module for p in PAIRS))
SUPPORTED += (
    ", torch.nn.BatchNorm2d, PReLU with one slope, ReLU6, Dropout, Identity, Unflatten before "
    "images, and chains and residual sums of these"
)

WITHOUT_EFFECT = (
    *("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"),
    "Identity",
)
"""Modules that return what they get, in evaluation mode."""


def unwrapped(torch: Any, module: Any) -> Any:
    """The module inside ``torch.compile``, DataParallel and the like."""
    parallel = (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)
    while True:
        if type(module).__name__ == "OptimizedModule" and "_orig_mod" in module._modules:
            module = module._orig_mod
        elif isinstance(module, parallel) or type(module).__name__ == "AveragedModel":
            module = module.module
        else:
            return module


class Reader:
    """Turns modules into layers, in order, and keeps track of the size of the images between."""

    def __init__(self, torch: Any, image: Image) -> None:
        self.torch = torch
        self.image = image
        self.pairs = {getattr(torch.nn, pair.module): pair for pair in PAIRS}
        self.owners: dict[int, str] = {}
        self.special: dict[type, Callable[[Any], Layer | None]] = {
            torch.nn.Unflatten: self.read_unflatten,
            torch.nn.BatchNorm2d: self.read_batch_norm,
            torch.nn.AdaptiveAvgPool2d: self.read_adaptive_pooling,
            torch.nn.PReLU: read_prelu,
            torch.nn.ReLU6: lambda module: HardTanh(0.0, 6.0),
            torch.nn.Threshold: read_threshold,
            formula_module(torch): lambda module: copy.deepcopy(module.activation),
        }
        for name in WITHOUT_EFFECT:
            self.special[getattr(torch.nn, name)] = lambda module: None

    def is_sequence(self, module: Any) -> bool:
        """Whether a module is a Sequential with torch's own forward."""
        nn = self.torch.nn
        return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward

    def is_plain(self, module: Any) -> bool:
        """Whether a module is torch's own, or a Sequential of such: read without a trace."""
        if self.is_sequence(module):
            return all(map(self.is_plain, module))
        return self.kind_of(module).__module__.startswith("torch.nn.")

    def is_leaf(self, module: Any) -> bool:
        """Whether a module is read as one, and not followed into."""
        return self.is_plain(module) and not self.is_sequence(module)

    def kind_of(self, module: Any) -> type:
        """The class of a module, whatever its weights are computed from."""
        if type(module) is formula_module(self.torch):
            return self.torch.nn.Module
        return self.torch.nn.utils.parametrize.type_before_parametrizations(module)

    def read(self, module: Any, path: str) -> Layer | None:
        """The layer for a module at a path, "" for the outermost one; None for no effect."""
        where = path or "the module"
        check_hooks(self.torch, module, where)
        if self.is_sequence(module):
            return self.read_sequence(module, path)
        found = type(module) if type(module) in self.special else self.kind_of(module)
        if found not in self.special and found not in self.pairs:
            raise UnsupportedError(f"{where}: {unknown(module)}")
        self.check_sharing(module, where)
        try:
            return self.convert(module)
        except CvxnetError as error:
            raise type(error)(f"{where}: {kind(module)}: {error}") from None

    def convert(self, module: Any) -> Layer | None:
        """The layer for a module that is known."""
        if type(module) in self.special:
            return self.special[type(module)](module)
        return self.read_layer(module, self.pairs[self.kind_of(module)])

    def read_sequence(self, module: Any, path: str) -> Layer | None:
        """Every child, also the second time that the same one stands in the sequence."""
        layers: list[Layer] = []
        children = module._modules.items()
        for name, child in children:
            layer = self.read(child, f"{path}.{name}" if path else name)
            layers = joined(layers, layer, isinstance(child, self.torch.nn.BatchNorm2d))
        if children and not layers:
            return None
        try:
            return Sequential(*layers)
        except InputError as error:
            raise InputError(f"{path or 'the module'}: {error}") from None

    def read_unflatten(self, module: Any) -> Layer:
        """Rows become images, which cvxnet keeps as rows."""
        size = module.unflattened_size
        if module.dim != 1 or self.image is not None:
            raise UnsupportedError("it is supported with dim=1, where rows come in.")
        try:
            self.image = check_image(size)
        except InputError:
            raise UnsupportedError(
                f"unflattened_size={size!r} is not supported, only (channels, height, width)."
            ) from None
        return Flatten()

    def read_batch_norm(self, module: Any) -> Layer:
        """The same scale and shift for all pixels of a channel."""
        if self.image is None:
            raise InputError(NO_IMAGE)
        if not module.track_running_stats:
            raise UnsupportedError("track_running_stats=False is not supported, only True.")
        channels, height, width = self.image
        if module.num_features != channels:
            raise InputError(f"it expects {module.num_features} channels, but gets {channels}.")
        layer = BatchNorm(module.num_features, module.eps)
        state = read_weights(module, layer)
        whole = BatchNorm(channels * height * width, module.eps)
        return whole.load_state_dict(
            {name: np.repeat(value, height * width) for name, value in state.items()}
        )

    def read_adaptive_pooling(self, module: Any) -> Layer:
        """One mean for each channel of square images."""
        if self.image is None:
            raise InputError(NO_IMAGE)
        channels, height, width = self.image
        if module.output_size not in (1, (1, 1)) or height != width:
            raise UnsupportedError(
                f"output_size={module.output_size!r} of images of {self.image} is not supported, "
                "only 1 of square images; write torch.nn.AvgPool2d."
            )
        self.image = channels, 1, 1
        return AvgPool2d(height, channels=channels, image=(height, width))

    def read_layer(self, module: Any, pair: Pair) -> Layer:
        """The layer of a supported module, with its weights."""
        for name, fixed in pair.fixed.items():
            value = single(name, getattr(module, name))
            if not fixed.accepts(value):
                raise UnsupportedError(f"{name}={value!r} is not supported, only {fixed.words}.")
        options = {ours: read_option(module, name) for name, ours in pair.options.items()}
        if pair.works_on == IMAGES:
            options |= self.image_options(pair, options)
        elif pair.works_on == ROWS and self.image is not None:
            raise UnsupportedError(
                f"it gets images of {self.image}; put a torch.nn.Flatten() before it."
            )
        layer = pair.layer(**options)
        layer.load_state_dict(read_weights(module, layer))
        self.image = image_after(layer, self.image)
        return layer

    def image_options(self, pair: Pair, options: dict[str, Any]) -> dict[str, Any]:
        """What image layers of cvxnet know and those of torch do not: the size that comes in."""
        if self.image is None:
            raise InputError(NO_IMAGE)
        channels, height, width = self.image
        if pair.layer is Conv2d and options["in_channels"] != channels:
            raise InputError(
                f"it expects {options['in_channels']} channels, but gets images of {self.image} "
                "(channels, height, width)."
            )
        sizes: dict[str, Any] = {"image": (height, width)}
        return sizes if pair.layer is Conv2d else sizes | {"channels": channels}

    def check_sharing(self, module: Any, where: str) -> None:
        """Refuse weights that an earlier module has as well."""
        for name, tensor in module.named_parameters():
            self.own(tensor, where, f"{kind(module)} shares its {name}")

    def own(self, tensor: Any, where: str, what: str) -> None:
        """Note who uses a parameter; refuse the second user."""
        owner = self.owners.setdefault(id(tensor), where)
        if owner != where:
            raise UnsupportedError(
                f"{where}: {what} with {owner}; give it weights of its own (copy.deepcopy)."
            )


NO_IMAGE = (
    "it works on images; say how large they are, from_torch(module, image=(channels, height, "
    "width)), or begin with a torch.nn.Unflatten."
)


def joined(layers: list[Layer], layer: Layer | None, images: bool = False) -> list[Layer]:
    """The layers with one more; statistics of images go into the convolution before them."""
    if layer is None:
        return layers
    if images and isinstance(layer, BatchNorm) and layers and type(layers[-1]) is Conv2d:
        return [*layers[:-1], folded(layers[-1], layer)]
    return [*layers, layer]


def folded(convolution: Conv2d, norm: BatchNorm) -> Conv2d:
    """One convolution for a convolution and the normalisation of its channels after it."""
    every = int(np.prod(convolution.windows.out))
    t = {name: value[::every] for name, value in norm.state_dict().items()}
    scale = t["weight"] / np.sqrt(t["running_var"] + norm.eps)
    bias = 0.0 if convolution.bias is None else convolution.bias
    whole = Conv2d(**convolution.options() | {"bias": True})
    return whole.load_state_dict(
        {
            "weight": convolution.weight * scale[:, None, None, None],
            "bias": (bias - t["running_mean"]) * scale + t["bias"],
        }
    )


def check_hooks(torch: Any, module: Any, where: str) -> None:
    """Refuse hooks, but for those that compute a weight."""
    before = [hook for hook in module._forward_pre_hooks.values() if not makes_weight(hook)]
    if module._forward_hooks or before:
        raise UnsupportedError(
            f"{where}: hooks on {kind(module)} can change what it does; remove them "
            "(handle.remove())."
        )


def makes_weight(hook: Any) -> bool:
    """Whether a hook is one of torch's that compute a weight from others."""
    return type(hook).__module__.startswith("torch.nn.utils.") and (
        hasattr(hook, "compute_weight") or hasattr(hook, "apply_mask")
    )


def unknown(module: Any) -> str:
    """That a module has no counterpart, and what to write instead."""
    instead = INSTEAD.get(type(module).__name__)
    advice = f"{instead}; " if instead else ""
    return f"{kind(module)} has no counterpart in cvxnet; {advice}supported: {SUPPORTED}."


def kind(module: Any) -> str:
    """The full name of a module's type, torch's own as users write them.

    Examples
    --------
    >>> kind(1.5)
    'float'
    """
    name, home = type(module).__qualname__, type(module).__module__
    if home.startswith("torch.nn.modules."):
        return f"torch.nn.{name}"
    return name if home == "builtins" else f"{home}.{name}"


def read_option(module: Any, name: str) -> Any:
    """An option of a module, as cvxnet's layers take it."""
    value = single(name, getattr(module, name))
    if name == "bias":
        return value is not None
    if not isinstance(value, int | float):
        raise UnsupportedError(f"{name}={value!r} is not supported, only a single number.")
    return value


def read_prelu(module: Any) -> Layer:
    """The slope is a weight in torch, and an option here."""
    slopes = np.unique(to_array(module.weight, "weight"))
    if len(slopes) > 1:
        raise UnsupportedError(
            f"it has {module.num_parameters} different slopes; supported is one for all columns."
        )
    return LeakyReLU(float(slopes[0]))


def read_threshold(module: Any) -> Layer:
    """The one that is a ReLU."""
    if (module.threshold, module.value) != (0, 0):
        raise UnsupportedError(
            f"threshold={module.threshold!r}, value={module.value!r} is not supported, only 0, 0."
        )
    return ReLU()


def read_weights(module: Any, layer: Layer) -> dict[str, Array]:
    """A module's weights; where a normalisation has none, the ones and zeros of cvxnet's."""
    state = layer.state_dict()
    for name in state:
        tensor = weight_of(module, name)
        if tensor is not None:
            state[name] = to_array(tensor, name)
    return state


def weight_of(module: Any, name: str) -> Any:
    """A weight as the next call of the module would have it."""
    for hook in filter(makes_weight, module._forward_pre_hooks.values()):
        if name not in (getattr(hook, "name", None), getattr(hook, "_tensor_name", None)):
            continue
        if hasattr(hook, "apply_mask"):  # pruned
            return hook.apply_mask(module)
        options = {} if type(hook).__name__ == "WeightNorm" else {"do_power_iteration": False}
        return hook.compute_weight(module, **options)
    return getattr(module, name)


def to_array(tensor: Any, what: str) -> Array:
    """The numbers of a real tensor as float64, which every shorter format fits into exactly."""
    if tensor.is_complex() or tensor.is_quantized or tensor.is_sparse:
        raise InputError(f"{what} is a {tensor.type()}; expected a tensor of real numbers.")
    array: Array = tensor.detach().cpu().double().numpy()
    return array.copy()


def check_readable(torch: Any, module: Any) -> None:
    """Refuse modules that cannot be looked into, or whose weights are not there yet."""
    for path, part in module.named_modules():
        if isinstance(part, torch.jit.ScriptModule):
            raise UnsupportedError(
                f"{path or 'the module'}: a TorchScript module no longer says which layers it has; "
                "convert the module that it was made from, with its weights: "
                "net.load_state_dict(scripted.state_dict()), then cvxnet.from_torch(net)."
            )
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if torch.nn.parameter.is_lazy(tensor):
            home = name.rpartition(".")[0]
            raise InputError(
                f"{home or 'the module'}: {kind(module.get_submodule(home))} does not know its "
                "size yet; run the module on some data once."
            )
        if tensor.is_meta:
            raise InputError(
                f"{name} is on the device meta and has no numbers; load the weights first: "
                "module.to_empty(device='cpu'), then module.load_state_dict(...)."
            )
