"""Tables: what is read comes out exactly, and what is wrong is said with file, line, column."""

import bz2
import csv as csv_module
import gzip
import io
import lzma
import sys
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cvxnet.cli.options import reading_of
from cvxnet.data import csv_files
from cvxnet.data.columns import numbers
from cvxnet.data.notation import Layout
from cvxnet.data.tables import Reading, choose_data, guess_reading, read_data, read_table
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


def zipped(**files):
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


WRITTEN = {
    "commas": PLAIN,
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "windows": PLAIN.replace("\n", "\r\n"),
    "old mac": PLAIN.replace("\n", "\r"),
    "bom": b"\xef\xbb\xbf" + PLAIN.encode(),
    "utf-16": PLAIN.replace(",", "\t").encode("utf-16"),
    "end of file of DOS": PLAIN + "\x1a",
    "blank lines": "\n" + PLAIN.replace("\n", "\n\n"),
    "quotes": PLAIN.replace("a,", '"a" ,').replace("1", '"1"').replace(",2", ', "2"'),
    "spaces": "a , b,y\n1, 2,3\n4,5 ,6",
    "separator line": "sep=;\n" + PLAIN.replace(",", ";"),
    "names as a comment": "# made by numpy\n# " + PLAIN,
    "comments": f"# one, two\n{PLAIN}# end\n".replace("4", "# between, these\n4"),
    "trailing separators": PLAIN.replace("\n", ",,\n") + ",,,,\n",
    "trailing separators below": PLAIN.replace("\n", ",\n").replace("y,", "y"),
    "row numbers": ",a,b,y\n0,1,2,3\n1,4,5,6\n",
    "row numbers twice": "Unnamed: 0.1,Unnamed: 0,a,b,y\n0,0,1,2,3\n1,1,4,5,6\n",
    "row names": '"","a","b","y"\n"Ann",1,2,3\n"Bob",4,5,6\n',
    "an empty column": "a,,b,y\n1,,2,3\n4,,5,6\n",
    "gzip": gzip.compress(PLAIN.encode()),
    "bz2": bz2.compress(PLAIN.encode()),
    "xz": lzma.compress(PLAIN.encode()),
    "zip": zipped(data=PLAIN),
}


@pytest.mark.parametrize("content", WRITTEN.values(), ids=WRITTEN)
def test_every_way_of_writing_the_same_table_reads_the_same(csv, content):
    data = read_data(csv(content), "y")
    np.testing.assert_array_equal(data.X, [[1, 2], [4, 5]])
    np.testing.assert_array_equal(data.y, [3, 6])
    assert data.features == ("a", "b") and data.target == "y" and data.classes is None


def test_standard_input_is_a_file_called_minus(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(PLAIN.encode())))
    assert read_data("-", "y").X.tolist() == [[1, 2], [4, 5]]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"a,y\n1,x\n")))
    with pytest.raises(InputError, match=r"^standard input, line 2, column 'y': 'x'"):
        read_data("-", "y")


@pytest.mark.parametrize("write", ["to_parquet", "to_feather"])
def test_parquet_and_feather(tmp_path, write):
    pytest.importorskip("pyarrow")
    path = tmp_path / "data"
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False], "k": ["u", "v"], "y": [0.1, 0.3]})
    getattr(frame, write)(path)
    data = read_data(path, "y", drop="k")
    assert data.X.tolist() == [[1, 1], [2, 0]] and data.y.tolist() == [0.1, 0.3]
    assert read_data(path, "k", reading=Reading.CLASSES).y.tolist() == ["u", "v"]
    frame["a"] = [1, None]
    frame["d"] = pd.to_datetime(["2020-01-01", "2021-01-01"])
    getattr(frame, write)(path)
    with pytest.raises(InputError, match=r"row 2, column 'a': value missing .*1 of 2 rows"):
        read_data(path, "y", "a")
    with pytest.raises(InputError, match=r"row 1, column 'd': .*dates and times as numbers"):
        read_data(path, "y", "d")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="cannot be read as"):
        read_data(path, "y")


