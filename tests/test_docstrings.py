"""Every public name says what it takes, what it returns and what it refuses, with an example."""

import inspect
import re

import pytest

import cvxnet
from cvxnet import plots
from cvxnet.baselines.report import Runs
from cvxnet.data import tables

pytest.importorskip("sklearn")
NAMES = cvxnet.__all__
THINGS = {name: getattr(cvxnet, name) for name in NAMES} | {"Runs": Runs}
THINGS |= {name: getattr(plots, name) for name in plots.__all__}
THINGS |= {name: getattr(tables, name) for name in ("Data", "read_data", "diabetes")}
CLASSES = [name for name, thing in THINGS.items() if inspect.isclass(thing)]
ERRORS = [name for name in CLASSES if issubclass(THINGS[name], Exception)]
METHODS = [
    (name, method)
    for name in ("Runs", "ConvexNetRegressor", "ConvexNetClassifier")
    for method, function in inspect.getmembers(THINGS[name], inspect.isfunction)
    if not method.startswith("_") and function.__module__.startswith("cvxnet.")
]
FUNCTIONS = [name for name, thing in THINGS.items() if inspect.isfunction(thing)]


def sections(text):
    """The text below each heading of a docstring, by heading; what stands first under ""."""
    parts = re.split(r"^(\S[^\n]*)\n-{3,}$", inspect.cleandoc(text or ""), flags=re.MULTILINE)
    return {"": parts[0]} | dict(zip(parts[1::2], parts[2::2], strict=True))


def entries(text):
    """The names that a section of a docstring describes: those before a colon, or alone."""
    heads = re.findall(r"^([*\w][^:\n]*)(?: :[^\n]*)?$", text, flags=re.MULTILINE)
    return {name.strip().strip("*") for head in heads for name in head.split(",")}


def taken(function):
    """The names of the parameters."""
    names = inspect.signature(function).parameters
    return {name for name in names if name != "self" and not name.startswith("_")}


def test_docstrings_are_read_as_they_are_written():
    found = sections(
        "What.\n\nMore.\n\nParameters\n----------\na, b : int\n    Not: this.\nc\n    ."
    )
    assert found[""].startswith("What.") and entries(found["Parameters"]) == {"a", "b", "c"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function = THINGS[name]
    found = sections(function.__doc__)
    assert found[""].strip() and ">>>" in found.get("Examples", "")
    assert taken(function) == entries(found.get("Parameters", ""))
    assert inspect.signature(function).return_annotation in (None, "None") or "Returns" in found


@pytest.mark.parametrize("name", sorted({*CLASSES} - {*ERRORS}))
def test_classes(name):
    thing = THINGS[name]
    found = sections(vars(thing).get("__doc__"))
    assert found[""].strip() and ">>>" in found.get("Examples", "")
    described = entries(found.get("Parameters", "")) | entries(found.get("Attributes", ""))
    assert taken(thing) <= described


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_methods(name, method):
    function = getattr(THINGS[name], method)
    assert taken(function) == entries(sections(function.__doc__).get("Parameters", ""))


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    assert sections(THINGS[name].__doc__)[""].strip()


BY_CHOICE = {"SA01", "ES01", "EX01", "SA04", "PR01", "PR03", "PR04", "RT03", "SS03"}
"""What numpydoc asks for besides: sections that add nothing, attributes as parameters, an order,
and the type of what is said to be "as in" another function."""


@pytest.mark.parametrize("name", sorted(NAMES + plots.__all__))
def test_numpydoc_reads_what_was_written(name):
    if name == "FAMILIES":
        return
    validate = pytest.importorskip("numpydoc.validate").validate
    room = "cvxnet" if name in NAMES else "cvxnet.plots"
    errors = validate(f"{room}.{name}")["errors"]
    assert [error for error in errors if error[0] not in BY_CHOICE] == []
