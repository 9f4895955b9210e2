"""Items about proofs: what a certificate proves, what the checker accepts, excess."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnet.lab.quiz.items import Item, Option, number, odd_one_out, shuffled
from cvxnet.lab.quiz.training import described, drawn, random_points
from cvxnet.proofs.checking import check
from cvxnet.training.certification import certify
from cvxnet.training.trainer import train

Document = dict[str, Any]


def as_hex(value: float) -> str:
    """A number as certificates have it."""
    return float(value).hex()


def follows(rng: np.random.Generator) -> Item | None:
    """Which claim does a certificate prove?"""
    x, y = random_points(rng)
    decay = float(rng.choice([0.2, 0.5]))
    solution = train("relu", x[:, None], y, weight_decay=decay, gap=0.3)
    lower, upper = solution.lower_bound, solution.value
    if upper < 0.1 or (upper - lower) / upper < 0.02:
        return None
    document = solution.certificate.to_dict()
    low, high = (float(f"{v:.3g}") for v in (lower * 0.995, upper * 1.005))
    step = 0.5 * (high - low)
    inner, outer = (float(f"{low + share * step:.3g}") for share in (1.0, 1.5))
    claims = [(low, high), (inner, high), (low, inner), (inner, outer)]
    options = [claim_option(document, *claim) for claim in claims]
    if sum(option.right for option in options) != 1:
        return None
    return Item(
        "Training was stopped early. The checker proved of its certificate that "
        f"{number(lower)} ≤ optimum ≤ {number(upper)}. Which of these claims does the certificate "
        "prove?",
        described(x, y, decay),
        shuffled(rng, options),
        "A bracket proves every weaker claim and no stronger one, true or not. To narrow it takes "
        "a better network or a better dual vector.",
        "cn.check(certificate)",
        drawn(x, y) | {"decay": decay, "lower": lower, "upper": upper},
    )


def claim_option(document: Document, lower: float, upper: float) -> Option:
    """A claim, and what the checker says of it."""
    result = check(document | {"lower": as_hex(lower), "upper": as_hex(upper)})
    text = f"{number(lower)} ≤ optimum ≤ {number(upper)}"
    return Option(text, result.valid, f"The checker, asked for {text}: {result.reason}.")


def reversed_units(document: Document) -> None:
    """Hidden units in reverse order, with their output weights."""
    for name in ("W", "b", "a"):
        document["network"][name] = document["network"][name][::-1]


def scaled_at(*path: str, factor: float) -> Callable[[Document], None]:
    """A change that multiplies the numbers at a place."""

    def change(document: Document) -> None:
        *outer, last = path
        inner = document
        for name in outer:
            inner = inner[name]
        inner[last] = multiplied(inner[last], factor)

    return change


def multiplied(value: Any, factor: float) -> Any:
    """Numbers in nested lists times a factor."""
    if isinstance(value, list):
        return [multiplied(v, factor) for v in value]
    return as_hex(factor * float.fromhex(value))


CHANGES: dict[str, Callable[[Document], None]] = {
    "the hidden units are put in reverse order": reversed_units,
    "the claimed lower end is made smaller by 1 %": scaled_at("lower", factor=0.99),
    "the claimed upper end is made larger by 1 %": scaled_at("upper", factor=1.01),
    "the dual vector is multiplied by 1.1": scaled_at("dual", factor=1.1),
    "the dual vector is multiplied by 0.9": scaled_at("dual", factor=0.9),
    "the claimed lower end is made larger by 1 %": scaled_at("lower", factor=1.01),
    "the claimed upper end is made smaller by 1 %": scaled_at("upper", factor=0.99),
    "the output weights change their sign": scaled_at("network", "a", factor=-1.0),
    "the hidden weights are doubled": scaled_at("network", "W", factor=2.0),
    "the weight decay is halved": scaled_at("weight_decay", factor=0.5),
    "the targets are doubled": scaled_at("data", "y", factor=2.0),
}
"""Changes of a certificate."""


def tampered(rng: np.random.Generator) -> Item | None:
    """Which change of a certificate does the checker accept?"""
    x, y = random_points(rng)
    decay = float(rng.choice([0.2, 0.5]))
    solution = train("relu", x[:, None], y, weight_decay=decay)
    if solution.status != "optimal" or solution.units < 2 or solution.value < 0.05:
        return None
    document = solution.certificate.to_dict()
    names = list(CHANGES)
    known = (changed(document, names[k]) for k in rng.permutation(len(names)))
    options = odd_one_out(rng, known)
    if options is None:
        return None
    return Item(
        "Somebody changed one thing in the certificate of an optimal network. In one case the "
        "checker still accepts it: in which?",
        (
            *described(x, y, decay),
            f"claimed: optimum = {number(solution.value)}, with its bracket",
        ),
        options,
        "The checker believes nothing: it computes the network's value, the value of the dual "
        "vector, and whether any unit has |Σ v·φ| above β. Only what leaves the claim true passes.",
        "cn.check(document)",
        drawn(x, y) | {"decay": decay},
    )


def changed(document: Document, name: str) -> Option:
    """A change, and what the checker says to it."""
    copied = copy.deepcopy(document)
    CHANGES[name](copied)
    result = check(copied)
    return Option(name, result.valid, f"The checker: {result.reason}.")


def excess(rng: np.random.Generator) -> Item | None:
    """How far above the optimum is a network that somebody else trained?"""
    x, y = random_points(rng)
    decay = float(rng.choice([0.2, 0.5]))
    other = decay * float(rng.choice([0.1, 0.2, 4.0, 8.0]))
    net = train("relu", x[:, None], y, weight_decay=other).network
    proof = certify(net, x[:, None], y, weight_decay=decay)
    least, most = (100.0 * share for share in proof.excess)
    if proof.best.status != "optimal" or not 3.0 < most < 300.0 or most - least > 0.01:
        return None
    why = (
        f"Value {number(proof.value)}, proved bracket {number(proof.lower)} ≤ optimum ≤ "
        f"{number(proof.upper)}: (value − optimum) / optimum is {number(least)} %."
    )
    shares = (least, 0.5 * least, 2.0 * least, 0.0)
    texts = [f"{share:.1f} %" for share in shares]
    options = [Option(text, k == 0, why) for k, text in enumerate(texts)]
    return Item(
        f"A network that was trained with weight decay {number(other)} has the objective "
        f"{number(proof.value)} at {number(decay)}. cvxnet proved that the optimum there is "
        f"{number(proof.upper)}, up to rounding. How far above it is the network, as a share of "
        "the optimum?",
        described(x, y, decay),
        shuffled(rng, options),
        "The dual vector bounds the optimum from below, however the network was trained. The "
        "excess (value − optimum) / optimum is what better training could still gain.",
        "cn.certify(net, X, y, weight_decay=β).excess",
        drawn(x, y) | {"decay": decay, "value": proof.value},
    )
