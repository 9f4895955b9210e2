"""What is measured of one case, and of tampered certificates."""

from __future__ import annotations

import time
import warnings
from functools import cache
from typing import Any

import numpy as np

import cvxnet as cn
from experiments.report import Row
from experiments.verdicts.cases import Case
from experiments.verdicts.collection import cases, kind_of
from experiments.verdicts.forging import accepted, changed, contradicted, forged, travelled
from experiments.verdicts.sampling import sampled

WORDS = {True: "yes", False: "no", None: ""}
ACCEPTED = {"convex": "CONVEX AFFINE CONSTANT", "concave": "CONCAVE AFFINE CONSTANT"}
GRAFTED, CHANGED, TRIES = 8, 12, 20
"""Proofs of others put under a false claim, changes of a certificate, and points tried after."""


def judged(case: Case) -> Any:
    """The verdict alone."""
    return cn.convexity(case.make(), complete=False, **case.options)


def measure(number: int) -> Row:
    """One case: what cvxnet says, what its certificate is worth, and what the peers say."""
    case = cases()[number]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = time.process_time()
        verdict = judged(case)
        seconds = time.process_time() - started
        peer = sampled(case)
    certificate = verdict.certificate
    row: Row = {
        "case": case.text + (f" {dict(case.where)}" if case.where else ""),
        "kind": kind_of(case),
        "class": case.family,
        "made": case.made,
        "truth": case.truth,
        "convex": WORDS[verdict.convex],
        "concave": WORDS[verdict.concave if case.is_expression else None],
        "wrong": is_wrong(case, verdict.convex, verdict.concave),
        "unknown": is_unknown(case, verdict.convex, verdict.concave),
        "CVXPY": by_cvxpy(case, verdict.dcp),
        "sampled": "" if peer is None else "right" if peer == case.convex else "wrong",
        "ms": 1e3 * seconds,
        "certificate": "none" if certificate is None else reproved(certificate.to_dict()),
    }
    return row


def is_wrong(case: Case, convex: bool | None, concave: bool | None) -> bool:
    """Whether an answer contradicts the truth."""
    answers = [(convex, case.convex), (concave, case.concave)]
    return any(a is not None and b is not None and a != b for a, b in answers)


def is_unknown(case: Case, convex: bool | None, concave: bool | None) -> bool:
    """Whether a question is left open: about convexity, or, of an expression, about concavity."""
    return convex is None or (case.concave is not None and concave is None)


def by_cvxpy(case: Case, dcp: str) -> str:
    """ "accepted" if CVXPY's rules prove all that is true of it; they refute nothing."""
    if dcp in ("DCP", "not DCP"):
        return "accepted" if dcp == "DCP" and case.convex else ""
    wanted = [goal for goal in ("convex", "concave") if getattr(case, goal)]
    proved = all(dcp in ACCEPTED[goal].split() for goal in wanted)
    return "accepted" if wanted and proved else ""


def reproved(document: Any) -> str:
    """What the checker says of a certificate that has travelled."""
    result = cn.check(travelled(document))
    return "proved" if result.valid else f"refused: {result.reason}"


@cache
def certificate(number: int) -> Any:
    """The certificate of a case that is an expression or a network, as JSON types, or None."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = judged(cases()[number]).certificate
    return None if made is None else travelled(made.to_dict())


def tampered(number: int) -> Row:
    """Forgeries of one certificate: how many were accepted, and how many of those are false."""
    document, rng = certificate(number), np.random.default_rng(number)
    row: Row = {"case": cases()[number].text, "forged": 0, "accepted": 0, "changed": 0, "held": 0}
    row["false"] = 0
    if document is None:
        return row
    others = rng.integers(len(cases()), size=GRAFTED)
    proofs = [claim["proof"] for k in others for claim in (certificate(int(k)) or EMPTY)["claims"]]
    for false in forged(document, proofs):
        row["forged"] += 1
        row["accepted"] += accepted(false)
    for _ in range(CHANGED):
        other = changed(document, rng)
        row["changed"] += 1
        if accepted(other):
            row["held"] += 1
            row["false"] += contradicted(other, TRIES, rng)
    return row


EMPTY: dict[str, list[Any]] = {"claims": []}
