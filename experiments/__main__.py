"""``python -m experiments NAME [options]`` runs one; ``list`` and ``all`` are names, too.

    python -m experiments list
    python -m experiments NAME [--quick] [--seeds N] [--out DIR]
    python -m experiments all [NAME ...] [--quick] [--out DIR]

``all`` runs every question (or those that are named), each in a process of its own, and says at
the end how long it took and how many expectations were met. What asks no question is a tool.
"""

import argparse
import ast
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

from experiments.report import add_options, folder_of

HERE = Path(__file__).parent


def experiments() -> dict[str, str]:
    """Names, with the first line of what each says about itself."""
    files = {path.stem: (path, path) for path in HERE.glob("[a-z]*.py")}
    files |= {
        path.parent.name: (path.parent / "__init__.py", path) for path in HERE.glob("*/__main__.py")
    }
    return {
        name: (ast.get_docstring(ast.parse(doc.read_text("utf-8"))) or "").split("\n")[0]
        for name, (doc, code) in sorted(files.items())
        if "\ndef main(" in code.read_text("utf-8")
    }


def is_question(about: str) -> bool:
    """Experiments ask a question, and leave tables, pictures and a record; others are tools."""
    return about.endswith("?")


def run(name: str, argv: list[str]) -> int:
    """Run one of them, with the options after its name."""
    sys.argv = [f"python -m experiments {name}", *argv]
    inner = ".__main__" if (HERE / name).is_dir() else ""
    return importlib.import_module(f"experiments.{name}{inner}").main(argv) or 0


def run_all(argv: list[str]) -> int:
    """Run every question, or those named first, each in a process of its own."""
    questions = [name for name, about in experiments().items() if is_question(about)]
    parser = argparse.ArgumentParser(prog=sys.argv[0], description="Runs the experiments.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these (default all)")
    add_options(parser, "each its own")
    options = parser.parse_args(argv)
    for name in options.names:
        if name not in questions:
            parser.error(f"{name!r} is no experiment; there are {', '.join(questions)}")
    passed = [word for word in argv if word not in options.names]
    lines, failed = [], 0
    for name in options.names or questions:
        started = time.perf_counter()
        code = subprocess.run([sys.executable, "-m", "experiments", name, *passed]).returncode
        failed += code != 0
        said = f"failed: exit status {code}" if code else _met(folder_of(options) / name)
        lines.append(f"{name:20} {time.perf_counter() - started:8.1f} s  {said}")
    print("\n" + "\n".join(lines))
    return 1 if failed else 0


def _met(folder: Path) -> str:
    """How many expectations were met, as the record says."""
    record = json.loads((folder / f"{folder.name}.json").read_text("utf-8"))
    held = [expectation["holds"] for expectation in record["expectations"]]
    return f"{sum(held)} of {len(held)} expectations met"


def main() -> int:
    """Run what was named; list what there is for ``list``, and for names that are unknown."""
    known = experiments()
    name, *argv = sys.argv[1:] or ["list"]
    if name == "all":
        sys.argv[0] = "python -m experiments all"
        return run_all(argv)
    if name in known:
        return run(name, argv)
    for title, asks in (("Experiments", True), ("Tools", False)):
        print(f"{title}:")
        for key, about in known.items():
            if is_question(about) == asks:
                print(f"  {key:18} {about}")
    if name not in ("list", "-h", "--help"):
        print(f"python -m experiments: there is no {name!r} among them.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
