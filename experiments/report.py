"""What an experiment leaves behind: tables, pictures, expectations, answers, and how to get them.

The frame that the experiments share, itself none of them. In the folder ``OUT/NAME`` lie

* ``TABLE.csv``, a line for each setting: what was put in, and what came out;
* ``PICTURE.png``;
* ``NAME.json``: the question, answers, expectations with their sources, versions, seeds, the date,
  what machine it was and how busy, and seconds of every line of every table;
* ``kept/``, which git ignores: finished lines, so that an interrupted experiment goes on where it
  ended. They count as long as the code of cvxnet and of the experiment is what it was.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np

import cvxnet
from cvxnet.data.files import replacing
from cvxnet.plots import save_figure
from cvxnet.plots.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-peers" / "bin" / "python"
PACKAGES = ("cvxnet", "cvxpy", "numpy", "scipy", "scikit-learn", "clarabel", "ecos", "scs", "torch")
COARSE = 50
"""Dots per inch of the pictures of ``--quick``."""
INVISIBLE = 16
"""Difference of a color, of 255."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Expectation:
    """What a source says, or theory, beside what came out."""

    what: str
    expected: str
    found: str
    holds: bool
    source: str

    def __str__(self) -> str:
        verdict = "as expected" if self.holds else "DIFFERS"
        return (
            f"{self.what}: {verdict}\n    expected  {self.expected}  ({self.source})\n"
            f"    found     {self.found}"
        )


@dataclass(frozen=True)
class Answer:
    """A question with its picture (a file beside the others, or none) and what can be said."""

    question: str
    text: str
    picture: str | None


class Report:
    """One run of an experiment.

    Parameters
    ----------
    name : str
        Of the experiment, as the command line knows it.
    doc : str
        Its docstring; the first line is the question.
    argv : list of str
        What stands behind the name on the command line.
    seeds : (int, int), optional
        How many seeds unless ``--seeds`` says otherwise: in full, and with ``--quick``.
    more : callable, optional
        Gets the `argparse.ArgumentParser`, to add options of this experiment.
    packages : sequence of str, optional
        Distributions whose versions matter, besides the usual ones.

    Attributes
    ----------
    options : argparse.Namespace
        ``quick``, ``seeds`` and what `more` added.
    folder : Path
        Where everything is written.
    """

    def __init__(
        self,
        name: str,
        doc: str | None,
        argv: Sequence[str],
        *,
        seeds: tuple[int, int] = (1, 1),
        more: Callable[[argparse.ArgumentParser], object] = lambda parser: None,
        packages: Sequence[str] = (),
    ) -> None:
        self.name, self.question = name, (doc or "").split("\n")[0]
        self.argv, self.packages = list(argv), (*PACKAGES, *packages)
        self.options = _options(name, self.question, argv, seeds, more)
        self.folder: Path = self.options.out / name
        self.seconds: dict[str, list[float]] = {}
        self._load = [_load()]
        self._tables: dict[str, list[Row]] = {}
        self.expectations: list[Expectation] = []
        self.answers: list[Answer] = []
        self._memory = joblib.Memory(self.folder / "kept" / _fingerprint(name), verbose=0)
        print(self.question, flush=True)

    def table(
        self, name: str, measure: Callable[..., Row], settings: Iterable[Row], parallel: int = 1
    ) -> list[Row]:
        """Measure every setting, write the table, and return its lines.

        A line is a setting with what ``measure(**setting)`` returned: numbers and words, which are
        written down, and arrays or records, which are for pictures alone. Lines that an earlier
        run has finished are not measured again. Called again with the same name, the table grows.
        """
        timed = self._memory.cache(_timed)
        settings = list(settings)
        done = joblib.Parallel(n_jobs=parallel, return_as="generator")(
            joblib.delayed(timed)(measure, setting) for setting in settings
        )
        rows: list[Row] = []
        table = self._tables.setdefault(name, [])
        seconds = self.seconds.setdefault(name, [])
        print(f"\n{name}", flush=True)
        for setting, (found, took) in zip(settings, done, strict=True):
            rows.append(setting | found)
            table.append(rows[-1])
            seconds.append(round(took, 3))
            _write_csv(self.folder / f"{name}.csv", table)
            print(f"  {_line(rows[-1])}  [{took:.1f} s]", flush=True)
        return rows

    def expect(self, what: str, *, expected: str, found: str, holds: bool, source: str) -> None:
        """Say what was expected and what came out; a mismatch is visible, and allowed."""
        self.expectations.append(Expectation(what, expected, found, bool(holds), source))
        print(f"\n{self.expectations[-1]}", flush=True)

    def answer(
        self, question: str, text: str, picture: Figure | None = None, name: str = ""
    ) -> None:
        """A question, one paragraph for an answer, and a picture, saved under `name`."""
        file = f"{name}.png" if picture is not None else None
        if picture is not None:
            self._draw(picture, self.folder / f"{name}.png")
        self.answers.append(Answer(question, " ".join(text.split()), file))
        print(f"\n{question}\n  {self.answers[-1].text}", flush=True)

    def _draw(self, picture: Figure, path: Path) -> None:
        """As it is kept; with ``--quick``, where nothing is kept, coarse, and not laid out."""
        if self.options.quick:
            picture.set_layout_engine("none")
            with styled():
                picture.savefig(path, dpi=COARSE)
        else:
            save_figure(picture, path)
            _shrink(path)

    def close(self) -> int:
        """Write the record of the run; 0, for the command line."""
        record = {
            "question": self.question,
            "command": " ".join(["python -m experiments", self.name, *_without_out(self.argv)]),
            "quick": self.options.quick,
            "seeds": self.options.seeds,
            "answers": [asdict(answer) for answer in self.answers],
            "expectations": [asdict(expectation) for expectation in self.expectations],
            "versions": {"python": platform.python_version()} | _versions(self.packages),
            "date": datetime.date.today().isoformat(),
            "machine": machine() | {"load": [*self._load, _load()]},
            "seconds": self.seconds,
        }
        with replacing(self.folder / f"{self.name}.json") as draft:
            draft.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
        held = sum(expectation.holds for expectation in self.expectations)
        print(f"\n{held} of {len(self.expectations)} expectations met; see {self.folder}")
        return 0


