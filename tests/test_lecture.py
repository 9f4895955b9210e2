"""The teaching material: its code runs and prints what is shown, its addresses open, and the
handout is one page."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

from cvxnet.cli import main

pytestmark = pytest.mark.documentation

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FILES = {
    "lecture": DOCS / "teaching" / "lecture.md",
    "handout": DOCS / "teaching" / "handout.md",
    "glossary": DOCS / "glossary.md",
    "gallery": DOCS / "gallery" / "GALLERY_HEADER.rst",
}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
MADE = "auto_gallery/"
"""What is there only once the site is built."""
ADDRESSES = re.findall(
    r"\]\(http://127\.0\.0\.1:8321/(\?exhibit=([a-z-]+)[^)]*)\)", TEXTS["lecture"]
)
SHOWN = dict(
    re.findall(
        r"^\| \w+ \| \[[a-z-]+\]\(http://127\.0\.0\.1:8321/([^)]+)\) \| ([^|]+) \|",
        TEXTS["lecture"],
        flags=re.M,
    )
)
"""By address, what the lecture says that it shows."""
PRINTED = """
@page { size: A4; margin: 15mm }
body { font: 10pt/1.35 "DejaVu Sans", sans-serif; margin: 0 }
h1 { font-size: 15pt; margin: 0 0 2mm }
p, ol, table, pre { margin: 0 0 2.2mm }
table { border-collapse: collapse } td, th { border: 1px solid; padding: 0.6mm 2mm }
pre, code { font: 8.5pt "DejaVu Sans Mono", monospace }
"""
"""How the handout is printed by who does not choose anything."""


@pytest.mark.parametrize("name", ["lecture", "handout"])
def test_code_prints_what_is_shown(name):
    shown = re.findall(r"```python\n(.*?)```\n```text\n(.*?)```", TEXTS[name], flags=re.S)
    assert len(shown) == TEXTS[name].count("```python") >= 1
    names: dict = {}
    for code, expected in shown:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, name, "exec"), names)
        assert printed.getvalue() == expected, code


def test_the_commands_of_the_lecture_say_what_it_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x = np.linspace(-2.0, 2.0, 12)
    rows = np.column_stack([x, np.sin(2.0 * x) + 0.5 * x])
    np.savetxt("curve.csv", rows, delimiter=",", header="x,y", comments="")
    commands = re.findall(r"^    cvxnet (train|check|explain)(.*)$", TEXTS["lecture"], flags=re.M)
    assert [name for name, _ in commands] == ["train", "check", "explain"]
    printed = []
    for name, rest in commands:
        with pytest.raises(SystemExit):
            main([name, *rest.split()])
        printed.append(capsys.readouterr().out)
    value = float(re.search(r"optimum <= ([\d.]+)", printed[0])[1])
    assert f"optimal {value:.6f} {value:.6f} 4\n" in TEXTS["lecture"]
    assert printed[1].startswith("PROVED")
    assert printed[2].startswith("NOT CONVEX") and "f(midpoint)" in printed[2]


def test_what_is_linked_exists():
    for name, path in FILES.items():
        for target in re.findall(r'(?:\]\(|src=")(?!https?:)([^)#"]+)', TEXTS[name]):
            assert MADE in target or (path.parent / target).is_file(), (name, target)


def test_lessons_and_answers_that_the_lecture_names_are_there():
    named = re.findall(r"`(0\d_\w+\.py)`", TEXTS["lecture"])
    lessons = ROOT / "experiments" / "lessons"
    assert sorted(named) == sorted(path.name for path in lessons.glob("0*.py"))
    for name in named:
        minutes = re.search(rf"`{name}`.*?(\d+) minutes", TEXTS["lecture"], flags=re.S)[1]
        assert f"*About {minutes} minutes." in (lessons / name).read_text(encoding="utf-8")
    assert (ROOT / "tests" / "lesson_answers.py").is_file()


def test_the_licence_is_stated():
    assert "CC-BY-4.0" in TEXTS["lecture"].split("## Licence")[1]
    for name in ("handout", "glossary", "gallery"):
        assert "CC-BY-4.0" in TEXTS[name], name


def test_the_glossary_has_each_word_once_in_order():
    for section in TEXTS["glossary"].split("\n## ")[1:]:
        words = re.findall(r"^\| ([^|]+) \| ", section, flags=re.M)[1:]
        plain = [re.sub(r"[^a-z ]", "", word.lower()).strip() for word in words]
        assert len(plain) > 8 and plain == sorted(set(plain))


def test_the_minutes_of_the_lectures_rise_to_their_length():
    for length in (60, 15):
        section = TEXTS["lecture"].split(f"## {length} minutes")[1].split("\n## ")[0]
        minutes = [int(m) for m in re.findall(r"^\| (\d+) \|", section, flags=re.M)]
        assert minutes[0] == 0 and minutes == sorted(set(minutes)) and minutes[-1] < length


def test_the_handout_is_one_printed_page(chromium, tmp_path):
    markdown = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    html = tmp_path / "handout.html"
    folder = FILES["handout"].parent.as_uri()
    head = f"<meta charset=utf-8><base href='{folder}/'><style>{PRINTED}</style>"
    html.write_text(f"<!doctype html>{head}{markdown.render(TEXTS['handout'])}", encoding="utf-8")
    page = chromium.new_page()
    page.goto(html.as_uri())
    assert page.evaluate("document.querySelector('img').naturalWidth") > 0
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True))) == 1
    page.close()


def test_every_exhibit_is_in_the_lecture():
    listed = (ROOT / "cvxnet" / "lab" / "page" / "lab.js").read_text(encoding="utf-8")
    known = re.findall(r'^ *\["([a-z-]+)", "', listed, flags=re.M)
    assert set(known) == {name for _, name in ADDRESSES}
    assert {re.search("exhibit=([a-z-]+)", query)[1] for query in SHOWN} == set(known)


@pytest.mark.parametrize("query", sorted({query for query, _ in ADDRESSES}))
def test_addresses_of_the_lecture_open_their_exhibit(query, lab_page):
    name = re.search("exhibit=([a-z-]+)", query)[1]
    lab_page.open(query)
    lab_page.get_by_test_id(name).first.wait_for()
    module = f"./exhibits/{name.replace('-', '_')}.js"
    state = lab_page.evaluate("async (path) => (await import(path)).default.state", module)
    given = set(re.findall(r"(\w+)=", query)) - {"exhibit", "hide", "theme"}
    assert given <= set(state), f"{name} has no {given - set(state)}"
    assert query in lab_page.url
    if query in SHOWN:
        lab_page.locator("#exhibit").get_by_text(SHOWN[query]).first.wait_for()
