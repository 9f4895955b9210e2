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
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from cvxnet.lab.export import export

PACKAGE = Path(__file__).parents[1] / "cvxnet"
PYODIDE = "pyodide-314.0.7.tgz"
FLINT = "python_flint-0.9.0-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
"""Made for one another: Python 3.14, platform pyemscripten_2026_0."""
FETCH = {
    PYODIDE: ["npm", "pack", "pyodide@314.0.7"],
    FLINT: [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--only-binary=:all:", "--python-version", "3.14", "--abi", "cp314"),
        *("--platform", "pyemscripten_2026_0_wasm32", "python-flint==0.9.0"),
    ],
}
PARTS = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
CHECKER = ("proofs/checker/*.py", "lab/certificates.py")
"""What of cvxnet runs in the page."""


def fetched(packages: Path) -> list[str]:
    """Fetch what is missing; what could not be had, and why."""
    packages.mkdir(parents=True, exist_ok=True)
    missing = []
    for name, command in FETCH.items():
        if (packages / name).exists():
            continue
        try:
            subprocess.run(command, cwd=packages, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            said = str(getattr(error, "stderr", "") or error).strip().splitlines()
            missing.append(f"{name}: {said[-1] if said else error}")
    return missing


def assemble(folder: Path, packages: Path) -> None:
    """The page with one exhibit, and beside it the checker with what it runs on."""
    export(folder, ["proof"], checker=True, tell=lambda text: None)
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
    with zipfile.ZipFile(checker / "checker.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for pattern in CHECKER:
            for path in sorted(PACKAGE.glob(pattern)):
                archive.write(path, path.relative_to(PACKAGE.parent))


def size(folder: Path) -> float:
    """Megabytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("proof-page"))
    parser.add_argument("--packages", type=Path, default=Path(tempfile.gettempdir()) / "proof-page")
    parser.add_argument("--quick", action="store_true", help="fetch and measure nothing")
    options = parser.parse_args()
    missing = [name for name in FETCH if not (options.packages / name).exists()]
    if not options.quick:
        missing = fetched(options.packages)
    print(f"Pyodide and python-flint in {options.packages}: {'not there' if missing else 'there'}")
    if missing:
        print("\n".join(missing))
        sys.exit(not options.quick)
    assemble(options.out, options.packages)
    print(f"{options.out}: {size(options.out):.1f} MB. Any web server will do, for instance")
    print(f"    python -m http.server --bind 127.0.0.1 --directory {options.out}")


if __name__ == "__main__":
    main()
