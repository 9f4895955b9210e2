"""A line of a table: one method on one problem, in a process of its own, and what came of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import cvxnet as cn
from cvxnet.types import Array
from experiments.peers.methods import EVERY, METHODS, ROOT
from experiments.peers.objective import objective
from experiments.peers.whole import one_column
from experiments.peers.worker import GRACE, MEMORY, solve
from experiments.problems import REPEATED, bundled, repeated, target
from experiments.report import Row, peers_python

ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
SLOWEST = 20.0
"""Wall time may be so many times processor time, on a machine that others use."""
HERE, OWN, PEERS, ABSENT = "this process", "own process", "peers", "no peers"
"""Where a method runs: the last has none."""
KILLED = (-9, -24)
"""What ended by its limit of processor time ends with these."""


@lru_cache(maxsize=4)
def problem(data: str, loss: str, decay: float, n: int = 0, rank: int = 0) -> dict[str, Any]:
    """Features X (n, d), targets Y, and the rest of the question.

    `decay` is a share of the largest useful weight decay. Gaussian data have n samples and a rank,
    real ones are as they are. Y (n, c) are numbers; for cross entropy Y (n,) are classes 0, 1, ...
    """
    X, y = samples(data, n, rank)
    if rank and loss == "logistic":
        y = np.where(y > np.median(y), 1.0, -1.0)
    Y = targets(y, loss)
    decay *= cn.largest_weight_decay("relu", X, one_column(Y), loss=loss)
    outputs = int(Y.max()) + 1 if Y.ndim == 1 else Y.shape[1]
    return {"X": X, "Y": Y, "loss": loss, "weight_decay": decay, "outputs": outputs}


def samples(data: str, n: int, rank: int) -> tuple[Array, Array]:
    """Features and target: made, bundled, or bundled and repeated to n samples with noise."""
    if data.startswith(REPEATED):
        return repeated(data, n)
    return target(data, n, 0, d=rank - 1) if rank else bundled(data)


def targets(y: Array, loss: str) -> Array:
    """Numbers as a column; classes 0, 1, ... themselves, or -1 and 1, or a column for each."""
    if loss == "cross_entropy":
        return y
    if np.issubdtype(y.dtype, np.floating):
        return y[:, None]
    return np.where(y == 1, 1.0, -1.0)[:, None] if y.max() == 1 else np.eye(y.max() + 1)[y]


def environment(method: str, quick: bool) -> str:
    """Where it runs; with ``--quick`` in this process."""
    if EVERY[method].apart:
        return PEERS if peers_python() else ABSENT
    return HERE if quick else OWN


def run(method: str, asked: dict[str, Any], limit: float, environment: str) -> dict[str, Any]:
    """The network with its times; or, where there is none, in ``status`` why."""
    if environment == ABSENT:
        return {"status": "absent: the peers have no environment (make peers)"}
    if environment == HERE:
        return {"status": "done", **solve(method, asked, limit)}
    python = str(peers_python() if environment == PEERS else sys.executable)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "problem.npz", Path(folder) / "network.npz"
        np.savez(source, **asked)
        command = [python, "-m", "experiments.peers.worker", method]
        try:
            done = subprocess.run(
                [*command, str(source), str(target), str(limit)],
                capture_output=True,
                text=True,
                cwd=ROOT,
                env=os.environ | ONE_THREAD,
                timeout=SLOWEST * (GRACE * limit + 10.0),
            )
        except subprocess.TimeoutExpired:
            return {"status": f"over {limit:g} s"}
        if target.exists():
            with np.load(target) as file:
                return {"status": "done", **{key: file[key][()] for key in file.files}}
    return {"status": why_not(done.returncode, done.stderr, limit)}


def facts(found: dict[str, Any]) -> Row:
    """Numbers and words of what a process returned."""
    return {
        key: np.asarray(value).item()
        for key, value in found.items()
        if np.asarray(value).ndim == 0 and key != "imports_mb"
    }


def why_not(code: int, said: str, limit: float) -> str:
    """Why there is no network, in a few words."""
    if code in KILLED:
        return f"over {limit:g} s"
    if "MemoryError" in said or "bad_alloc" in said or "can't allocate memory" in said:
        return f"out of memory: more than {MEMORY / 1e9:g} GB"
    last = (said.strip().splitlines() or [f"exit status {code}"])[-1]
    kind, _, text = last.partition(": ")
    if kind.endswith("UnsupportedError"):
        return f"refused: {text.partition('. ')[0]}"
    if kind == "NotImplementedError":
        return f"cannot: {text}"
    if kind == "ModuleNotFoundError":
        return f"absent: {text}"
    return f"gave up: {last[:120]}"


def measure(
    method: str, environment: str, limit: float, lower: float | None = None, **which: Any
) -> Row:
    """One method on one problem; `lower` is the certified bound, where that is known before."""
    asked = problem(**which)
    found = run(method, asked, limit, environment)
    if found["status"] != "done":
        return {"status": found["status"]}
    value = objective(found, asked)
    proved = {"lower": float(found["lower"])} if lower is None else {}
    bound = proved.get("lower", lower)
    units = int(np.sum(np.linalg.norm(found["A"], axis=0) > 0.0))
    return {
        "status": "done",
        **proved,
        "value": value,
        "excess": (value - bound) / bound if bound > 0.0 else np.inf,
        "claimed": float(found.get("claimed", value)),
        "seconds": float(found["seconds"]),
        "wall": float(found["wall"]),
        "memory_mb": float(found["memory_mb"]),
        "imports_mb": float(found["imports_mb"]),
        "units": units,
        "shared": METHODS[method].room != "sampled" or asked["outputs"] == 1,
        "cells": int(found["weights"]) // (2 * which["rank"]) if "weights" in found else None,
        "version": str(found["version"]),
        "network": {key: found[key] for key in ("W", "b", "A")},
    }


def certify(limit: float, network: dict[str, Array], **which: Any) -> Row:
    """``cn.certify`` of a network that somebody else trained, each unit scaled."""
    asked = problem(**which)
    lengths = np.sqrt(np.sum(network["W"] ** 2, axis=1) + network["b"] ** 2)
    sizes = np.linalg.norm(network["A"], axis=0)
    used = lengths * sizes > 0.0
    scale = np.sqrt(sizes[used] / lengths[used])
    outputs, m = network["A"][:, used].shape
    net = cn.Sequential(
        cn.Linear(asked["X"].shape[1], m), cn.ReLU(), cn.Linear(m, outputs, bias=False)
    )
    net.load_state_dict(
        {
            "0.weight": network["W"][used] * scale[:, None],
            "0.bias": network["b"][used] * scale,
            "2.weight": network["A"][:, used] / scale,
        }
    )
    terms = {"loss": asked["loss"], "weight_decay": asked["weight_decay"]}
    proved = cn.certify(net, asked["X"], one_column(asked["Y"]), **terms, time_limit=limit)
    return {"lower": proved.lower, "value": proved.value, "most": proved.excess[1]}
