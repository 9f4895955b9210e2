"""What every layer has: named weights, a width check and one way to be called.

A layer is a function of rows. It takes an n x d matrix or one vector of length d, as an array or as
a CVXPY expression, and its weights may likewise be arrays or CVXPY expressions. Nothing else in the
package asks which of the two it is.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar, Self, TypeAlias

import cvxpy as cp
import numpy as np
from scipy.sparse import issparse

from cvxnet.data.matrices import check_any_matrix
from cvxnet.data.validation import as_floats, check_finite
from cvxnet.errors import InputError
from cvxnet.types import Array

# An array or a CVXPY expression; as a union, every arithmetic operator would need a cast.
Tensor: TypeAlias = Any

Call: TypeAlias = tuple["Layer", Tensor, Tensor]
# Gets (layer, input, output) of a layer that ran; what it returns is passed on as the output.
Observer: TypeAlias = Callable[["Layer", Tensor, Tensor], Tensor]
OBSERVER: ContextVar[Observer | None] = ContextVar("OBSERVER", default=None)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Let an observer see, and replace, the output of every layer inside, innermost first."""
    token = OBSERVER.set(observer)
    try:
        yield
    finally:
        OBSERVER.reset(token)


@contextmanager
def recorded_calls() -> Iterator[list[Call]]:
    """Collect (layer, input, output) of every layer that runs inside, innermost first."""
    calls: list[Call] = []

    def record(layer: Layer, z: Tensor, value: Tensor) -> Tensor:
        calls.append((layer, z, value))
        return value

    with observed_by(record):
        yield calls


KINDS: dict[str, type[Layer]] = {}
"""Every kind of layer by the name of its class, as files name it; subclasses add themselves."""


