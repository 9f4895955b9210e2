"""A trained network and its proof as one file: ``lower <= optimum <= upper``.

The format, version 4
---------------------
A certificate file is UTF-8 JSON: one object with exactly the entries below, none repeated. Every
real number is an IEEE double written exactly, as the string that ``float.hex`` makes:
``"0x1.8000000000000p+1"`` is 3. So nothing is rounded on the way out or back.

==============  ==================================================================================
format          ``"cvxnet-certificate"``
version         ``4`` (of this format; a reader must refuse a version that it does not know)
cvxnet          version of the program that wrote the file; nothing is proved about it
units           ``{"name": ...}`` and the parameter of the family, if it has one, see below
norm            ``"l2"`` or, for relu, leaky_relu, abs and linear, ``"l1"``: see below
loss            with r = f - y: ``"squared"``: r^2/2, ``"absolute"``: \\|r\\|, ``"huber"``: r^2/2
                where \\|r\\| <= 1, and \\|r\\| - 1/2 beyond, ``"log_cosh"``: log cosh r; with
                y = -1 or +1 and q = y f: ``"logistic"``: log(1 + exp(-q)), ``"hinge"``:
                max(0, 1 - q), ``"squared_hinge"``: max(0, 1 - q)^2; with c > 1 outputs the sum
                of these, or ``"cross_entropy"``: log sum_k exp(f_k) - sum_k y_k f_k
sample_weights  n numbers w_i > 0, or ``null`` for ones: the loss is sum_i w_i loss(f_i, y_i)
weight_decay    the number beta > 0
bias            ``true`` or ``false``: whether units have a hidden bias
data_sha256     SHA-256 (hex digits) of the bytes: the ASCII text ``"n d\\n"`` (the shape of X in
                decimals; with c > 1 outputs ``"n d c\\n"``), then X row by row, then y, row by
                row, as little-endian IEEE doubles
data            ``{"X": n rows of d numbers, "y": n numbers}``, or ``null`` if kept apart; with
                c > 1 outputs y has n rows of c numbers, for cross_entropy a 1 for the class of
                the sample and else 0
network         ``{"W": m rows of d numbers, "b": m numbers or null, "a": m numbers,
                "c": number or null, "s": d numbers or null, "gate": m integers or null}``;
                with c > 1 outputs a and s have rows of c numbers, and c has c numbers
dual            the dual vector v: n numbers, with c > 1 outputs n rows of c numbers; for
                cross_entropy the one at the class counts as minus the sum of the others
output_weights  ``"any"``, or ``"nonneg"`` or ``"nonpos"``: networks have a >= 0, a <= 0
evidence        ``null``, or what helps the checker to prove that v is feasible
preparation     ``null``, or how a table became X and y: see below; nothing is proved about it
lower, upper    the claimed bracket, two numbers
seconds         only in checkpoints: how long training took; nothing is proved about it
==============  ==================================================================================

Version 3 has no preparation: it means ``null``. Version 2 has no output_weights and one output: it
means ``"any"``. Version 1 has no norm, sample_weights, evidence, c, s, gate either, and ``"relu"``
for units: it means relu units with the norm l2, and null for the rest.

Where the data are kept apart, they come as a pair, as they would stand here (for cross_entropy
also with a label for each sample; the classes are the labels in sorted order), as another
certificate, or as a CSV file: the last columns are y, one with one output and, with labels, for
cross_entropy, else c.

The preparation is ``{"features": d names, "targets": c names, "classes": labels or null,
"scaling": {"mean": d numbers, "variance": d numbers} or null}``. X has the columns named features
of a table, and where there is a scaling each column is ``(x - mean) (1 / sqrt(variance))``, every
operation rounded to a double, with 0 for -0. So the objective is then that of standardised columns.
y has the columns named targets. Where there are classes there is one target, a column of labels
(text, or whole numbers), and y is 1 for the class of a sample and else 0, in the order given there,
or with one output -1 for the first and +1 for the second class. The checker sees that names, labels
and numbers are there, variances above 0, and that they are as many as they should be: whether X and
y are made like that is for whoever has the table to try (`cvxnet check FILE --data TABLE.csv`), and
the fingerprint tells.

The network is ``f(x) = sum_j a_j phi_j(x) + c + s . x``. With ``x~ = (x, 1)`` and
``u_j = (W_j, b_j)`` where there is a bias, ``x~ = x`` and ``u_j = W_j`` otherwise, and with
``z = x~ . u_j``:

============  ===========================================  =======================================
units         phi_j(x)                                     penalty
============  ===========================================  =======================================
relu          max(z, 0)                                    beta/2 sum_j (\\|u_j\\|^2 + \\|a_j\\|^2)
leaky_relu    max(z, 0) + slope min(z, 0); "slope"         the same
abs           \\|z\\|                                        the same
linear        z                                            the same
gated_relu    z where x~ . gates[gate_j] >= 0, else 0;     the same
              "gates": rows as long as x~
squared_relu  max(z, 0)^2                                  beta sum_j \\|a_j\\| \\|u_j\\|^2
quadratic     z^2                                          the same
polynomial    p t^2 + q t + r of t = z / \\|u_j\\|;           beta sum_j \\|a_j\\|
              "coefficients": [p, q, r]
tanh          tanh(z), \\|u_j\\| <= "radius"                 the same
sign          -1, 0, 1: the sign of z                      the same
threshold     1 where z >= 0, else 0                       the same
coordinate    z; W_j has one entry +-1, else 0; no bias    the same
============  ===========================================  =======================================

evidence is what helps where no exact method covers the units at the rank of X: for relu,
leaky_relu and abs ``{"kind": "relaxation", "plus": tree, "minus": tree}``, one tree for g and one
for -g (``null`` for one that need not be proved as output weights have one sign). A tree is a split
``{"row": l, "plus": tree, "minus": tree}``, for the u with x~_l . u >= 0 and <= 0, or a leaf
``{"tilt": n numbers, "lean": list of [i, k, number], "tau": n numbers, "mu": number}``; rows are
counted from 0. What the numbers prove stands in checker/relaxation.py.

With several outputs, for these units, quadratic and polynomial, it is ``{"kind": "sphere", "basis":
k rows of c numbers, "edges": list of [i, j, number, number], "bounds": a number for each corner,
"proofs": for each ``null`` or evidence of the kind relaxation, "cones": 2^(k - 1) trees or null}``.
A tree is a cone that is cut in two, ``{"corner": m, "first": tree, "second": tree}``, or k numbers;
corners are counted from 0, first the k of the basis and then one an edge. What that proves stands
in checker/sphere.py.

``|u|`` and ``|a|`` are Euclidean norms; with norm ``"l1"`` ``|u|`` is the sum of the absolute
values. c and s are neither bounded nor penalised.

What it claims
--------------
The objective of the network is the loss plus the penalty, and the optimum is the infimum of that
over all networks of the family of every width m and with as many outputs; they have a c, an s, only
if the network in the file has one that is not null. Then

* ``upper`` is at least the objective of the network in the file;
* there is a v' next to v (v itself, unless there is a c or an s; checker/dual.py says which) with
  ``rho(v') = max over units of |sum_i v'_i phi_u(x_i)| <= beta``, over the units with ``|u| <= 1``
  (polynomial: ``|u| = 1``, tanh: ``|u| <= radius``, sign, threshold, coordinate: all), where with
  output weights nonneg, nonpos ``-sum``, ``sum`` takes the place of ``|sum|``; with
  sum_i v'_i = 0 if there is a c, with sum_i v'_i x_i = 0 if there is an s, and ``lower`` is at
  most ``-sum_i w_i l*(v'_i / w_i)``, the dual value; l* is the conjugate of the loss.

Both inequalities are claimed exactly, so whoever writes a file rounds ``lower`` down and ``upper``
up (`Certificate.rounded_outward` does) and shrinks v until ``rho(v') <= beta`` holds exactly
(``v * (1 - 1e-12)`` where rho was computed in floating point). `cvxnet.proofs.checker` re-proves
all of it without any solver; why it follows is explained there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np

from cvxnet.data.files import replacing
from cvxnet.data.preparation import Preparation
from cvxnet.data.validation import as_floats
from cvxnet.errors import InputError
from cvxnet.losses import get_loss
from cvxnet.objective import Family, Form, Objective, Weights
from cvxnet.proofs import checker
from cvxnet.proofs.checker.bracket import bracket
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.reading import read_preparation
from cvxnet.proofs.gaps import bracket_text, relative_gap
from cvxnet.types import Array

T = TypeVar("T")
DIMENSIONS = {"W": 2, "b": 1, "a": 1, "c": 0, "s": 1, "gate": 1}
"""Of the weights with one output."""
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
        """The document of the module's format, ready for JSON and for the checker."""
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


