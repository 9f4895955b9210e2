"""Methods that know all units: cvxnet's column generation, and the full program in CVXPY.

The cells of the full program are enumerated by cvxnet; that is part of its time and memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import cvxnet as cn

Reader = Callable[[], dict[str, Any]]
STARTED = time.perf_counter(), time.process_time()
MEMORY = 4e9
"""Bytes; full programs that are predicted to need more are refused."""


def network_of(network: Any) -> dict[str, Any]:
    """Hidden weights (m, d), hidden biases (m,), output weights (c, m)."""
    weights = network.state_dict()
    return {"W": weights["0.weight"], "b": weights["0.bias"], "A": weights["2.weight"]}


def one_column(Y: Any) -> Any:
    """One output as an array (n,); several outputs and classes as they are."""
    return Y[:, 0] if Y.ndim == 2 and Y.shape[1] == 1 else Y


def question(problem: dict[str, Any]) -> dict[str, Any]:
    """What both doors of cvxnet are asked."""
    return {
        "units": "relu",
        "X": problem["X"],
        "y": one_column(problem["Y"]),
        "loss": str(problem["loss"]),
        "weight_decay": float(problem["weight_decay"]),
    }


def slower() -> float:
    """How much longer everything took so far by the clock than by the processor, on one thread."""
    wall, processor = time.perf_counter() - STARTED[0], time.process_time() - STARTED[1]
    return max(1.0, wall / max(processor, 1e-3))


def cvxnet(problem: dict[str, Any], limit: float) -> Reader:
    """Column generation, as it comes; its time limit is of the clock."""
    solution = cn.train(**question(problem), time_limit=limit * slower())
    proved = {"lower": solution.lower_bound, "claimed": solution.value}
    return lambda: network_of(solution.network) | proved


def solve(problem: dict[str, Any], solver: str, facets_only: bool = False) -> Reader:
    """Write the full program down, and have it solved."""
    program = cn.program(**question(problem), facets_only=facets_only, memory_limit=MEMORY)
    program.solve(solver=solver)
    weights = sum(variable.size for variable in program.variables()) - problem["Y"].size
    claimed = {"claimed": program.value, "weights": weights}
    return lambda: network_of(cn.recover(program)) | claimed


def ecos(problem: dict[str, Any], limit: float) -> Reader:
    """All cells, all inequalities, ECOS."""
    return solve(problem, "ECOS")


def scs(problem: dict[str, Any], limit: float) -> Reader:
    """All cells, all inequalities, SCS."""
    return solve(problem, "SCS")


def clarabel(problem: dict[str, Any], limit: float) -> Reader:
    """All cells, all inequalities, Clarabel."""
    return solve(problem, "CLARABEL")


def facets(problem: dict[str, Any], limit: float) -> Reader:
    """All cells, of the inequalities only facets, Clarabel."""
    return solve(problem, "CLARABEL", facets_only=True)
