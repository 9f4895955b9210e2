"""Write the test vectors of paths: python docs/certificates/make_path_vectors.py

Files in path-vectors/, with an index of what a checker has to conclude about each. The files that
are there count; tests/test_path_checker.py holds the checker against them.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

import cvxnet as cn

FOLDER = Path(__file__).parent / "path-vectors"
Document = dict[str, Any]


def trained(units: str, loss: str = "squared", **options: Any) -> Document:
    """The path of a few numbers with a few digits."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 2)).round(2), rng.normal(size=8).round(2)
    y = y if loss == "squared" else np.sign(y)
    path = cn.path(units, X, y, loss=loss, gap=0.1, smallest=0.05, **options)
    return path.certificate.to_dict() | {"cvxnet": "a test vector"}


def times(value: str, factor: float) -> str:
    """A number of the file, multiplied."""
    return (float.fromhex(value) * factor).hex()


def hole(doc: Document) -> None:
    """A piece in the middle is gone."""
    del doc["pieces"][1]


def end_moved(doc: Document) -> None:
    """The path goes further down than its pieces."""
    doc["low"] = times(doc["low"], 0.9)


def piece_longer(doc: Document) -> None:
    """The first piece, and the path with it, go further down."""
    doc["low"] = doc["pieces"][0]["low"] = times(doc["low"], 0.2)


def network_other(doc: Document) -> None:
    """The network of another piece."""
    doc["pieces"][0]["network"] = 0


def weight_other(doc: Document) -> None:
    """A network with another output weight, its certificate with the old value."""
    a = doc["certificates"][-1]["network"]["a"]
    a[0] = times(a[0], 1.5)


def coefficient_larger(doc: Document) -> None:
    """A dual vector that is too long for the weight decay."""
    pair = doc["pieces"][0]["coefficients"][1][0]
    pair[1] = times(pair[1], 1.01)


def coefficient_negative(doc: Document) -> None:
    """A coefficient below zero."""
    pair = doc["pieces"][1]["coefficients"][0][0]
    pair[1] = times(pair[1], -1.0)


def lower_raised(doc: Document) -> None:
    """A lower end above the dual value."""
    lower = doc["pieces"][1]["lower"]
    lower[0] = math.nextafter(float.fromhex(lower[0]), math.inf).hex()


def upper_lowered(doc: Document) -> None:
    """An upper end below the objective."""
    upper = doc["pieces"][1]["upper"]
    upper[1] = math.nextafter(float.fromhex(upper[1]), -math.inf).hex()


def gap_smaller(doc: Document) -> None:
    """A smaller gap than is proved."""
    doc["gap"] = times(doc["gap"], 0.9)


def dual_longer(doc: Document) -> None:
    """A dual vector that is not feasible at its own weight decay."""
    own = doc["certificates"][1]
    own["dual"] = [times(x, 1.001) for x in own["dual"]]
    own["lower"] = (0.0).hex()


def decay_larger(doc: Document) -> None:
    """A certificate that says to be about a larger weight decay."""
    own = doc["certificates"][1]
    own["weight_decay"] = times(own["weight_decay"], 1.1)


def data_other(doc: Document) -> None:
    """Another target than that of the fingerprint."""
    doc["data"]["y"][0] = times(doc["data"]["y"][0], 2.0)


def version_two(doc: Document) -> None:
    """A version that is not known."""
    doc["version"] = 2


def width_there(doc: Document) -> None:
    """An entry that paths do not have."""
    doc["width"] = 3


def no_pieces(doc: Document) -> None:
    """Nothing is claimed."""
    doc["pieces"] = []


CHANGES: tuple[Callable[[Document], None], ...] = (
    hole, end_moved, piece_longer, network_other, weight_other, coefficient_larger,
    coefficient_negative, lower_raised, upper_lowered, gap_smaller, dual_longer, decay_larger,
    data_other, version_two, width_there, no_pieces,
)  # fmt: skip


def main() -> None:
    """Write all files anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    index = []

    def keep(name: str, what: str, doc: Document, conclusion: str) -> None:
        text = json.dumps(doc, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")
        index.append({"file": f"{name}.json", "what": what, "conclusion": conclusion})

    valid = trained("relu")
    keep("relu", "ReLU, two features and a bias", valid, "proved")
    free = trained("relu", "logistic", output_bias=True)
    keep("logistic", "logistic loss, a free output bias", free, "proved")
    keep("sign", "sign units", trained("sign"), "proved")
    for change in CHANGES:
        doc = deepcopy(valid)
        change(doc)
        keep(change.__name__.replace("_", "-"), change.__doc__ or "", doc, "refused")
    (FOLDER / "index.json").write_text(json.dumps(index, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
