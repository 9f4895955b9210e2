"""What do the pictures of the gallery look like? Runs the code of docs/gallery.md and saves them.

    python -m experiments figures [--quick] [--out DIR]

--quick draws those of the first section only.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

GALLERY = Path(__file__).resolve().parents[1] / "docs" / "gallery.md"
AFTER_QUICK = "## The lift"


def blocks(text: str) -> list[str]:
    """The Python code of a markdown text, block by block."""
    return re.findall(r"```python\n(.*?)```", text, flags=re.S)


def drawn(text: str, folder: Path) -> Iterator[tuple[Path, float]]:
    """Run the code of a text in a folder; each picture with the seconds since the one before."""
    names: dict[str, object] = {}
    seen: set[Path] = set()
    started = time.perf_counter()
    with contextlib.chdir(folder):
        for code in blocks(text):
            exec(compile(code, str(GALLERY), "exec"), names)
            for path in sorted(set(folder.iterdir()) - seen):
                seen.add(path)
                yield path, time.perf_counter() - started
                started = time.perf_counter()


def main(argv: list[str]) -> None:
    """Draw, say what was drawn, and put it where ``--out`` says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the first section only")
    parser.add_argument("--out", type=Path, help="write the pictures into this folder")
    options = parser.parse_args(argv)
    out = None if options.out is None else options.out.resolve()
    text = GALLERY.read_text(encoding="utf-8")
    if options.quick:
        text = text.split(AFTER_QUICK)[0]
    with tempfile.TemporaryDirectory() as folder:
        for path, seconds in drawn(text, Path(folder)):
            print(f"{path.name:24} {path.stat().st_size / 1000.0:6.1f} kB {seconds:6.1f} s")
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, out / path.name)
