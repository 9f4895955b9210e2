"""A verdict's evidence as a document that travels: the claims, each with its proof."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from cvxnet.data.files import replacing
from cvxnet.proofs.checker.convexity import FORMAT


@dataclass(frozen=True, repr=False)
class ConvexityCertificate:
    """What a verdict proves, for ``cvxnet.check``, which needs neither CVXPY nor a solver.

    Attributes
    ----------
    document : mapping
        The certificate as JSON types.
    """

    document: Mapping[str, Any]

    @property
    def claims(self) -> tuple[str, ...]:
        """What is claimed: "convex", "not concave", ..."""
        return tuple(claim["says"] for claim in self.document["claims"])

    def to_dict(self) -> dict[str, Any]:
        """A copy of the document."""
        return deepcopy(dict(self.document))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the document to a file.

        Raises
        ------
        InputError
            Where the file cannot be written.
        """
        with replacing(path) as draft:
            draft.write_text(json.dumps(self.to_dict()) + "\n", encoding="utf-8")

    def __repr__(self) -> str:
        return f"<ConvexityCertificate: {', '.join(self.claims)}>"


def make_certificate(about: str, claims: Iterable[Mapping[str, Any]]) -> ConvexityCertificate:
    """The certificate of these claims."""
    return ConvexityCertificate(
        {"format": FORMAT, "version": 1, "about": about, "claims": list(claims)}
    )
