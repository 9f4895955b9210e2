"""Certificates as text: checked, and forged so that the checker has something to refuse.

It needs the checker and the standard library only, since in the page of proofs it runs inside the
browser, with nothing else of cvxnet around it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from cvxnet.proofs import checker
from cvxnet.proofs.checker.document import RefusalError, as_hex, fingerprint, parse
from cvxnet.proofs.checker.packing import numbers

Document = dict[str, Any]


def check(text: str, time_limit: float = checker.TIME_LIMIT) -> dict[str, Any]:
    """What `cvxnet.check` says of the certificate with this text, and how long it took.

    Examples
    --------
    >>> check("{}")["reason"]
    "not a certificate: its format is not 'cvxnet-certificate'"
    >>> check('{"format": 1, "format": 2}')["reason"]
    'not a complete JSON document: an entry occurs twice'
    """
    begin = time.perf_counter()
    try:
        result = checker.check(parse(text), time_limit=time_limit)
    except RefusalError as refusal:
        result = checker.CheckResult(valid=False, lower=None, upper=None, reason=str(refusal))
    return {
        "valid": result.valid,
        "lower": result.lower,
        "upper": result.upper,
        "reason": result.reason,
        "seconds": time.perf_counter() - begin,
    }


class Forgery(NamedTuple):
    """A change to a certificate: its name, what a forger does, what the checker holds against it.

    ``change`` edits the document in place.
    """

    name: str
    does: str
    against: str
    change: Callable[[Document], None]


def scaled(number: str, factor: float) -> str:
    """A hexadecimal number times a factor.

    >>> scaled("0x1.0000000000000p+0", 1.5)
    '0x1.8000000000000p+0'
    """
    return (factor * numbers(number, "the certificate")).hex()


def all_scaled(values: Any, factor: float) -> Any:
    """Nested lists of numbers, each times the same factor."""
    if isinstance(values, list):
        return [all_scaled(value, factor) for value in values]
    return scaled(values, factor)


def decoded(values: Any) -> Any:
    """Nested lists of hexadecimal numbers, as floats."""
    return list(map(decoded, values)) if isinstance(values, list) else float.fromhex(values)


def spelled_out(value: Any) -> Any:
    """A document with lists of hexadecimal numbers in place of packed arrays of doubles."""
    if isinstance(value, list):
        return list(map(spelled_out, value))
    if not isinstance(value, dict):
        return value
    if "doubles" in value:
        return as_hex(numbers(value, "a packed array", *value["shape"]))
    return {name: spelled_out(entry) for name, entry in value.items()}


def raise_lower(document: Document) -> None:
    """Claim a lower end that is higher by a hundredth of the upper end."""
    lower, upper = decoded([document["lower"], document["upper"]])
    document["lower"] = (lower + 0.01 * upper).hex()


def cut_upper(document: Document) -> None:
    """Claim an upper end that is lower by a hundredth."""
    document["upper"] = scaled(document["upper"], 0.99)


def change_weight(document: Document) -> None:
    """Make the output weights of the first unit a tenth larger."""
    weights = document["network"]["a"]
    weights[0] = all_scaled(weights[0], 1.1)


def lengthen_dual(document: Document) -> None:
    """Make the dual vector longer by a twentieth."""
    document["dual"] = all_scaled(document["dual"], 1.05)


def halve_weight_decay(document: Document) -> None:
    """Say that the same holds with half the weight decay."""
    document["weight_decay"] = scaled(document["weight_decay"], 0.5)


def move_sample(document: Document) -> None:
    """Move the first sample by half a unit along the first feature."""
    row = document["data"]["X"][0]
    row[0] = (decoded(row[0]) + 0.5).hex()


def move_sample_and_sign(document: Document) -> None:
    """Move the first sample, and make the fingerprint that of the moved data."""
    move_sample(document)
    data = document["data"]
    document["data_sha256"] = fingerprint(decoded(data["X"]), decoded(data["y"]))


def claim_less(document: Document) -> None:
    """Claim a lower end that is lower by a tenth of the upper end."""
    lower, upper = decoded([document["lower"], document["upper"]])
    document["lower"] = (lower - 0.1 * upper).hex()


FORGERIES = (
    Forgery(
        "lower",
        "Raise the lower end by 1%",
        "The checker computes the value of the dual vector itself; no lower end may be above it.",
        raise_lower,
    ),
    Forgery(
        "upper",
        "Cut the upper end by 1%",
        "The checker evaluates the network on the data; no upper end may be below its objective.",
        cut_upper,
    ),
    Forgery(
        "weight",
        "Change one weight of the network by 10%",
        "Every weight counts: the objective of the network is computed anew, exactly.",
        change_weight,
    ),
    Forgery(
        "dual",
        "Make the dual vector 5% longer",
        "A longer dual vector would promise more. But one unit then sees more of it than the "
        "weight decay allows, and the checker finds the most that any unit sees.",
        lengthen_dual,
    ),
    Forgery(
        "decay",
        "Say half the weight decay",
        "With less weight decay other networks are better, and the dual vector is too long.",
        halve_weight_decay,
    ),
    Forgery(
        "sample",
        "Move one sample",
        "The certificate names its data by a fingerprint, SHA-256.",
        move_sample,
    ),
    Forgery(
        "fingerprint",
        "Move one sample, and forge the fingerprint, too",
        "The fingerprint now fits, but the network and the dual vector do not fit the moved data.",
        move_sample_and_sign,
    ),
    Forgery(
        "less",
        "Claim less than was proved",
        "A weaker statement is still true. The checker believes nobody, and refuses nothing true.",
        claim_less,
    ),
)
"""In the order in which they are shown."""


def forged(text: str, name: str) -> str:
    """The text of a certificate after the forgery of that name.

    Raises
    ------
    RefusalError
        if the text is no certificate, or has nothing to forge in that way (no unit, no data)
    """
    document = parse(text)
    checker.read(document)
    document, before = spelled_out(document), spelled_out(document)
    forgery = next(forgery for forgery in FORGERIES if forgery.name == name)
    with suppress(IndexError):  # a network without units
        forgery.change(document)
    if document == before:
        raise RefusalError("there is nothing to forge in this way")
    return json.dumps(document)
