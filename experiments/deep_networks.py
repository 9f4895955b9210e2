"""How long does it take to decide whether a deep ReLU network is convex in its input?

Networks in general position with random weights, |N(0, 1)| behind the first layer but for one of
-0.05 or -1 ("one weight"), or N(0, 1) everywhere ("any weights"); `cn.convexity` decides, and the
certificate is checked again from its text.

    python -m experiments deep_networks [--quick] [--seeds 8] [--out DIR]
"""

from __future__ import annotations

import json
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, MARKERS, WIDTH, entitle, new_figure, styled
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure

KINDS = {"one weight of -0.05": -0.05, "one weight of -1": -1.0, "any weights": None}
SIZES = ((2, 4), (2, 8), (3, 8), (4, 8), (5, 8), (2, 16), (3, 16), (8, 16), (8, 32))
LAYERS = (2, 3)


def network(kind: str, inputs: int, width: int, layers: int, seed: int) -> cn.Sequential:
    """A network of hidden layers of one width and one output."""
    rng = np.random.default_rng([seed, inputs, width, layers])
    sizes, parts, weights = [inputs, *[width] * layers, 1], list[cn.Layer](), {}
    for place, (last, size) in enumerate(pairwise(sizes)):
        parts += [cn.Linear(last, size), cn.ReLU()]
        W = rng.normal(size=(size, last))
        weights[f"{2 * place}.weight"] = W if kind == "any weights" or not place else np.abs(W)
        weights[f"{2 * place}.bias"] = rng.normal(size=size)
    bad = KINDS[kind]
    if bad is not None:
        W = weights[f"{2 * rng.integers(1, layers + 1)}.weight"]
        W[rng.integers(W.shape[0]), rng.integers(W.shape[1])] = bad
    return cn.Sequential(*parts[:-1]).load_state_dict(weights)


def measure(kind: str, inputs: int, width: int, layers: int, seed: int) -> Row:
    """The verdict, its time, and the time and size of its certificate."""
    thing = network(kind, inputs, width, layers, seed)
    start = time.process_time()
    verdict = cn.convexity(thing, "input", complete=False, time_limit=60.0)
    decided = time.process_time()
    text = json.dumps(verdict.certificate.to_dict())
    written = time.process_time()
    valid = cn.check(json.loads(text)).valid
    return {
        "convex": {True: "yes", False: "no", None: "unknown"}[verdict.convex],
        "seconds": decided - start,
        "check_s": time.process_time() - written,
        "kB": len(text) / 1000,
        "valid": valid,
    }


def settings(quick: bool, seeds: int) -> list[Row]:
    """Kinds, sizes, layers and seeds."""
    sizes, layers = (SIZES[:2], LAYERS[:1]) if quick else (SIZES, LAYERS)
    return [
        {"kind": kind, "inputs": d, "width": m, "layers": count, "seed": seed}
        for count in layers
        for d, m in sizes
        for kind in KINDS
        for seed in range(seeds)
    ]


def picture(rows: list[Row]) -> Figure:
    """Seconds by size, one line a kind."""
    sizes = list(dict.fromkeys((row["inputs"], row["width"]) for row in rows))
    with styled():
        figure = new_figure(WIDTH, 5.2)
        axes = figure.subplots()
        for k, kind in enumerate(KINDS):
            medians = [np.median(times(rows, size, kind)) for size in sizes]
            axes.plot(range(len(sizes)), medians, MARKERS[k], color=COLORS[k], label=kind)
        axes.set_xticks(range(len(sizes)), [f"{d}, {m}" for d, m in sizes])
        axes.set_yscale("log")
        axes.set_xlabel("inputs, width")
        axes.set_ylabel("median seconds")
        entitle(axes, "Deciding whether a deep network is convex")
        axes.legend()
    return figure


def times(rows: list[Row], size: tuple[int, int], kind: str | None = None) -> list[float]:
    """Seconds of all networks of a size, or of those of one kind."""
    return [
        row["seconds"]
        for row in rows
        if (row["inputs"], row["width"]) == size and kind in (None, row["kind"])
    ]


def tell(report: Report, rows: list[Row]) -> None:
    """Expectations and the answer."""
    decided = sum(row["convex"] != "unknown" for row in rows)
    valid = sum(row["valid"] for row in rows)
    convex = sum(row["convex"] == "yes" for row in rows)
    for what, count in (("networks decided", decided), ("certificates proved again", valid)):
        report.expect(
            what,
            expected=f"all {len(rows)}",
            found=f"{count} of {len(rows)}",
            holds=count == len(rows),
            source="the tree of signs is finite",
        )
    sizes = list(dict.fromkeys((row["inputs"], row["width"]) for row in rows))
    parts = [f"({d}, {m}) {np.median(times(rows, (d, m))):.2g} s" for d, m in sizes]
    report.answer(
        "How long does it take to decide whether a deep ReLU network is convex in its input?",
        f"{decided} of {len(rows)} networks were decided, {convex} of them convex. Median seconds "
        f"by (inputs, width): {', '.join(parts)}; at most "
        f"{max(row['seconds'] for row in rows):.2g} s. Certificates of at most "
        f"{max(row['kB'] for row in rows):.0f} kB were proved again in at most "
        f"{max(row['check_s'] for row in rows):.2g} s, {valid} of {len(rows)}.",
        picture(rows),
        "seconds",
    )


def main(argv: list[str]) -> int:
    """Decide networks of all sizes."""
    report = Report("deep_networks", __doc__, argv, seeds=(8, 1))
    tell(
        report,
        report.table("seconds", measure, settings(report.options.quick, report.options.seeds)),
    )
    return report.close()
