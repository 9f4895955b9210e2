"""CSV files: what is read comes out exactly, and what is wrong is said with file, line, column."""

import numpy as np
import pytest

from cvxnet.cli.options import reading_of
from cvxnet.data.tables import Reading, guess_reading, read_data, read_table
from cvxnet.errors import InputError
from cvxnet.losses import get_loss

pytestmark = pytest.mark.failure


@pytest.fixture
def csv(tmp_path):
    """Writes a CSV file and returns its path."""

    def write(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


PLAIN = "a,b,y\n1,2,3\n4,5,6\n"


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        "\n" + PLAIN + "\n\n",
        PLAIN.replace("a,", ' "a" ,').replace(' "a"', '"a"'),
        "a , b,y\n1, 2,3\n4,5 ,6",
    ],
    ids=["commas", "semicolons", "tabs", "windows", "bom", "blank lines", "quotes", "spaces"],
)
def test_every_way_of_writing_the_same_table_reads_the_same(csv, content):
    data = read_data(csv(content), "y")
    np.testing.assert_array_equal(data.X, [[1, 2], [4, 5]])
    np.testing.assert_array_equal(data.y, [3, 6])
    assert data.features == ("a", "b") and data.target == "y" and data.classes is None


def test_features_are_taken_in_the_order_asked_for(csv):
    data = read_data(csv(PLAIN), "b", ["y", "a"])
    np.testing.assert_array_equal(data.X, [[3, 1], [6, 4]])


def test_doubles_survive_unchanged(csv):
    values = np.random.default_rng(0).standard_normal(50)
    text = "x,y\n" + "".join(f"{value!r},0\n" for value in values.tolist())
    np.testing.assert_array_equal(read_data(csv(text), "y").X[:, 0], values)


@pytest.mark.parametrize("loss", ["logistic", "hinge", "squared_hinge"])
def test_text_classes_of_a_loss_of_labels_become_labels(csv, loss):
    data = read_data(csv("x,y\n1,yes\n2,no\n3,yes\n"), "y", reading=reading_of(get_loss(loss)))
    assert data.classes == ("no", "yes") and data.y.tolist() == [1.0, -1.0, 1.0]


def test_numeric_classes_are_left_to_the_loss(csv):
    data = read_data(csv("x,y\n1,0\n2,1\n"), "y", reading=Reading.TWO_CLASSES)
    assert data.classes is None and data.y.tolist() == [0.0, 1.0]


def test_classes_are_read_as_they_stand(csv):
    read = {"reading": Reading.CLASSES}
    text = read_data(csv("x,y\n1,low\n2,high\n3,mid\n4,low\n"), "y", **read)
    assert text.classes == ("high", "low", "mid") and text.y.tolist() == [
        "low",
        "high",
        "mid",
        "low",
    ]
    whole = read_data(csv("x,y\n1,2\n2,0\n3,1.0\n"), "y", **read)
    assert whole.classes is None and whole.y.dtype == np.int64 and whole.y.tolist() == [2, 0, 1]


def test_several_targets_by_name_or_number(csv):
    path = csv("a,b,u,v\n1,2,3,4\n5,6,7,8\n")
    data = read_data(path, ["u", "4"])
    np.testing.assert_array_equal(data.y, [[3, 4], [7, 8]])
    np.testing.assert_array_equal(data.X, [[1, 2], [5, 6]])
    assert data.targets == ("u", "v") and data.target == "u, v" and data.features == ("a", "b")
    assert read_data(path, "4", ["1", "b"]).features == ("a", "b")
    numbered = csv("2,y,1\n10,20,30\n", "numbered.csv")  # a name comes before a number
    assert read_data(numbered, "2").y.tolist() == [10.0]


@pytest.mark.parametrize(
    ("cells", "reading"),
    [
        ("1.5 2 3", Reading.NUMBERS),
        ("0 1 2", Reading.NUMBERS),
        ("no yes no", Reading.TWO_CLASSES),
        ("a b c", Reading.CLASSES),
        ("a a a", Reading.CLASSES),
    ],
)
def test_text_asks_to_be_read_as_classes(csv, cells, reading):
    table = read_table(csv("x,y\n" + "".join(f"1,{cell}\n" for cell in cells.split())))
    assert guess_reading(table, ["y"]) is reading
    assert guess_reading(table, ["y", "x"]) is Reading.NUMBERS


