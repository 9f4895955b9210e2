"""Without any optional package the core works, and whoever needs one is told which extra has it.

A fresh interpreter in which no optional package can be imported runs this file as a script; the
tests look at what it reports.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.failure

ROOT = Path(__file__).parents[1]
OPTIONAL = (
    *("torch", "safetensors", "onnx", "onnxruntime", "sklearn", "matplotlib", "dask"),
    *("distributed", "pyarrow", "starlette", "uvicorn", "anyio", "ecos"),
)
PIP_NAMES = (
    *("torch", "safetensors", "onnx", "scikit-learn", "matplotlib", "pyarrow", "starlette"),
    *("uvicorn", "ecos"),
)


class Blocked:
    """A finder that comes first and finds none of the optional packages."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] in OPTIONAL:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def use_the_core(folder: Path) -> dict[str, object]:
    """Express, ask, solve, trust and embed; the results, as JSON types."""
    import cvxpy as cp
    import numpy as np

    import cvxnet as cn

    X, y = np.array([[-1.0], [1.0]]), np.array([1.0, 2.0])
    solution = cn.train("relu", X, y, weight_decay=0.1, bias=False)
    solution.certificate.save(folder / "certificate.json")
    net, x = cn.input_convex([1, 3, 1]), cp.Variable(1)
    cost = cn.parametrize(net, x)
    problem = cp.Problem(cp.Minimize(cp.sum(cost.output)), [*cost.constraints, cp.abs(x) <= 1])
    return {
        "status": solution.status,
        "valid": cn.check(folder / "certificate.json").valid,
        "convex": cn.convexity(net).convex,
        "solved": bool(np.isfinite(problem.solve())),
        "saved": bool(net.save(folder / "net.json") is None and cn.load(folder / "net.json")),
    }


def entry_points(folder: Path) -> dict[str, Callable[[], object]]:
    """Everything that needs an optional package."""
    import cvxnet as cn
    from cvxnet import plots
    from cvxnet.data import tables
    from cvxnet.interop import load_thing
    from cvxnet.lab.exhibits import QUESTIONS
    from cvxnet.lab.server import serve

    (folder / "data.parquet").write_bytes(b"PAR1")
    net = cn.Sequential(cn.Linear(1, 1))
    X, y = [[-1.0], [1.0]], [1.0, 2.0]
    solution = cn.train("relu", X, y, weight_decay=0.1, bias=False)
    return {
        "from_torch": lambda: cn.from_torch(None),
        "to_torch": lambda: cn.to_torch(net),
        "a torch file": lambda: load_thing(folder / "net.pt"),
        "a file of safetensors": lambda: load_thing(folder / "net.safetensors"),
        "to_onnx": lambda: cn.to_onnx(net, folder / "net.onnx"),
        "from_onnx": lambda: cn.from_onnx(folder / "net.onnx"),
        "from_sklearn": lambda: cn.from_sklearn(None),
        "ConvexNetRegressor": lambda: cn.ConvexNetRegressor(),
        "ConvexNetClassifier": lambda: cn.ConvexNetClassifier(),
        "ConvexNetRegressorCV": lambda: cn.ConvexNetRegressorCV(),
        "ConvexNetClassifierCV": lambda: cn.ConvexNetClassifierCV(),
        "compare": lambda: cn.compare("relu", X, y, weight_decay=0.1),
        "diabetes": tables.diabetes,
        "a parquet file": lambda: tables.read_table(folder / "data.parquet"),
        "another solver": lambda: cn.train("relu", X, y, weight_decay=0.1, solver="ecos"),
        "the lab": lambda: serve(QUESTIONS),
        "a picture": lambda: plots.plot_solution(solution),
    }


def outcome(call: Callable[[], object]) -> dict[str, object]:
    """What an entry point raised, and the file that did."""
    from cvxnet.errors import MissingExtraError

    try:
        call()
    except MissingExtraError as error:
        raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
        return {"message": str(error), "file": Path(raised_in).relative_to(ROOT).as_posix()}
    except Exception as error:
        return {"message": f"{type(error).__name__}: {error}", "file": ""}
    return {"message": "nothing was missing", "file": ""}


def main(folder: Path) -> None:
    """Run in the interpreter without extras."""
    sys.meta_path.insert(0, Blocked())
    found = {"core": use_the_core(folder)}
    found["entries"] = {name: outcome(call) for name, call in entry_points(folder).items()}
    found["loaded"] = sorted({name.split(".")[0] for name in sys.modules} & set(OPTIONAL))
    print(json.dumps(found))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    run = subprocess.run(
        [sys.executable, __file__, str(tmp_path_factory.mktemp("extras"))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def extras():
    """The requirements of each extra, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"]


def test_the_core_needs_no_extra(found):
    assert found["loaded"] == []
    assert found["core"] == {
        "status": "optimal", "valid": True, "convex": True, "solved": True, "saved": True
    }  # fmt: skip


def test_every_entry_point_names_an_extra_that_installs_what_it_needs(found, extras):
    for name, said in found["entries"].items():
        extra = re.search(r"""pip install ["']cvxnet\[(\w+)\]["']""", said["message"])
        assert extra, f"{name}: {said['message']}"
        packages = [name for name in PIP_NAMES if name in said["message"]]
        assert packages, f"{name} does not say what is missing: {said['message']}"
        assert any(item.startswith(packages[0]) for item in extras[extra[1]]), said["message"]


def test_every_place_that_can_miss_a_package_was_reached(found):
    reached = {said["file"] for said in found["entries"].values()}
    places = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "cvxnet").rglob("*.py")
        if "raise MissingExtraError" in path.read_text(encoding="utf-8")
    }
    assert places == reached


if __name__ == "__main__":
    main(Path(sys.argv[1]))