def test_the_index_of_a_parquet_file_is_no_feature(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.5, 2.5], "y": [1, 2]}, index=pd.Index([7, 9], name="patient"))
    frame.to_parquet(tmp_path / "data")
    data = read_data(tmp_path / "data", "y")
    assert data.features == ("a",) and "'patient'" in data.remarks[0]
    assert read_data(tmp_path / "data", "y", "patient").X.tolist() == [[7], [9]]


def test_row_numbers_are_features_only_where_they_are_asked_for(csv):
    path = csv(",a,y\n5,1,2\n6,3,4\n")
    data = read_data(path, "y")
    assert data.features == ("a",) and "'Unnamed: 0' numbers or names the rows" in data.remarks[0]
    for name in ("1", "Unnamed: 0"):
        asked = read_data(path, "y", [name, "a"])
        assert asked.X.tolist() == [[5, 1], [6, 3]] and not asked.remarks
    assert read_data(path, "Unnamed: 0", "a").y.tolist() == [5, 6]


def test_columns_of_pandas_without_names_are_numbered(csv):
    path = csv(pd.DataFrame([[1.5, 2, 3], [4, 5, 6.5]]).to_csv(index=False))
    data = read_data(path, "2")
    assert data.features == ("0", "1") and data.y.tolist() == [3, 6.5]
    assert "(0, 1, 2) is taken for the column names" in data.remarks[0]


def test_a_column_is_dropped_by_name_or_number(csv):
    path = csv("a,b,c,y\n1,red,3,4\n")
    assert read_data(path, "y", drop="b").features == ("a", "c")
    assert read_data(path, "y", drop=["2", "c"]).features == ("a",)
    assert read_data(path, "y", ["a", "b"], drop="b").features == ("a",)


def test_of_columns_with_one_name_one_is_chosen_by_its_number(csv):
    path = csv("a,a,y\n1,2,3\n")
    assert read_data(path, "y", "2").X.tolist() == [[2]]
    assert read_data(path, "y", drop="1").X.tolist() == [[2]]
    with pytest.raises(InputError, match=r"2 columns are called 'a'.*numbers: 1 and 2"):
        read_data(path, "y", "a")
    with pytest.raises(InputError, match=r"2 columns are called 'a'.*number, 1 or 2: --drop"):
        read_data(path, "y")


def test_names_with_commas_are_quoted_where_several_are_named(csv):
    table = read_table(csv('"height, cm","a;b;c",y\n1,2,3\n'))
    assert table.names == ["height, cm", "a;b;c", "y"]
    assert table.named("height, cm") == ["height, cm"]
    assert table.named('"height, cm", y') == ["height, cm", "y"]
    assert table.named("1,y") == ["1", "y"]


def test_booleans_are_numbers_and_classes(csv):
    path = csv("a,y\nTRUE,true\nFalse,false\n")
    data = read_data(path, "y")
    assert data.X.tolist() == [[1], [0]] and data.y.tolist() == [1, 0]
    table = read_table(path)
    assert guess_reading(table, ["y"]) is Reading.TWO_CLASSES
    assert choose_data(table, ["y"], None, Reading.TWO_CLASSES).classes == ("false", "true")


NUMERALS = [
    ("1,5;2", {}, [1.5, 2]),
    ("1,000;0,5", {}, [1, 0.5]),
    ("1,000;2", {"decimal": ","}, [1, 2]),
    ("1,000;2.5", {"thousands": ","}, [1000, 2.5]),
    ("1,234,567.5;-2", {"thousands": ","}, [1234567.5, -2]),
    ("1.000;2.000,25", {"thousands": "."}, [1000, 2000.25]),
    ("1 000,5;2\u202f000", {"thousands": "space", "decimal": ","}, [1000.5, 2000]),
    ("1'000.5;2\u2019000", {"thousands": "apostrophe"}, [1000.5, 2000]),
    ("1_000;2", {"thousands": "_"}, [1000, 2]),
    ("1e5;+3", {}, [1e5, 3]),
    (".5;5.", {}, [0.5, 5]),
    ("12345678901234567890123;1e-400", {}, [12345678901234567890123.0, 0]),
    ("\uff11\uff12;\u0663", {}, [12, 3]),
]


