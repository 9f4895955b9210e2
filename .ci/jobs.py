"""What strangers install, tried: ``python .ci/jobs.py package wheels oldest newest``.

``package``
    Builds the wheel and the source distribution, looks at what is in them, installs each into an
    environment of its own, and trains, saves and checks there. Checks `CITATION.cff`, too.
``wheels``
    Asks the package index whether all that cvxnet needs can be had without a compiler, for each
    Python and platform. Nothing is installed.
``oldest``, ``newest``
    Run tests with the lowest versions that pyproject.toml allows on the lowest Python, and with
    the newest ones on the newest Python that is installed here.

Without torch: its builds for other Pythons are gigabytes. ``make test`` runs with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("linux", "aarch64-unknown-linux-gnu", "macos", "windows")
COMPILED = {("ecos", "3.13"), ("ecos", "3.14")}
"""Extras of which pip has to compile a part, and for which Pythons."""
TOOLS = ("check", "docs", "release", "test", "torch")
"""Extras for work on cvxnet; and torch, of which even to ask takes long."""
BESIDE_THE_CODE = (
    *("pyproject.toml", "README.md", "LICENSE"),
    *("CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md"),
)
"""In the source distribution."""
TESTS = (
    *("extras", "cli", "objective", "options", "losses", "functions", "layers", "atoms"),
    *("certificate", "checker", "families_checker", "analysis_verdicts", "embedding", "tables"),
    *("dask", "onnx", "sklearn_networks", "lab_server", "plots"),
)
"""They touch every dependency but torch, need no browser, and end soon."""
SMOKE = """
import numpy as np, cvxnet as cn
X, y = np.array([[-1.0], [0.0], [2.0]]), np.array([1.0, 0.0, 1.0])
solution = cn.train("relu", X, y, weight_decay=0.1)
solution.certificate.save("proof.json")
print(solution.status, cn.check("proof.json").valid)
"""


def run(*command: str | Path, folder: Path = ROOT, shown: bool = False, **more: str) -> str:
    """Run a command, which has to succeed; what it printed, unless it was shown meanwhile.

    `more` goes into its environment.
    """
    print("$", *command, flush=True)
    out = None if shown else subprocess.PIPE
    outside = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"} | more
    done = subprocess.run([*command], text=True, stdout=out, cwd=folder, env=outside)
    if done.returncode:
        sys.exit(f"{done.stdout or ''}exit code {done.returncode}")
    return done.stdout or ""


def uv(*arguments: str | Path) -> str:
    """Run uv, which is much faster than pip at making environments."""
    return run(sys.executable, "-m", "uv", *arguments)


def expect(holds: bool, what: object) -> None:
    """Stop with a message where something does not hold."""
    if not holds:
        sys.exit(f"not as expected: {what}")


def environment(at: Path, python: str, *requirements: str | Path) -> Path:
    """A new environment with these requirements; the folder of its programs."""
    uv("venv", "--quiet", "--clear", "--python", python, at)
    programs = at / "bin"
    uv("pip", "install", "--quiet", "--python", programs / "python", *requirements)
    uv("pip", "check", "--python", programs / "python")
    return programs


def interpreter(version: str) -> str | None:
    """A Python of that version on this machine: on the path, or one of pyenv's."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"), reverse=True)
    for found in [shutil.which(f"python{version}"), *map(str, kept)]:
        if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
            return found
    return None


def check_contents(files: list[str], more: tuple[str, ...]) -> None:
    """Besides the package, as git has it, there is nothing but what is named."""
    tracked = run("git", "ls-files", "cvxnet").split()
    odd = {*files} ^ {*tracked, *more}
    expect(not odd, f"{sorted(odd)} in one place only, the repository or the distribution")


def names_in_wheel(path: Path) -> list[str]:
    """The files of a wheel, without its metadata."""
    with zipfile.ZipFile(path) as archive:
        return [name for name in archive.namelist() if ".dist-info/" not in name]


def names_in_source(path: Path) -> list[str]:
    """The files of a source distribution, without its metadata."""
    with tarfile.open(path) as archive:
        names = [member.name.partition("/")[2] for member in archive if member.isfile()]
    return [name for name in names if name not in ("PKG-INFO", ".gitignore")]


def try_out(distribution: Path, scratch: Path) -> None:
    """Install it where nothing else is, and use the command and the library from elsewhere."""
    programs = environment(scratch / "environment", sys.executable, distribution)
    here = scratch / "elsewhere"
    here.mkdir()
    said = run(programs / "cvxnet", "--version", folder=here)
    expect(PROJECT["version"] in said, said)
    expect("certify" in run(programs / "cvxnet", "--help", folder=here), "a list of commands")
    said = run(programs / "python", "-W", "error", "-c", SMOKE, folder=here)
    expect(said.split() == ["optimal", "True"], said)
    said = run(programs / "cvxnet", "check", "proof.json", folder=here)
    expect(said.startswith("PROVED"), said)


def package() -> None:
    """Build, look inside, install and use both distributions."""
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", ROOT / "dist")
    (wheel,), (source,) = (ROOT / "dist").glob("*.whl"), (ROOT / "dist").glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, source)
    check_contents(names_in_wheel(wheel), ())
    check_contents(names_in_source(source), BESIDE_THE_CODE)
    for distribution in (wheel, source):
        with tempfile.TemporaryDirectory() as scratch:
            try_out(distribution, Path(scratch))
    uv("tool", "run", "--quiet", "cffconvert", "--validate")


def wheels() -> None:
    """Resolve, from wheels alone, for all Pythons and platforms; extras on this platform."""
    extras = [name for name in PROJECT["optional-dependencies"] if name not in TOOLS]
    for python in PYTHONS:
        wanted = [
            item for name in extras if (name, python) not in COMPILED for item in ("--extra", name)
        ]
        for platform, more in [*((each, []) for each in PLATFORMS), ("linux", wanted)]:
            where = ("--python-version", python, "--python-platform", platform)
            only = ("--only-binary", ":all:", "pyproject.toml")
            uv("pip", "compile", "--quiet", "--no-header", *where, *more, *only)


def tests_with(name: str, python: str, *options: str) -> None:
    """The tests in an environment of its own, with everything that they need but torch."""
    at = ROOT / ".venv" / name
    programs = environment(at, python, *options, "--editable", ".[check]")
    files = [f"tests/test_{each}.py" for each in TESTS]
    # warnings of packages that were never made for one another are not cvxnet's
    asked = ("-q", "-n", "2", "--dist", "worksteal", "-W", "default", "-p", "no:cacheprovider")
    # beside the code another numba would replace the kernels that .venv has compiled
    kernels = str(at / "kernels")
    run(programs / "python", "-m", "pytest", *asked, *files, shown=True, NUMBA_CACHE_DIR=kernels)


def oldest() -> None:
    """The lowest versions that are allowed, on the lowest Python."""
    lowest = interpreter(PYTHONS[0])
    expect(lowest is not None, f"Python {PYTHONS[0]} is installed")
    tests_with("oldest", str(lowest), "--resolution", "lowest-direct")


def newest() -> None:
    """The newest versions, on the newest Python that is here."""
    found = [path for version in PYTHONS if (path := interpreter(version))]
    tests_with("newest", found[-1], "--upgrade")


JOBS = {job.__name__: job for job in (package, wheels, oldest, newest)}

if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        JOBS[wanted]()
