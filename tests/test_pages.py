"""What README and the pages of the site say is what happens: their code runs and prints what is
shown, their commands print what is shown, and what they name exists.

A ``python`` block runs, with the names of those before it on the page; it prints what the ``text``
block right after it shows, or nothing. In a ``console`` block, lines with ``$`` are run; what
stands below is what they print, but for numbers, and ``...`` is anything. Commands in a ``sh``
block are for the reader to run: what they name exists. All files of a page lie in one folder.
"""

import contextlib
import doctest
import io
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cvxnet.cli import main
from cvxnet.layers.layer import KINDS
from cvxnet.losses import LOSSES
from cvxnet.objective import FAMILIES
from cvxnet.proofs.checker import atoms, families, losses
from cvxnet.training.units import UNITS
from experiments.__main__ import experiments

pytestmark = pytest.mark.documentation

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
MADE = ROOT / "docs" / "findings"
"""Pages that experiments write."""
FENCES = re.compile(r"^(`{3,})(\S*)\n(.*?)^\1$", flags=re.M | re.S)
KNOWN = {"python", "text", "console", "sh", "json", "math", "javascript", "bibtex", "html"}
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]
RULES = re.findall(r"^([\w -]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.M)
TARGETS = " ".join(RULES).split()
REGISTRIES: list[dict] = [KINDS, LOSSES, FAMILIES, UNITS]
REGISTRIES += [atoms.FORMULAS, families.UNITS, losses.LOSSES]
"""To which some pages add something."""
PICTURE = re.compile(r"^!\[[^\]]*\]\(([\w-]+\.svg)\)$", flags=re.M)
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def named(path):
    """How a page is called in the list of tests."""
    return str(path.relative_to(ROOT))


def blocks(text):
    """Language and text of every block, and whether it stands right below the one before."""
    end = 0
    for found in FENCES.finditer(text):
        yield found[2], found[3], not text[end : found.start()].strip()
        end = found.end()


def printed_by_python(code, names):
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, "page", "exec"), names)
    return printed.getvalue()


def printed_by_command(command, capsys):
    """What a command prints, and its exit code; only cvxnet and python are run."""
    program, *argv = shlex.split(command)
    if program == "python":
        done = subprocess.run([sys.executable, *argv], capture_output=True, text=True)
        return done.stdout, done.returncode
    assert program == "cvxnet", f"only cvxnet and python can be run: {command}"
    try:
        code = main(argv)
    except SystemExit as ended:
        code = ended.code
    return capsys.readouterr().out, code or 0


def masked(text):
    """Numbers differ between machines, what stands around them does not."""
    return NUMBER.sub("#", text)


def check_console(session, capsys):
    commands = re.split(r"^\$ ", session.replace("\\\n", " "), flags=re.M)
    assert not commands[0].strip(), "a console block begins with a command"
    for command, _, shown in (each.partition("\n") for each in commands[1:]):
        printed, code = printed_by_command(command, capsys)
        same = doctest.OutputChecker().check_output(masked(shown), masked(printed), LOOSELY)
        assert same if shown.strip() else code == 0, f"$ {command}\n{printed}exit code {code}"


@pytest.fixture
def registries_as_they_were():
    """What a page adds to them is gone after it."""
    before = [dict(registry) for registry in REGISTRIES]
    yield
    for registry, entries in zip(REGISTRIES, before, strict=True):
        registry.clear()
        registry.update(entries)


@pytest.mark.usefixtures("registries_as_they_were")
@pytest.mark.parametrize("path", [p for p in PAGES if MADE not in p.parents], ids=named)
def test_what_a_page_shows_is_what_happens(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "page"}, ""
    for language, code, follows in [*blocks(path.read_text("utf-8")), ("", "", False)]:
        if language == "text" and follows:
            assert printed == code
            printed = ""
        assert printed == "", "printed, but not shown in a text block below"
        if language == "python":
            printed = printed_by_python(code, names)
        elif language == "console":
            check_console(code, capsys)
    if path.parent.name == "tutorials":  # whose pictures docs/tutorials/draw.py keeps
        shown = PICTURE.findall(path.read_text("utf-8"))
        assert [name for name in shown if not (tmp_path / name).exists()] == []


def test_a_lesson_keeps_the_pictures_that_it_shows(tmp_path):
    page = tmp_path / "lesson.md"
    code = 'import pathlib\nfor name in "ab":\n    pathlib.Path(f"{name}.svg").touch()'
    page.write_text(f"```python\n{code}\n```\n\n![shown](a.svg)\n")
    runpy.run_path(str(ROOT / "docs" / "tutorials" / "draw.py"))["draw"](page)
    assert [path.name for path in tmp_path.glob("*.svg")] == ["a.svg"]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_blocks_have_a_known_language(path):
    text = path.read_text("utf-8")
    languages = {language for language, _, _ in blocks(text) if not language.startswith("{")}
    assert languages <= KNOWN
    assert len(re.findall(r"^```", text, flags=re.M)) % 2 == 0


def commands_of(path):
    """Of the blocks for the shell, fenced or indented."""
    text = path.read_text("utf-8")
    fenced = [code for language, code, _ in blocks(text) if language == "sh"]
    indented = re.findall(r"^    (.*)$", FENCES.sub("", text), flags=re.M)
    lines = [line.split("  #")[0] for line in "\n".join([*fenced, *indented]).splitlines()]
    return [each.strip() for line in lines for each in line.split("&&")]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_commands_name_what_exists(path, capsys):
    helps: dict = {}
    for command in commands_of(path):
        program, *rest = command.split() or [""]
        if program == "make":
            assert rest[0] in TARGETS, command
        elif command.startswith("python -m experiments"):
            assert {"list", "all", *experiments()} & {rest[2]}, command
        elif program == "pip":
            for extras in re.findall(r"\[([\w,]+)\]", command):
                assert set(extras.split(",")) <= EXTRAS.keys(), command
        elif program == "cvxnet" and not rest[0].startswith("-"):
            if rest[0] not in helps:
                with pytest.raises(SystemExit):
                    main([rest[0], "--help"])
                helps[rest[0]] = capsys.readouterr().out
            assert all(option in helps[rest[0]] for option in re.findall(r"--[\w-]+", command))
