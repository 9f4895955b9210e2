"""One trial: a script that is written while it runs, and the promises that it breaks."""

from __future__ import annotations

import re
import shutil
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.errors import CvxnetError

PACKAGE = "/cvxnet/"
IMPORTS = {
    r"\bnp\.": "import numpy as np",
    r"\bcp\.": "import cvxpy as cp",
    r"\bcn\.": "import cvxnet as cn",
    r"\btruth\.": "import truth",
    r"\btorch\.": "import torch",
    r"\bjson\.": "import json",
    r"\bonnxruntime\.": "import onnxruntime",
    r"\boracles\.": "from experiments.adversary import oracles",
    r"\bnumeric\.": "from experiments.adversary import numeric",
    r"\bcommands\.": "from experiments.adversary import commands",
    r"\bfolder\b": "from pathlib import Path\nimport tempfile",
    r"\bchecker\.": "from cvxnet.proofs import checker",
    r"\b(inf|nan)\b": "from numpy import inf, nan",
}
"""What a line of a script needs, by what stands in it."""


@dataclass(frozen=True)
class Failure:
    """A promise that did not hold; failures of one kind are shown once."""

    kind: str
    found: str
    snippet: str


class EndedError(Exception):
    """The script cannot go on."""


@dataclass
class Script:
    """Python statements, each kept as text and run at once, and what was promised about them.

    A snippet is therefore what was run, to the last digit.
    """

    part: str
    told: Callable[[str], None] = lambda line: None
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]

    def let(self, **values: Any) -> None:
        """Names for values, written out exactly."""
        for name, value in values.items():
            self.run(f"{name} = {literal(value)}")

    def run(self, line: str, refusals: tuple[type[Exception], ...] = ()) -> bool:
        """Run a statement; False where it was refused by one of these exceptions.

        Any other exception is a failure and ends the trial.
        """
        self.lines.append(line)
        self.told(line)
        try:
            self.execute(line)
        except refusals as refusal:
            self.checked[f"refused: {type(refusal).__name__}"] += 1
            self.lines[-1] = f"# refused, {refusal}:\n# {line}"
            return False
        except Exception as error:
            self.fail(kind_of(error), last_line(error))
            raise EndedError from error
        return True

    def execute(self, line: str) -> None:
        """Run a statement among the names, after the imports that it needs."""
        for statement in imports([line]):
            exec(statement, self.names)
        exec(compile(line, "<trial>", "exec"), self.names)

    def holds(self, promise: str, claim: str, *shown: str) -> bool:
        """Evaluate a claim; where it is false, a promise is broken, and ``shown`` says how."""
        self.checked[promise] += 1
        self.told(f"assert {claim}")
        try:
            for statement in imports([claim, *shown]):
                exec(statement, self.names)
            if eval(claim, self.names):
                return True
            found = ", ".join(f"{what} = {short(eval(what, self.names))}" for what in shown)
        except Exception as error:
            self.fail(f"{promise}: {kind_of(error)}", last_line(error), f"assert {claim}")
            return False
        self.fail(promise, found or "false", f"assert {claim}  # {promise}")
        return False

    def fail(self, kind: str, found: str, *more: str) -> None:
        """Keep a failure with the script so far."""
        lines = [*self.lines, *more]
        text = "\n".join([*imports(lines), "", *lines, f"# found: {found}"])
        self.failures.append(Failure(f"{self.part}: {kind}", found, text))

    def folder(self) -> None:
        """A directory of the trial's own, by the name ``folder``."""
        if "folder" not in self.names:
            self.run("folder = Path(tempfile.mkdtemp())")


def run_trial(
    part: str,
    trial: Callable[[np.random.Generator, Script], None],
    seed: int,
    number: int,
    told: Callable[[str], None] = lambda line: None,
) -> Script:
    """Trial ``number`` of a part; every warning is an error."""
    script = Script(part, told)
    rng = np.random.default_rng([seed, zlib.crc32(part.encode()), number])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            trial(rng, script)
        except EndedError:
            pass
        finally:
            if "folder" in script.names:
                shutil.rmtree(script["folder"], ignore_errors=True)
    return script


def imports(lines: list[str]) -> list[str]:
    """The import statements that these lines need."""
    text = "\n".join(lines)
    return [statement for pattern, statement in IMPORTS.items() if re.search(pattern, text)]


def listed(text: str) -> list[str]:
    """The words of a text: what has no blank inside."""
    return text.split()


def literal(value: Any) -> str:
    """Python text that gives the value back exactly."""
    if isinstance(value, np.ndarray):
        kind = "" if value.dtype == float and value.size else f", dtype={value.dtype.name!r}"
        return f"np.array({value.tolist()!r}{kind})"
    if isinstance(value, np.generic):
        return repr(value.item())
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        inside = ", ".join(map(literal, value)) + ("," if len(value) == 1 else "")
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return repr(value)


def short(value: Any, most: int = 300) -> str:
    """The representation of a value, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= most else f"{text[:most]}..."


def last_line(error: BaseException) -> str:
    """Type and message, and where in cvxnet it came from."""
    return short_text(f"{type(error).__name__}: {error} ({place(error)})")


def short_text(text: str, most: int = 500) -> str:
    """On one line, cut where it is long."""
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most]}..."


def place(error: BaseException) -> str:
    """File and function of the innermost frame of cvxnet, or of all."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f for f in frames if PACKAGE in f.filename and "site-packages" not in f.filename]
    frame = (inside or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.name}"


def kind_of(error: BaseException) -> str:
    """What makes two exceptions of one kind: type, place, and the message without its numbers."""
    kind = f"{type(error).__name__} in {place(error)}"
    if isinstance(error, CvxnetError):
        words = re.sub(r"[\d.eE+-]*\d[\d.eE+-]*", "#", " ".join(str(error).split()))
        kind += f": {words[:60]}"
    return kind
