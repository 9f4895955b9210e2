"""cvxnet with all that it says of itself: times of each part, the certificate written and checked.

Seconds are those of the processor, the time limit too. The certificate is checked exactly and,
where that does not end in time, with rounding bounds; neither is part of the time of the training.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import cvxnet as cn
from cvxnet.objective import Budget, make_objective
from cvxnet.proofs.checker import EXACT
from cvxnet.training.every_width import bracket_of
from experiments.clocks import processor_time
from experiments.peers.linear import data_of, timed
from experiments.peers.whole import Reader, network_of, question

ALL_CONES = 300_000
"""More samples than this are not checked exactly."""
PARTS = {
    "pricing": ("pricing",),
    "master": ("fitting", "assembling", "compiling", "solving"),
    "refining": ("sliding", "refining", "pruning"),
    "certificate": ("checking",),
}
"""What is added up, of what `Solution.stats` has; the certificate is made and checked once."""


def proved(problem: dict[str, Any], limit: float) -> Reader:
    """A network of ReLU units."""
    asked = question(problem)
    with processor_time():
        solution = cn.train(**asked, time_limit=limit)
    del asked["weight_decay"]
    return lambda: network_of(solution.network) | largest(asked) | facts_of(solution, limit)


def proved_linear(problem: dict[str, Any], limit: float) -> Reader:
    """A linear model by coordinate units, of dense or sparse data; the certificate is apart.

    Loading libraries is not part of the time, nor is it for the others. What is timed is reading
    the data, the search and its bound; as is theirs, after a run and as often as takes long enough.
    The certificate comes last, as its many objects would be garbage to look through meanwhile.
    """
    X, y, loss = data_of(problem), problem["Y"][:, 0], str(problem["loss"])
    decay = float(problem["weight_decay"])

    def search() -> object:
        objective = make_objective("coordinate", X, y, loss=loss, weight_decay=decay)
        return bracket_of(objective, Budget(time_limit=limit), time.process_time() + limit)

    with processor_time():
        search()
        _, seconds = timed(search)
        solution = cn.train("coordinate", X, y, loss=loss, weight_decay=decay, time_limit=limit)
    return lambda: facts_of(solution, limit) | {"seconds": seconds}


def largest(asked: dict[str, Any]) -> dict[str, float]:
    """What the largest useful weight decay takes."""
    begin = time.process_time()
    with processor_time():
        cn.largest_weight_decay(**asked)
    return {"largest_s": time.process_time() - begin}


def facts_of(solution: cn.Solution, limit: float) -> dict[str, Any]:
    """The bracket, where the time went, and what the checker says of the file."""
    stats = solution.stats
    parts = {part: sum(stats.get(name, 0.0) for name in names) for part, names in PARTS.items()}
    return {
        "ended": solution.status,
        "lower": solution.lower_bound,
        "claimed": solution.value,
        "gap": solution.gap,
        "rounds": stats["rounds"],
        **parts,
        **checked(solution.certificate, limit),
    }


def checked(certificate: cn.Certificate, limit: float) -> dict[str, Any]:
    """The certificate written to a file, read and proved again, in the same limit for each way."""
    ways = (False, True) if len(certificate.v) <= ALL_CONES else (True,)
    with tempfile.TemporaryDirectory() as folder, processor_time():
        path = Path(folder) / "certificate.json"
        begin = time.process_time()
        certificate.save(path)
        writing = time.process_time() - begin
        for rounded in ways:
            begin = time.process_time()
            result = cn.check(path, rounded=rounded, time_limit=limit)
            if result.valid:
                break
        return {
            "writing_s": writing,
            "check_s": time.process_time() - begin,
            "valid": result.valid,
            "way": "exactly" if result.method == EXACT.method else "rounded",
            "file_mb": path.stat().st_size / 1e6,
            "proved_gap": (result.upper - result.lower) / result.upper if result.valid else np.nan,
        }