@pytest.mark.parametrize(("cells", "layout", "values"), NUMERALS)
def test_numbers_are_read_as_they_are_written(csv, cells, layout, values):
    first, second = cells.split(";")
    path = csv(f"a;y\n{first};1\n{second};2\n")
    assert read_data(path, "y", layout=Layout(**layout)).X[:, 0].tolist() == values
    if "decimal" in layout or "thousands" in layout:
        quoted = csv(f'a,y\n"{first}",1\n"{second}",2\n')
        assert read_data(quoted, "y", layout=Layout(**layout)).X[:, 0].tolist() == values


STRANGE_CELLS = {
    "1,000": "--thousands , (layout=Layout(thousands=',')) or --decimal ,",
    "1,000,000": "Say --thousands , ",
    "1,234.5": "Say --thousands , ",
    "1.234,5": "Say --thousands . ",
    "1.234.567": "Say --thousands . ",
    "1 000": "Say --thousands space",
    "1'000": "Say --thousands apostrophe",
    "1_000": "Say --thousands _",
    "12%": "Leave out the percent signs",
    "$12": "Leave out the currency signs",
    "12 \u20ac": "Leave out the currency signs",
    "12 EUR": "Leave out what stands beside the number",
    "12kg": "Leave out what stands beside the number",
    "2020-01-02": "dates and times as numbers",
    "1/2/2020": "dates and times as numbers",
    "12:30": "dates and times as numbers",
    "3 Mar 2020": "dates and times as numbers",
    "(5)": "with a minus sign",
    "\u22125": "looks like a minus sign",
    "0x10": "decimal system",
    "1d5": "exponent with an e",
    "\u221e": "have to be finite",
    "1e400": "is not finite",
    "true": "In a column of booleans",
    "yes": "write yes and no as 1 and 0",
    "1,2,3": "Encode text as numbers",
    "=A1": "Encode text as numbers",
}


@pytest.mark.parametrize(("cell", "said"), STRANGE_CELLS.items())
def test_what_to_do_about_a_cell_that_is_no_number(csv, cell, said):
    with pytest.raises(InputError) as caught:
        read_data(csv(f'a;y\n2;3\n"{cell}";4\n'), "y")
    assert "line 3, column 'a'" in str(caught.value) and said in str(caught.value)


NO_NUMBERS = ["1,000 2,500 3", "5% 6% 7%", "$5 $6 7", "2020-01-01 2020-01-02 2020-01-03"]


@pytest.mark.parametrize("cells", NO_NUMBERS)
def test_a_target_of_numbers_in_a_strange_notation_is_not_taken_for_classes(csv, cells):
    table = read_table(csv("x,y\n" + "".join(f'1,"{cell}"\n' for cell in cells.split())))
    assert guess_reading(table, ["y"]) is Reading.NUMBERS


def test_a_file_has_one_decimal_sign(csv):
    mixed = csv("a;b;y\n1,5;2.5;1\n2;3;2\n")
    with pytest.raises(InputError, match=r"column 'b': '2\.5' .*sign of this file is a comma"):
        read_data(mixed, "y")
    with pytest.raises(InputError, match=r"column 'a': '1,5' .*point, not a comma"):
        read_data(mixed, "y", layout=Layout(decimal="."))
    thousands = csv("a;b;y\n1,5;2.500;1\n2;3;2\n")
    with pytest.raises(InputError, match=r"'2\.500' .*between thousands, say --thousands \."):
        read_data(thousands, "y")
    data = read_data(csv("a;y\n1,5;1\n2;2\n"), "y")
    assert data.remarks == ("numbers have decimal commas",)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ({"thousands": "x"}, "'x' is none of"),
        ({"decimal": "x"}, "neither . nor ,"),
        ({"decimal": ",", "thousands": ","}, "cannot be"),
        ({"encoding": "klingon"}, "klingon"),
    ],
)
def test_a_layout_that_cannot_be_is_refused(layout, said):
    with pytest.raises(InputError, match=said):
        Layout(**layout)


