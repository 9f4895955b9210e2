"""From numpy to what the checker holds, and from that to the document that stands in a file.

Real numbers are written exactly: as hexadecimal numbers or, where there are many, packed.
"""

from __future__ import annotations

import base64
import json
import os
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from cvxnet.data.files import replacing
from cvxnet.proofs import checker
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.packing import Table
from cvxnet.proofs.checker.sparse import Sparse
from cvxnet.types import Array

DIMENSIONS = {"W": 2, "b": 1, "a": 1, "c": 0, "s": 1, "gate": 1}
"""Of the weights with one output."""
PACKED = {np.dtype(np.float64): ("doubles", "<f8"), np.dtype(np.int64): ("integers", "<i8")}
"""What arrays are packed as."""
MANY = 500
"""Numbers of an array up to which it is written as lists, and beyond which packed."""


def as_numpy(value: Any) -> Any:
    """What the checker holds as an array of numpy; all else as it is."""
    if isinstance(value, Table):
        return np.array(value.flat).reshape(len(value), value.width)
    if isinstance(value, Sparse):
        parts = (np.array(value.values), np.array(value.columns), np.array(value.starts))
        return sparse.csr_array(parts, shape=(len(value), value.width))
    return np.array(value) if isinstance(value, array) else value


def held(value: Any) -> Any:
    """Real numbers of numpy as the checker holds them; all else as it is."""
    if sparse.issparse(value):
        value = value.tocsr()
        indices = value.indptr, value.indices
        starts, columns = (array("q", x.astype("<i8").tobytes()) for x in indices)
        return Sparse(starts, columns, array("d", value.data.tobytes()), value.shape[1])
    if not isinstance(value, np.ndarray) or value.dtype != np.float64 or not value.ndim:
        return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    flat = array("d", value.tobytes())
    return flat if value.ndim == 1 else Table(flat, value.shape[1])


def document_of(claims: Claims, embed_data: bool = True) -> dict[str, Any]:
    """The document of the format that says so."""
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
        "width": claims.width,
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
    """The same in dicts and lists, with hexadecimal strings for the real numbers.

    Where there are many in a list or an array, packed.

    >>> as_hex({"mu": 0.5, "row": 3, "tau": [1.0]})
    {'mu': '0x1.0000000000000p-1', 'row': 3, 'tau': ['0x1.0000000000000p+0']}
    >>> as_hex(np.ones((400, 2)))["shape"]
    [400, 2]
    """
    if isinstance(value, dict):
        return {key: as_hex(entry) for key, entry in value.items()}
    if isinstance(value, Sparse):
        parts = {"starts": value.starts, "columns": value.columns, "values": value.values}
        return {"shape": [len(value), value.width]} | {k: as_hex(x) for k, x in parts.items()}
    if isinstance(value, Table | array):
        value = as_numpy(value)
    if isinstance(value, np.ndarray | np.generic):
        many = value.dtype in PACKED and value.size > MANY
        return packed(np.asarray(value)) if many else as_hex(value.tolist())
    if isinstance(value, list | tuple):
        return list_as_hex(value)
    return value.hex() if isinstance(value, float) else value


def list_as_hex(value: Sequence[Any], whole: bool = True) -> Any:
    """The same of a list; ``whole``: it is no row of another, which alone is not packed."""
    if all(type(entry) is float for entry in value):
        many = whole and len(value) > MANY
        return packed(np.array(value)) if many else list(map(float.hex, value))
    lists = (list, tuple)
    return [list_as_hex(x, False) if isinstance(x, lists) else as_hex(x) for x in value]


def packed(value: Array) -> dict[str, Any]:
    """An array as its shape and the base 64 of its numbers."""
    name, kind = PACKED[value.dtype]
    content = base64.b64encode(value.astype(kind).tobytes())
    return {"shape": list(value.shape), name: content.decode()}
