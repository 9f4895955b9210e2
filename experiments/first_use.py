"""What does it take to begin: imports, help, and the first training after installation?

Every measurement is a process of its own. `first` trains on 20 samples with an empty cache of
kernels, so all that it needs is compiled; `later` does the same once more with the cache that it
left. `import cvxnet; cvxnet.train` loads all that training needs, and does not train. In each round
all are run once, one after the other, so that the machine's moods strike all alike; medians over
rounds, and their ratios to the median of `import cvxpy`. Processor time counts the process alone:
on a busy machine it says more than seconds of the wall.

    python -m experiments first_use [--quick] [--rounds 5] [--package FOLDER] [--out FILE.json]

--package measures another copy of cvxnet (the folder that contains `cvxnet/`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
FAMILIES = ("relu", "squared_relu", "tanh", "sign", "threshold")
PLAIN = {
    "import numpy": "import numpy",
    BASE: BASE,
    "import cvxnet": "import cvxnet",
    "import cvxnet; cvxnet.train": NEEDED,
    "from cvxnet import *": "from cvxnet import *",
    "cvxnet --help": COMMAND.format("--help"),
    "cvxnet --version": COMMAND.format("--version"),
}


def run(code: str, package: Path, cache: str) -> dict[str, float]:
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
    return {"wall": wall, "cpu": cpu}


def one_round(
    package: Path, plain: dict[str, str], trainings: list[tuple[str, int]]
) -> dict[str, dict[str, float]]:
    """Each measurement once."""
    with tempfile.TemporaryDirectory() as cache:
        found = {name: run(code, package, cache) for name, code in plain.items()}
    for family, features in trainings:
        code = TRAIN.format(family=family, features=features)
        name = f"{family}, {features} features"
        with tempfile.TemporaryDirectory() as cache:
            for when in ("first", "later"):
                found[f"{when} {name}"] = run(code, package, cache)
    return found


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round of the least")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--package", type=Path, default=HERE, help="another copy of cvxnet")
    parser.add_argument("--out", type=Path, help="JSON file for every single measurement")
    options = parser.parse_args(argv)
    measured = (PLAIN, [*((f, 2) for f in FAMILIES), ("relu", 4)])
    if options.quick:
        options.rounds, measured = 1, ({name: name for name in (BASE, NEEDED)}, [("linear", 2)])
    else:
        warm_up = run(BASE, options.package, tempfile.gettempdir())  # files into the disk cache
        print(f"warm-up: {warm_up['wall']:.2f} s")
    rounds = [one_round(options.package, *measured) for _ in range(options.rounds)]
    report(rounds)
    if options.out:
        options.out.write_text(json.dumps(rounds, indent=2))


def report(rounds: list[dict[str, dict[str, float]]]) -> None:
    """Medians; ratios to `import cvxpy`; of training what it takes beyond the imports."""
    print(f"{'':32s} {'wall s':>8s} {'ratio':>7s} {'cpu s':>8s} {'ratio':>7s}  beyond its imports")
    middle = {
        name: {kind: statistics.median(one[name][kind] for one in rounds) for kind in value}
        for name, value in rounds[0].items()
    }
    for name, found in middle.items():
        columns = [f"{found[kind]:8.2f} {found[kind] / middle[BASE][kind]:7.2f}" for kind in found]
        beyond, busy = (found[kind] - middle[NEEDED][kind] for kind in found)
        said = f"  {beyond:6.2f} s wall, {busy:.2f} s cpu"
        trained = name.startswith(("first", "later"))
        print(f"{name:32s} {' '.join(columns)}{said if trained else ''}")
