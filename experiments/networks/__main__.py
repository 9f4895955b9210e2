"""The networks in the frame of the experiments, and the page docs/findings/networks.md."""

from __future__ import annotations

import importlib
import tempfile
import warnings
from argparse import ArgumentParser
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import BLUE, INK, ORANGE, WIDTH, new_figure, styled
from experiments import networks
from experiments.networks.collection import COLLECTION, DOUBLE, FITTED, HALF, SINGLE, Brought
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure

ABOUT = (networks.__doc__ or "").split("    python")[0]
INTRODUCTION = f"""# Networks from anywhere

Written by `python -m experiments networks --page docs/findings/networks.md`. [When, and on
what machine](experiments.md#which-networks-cvxnet-takes-of-those-that-people-bring-from-elsewhere).

{ABOUT}"""
QUICK = 5
"""Every fifth network with --quick."""
GROUPS = dict(COLLECTION)
PRECISIONS = {
    DOUBLE: "in double precision",
    FITTED: "for fitted estimators",
    SINGLE: "in single precision",
    HALF: "in half precision",
}
LEAST = 1e-17
"""Differences are drawn as at least this."""


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


def bring(who: str, name: str) -> Row:
    """Hand one network to cvxnet, and compare what it computes with the original."""
    with tempfile.TemporaryDirectory() as folder:
        brought = GROUPS[who][name](Path(folder))
        row: Row = {
            "OMLT": omlt_reads(brought),
            "refusal expected": brought.predict is None,
            "precision": brought.precision,
        }
        try:
            network = brought.read()
        except cn.CvxnetError as error:
            said = shortened(str(error).replace(f"{folder}/", ""), 150)
            return row | {"taken": "no", "said": said, "right": brought.predict is None}
        if brought.predict is None:
            return row | {"taken": "yes", "said": repr(network), "right": False}
        X = np.random.default_rng(1).standard_normal((50, brought.columns))
        expected = brought.predict(X)
        difference = float(np.abs(network(X) - expected).max() / max(1.0, np.abs(expected).max()))
    said = ", ".join(map(repr, network))
    right = difference <= brought.precision
    return row | {"taken": "yes", "difference": difference, "said": said, "right": right}


def page(rows: list[Row]) -> str:
    """The page docs/findings/networks.md."""
    header = ["network", "brought from", "taken", "difference", "OMLT", "as, or why not"]
    cells = [
        [
            row["name"],
            row["who"],
            row["taken"],
            f"{row['difference']:.0e}" if "difference" in row else "",
            row["OMLT"],
            row["said"] if row["right"] else f"failed: {row['said']}",
        ]
        for row in rows
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in [header, ["---"] * len(header), *cells])
    return f"{INTRODUCTION}{summary(rows)}\n\n{table}\n"


def summary(rows: list[Row]) -> str:
    """How many networks cvxnet takes, and how many files OMLT reads where it is installed."""
    taken = sum(row["taken"] == "yes" for row in rows)
    omlt = [row["OMLT"] for row in rows if row["OMLT"]]
    text = f"cvxnet takes {taken} of {len(rows)}. "
    if "not tried" not in omlt:
        text += f"Of the {len(omlt)} ONNX files OMLT {version('omlt')} reads {omlt.count('yes')}."
    return text


def picture(rows: list[Row]) -> Figure:
    """What is taken and refused of each group, and how far outputs differ."""
    with styled():
        figure = new_figure(WIDTH, 5.0)
        left, right = figure.subplots(1, 2, sharey=True)
        for place, who in enumerate(GROUPS):
            inside = [row for row in rows if row["who"] == who]
            taken = sum(row["taken"] == "yes" for row in inside)
            look = {"left": taken, "color": ORANGE, "edgecolor": "white", "hatch": "/"}
            left.barh(place, taken, color=BLUE, label="taken" if not place else "")
            left.barh(place, len(inside) - taken, label="refused" if not place else "", **look)
            off = [max(row["difference"], LEAST) for row in inside if "difference" in row]
            right.plot(
                off, np.full(len(off), place), "o", color=BLUE, markeredgecolor=INK, alpha=0.6
            )
        left.set_yticks(range(len(GROUPS)), list(GROUPS))
        left.invert_yaxis()
        left.set(xlabel="networks")
        left.locator_params(axis="x", integer=True)
        left.set_title("Networks that cvxnet takes, by where they come from")
        left.legend()
        right.set(xscale="log", xlabel="relative difference of outputs")
        right.set_title("Outputs beside those of the original")
    return figure


def is_of(row: Row, limit: float) -> bool:
    """Whether a network was compared, with this precision."""
    return "difference" in row and row["precision"] == limit


def more(parser: ArgumentParser) -> None:
    """The option of this experiment."""
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table as markdown")


def expect_all(report: Report, rows: list[Row]) -> None:
    """That the collection is right about what is taken, and what is refused."""
    for wanted in (False, True):
        asked = [row for row in rows if row["refusal expected"] is wanted]
        right = sum(row["right"] for row in asked)
        report.expect(
            "networks that cvxnet has no layers for" if wanted else "networks that it should take",
            expected="all refused" if wanted else "all taken, outputs as precise as the format",
            found=f"{right} of {len(asked)}",
            holds=right == len(asked),
            source="the collection says of each which it is",
        )


def main(argv: list[str]) -> int:
    """Bring all networks, and say which were taken."""
    report = Report("networks", networks.__doc__, argv, more=more, packages=("onnx", "omlt"))
    everything = [{"who": who, "name": name} for who, items in COLLECTION for name in items]
    chosen = everything[::QUICK] if report.options.quick else everything
    rows = report.table("networks", bring, chosen)
    if report.options.page:
        report.options.page.write_text(page(rows), encoding="utf-8")
    expect_all(report, rows)
    off = [
        f"{max(row['difference'] for row in rows if is_of(row, limit)):.0e} {words}"
        for limit, words in PRECISIONS.items()
        if any(is_of(row, limit) for row in rows)
    ]
    report.answer(
        report.question,
        f"""{summary(rows)} Outputs of those taken differ from those of the original, relatively
        and on 50 random rows, by at most {", ".join(off)}. What is refused is named with the
        reason.""",
        picture(rows),
        "taken",
    )
    return report.close()
