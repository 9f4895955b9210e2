"""Networks from torch and to torch.

The two agree module by module (pairs.py is the table); tracing.py follows forward passes. What is
not covered is refused by its path in the module, never approximated.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cvxnet.errors import InputError, UnsupportedError
from cvxnet.interop.torch.evaluation import evaluating, verify
from cvxnet.interop.torch.modules import (
    SUPPORTED,
    Reader,
    check_readable,
    unwrapped,
)
from cvxnet.interop.torch.pairs import (
    BY_LAYER,
    IMAGES,
    ROWS,
    Image,
    check_image,
    formula_module,
    image_after,
    image_before,
    next_image,
    works_on,
)
from cvxnet.interop.torch.tracing import trace
from cvxnet.layers import Flatten, Sequential
from cvxnet.layers.activations import Activation
from cvxnet.layers.adoption import ADOPTERS
from cvxnet.layers.layer import Layer
from cvxnet.optional import import_torch

if TYPE_CHECKING:
    import torch


def adopt(thing: Any) -> Layer | None:
    """The network that a torch module is; None for all else. torch is not imported for this."""
    torch = sys.modules.get("torch")
    return from_torch(thing) if torch and isinstance(thing, torch.nn.Module) else None


ADOPTERS.append(adopt)


def from_torch(module: torch.nn.Module, image: Sequence[int] | None = None) -> Sequential:
    """The cvxnet network that is the same function as a torch module in evaluation mode.

    Parameters
    ----------
    module : torch.nn.Module
        Of any class whose forward pass is a chain of layers and residual sums ``x + f(x)``; it is
        followed by ``torch.fx``: layers under any names and in Sequentials and ModuleLists,
        functions (``F.relu``, ``torch.tanh``, ``x.clamp(min=0)``, ``F.linear``, ``x @ W.T + b``),
        scaling by constants (``(x - mean) / std``), reshaping that keeps each sample's numbers in
        order.
    image : (channels, height, width), optional
        The size of the images that come in, where the first layers are convolutions or pooling.

    Returns
    -------
    Sequential
        With float64 weights, equal to torch's number for number. Images are flattened rows in
        cvxnet: give it ``images.reshape(n, -1)``. Of Sequentials of layers the nesting is kept, and
        so are the names of the weights wherever the modules are numbered (``"1.0.weight"``) and
        all of them have an effect; a class of one's own becomes one flat Sequential.

    Raises
    ------
    UnsupportedError
        Names the first module by its path, or the call by its line, that cvxnet lacks, and what to
        write instead.
    InputError
        For weights that are not there yet or not finite, and an image size that is needed.

    See Also
    --------
    to_torch

    Notes
    -----
    The network is compared with the module, in float64 and in evaluation mode, on random rows
    before it is returned; the module itself is not changed. Dropout and Identity are left out.
    Weights that are computed from others (``weight_norm``, ``spectral_norm``, other
    parametrizations) are taken as they are now. ``BatchNorm1d`` uses its running statistics;
    ``BatchNorm2d`` goes into the convolution before it; scaling by constants becomes a `BatchNorm`.
    A normalisation without weights gets ones and zeros. torch's ``Softplus`` jumps down by
    ``exp(-threshold) / beta`` where ``beta z`` passes its threshold (2e-9 for the usual threshold
    of 20; smaller thresholds are refused); cvxnet's is the exact function. Modules that share
    weights, or are used twice, are refused, because cvxnet would take the weights for independent
    ones.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> from_torch(nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.ReLU()))
    Sequential(Linear(2, 3), ReLU())
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.fc1, self.fc2 = nn.Linear(2, 3), nn.Linear(3, 1)
    ...     def forward(self, x):
    ...         return self.fc2(torch.tanh(self.fc1(x)))
    >>> from_torch(Net())
    Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
    """
    torch = import_torch()
    if not isinstance(module, torch.nn.Module):
        raise InputError(
            f"from_torch converts torch modules, not a {type(module).__name__}; "
            f"supported: {SUPPORTED}."
        )
    size = check_image(image)
    module = unwrapped(torch, module)
    check_readable(torch, module)
    with evaluating(torch, module):
        network = read_module(torch, module, size)
        verify(torch, module, network, size)
    return network


def read_module(torch: Any, module: Any, image: Image) -> Sequential:
    """The network of a module, one layer for each of its own or along a trace."""
    reader = Reader(torch, image)
    if not reader.is_plain(module):
        return trace(torch, module, reader)
    layer = reader.read(module, "") or Flatten()
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
