"""``cvxnet demo``: real data, the global optimum, a proof and a picture."""

from __future__ import annotations

import csv
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from cvxnet.cli.compilation import prepare
from cvxnet.cli.exit_codes import NOT_PROVED, PROVED
from cvxnet.cli.folders import check_folder
from cvxnet.cli.interruption import keeping_results
from cvxnet.cli.options import Json
from cvxnet.cli.outcome import (
    bracket_line,
    network_line,
    objective_of_file,
    print_facts,
    print_json,
    save_solution,
    summary,
)
from cvxnet.data.files import replacing
from cvxnet.data.tables import Data, diabetes
from cvxnet.errors import InputError
from cvxnet.objective import Budget, make_objective
from cvxnet.proofs import checker
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import solve

WEIGHT_DECAY = 1.5


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for network, certificate, figure and the data.")
    ] = Path("cvxnet-demo"),
    samples: Annotated[
        int | None, typer.Option(help="Only so many of the 442 patients, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which of them --samples draws.")] = 0,
    gap: Annotated[float, typer.Option(help="Relative gap to close the bracket to.")] = 1e-6,
    json: Json = False,
) -> None:
    """Train a ReLU network on real data to the global optimum, and prove it."""
    budget = Budget(gap=gap, progress=not json)
    data = draw(diabetes(), samples, seed)
    objective = make_objective("relu", data.X, data.y, loss="squared", weight_decay=WEIGHT_DECAY)
    check_folder(out)
    if not json:
        introduce(data)
    prepare("relu", quiet=json)
    with keeping_results():
        solution = solve(objective, budget)
    names = [f"{name} (sd)" for name in (*data.features, data.target)]
    files, note = save_solution(solution, out, names[:-1], names[-1:])
    files["data"] = str(save_table(data, out / "data.csv"))
    result, seconds = prove(files["certificate"], quiet=json)
    if json:
        value = objective_of_file(files["network"], solution.certificate)
        proof = {"proved": result.valid, "reason": result.reason, "check_seconds": seconds}
        print_json(summary(solution) | {"objective_of_file": value, "files": files} | proof)
    else:
        told = facts(solution, gap, files, note=note, result=result, seconds=seconds)
        print_facts(told | {"try next": try_next(data, files["data"])})
    closed = solution.status == "optimal" and result.valid
    raise typer.Exit(PROVED if closed else NOT_PROVED)


def draw(data: Data, samples: int | None, seed: int) -> Data:
    """A random part of the data, or all of them."""
    n = len(data.y)
    if samples is None:
        return data
    if not 2 <= samples <= n:
        raise InputError(f"--samples {samples}: expected a number from 2 to {n}.")
    chosen = np.sort(np.random.default_rng(seed).choice(n, samples, replace=False))
    return replace(data, X=data.X[chosen], y=data.y[chosen])


def introduce(data: Data) -> None:
    """Say what is about to be solved."""
    print(
        f"{len(data.y)} diabetes patients: {data.target} from {' and '.join(data.features)},\n"
        "all in standard deviations (sd). Two-layer ReLU network of any width, squared loss,\n"
        f"weight decay {WEIGHT_DECAY:g}: the global optimum.\n",
        flush=True,
    )


def prove(certificate: str, quiet: bool) -> tuple[checker.CheckResult, float]:
    """Re-prove the bracket from the saved file; returns the seconds it took."""
    if not quiet:
        print("checking the certificate in exact arithmetic ...", file=sys.stderr, flush=True)
    begin = time.perf_counter()
    result = checker.check(certificate)
    return result, time.perf_counter() - begin


def facts(
    solution: Solution,
    gap: float,
    files: dict[str, str],
    *,
    note: str,
    result: checker.CheckResult,
    seconds: float,
) -> dict[str, Any]:
    """The report at the end."""
    proof = f"{result.reason} by cvxnet.proofs.checker in {seconds:.1f} s, without a solver"
    return {
        "bracket": bracket_line(solution, gap),
        "network": network_line(solution, files),
        "certificate": proof if result.valid else f"REFUSED: {result.reason}",
        "files": "  ".join(files.values()),
        "note": note,
    }


def save_table(data: Data, path: Path) -> Path:
    """Write features and target as a CSV file, numbers as they are."""
    rows = np.column_stack([data.X, data.y]).tolist()
    with replacing(path) as draft, open(draft, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*data.features, data.target])
        writer.writerows(rows)
    return path


def try_next(data: Data, table: str) -> str:
    """The command that trains on the same data, to be changed as one likes."""
    options = ["--target", data.target, "--weight-decay", f"{WEIGHT_DECAY:g}", "--out", "my-net"]
    return shlex.join(["cvxnet", "train", table, *options])
