"""What a certificate carries of a tree: its nodes, and the dual vectors of its leaves."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from cvxnet.types import Array


@dataclass(frozen=True)
class TreeEvidence:
    """A tree in preorder, and the vectors that its leaves have.

    Attributes
    ----------
    rows : list of int
        The samples whose products with units are the coordinates of corners; or all, in the order
        in which columns are compared.
    vectors : (k, n) array
        Different ones.
    nodes : list
        Of a leaf, the number of its vector; from 1 on, as 0 is the certificate's own. Of another
        node, which of its regions is cut, and where.

    Examples
    --------
    >>> TreeEvidence([0], np.array([[1.0, 0.1]]), [1, 1]).document()
    {'kind': 'tree', 'rows': [0], 'vectors': ['AAAAAAAA8D+amZmZmZm5Pw=='], 'nodes': [1, 1]}
    """

    rows: list[int]
    vectors: Array
    nodes: list[Any]

    speaks_of_samples: ClassVar[bool] = True
    """Its vectors have a number for each."""

    @property
    def numbers(self) -> int:
        """How many numbers its document has."""
        return int(self.vectors.size) + len(self.nodes)

    def times(self, v: float, x: float = 1.0) -> TreeEvidence:
        """For dual vectors that are ``v`` times the ones here; cones are the same."""
        return replace(self, vectors=v * self.vectors)

    def spread(self, first: NDArray[np.intp], spread: Callable[[Array], Array]) -> TreeEvidence:
        """For all samples, from different ones: where these are ``first``, and how v is spread."""
        rows = first[self.rows].tolist()
        return TreeEvidence(rows, np.array([spread(v) for v in self.vectors]), self.nodes)

    def document(self) -> dict[str, Any]:
        """As a certificate carries it."""
        return {
            "kind": "tree",
            "rows": self.rows,
            "vectors": list(map(as_text, self.vectors)),
            "nodes": self.nodes,
        }


def as_text(v: Array) -> str:
    """The numbers in base 64, in four bytes each where that is what they are, else in eight."""
    short = v.astype("<f4")
    content = short if (short == v).all() else v.astype("<f8")
    return base64.b64encode(content.tobytes()).decode()
