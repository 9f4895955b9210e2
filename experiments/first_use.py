"""What does it take to begin: imports, help, and the first training after installation?

Every measurement is a process of its own. Trainings, on 20 samples, come in pairs: the first with
an empty cache of kernels, so all that it needs is compiled, the later one with the cache that the
first left. `import cvxnet; cvxnet.train` loads all that training needs, and does not train. A seed
is a round in which all are run once, one after the other, so that the machine's moods strike all
alike; medians over rounds, and their ratios to the median of `import cvxpy`. Processor time counts
the process alone: on a busy machine it says more than seconds of the wall.

    python -m experiments first_use [--quick] [--seeds 5] [--out DIR] [--package FOLDER]

--package measures another copy of cvxnet (the folder that contains `cvxnet/`); each copy is to have
a DIR of its own, where finished rounds are kept.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cvxnet.plots.style import BLUE, ORANGE, PALE, WIDTH, head, new_figure, styled
from experiments.report import Report, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parents[1]
BASE = "import cvxpy"
NEEDED = "import cvxnet; cvxnet.train"
COMMAND = "import sys; sys.argv = ['cvxnet', {!r}]; from cvxnet.cli import main; main()"
TRAIN = """
import cvxnet, numpy as np
rng = np.random.default_rng(0)
X = rng.standard_normal((20, {features}))
y = np.sign(X[:, 0] * X[:, 1]) + 0.1 * rng.standard_normal(20)
cvxnet.train({family!r}, X, y, weight_decay=0.1)
"""
PLAIN = {
    "import numpy": "import numpy",
    BASE: BASE,
    "import cvxnet": "import cvxnet",
    NEEDED: NEEDED,
    "from cvxnet import *": "from cvxnet import *",
    "cvxnet --help": COMMAND.format("--help"),
    "cvxnet --version": COMMAND.format("--version"),
}
LIGHT = ("import cvxnet", "cvxnet --help", "cvxnet --version")
"""What loads nothing that it does not need."""
FAMILIES = ("relu", "squared_relu", "tanh", "sign", "threshold")
TRAININGS = {
    f"{family}, {features} features": TRAIN.format(family=family, features=features)
    for family, features in [*((family, 2) for family in FAMILIES), ("relu", 4), ("linear", 2)]
}
QUICK = (BASE, NEEDED, "linear, 2 features")


def run(code: str, package: Path, cache: str) -> tuple[float, float]:
    """Seconds of the wall and of the processor that Python takes for the code, start included."""
    environment = os.environ | {"PYTHONPATH": str(package), "NUMBA_CACHE_DIR": cache}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=cache, capture_output=True, text=True
    )
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode and "No such option" not in process.stderr:
        sys.exit(f"{code}\n{process.stderr}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, cpu


def once(seed: int, what: str, package: Path) -> Row:
    """One measurement; of a training, the first one and a later one."""
    names = ("wall", "cpu")
    with tempfile.TemporaryDirectory() as cache:
        row = dict(zip(names, run((PLAIN | TRAININGS)[what], package, cache), strict=True))
        if what in TRAININGS:
            later = run(TRAININGS[what], package, cache)
            row |= dict(zip(("later wall", "later cpu"), later, strict=True))
    return row


def medians(rows: list[Row]) -> dict[str, Row]:
    """Of each measurement, over rounds."""
    found: dict[str, Row] = {}
    for what in dict.fromkeys(row["what"] for row in rows):
        mine = [row for row in rows if row["what"] == what]
        columns = [key for key in mine[0] if key.endswith(("wall", "cpu"))]
        found[what] = {key: statistics.median(row[key] for row in mine) for key in columns}
    return found


def picture(middle: dict[str, Row]) -> Figure:
    """Processor seconds as bars: of a training, imports, and what comes on top."""
    imports = middle[NEEDED]["cpu"]
    with styled():
        figure = new_figure(WIDTH, 2.0 + 0.4 * len(middle))
        axes = figure.add_subplot()
        for k, (what, found) in enumerate(middle.items()):
            if what in PLAIN:
                axes.barh(k, found["cpu"], color=PALE)
                continue
            for offset, key, color in ((-0.2, "cpu", ORANGE), (0.2, "later cpu", BLUE)):
                axes.barh(k + offset, imports, 0.4, color=PALE)
                axes.barh(k + offset, max(found[key] - imports, 0.0), 0.4, imports, color=color)
        axes.barh(0, 0.0, color=ORANGE, label="the first training, on top of imports")
        axes.barh(0, 0.0, color=BLUE, label="a later one")
        axes.set_yticks(range(len(middle)), list(middle))
        axes.invert_yaxis()
        axes.set_xlabel("processor seconds")
        figure.legend(loc="outside lower center", ncols=2, fontsize=12.0)
        head(figure, "The first training compiles what its units need; later ones find it there")
    return figure


def expect(report: Report, middle: dict[str, Row]) -> None:
    """What the changelog promises."""
    base = middle[BASE]["cpu"]
    light = {what: middle[what]["cpu"] for what in LIGHT if what in middle}
    if light:
        report.expect(
            "import, help and version load nothing that they do not need",
            expected=f"less processor time than {BASE}, {base:.2f} s",
            found=", ".join(f"{what} {cpu:.2f} s" for what, cpu in light.items()),
            holds=max(light.values()) < base,
            source="CHANGELOG",
        )
    first, later = (middle["linear, 2 features"][key] for key in ("cpu", "later cpu"))
    report.expect(
        "the first training of linear units compiles nothing",
        expected="as much processor time as a later one, within a fifth",
        found=f"{first:.2f} s and {later:.2f} s",
        holds=abs(first - later) < 0.2 * later,
        source="CHANGELOG: it compiles only what its units need",
    )


def answer(report: Report, middle: dict[str, Row]) -> None:
    """In words."""
    base, imports = middle[BASE]["cpu"], middle[NEEDED]["cpu"]
    trained = {what: found for what, found in middle.items() if what in TRAININGS}
    each = "; ".join(
        f"{what}: {found['cpu'] - imports:.1f} s, later {found['later cpu'] - imports:.1f} s"
        for what, found in trained.items()
    )
    report.answer(
        "What does the first training after installation take?",
        f"Processor seconds, medians of {report.options.seeds} rounds. {BASE} takes {base:.2f}, "
        f"all that training needs {imports:.2f} ({imports / base:.2f} times as much). On top of "
        f"that the first training on 20 samples takes, by units: {each}.",
        picture(middle),
        "first_use",
    )


def main(argv: list[str]) -> int:
    """All rounds."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--package", type=Path, default=HERE, help="another copy of cvxnet")

    report = Report("first_use", __doc__, argv, seeds=(5, 1), more=more)
    quick, package = report.options.quick, report.options.package.resolve()
    if not quick:
        run(BASE, package, tempfile.gettempdir())  # files into the disk cache
    settings = [
        {"seed": seed, "what": what, "package": package}
        for seed in range(report.options.seeds)
        for what in (QUICK if quick else PLAIN | TRAININGS)
    ]
    middle = medians(report.table("rounds", once, settings))
    expect(report, middle)
    answer(report, middle)
    return report.close()