REFUSED = [
    ("", "y", None, "squared", ["is empty", "column names"]),
    ("a,b,y\n", "y", None, "squared", ["no rows", "a, b, y"]),
    ("1,2\n3,4\n", "y", None, "squared", ["numbers only", "column names"]),
    ("a,,y\n1,2,3\n", "y", None, "squared", ["column 2 has no name"]),
    ("a,a,y\n1,2,3\n", "y", None, "squared", ["2 columns are called 'a'"]),
    ("a,y\n1,2\n1,2,3\n", "y", None, "squared", ["line 3", "3 cells", "2 columns"]),
    ("a,y\n1\n", "y", None, "squared", ["line 2", "1 cells"]),
    ("price,y\n1,2\n", "y", ["pricee"], "squared", ["'pricee'", "Did you mean 'price'?"]),
    ("Price,y\n1,2\n", "y", ["price"], "squared", ["Did you mean 'Price'?"]),
    ("a,y\n1,2\n", "zzz", None, "squared", ["no column 'zzz'", "columns are: a, y"]),
    ("y\n1\n", "y", None, "squared", ["no column but the target"]),
    ("a,y\n1,2\n", "y", ["a", "a"], "squared", ["feature 'a' is named 2 times"]),
    ("a,y\n1,2\n", "y", ["a", "y"], "squared", ["among the features"]),
    ("a,y\n1,2\n", "y", [], "squared", ["features is empty"]),
    ("a,y\n1,2\n,2\n?,3\n", "y", None, "squared", ["line 3", "'a'", "missing", "2 in this"]),
    ("a,y\n1,NaN\n", "y", None, "squared", ["line 2", "'y'", "missing"]),
    ("a,y\n1,inf\n", "y", None, "squared", ["line 2", "'inf'", "not finite"]),
    ("a,y\n1,2\nred,3\n", "y", None, "squared", ["line 3", "'a'", "'red'", "Encode"]),
    ('a,y\n"1,5",2\n', "y", None, "squared", ["'1,5'", "point, not a comma", "--decimal ,"]),
    ("a,y\n1,no\n2,yes\n", "y", None, "squared", ["'y'", "'no' is not a number"]),
    ("a,y\n1,u\n2,v\n3,w\n", "y", None, "logistic", ["two classes", "are 3", "'u', 'v', 'w'"]),
    ("a,y\n1,u\n2,v\n3,w\n", "y", None, "hinge", ["two classes are needed"]),
    ("a,y\n1,u\n2,u\n", "y", None, "logistic", ["two classes", "is 1", "'u'"]),
    ("a,y\n1,u\n2,\n", "y", None, "logistic", ["line 3", "missing"]),
    ("a,y\n1,u\n2,\n", "y", None, "cross_entropy", ["line 3", "missing"]),
    (
        "a,y\n1,u\n2,3\n",
        "y",
        None,
        "cross_entropy",
        ["part text", "'u' on line 2", "'3' on line 3"],
    ),
    ("a,y\n1,u\n2,3\n", "y", None, "logistic", ["part text and part numbers", "'y'"]),
    ("a,b,y\n1,2,3\n", ["b", "b"], None, "squared", ["target 'b' is named 2 times"]),
    ("a,b,y\n1,2,3\n", [], None, "squared", ["targets is empty"]),
    ("a,b,y\n1,2,3\n", ["b", "9"], None, "squared", ["no column '9'"]),
    ("a,b,y\n1,2,3\n", ["b", "y"], ["a", "y"], "squared", ["'y' is among the features"]),
    ("a,b\n1,2\n", ["a", "b"], None, "squared", ["no column but the targets 'a', 'b'"]),
    ("a,b,y\n1,2,u\n", ["b", "y"], None, "squared", ["'y'", "'u' is not a number"]),
    ("a,y\n1,2\n".encode("utf-16-le"), "y", None, "squared", ["line 1", "NUL", "utf-16-le"]),
    ("\xe4,y\n1,2\n".encode("cp1252"), "y", None, "squared", ["not UTF-8", "--encoding cp1252"]),
    (b'a,y\n"' + b"x" * 200_000 + b'",2\n', "y", None, "squared", ["not CSV"]),
]


@pytest.mark.parametrize(("content", "target", "features", "loss", "said"), REFUSED)
def test_what_is_wrong_is_said_with_its_place(csv, content, target, features, loss, said):
    path = csv(content, "things.csv")
    with pytest.raises(InputError) as caught:
        read_data(path, target, features, reading_of(get_loss(loss)))
    for words in said:
        assert words in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(InputError, match=r"no file .*nothing\.csv"):
        read_data(tmp_path / "nothing.csv", "y")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_data(tmp_path, "y")
