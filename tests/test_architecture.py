"""The house stands as designed: which room imports which, and what importing cvxnet costs."""

import ast
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from house import COMPLEX, House, complexity

import cvxnet

pytestmark = pytest.mark.architecture

PACKAGE = Path(__file__).parents[1] / "cvxnet"
CHECKER = PACKAGE / "proofs" / "checker"

TOWER = (
    ("types",),
    ("errors",),
    ("optional",),
    ("kernels",),
    ("data",),
    ("functions",),
    ("losses",),
    ("layers",),
    ("objective",),
    ("proofs",),
    ("training",),
    ("analysis", "baselines"),
    ("interop", "plots"),
    ("lab",),
    ("cli",),
    ("", "__main__"),
)
"""A room may import what stands before its floor, never what stands beside it or after."""
FLOOR = {room: floor for floor, rooms in enumerate(TOWER) for room in rooms}
SINGLE = {"types", "errors", "optional", "kernels", "__main__"}
"""Rooms of one file: what everybody names, the loaders of optional packages, what compiled kernels
share, ``python -m``."""
CALLED_FROM_BELOW = {
    ("baselines.report", "plots.comparison"): "plot",
    ("training.paths", "plots.path"): "plot",
    ("training.widths", "plots.widths"): "plot",
}
"""The arrows that run up, from the functions of that name: `plot` of `Runs`, `Path`, `Widths`."""
OPTIONAL = ("ecos", "torch", "safetensors", "onnx", "sklearn", "matplotlib", "starlette", "uvicorn")
OPTIONAL += ("dccp", "pyarrow")


HOUSE = House(PACKAGE)
MODULES = HOUSE.paths


@pytest.mark.parametrize("module", MODULES, ids=lambda name: name or "cvxnet")
def test_imports_are_written_in_full(module):
    """Only inside the checker they are relative: it must run wherever it is copied."""
    for node in ast.walk(HOUSE.trees[module]):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level <= 3 and node.module, f"{module}: name the module"
            assert CHECKER in MODULES[module].parents, f"{module}: write imports in full"


@pytest.mark.parametrize("module", MODULES, ids=lambda name: name or "cvxnet")
def test_rooms_import_only_what_stands_before_them(module):
    here = module.split(".")[0]
    assert here in FLOOR, f"{here!r} has no place in the tower"
    upward = {
        other
        for other in HOUSE.arrows[module]
        if (there := other.split(".")[0]) != here and FLOOR[there] >= FLOOR[here]
    }
    allowed = {other: name for (one, other), name in CALLED_FROM_BELOW.items() if one == module}
    assert upward == allowed.keys()
    assert HOUSE.inner_imports(module) == list(allowed.values())


def test_modules_outside_a_room_are_few():
    single = {name for name, path in MODULES.items() if path.parent == PACKAGE} - {""}
    assert single == SINGLE


def test_the_checker_stands_alone():
    """It imports itself, always relatively, flint and the standard library, and hides neither."""
    outside = set()
    for path in CHECKER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                origin = path.parents[node.level - 1]
                assert origin.joinpath(*node.module.split(".")).with_suffix(".py").is_file(), (
                    path,
                    node.module,
                )
            elif isinstance(node, ast.ImportFrom):
                outside.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                outside |= {alias.name.split(".")[0] for alias in node.names}
    assert outside - set(sys.stdlib_module_names) == {"flint"}
    assert not {path.stem for path in CHECKER.iterdir()} & {*sys.stdlib_module_names, "flint"}


@pytest.mark.parametrize("package", OPTIONAL)
def test_optional_packages_are_imported_in_one_place(package):
    def uses(name):
        return name == package or name.startswith(f"{package}.")

    places = {module for module, names in HOUSE.imports.items() if any(map(uses, names))}
    assert len(places) <= 1


def test_private_registries_of_cvxpy_are_touched_in_one_file():
    touching = {
        module
        for module, path in MODULES.items()
        if "cvxpy.reductions" in " ".join(HOUSE.imports[module])
        or "CANON_METHODS" in path.read_text()
    }
    assert touching <= {"layers.atoms.cones"}


def test_modules_do_not_import_each_other_in_a_circle():
    """An import inside a function or for types only is an arrow like any other."""
    assert HOUSE.circles == []


def test_functions_import_nothing_of_the_package():
    """But those that call what stands above them."""
    inner = {(module, name) for module in MODULES for name in HOUSE.inner_imports(module)}
    assert inner == {(module, name) for (module, _), name in CALLED_FROM_BELOW.items()}


def test_every_function_of_the_analysis_fits_in_the_eye():
    complex_ones = [
        f"{module}.{function.name}"
        for module, function in HOUSE.functions
        if module.startswith("analysis.") and complexity(function) > COMPLEX
    ]
    assert complex_ones == []


@pytest.mark.parametrize(
    ("code", "needed"),
    [
        ("import cvxnet", "pass"),
        ("import cvxnet; dir(cvxnet)", "pass"),
        ("import cvxnet.proofs.checker", "import flint"),
        ("from cvxnet.cli import main; main(['--help'])", "import typer"),
        ("from cvxnet.cli import main; main(['--version'])", "import typer"),
    ],
)
def test_what_is_not_needed_yet_is_not_loaded(code, needed):
    assert packages_loaded(code) - packages_loaded(needed) == {"cvxnet"}


def test_all_public_names_need_no_optional_package():
    names = ", ".join(name for name in cvxnet.__all__ if not name.startswith("ConvexNet"))
    loaded = packages_loaded(f"from cvxnet import {names}")
    assert not loaded & set(OPTIONAL) - {"ecos"}  # which CVXPY loads where it is installed


def packages_loaded(code: str) -> set[str]:
    """The packages outside the standard library that are loaded when ``code`` has run."""
    report = "import atexit, sys; atexit.register(lambda: print('|', *sys.modules))\n"
    run = subprocess.run(
        [sys.executable, "-c", report + code], capture_output=True, text=True, cwd=PACKAGE.parent
    )
    assert run.returncode == 0, run.stderr
    names = {name.split(".")[0] for name in run.stdout.rpartition("|")[2].split()}
    return names - sys.stdlib_module_names - {"__main__"}


def test_public_names_stand_once_for_people_and_once_for_python():
    """Type checkers read the imports, Python the table; modules are named as they are there."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == cvxnet.HOME
    assert seen.keys() == set(cvxnet.__all__)
    assert {module.split(".")[0] for module in MODULES} - {"", "cli", "__main__"} == cvxnet.ROOMS
    assert set(dir(cvxnet)) >= seen.keys() | cvxnet.ROOMS
    assert all(getattr(cvxnet, name) is not None for name in [*cvxnet.__all__, *cvxnet.ROOMS])
    assert not {"Any", "HOME", "import_module"} & set(dir(cvxnet))
    assert cvxnet.__version__ == metadata.version("cvxnet")
    assert (PACKAGE / "py.typed").exists()
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        cvxnet.trian  # noqa: B018
