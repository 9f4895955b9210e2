"""The table of networks, on the screen or in a file."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import cvxnet as cn
from experiments import networks
from experiments.networks.collection import COLLECTION, Brought

ABOUT = (networks.__doc__ or "").split("    python")[0]
INTRODUCTION = f"""# Networks from anywhere

Written by `python -m experiments networks --out docs/networks.md`.

{ABOUT}"""
QUICK = 5
"""Every fifth network with --quick."""


def shortened(text: str, most: int) -> str:
    """A message in one cell of a table."""
    text = " ".join(text.replace("|", "/").split())
    return text if len(text) < most else f"{text[:most].rpartition(' ')[0]} ..."


def omlt_reads(brought: Brought) -> str:
    """Whether OMLT, where it is installed, makes a network of an ONNX file."""
    if brought.file is None:
        return ""
    try:
        reader = importlib.import_module("omlt.io.onnx")
    except ImportError:
        return "not tried"
    onnx = importlib.import_module("onnx")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.load_onnx_neural_network(onnx.load(brought.file))
    except Exception as error:  # whatever it has to say
        return f"no: {shortened(f'{type(error).__name__} {error}', 50)}"
    return "yes"


def row(who: str, name: str, bring: Any) -> tuple[list[str], bool]:
    """One line of the table, and whether it says what it should."""
    with tempfile.TemporaryDirectory() as folder:
        brought = bring(Path(folder))
        omlt = omlt_reads(brought)
        try:
            network = brought.read()
        except cn.CvxnetError as error:
            text = shortened(str(error).replace(f"{folder}/", ""), 150)
            right = brought.predict is None
            return [name, who, "no", "", omlt, text if right else f"failed: {text}"], right
        if brought.predict is None:
            return [name, who, "yes", "", omlt, f"failed: {network!r}"], False
        X = np.random.default_rng(1).standard_normal((50, brought.columns))
        expected = brought.predict(X)
        difference = float(np.abs(network(X) - expected).max() / max(1.0, np.abs(expected).max()))
    good = difference <= brought.precision
    what = ", ".join(map(repr, network))
    return [name, who, "yes", f"{difference:.0e}", omlt, what if good else f"failed: {what}"], good


def main(argv: list[str]) -> int:
    """The table, on the screen or in a file."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=ABOUT.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only some of them")
    parser.add_argument("--out", type=Path, help="write the table to this file")
    options = parser.parse_args(argv)
    everything = [(who, *item) for who, items in COLLECTION for item in items.items()]
    chosen = everything[::QUICK] if options.quick else everything
    rows = [row(*item) for item in chosen]
    taken = [cells for cells, _ in rows if cells[2] == "yes"]
    omlt = [cells[4] for cells, _ in rows if cells[4]]
    summary = f"cvxnet takes {len(taken)} of {len(rows)}. "
    if "not tried" not in omlt:
        summary += (
            f"Of the {len(omlt)} ONNX files OMLT {version('omlt')} reads {omlt.count('yes')}."
        )
    header = ["network", "brought from", "taken", "difference", "OMLT", "as, or why not"]
    lines = [header, ["---"] * len(header), *(cells for cells, _ in rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    text = f"{INTRODUCTION}{summary}\n\n{table}\n"
    if options.out:
        options.out.write_text(text, encoding="utf-8")
    print(text if not options.out else summary)
    return 0 if all(good for _, good in rows) else 1