def machine() -> Row:
    """The class of machine: processor, cores, and GB of memory."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text("utf-8").splitlines() if information.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": " ".join([*models[:1], platform.machine()]),
        "cores": os.cpu_count(),
        "memory": round(memory),
    }


def _load() -> float:
    """How many processes wanted to run, over the last minute: this one, and all that disturb it."""
    return round(os.getloadavg()[0], 1)


def _shrink(path: Path) -> None:
    """A palette in place of all colors, where nobody sees the difference: a third of the bytes."""
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    for colors in (64, 256):
        flat = picture.quantize(colors, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        before, after = (np.asarray(each, int) for each in (picture, flat.convert("RGB")))
        if np.abs(before - after).max() <= INVISIBLE:
            flat.save(path, optimize=True)
            return


def peers_python() -> str | None:
    """The Python that has the peers: what ``make peers`` built, or PEERS_PYTHON; or None."""
    named = os.environ.get("PEERS_PYTHON", str(PEERS))
    return named if Path(named).exists() else None


def add_options(parser: argparse.ArgumentParser, seeds: str) -> None:
    """Those of every experiment."""
    parser.add_argument("--quick", action="store_true", help="a small part, in seconds")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"seeds 0 to N-1 (default {seeds})")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write into DIR/NAME (results or results-quick)"
    )


def folder_of(options: argparse.Namespace) -> Path:
    """Where the folders of experiments are to lie."""
    return options.out or Path("results-quick" if options.quick else "results")


def _options(
    name: str,
    question: str,
    argv: Sequence[str],
    seeds: tuple[int, int],
    more: Callable[[argparse.ArgumentParser], object],
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m experiments {name}", description=question)
    add_options(parser, str(seeds[0]))
    more(parser)
    options = parser.parse_args(argv)
    if options.seeds is None:
        options.seeds = seeds[1 if options.quick else 0]
    if options.seeds < 1:
        parser.error(f"--seeds {options.seeds}: at least one seed is needed")
    options.out = folder_of(options)
    try:
        (options.out / name).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out {options.out}: no folder can be made there: {error.strerror}")
    return options


def _timed(measure: Callable[..., Row], setting: Row) -> tuple[Row, float]:
    started = time.perf_counter()
    found = measure(**setting)
    return found, time.perf_counter() - started


def _fingerprint(name: str) -> str:
    """Of all code that a line of a table can depend on."""
    package = Path(cvxnet.__file__).parent.rglob("*.py")
    sources = [
        *package,
        *HERE.glob(f"{name}*"),
        HERE / "peers",
        HERE / "problems.py",
        HERE / "descent.py",
    ]
    files = [
        path for each in sources for path in ([each] if each.is_file() else each.rglob("*.py"))
    ]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _is_written(value: object) -> bool:
    return value is None or isinstance(value, str | bool | int | float | np.number | np.bool_)


def _cell(value: Any) -> Any:
    return f"{value:.8g}" if isinstance(value, float | np.floating) else value


def _write_csv(path: Path, rows: list[Row]) -> None:
    names = list(dict.fromkeys(key for row in rows for key in row if _is_written(row[key])))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)


def _line(row: Row) -> str:
    shown = {key: value for key, value in row.items() if _is_written(value)}
    return "  ".join(
        f"{key} {value:.6g}" if isinstance(value, float | np.floating) else f"{key} {value}"
        for key, value in shown.items()
    )


def _without_out(argv: list[str]) -> list[str]:
    """The options that matter for what comes out."""
    at = argv.index("--out") if "--out" in argv else len(argv)
    return [word for word in argv[:at] + argv[at + 2 :] if not word.startswith("--out=")]


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "absent"
    return found