def test_an_encoding_is_asked_for(csv):
    path = csv("gr\xf6\xdfe,y\n1,2\n".encode("cp1252"))
    assert read_data(path, "y", layout=Layout(encoding="cp1252")).features == ("gr\xf6\xdfe",)
    path = csv(PLAIN.encode("utf-16-be"))
    with pytest.raises(InputError, match="--encoding utf-16-be"):
        read_data(path, "y")
    assert read_data(path, "y", layout=Layout(encoding="utf-16-be")).y.tolist() == [3, 6]


def test_rows_with_gaps_are_left_out_where_that_is_asked_for(csv):
    path = csv("a,b,c,y\n1,2,,3\n,2,3,3\nNA,?,3,4\n5,6,,7\n")
    with pytest.raises(InputError) as caught:
        read_data(path, "y", drop="c")
    for words in (
        "line 3, column 'a'",
        "(empty; 2 in this column)",
        "2 of 4 rows",
        "--drop-missing",
    ):
        assert words in str(caught.value)
    data = read_data(path, "y", drop="c", drop_missing=True)
    assert data.X.tolist() == [[1, 2], [5, 6]] and data.y.tolist() == [3, 7]
    assert data.remarks == ("2 of 4 rows lack a value (there it says '?', 'NA'), left out",)
    with pytest.raises(InputError, match=r"4 of 4 rows lack a value\. No row would be left"):
        read_data(path, "y", drop_missing=True)
    labels = csv("a,y\n1,none\n2,some\n")
    with pytest.raises(InputError, match="'none', which is no name for a class"):
        read_data(labels, "y", reading=Reading.CLASSES)


NO_TABLES = {
    "a spreadsheet": zipped(**{"xl/workbook.xml": "", "[Content_Types].xml": ""}),
    "archive of 2 files (a, b)": zipped(a="1", b="2"),
    "old Excel": b"\xd0\xcf\x11\xe0\xa1",
    "array of numpy": b"\x93NUMPY\x01",
    "a web page": b"\n<!DOCTYPE html>",
    "JSON": b'[\n {"a": 1}]',
    "not text": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "cannot be unpacked": gzip.compress(PLAIN.encode())[:-9],
    "line 1: not CSV (a quotation mark": b'a,"y\n1,2\n',
    "line 3: not CSV (a quotation mark": b'a,y\n1,2\n3,"4\n5,6\n',
    "NUL": b"a,y\n" + b"1,2\n" * 300 + b"\0",
    "holds numbers": b"5.1,3.5,setosa\n4.9,3.0,virginica\n",
    "one cell more than there are names": b"a,y\n1,2,3\n4,5,6\n",
    "2 cells, but the first line names 3 columns (2 such lines)": b"a,b,y\n1,2,3\n1,2\n1,2,3,4\n",
}


@pytest.mark.parametrize(("said", "content"), NO_TABLES.items(), ids=NO_TABLES)
def test_what_is_no_table_is_named(csv, said, content):
    with pytest.raises(InputError) as caught:
        read_table(csv(content))
    assert said in str(caught.value)


CELLS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**60), 2**60).map(float),
)
NAMES = st.text("ab,;\t|\"' #\n\u00e9", min_size=1, max_size=5).map(lambda text: f"n{text}n")


def one_line(name):
    """A name as it is after reading: line breaks are spaces."""
    return " ".join(name.split("\n")).strip()


TABLES = st.integers(2, 4).flatmap(
    lambda columns: st.tuples(
        st.lists(NAMES, min_size=columns, max_size=columns, unique_by=one_line),
        st.lists(st.lists(CELLS, min_size=columns, max_size=columns), min_size=1, max_size=6),
    )
)


