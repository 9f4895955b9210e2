"""Bad input at the public door: a message that says what was found, where, and what to do.

The same faults come in from Python and from the command line. Each message is held to its
content; nothing is half-written, and nobody sees a traceback.
"""

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.cli import main
from cvxnet.errors import CvxnetError, InputError, UnsupportedError

pytestmark = pytest.mark.failure

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((6, 2)), rng.standard_normal(6)
LABELS = np.where(Y > 0, 1.0, -1.0)


def put(array, where, value):
    """A copy with one entry changed."""
    changed = array.astype(object if isinstance(value, str) else float)
    changed[where] = value
    return changed


FROM_PYTHON = [
    ("NaN", {"X": put(X, (3, 1), np.nan)}, ["X[3, 1] is nan", "Remove or impute"]),
    ("infinity", {"y": put(Y, 2, np.inf)}, ["y[2] is inf", "Remove or impute"]),
    ("two NaN", {"X": put(put(X, (3, 1), np.nan), (4, 0), np.nan)}, ["2 such entries"]),
    ("no rows", {"X": X[:0], "y": Y[:0]}, ["X is empty (shape (0, 2))"]),
    ("no columns", {"X": X[:, :0]}, ["X is empty (shape (6, 0))"]),
    ("a vector", {"X": X[:, 0]}, ["X has shape (6,)", "X.reshape(-1, 1)"]),
    ("three axes", {"X": X[None]}, ["X has shape (1, 6, 2)", "expected n rows"]),
    ("lengths", {"y": Y[:5]}, ["y has shape (5,)", "expected (6,)"]),
    ("three axes of y", {"y": X[None]}, ["y has shape (1, 6, 2)", "one number or label per row"]),
    ("text", {"X": put(X, (0, 0), "red")}, ["X cannot be read", "'red'", "Encode text"]),
    ("ragged", {"X": [[1.0, 2.0], [3.0]]}, ["X cannot be read", "rows of equal length"]),
    ("complex", {"X": X + 1j}, ["X has complex entries"]),
    ("no decay", {"weight_decay": 0.0}, ["weight_decay", "above 0, not 0", "interpolation"]),
    ("negative decay", {"weight_decay": -1.0}, ["weight_decay", "not -1"]),
    ("NaN decay", {"weight_decay": np.nan}, ["weight_decay", "not nan"]),
    ("text decay", {"weight_decay": "much"}, ["weight_decay must be a number, not 'much'"]),
    ("no gap", {"gap": 0.0}, ["gap must be a finite number above 0"]),
    ("time", {"time_limit": -2.0}, ["time_limit", "not -2"]),
    ("real labels", {"loss": "logistic"}, ["two classes", "6 distinct values", "squared"]),
    ("one class", {"loss": "hinge", "y": 3 * LABELS**2}, ["every label of y is 3", "-1 or +1"]),
    ("loss", {"loss": "hindge"}, ["unknown loss 'hindge'", "logistic", "squared"]),
    ("units", {"units": "reul"}, ["unknown unit family 'reul'", "relu"]),
    ("solver", {"solver": "CLARABELL"}, ["'CLARABELL' is not installed", "CLARABEL", "SCS"]),
]


def call(function, given):
    options = {"units": "relu", "X": X, "y": Y, "weight_decay": 0.1} | given
    return function(options.pop("units"), options.pop("X"), options.pop("y"), **options)


@pytest.mark.parametrize(
    ("given", "said"), [case[1:] for case in FROM_PYTHON], ids=[case[0] for case in FROM_PYTHON]
)
def test_train_says_what_is_wrong(given, said):
    with pytest.raises(InputError) as caught:
        call(cn.train, given)
    for words in said:
        assert words in str(caught.value)


@pytest.mark.parametrize("fault", ["NaN", "lengths", "no decay", "loss", "units", "one class"])
def test_the_whole_program_has_the_same_door(fault):
    given, said = next(case[1:] for case in FROM_PYTHON if case[0] == fault)
    with pytest.raises(InputError) as caught:
        call(cn.program, given)
    for words in said:
        assert words in str(caught.value)