def as_array(value: Any, name: str, dimensions: int) -> Array:
    """A read-only float64 copy with that many dimensions, or InputError."""
    array = as_floats(value, f"{name} of a certificate")
    if array.ndim != dimensions:
        raise InputError(
            f"{name} of a certificate has {array.ndim} dimensions; {dimensions} expected."
        )
    array.flags.writeable = False
    return array


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
            W=np.reshape(claims.W, (len(claims.a), len(claims.X[0]))),
            a=np.reshape(claims.a, (len(claims.a), *np.shape(claims.y)[1:])),
            **{name: getattr(claims, name) for name in ("b", "c", "s", "gate")},
        ),
        **{name: getattr(claims, name) for name in ("v", "evidence", "lower", "upper")},
        preparation=preparation_of(claims),
        cvxnet=claims.cvxnet,
    )


def objective_of(claims: Claims) -> Objective:
    """What a certificate is about."""
    units = {key: value for key, value in claims.units.items() if key != "name"}
    return Objective(
        units=Family(claims.units["name"], **units),
        X=np.array(claims.X),
        y=np.array(claims.y),
        loss=get_loss(claims.loss),
        weight_decay=claims.weight_decay,
        form=Form(claims.bias, claims.c is not None, claims.s is not None),
        norm=claims.norm,
        sample_weight=None if claims.sample_weights is None else np.array(claims.sample_weights),
        output_weights=claims.output_weights,
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
        sample_weights=None if goal.sample_weight is None else goal.sample_weight.tolist(),
        weight_decay=goal.weight_decay,
        bias=goal.form.bias,
        X=goal.X.tolist(),
        y=goal.y.tolist(),
        **{
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(weights).items()
        },
        v=certificate.v.tolist(),
        output_weights=goal.output_weights,
        evidence=certificate.evidence,
        preparation=None if certificate.preparation is None else certificate.preparation.to_dict(),
        lower=certificate.lower,
        upper=certificate.upper,
    )


