"""A trained network and its proof as one file: ``lower <= optimum <= upper``.

What stands in the file and what it claims is specified in docs/certificates/format.md. Here a
`Certificate` is made and read, and `cvxnet.proofs.documents` has what of it is written;
`cvxnet.proofs.checker` proves what it claims.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np
from scipy import sparse

from cvxnet.data.preparation import Preparation
from cvxnet.data.validation import as_floats
from cvxnet.errors import InputError
from cvxnet.losses import get_loss
from cvxnet.objective import Family, Form, Objective, Weights
from cvxnet.proofs import checker
from cvxnet.proofs.checker.bracket import bracket
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.reading import read_preparation
from cvxnet.proofs.documents import DIMENSIONS, as_hex, as_numpy, document_of, held, write
from cvxnet.proofs.gaps import bracket_text, relative_gap
from cvxnet.types import Array

T = TypeVar("T")
SPECIFICATIONS = "https://github.com/cvxnet/cvxnet/blob/main/docs/certificates"
BY_OUTPUT = ("a", "c", "s")
"""Those that have one more with several."""
NEEDED = ("W", "a")


@cache
def installed_version() -> str:
    """The version of cvxnet that is running."""
    try:
        return version("cvxnet")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Certificate:
    """Network, dual vector, data and claimed bracket; the claims are proved by the checker.

    Parameters
    ----------
    objective : Objective
        What the claims are about. Units with a free output bias or skip connection are compared
        with all that have one.
    weights : Weights
        The network: the output bias is there if the objective has one, and so is the skip
        connection.
    v : (n,) array, or (n, c) with c > 1 outputs
        The dual vector.
    evidence : dict, optional
        What helps to prove v feasible: a document of dicts, lists, arrays, numbers.
    lower, upper : float
        The claimed bracket.
    preparation : Preparation, optional
        How a table became X and y, where somebody says so; nothing is proved about it.
    cvxnet : str
        Version of the program that made it.

    Raises
    ------
    InputError
        Numbers, shapes or a network that do not make a certificate.

    Examples
    --------
    Two samples -1 and 1 with targets 1 and 2 at weight decay 0.1; the optimum is 0.29.

    >>> root = np.sqrt([0.9, 1.9])
    >>> X, y, loss = [[-1], [1]], [1, 2], get_loss("squared")
    >>> objective = Objective(
    ...     units="relu", X=X, y=y, loss=loss, weight_decay=0.1, form=Form(bias=False)
    ... )
    >>> weights = Weights(W=[[-root[0]], [root[1]]], b=None, a=root)
    >>> v = [-0.1, -0.1]
    >>> cert = Certificate(objective=objective, weights=weights, v=v, lower=0.289, upper=0.291)
    >>> round(cert.gap, 4)
    0.0069
    >>> cert.rounded_outward().gap < 1e-15
    True
    """

    objective: Objective
    weights: Weights
    v: Array
    evidence: dict[str, Any] | None = None
    preparation: Preparation | None = None
    lower: float
    upper: float
    cvxnet: str = field(default_factory=installed_version)
    _claims: Claims = field(init=False)

    X = property(attrgetter("objective.X"))
    y = property(attrgetter("objective.y"))
    weight_decay = property(attrgetter("objective.weight_decay"))
    sample_weights = property(attrgetter("objective.sample_weight"))
    norm = property(attrgetter("objective.norm"))
    bias = property(attrgetter("objective.form.bias"))
    outputs = property(attrgetter("objective.outputs"))
    width = property(attrgetter("objective.width"))
    output_weights = property(attrgetter("objective.output_weights"))
    loss = property(attrgetter("objective.loss.name"))
    unit_name = property(attrgetter("objective.units.name"))
    W = property(attrgetter("weights.W"))
    b = property(attrgetter("weights.b"))
    a = property(attrgetter("weights.a"))
    c = property(attrgetter("weights.c"))
    s = property(attrgetter("weights.s"))
    gate = property(attrgetter("weights.gate"))

    def __post_init__(self) -> None:
        for name in ("lower", "upper"):
            object.__setattr__(self, name, float(as_array(getattr(self, name), name, 0)))
        several = int(self.outputs > 1)
        object.__setattr__(self, "v", as_array(self.v, "v", 1 + several))
        object.__setattr__(self, "weights", as_arrays(self.weights, several))
        form = self.objective.form
        for name, there in (("c", form.output_bias), ("s", form.skip)):
            if (getattr(self.weights, name) is not None) != there:
                raise InputError(
                    f"the network of a certificate has {'no ' * there}{name}, but its objective "
                    f"has {'one' if there else 'none'}."
                )
        claims = refusals_are_input_errors(
            checker.read, "this certificate", document_of(claims_of(self))
        )
        object.__setattr__(self, "_claims", claims)  # as reading a million numbers takes time

    @property
    def units(self) -> str | dict[str, Any]:
        """The unit family by name; with its options, where it has any, as the file has it."""
        family = self.objective.units
        return {"name": family.name} | family.options if family.options else family.name

    @property
    def gap(self) -> float:
        """The relative gap ``(upper - lower) / upper``; 0 where ``upper`` is 0."""
        return relative_gap(self.lower, self.upper)

    def rounded_outward(self) -> Certificate:
        """The same with the exact values of network and dual vector as bracket, rounded outward.

        Whether the dual vector is feasible is left to the checker.
        """
        lower, upper = refusals_are_input_errors(bracket, "this certificate", self._claims)
        rounded = copy(self)  # all else has been checked
        object.__setattr__(rounded, "lower", lower)
        object.__setattr__(rounded, "upper", upper)
        object.__setattr__(rounded, "_claims", replace(self._claims, lower=lower, upper=upper))
        return rounded

    def prepared_by(self, preparation: Preparation) -> Certificate:
        """The same, saying how a table became its data."""
        outputs = [self.outputs] * (self.outputs > 1)
        document = as_hex(preparation.to_dict())
        columns = self.X.shape[1]
        what = "this preparation"
        refusals_are_input_errors(read_preparation, what, document, columns, outputs)
        said = copy(self)  # all else has been checked
        object.__setattr__(said, "preparation", preparation)
        object.__setattr__(
            said, "_claims", replace(self._claims, preparation=preparation.to_dict())
        )
        return said

    def to_dict(self, embed_data: bool = True) -> dict[str, Any]:
        """The document of the format, ready for JSON and for the checker."""
        return document_of(self._claims, embed_data)

    def save(self, path: str | os.PathLike[str], embed_data: bool = True) -> None:
        """Write the certificate file; an old file of that name is replaced in one step.

        Parameters
        ----------
        path : where to
        embed_data : if False, only the fingerprint of the data goes into the file, and whoever
            loads or checks it has to supply them
        """
        write(self.to_dict(embed_data), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], data: Any = None) -> Certificate:
        """Read a certificate file. Nothing is proved by that: see `cvxnet.check`.

        Parameters
        ----------
        path : the file
        data : only where the file leaves them out: the pair ``(X, y)``, or the path of a CSV file
            (targets last) or of a certificate that has them

        Raises
        ------
        InputError
            if the file is no complete, well-formed certificate, or the data are not its own
        """
        what = f"the certificate {os.fspath(path) if isinstance(path, os.PathLike) else path!r}"
        return certificate_of(refusals_are_input_errors(checker.read, what, path, data))

    def __repr__(self) -> str:
        lower, upper = bracket_text(self.lower, self.upper)
        about = f"{self.unit_name} units, {self.loss} loss"
        return f"<Certificate {about}: claims {lower} <= optimum <= {upper}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]


def as_array(value: Any, name: str, dimensions: int) -> Any:
    """A read-only float64 copy with that many dimensions, or InputError."""
    if sparse.issparse(value):  # weights of units of one column
        return value
    found = as_floats(value, f"{name} of a certificate")
    if found.ndim != dimensions:
        raise InputError(
            f"{name} of a certificate has {found.ndim} dimensions; {dimensions} expected."
        )
    found.flags.writeable = False
    return found


def as_arrays(weights: Weights, several: int) -> Weights:
    """The weights as read-only arrays and a number, or InputError; 1 for several outputs, or 0."""
    read: dict[str, Any] = {
        name: as_array(value, name, DIMENSIONS[name] + several * (name in BY_OUTPUT))
        for name, value in vars(weights).items()
        if value is not None or name in NEEDED
    }
    if "c" in read and not several:
        read["c"] = float(read["c"])
    if "gate" in read:
        if not np.all(np.mod(read["gate"], 1.0) == 0.0):
            raise InputError("gate of a certificate holds a number that is no index.")
        read["gate"] = read["gate"].astype(np.int64)
    return replace(weights, **read)


def certificate_of(claims: Claims) -> Certificate:
    """The certificate that makes these claims."""
    return Certificate(
        objective=objective_of(claims),
        weights=Weights(
            **{name: as_numpy(getattr(claims, name)) for name in DIMENSIONS},
        ),
        **{name: getattr(claims, name) for name in ("evidence", "lower", "upper")},
        v=as_numpy(claims.v),
        preparation=preparation_of(claims),
        cvxnet=claims.cvxnet,
    )


def objective_of(claims: Claims) -> Objective:
    """What a certificate is about."""
    units = {key: as_numpy(value) for key, value in claims.units.items() if key != "name"}
    return Objective(
        units=Family(claims.units["name"], **units),
        X=as_numpy(claims.X),
        y=as_numpy(claims.y),
        loss=get_loss(claims.loss),
        weight_decay=claims.weight_decay,
        form=Form(claims.bias, claims.c is not None, claims.s is not None),
        norm=claims.norm,
        sample_weight=as_numpy(claims.sample_weights),
        output_weights=claims.output_weights,
        width=claims.width,
    )


def preparation_of(claims: Claims) -> Preparation | None:
    """How a table became the data, where the certificate says so."""
    return None if claims.preparation is None else Preparation.from_dict(claims.preparation)


def claims_of(certificate: Certificate) -> Claims:
    """What a certificate says, entry by entry."""
    goal, weights = certificate.objective, certificate.weights
    return Claims(
        cvxnet=certificate.cvxnet,
        units={"name": goal.units.name, **goal.units.options},
        norm=goal.norm,
        loss=goal.loss.name,
        sample_weights=held(goal.sample_weight),
        weight_decay=goal.weight_decay,
        bias=goal.form.bias,
        X=held(goal.X),
        y=held(goal.y),
        **{name: held(value) for name, value in vars(weights).items()},
        v=held(certificate.v),
        output_weights=goal.output_weights,
        width=goal.width,
        evidence=certificate.evidence,
        preparation=None if certificate.preparation is None else certificate.preparation.to_dict(),
        lower=certificate.lower,
        upper=certificate.upper,
    )


def refusals_are_input_errors(
    function: Callable[..., T], what: str, *arguments: Any, page: str = "format.md"
) -> T:
    """What a function of the checker makes of a document, with its refusal as an InputError.

    ``page`` is the one that specifies such documents.
    """
    try:
        return function(*arguments)
    except checker.RefusalError as refusal:
        raise InputError(
            f"{what} cannot be used: {refusal}. The format is described in {SPECIFICATIONS}/{page}."
        ) from None
