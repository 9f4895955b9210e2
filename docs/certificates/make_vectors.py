"""Write the test vectors of the certificate format: python docs/certificates/make_vectors.py

Files in vectors/, with an index of what a checker has to conclude about each, and the table of
vectors.md. The files that are there count: another machine may train other networks, and all that
changes then is what a test (tests/test_certificate_vectors.py) holds anew against the checker.
"""

from __future__ import annotations

import base64
import json
import math
import re
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

import cvxnet as cn
from cvxnet.proofs import checker
from cvxnet.proofs.documents import as_hex
from cvxnet.training.bounds.proof_search import Forest
from cvxnet.training.bounds.stages import run_stage

HERE = Path(__file__).parent
FOLDER, PAGE, EXAMPLE = HERE / "vectors", HERE / "vectors.md", HERE / "worked-example.md"
Document = dict[str, Any]
Edit = Callable[[Document], Any]

# ------------------------------------------------------------------------------- valid ones


def drawn(n: int, d: int, outputs: int = 1, seed: int = 0) -> tuple[Any, Any]:
    """A few numbers with a few digits."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, d)).round(2), rng.normal(size=(n, outputs)).round(2)
    return X, y if outputs > 1 else y[:, 0]


def trained(units: Any, data: Any, weight_decay: float = 0.5, **options: Any) -> Document:
    """The certificate of what training finds."""
    found = cn.train(units, *data, weight_decay=weight_decay, time_limit=20.0, **options)
    return found.certificate.to_dict() | {"cvxnet": "a test vector"}


def worked() -> Document:
    """The certificate of the worked example, as its page shows it."""
    shown = re.search(r"^```text\n(\{.*?^\})$", EXAMPLE.read_text("utf-8"), flags=re.M | re.S)
    assert shown, "the page of the worked example shows no certificate"
    return json.loads(shown[1])


def families() -> Iterator[tuple[str, str, Document]]:
    """One for each unit family, and for each way in which ReLU units are proved."""
    plane, line = drawn(8, 2), drawn(8, 1)
    yield "relu-rank-1", "ReLU, one feature, no bias", trained("relu", line, bias=False)
    yield "relu-rank-2", "ReLU, one feature and a bias", trained("relu", line)
    yield "relu-rank-3", "ReLU, two features and a bias", trained("relu", plane)
    yield "relu-rank-4", "ReLU, three features and a bias", trained("relu", drawn(8, 3))
    yield "relu-relaxation", "ReLU, rank 9", trained("relu", drawn(10, 8), 1.0)
    yield "relu-l1", "ReLU, norm l1", trained("relu", plane, norm="l1")
    slope = cn.Family("leaky_relu", slope=0.125)
    yield "leaky-relu", "leaky ReLU", trained(slope, plane)
    yield "abs", "absolute value", trained("abs", plane)
    yield "linear", "linear units", trained("linear", plane)
    yield "linear-l1", "linear units, norm l1", trained("linear", plane, norm="l1", bias=False)
    gates = cn.Family("gated_relu", gates=np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5]]))
    yield "gated-relu", "gated ReLU, two gates", trained(gates, plane)
    yield "squared-relu", "squared ReLU", trained("squared_relu", plane)
    yield "quadratic", "quadratic units", trained("quadratic", plane)
    yield "polynomial", "polynomial units", trained("polynomial", plane)
    tanh = cn.Family("tanh", radius=2.0)
    yield "tanh", "tanh units", trained(tanh, line)
    yield "sign", "sign units", trained("sign", plane)
    yield "threshold", "threshold units", trained("threshold", plane)
    yield "coordinate", "coordinates", trained("coordinate", plane, bias=False)
    X, y = drawn(8, 4)
    few = sparse.csr_array(np.where(np.abs(X) > 0.4, X, 0.0)), y
    yield "sparse", "coordinates of a sparse X", trained("coordinate", few, bias=False)
    yield "sparse-linear", "linear units, sparse X", trained("linear", few, bias=False)


def losses() -> Iterator[tuple[str, str, Document]]:
    """One for each loss."""
    X, y = drawn(8, 1)
    labels = np.where(y > 0, 1.0, -1.0)
    for name, loss in checker.LOSSES.items():
        if name == "cross_entropy":
            three = X, np.arange(8) % 3
            yield name, "cross entropy", trained("relu", three, 0.25, loss=name, bias=False)
        else:
            targets = labels if getattr(loss, "labels", False) else y
            yield name, f"{name} loss", trained("relu", (X, targets), 0.25, loss=name)


def forms() -> Iterator[tuple[str, str, Document]]:
    """Weights of samples, free parts, output weights of one sign, several outputs."""
    X, y = drawn(8, 2)
    labels, weights = np.where(y > 0, 1.0, -1.0), np.arange(1, 9) / 4
    yield "sample-weights", "weights", trained("relu", (X, y), sample_weight=weights)
    yield "output-bias", "a free output bias", trained("relu", (X, y), output_bias=True)
    free = {"output_bias": True, "skip": True}
    yield "skip", "a free output bias and skip connection", trained("relu", (X, y), **free)
    free = free | {"loss": "logistic", "sample_weight": weights}
    yield "free-logistic", "the same, logistic loss", trained("relu", (X, labels), 0.125, **free)
    for sign in ("nonneg", "nonpos"):
        yield sign, f"output weights {sign}", trained("relu", (X, y), output_weights=sign)
    yield "no-units", "a network without units", trained("relu", (X, y), weight_decay=100.0)
    two = drawn(6, 2, 2)
    yield "two-outputs", "ReLU, two outputs, rank 3", trained("relu", two)
    bias = trained("relu", two, output_bias=True)
    yield "two-outputs-bias", "the same with a free output bias", bias
    yield "tree", "a width of two units, a tree", trained("relu", (X, y), 0.25, width=2)
    line = X[:, :1], labels
    free = {"output_bias": True, "loss": "logistic", "width": 1}
    yield "tree-free", "one unit, free output bias, logistic", trained("abs", line, 0.1, **free)
    yield "tree-sign", "one sign unit", trained("sign", (X[:, :1], y), 0.1, width=1)
    both, wide = drawn(8, 4, 2), drawn(10, 8, 2)
    yield "sphere-relu", "two outputs, rank 5", trained("relu", both, 1.0, gap=0.01)
    yield "sphere-relaxation", "two outputs, rank 9", trained("relu", wide, 1.5, gap=0.1)
    small = drawn(5, 2, 2, seed=1)
    yield "sphere-quadratic", "two outputs, quadratic", trained("quadratic", small)
    yield "linear-outputs", "two outputs, linear units", trained("linear", both)


def spellings(base: Document) -> Iterator[tuple[str, str, Document]]:
    """The same claims in other words, or weaker ones."""
    wide = {"lower": hexed(0), "upper": hexed(999)}
    yield "loose", "a bracket wider than proved", base | wide
    yield "checkpoint", "with the entry seconds", base | {"seconds": hexed(1.5)}
    yield "without-gate", "a network without the entry gate", edited(base, without("network.gate"))
    zero = edited(base, rehashed(at("data.X.0.0", "-0x0.0p+0")))
    yield "minus-zero", "minus zero in X", zero
    tiny = edited(base, rehashed(at("data.X.0.0", "0x0.0000000000001p-1022")))
    yield "subnormal", "the smallest double in X", tiny | wide | {"weight_decay": hexed(6)}
    prepared = {"features": ["age"], "targets": ["price"], "classes": None, "scaling": None}
    yield "preparation", "with a preparation", base | {"preparation": prepared}
    yield "width", "with a width", base | {"width": 1}
    yield "packed", "with packed arrays", packed(base)
    yield "version-5", "version 5", base | {"version": 5}
    fourth = {name: value for name, value in base.items() if name != "width"}
    yield "version-4", "version 4", fourth | {"version": 4}
    third = {name: value for name, value in fourth.items() if name != "preparation"}
    yield "version-3", "version 3", third | {"version": 3}
    second = {name: value for name, value in third.items() if name != "output_weights"}
    yield "version-2", "version 2", second | {"version": 2}
    kept = {name: value for name, value in second.items() if name not in LATER}
    few = {name: base["network"][name] for name in ("W", "b", "a")}
    yield "version-1", "version 1", kept | {"version": 1, "units": "relu", "network": few}


def claims(base: Document, X: Any, v: Any, weight_decay: float = 5.0) -> Document:
    """That a dual vector is feasible: a network without units or bias, a bracket wide enough."""
    wide = {"lower": hexed(-999), "upper": hexed(999), "weight_decay": hexed(weight_decay)}
    none = {"W": [], "b": None, "a": [], "c": None, "s": None, "gate": None}
    data = {"X": [[hexed(x) for x in row] for row in X], "y": [hexed(1)] * len(X)}
    document = base | wide | {"bias": False, "network": none, "data": data}
    return edited(document, rehashed(at("dual", [hexed(x) for x in v])))


def in_the_plane(base: Document) -> Iterator[tuple[str, str, Document]]:
    """ReLU units without bias in two features, where a careless proof goes wrong."""

    ridge = claims(base, [[3, 4], [4, -3], [-4, 3]], [1, -0.5, -0.5])
    yield "plane-edge", "rho = weight decay on an edge, opposite rows", ridge
    twice = claims(base, [[3, 4], [3, 4], [6, 8], [0, 0]], [0.25, 0.25, 0.25, 7])
    yield "plane-twice", "rho = weight decay, parallel rows and a row of zeros", twice
    corner = claims(base, [[5, 0], [0, 5]], [1, -1])
    yield "plane-corner", "rows at a right angle, peaks on edges", corner
    valley = claims(base, [[3, 4], [4, -3], [-4, 3]], [-1, 0.5, 0.5])
    yield "plane-minus", "rho = weight decay for -g only, on an edge", valley
    zero = claims(base, [[1, 2], [2, 1]], [0, 0], 2.0**-1000)
    yield "plane-zero", "a dual vector of zeros", zero
    huge = claims(base, [[3 * 2.0**400, 2.0**402], [4, -3]], [2.0**-400, -(2.0**-500)])
    yield "plane-huge", "numbers of very different size", huge


def of_signs(base: Document) -> Iterator[tuple[str, str, Document]]:
    """Evidence by inequalities of signs: neighbours in a cycle of five would all have to differ."""
    near = np.roll(np.eye(5), 1, axis=0)
    X = np.linalg.cholesky(2.01 * np.eye(5) - near - near.T).round(2)
    v = np.array([1.0, 1.0, 1.0625, 1.0, 0.9375])
    forest, stages = Forest(X, (1.0, 1.0), v), (1e-2, 1e-2, 3e-3, 1e-3)
    for side, smoothing in product(forest.sides, stages):
        run_stage(side, smoothing, math.inf)
    evidence = as_hex(forest.evidence().document())
    document = base | {"cvxnet": "a test vector", "units": {"name": "abs"}, "evidence": evidence}
    yield "odd", "inequalities of signs, rank 5", claims(document, X, v, forest.bound())


LATER = ("norm", "sample_weights", "evidence")

# ------------------------------------------------------------------------------- changed ones


def hexed(x: float) -> str:
    """A double as the format writes it."""
    return float(x).hex()


def edited(document: Document, edit: Edit) -> Document:
    """A changed copy."""
    document = deepcopy(document)
    edit(document)
    return document


def rehashed(edit: Edit) -> Edit:
    """The same, and the fingerprint of the changed data."""

    def both(document: Document) -> None:
        edit(document)
        X, y = (scaled(1.0, float)(document["data"][name]) for name in "Xy")
        document["data_sha256"] = checker.fingerprint(X, y)

    return both


def owner_of(document: Document, path: str) -> tuple[Any, Any]:
    """Where an entry stands, and its name or place there."""
    *outer, last = (int(key) if key.isdigit() else key for key in path.split("."))
    owner: Any = document
    for key in outer:
        owner = owner[key]
    return owner, last


def at(path: str, value: Any) -> Edit:
    """Put this value, or what a function makes of the old one, at a path."""

    def edit(document: Document) -> None:
        owner, key = owner_of(document, path)
        owner[key] = value(owner[key]) if callable(value) else value

    return edit


def in_leaves(name: str, value: Any) -> Edit:
    """The same in every leaf of the evidence, a relaxation."""

    def edit(document: Document) -> None:
        nodes = [document["evidence"][side] for side in ("plus", "minus")]
        while nodes:
            node = nodes.pop()
            if "row" in node:
                nodes += [node["plus"], node["minus"]]
            else:
                at(name, value)(node)

    return edit


def without(path: str) -> Edit:
    """Remove an entry."""

    def edit(document: Document) -> None:
        owner, key = owner_of(document, path)
        del owner[key]

    return edit


def by_one_digit(direction: float) -> Callable[[str], str]:
    """The next double in that direction."""
    return lambda text: math.nextafter(float.fromhex(text), direction).hex()


def scaled(factor: float, spelled: Callable[[float], Any] = hexed) -> Callable[[Any], Any]:
    """All numbers inside times a factor."""

    def multiply(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: multiply(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [multiply(entry) for entry in value]
        return spelled(factor * float.fromhex(value)) if isinstance(value, str) else value

    return multiply


def pack(value: Any) -> Document:
    """A list of numbers, or of rows of them, packed."""
    return packed_doubles(scaled(1.0, float)(value))


def packed_doubles(value: Any) -> Document:
    """The same of doubles, which need not be finite."""
    numbers = np.array(value, "<f8")
    content = base64.b64encode(numbers.tobytes()).decode()
    return {"shape": list(numbers.shape), "doubles": content}


def packed(document: Document) -> Document:
    """The same with all lists of numbers packed."""
    for path in ("data.X", "data.y", "network.W", "network.b", "network.a", "dual"):
        document = edited(document, at(path, pack))
    return document


def changed(old: str, new: str) -> Callable[[str], str]:
    """One text in place of another."""

    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def first_bytes(count: int) -> Callable[[str], str]:
    """Only so many bytes of what base 64 says."""
    return lambda text: base64.b64encode(base64.b64decode(text)[:count]).decode()


def longer(vectors: list[str]) -> list[str]:
    """Vectors of a tree, of eight samples, times 1.01."""
    contents = map(base64.b64decode, vectors)
    read = [np.frombuffer(content, f"<f{len(content) // 8}") for content in contents]
    return [base64.b64encode((1.01 * v.astype("<f8")).tobytes()).decode() for v in read]


def twice(terms: list[Any]) -> list[Any]:
    """The first one twice more, so that a sum stays odd."""
    return [*terms, terms[0], terms[0]]


UP, DOWN = by_one_digit(math.inf), by_one_digit(-math.inf)

BROKEN: dict[str, tuple[str, Callable[[str], str]]] = {
    "truncated": ("the last line is missing", lambda text: text.rstrip()[:-1]),
    "two-documents": ("two documents one after the other", lambda text: text + text),
    "list": ("a list around the document", lambda text: f"[{text}]"),
    "byte-order-mark": ("a byte order mark", lambda text: "\ufeff" + text),
    "repeated": (
        "an entry twice, the same both times",
        lambda text: text.replace('"bias": true', '"bias": true,\n"bias": true'),
    ),
    "repeated-inside": (
        "an entry of the network twice",
        lambda text: text.replace('"c": null', '"c": null, "c": null'),
    ),
    "version-real": (
        "a version with a point",
        lambda text: text.replace('"version": 6', '"version": 6.0'),
    ),
    "latin": ("a byte that is not UTF-8", lambda text: text.replace("by hand", "by h\udce4nd")),
    "not-a-number": (
        "a JSON number that is none",
        lambda text: text.replace('"version": 6', '"version": NaN'),
    ),
}
"""Changes of the text of the worked example."""

OF_EXAMPLE: list[tuple[str, str, str, Edit]] = [
    ("format", "format", "another format", at("format", "certificate")),
    ("version-0", "format", "version 0", at("version", 0)),
    ("version-7", "format", "version 7", at("version", 7)),
    ("version-text", "format", "the version as text", at("version", "6")),
    ("version-true", "format", "the version true", at("version", True)),
    ("version-old", "format", "version 3 with the entry preparation", at("version", 3)),
    ("width-zero", "format", "width 0", at("width", 0)),
    ("width-real", "format", "a real number as the width", at("width", hexed(1))),
    ("missing", "format", "no entry evidence", without("evidence")),
    ("unknown", "format", "an entry that there is not", at("comment", "")),
    ("network-unknown", "format", "an entry too many in the network", at("network.d", None)),
    ("network-missing", "format", "no c in the network", without("network.c")),
    ("units-text", "format", "units by name only", at("units", "relu")),
    ("units-name", "format", "unknown units", at("units.name", "softplus")),
    ("units-slope", "format", "a slope of ReLU units", at("units.slope", hexed(0))),
    ("loss-name", "format", "an unknown loss", at("loss", "cubic")),
    ("norm-name", "format", "an unknown norm", at("norm", "linf")),
    ("signs-name", "format", "unknown output weights", at("output_weights", "positive")),
    ("bias-number", "format", "bias 1", at("bias", 1)),
    ("bias-false", "format", "a b without bias", at("bias", False)),
    ("gate", "format", "a gate of ReLU units", at("network.gate", [0])),
    ("decimal", "format", "a JSON number for a real one", at("lower", 130.5)),
    ("decimal-text", "format", "a decimal number as text", at("lower", "130.5")),
    ("hex-short", "format", "digits left out", at("lower", "0x1.05p+7")),
    ("hex-capital", "format", "capital letters", at("lower", "0X1.0500000000000P+7")),
    ("hex-scaled", "format", "another power of two", at("lower", "0x2.0a00000000000p+6")),
    ("hex-plus", "format", "a plus sign", at("lower", "+0x1.0500000000000p+7")),
    ("hex-space", "format", "a space", at("lower", " 0x1.0500000000000p+7")),
    ("infinite", "format", "an infinite number", at("upper", "inf")),
    ("nan", "format", "not a number", at("upper", "nan")),
    ("overflow", "format", "too large for a double", at("upper", "0x1.0000000000000p+1024")),
    ("X-empty", "format", "no samples", at("data", {"X": [], "y": []})),
    ("X-ragged", "format", "a row of X too long", at("data.X.1", ["0x0.0p+0"] * 2)),
    ("y-short", "format", "a target too few", without("data.y.2")),
    ("y-rows", "format", "targets as rows", at("data.y", lambda y: [[x] for x in y])),
    ("dual-short", "format", "a dual vector too short", without("dual.0")),
    ("dual-rows", "format", "a dual vector of rows", at("dual", lambda v: [[x] for x in v])),
    ("W-ragged", "format", "a weight too many", at("network.W.0", ["0x0.0p+0"] * 2)),
    ("a-long", "format", "an output weight too many", at("network.a", ["0x0.0p+0"] * 2)),
    ("decay-zero", "format", "weight decay 0", at("weight_decay", hexed(0))),
    ("decay-negative", "format", "weight decay below 0", at("weight_decay", hexed(-5))),
    ("sample-zero", "format", "a weight 0", at("sample_weights", [hexed(x) for x in (1, 1, 0)])),
    ("labels", "format", "targets that are no labels", at("loss", "hinge")),
    ("sign-of-a", "format", "an output weight of the wrong sign", at("output_weights", "nonpos")),
    ("evidence-kind", "format", "unknown evidence", at("evidence", {"kind": "trust me"})),
    ("fingerprint", "data", "another fingerprint", at("data_sha256", "0" * 64)),
    ("fingerprint-capital", "data", "the fingerprint in capitals", at("data_sha256", str.upper)),
    ("X-changed", "data", "a number of X by its last digit", at("data.X.1.0", UP)),
    ("y-changed", "data", "a target by its last digit", at("data.y.0", DOWN)),
    ("minus-zero-changed", "data", "0 in X as minus 0", at("data.X.0.0", "-0x0.0p+0")),
    ("upper", "upper", "the upper end by its last digit", at("upper", DOWN)),
    ("a-sign", "upper", "the sign of an output weight", at("network.a.0", hexed(-5))),
    ("W-changed", "upper", "a hidden weight by its last digit", at("network.W.0.0", UP)),
    ("c-there", "lower", "a free output bias, which moves v", at("network.c", hexed(0))),
    ("lower", "lower", "the lower end by its last digit", at("lower", UP)),
    ("dual-shorter", "lower", "the dual vector by its last digit", at("dual.1", UP)),
    ("dual-longer", "infeasible", "the same, the other way", at("dual.1", DOWN)),
    ("dual-sign", "lower", "the sign of a number of v", at("dual.2", hexed(-1))),
    ("decay-smaller", "infeasible", "weight decay by its last digit", at("weight_decay", DOWN)),
]
"""Name, reason, what it is and edit."""

OF_PACKED: list[tuple[str, str, str, Edit]] = [
    ("packed-old", "format", "version 5", at("version", 5)),
    ("packed-shape", "format", "a shape of fewer numbers", at("dual.shape", [2])),
    ("packed-flat", "format", "X of the shape [3]", at("data.X.shape", [3])),
    ("packed-real", "format", "a real number in a shape", at("dual.shape", [3.0])),
    ("packed-below", "format", "a shape below 0", at("data.X.shape", [-3, -1])),
    ("packed-short", "format", "a number too few", at("dual.doubles", first_bytes(16))),
    ("packed-byte", "format", "a byte too few", at("dual.doubles", first_bytes(23))),
    (
        "packed-spare",
        "format",
        "base 64 spelled otherwise",
        at("network.W.doubles", changed("A=", "B=")),
    ),
    (
        "packed-line",
        "format",
        "a line feed in base 64",
        at("dual.doubles", changed("AIwA", "AI\nwA")),
    ),
    ("packed-other", "format", "another alphabet", at("dual.doubles", changed("/", "_"))),
    (
        "packed-padding",
        "format",
        "base 64 without padding",
        at("network.W.doubles", changed("=", "")),
    ),
    ("packed-nan", "format", "not a number", at("dual", packed_doubles([math.nan, -3.0, 1.0]))),
    (
        "packed-infinite",
        "format",
        "an infinite number",
        at("dual", packed_doubles([-1, math.inf, 1])),
    ),
    ("packed-entry", "format", "an entry too many", at("dual.order", "C")),
    (
        "packed-integers",
        "format",
        "integers for real numbers",
        at("dual", lambda x: {"shape": [3], "integers": x["doubles"]}),
    ),
    ("packed-number", "format", "a number packed", at("upper", lambda x: pack([x]))),
    ("packed-row", "format", "a row packed", at("data.X", [pack([hexed(0)])] * 3)),
    ("packed-text", "format", "no text", at("dual.doubles", 0)),
    (
        "packed-longer",
        "infeasible",
        "a longer dual vector",
        at("dual", packed_doubles([-1.0, -3.0 - 2**-50, 1.0])),
    ),
]
"""The same of the one with packed arrays."""

LESS = at("weight_decay", DOWN)
LEANING = [[0, 0, hexed(1)]]
BELOW = hexed(-1)
PREPARATION = {
    "features": ["age"],
    "targets": ["price"],
    "classes": None,
    "scaling": {"mean": [hexed(1)], "variance": [hexed(0)]},
}
OF_OTHERS: dict[str, list[tuple[str, str, str, Edit]]] = {
    "huber": [("huber-outside", "domain", "a number of v above 1", at("dual.0", hexed(1.5)))],
    "logistic": [("logistic-outside", "domain", "v outside its domain", at("dual", scaled(64.0)))],
    "skip": [
        ("skip-away", "upper", "another skip connection", at("network.s.0", hexed(9))),
        ("skip-gone", "upper", "no skip connection", at("network.s", None)),
    ],
    "cross_entropy": [
        ("class-twice", "format", "a sample of two classes", rehashed(at("data.y.0.1", hexed(1)))),
        ("class-none", "format", "a sample of no class", rehashed(at("data.y.0.0", hexed(0)))),
        ("class-number", "format", "classes as numbers", at("data.y", [hexed(0)] * 8)),
    ],
    "coordinate": [
        ("coordinate-half", "format", "half a coordinate", at("network.W", scaled(0.5))),
        ("coordinate-longer", "infeasible", "a longer v", at("dual", scaled(1.01))),
    ],
    "sparse": [
        ("sparse-starts", "format", "starts that fall", at("data.X.starts.1", 9)),
        ("sparse-repeated", "format", "a column twice in a row", at("data.X.columns.2", 0)),
        ("sparse-outside", "format", "a column too far right", at("data.X.columns.3", 4)),
        ("sparse-short", "format", "a value too few", without("data.X.values.0")),
        ("sparse-dense", "format", "a shape of another width", at("data.X.shape.1", 5)),
        ("sparse-old", "format", "version 5", at("version", 5)),
        ("sparse-value", "data", "another value", at("data.X.values.0", hexed(9))),
        ("sparse-longer", "infeasible", "a longer v", at("dual", scaled(1.01))),
    ],
    "gated-relu": [
        ("gate-outside", "format", "no such gate", at("network.gate.0", 2)),
        ("gate-text", "format", "a gate as text", at("network.gate.0", hexed(0))),
        ("gate-longer", "infeasible", "a longer v", at("dual", scaled(1.01))),
    ],
    "tanh": [("tanh-radius", "format", "a unit too long", at("units.radius", hexed(0.125)))],
    "polynomial": [("unit-zero", "format", "a unit without weights", at("network", scaled(0.0)))],
    "two-outputs": [
        ("outputs-ragged", "format", "a row of v too short", without("dual.0.0")),
        ("outputs-longer", "infeasible", "a longer v", at("dual", scaled(1.01))),
    ],
    "relu-rank-3": [
        ("width-smaller", "format", "fewer units than the network has", at("width", 1)),
        ("rank-3-longer", "infeasible", "a longer v", at("dual", scaled(1.01))),
    ],
    "relu-rank-4": [("rank-4-longer", "infeasible", "a longer v", at("dual", scaled(1.01)))],
    "relu-l1": [("l1-as-l2", "infeasible", "the norm l2", at("norm", "l2"))],
    "sign": [("sign-longer", "infeasible", "a longer v", at("dual", scaled(1.01)))],
    "quadratic": [("quadratic-longer", "infeasible", "a longer v", at("dual", scaled(1.01)))],
    "nonneg": [("nonneg-as-any", "infeasible", "both signs", at("output_weights", "any"))],
    "relu-relaxation": [
        ("relaxation-none", "unproved", "no evidence", at("evidence", None)),
        ("relaxation-side", "unproved", "no tree for -g", at("evidence.minus", None)),
        ("relaxation-longer", "unproved", "a longer v", at("dual", scaled(1.01))),
        ("relaxation-trees", "format", "no trees", at("evidence", {"kind": "relaxation"})),
        (
            "tilt-short",
            "format",
            "leaves with a tilt too short",
            in_leaves("tilt", lambda t: t[1:]),
        ),
        ("lean-pair", "format", "leaves that lean without a number", in_leaves("lean", [[0, 1]])),
        ("lean-self", "unproved", "a row that leans on itself", in_leaves("lean", LEANING)),
        ("mu-negative", "unproved", "leaves with mu below 0", in_leaves("mu", hexed(-1))),
        ("mu-zero", "unproved", "leaves with mu 0", in_leaves("mu", hexed(0))),
        ("tau-zero", "unproved", "leaves with tau 0", in_leaves("tau", scaled(0.0))),
    ],
    "odd": [
        ("odd-old", "format", "version 5", at("version", 5)),
        ("odd-none", "unproved", "no inequalities", without("evidence.plus.odd")),
        ("odd-share", "format", "one without a multiplier", without("evidence.plus.odd.0.2")),
        ("odd-real", "format", "a real weight", at("evidence.plus.odd.0.1.0.1", hexed(1))),
        ("odd-outside", "format", "no such row", at("evidence.plus.odd.0.1.0.0", 5)),
        ("odd-even", "unproved", "an even sum", at("evidence.plus.odd.0.0", lambda e: e + 1)),
        ("odd-twice", "unproved", "a row twice", at("evidence.plus.odd.0.1", twice)),
        ("odd-negative", "unproved", "a multiplier below 0", at("evidence.plus.odd.0.2", BELOW)),
    ],
    "tree": [
        ("tree-short", "format", "a node too few", without("evidence.nodes.22")),
        ("tree-more", "format", "a node too many", at("evidence.nodes", lambda nodes: [*nodes, 1])),
        ("tree-width", "format", "a larger width, with more children", at("width", 3)),
        ("tree-every", "format", "no width", at("width", None)),
        ("tree-index", "format", "a list cut at its end", at("evidence.nodes.2.1", 8)),
        ("tree-edge", "format", "an edge cut at its end", at("evidence.nodes.16.3", 0)),
        ("tree-rows", "format", "a row twice", at("evidence.rows", [0, 1, 1])),
        ("tree-vector", "format", "half a vector", at("evidence.vectors.0", "AACAPw==")),
        ("tree-lower", "lower", "the lower end by its last digit", at("lower", UP)),
        ("tree-longer", "infeasible", "longer vectors", at("evidence.vectors", longer)),
    ],
    "sphere-relu": [
        ("sphere-none", "unproved", "no evidence", at("evidence", None)),
        ("sphere-bounds", "unproved", "bounds too low", at("evidence.bounds", scaled(0.5))),
        ("sphere-basis", "unproved", "a basis of zeros", at("evidence.basis", scaled(0.0))),
        ("sphere-uncut", "unproved", "no cones", at("evidence.cones", None)),
        ("sphere-cones", "format", "a cone missing", without("evidence.cones.0")),
    ],
    **{
        name: [(f"{name}-less", "infeasible", "weight decay by its last digit", LESS)]
        for name in ("plane-edge", "plane-twice", "plane-corner", "plane-minus", "plane-huge")
    },
    "relu-rank-2": [
        ("apart-none", "data", "data kept apart, and not supplied", at("data", None)),
        ("preparation-variance", "format", "variance 0", at("preparation", PREPARATION)),
    ],
    "preparation": [
        ("targets-two", "format", "two targets", at("preparation.targets", ["price", "rent"])),
        ("features-none", "format", "no features", at("preparation.features", [])),
    ],
}
"""The same by the vector that is changed."""

# ------------------------------------------------------------------------------- the files


def valid() -> Iterator[tuple[str, str, Document]]:
    """All that hold by themselves."""
    example = worked()
    yield "worked-example", "the worked example", example
    yield from families()
    yield from losses()
    yield from forms()
    yield from spellings(example)
    yield from in_the_plane(example)
    yield from of_signs(example)


def write_vectors() -> list[dict[str, Any]]:
    """All files but the index; returns that."""
    index, documents = [], {}
    for name, what, document in valid():
        documents[name] = document
        index.append(written(name, what, text_of(document)))
    index += kept_apart(documents)
    for name, (what, change) in BROKEN.items():
        text = change(text_of(documents["worked-example"]))
        index.append(written(name, what, text, reason="format"))
    edited_ones = {"worked-example": OF_EXAMPLE, "packed": OF_PACKED, **OF_OTHERS}
    for base, edits in edited_ones.items():
        for name, reason, what, edit in edits:
            text = text_of(edited(documents[base], edit))
            index.append(written(name, f"{base}: {what}", text, reason))
    return index


def kept_apart(documents: dict[str, Document]) -> Iterator[dict[str, Any]]:
    """With a table of the data."""
    document = documents["relu-rank-3"]
    X, y = (scaled(1.0, float)(document["data"][name]) for name in "Xy")
    table = "\n".join(",".join(map(repr, [*row, target])) for row, target in zip(X, y, strict=True))
    (FOLDER / "table.csv").write_text(table + "\n", encoding="utf-8")
    (FOLDER / "named.csv").write_text("age,height,price\n" + table, encoding="utf-8")
    text = text_of(document | {"data": None})
    yield written("apart", "data kept apart, in a table", text, data="table.csv")
    yield written("apart-named", "the same, with a line of names", text, data="named.csv")
    (FOLDER / "other.csv").write_text("1" + table + "\n", encoding="utf-8")
    yield written("apart-other", "a table with a digit too many", text, "data", data="other.csv")


def text_of(document: Document) -> str:
    """An entry a line, as cvxnet writes it."""
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def written(
    name: str, what: str, text: str, reason: str = "", data: str | None = None
) -> dict[str, Any]:
    """Write a vector; its row of the index. Without a reason, it holds."""
    path = FOLDER / f"{name}.json"
    assert not path.exists(), f"{name} is there twice"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = checker.check(path, data and FOLDER / data)
    assert result.valid == (not reason), f"{name}: {result.reason}"
    row = {"file": path.name, "what": what} | ({"data": data} if data else {})
    if reason:
        return row | {"conclusion": "refused", "reason": reason}
    assert result.lower is not None and result.upper is not None
    ends = {"lower": hexed(result.lower), "upper": hexed(result.upper)}
    return row | {"conclusion": "proved"} | ends


def table_of(index: list[dict[str, Any]]) -> str:
    """The index as tables for the page."""
    parts = []
    for conclusion, column in (("proved", "lower, upper"), ("refused", "reason")):
        lines = [f"| file | what it is | {column} |", "|---|---|---|"]
        for row in index:
            if row["conclusion"] == conclusion:
                ends = [
                    f"{float.fromhex(row[end]):.8g}" for end in ("lower", "upper") if end in row
                ]
                with_table = f", with {download(row['data'])}" if "data" in row else ""
                last = row.get("reason") or ", ".join(ends)
                lines.append(f"| {download(row['file'])} | {row['what']}{with_table} | {last} |")
        parts.append(f"## {conclusion.capitalize()}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def download(name: str) -> str:
    """A link to a file that the site carries along."""
    return f"{{download}}`{name} <vectors/{name}>`"


def page_with(table: str) -> str:
    """The page, with this between its marks."""
    begin, end = "<!-- vectors: written by make_vectors.py -->", "<!-- end -->"
    head, _, rest = PAGE.read_text("utf-8").partition(begin)
    return f"{head}{begin}\n\n{table}\n\n{end}{rest.partition(end)[2]}"


def main() -> None:
    """All files."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    index = write_vectors()
    lines = ",\n".join(map(json.dumps, index))
    (FOLDER / "index.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    PAGE.write_text(page_with(table_of(index)), encoding="utf-8")


if __name__ == "__main__":
    main()