def test_a_program_beyond_memory_is_refused_with_its_size():
    wide = rng.standard_normal((500, 4))
    with pytest.raises(UnsupportedError) as caught:
        cn.program("relu", wide, wide[:, 0], weight_decay=1.0)
    for words in ["n = 500", "rank 5", "GB", "cvxnet.train"]:
        assert words in str(caught.value)


TABLE = "a,b,c,word,flag\n" + "".join(
    f"{a},{b},{a * b + i},{'xyz'[i % 3]},{i % 2}\n" for i, (a, b) in enumerate(X.round(3).tolist())
)

FROM_THE_COMMAND_LINE = [
    ("missing file", "", ["other.csv", "--target", "c"], ["no file", "other.csv"]),
    ("column", TABLE, ["--target", "cc"], ["no column 'cc'", "Did you mean 'c'?"]),
    ("feature", TABLE, ["--target", "c", "--features", "a,bb"], ["no column 'bb'", "mean 'b'?"]),
    ("text", TABLE, ["--target", "c"], ["line 2, column 'word'", "'x' is not a number"]),
    ("missing", TABLE + ",1,1,x,0\n", ["--target", "c", "--features", "a"], ["line 8", "'a'"]),
    ("NaN", TABLE + "nan,1,1,x,0\n", ["--target", "c", "--features", "a"], ["line 8", "missing"]),
    ("infinity", TABLE + "inf,1,1,x,0\n", ["--target", "a", "--features", "b"], ["not finite"]),
    ("ragged", TABLE + "1,2\n", ["--target", "c"], ["line 8", "2 cells", "5 columns"]),
    ("no rows", "a,b\n", ["--target", "b"], ["no rows"]),
    ("empty", "", ["--target", "b"], ["is empty"]),
    ("option", TABLE, ["--target", "c", "--features", "a", "--option", "slope"], ["NAME=NUMBER"]),
    ("norm", TABLE, ["--target", "c", "--features", "a", "--norm", "l3"], ["'l2' or 'l1'"]),
    ("classes", TABLE, ["--target", "word", "--features", "a", "--loss", "logistic"], ["are 3"]),
    ("labels", TABLE, ["--target", "c", "--features", "a", "--loss", "logistic"], ["6 distinct"]),
    ("loss", TABLE, ["--target", "c", "--features", "a", "--loss", "l2"], ["unknown loss 'l2'"]),
    ("units", TABLE, ["--target", "c", "--features", "a", "--units", "r"], ["family 'r'"]),
    ("solver", TABLE, ["--target", "c", "--features", "a", "--solver", "S"], ["'S' is not"]),
    ("decay", TABLE, ["--target", "c", "--features", "a", "--weight-decay", "0"], ["above 0"]),
    ("gap", TABLE, ["--target", "c", "--features", "a", "--gap", "-1"], ["gap must be"]),
    ("time", TABLE, ["--target", "c", "--features", "a", "--time-limit", "0"], ["time_limit"]),
]


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [case[1:] for case in FROM_THE_COMMAND_LINE],
    ids=[case[0] for case in FROM_THE_COMMAND_LINE],
)
def test_the_command_line_says_what_is_wrong(
    content, arguments, said, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.csv").write_text(content)
    file = [] if arguments[0].endswith(".csv") else ["data.csv"]
    decay = [] if "--weight-decay" in arguments else ["--weight-decay", "0.1"]
    with pytest.raises(SystemExit) as caught:
        main(["train", *file, *arguments, *decay, "--out", "out"])
    printed = capsys.readouterr()
    assert caught.value.code == 2
    assert printed.out == "" and "error: " in printed.err and "Traceback" not in printed.err
    for words in said:
        assert words in printed.err
    assert [path.name for path in tmp_path.iterdir()] == ["data.csv"]


def test_a_folder_that_cannot_be_is_refused_before_the_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as caught:
        main(["demo", "--out", str(tmp_path / "file" / "out")])
    printed = capsys.readouterr()
    assert caught.value.code == 2 and printed.out == ""
    assert "is a file, not a folder" in printed.err


@pytest.mark.parametrize("given", [{"weight_decay": 0}, {"X": np.full((9, 5), np.nan)}])
def test_one_except_catches_all(given):
    with pytest.raises(CvxnetError):
        call(cn.train, given | {"y": rng.standard_normal(len(given.get("X", X)))})
