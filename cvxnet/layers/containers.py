"""Layers made of layers: one after the other, or one beside a shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cvxnet.data.preparation import Origin
from cvxnet.errors import InputError
from cvxnet.layers import network_file
from cvxnet.layers.layer import Layer, Tensor


class Sequential(Layer):
    """Layers one after the other, as in ``torch.nn.Sequential``.

    Parameters
    ----------
    *layers : Layer
        At least one layer; widths that do not fit are refused here, naming the layer.
    seed : int or numpy Generator
        Where weights that were not given are drawn from, in order: the same seed, the same network.

    Attributes
    ----------
    origin : Origin or None
        What the network was trained on, where somebody says so: the columns of a table, classes,
        loss, weight decay. It goes into the file and comes back; nothing is computed from it.

    Raises
    ------
    InputError
        For no layers, things that are none, widths that do not fit, and a seed that is none.

    Examples
    --------
    >>> import numpy as np
    >>> from cvxnet.layers import Linear, ReLU
    >>> net = Sequential(Linear(1, 2, bias=False), ReLU(), Linear(2, 1, bias=False, nonneg=True))
    >>> _ = net.load_state_dict({"0.weight": [[1.0], [-1.0]], "2.weight": [[1.0, 1.0]]})
    >>> net(np.array([[-3.0], [2.0]]))                                # the absolute value
    array([[3.],
           [2.]])
    """

    wraps = True

    def __init__(self, *layers: Layer, seed: int | np.random.Generator = 0) -> None:
        super().__init__()
        for position, layer in enumerate(layers):
            if not isinstance(layer, Layer):
                raise InputError(
                    f"item {position} of Sequential is a {type(layer).__name__}, not a layer. "
                    "Pass layer objects, e.g. Sequential(Linear(2, 8), ReLU(), Linear(8, 1))."
                )
        if not layers:
            raise InputError("a Sequential needs at least one layer.")
        self.layers = tuple(layers)
        self.origin: Origin | None = None
        self.width(None)
        self.initialize(make_generator(seed))

    @property
    def takes_sparse(self) -> bool:
        return self.layers[0].takes_sparse

    def forward(self, z: Tensor) -> Tensor:
        for layer in self.layers:
            z = layer.run(z)
        return z

    def children(self) -> dict[str, Layer]:
        return {str(position): layer for position, layer in enumerate(self.layers)}

    def width(self, columns: int | None) -> int | None:
        for position, layer in enumerate(self.layers):
            try:
                columns = layer.width(columns)
            except InputError as error:
                raise InputError(f"layer {position}: {error}") from None
        return columns

    def columns(self, out: int | None = None) -> int | None:
        for layer in reversed(self.layers):
            out = layer.columns(out)
        return out

    def save(self, path: str | Path) -> None:
        """Write the network as JSON; numbers come back exactly. See `load`.

        Parameters
        ----------
        path : str or path
            The file; an old one is replaced in one step.

        Raises
        ------
        InputError
            Where the file cannot be written, for weights that are CVXPY expressions without a
            value, and for layers whose options are not known.
        """
        network_file.save(self, path, self.origin)

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, position: int) -> Layer:
        return self.layers[position]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


class Residual(Layer):
    """``z + body(z)``, or ``shortcut(z) + body(z)``.

    The weights are named ``body.*`` and ``shortcut.*``.

    Parameters
    ----------
    body : Layer
        Has as many columns out as ``shortcut``.
    shortcut : Layer, optional
        The identity where left out.

    Raises
    ------
    InputError
        For what is no layer and, when the width is known, for columns that cannot be added.

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

    def columns(self, out: int | None = None) -> int | None:
        inside = self.body.columns(out)
        return inside if inside is not None or self.shortcut is None else self.shortcut.columns(out)

    def __repr__(self) -> str:
        if self.shortcut is None:
            return f"Residual({self.body!r})"
        return f"Residual({self.body!r}, shortcut={self.shortcut!r})"


def load(path: str | Path) -> Sequential:
    """Read a network that `Sequential.save` wrote.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    Sequential
        The same layers with the same weights, number for number.

    Raises
    ------
    InputError
        Where there is no such file, or it holds no network; says what is wrong with it.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from cvxnet.layers import Linear, ReLU, Sequential
    >>> net = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "net.json"
    >>> net.save(file)
    >>> bool((load(file)([1.0, 2.0]) == net([1.0, 2.0])).all())
    True
    """
    network, origin = network_file.read(path)
    if not isinstance(network, Sequential):
        raise InputError(f"{path} holds a {type(network).__name__}, not a Sequential.")
    network.origin = origin
    return network


def make_generator(seed: int | np.random.Generator) -> np.random.Generator:
    """A generator of random numbers from a seed, or the generator itself."""
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise InputError(
            f"seed must be a whole number of at least 0 or a numpy Generator, not {seed!r}."
        ) from None
