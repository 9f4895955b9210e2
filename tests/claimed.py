"""Certificates that say anything at all: what the checker is tested with."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from cvxnet.losses import get_loss
from cvxnet.objective import Form, Objective
from cvxnet.proofs import checker
from cvxnet.proofs.checker.bracket import bracket
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.documents import as_hex, document_of, write

AS_THEY_ARE = ("cvxnet", "units", "norm", "loss", "bias", "gate", "evidence")
AS_THEY_ARE += ("output_weights", "preparation", "width")


@dataclass(frozen=True, kw_only=True)
class Claimed(Claims):
    """Claims entry by entry, in arrays or lists; nothing is checked.

    A `cvxnet.Certificate` is about an objective that can be trained on. The checker must know what
    to do with all others, too.
    """

    cvxnet: str = "a test"
    units: Any = "relu"
    norm: str = "l2"
    sample_weights: Any = None
    c: Any = None
    s: Any = None
    gate: Any = None
    evidence: Any = None
    output_weights: str = "any"

    def __post_init__(self) -> None:
        object.__setattr__(self, "units", named(self.units))
        object.__setattr__(self, "gate", None if self.gate is None else list(self.gate))
        for field in fields(self):
            if field.name not in AS_THEY_ARE:
                object.__setattr__(self, field.name, in_floats(getattr(self, field.name)))

    @property
    def unit_name(self) -> str:
        """The name of the unit family."""
        return str(self.units["name"])

    def to_dict(self) -> dict[str, Any]:
        """The document that says so."""
        return document_of(in_lists(self))

    def save(self, path: Any, embed_data: bool = True) -> None:
        """Write the document."""
        write(document_of(in_lists(self), embed_data), path)

    def rounded_outward(self) -> Claimed:
        """The same with the exact values of network and dual vector as bracket."""
        lower, upper = bracket(checker.read(self.to_dict()))
        return replace(self, lower=lower, upper=upper)


def in_lists(claims: Claimed) -> Claimed:
    """The same with lists for arrays."""
    arrays = {k: v.tolist() for k, v in vars(claims).items() if isinstance(v, np.ndarray)}
    made = copy(claims)
    for name, value in arrays.items():
        object.__setattr__(made, name, value)
    return made


def named(units: Any) -> dict[str, Any]:
    """Units of a certificate by name, with their parameter in floats."""
    given = {"name": units} if isinstance(units, str) else units
    return {key: in_floats(value) for key, value in given.items()}


def units_as_hex(units: Any) -> dict[str, Any]:
    """The entry ``units`` of a document."""
    found: dict[str, Any] = as_hex(named(units))
    return found


def in_floats(value: Any) -> Any:
    """Numbers as a float or an array of floats; names and None as they are."""
    if value is None or isinstance(value, str):
        return value
    array = np.asarray(value, dtype=np.float64)
    return array if array.ndim else float(array)


def objective_with(
    units: Any, X: Any, y: Any, loss: str = "squared", weight_decay: float = 1.0, **options: Any
) -> Objective:
    """An objective from the arguments of `cvxnet.train`."""
    form = {name: options.pop(name) for name in ("bias", "output_bias", "skip") if name in options}
    return Objective(
        units=units,
        X=X,
        y=y,
        loss=get_loss(loss),
        weight_decay=weight_decay,
        form=Form(**form),
        **options,
    )


def samples(rng, n, d, rank):
    """Samples of that rank, but for rounding, and a dual vector with zeros and parallel rows."""
    X = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))
    X[1], X[2] = -2.0 * X[0], 0.0
    v = rng.standard_normal(n)
    v[3] = 0.0
    return X, v
