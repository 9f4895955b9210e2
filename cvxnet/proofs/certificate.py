"""A trained network and its proof as one file: ``lower <= optimum <= upper``.

The format, version 1
---------------------
A certificate file is UTF-8 JSON: one object with exactly the entries below, none repeated. Every
real number is an IEEE double written exactly, as the string that ``float.hex`` makes:
``"0x1.8000000000000p+1"`` is 3. So nothing is rounded on the way out or back.

============  ====================================================================================
format        ``"cvxnet-certificate"``
version       ``1`` (of this format; a reader must refuse a version that it does not know)
cvxnet        version of the program that wrote the file; nothing is proved about it
units         ``"relu"``: the unit (z)_+ = max(z, 0)
loss          ``"squared"``: 1/2 (f - y)^2;  ``"logistic"``: log(1 + exp(-y f)), y = -1 or +1
weight_decay  the number beta > 0
bias          ``true`` or ``false``: whether units have a hidden bias
data_sha256   SHA-256 (hex digits) of the bytes: the ASCII text ``"n d\\n"`` (the shape of X in
              decimals), then X row by row, then y, as little-endian IEEE doubles
data          ``{"X": n rows of d numbers, "y": n numbers}``, or ``null`` where they are kept apart
network       ``{"W": m rows of d numbers, "b": m numbers or null, "a": m numbers}``
dual          the dual vector v, n numbers
lower, upper  the claimed bracket, two numbers
============  ====================================================================================

What it claims
--------------
The network is ``f(x) = sum_j a_j (W_j . x + b_j)_+`` (``b_j = 0`` without bias), its objective

    sum over samples of the loss  +  beta/2 * (sum of the squares of all of W, b and a),

and the optimum is the infimum of that objective over all networks of every width m. Then

* ``upper`` is at least the objective of the network in the file;
* ``rho(v) = max over |u| <= 1 of |sum_i v_i (u . x~_i)_+|  <=  beta``, with ``x~ = (x, 1)`` where
  there is a bias and ``x~ = x`` otherwise, and ``lower`` is at most ``-l*(v)``, the dual value:
  ``-sum_i (1/2 v_i^2 + v_i y_i)`` for the squared loss; for the logistic loss, with
  ``p_i = -y_i v_i`` in [0, 1], ``-sum_i (p_i log p_i + (1 - p_i) log(1 - p_i))``.

Both inequalities are claimed exactly, so whoever writes a file rounds ``lower`` down and ``upper``
up (`Certificate.rounded_outward` does) and shrinks v until ``rho(v) <= beta`` holds exactly
(``v * (1 - 1e-12)`` where rho was computed in floating point). `cvxnet.proofs.checker` re-proves
all of it without any solver; why it follows is explained there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.bracket import relative_gap
from cvxnet.errors import InputError
from cvxnet.proofs import checker

Array = NDArray[np.float64]


def installed_version() -> str:
    """The version of cvxnet that is running."""
    try:
        return version("cvxnet")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, kw_only=True, eq=False)
class Certificate:
    """Network, dual vector, data and claimed bracket; the claims are proved by the checker.

    Parameters
    ----------
    units, loss : names, as in `cvxnet.train`
    weight_decay : the coefficient of half the sum of all squared weights
    bias : whether hidden units have a bias, decayed like a weight
    X, y : data, (n, d) and (n,); labels of the logistic loss are -1 and +1
    W, b, a : hidden weights (m, d), hidden bias (m,) or None, output weights (m,)
    v : dual vector (n,)
    lower, upper : the claimed bracket
    cvxnet : version of the program that made it

    Examples
    --------
    Two samples -1 and 1 with targets 1 and 2 at weight decay 0.1; the optimum is 0.29.

    >>> root = np.sqrt([0.9, 1.9])
    >>> cert = Certificate(
    ...     loss="squared", weight_decay=0.1, bias=False, X=[[-1], [1]], y=[1, 2],
    ...     W=[[-root[0]], [root[1]]], b=None, a=root, v=[-0.1, -0.1], lower=0.289, upper=0.291,
    ... )
    >>> round(cert.gap, 4)
    0.0069
    >>> cert.rounded_outward().gap < 1e-15
    True
    """

    units: str = "relu"
    loss: str
    weight_decay: float
    bias: bool
    X: Array
    y: Array
    W: Array
    b: Array | None
    a: Array
    v: Array
    lower: float
    upper: float
    cvxnet: str = field(default_factory=installed_version)

    def __post_init__(self) -> None:
        for name in ("weight_decay", "lower", "upper"):
            object.__setattr__(self, name, float(as_array(getattr(self, name), name, 0)))
        for name, dimensions in {"X": 2, "y": 1, "W": 2, "b": 1, "a": 1, "v": 1}.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, as_array(value, name, dimensions))
        object.__setattr__(self, "bias", bool(self.bias))
        refusals_are_input_errors("this certificate", self.to_dict())

    @property
    def gap(self) -> float:
        """Width of the bracket relative to its upper end; 0 where both ends are 0."""
        return relative_gap(self.lower, self.upper)

    def rounded_outward(self) -> Certificate:
        """The same with the exact values of network and dual vector as bracket, rounded outward.

        Whether the dual vector is feasible is left to the checker.
        """
        lower, upper = checker.values(self.to_dict())
        return replace(self, lower=lower, upper=upper)

    def to_dict(self, embed_data: bool = True) -> dict[str, Any]:
        """The document of the module's format, ready for JSON and for the checker."""
        return {
            "format": checker.FORMAT,
            "version": checker.VERSION,
            "cvxnet": self.cvxnet,
            "units": self.units,
            "loss": self.loss,
            "weight_decay": self.weight_decay.hex(),
            "bias": self.bias,
            "data_sha256": checker.fingerprint(self.X.tolist(), self.y.tolist()),
            "data": {"X": as_hex(self.X), "y": as_hex(self.y)} if embed_data else None,
            "network": {"W": as_hex(self.W), "b": as_hex(self.b), "a": as_hex(self.a)},
            "dual": as_hex(self.v),
            "lower": self.lower.hex(),
            "upper": self.upper.hex(),
        }

    def save(self, path: str | os.PathLike[str], embed_data: bool = True) -> None:
        """Write the certificate file; an old file of that name is replaced in one step.

        Parameters
        ----------
        path : where to
        embed_data : if False, only the fingerprint of the data goes into the file, and whoever
            loads or checks it has to supply them
        """
        document = self.to_dict(embed_data)
        lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
        with replacing(Path(path)) as file:
            file.write("{\n" + ",\n".join(lines) + "\n}\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str], data: Any = None) -> Certificate:
        """Read a certificate file. Nothing is proved by that: see `cvxnet.check`.

        Parameters
        ----------
        path : the file
        data : only where the file leaves them out: the pair ``(X, y)``, or the path of a CSV file
            (target last) or of a certificate that has them

        Raises
        ------
        InputError
            if the file is no complete, well-formed certificate, or the data are not its own
        """
        claims = refusals_are_input_errors(f"the certificate {os.fspath(path)!r}", path, data)
        values = {name.name: getattr(claims, name.name) for name in fields(claims)}
        return cls(**values | {"W": np.reshape(claims.W, (len(claims.a), len(claims.X[0])))})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]


def as_array(value: Any, name: str, dimensions: int) -> Array:
    """A read-only float64 copy with that many dimensions, or InputError."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} of a certificate is not an array of numbers: {error}.") from None
    if array.ndim != dimensions:
        raise InputError(
            f"{name} of a certificate has {array.ndim} dimensions; {dimensions} expected."
        )
    array.flags.writeable = False
    return array


def as_hex(array: Array | None) -> Any:
    """Nested lists of hexadecimal numbers, and None for None."""
    if array is None:
        return None
    return [x.hex() for x in array.tolist()] if array.ndim == 1 else [as_hex(row) for row in array]


def refusals_are_input_errors(what: str, source: Any, data: Any = None) -> checker.Claims:
    """The checker's reading of a document, with its refusal as an InputError."""
    try:
        return checker.read(source, data)
    except checker.RefusalError as refusal:
        raise InputError(
            f"{what} cannot be used: {refusal}. The format is described in "
            "cvxnet/proofs/certificate.py."
        ) from None


@contextmanager
def replacing(path: Path) -> Iterator[IO[str]]:
    """A file for writing that takes the place of ``path`` only once it is complete."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(draft, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}.") from error
    finally:
        draft.unlink(missing_ok=True)
