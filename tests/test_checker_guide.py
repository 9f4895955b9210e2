"""The guide to the checker is true: what it lists is what a certificate rests on."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
from claimed import Claimed
from house import COMPLEX, Function, complexity
from scipy import sparse

import cvxnet as cn
from cvxnet.proofs import checker
from cvxnet.proofs.checker import convexity
from cvxnet.proofs.checker.convexity.answer import KINDS
from cvxnet.proofs.checker.convexity.domains.problems import PROBLEM

FOLDER = Path(checker.__file__).parent
CALLED = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import checker
called = set()
def look(frame, event, argument):
    if event == "call":
        path = Path(frame.f_code.co_filename)
        if path.parent == Path(checker.__file__).parent:
            called.add(path.stem)
for path in sys.argv[2:]:
    called.clear()
    sys.setprofile(look)
    result = checker.check(path)
    sys.setprofile(None)
    print(json.dumps([result.reason, sorted(called)]))
"""


def called(paths):
    """The reasons of answers and the files of the checker in which a function was called."""
    command = [sys.executable, "-I", "-c", CALLED, str(FOLDER.parent), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for reason, files in map(json.loads, done.stdout.splitlines()):
        yield reason, set(files)


def tables():
    """Of the guide: the files of a relu certificate with their lines; the proofs of other units."""
    first, second = checker.__doc__.split("Other units need")
    files = re.findall(r"^    (\w+) +(\d+)   ", first, re.M)
    proofs = re.findall(r"^    (\S.*?)  +(\S.*)$", second, re.M)[1:]
    return {name: int(lines) for name, lines in files}, {
        units: set(names.split(", ")) for units, names in proofs
    }


def certificate(units="relu", d=3, n=12, size=0.05, **more):
    """Random data and a short random dual vector."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    values = {"W": np.zeros((0, d)), "b": None, "a": [], "v": size * rng.standard_normal(n)}
    return Claimed(
        units=units, loss="squared", weight_decay=1.0, bias=False, X=X,
        lower=-1e9, upper=1e9, **{"y": np.zeros(n)} | values | more,
    )  # fmt: skip


def sparse_certificate(units):
    """Of a network trained on a sparse X, and kept as such."""
    X = sparse.eye_array(12, 3, format="csr")
    return cn.train(units, X, np.arange(12.0), weight_decay=1.0, bias=False).certificate


def several(n=12, outputs=2, size=0.4, **more):
    """The same for several outputs."""
    v = size * np.random.default_rng(1).standard_normal((n, outputs))
    return certificate(v=v, y=np.zeros((n, outputs)), a=np.zeros((0, outputs)), **more)


LEAF = {"tilt": np.zeros(12), "lean": [], "tau": np.full(12, 0.05), "mu": 0.35}
EVIDENCE = {"kind": "relaxation", "plus": LEAF, "minus": LEAF}
SPHERE = {
    "kind": "sphere",
    "basis": np.eye(2),
    "edges": [],
    "bounds": [0.6, 0.6],
    "proofs": [EVIDENCE, EVIDENCE],
    "cones": [np.full(2, 0.6), [0.6, -0.6]],
}
TREE = {"kind": "tree", "rows": [0, 1, 2], "vectors": [], "nodes": [0, 0]}
ROWS = [
    ("relu, leaky_relu, abs", certificate()),
    ("relu, leaky_relu, abs", certificate({"name": "leaky_relu", "slope": 0.25})),
    ("relu, leaky_relu, abs", certificate("abs")),
    ("the same, over 100 samples", certificate(n=110, size=0.1079221484)),
    ("the same, several outputs", several()),
    ("several outputs, with evidence", several(d=10, size=0.02, evidence=SPHERE)),
    ("one output, rank 4 to 7", certificate(d=4, size=0.2)),
    ("one output, rank 4 to 7", certificate("abs", d=5, size=0.1)),
    ("one output, with evidence", certificate(d=10, evidence=EVIDENCE)),
    ("one output, of a width", certificate(size=0.2, width=1, evidence=TREE)),
    ("coordinate, of a width", certificate("coordinate", size=0.1, width=1, evidence=TREE)),
    ("sign, threshold, of a width", certificate("sign", size=0.1, width=1, evidence=TREE)),
    ("sign, threshold, of a width", certificate("threshold", size=0.1, width=1, evidence=TREE)),
    ("linear, coordinate", certificate("linear")),
    ("linear, coordinate", certificate("coordinate")),
    ("linear, coordinate", sparse_certificate("linear")),
    ("coordinate, of a sparse X", sparse_certificate("coordinate")),
    ("gated_relu", certificate({"name": "gated_relu", "gates": np.eye(3)}, gate=[])),
    (
        "quadratic, polynomial",
        certificate({"name": "polynomial", "coefficients": [1.0, 0.5, 0.1]}),
    ),
    ("squared_relu", certificate("squared_relu", d=2)),
    ("sign, threshold", certificate("sign")),
    ("sign, threshold", certificate("threshold")),
    ("the same, over 50 planes", certificate("sign", n=60, size=0.03)),
    ("tanh", certificate({"name": "tanh", "radius": 1.0}, d=2)),
]


def test_a_certificate_rests_on_the_files_that_the_guide_lists(tmp_path):
    files, proofs = tables()
    common = files.keys() - proofs["relu, leaky_relu, abs"]
    paths = [tmp_path / f"{k}.json" for k in range(len(ROWS))]
    for path, (_, made) in zip(paths, ROWS, strict=True):
        path.write_text(json.dumps(made.to_dict()))
    for (row, made), (reason, found) in zip(ROWS, called(paths), strict=True):
        name = f"{row}: {made.unit_name}"
        assert reason == "proved exactly", name
        assert found == common | (proofs[row] - {"families"}), name


def test_the_guide_knows_all_files_and_their_lines():
    files, proofs = tables()
    named = files.keys() | set().union(*proofs.values())
    named |= set(
        re.findall(r"`(witness|atoms|scalars|matrices|arrays|path|command)`", checker.__doc__)
    )
    paths = {path.stem: path for path in FOLDER.glob("*.py") if not path.stem.startswith("__")}
    assert named == paths.keys()
    lines = {name: len(paths[name].read_text(encoding="utf-8").splitlines()) for name in files}
    assert {name: files[name] for name in files if abs(files[name] - lines[name]) > 10} == {}
    assert {row for row, _ in ROWS} == proofs.keys()


def test_the_guide_to_verdicts_knows_all_rooms_and_kinds():
    rows = re.findall(r"^    (\w*) +(\d*)   (\S.*?)  +\S.*$", convexity.__doc__, re.M)[1:]
    named = {kind for _, _, kinds in rows for kind in kinds.split(", ")}
    assert named == KINDS.keys() | {PROBLEM}
    home = Path(convexity.__file__).parent
    lines = {
        path.stem: sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)
        for path in home.iterdir()
        if (files := [*path.glob("*.py")] if path.is_dir() else [path]) and path.suffix != ".pyc"
    }
    rooms = {name: int(count) for name, count, _ in rows if name}
    assert rooms.keys() == lines.keys() - {"__init__", "__pycache__", "statement"}
    assert {name: lines[name] for name in rooms if abs(rooms[name] - lines[name]) > 100} == {}
    for room in {path.name for path in home.iterdir() if path.is_dir()} & rooms.keys():
        text = (home / room / "__init__.py").read_text(encoding="utf-8")
        files = {path.stem for path in (home / room).glob("*.py")} - {"__init__"}
        assert files <= set(re.findall(r"`(\w+)`", text)), room


def test_every_function_of_the_checker_fits_in_the_eye():
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                assert complexity(node) <= COMPLEX, f"{path.stem}.{node.name}"
