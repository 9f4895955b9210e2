"""A folder that checks certificates in the browser, offline: no server but one for plain files.

    python -m experiments proof_page [--out FOLDER] [--packages DIR] [--quick]

The checker of cvxnet runs there as it is, in Python and exact arithmetic compiled for browsers:
Pyodide (from npm) and python-flint (from the package index). They are fetched once, with `npm` and
`pip`, into DIR, and are no part of the repository. Afterwards the folder is opened in Chromium, if
there is one, and start, check of 100 samples, and size are printed; --quick fetches nothing, and
measures nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np

import cvxnet as cn
from cvxnet.lab.export import export
from experiments.lab.pages import browser, obstacle, served

ROOT = Path(__file__).parents[1]
PACKAGES = ROOT / ".venv" / "proof-page"
PYODIDE = "pyodide-314.0.7.tgz"
FLINT = "python_flint-0.9.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
"""Made for one another: Python 3.14, platform pyemscripten_2026_0."""
SHA256 = {
    PYODIDE: "66b7949e5a0cba2250b586d7e368bf12fb482800748d182c4618254b685ffaa0",
    FLINT: "b31f5c00e0e36040ab58d00b3025156e20869b990d776e4bf90f870b1ee11ad3",
}
FETCH = {
    PYODIDE: ["npm", "pack", "pyodide@314.0.7"],
    FLINT: [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--only-binary=:all:", "--python-version", "3.14", "--abi", "cp314"),
        *("--platform", "pyemscripten_2026_0_wasm32", "python-flint==0.9.0"),
    ],
}
PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
CHECKER = ("proofs/checker/**/*.py", "lab/certificates.py")
"""What of cvxnet runs in the page."""
NOTICE = """What is in this folder, and under which licence:

checker.zip     the checker of cvxnet, Apache-2.0
pyodide.*       Pyodide 314.0.7, MPL-2.0, https://github.com/pyodide/pyodide
python_stdlib   Python 3.14, PSF licence
python_flint    python-flint 0.9.0, MIT; with FLINT, GMP and MPFR, LGPL: their licences and where
                their sources are stand in the wheel, which is a zip file
"""


def fetched(packages: Path, seconds: float = 600.0) -> list[str]:
    """Fetch what is missing; what could not be had, and why."""
    packages.mkdir(parents=True, exist_ok=True)
    missing = []
    for name, command in FETCH.items():
        try:
            if not (packages / name).exists():
                subprocess.run(
                    command, cwd=packages, check=True, capture_output=True, timeout=seconds
                )
            if hashlib.sha256((packages / name).read_bytes()).hexdigest() != SHA256[name]:
                missing.append(f"{packages / name} is not what was expected (SHA-256): remove it")
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or str(error).encode()).decode().split("\n")
            missing.append(f"{name} cannot be fetched: {said[0]}")
    return missing


def assemble(folder: Path, packages: Path) -> None:
    """The page with one exhibit, and beside it the checker with what it runs on."""
    export(folder, only=["proof"], checker=True, tell=lambda text: None)
    checker = folder / "checker"
    checker.mkdir(exist_ok=True)
    with tarfile.open(packages / PYODIDE) as archive:
        for part in PARTS:
            with open(checker / part, "wb") as file:
                shutil.copyfileobj(archive.extractfile(f"package/{part}"), file)
        lock = json.load(archive.extractfile("package/pyodide-lock.json"))
    lock["packages"] = {}  # some hundred that are not here
    (checker / "pyodide-lock.json").write_text(json.dumps(lock))
    shutil.copy(packages / FLINT, checker)
    (checker / "parts.json").write_text(json.dumps({"flint": FLINT}))
    (checker / "NOTICE.txt").write_text(NOTICE)
    with zipfile.ZipFile(checker / "checker.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for pattern in CHECKER:
            for path in sorted((ROOT / "cvxnet").glob(pattern)):
                archive.write(path, path.relative_to(ROOT))


def certificate(n: int) -> str:
    """A certificate of so many samples in the plane."""
    X = np.random.default_rng(0).uniform(-1.0, 1.0, (n, 2))
    y = np.sin(3.0 * X[:, 0]) * np.cos(2.0 * X[:, 1])
    return json.dumps(cn.train("relu", X, y, weight_decay=0.1).certificate.to_dict())


def measure(folder: Path) -> dict[str, float]:
    """Seconds until the first certificate is proved, and for one of 100 samples."""
    text = certificate(100)
    with served(folder) as url, browser() as chromium:
        page = chromium.new_page()
        page.set_default_timeout(300_000)
        begin = time.perf_counter()
        page.goto(url)
        page.get_by_test_id("check").click()
        proved = page.get_by_test_id("verdict").get_by_text("Proved")
        proved.wait_for()
        start = time.perf_counter() - begin
        file = {"name": "own.json", "mimeType": "application/json", "buffer": text.encode()}
        begin = time.perf_counter()
        page.get_by_test_id("file").set_input_files(file)
        page.get_by_text("100 samples").wait_for()
        proved.wait_for()
        return {"start": start, "n = 100": time.perf_counter() - begin}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("proof-page"))
    parser.add_argument("--packages", type=Path, default=PACKAGES)
    parser.add_argument("--quick", action="store_true", help="fetch and measure nothing")
    options = parser.parse_args(argv)
    if options.quick:
        there = [name for name in FETCH if (options.packages / name).exists()]
        print(f"in {options.packages}: {', '.join(there) or 'nothing yet'}")
        print(f"needed: {', '.join(FETCH)}")
        return
    if missing := fetched(options.packages):
        sys.exit("\n".join(missing))
    assemble(options.out, options.packages)
    size = sum(path.stat().st_size for path in options.out.rglob("*") if path.is_file())
    print(f"{options.out}: {size / 1e6:.1f} MB. Any web server will do, for instance")
    print(f"    python -m http.server --bind 127.0.0.1 --directory {options.out}")
    if why := obstacle():
        print(f"not tried: {why}")
        return
    for name, seconds in measure(options.out).items():
        print(f"{name:10} {seconds:5.1f} s")
