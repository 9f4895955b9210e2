"""Certificates of trained networks: made, and checked before anything is called optimal.

Training and checker compute the same thing in different ways, and in doubles and exactly: what
they round differently is made up for by a slightly shorter dual vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.objective import Objective, Weights
from cvxnet.proofs import checker
from cvxnet.proofs.certificate import Certificate
from cvxnet.proofs.checker.dual import dual_vector
from cvxnet.proofs.checker.exact import fraction
from cvxnet.proofs.checking import KINKED, MANY, ROUNDED, SMOOTH, check_bracket
from cvxnet.training.bounds.evidence import AnyEvidence
from cvxnet.training.bracket import SLACK, Bracket, Proof
from cvxnet.training.clock import kernel_seconds, now
from cvxnet.training.oracle import price_units
from cvxnet.training.width.evidence import TreeEvidence

SAMPLE_SECONDS, NUMBER_SECONDS, FEATURE_SECONDS, UNITS = 3e-5, 2e-6, 5e-7, 20
"""What a sample, a number of data or evidence and a feature of about so many units take."""
FEW = 100
"""Samples up to which the exact check of trees and several outputs is quick; beyond, the rounded
one comes first."""
FEW_CONES = 20
"""The same with one output and more than three columns."""
LEAVES = 10
"""Vectors of leaves that take as long as one for all units."""
AT_LEAST, AT_MOST, PROOF_SECONDS, ROW_SECONDS = 2.0, 60.0, 1e-3, 2e-7
"""Seconds that a check may take: as many for each sample, or for each row that training looked at
in exact pricing, within these."""
TRIES = 3
"""Times that a dual vector is made shorter after a check."""
SAFE, LEAST = 1.001, 1e-12
"""Made shorter by so many times what was too much, and by at least that share of its length.

