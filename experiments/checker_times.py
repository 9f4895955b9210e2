"""How long does the exact checker take, and how tight is what it proves?

Trains networks on 2 Gaussian features + bias with `cvxnet.train` and checks the certificates as
they come: processor seconds of the check, whether it proved, and the relative gap proved.

    python -m experiments checker_times [--large] [--quick] [--seeds 1] [--out DIR]

Measured with Python 3.11 on two cores that two or three other experiments shared, seed 0: seconds
of the clock for a check, least and most over targets, losses and decays. All were proved:

    n = 20: 0.006 to 0.021    n = 100: 0.22 to 0.52    n = 300: 1.9 to 6.1    n = 1000: 19 to 61

With --large instead: families whose proof is quick, on 10^4 samples with 100 features, saved to
a file of 25 MB, or with the data apart, and checked by a process of its own. All were proved; its
processor time and the most memory that it took:

    linear 3.4 s, 0.22 GB    coordinate 5.4 s, 0.22 GB    gated_relu (3 gates) 6.0 s, 0.27 GB
    quadratic 9.1 s, 0.39 GB
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import cvxnet as cn
from cvxnet.plots.style import COLORS, GREY, MARKERS, WIDTH, entitle, new_figure, styled
from cvxnet.proofs.checker import __file__ as checker
from cvxnet.proofs.checker import check
from cvxnet.proofs.gaps import relative_gap
from experiments.problems import target as make_data
from experiments.report import Report, Row

if TYPE_CHECKING:
    from cvxnet.plots.style import Figure

LARGE = ("linear", "coordinate", "gated_relu", "quadratic")
CASES = [(target, loss) for target in ("planted", "rough") for loss in ("squared", "logistic")]
MEASURED = """
import json, runpy, sys, time
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:  # memory of this process since it began: Linux only
    peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
    print(json.dumps({"s": round(time.process_time(), 1), "GB": round(int(peak) / 2**20, 2)}))
"""


def measure(target: str, n: int, loss: str, share: float, seed: int) -> Row:
    """Train, check, and time both."""
    X, y = make_data(target, n, seed)
    y = np.where(y > np.median(y), 1.0, -1.0) if loss == "logistic" else y
    decay = share * cn.largest_weight_decay("relu", X, y, loss=loss)
    start = time.process_time()
    solution = cn.train("relu", X, y, loss=loss, weight_decay=decay, time_limit=120.0)
    trained = time.process_time()
    result = check(solution.certificate.to_dict())
    checked = time.process_time()
    return {
        "units": len(solution.certificate.a),
        "train_s": trained - start,
        "check_s": checked - trained,
        "valid": result.valid,
        "gap": relative_gap(result.lower, result.upper) if result.valid else float("nan"),
        "reason": result.reason,
    }


def settings(quick: bool, seeds: int) -> list[Row]:
    """Targets, sizes, losses, weight decays as shares of the largest useful one."""
    sizes, shares = ((10, 30), (0.1,)) if quick else ((20, 100, 300, 1000), (0.01, 0.1))
    return [
        {"target": target, "n": n, "loss": loss, "share": share, "seed": seed}
        for n in sizes
        for target, loss in (CASES[:2] if quick else CASES)
        for share in shares
        for seed in range(seeds)
    ]


def measure_large(units: str, n: int, d: int, seed: int) -> Row:
    """Train, save with and without the data, check both files; the processes are measured."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    y = X @ rng.normal(size=d) + np.abs(X[:, 0]) + rng.normal(size=n)
    family = cn.Family(units, gates=3) if units == "gated_relu" else units
    decay = 0.1 * cn.largest_weight_decay(family, X, y, bias=False)
    start = time.process_time()
    solution = cn.train(family, X, y, weight_decay=decay, bias=False, time_limit=120.0)
    row = {"train_s": time.process_time() - start, "gap": solution.gap}
    with tempfile.TemporaryDirectory() as folder:
        whole, bare, data = (Path(folder) / name for name in ("whole", "bare", "data.csv"))
        solution.certificate.save(whole)
        solution.certificate.save(bare, embed_data=False)
        np.savetxt(data, np.column_stack([X, y]), delimiter=",", fmt="%.17g")
        found = {"": check_apart(whole), " apart": check_apart(bare, "--data", data)}
    return row | {key + how: value for how, one in found.items() for key, value in one.items()}


