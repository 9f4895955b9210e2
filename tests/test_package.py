"""What the package says about itself: the same everywhere, complete, and true."""

import importlib.util
import re
import tomllib
from datetime import date
from importlib import metadata
from pathlib import Path

import pytest
import yaml

import cvxnet

pytestmark = pytest.mark.documentation

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
HEADINGS = re.findall(r"^## (\S+) \((\S+)\)$", CHANGELOG, flags=re.M)
HOME = "https://github.com/cvxnet/cvxnet"


def module_at(path):
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LICENCES = module_at(Path("docs/contributing/licences.py"))
JOBS = module_at(Path(".ci/jobs.py"))
PAGE = (ROOT / "docs" / "contributing" / "licences.md").read_text("utf-8")
ROW = re.compile(r"^\| ([\w-]+) \| (\d[\w.]*) \| (.+) \| (.+) \|$", flags=re.M)
TABLES = {region[2]: ROW.findall(region[0]) for region in LICENCES.REGION.finditer(PAGE)}
"""Package, version, licence and who asks for it, of each line."""
LINES = [line for lines in TABLES.values() for line in lines]


def test_one_version_everywhere():
    version, released = HEADINGS[0]
    assert PROJECT["version"] == CITATION["version"] == version
    assert metadata.version("cvxnet") == cvxnet.__version__ == version
    citing = (ROOT / "docs" / "citing.md").read_text("utf-8")
    assert re.findall(r"^  version = \{(.*)\}", citing, flags=re.M) == [version]
    assert (released == "unreleased") == ("date-released" not in CITATION)


def test_the_changelog_goes_back_in_time():
    numbers = [tuple(map(int, version.split("."))) for version, _ in HEADINGS]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) == CHANGELOG.count("\n## ")
    days = [date.fromisoformat(day) for _, day in HEADINGS if day != "unreleased"]
    assert days == sorted(days, reverse=True) and len(days) >= len(HEADINGS) - 1


def test_the_citation_and_the_package_say_the_same():
    assert CITATION["title"] == PROJECT["name"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["repository-code"] == PROJECT["urls"]["Homepage"] == HOME
    assert CITATION["authors"] == PROJECT["authors"]
    assert CITATION["keywords"] == PROJECT["keywords"]


@pytest.mark.parametrize("url", PROJECT["urls"].values())
def test_addresses_lead_to_the_project_and_to_files_that_exist(url):
    assert url.startswith(HOME)
    _, _, path = url.removeprefix(HOME).partition("/main")
    assert (ROOT / path.strip("/")).exists()


def test_classifiers_name_the_pythons_that_are_tried_and_no_licence():
    classifiers = PROJECT["classifiers"]
    assert len({*classifiers}) == len(classifiers)
    assert not [each for each in classifiers if each.startswith("License")]  # an expression says it
    pythons = re.findall(r"Python :: (3\.\d+)", "\n".join(classifiers))
    assert pythons == list(JOBS.PYTHONS[: len(pythons)])
    assert PROJECT["requires-python"] == f">={pythons[0]}"


def test_every_requirement_has_a_minimum():
    extras = PROJECT["optional-dependencies"]
    named = [*PROJECT["dependencies"], *(each for items in extras.values() for each in items)]
    without = [each for each in named if "=" not in each and not each.startswith("cvxnet[")]
    assert without == []


def test_every_dependency_has_a_line_on_the_page_of_licences():
    extras = PROJECT["optional-dependencies"]
    core = {LICENCES.name_of(each) for each in PROJECT["dependencies"]}
    asked = {(name, extra) for extra in extras for name in LICENCES.named_by([extra])}
    shown = {
        (name, extra)
        for part in ("extras", "work")
        for name, _, _, reasons in TABLES[part]
        for extra in reasons.split(", ")
    }
    assert {name for name, *_ in TABLES["core"]} == core and shown == asked
    assert all(re.search("[A-Z]", licence) for _, _, licence, _ in LINES)


def test_a_licence_is_what_the_package_says_in_the_version_looked_at():
    here = {
        (LICENCES.name_of(each.name), each.version.partition("+")[0])
        for each in metadata.distributions()
    }
    looked_at = [(name, licence) for name, version, licence, _ in LINES if (name, version) in here]
    assert looked_at == [(name, LICENCES.licence(name)) for name, _ in looked_at]


def test_the_page_of_licences_is_filled_by_region():
    page = LICENCES.page_with(dict.fromkeys(("core", "along", "extras", "work"), "new\n"), PAGE)
    assert page.count("\nnew\n<!-- end -->") == 4 and "| numpy |" not in page
    assert page.count("<!--") == PAGE.count("<!--") == 8


def test_the_page_names_what_is_copyleft():
    copyleft = {name for name, _, licence, _ in LINES if "GPL" in licence}
    text = PAGE.partition("## ")[0]
    assert copyleft and all(name in text.lower() for name in copyleft)