class Layer:
    """A function of rows with named weights; subclasses define `forward`.

    Attributes
    ----------
    tensors : dict of str to array or CVXPY expression
        The layer's own weights by their torch names, statistics included.
    statistics : tuple of str
        The names among them that training does not touch (running mean and variance).
    wraps : bool
        Whether the constructor takes the children, rather than making them from the options.
    arguments : tuple of str
        Those of the constructor, children left out.
    given : bool
        False while the weights are only the random initial ones. A verdict on weights that were
        not given is about all weights that the declared signs allow.

    Examples
    --------
    >>> from cvxnet.layers import Linear
    >>> layer: Layer = Linear(2, 1)
    >>> sorted(layer.state_dict()), layer(np.zeros((3, 2))).shape
    (['bias', 'weight'], (3, 1))
    """

    statistics: ClassVar[tuple[str, ...]] = ()
    wraps: ClassVar[bool] = False
    arguments: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, abstract: bool = False, **_: Any) -> None:
        """Register a kind of layer; ``abstract`` ones only serve others."""
        cls.arguments = () if cls.wraps else tuple(inspect.signature(cls).parameters)
        taken = KINDS.get(cls.__name__)
        if not abstract and (taken is None or not taken.__module__.startswith("cvxnet.")):
            KINDS[cls.__name__] = cls

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self.given = True

    def forward(self, z: Tensor) -> Tensor:
        """The layer's value at rows ``z`` that were checked already."""
        raise TypeError(f"{type(self).__name__} does not define forward")

    def options(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON types: ``type(self)(**options)`` is this layer.

        Here: the attributes that are called like them.
        """
        return {name: vars(self)[name] for name in self.arguments if name in vars(self)}

    def children(self) -> dict[str, Layer]:
        """The layers inside this one, by the prefix that their weights have in the state dict."""
        return {}

    def width(self, columns: int | None) -> int | None:
        """The number of output columns for that many input columns (None where not known)."""
        return columns

    def columns(self, out: int | None = None) -> int | None:
        """The number of input columns for that many output columns: `width`, read backwards.

        None where any number will do, or only ``out`` could tell.
        """
        return out

    def sign(self, name: str) -> str | None:
        """The declared sign of a weight: "nonneg", "nonpos" or None."""
        return None

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a weight."""
        return tuple(self.tensors[name].shape)

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw weights that were not given, in order, from one generator."""
        for child in self.children().values():
            child.initialize(rng)

    def __call__(self, x: Any) -> Tensor:
        """The layer's value on an n x d matrix or a vector of length d.

        Parameters
        ----------
        x : array or CVXPY expression
            Rows are samples. Arrays are read as float64.

        Returns
        -------
        array or CVXPY expression
            n x c or of length c; an expression where ``x`` or a weight is one.

        Raises
        ------
        InputError
            For another shape or width, and for entries that are not finite.
        """
        x = self.check_sparse(x) if issparse(x) else check_rows(x)
        self.width(int(x.shape[-1]))
        return self.run(x)

    @property
    def takes_sparse(self) -> bool:
        """Whether the input may be a sparse matrix of SciPy; the value is dense."""
        return False

    def check_sparse(self, x: Any) -> Any:
        """A sparse input, where the layer takes one."""
        if not self.takes_sparse:
            raise InputError(
                f"the network's input is a sparse matrix, and {self!r} needs a dense one: pass "
                "x.toarray()."
            )
        return check_any_matrix(x, "the network's input")

    def run(self, z: Tensor) -> Tensor:
        """`forward`, seen by an observer; layers call the layers inside them this way."""
        value = self.forward(z)
        observer = OBSERVER.get()
        return value if observer is None else observer(self, z, value)

    def named_layers(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """This layer and all layers inside it with their prefixes, outermost first."""
        yield prefix, self
        for name, child in self.children().items():
            yield from child.named_layers(f"{prefix}.{name}" if prefix else name)

    def named_tensors(self) -> dict[str, Tensor]:
        """Every weight by its full name, in order, as it is (array or CVXPY expression)."""
        return {
            f"{prefix}.{name}" if prefix else name: tensor
            for prefix, layer in self.named_layers()
            for name, tensor in layer.tensors.items()
        }

    def state_dict(self) -> dict[str, Array]:
        """Every weight by its torch name, as arrays (copies).

        Raises
        ------
        InputError
            For a CVXPY expression without a value.

        Examples
        --------
        >>> from cvxnet.layers import Linear, ReLU, Sequential
        >>> net = Sequential(Linear(2, 3), ReLU(), Linear(3, 1))
        >>> {name: weight.shape for name, weight in net.state_dict().items()}
        {'0.weight': (3, 2), '0.bias': (3,), '2.weight': (1, 3), '2.bias': (1,)}
        """
        return {name: tensor_value(name, tensor) for name, tensor in self.named_tensors().items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> Self:
        """Set every weight, by torch's names.

        Parameters
        ----------
        state : mapping of str to array
            Every weight, of the shape that it has here; tensors of torch are arrays, too.

        Returns
        -------
        Layer
            The layer itself.

        Raises
        ------
        InputError
            Names the first key that is missing or unknown, the shape that is wrong or the entry
            that breaks a declared sign. Nothing is changed then.

        Examples
        --------
        >>> from cvxnet.layers import Linear
        >>> Linear(2, 1, bias=False).load_state_dict({"weight": [[1.0, 2.0]]})([3.0, 4.0])
        array([11.])
        """
        known = self.named_tensors()
        check_names(state, known)
        missing = [name for name in known if name not in state]
        if missing:
            raise InputError(
                f"the state lacks {missing[0]!r}{and_more(missing)}. This network needs "
                f"{', '.join(known)}. Pass strict states only, e.g. another network's state_dict()."
            )
        self._set({name: self._checked(name, state[name]) for name in known})
        return self

    def bind(self, tensors: Mapping[str, Any]) -> Self:
        """A copy of the layer in which some weights are replaced, by arrays or CVXPY expressions.

        This is how weights become the unknowns of a CVXPY problem.

        Parameters
        ----------
        tensors : mapping of str to array or CVXPY expression
            Some of the weights, by their full names.

        Returns
        -------
        Layer
            The copy; expressions in it are the given ones, not copies.

        Raises
        ------
        InputError
            As `load_state_dict`, but weights may be missing.

        Examples
        --------
        >>> import cvxpy as cp
        >>> from cvxnet.layers import Linear
        >>> W = cp.Variable((1, 2))
        >>> Linear(2, 1, bias=False).bind({"weight": W})([[3.0, 4.0]]).is_affine()
        True
        """
        check_names(tensors, self.named_tensors())
        clone = copy.deepcopy(self, {id(t): t for t in self._expressions()})
        clone._set({name: clone._checked(name, tensor) for name, tensor in tensors.items()})
        return clone

    def _expressions(self) -> list[cp.Expression]:
        return [t for t in self.named_tensors().values() if isinstance(t, cp.Expression)]

    def _owner(self, name: str) -> tuple[Layer, str]:
        prefix, _, own = name.rpartition(".")
        return dict(self.named_layers())[prefix], own

    def _checked(self, name: str, value: Any) -> Tensor:
        layer, own = self._owner(name)
        return check_tensor(value, name, layer.shape(own), layer.sign(own))

    def _set(self, tensors: Mapping[str, Tensor]) -> None:
        for name, tensor in tensors.items():
            layer, own = self._owner(name)
            layer.tensors[own] = tensor
            layer.given = True


def check_rows(x: Any) -> Tensor:
    """An array or CVXPY expression with one or two dimensions; arrays are finite float64."""
    if not isinstance(x, cp.Expression):
        x = as_floats(x, "the network's input")
        check_finite(x, "the network's input")
    if x.ndim not in (1, 2) or 0 in x.shape:
        raise InputError(
            f"the network's input has shape {x.shape}; expected n rows by d columns, or one "
            "vector of length d."
        )
    return x


def check_tensor(value: Any, name: str, shape: tuple[int, ...], sign: str | None) -> Tensor:
    """A weight of the right shape that is finite and has the declared sign."""
    if not isinstance(value, cp.Expression):
        value = as_floats(value, name)
        check_finite(value, name)
    if tuple(value.shape) != shape:
        raise InputError(f"{name} has shape {tuple(value.shape)}; expected {shape}.")
    if sign is not None and isinstance(value, np.ndarray):
        check_sign(value, name, sign)
    return value


def check_sign(value: Array, name: str, sign: str) -> None:
    """Raise InputError naming the entry that breaks the declared sign most."""
    wrong = value if sign == "nonneg" else -value
    if value.size and wrong.min() < 0.0:
        where = np.unravel_index(int(wrong.argmin()), value.shape)
        index = ", ".join(str(int(i)) for i in where)
        raise InputError(
            f"{name} was declared {sign}, but {name}[{index}] is {value[where]:g} "
            f"({int((wrong < 0.0).sum())} of {value.size} entries have the wrong sign). "
            f"Clip them, or build the layer without {sign}=True."
        )


def check_names(given: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Raise InputError for the first name that no weight has."""
    if not isinstance(given, Mapping):
        raise InputError(f"weights come as a dict of names to arrays, not {type(given).__name__}.")
    unknown = [str(name) for name in given if name not in known]
    if unknown:
        raise InputError(
            f"there is no weight {unknown[0]!r}{and_more(unknown)}; "
            f"this network has {', '.join(known) or 'no weights'}."
        )


def and_more(names: list[str]) -> str:
    """ " (and 2 more)" after the first name of a list."""
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def tensor_value(name: str, tensor: Tensor) -> Array:
    """The array behind a weight; a CVXPY expression must have a value."""
    if not isinstance(tensor, cp.Expression):
        return tensor.copy()
    if tensor.value is None:
        raise InputError(f"{name} is a CVXPY expression without a value; solve the problem first.")
    return np.array(tensor.value, dtype=np.float64)
