"""Trials of the command line: odd files and options end in an exit code and words, nothing else."""

from __future__ import annotations

import contextlib
import io
import json
from typing import Any

import numpy as np

from experiments.adversary.problems import FAMILIES
from experiments.adversary.trials import Script

Rng = np.random.Generator

CODES = {0: "proved", 1: "refuted or open", 2: "bad input", 3: "unknown", 130: "interrupted"}
CELLS = ["0", "1", "-1.5", "2.25", "1e300", "1e-300", "", "x", "nan", "1,5", '"3"', " 4 ", "inf"]
HEADS = ["a,b,y", "a,b,y", "a,b,y", "a;b;y", "y,a,b", "a,a,y", "a,b", "", '"a,c",b,y', "1,2,3"]
LOSSES = ["squared", "logistic", "hinge", "huber", "absolute", "log_cosh", "squared_hinge", "x"]
DECAYS = ["0.1", "1", "1e-6", "0", "-1", "nan", "inf", "1e400", "x", "1e308"]


def draw_table(rng: Rng) -> str:
    """A CSV file, mostly of numbers."""
    n, odd = int(rng.integers(0, 9)), rng.random() < 0.4
    head = str(rng.choice(HEADS)) if odd else "a,b,y"
    rows = []
    for _ in range(n):
        cells = [f"{x:.3g}" for x in rng.standard_normal(3)]
        if rng.random() < 0.3:
            cells[-1] = str(rng.choice(["0", "1", "up", "down"]))
        if odd and rng.random() < 0.3:
            cells[int(rng.integers(3))] = str(rng.choice(CELLS))
        if odd and rng.random() < 0.05:
            cells = cells[:-1]
        rows.append((";" if ";" in head else ",").join(cells))
    return "\n".join([head, *rows]) + ("\n" if rng.random() < 0.9 else "")


def draw_arguments(rng: Rng) -> list[str]:
    """Options of `cvxnet train`."""
    target = str(rng.choice(["y", "y", "y", "b", "z", "a,c"]))
    arguments = ["data.csv", "--target", target, "--time-limit", "2", "--json"]
    if rng.random() < 0.95:
        arguments += ["--weight-decay", str(rng.choice(DECAYS, p=[0.4, 0.2, *[0.05] * 8]))]
    if rng.random() < 0.5:
        arguments += ["--units", str(rng.choice([*FAMILIES, "reul"]))]
    if rng.random() < 0.5:
        arguments += ["--loss", str(rng.choice(LOSSES))]
    if rng.random() < 0.2:
        arguments += ["--gap", str(rng.choice(["1e-3", "0", "2", "-1", "nan", "x"]))]
    if rng.random() < 0.2:
        arguments += ["--option", str(rng.choice(["slope=0.1", "gates=3", "slope", "radius=x"]))]
    arguments += [flag for flag in ("--output-bias", "--skip", "--no-bias") if rng.random() < 0.2]
    if rng.random() < 0.1:
        arguments += ["--features", str(rng.choice(["a", "a,b", "a,y", "q", ""]))]
    return arguments


def called(arguments: list[str]) -> tuple[int, str, str]:
    """Exit code, output and messages of the command, run in this process."""
    from cvxnet.cli import main

    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        try:
            main(arguments)
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
    return int(code), out.getvalue(), err.getvalue()


def fault(answer: tuple[int, str, str]) -> str:
    """What is wrong with the end of a command that was asked for JSON; empty where nothing is."""
    code, out, err = answer
    if code not in CODES:
        return f"exit code {code}"
    if "Traceback" in err + out:
        return "a traceback"
    if code == 2:
        return "" if err.strip() and not out.strip() else "bad input, but no word on it"
    try:
        said = json.loads(out)
    except ValueError as error:
        return f"no JSON: {error}"
    if said.get("status") in ("optimal", "gap") and (said["status"] == "optimal") != (code == 0):
        return f"status {said['status']!r} with exit code {code}"
    return ""


def trial(rng: Rng, script: Script) -> None:
    """Train on a file; then check, certify and explain what it left."""
    script.folder()
    script.run("import os")
    script.run("os.chdir(folder)")
    script.run(f"_ = (folder / 'data.csv').write_text({draw_table(rng)!r})")
    script.run(f"answer = commands.called(['train', *{draw_arguments(rng)!r}, '--out', 'out'])")
    hold(script, "train")
    if script["answer"][0] in (0, 1):
        for line in (
            "'check', 'out/certificate.json', '--json'",
            "'explain', 'out/network.json', '--wrt', 'input', '--json'",
            "'certify', 'out/network.json', '--data', 'data.csv', '--target', 'y', "
            "'--weight-decay', '0.1', '--time-limit', '2', '--json'",
        ):
            script.run(f"answer = commands.called([{line}])")
            hold(script, line.split("'")[1])
    elif rng.random() < 0.5:
        name = str(rng.choice(["check", "explain"]))
        script.run(f"answer = commands.called([{name!r}, 'data.csv', '--json'])")
        hold(script, name)
    script.run("os.chdir('/')")


def hold(script: Script, name: str) -> None:
    """The end of the command."""
    call = "commands.fault(answer)"
    script.holds(f"{name} ends with an exit code and words", f"{call} == ''", call, "answer")