def document_of(claims: Claims, embed_data: bool = True) -> dict[str, Any]:
    """The document of the module's format that says so."""
    return {
        "format": checker.FORMAT,
        "version": checker.VERSION,
        "cvxnet": claims.cvxnet,
        "units": as_hex(claims.units),
        "norm": claims.norm,
        "loss": claims.loss,
        "sample_weights": as_hex(claims.sample_weights),
        "weight_decay": as_hex(claims.weight_decay),
        "bias": claims.bias,
        "data_sha256": checker.fingerprint(claims.X, claims.y),
        "data": {"X": as_hex(claims.X), "y": as_hex(claims.y)} if embed_data else None,
        "network": {name: as_hex(getattr(claims, name)) for name in DIMENSIONS},
        "dual": as_hex(claims.v),
        "output_weights": claims.output_weights,
        "evidence": as_hex(claims.evidence),
        "preparation": as_hex(claims.preparation),
        "lower": as_hex(claims.lower),
        "upper": as_hex(claims.upper),
    }


def write(document: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Write a document, an entry a line."""
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    with replacing(path) as draft, open(draft, "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


def as_hex(value: Any) -> Any:
    """The same in dicts and lists, with hexadecimal strings for the real numbers."""
    if isinstance(value, dict):
        return {key: as_hex(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return as_hex(value.tolist())
    if isinstance(value, list | tuple):
        if all(type(entry) is float for entry in value):
            return list(map(float.hex, value))
        return [as_hex(entry) for entry in value]
    return value.hex() if isinstance(value, float) else value


def refusals_are_input_errors(function: Callable[..., T], what: str, *arguments: Any) -> T:
    """What a function of the checker makes of a document, with its refusal as an InputError."""
    try:
        return function(*arguments)
    except checker.RefusalError as refusal:
        raise InputError(
            f"{what} cannot be used: {refusal}. The format is described in "
            "cvxnet/proofs/certificate.py."
        ) from None
