"""Networks from torch and to torch.

The two agree module by module; `cvxnet.interop.pairs` is the table. What is not in it is refused by
its path in the module, never approximated.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cvxnet.errors import CvxnetError, InputError, UnsupportedError
from cvxnet.interop.pairs import (
    BY_LAYER,
    IMAGES,
    PAIRS,
    ROWS,
    Image,
    Pair,
    check_image,
    formula_module,
    image_after,
    image_before,
    next_image,
    single,
    works_on,
)
from cvxnet.layers import Conv2d, Flatten, Sequential
from cvxnet.layers.activations import Activation
from cvxnet.layers.adoption import ADOPTERS
from cvxnet.layers.layer import Layer
from cvxnet.optional import import_torch
from cvxnet.types import Array

if TYPE_CHECKING:
    import torch

SUPPORTED = ", ".join(f"torch.nn.{name}" for name in (p.module for p in PAIRS))
SUPPORTED += ", torch.nn.Unflatten before images and torch.nn.Sequential of these"


def adopt(thing: Any) -> Layer | None:
    """The network that a torch module is; None for all else. torch is not imported for this."""
    torch = sys.modules.get("torch")
    return from_torch(thing) if torch and isinstance(thing, torch.nn.Module) else None


ADOPTERS.append(adopt)


def from_torch(module: torch.nn.Module, image: Sequence[int] | None = None) -> Sequential:
    """The cvxnet network that is the same function as a torch module in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Sequential, or a single layer
        Of the layers that cvxnet has, nested as you like; the nesting is kept, and so are the
        names of the weights wherever the modules are numbered (``"1.0.weight"``).
    image : (channels, height, width), optional
        The size of the images that come in, where the first layers are convolutions or pooling.

    Returns
    -------
    Sequential
        With float64 weights, equal to torch's number for number. Images are flattened rows in
        cvxnet: give it ``images.reshape(n, -1)``.

    Raises
    ------
    UnsupportedError
        Names the first module, or the option of a module, that cvxnet lacks.

    See Also
    --------
    to_torch

    Notes
    -----
    ``BatchNorm1d`` uses its running statistics. A normalisation without weights gets ones and
    zeros. torch's ``Softplus`` jumps down by ``exp(-threshold) / beta`` where ``beta z`` passes its
    threshold (2e-9 for the usual threshold of 20; smaller thresholds are refused); cvxnet's is the
    exact function. Modules that share weights are refused, because cvxnet would take the weights
    for independent ones.

    Examples
    --------
    >>> from torch import nn
    >>> from_torch(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    Sequential(Linear(2, 3), ReLU())
    """
    torch = import_torch()
    if not isinstance(module, torch.nn.Module):
        raise InputError(
            f"from_torch converts torch modules, not a {type(module).__name__}; "
            f"supported: {SUPPORTED}."
        )
    layer = Reader(torch, check_image(image)).read(module, "")
    return layer if isinstance(layer, Sequential) else Sequential(layer)


def to_torch(net: Sequential) -> torch.nn.Sequential:
    """The torch module that is the same function as a network: float64, in evaluation mode.

    Parameters
    ----------
    net : Sequential
        Of layers that torch has too, and activations: those that torch lacks are computed by their
        formulas, in a module of cvxnet's own. Weights keep their names and values, number for
        number. Declared signs (``nonneg``) are cvxnet's own and are not kept by torch.

    Returns
    -------
    torch.nn.Sequential
        Takes n x d rows. A network that begins with a convolution or pooling takes
        n x channels x height x width images; with a ``Flatten`` in front, which becomes
        ``torch.nn.Unflatten``, it takes rows, as cvxnet does.

    Raises
    ------
    UnsupportedError
        Names the first layer that torch lacks.

    See Also
    --------
    from_torch

    Examples
    --------
    >>> from cvxnet.layers import Linear, ReLU
    >>> to_torch(Sequential(Linear(2, 3), ReLU()))
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """
    torch = import_torch()
    if type(net) is not Sequential:
        raise InputError(f"to_torch converts a Sequential, not a {type(net).__name__}.")
    modules = write_modules(torch, net)
    whole = assemble(torch, net, modules)
    state = {name: torch.from_numpy(array) for name, array in net.state_dict().items()}
    for name in whole.state_dict():
        state.setdefault(name, torch.tensor(0))  # BatchNorm1d counts batches
    whole.load_state_dict(state, assign=True)
    return whole.eval()


def to_array(tensor: Any, what: str) -> Array:
    """The numbers of a real tensor as float64, which every shorter format fits into exactly."""
    if tensor.is_complex() or tensor.is_quantized or tensor.is_meta:
        raise InputError(f"{what} is a {tensor.type()}; expected a tensor of real numbers.")
    array: Array = tensor.detach().cpu().double().numpy()
    return array.copy()


class Reader:
    """Turns modules into layers, in order, and keeps track of the size of the images between."""

    def __init__(self, torch: Any, image: Image) -> None:
        self.torch = torch
        self.image = image
        self.pairs = {getattr(torch.nn, pair.module): pair for pair in PAIRS}
        self.owners: dict[int, str] = {}

    def read(self, module: Any, path: str) -> Layer:
        """The layer for a module at a path, "" for the outermost one."""
        nn, where = self.torch.nn, path or "the module"
        if module._forward_hooks or module._forward_pre_hooks:
            raise UnsupportedError(f"{where}: hooks on {kind(module)} can change what it does.")
        if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
            return self.read_sequence(module, path)
        if type(module) is nn.Unflatten:
            return self.read_unflatten(module, where)
        if type(module) is formula_module(self.torch):
            return copy.deepcopy(module.activation)
        if type(module) not in self.pairs:
            raise UnsupportedError(
                f"{where}: {kind(module)} has no counterpart in cvxnet; supported: {SUPPORTED}."
            )
        self.check_sharing(module, where)
        try:
            return self.read_layer(module, self.pairs[type(module)])
        except CvxnetError as error:
            raise type(error)(f"{where}: {kind(module)}: {error}") from None

    def read_sequence(self, module: Any, path: str) -> Sequential:
        """Every child, also the second time that the same one stands in the sequence."""
        children = module._modules.items()
        layers = [self.read(child, f"{path}.{name}" if path else name) for name, child in children]
        try:
            return Sequential(*layers)
        except InputError as error:
            raise InputError(f"{path or 'the module'}: {error}") from None

    def read_unflatten(self, module: Any, where: str) -> Layer:
        """Rows become images, which cvxnet keeps as rows."""
        size = module.unflattened_size
        if module.dim != 1 or self.image is not None:
            raise UnsupportedError(
                f"{where}: {kind(module)} is supported with dim=1, where rows come in."
            )
        try:
            self.image = check_image(size)
        except InputError:
            raise UnsupportedError(
                f"{where}: {kind(module)} has unflattened_size={size!r}; supported: "
                "(channels, height, width)."
            ) from None
        return Flatten()

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
            raise InputError(
                "it works on images; say how large they are, from_torch(module, image=(channels, "
                "height, width)), or begin with a torch.nn.Unflatten."
            )
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
            owner = self.owners.setdefault(id(tensor), where)
            if owner != where:
                raise UnsupportedError(
                    f"{where}: {kind(module)} shares its {name} with {owner}; give it weights of "
                    "its own (copy.deepcopy)."
                )


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


def read_weights(module: Any, layer: Layer) -> dict[str, Array]:
    """A module's weights; where a normalisation has none, the ones and zeros of cvxnet's."""
    state = layer.state_dict()
    for name in state:
        tensor = getattr(module, name)
        if tensor is not None:
            state[name] = to_array(tensor, name)
    return state


def write_modules(torch: Any, net: Sequential) -> dict[str, Any]:
    """The torch module of every layer by its path, without weights."""
    leaves = [(path, layer) for path, layer in net.named_layers() if type(layer) is not Sequential]
    following = [layer for _, layer in leaves]
    image = next_image(following)
    modules = {}
    for position, (path, layer) in enumerate(leaves):
        coming = next_image(following[position + 1 :])
        if type(layer) is Flatten and image is None and coming is not None:
            modules[path], image = torch.nn.Unflatten(1, coming), coming
        else:
            modules[path] = write_module(torch, layer, path, image)
            image = image_after(layer, image)
    return modules


def write_module(torch: Any, layer: Layer, path: str, image: Image) -> Any:
    """The torch module for one layer; its weights take no memory yet and draw no numbers."""
    pair = BY_LAYER.get(type(layer))
    if pair is None and isinstance(layer, Activation):
        return formula_module(torch)(layer)
    if pair is None:
        known = ", ".join(layer.__name__ for layer in BY_LAYER)
        raise UnsupportedError(
            f"{path}: {type(layer).__name__} has no counterpart in torch.nn; supported: {known}, "
            "other activations, and Sequential of these."
        )
    check_what_comes_in(layer, path, image)
    given = layer.options()
    options = {name: given[ours] for name, ours in pair.options.items()}
    options |= {name: fixed.value for name, fixed in pair.fixed.items()}
    if layer.tensors:
        options |= {"device": "meta", "dtype": torch.float64}
    return getattr(torch.nn, pair.module)(**options)


def check_what_comes_in(layer: Layer, path: str, image: Image) -> None:
    """Refuse rows where torch's module takes images, and the other way round."""
    if works_on(layer) == ROWS and image is not None:
        raise UnsupportedError(
            f"{path}: {layer!r} gets images of {image} in torch; put a Flatten() before it."
        )
    if works_on(layer) == IMAGES and image_before(layer) != image:
        raise UnsupportedError(
            f"{path}: {layer!r} takes images of {image_before(layer)}, but gets "
            f"{'rows; put a Flatten() before it' if image is None else f'images of {image}'}."
        )


def assemble(torch: Any, net: Sequential, modules: Mapping[str, Any], path: str = "") -> Any:
    """The modules in the nesting of the network."""
    parts = []
    for name, layer in net.children().items():
        inner = f"{path}.{name}" if path else name
        if isinstance(layer, Sequential):
            parts.append(assemble(torch, layer, modules, inner))
        else:
            parts.append(modules[inner])
    return torch.nn.Sequential(*parts)