Of semidefinite matrices the checker does not say by how much, and a double may not tell.
"""
ROOM = 1e-10
"""What bounds on the rounding of cones leave open, and more: so much shorter they are proved at
once, and asking for it takes no part of the time, which would make the vector a matter of that."""
UNCLEAR = 1e-3
"""A violation that was only bounded, in floating point, is taken for one up to here."""
MOVED = 1e-13
"""A dual vector of which some entry is moved by more, relative to the largest, is another one."""
EXACTLY, NOT = "exactly", "not: "
NO_TIME = "it would take longer than there was time for; `cvxnet.check` has no limit"


def prove(
    objective: Objective, weights: Weights, bracket: Bracket, seconds: float
) -> tuple[Certificate, str]:
    """The certificate of these weights with the bracket's dual vector, and how it was checked.

    A dual vector that the checker finds too long is made shorter, which lowers the lower bound.
    What it refutes all the same, or what is above the upper bound, gives way to the zero vector,
    which proves something too; a tree gives way to the vector for every width.

    Parameters
    ----------
    seconds : float
        Time for all checks together.

    Returns
    -------
    Certificate
    str
        EXACTLY, or that it was in floating point, or NOT with the reason.
    """
    begin = now()
    proof, certificate = settled(objective, weights, bracket)
    deadline, words, refuted = begin + seconds, f"{NOT}{NO_TIME}", False
    reading = now() - begin  # a check reads and evaluates it once more
    for _ in range(TRIES):
        left = deadline - now()
        if left <= reading:
            break
        result = check_in_time(certificate, left)
        if result.valid:
            return certificate, EXACTLY if result.method != ROUNDED else f"in {ROUNDED}"
        words, refuted = f"{NOT}{result.reason}", "infeasible" in result.reason
        if not (refuted or tells(result)):
            break
        proof = proof.times(1.0 / (1.0 + max(SAFE * result.violation, LEAST)))
        certificate = certificate_with(objective, weights, proof)
    if refuted or certificate.lower > certificate.upper:
        tree = isinstance(proof.evidence, TreeEvidence)  # without which v is one for every width
        proof = Proof(proof.v) if tree else proof.times(0.0)
        certificate = certificate_with(objective, weights, proof)
    return certificate, words


def checking_seconds(samples: int, priced: float, evidence: AnyEvidence | None = None) -> float:
    """How long the check may take of what was trained with so many rows ``priced``.

    It says how long exact pricing takes, as the checker's own, and on every machine the same. What
    has evidence had no end of exact pricing.

    >>> checking_seconds(50, 1e4), checking_seconds(10_000, 1e6), checking_seconds(10, 1e9)
    (2.0, 10.0, 60.0)
    """
    if evidence is not None:
        return AT_MOST
    return min(max(AT_LEAST, PROOF_SECONDS * samples, ROW_SECONDS * priced), AT_MOST)


def check_in_time(certificate: Certificate, seconds: float) -> checker.CheckResult:
    """The check that is likely to end first, and failing that the other one.

    Where neither tells, the reason is the exact one's, if there was time for that.
    """
    document, begin = certificate.to_dict(), now()
    found: list[checker.CheckResult] = []
    for rounded, share in ways_of_checking(certificate):
        left = seconds - (now() - begin)
        if found and left <= 0.0:
            break
        found.append(check_with(document, rounded, share * left))
        if found[-1].valid or tells(found[-1]):
            return found[-1]
    return next((result for result in found if result.method != ROUNDED), found[-1])


def check_with(document: dict[str, Any], rounded: bool, seconds: float) -> checker.CheckResult:
    """The check in one of the ways; once more where most of its time went into compiling."""
    begin, kernels = now(), kernel_seconds()
    result = check_bracket(document, None, rounded=rounded, time_limit=seconds)
    if result.valid or tells(result) or kernel_seconds() == kernels:
        return result
    return check_bracket(document, None, rounded=rounded, time_limit=seconds - (now() - begin))


def ways_of_checking(certificate: Certificate) -> list[tuple[bool, float]]:
    """Whether to round, first and then, and for what share of the time that is left.

    Both can tell of a tree, so the first has half of it.
    """
    vectors = count_vectors(certificate)
    alone = certificate.outputs == 1 and not vectors
    if proved_by_rounding(certificate):
        return [(True, 0.5), (False, 1.0)]
    if alone and len(certificate.v) > MANY:  # where to round is to check exactly once more
        return [(False, 1.0)]
    few = alone or checked_samples(certificate) <= FEW
    return [(not few, 0.5 if vectors else 1.0), (few, 1.0)]


def proved_by_rounding(certificate: Certificate) -> bool:
    """Whether one kink and more than three columns, or tanh or squares, are all there is.

    And more than a few samples: exact checks of cones and boxes take long there.
    """
    objective = certificate.objective
    columns = objective.X.shape[1] + objective.form.bias
    alone = certificate.outputs == 1 and not certificate.evidence
    name, many = objective.units.name, len(certificate.v) > FEW_CONES
    return alone and many and (name in SMOOTH or (name in KINKED and columns > 3))


def tells(result: checker.CheckResult) -> bool:
    """Whether a check says how much shorter a vector has to be.

    What bounds on rounding errors leave open is no more than such errors where they are tight.
    """
    return result.violation > 0.0 and not (result.method == ROUNDED and result.violation > UNCLEAR)


def checked_samples(certificate: Certificate) -> int:
    """Those of all dual vectors, of which the leaves of a tree need only a part each."""
    return len(certificate.v) * (1 + count_vectors(certificate) // LEAVES)


def count_vectors(certificate: Certificate) -> int:
    """How many vectors the leaves of a tree have; 0 where there is none."""
    return len((certificate.evidence or {}).get("vectors", []))


def settled(objective: Objective, weights: Weights, bracket: Bracket) -> tuple[Proof, Certificate]:
    """The dual vector and the certificate; where the checker would move it, moved and priced.

    A dual vector at the edge of its domain may leave the checker no room to make up for rounding;
    then the zero vector takes its place.
    """
    problem, proof = bracket.problem, Proof(bracket.dual, bracket.evidence)
    try:
        made = certificate_with(objective, weights, proof)
        if proved_by_rounding(made):
            proof = proof.times(1.0 / (1.0 + ROOM))
            made = certificate_with(objective, weights, proof)
        if not problem.F.size or isinstance(proof.evidence, TreeEvidence):
            return proof, made
        exact = np.array(dual_vector(checker.read(made.to_dict())), dtype=object)
        v = np.reshape([float(fraction(x)) for x in exact.ravel()], proof.v.shape)
        if np.abs(v - proof.v).max() <= MOVED * np.abs(v).max():
            return proof, made
        maxima = price_units(problem.family, v, 0.5 * problem.weight_decay)
        bound = maxima.rho + maxima.error
        if not np.isfinite(bound):
            return proof, made
        moved = Proof(min(1.0, problem.largest_multiple(bound * (1.0 + SLACK))) * v)
        return moved, certificate_with(objective, weights, moved)
    except (InputError, checker.RefusalError):
        return proof.times(0.0), certificate_with(objective, weights, proof.times(0.0))


def certificate_with(objective: Objective, weights: Weights, proof: Proof) -> Certificate:
    """The certificate of weights and a dual vector, its bracket rounded outward."""
    evidence = proof.evidence if proof.v.any() else None  # zeros need none
    return Certificate(
        objective=objective,
        weights=weights,
        v=proof.v,
        evidence=None if evidence is None else evidence.document(),
        lower=0.0,
        upper=0.0,
    ).rounded_outward()


def certificate_seconds(
    objective: Objective, units: int = UNITS, evidence: AnyEvidence | None = None
) -> float:
    """About how long a certificate takes, which is evaluated in exact arithmetic."""
    (n, d), c = objective.X.shape, objective.outputs
    features = FEATURE_SECONDS * c * min(n, units)
    numbers = 0 if evidence is None else evidence.numbers
    samples = n * (c * SAMPLE_SECONDS + NUMBER_SECONDS * d + features)
    return float(samples + NUMBER_SECONDS * numbers)