def written(writer, names, rows):
    """A table as text, by one of the programs that write tables."""
    frame = pd.DataFrame(rows, columns=names)
    buffer = io.StringIO(newline="")
    if writer == "csv":
        csv_module.writer(buffer).writerows([names, *rows])
    elif writer == "csv quoted":
        csv_module.writer(buffer, delimiter=";", quoting=csv_module.QUOTE_ALL).writerows(
            [names, *rows]
        )
    elif writer == "pandas":
        frame.to_csv(buffer, index=False)
    elif writer == "pandas with index":
        frame.to_csv(buffer, sep="\t")
    elif writer == "pandas with decimal commas":
        frame.to_csv(buffer, sep=";", decimal=",", index=False)
    elif writer == "polars":
        buffer.write(pl.DataFrame(rows, schema=names, orient="row").write_csv())
    return buffer.getvalue()


WRITERS = [
    *("csv", "csv quoted", "pandas", "pandas with index", "pandas with decimal commas", "polars"),
]


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=15, deadline=None)
@example(table=(["n;n", "n,;,n"], [[0.0, 0.0]]))
@example(table=(["n,n", "na,n"], [[0.0, 0.0]]))
@given(table=TABLES)
def test_what_others_write_comes_back_exactly(tmp_path_factory, writer, table):
    names, rows = table
    path = tmp_path_factory.mktemp("tables") / "data.csv"
    path.write_bytes(written(writer, names, rows).encode())
    layout = Layout(decimal="," if "commas" in writer else "")
    table = read_table(path, layout)
    chosen = [str(at + 1 + len(table.index)) for at in range(len(names))]
    data = choose_data(table, chosen[-1:], None, Reading.NUMBERS)
    assert (*data.features, *data.targets) == tuple(map(one_line, names))
    found = np.column_stack([data.X, data.y])
    np.testing.assert_array_equal(found, np.array(rows))
    assert (np.signbit(found) == np.signbit(rows)).all()


ODD = ["1", "2.5", "-3", "1e5", "a", "NA", "", "1,5", "1.000", "true", " ", "#", '"', "inf", "1_0"]


@st.composite
def odd_texts(draw):
    """Text that is nearly a table."""
    delimiter = draw(st.sampled_from(",;\t"))
    width = draw(st.integers(1, 3))
    cells = draw(st.lists(st.sampled_from(ODD), min_size=1, max_size=3))
    cell = st.one_of(st.sampled_from(["1", "2.5", "-3"]), st.sampled_from(cells))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), max_size=4))
    lines = [delimiter.join("abc"[:width]), *map(delimiter.join, rows)]
    extra = st.sampled_from(["", "# note", delimiter, f"#1{delimiter}2", "sep=;"])
    for line in draw(st.lists(extra, max_size=1)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + draw(st.sampled_from(["", "\n"]))


def told(text, layout):
    """All that is read of a text, or what is said of it."""
    try:
        table = csv_files.read_csv("file", text, layout)
    except InputError as error:
        return str(error)
    columns = []
    for position in range(len(table.names)):
        try:
            columns.append(numbers(table, position).tolist())
        except InputError as error:
            columns.append(str(error))
    gaps = [table.missing(position).tolist() for position in range(len(table.names))]
    return table.names, columns, gaps, list(table.lines), table.notation, table.index


@settings(max_examples=100, deadline=None)
@given(text=odd_texts(), layout=st.sampled_from([{}, {}, {"thousands": ","}, {"decimal": ","}]))
def test_the_fast_way_of_reading_and_the_other_agree(text, layout):
    fast = told(text, Layout(**layout))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "read_plain", lambda *_: None)
        assert told(text, Layout(**layout)) == fast


def test_tables_of_numbers_with_text_in_columns_are_read_by_numpy(csv, monkeypatch):
    monkeypatch.setattr(csv_files, "read_cells", None)
    data = read_data(csv("a,k,y\n1,u,3\n4,v,\n7,u,8\n"), "y", "a", drop_missing=True)
    assert data.X.tolist() == [[1], [7]] and data.y.tolist() == [3, 8]


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
    (
        "a,y\n1,2\n".encode("utf-16-le"),
        "y",
        None,
        "squared",
        ["UTF-16 without the mark", "--encoding utf-16-le"],
    ),
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