def check_apart(*arguments: object) -> Row:
    """What a process of its own, that checks this, takes."""
    command = [sys.executable, "-c", MEASURED, Path(checker).parent, *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    size = sum(each.stat().st_size for each in arguments if isinstance(each, Path)) / 1e6
    took = json.loads(done.stdout.splitlines()[-1])
    return {"valid": done.returncode == 0, "MB": round(size, 1)} | took


def picture(rows: list[Row]) -> Figure:
    """Seconds and gaps by the number of samples."""
    with styled():
        figure = new_figure(WIDTH, 5.2)
        panels = figure.subplots(1, 2)
        for axes, key in zip(panels, ("check_s", "gap"), strict=True):
            for k, (target, loss) in enumerate(CASES):
                own = [row for row in rows if (row["target"], row["loss"]) == (target, loss)]
                axes.plot([row["n"] for row in own], [max(row[key], 1e-16) for row in own],
                          MARKERS[k], color=COLORS[k], label=f"{target}, {loss} loss")  # fmt: skip
            axes.set(xscale="log", yscale="log", xlabel="samples")
        panels[0].set_ylabel("processor seconds of a check")
        panels[1].set_ylabel("relative gap proved")
        panels[1].axhline(1e-6, color=GREY, linewidth=1.0)
        entitle(panels[0], "What an exact check takes")
        entitle(panels[1], "What it proves")
        panels[0].legend()
    return figure


def picture_large(rows: list[Row]) -> Figure:
    """Seconds and memory by family."""
    with styled():
        figure = new_figure(WIDTH, 5.2)
        for axes, key, unit in zip(figure.subplots(1, 2), ("s", "GB"), ("seconds", "GB"),
                                   strict=True):  # fmt: skip
            for k, (how, label) in enumerate((("", "one file"), (" apart", "data apart"))):
                places = np.arange(len(rows)) + 0.4 * (k - 0.5)
                axes.bar(places, [row[key + how] for row in rows], 0.4, color=COLORS[k],
                         label=label)  # fmt: skip
            axes.set_xticks(range(len(rows)), [row["units"] for row in rows])
            axes.set_ylabel(unit)
            entitle(axes, "Time of a check" if key == "s" else "Memory of a check")
        figure.axes[0].legend()
    return figure


def tell(report: Report, rows: list[Row]) -> None:
    """Expectations and the answer about ReLU units."""
    valid = sum(row["valid"] for row in rows)
    report.expect(
        "certificates proved",
        expected=f"all {len(rows)}",
        found=f"{valid} of {len(rows)}",
        holds=valid == len(rows),
        source="every training comes with one",
    )
    most = max(row["check_s"] for row in rows)
    report.expect(
        f"the longest check of at most {max(row['n'] for row in rows)} samples",
        expected="at most a minute",
        found=f"{most:.2g} processor seconds",
        holds=most <= 60.0,
        source="what check says of itself",
    )
    parts = []
    for n in sorted({row["n"] for row in rows}):
        seconds = [row["check_s"] for row in rows if row["n"] == n]
        parts.append(f"{n} samples: {min(seconds):.2g} to {max(seconds):.2g} s")
    gaps = [row["gap"] for row in rows if row["valid"]]
    report.answer(
        "How long does an exact check take, and how narrow is what it proves?",
        f"Processor seconds of a check of ReLU networks on two features: {'; '.join(parts)}. It "
        f"proved {valid} of {len(rows)} certificates, with gaps of {min(gaps):.1e} to "
        f"{max(gaps):.1e}.",
        picture(rows),
        "checks",
    )


def tell_large(report: Report, rows: list[Row]) -> None:
    """Expectations and the answer about large files."""
    valid = sum(row["valid"] + row["valid apart"] for row in rows)
    report.expect(
        "large certificates proved",
        expected=f"all {2 * len(rows)}",
        found=f"{valid} of {2 * len(rows)}",
        holds=valid == 2 * len(rows),
        source="every training comes with one",
    )
    most = max(max(row["GB"], row["GB apart"]) for row in rows)
    report.expect(
        "most memory of a check",
        expected="less than 3 GB",
        found=f"{most:.2f} GB",
        holds=most < 3.0,
        source="what check says of itself",
    )
    parts = [f"{row['units']} {row['s']:.1f} s, {row['GB']:.2f} GB" for row in rows]
    report.answer(
        "And for large files of families whose proof is quick?",
        f"{rows[0]['n']} samples with {rows[0]['d']} features in one file of up to "
        f"{max(row['MB'] for row in rows):.0f} MB, checked by a process of its own: "
        f"{'; '.join(parts)}. It proved {valid} of {2 * len(rows)}, with and without the data in "
        "the file.",
        picture_large(rows),
        "large",
    )


def main(argv: list[str]) -> int:
    """Check certificates of all sizes, or large ones."""
    report = Report(
        "checker_times",
        __doc__,
        argv,
        more=lambda parser: parser.add_argument(
            "--large", action="store_true", help="10^4 samples, 100 features"
        ),
    )
    quick, seeds = report.options.quick, report.options.seeds
    if report.options.large:
        n, d = (100, 5) if quick else (10_000, 100)
        lines = [{"units": u, "n": n, "d": d, "seed": k} for u in LARGE for k in range(seeds)]
        tell_large(report, report.table("large", measure_large, lines))
    else:
        tell(report, report.table("checks", measure, settings(quick, seeds)))
    return report.close()
