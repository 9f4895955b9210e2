"""Draw the pictures of the lessons anew: ``python docs/tutorials/draw.py``.

The code of each page is run, in a folder that is thrown away, and the pictures that the page shows
are kept beside it.
"""

import contextlib
import io
import re
import shutil
import tempfile
from pathlib import Path

CODE = re.compile(r"^```python\n(.*?)^```$", flags=re.M | re.S)
PICTURE = re.compile(r"^!\[[^\]]*\]\(([\w-]+\.svg)\)$", flags=re.M)


def draw(page: Path) -> None:
    """Run the page and keep its pictures."""
    text = page.read_text("utf-8")
    silent = contextlib.redirect_stdout(io.StringIO())
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), silent:
        exec(compile("".join(CODE.findall(text)), str(page), "exec"), {"__name__": "page"})
        for name in PICTURE.findall(text):
            shutil.copy(name, page.parent)


if __name__ == "__main__":
    for path in sorted(Path(__file__).resolve().parent.glob("*.md")):
        if PICTURE.search(path.read_text("utf-8")):
            draw(path)
