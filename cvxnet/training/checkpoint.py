"""Checkpoints: how far training has got, in a file, from which the next call goes on.

A checkpoint is a certificate, with the best network and the dual vector that proved the lower
bound, and the seconds that it took: `cvxnet.check` proves the bracket that it claims. The next call
takes nothing on trust: the network is evaluated, and the dual vector is priced again, or proved
feasible from its evidence by the checker.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.data.files import check_writable, read_json
from cvxnet.errors import InputError
from cvxnet.objective import Family, Objective
from cvxnet.proofs import checker
from cvxnet.proofs.certificate import Certificate, certificate_of
from cvxnet.proofs.documents import write
from cvxnet.proofs.gaps import bracket_text
from cvxnet.training.bounds.evidence import evidence_of
from cvxnet.training.bracket import Bracket, Proof
from cvxnet.training.certificates import (
    AT_LEAST,
    certificate_seconds,
    certificate_with,
    check_in_time,
)
from cvxnet.training.clock import now
from cvxnet.training.column_generation import Search, clock
from cvxnet.training.matrices import are_equal
from cvxnet.training.oracle import price_units
from cvxnet.training.recovery import weights_of
from cvxnet.training.reduction import Reduction
from cvxnet.training.refinement import LEVEL

SHARE, EVERY = 0.05, 2.0
"""Checkpoints take at most this share of the time, and are at least so many seconds apart."""
SHORTER = 1.0 - 1e-12
"""Of the dual vector: room for what training and checker round differently."""
SAME = 1.0 - 1e-9
"""A lower bound that is proved again is at least this part of the one that was claimed."""


@dataclass
class Checkpoint:
    """The file that one training is written to, and what an earlier one left there.

    Attributes
    ----------
    path : Path, optional
        Where there is none nothing is kept.
    found : Certificate, optional
        What an earlier call has left, about the same objective.
    before : float
        The seconds of earlier calls.
    note : str
        What was found, in words.
    last : float
        When the file was written last.
    slowness : float
        How many times longer than usual that took.
    """

    path: Path | None
    objective: Objective
    found: Certificate | None = None
    before: float = 0.0
    note: str = ""
    failure: str = ""
    begin: float = field(default_factory=now)
    last: float = field(default_factory=time.monotonic)
    slowness: float = 4.0

    def update(self, bracket: Bracket, reduction: Reduction) -> None:
        """Bring the file up to date, if there was time enough since the last time.

        The bracket is that of the problem that is solved. What cannot be written is noted, and
        training goes on.
        """
        begin = time.monotonic()
        waited = begin - self.last
        if self.path is None or waited < EVERY:
            return
        usual = certificate_seconds(self.objective, len(bracket.units), bracket.evidence)
        if SHARE * waited < self.slowness * usual:
            return
        given = reduction.undo(bracket)
        weights = weights_of(given.problem, given.units, reduction.form)
        proof = Proof(given.dual, given.evidence).times(SHORTER)
        try:
            self.write(certificate_with(self.objective, weights, proof))
        except InputError as error:
            self.failure = str(error)
        self.last = time.monotonic()
        self.slowness = (self.last - begin) / usual

    def write(self, certificate: Certificate) -> None:
        """The file, with this certificate; InputError where it cannot be written."""
        if self.path is not None:
            seconds = self.before + now() - self.begin
            write(certificate.to_dict() | {"seconds": seconds.hex()}, self.path)
            self.failure = ""

    def finish(self, certificate: Certificate) -> None:
        """Leave the outcome in the file."""
        try:
            self.write(certificate)
        except InputError as error:
            self.failure = str(error)

    @property
    def remark(self) -> str:
        """What was found, and what went wrong."""
        return "; ".join(filter(None, [self.note, self.failure]))


def open_checkpoint(path: Path | None, objective: Objective) -> Checkpoint:
    """The checkpoint of an objective: with what an earlier call has left, if it is about the same.

    A file that is of no use is put aside, never overwritten.

    Raises
    ------
    InputError
        Where no file can be written.
    """
    if path is None:
        return Checkpoint(None, objective)
    check_writable(path)
    if not path.exists():
        return Checkpoint(path, objective)
    try:
        found, seconds = read_checkpoint(path)
        obstacle = ", ".join(differences(found.objective, objective))
    except InputError as error:
        obstacle = f"it is damaged, or no checkpoint: {error}"
    if obstacle:
        note = f"{path} is of no use here ({obstacle}): it was kept as {put_aside(path)}"
        return Checkpoint(path, objective, note=f"{note}, and training starts anew")
    lower, upper = bracket_text(found.lower, found.upper)
    note = f"going on from {path} ({lower} <= optimum <= {upper}, after {seconds:.0f} s)"
    return Checkpoint(path, objective, found, seconds, note)


def read_checkpoint(path: Path) -> tuple[Certificate, float]:
    """The certificate in a checkpoint, and the seconds; InputError for what is none."""
    document = read_json(path)
    if not isinstance(document, dict) or "seconds" not in document:
        raise InputError("it has no entry 'seconds'.")
    try:
        return certificate_of(checker.read(document)), float.fromhex(document["seconds"])
    except checker.RefusalError as refusal:
        raise InputError(f"{refusal}.") from None


def earlier_decay(paths: Iterable[Path], objective: Objective) -> float | None:
    """The weight decay of a checkpoint that is about the same but for that; the first of these."""
    for path in paths:
        if path.is_file():
            with suppress(InputError):
                there = read_checkpoint(path)[0].objective
                same = replace(objective, weight_decay=there.weight_decay)
                if not any(differences(there, same)):
                    return there.weight_decay
    return None


def put_aside(path: Path) -> Path:
    """Rename a file, to a name that is free."""
    number = 1
    while (other := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    path.rename(other)
    return other


def differences(there: Objective, here: Objective) -> Iterator[str]:
    """What two objectives differ in, in words."""
    yours, mine = in_words(there), in_words(here)
    for name, value in mine.items():
        if yours[name] != value:
            yield f"its {name} is {yours[name]}, not {value}"
    for name in ("X", "y", "sample_weight"):
        a, b = getattr(there, name), getattr(here, name)
        if (a is None) != (b is None) or (a is not None and not are_equal(a, b)):
            yield f"its {name} is another one"


def in_words(objective: Objective) -> dict[str, Any]:
    """What an objective has beside the data."""
    form = objective.form
    return {
        "unit family": described(objective.units),
        "loss": objective.loss.name,
        "weight decay": objective.weight_decay,
        "norm": objective.norm,
        "hidden bias": form.bias,
        "output bias": form.output_bias,
        "skip connection": form.skip,
        "output weights": objective.output_weights,
    }


def described(units: Family) -> str:
    """A family with its options, as text."""
    options = {name: np.asarray(value).tolist() for name, value in units.options.items()}
    return f"{units.name} {options}" if options else units.name


def go_on(search: Search, reduction: Reduction, checkpoint: Checkpoint) -> None:
    """Offer what a checkpoint holds, the dual vector as far as it can be proved feasible again.

    That may take as long as the earlier calls took. A dual vector is priced again, as it was when
    it was found; where its evidence was needed, the checker proves it from that.
    """
    found, bracket, problem = checkpoint.found, search.bracket, search.problem
    if found is None:
        return
    seconds = max(AT_LEAST, checkpoint.before)
    bracket.offer_units(reduction.units_of(found.weights))
    proof = reduction.proof_of(Proof(found.v, evidence_of(found.evidence)))
    bracket.proposal = problem.dual_vector(bracket.units) if problem.loss.smooth else proof.v
    if proof.evidence is None:
        with clock(search.timings, "pricing"):
            floor = (1.0 - LEVEL) * problem.weight_decay
            maxima = price_units(problem.family, proof.v, floor, now() + seconds)
        bracket.offer_dual(proof.v, maxima.rho + maxima.error, maxima.evidence)
    elif check_in_time(found, seconds).valid:
        bracket.offer_dual(proof.v, problem.weight_decay, proof.evidence)
    claimed = found.lower / reduction.scale.value
    if claimed - bracket.lower > (1.0 - SAME) * abs(claimed):
        checkpoint.note += "; its lower bound could not be proved again in time"
