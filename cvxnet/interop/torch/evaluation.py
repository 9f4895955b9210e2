"""A module beside the network that was read from it: both on random rows, in float64."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from cvxnet.errors import UnsupportedError
from cvxnet.interop.torch.modules import kind, unwrapped
from cvxnet.interop.torch.pairs import Image
from cvxnet.layers import Sequential
from cvxnet.types import Array

ROWS, OTHER_ROWS = 11, 7
"""How many random rows a module is run on; another number shows what depends on it."""
WIDE, FEW_ROWS = 10_000, 2
"""Of images with more numbers so few rows: every window of a convolution is held in memory."""
ANY_WIDTH = 3
"""Columns that a module gets which takes any number."""
SAME = 1e-5
"""Values agree where they differ by less than this, relative to the largest."""
SAME_IN_FLOAT32 = 1e-3


def random_rows(torch: Any, n: int, shape: tuple[int, ...], seed: int) -> Any:
    """Rows of which some are small and some large, so that they lie on all sides of the kinks."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, *shape))
    sizes = np.geomspace(0.1, 10.0, n).reshape(n, *[1] * len(shape))
    return torch.from_numpy(rows * sizes)


@contextmanager
def evaluating(torch: Any, module: Any) -> Iterator[None]:
    """Evaluation mode, without gradients, wrappers and compilation of the parts.

    Afterwards every module has what it had before.
    """
    before = [(part, dict(vars(part)), dict(part._modules)) for part in module.modules()]
    try:
        for part, _, children in before:
            vars(part)["training"] = False
            for name, child in children.items():
                part._modules[name] = unwrapped(torch, child)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            yield
    finally:
        for part, attributes, children in before:
            vars(part).clear()
            vars(part).update(attributes)
            part._modules.update(children)


def in_double(module: Any) -> Mapping[str, Any]:
    """Weights and buffers of a module in float64, on the CPU."""
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return {
        name: t.detach().cpu().double() if t.is_floating_point() else t.detach().cpu().clone()
        for name, t in named.items()
    }


def call_in_double(torch: Any, module: Any, *inputs: Any) -> Any:
    """What a module returns with its weights in float64; the module is not changed."""
    return torch.func.functional_call(module, in_double(module), inputs)


def verify(torch: Any, module: Any, network: Sequential, image: Image) -> None:
    """Refuse a network whose outputs are not those of the module.

    Raises
    ------
    UnsupportedError
        With the largest difference.
    """
    shape = image or (network.columns() or ANY_WIDTH,)
    count = OTHER_ROWS if math.prod(shape) <= WIDE else FEW_ROWS
    rows = random_rows(torch, count, shape, seed=1)
    output, tolerance = output_of(torch, module, rows)
    found: Array = network(rows.numpy().reshape(len(rows), -1))
    expected = output.double().numpy().ravel()
    if expected.size != found.size:
        difference = np.inf
    else:
        size = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        unequal = ~np.isclose(
            found.ravel(), expected, rtol=0.0, atol=tolerance * size, equal_nan=True
        )
        difference = np.abs(found.ravel() - expected)[unequal].max(initial=0.0)
    if difference:
        raise UnsupportedError(
            f"the module: {kind(module)} and the network that was read from it differ by "
            f"{difference:.3g} on random rows, so it is not used. Its forward may change tensors "
            "in place that are used again, differ from call to call, or depend on the number of "
            f"samples; else this is a mistake of cvxnet: {network!r}."
        )


def output_of(torch: Any, module: Any, rows: Any) -> tuple[Any, float]:
    """What a module returns, in float64 where it can be run so, and how exact that is."""
    try:
        return call_in_double(torch, module, rows), SAME
    except RuntimeError:
        return module(rows.float()), SAME_IN_FLOAT32
