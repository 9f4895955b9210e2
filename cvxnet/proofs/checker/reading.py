"""From a document to the claims in it, entry by entry.

The format: docs/certificates/format.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .claims import Claims, exact_rows
from .document import (
    Path,
    RefusalError,
    embedded,
    fingerprint,
    length,
    members,
    parse,
    read_text,
    supplied,
)
from .evidence import read_evidence
from .families import UNITS, units_of
from .losses import LOSSES
from .packing import Table, extent, has_entry, integers, numbers, optional, packs, table_of
from .sparse import Sparse, read_sparse

FORMAT, VERSION = "cvxnet-certificate", 6
ENTRIES_1 = {"format", "version", "cvxnet", "units", "loss", "weight_decay", "bias"}
ENTRIES_1 |= {"data_sha256", "data", "network", "dual", "lower", "upper"}
ENTRIES_2 = ENTRIES_1 | {"norm", "sample_weights", "evidence"}
ENTRIES_3 = ENTRIES_2 | {"output_weights"}
ENTRIES_4 = ENTRIES_3 | {"preparation"}
ENTRIES_5 = ENTRIES_4 | {"width"}
ENTRIES = [ENTRIES_1, ENTRIES_2, ENTRIES_3, ENTRIES_4, ENTRIES_5, ENTRIES_5]  # by version
PACKED = 6  # the first version with packed arrays
OPTIONAL = {"seconds"}  # which nothing is proved about
SIGNS = ("any", "nonneg", "nonpos")
Data = tuple[Table | Sparse, Any]  # X and y


def read(source: Path | dict[str, Any], data: Any = None) -> Claims:
    """The claims of a certificate: a file, or the document in it. `check` explains ``data``."""
    # Data first: junk in one file is gone before the other is opened.
    found = None if data is None else read_data(*supplied(data))
    doc = source if isinstance(source, dict) else parse(read_text(source))
    return read_document(doc, found)


def read_document(doc: dict[str, Any], found: Data | None, own: Data | None = None) -> Claims:
    """The claims in a document, about data that were supplied, or its own, where these are read."""
    doc = header_checked(doc)
    X, y = found or own or read_data(*embedded(doc["data"]))
    n, outputs = len(X), outputs_of(doc)
    v = numbers(doc["dual"], "dual", n, *outputs)
    X, y = separated(X, y, doc["loss"], outputs) if found else (X, y)
    check_outputs(y, outputs)
    d = X.width
    claims = Claims(
        cvxnet=doc["cvxnet"],
        units=read_units(doc["units"], d + doc["bias"]),
        norm=doc["norm"],
        loss=doc["loss"],
        sample_weights=optional(doc["sample_weights"], "sample_weights", n),
        weight_decay=numbers(doc["weight_decay"], "weight_decay"),
        bias=doc["bias"],
        X=X,
        y=y,
        **read_network(doc["network"], d, outputs),
        v=v,
        output_weights=doc["output_weights"],
        width=read_width(doc["width"]),
        evidence=read_evidence(doc["evidence"], n, outputs[0] if outputs else 1),
        preparation=read_preparation(doc["preparation"], d, outputs),
        lower=numbers(doc["lower"], "lower"),
        upper=numbers(doc["upper"], "upper"),
    )
    check_fingerprint(claims, doc["data_sha256"])
    loss = LOSSES[claims.loss]
    if not all(map(loss.allows, exact_rows(claims.y))):
        raise RefusalError(f"the targets of the {claims.loss} loss must be {loss.targets}")
    if claims.weight_decay <= 0.0 or min(claims.sample_weights or [1.0]) <= 0.0:
        raise RefusalError("weight_decay must be above 0, and so must all sample_weights")
    units_of(claims).check()
    return claims


def check_fingerprint(claims: Claims, expected: Any) -> None:
    """Refuse other data than those that the certificate is about."""
    if fingerprint(claims.X, claims.y) == expected:
        return
    prepared = claims.preparation is not None and claims.preparation["scaling"] is not None
    how = "; it is about standardised columns, see its preparation" if prepared else ""
    raise RefusalError(
        f"these are not the data that the certificate is about: SHA-256 differs{how}"
    )


def read_data(X: Any, y: Any) -> Data:
    """A matrix that is not empty, and targets for each of its rows; or None, if they are in X."""
    n, d, *_ = *extent(X, "X"), 0
    if n * d == 0:
        raise RefusalError("X is empty")
    return matrix(X, "X", n, d), optional(y, "y", n, *row_shape(y, "y"))


def matrix(value: Any, what: str, n: int, d: int) -> Table | Sparse:
    """A matrix of that shape, dense or sparse."""
    sparse = isinstance(value, dict) and "starts" in value
    return read_sparse(value, what, n, d) if sparse else numbers(value, what, n, d)


def row_shape(value: Any, what: str) -> list[int]:
    """The shape of what an array has for each sample: of a number, or of a list."""
    return extent([] if value is None else value, what)[1:2]


def outputs_of(doc: dict[str, Any]) -> list[int]:
    """The shape of a prediction, as the dual vector has it: of a number, or of c of them."""
    outputs = row_shape(doc["dual"], "dual")
    if outputs and (outputs[0] < 2 or doc["version"] < 3):
        raise RefusalError("dual: rows of two numbers or more, from version 3 on, or numbers")
    return outputs


def check_outputs(y: Any, outputs: list[int]) -> None:
    """Refuse targets of another shape than predictions have."""
    if shape_held(y) != outputs:
        raise RefusalError("y and the dual vector differ in the number of outputs")


def shape_held(y: Any) -> list[int]:
    """The shape of the target of a sample."""
    return [y.width] if isinstance(y, Table) else []


def separated(X: Any, y: Any, loss: str, outputs: list[int]) -> tuple[Any, Any]:
    """Data supplied, as the file would have them; y is None where targets are in X."""
    labelled = bool(outputs) and loss == "cross_entropy"
    if y is None and isinstance(X, Sparse):
        raise RefusalError("a sparse X needs targets beside it")
    if y is None:
        X, y = split_off(X, [] if labelled else outputs)
    elif shape_held(y) == [1]:
        y = y.flat
    if labelled and not shape_held(y):
        y = one_hot(y, outputs[0])
    return X, y


def split_off(table: Table, shape: list[int]) -> tuple[Table, Any]:
    """The other columns, and the last ones: one, or as many as the shape says."""
    count = shape[0] if shape else 1
    if table.width <= count:
        raise RefusalError("the data supplied have no column beside the targets")
    X, y = table_of(row[:-count] for row in table), table_of(row[-count:] for row in table)
    return X, y if shape else y.flat


def one_hot(labels: Sequence[float], classes: int) -> Table:
    """A row for each label: a one at its place in their order, else 0."""
    order = sorted(set(labels))
    if len(order) != classes:
        raise RefusalError(f"there are {len(order)} labels, but {classes} classes")
    return table_of([float(label == other) for other in order] for label in labels)


def header_checked(doc: dict[str, Any]) -> dict[str, Any]:
    """The document as version 6; format, version and names must be ones that are known here."""
    if doc.get("format") != FORMAT:
        raise RefusalError(f"not a certificate: its format is not {FORMAT!r}")
    doc = as_newest(doc, doc.get("version"))
    if not isinstance(doc["loss"], str) or doc["loss"] not in LOSSES:
        raise RefusalError(f"the loss must be one of {', '.join(LOSSES)}")
    if doc["norm"] not in ("l2", "l1"):
        raise RefusalError("the norm must be l2 or l1")
    if doc["output_weights"] not in SIGNS:
        raise RefusalError(f"output_weights must be one of {', '.join(SIGNS)}")
    check_type(doc["bias"], bool, "bias must be true or false")
    check_type(doc["cvxnet"], str, "cvxnet must be a version string")
    optional(doc.get("seconds"), "seconds")
    return doc


def as_newest(doc: dict[str, Any], version: Any) -> dict[str, Any]:
    """The same as a document of version 6."""
    if type(version) is not int or not 1 <= version <= VERSION:
        raise RefusalError(f"this checker reads versions 1 to {VERSION} of the format only")
    if difference := sorted(map(repr, (set(doc) - OPTIONAL) ^ ENTRIES[version - 1])):
        raise RefusalError(f"missing or unknown entries: {', '.join(difference)[:200]}")
    if version < PACKED:
        refuse_new_entries(doc)
    doc = doc if version > 1 else from_version_1(doc)
    doc = doc if version > 2 else doc | {"output_weights": "any"}
    doc = doc if version > 3 else doc | {"preparation": None}
    return doc if version > 4 else doc | {"width": None}


def check_type(value: Any, expected: type, text: str) -> None:
    """Refuse a value of another type."""
    if not isinstance(value, expected):
        raise RefusalError(text)


def refuse_new_entries(doc: dict[str, Any]) -> None:
    """Refuse what is there from version PACKED on."""
    if packs(doc):
        raise RefusalError(f"packed arrays are there from version {PACKED} of the format on")
    if has_entry(doc.get("evidence"), "odd"):
        raise RefusalError(f"evidence: odd is there from version {PACKED} of the format on")


def from_version_1(doc: dict[str, Any]) -> dict[str, Any]:
    """The same as a document of version 2."""
    if doc["units"] != "relu" or doc["loss"] not in ("squared", "logistic"):
        raise RefusalError("version 1 has the units relu, the losses squared and logistic only")
    W, b, a = members(doc["network"], "W", "b", "a")
    doc = doc | {"network": {"W": W, "b": b, "a": a, "c": None, "s": None}, "norm": "l2"}
    return doc | {"units": {"name": "relu"}, "sample_weights": None, "evidence": None}


def read_width(value: Any) -> int | None:
    """How many units networks may have; None where they may have any number."""
    if value is None or (type(value) is int and value > 0):
        return value
    raise RefusalError("the width must be null or a whole number above 0")


def read_units(value: Any, columns: int) -> dict[str, Any]:
    """Name and, if the family has one, parameter."""
    name = value.get("name") if isinstance(value, dict) else None
    if not isinstance(name, str) or name not in UNITS:
        raise RefusalError(f"the name of the units must be one of {', '.join(UNITS)}")
    key, shape = UNITS[name].parameter, UNITS[name].shape
    members(value, "name", *([key] if key else []))
    if shape is None:
        shape = extent(value[key], key)[0], columns
    return {"name": name} | ({key: numbers(value[key], key, *shape)} if key else {})


def read_network(value: Any, d: int, outputs: list[int]) -> dict[str, Any]:
    """The weights of the network; ``gate`` may be left out."""
    value = {"gate": None} | value if isinstance(value, dict) else value
    W, b, a, c, s, gate = members(value, "W", "b", "a", "c", "s", "gate")
    width = extent(a, "a")[0]
    return {
        "W": matrix(W, "W", width, d),
        "b": optional(b, "b", width),
        "a": numbers(a, "a", width, *outputs),
        "c": optional(c, "c", *outputs),
        "s": optional(s, "s", d, *outputs),
        "gate": None if gate is None else integers(gate, "gate", width).tolist(),
    }


def read_preparation(value: Any, d: int, outputs: list[int]) -> dict[str, Any] | None:
    """How a table became X and y: well-formed, and of the right lengths. Nothing else is proved."""
    if value is None:
        return None
    features, targets, classes, scaling = members(
        value, "features", "targets", "classes", "scaling"
    )
    labelled = classes is not None
    read_labels(features, "features", d, str)
    read_labels(targets, "targets", 1 if labelled or not outputs else outputs[0], str)
    if labelled:
        read_labels(classes, "classes", outputs[0] if outputs else 2, str, int)
    if scaling is not None:
        mean, variance = members(scaling, "mean", "variance")
        scaling = {
            "mean": numbers(mean, "mean", d).tolist(),
            "variance": numbers(variance, "variance", d).tolist(),
        }
        if min(scaling["variance"]) <= 0.0:
            raise RefusalError("a variance must be above 0")
    return {
        "features": features,
        "targets": targets,
        "classes": classes,
        "scaling": scaling,
    }


def read_labels(value: Any, what: str, count: int, *types: type) -> None:
    """Refuse what is no list of so many different labels."""
    if length(value, what) != count or any(type(label) not in types for label in value):
        kinds = " or ".join("text" if kind is str else "whole numbers" for kind in types)
        raise RefusalError(f"{what} must be {count} of {kinds}")
    if len(set(value)) < count:
        raise RefusalError(f"one of the {what} is named twice")
