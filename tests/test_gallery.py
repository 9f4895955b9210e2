"""The gallery of the site: its scripts run as the site runs them, and draw pictures that load fast;
every public plot is among them."""

import ast
import importlib.util
import os
import re
from pathlib import Path

import pytest

import cvxnet.plots
from cvxnet.plots import save_figure

pytestmark = pytest.mark.documentation

GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
SITE = GALLERY.parent / "_build" / "html" / "_images"
SCRIPTS = sorted(GALLERY.glob("*/plot_*.py"))
LARGEST = 300_000
"""Bytes of a picture; the page of an example loads one or two."""
LONGEST = 60
"""Lines of a script: what a reader takes in at once."""


def blocks_of(path):
    """The code between the comments that begin with ``# %%``, each a block on the page."""
    text = path.read_text("utf-8")
    return [ast.parse(code, str(path)) for code in re.split(r"^# %%.*$", text, flags=re.M)]


def pictures_of(path):
    """What the blocks of a script draw: the figures that their last lines return."""
    names = {"__name__": "__main__"}
    for block in blocks_of(path):
        last = block.body.pop() if block.body and isinstance(block.body[-1], ast.Expr) else None
        exec(compile(block, str(path), "exec"), names)
        drawn = last and eval(compile(ast.Expression(last.value), str(path), "eval"), names)
        if hasattr(drawn, "savefig"):
            yield drawn


def drawn_by(path, folder):
    """The pictures of a script: those of the site, where CI has just built it, or drawn here."""
    if os.environ.get("CI") and SITE.is_dir():
        return sorted(SITE.glob(f"sphx_glr_{path.stem}_0*.svg"))
    pictures = []
    for k, figure in enumerate(pictures_of(path)):
        pictures.append(folder / f"{k}.svg")
        save_figure(figure, pictures[-1])
    return pictures


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_draws_its_pictures(path, tmp_path, capsys):
    text = path.read_text("utf-8")
    if "torch" in text or "cn.compare" in text:
        pytest.importorskip("torch")
    pictures = drawn_by(path, tmp_path)
    assert 1 <= len(pictures) <= 3
    assert all(picture.stat().st_size < LARGEST for picture in pictures)
    assert len(text.splitlines()) <= LONGEST
    title, line, _, first = ast.get_docstring(ast.parse(text)).split("\n")[:4]
    assert line == "=" * len(title) and first


def test_every_public_plot_is_in_the_gallery():
    code = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    public = {name for name in cvxnet.plots.__all__ if re.match("plot_|animate_", name)}
    assert len(public) > 10 and {name for name in public if f"plots.{name}(" not in code} == set()


def test_every_section_has_its_place_and_examples():
    pytest.importorskip("sphinx_gallery")
    spec = importlib.util.spec_from_file_location("conf", GALLERY.parent / "conf.py")
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)
    assert set(conf.SECTIONS) == {path.name for path in GALLERY.iterdir() if path.is_dir()}
    for section in conf.SECTIONS:
        assert (GALLERY / section / "GALLERY_HEADER.rst").is_file()
        assert len([path for path in SCRIPTS if path.parent.name == section]) >= 3
