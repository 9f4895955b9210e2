"""Optional packages: each is loaded here and nowhere else, when something needs it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from sys import modules
from types import SimpleNamespace
from typing import Any

from cvxnet.errors import MissingExtraError


def loaded(module: str, extra: str, need: str, *names: str) -> Any:
    """A module that has these names; MissingExtraError where there is none."""
    found = module_or_none(module)
    if found is None or not {*names} <= {*dir(found)}:
        raise MissingExtraError(
            f"{need}, which is not installed. Install the extra: pip install 'cvxnet[{extra}]'"
        )
    return found


def module_or_none(module: str) -> Any:
    """A module, or None where it cannot be imported."""
    try:
        return import_module(module)
    except ImportError:
        return None


def is_installed(module: str) -> bool:
    """Whether a module could be imported; it is not.

    >>> is_installed("json"), is_installed("no_such_module")
    (True, False)
    """
    if module in modules:
        return modules[module] is not None  # which is how somebody forbids it
    return has_spec(module)


@cache
def has_spec(module: str) -> bool:
    """The same of a module that is not loaded: to look for its file takes a while, so once."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def import_torch() -> Any:
    """The package torch."""
    return loaded("torch", "torch", "modules of torch and gradient training need torch")


def import_fx() -> Any:
    """The tracer of torch."""
    return loaded("torch.fx", "torch", "modules of torch and gradient training need torch")


def import_safetensors() -> Any:
    """The package safetensors."""
    return loaded("safetensors", "safetensors", "files of safetensors need that package")


def import_onnx(part: str = "") -> Any:
    """The package onnx, or a part that it does not load by itself."""
    return loaded(f"onnx.{part}" if part else "onnx", "onnx", "ONNX files need onnx")


def import_onnxruntime() -> Any:
    """The package onnxruntime."""
    return loaded("onnxruntime", "onnx", "running ONNX files needs onnxruntime")


def import_matplotlib(*more: str) -> Any:
    """The package matplotlib with the modules that pictures are made of, and some more."""
    for module in ("figure", "cm", "colors", "font_manager", "ticker", "collections", *more):
        loaded(f"matplotlib.{module}", "demo", "pictures need matplotlib")
    return import_module("matplotlib")


def import_bundled_data() -> Any:
    """The data sets of scikit-learn."""
    return loaded("sklearn.datasets", "demo", "the diabetes data come with scikit-learn")


def import_sklearn(module: str, *names: str) -> Any:
    """A module of scikit-learn that has these names."""
    need = "the estimators need scikit-learn 1.6 or newer"
    return loaded(f"sklearn.{module}", "sklearn", need, *names)


def import_lasso() -> tuple[Any, Any]:
    """The lasso of scikit-learn as a function, and a context of trust in it.

    There it does not check its input.
    """
    need = "linear models in the norm l1 of a sparse matrix need scikit-learn"
    models = loaded("sklearn.linear_model", "sklearn", need, "lasso_path")
    trusting = loaded("sklearn", "sklearn", need, "config_context").config_context
    return models.lasso_path, trusting


def import_ecos() -> Any:
    """The solver ECOS, which has wheels for x86-64 up to Python 3.12, and elsewhere is an extra."""
    return loaded("ecos", "ecos", "the solver ECOS needs ecos")


def import_dccp() -> Any:
    """The package dccp, or None: no extra has it, and nothing needs it."""
    return module_or_none("dccp")


def import_pyarrow(module: str) -> Any:
    """A module of pyarrow."""
    return loaded(f"pyarrow.{module}", "tables", f"files of {module} need pyarrow", "read_table")


def import_starlette() -> Any:
    """The names of starlette that a server is made of, in one namespace."""
    need = "the lab is a local web page, which needs starlette"
    places = {
        "applications": "Starlette",
        "datastructures": "Headers MutableHeaders",
        "middleware": "Middleware",
        "responses": "Response StreamingResponse",
        "routing": "Mount Route",
        "staticfiles": "StaticFiles",
    }
    names = {module: text.split() for module, text in places.items()}
    modules = {name: loaded(f"starlette.{name}", "lab", need, *names[name]) for name in names}
    return SimpleNamespace(
        **{name: getattr(modules[module], name) for module in names for name in names[module]}
    )


def import_uvicorn() -> Any:
    """The web server uvicorn."""
    return loaded("uvicorn", "lab", "the lab is a local web page, which needs uvicorn")
