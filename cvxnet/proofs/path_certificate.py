"""A whole path of weight decays and its proof as one file.

What stands in the file and what it claims is specified in docs/certificates/path.md;
`cvxnet.proofs.checker.path` derives why it is true, and proves it.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cvxnet.objective import Objective
from cvxnet.proofs.certificate import (
    Certificate,
    certificate_of,
    claims_of,
    refusals_are_input_errors,
)
from cvxnet.proofs.checker import path as checker
from cvxnet.proofs.checker.path import Coefficients, Line, Piece
from cvxnet.proofs.documents import as_hex, write
from cvxnet.proofs.gaps import relative_gap

PAGE = "path.md"
"""Specifies files of paths."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PathCertificate:
    """Certificates at some weight decays, and what they prove of all between two ends.

    Attributes
    ----------
    certificates : tuple of Certificate
        From the largest weight decay down.
    pieces : tuple of Piece
        From the smallest weight decay up, each beginning where the one before it ends.
    """

    certificates: tuple[Certificate, ...]
    pieces: tuple[Piece, ...]

    @property
    def low(self) -> float:
        """The smallest weight decay that is covered."""
        return self.pieces[0].low

    @property
    def high(self) -> float:
        """The largest one."""
        return self.pieces[-1].high

    @cached_property
    def gap(self) -> float:
        """The relative gap that is proved for every weight decay between."""
        return max(gap_of(piece) for piece in self.pieces)

    @property
    def objective(self) -> Objective:
        """What is minimised, at the largest of the weight decays trained at."""
        return self.certificates[0].objective

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """What each certificate proves of other weight decays, exactly."""
        return lines_of(self.certificates)

    def bounds_at(
        self, network: int, coefficients: Coefficients, weight_decay: float
    ) -> tuple[float, float]:
        """The bracket of a network and a mixture of dual vectors, rounded outward."""
        return bounds_at(self.certificates, self.lines, network, coefficients, weight_decay)

    def to_dict(self, embed_data: bool = True) -> dict[str, Any]:
        """The document of the format, ready for JSON and for the checker."""
        documents = [one.to_dict(embed_data and not k) for k, one in enumerate(self.certificates)]
        return (
            {"format": checker.FORMAT, "version": checker.VERSION}
            | {name: documents[0][name] for name in checker.SHARED}
            | {
                "certificates": [{name: one[name] for name in checker.OWN} for one in documents],
                "pieces": [as_hex(piece._asdict()) for piece in self.pieces],
                "low": as_hex(self.low),
                "high": as_hex(self.high),
                "gap": as_hex(self.gap),
            }
        )

    def save(self, path: str | os.PathLike[str], embed_data: bool = True) -> None:
        """Write the file; an old file of that name is replaced in one step."""
        write(self.to_dict(embed_data), path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], data: Any = None) -> PathCertificate:
        """Read a file. Nothing is proved by that: see `cvxnet.check`."""
        claims = refusals_are_input_errors(
            checker.read_path, f"the path {os.fspath(path)!r}", path, data, page=PAGE
        )
        certificates = tuple(map(certificate_of, claims.certificates))
        return cls(certificates=certificates, pieces=tuple(claims.pieces))


def lines_of(certificates: tuple[Certificate, ...]) -> tuple[Line, ...]:
    """What each certificate proves of other weight decays, exactly."""
    return tuple(
        refusals_are_input_errors(
            checker.line_of, "a certificate of this path", claims_of(one), page=PAGE
        )
        for one in certificates
    )


def bounds_at(
    certificates: tuple[Certificate, ...],
    lines: tuple[Line, ...],
    network: int,
    coefficients: Coefficients,
    weight_decay: float,
) -> tuple[float, float]:
    """The bracket of a network and a mixture of dual vectors, rounded outward."""
    arguments = claims_of(certificates[0]), lines, network, coefficients, weight_decay
    return refusals_are_input_errors(checker.bounds_at, "this path", *arguments, page=PAGE)


def gap_of(piece: Piece) -> float:
    """The relative gap that a piece proves, rounded up; 0 where both ends of it are 0."""
    gap = max(map(relative_gap, piece.lower, piece.upper))
    while not all(
        checker.is_within(gap, *ends) for ends in zip(piece.lower, piece.upper, strict=True)
    ):
        gap = math.nextafter(max(gap, 0.0), math.inf)
    return max(gap, 0.0)
