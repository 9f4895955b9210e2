"""Sets of points that are drawn, and tables that are text."""

import numpy as np
import pytest

from cvxnet.data.point_sets import EDGE, POINT_SETS, point_set
from cvxnet.data.tables import table_of_text
from cvxnet.errors import InputError


@pytest.mark.parametrize("name", POINT_SETS)
def test_a_set_is_what_it_says(name):
    X, y = point_set(name, 60, seed=3)
    kind = POINT_SETS[name].kind
    assert X.shape == (60, 1 if kind == "curve" else 2)
    assert y.shape == (60,)
    assert (np.abs(X) <= EDGE).all()
    if kind == "classes":
        assert np.unique(y).tolist() == list(range(y.max() + 1))
    else:
        assert (np.abs(y) <= EDGE).all()


@pytest.mark.parametrize("name", POINT_SETS)
def test_the_same_seed_draws_the_same_set_and_another_one_another(name):
    first, again, other = (point_set(name, 20, seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("name", "n"), [("cubes", 10), ("moons", 0), ("moons", 10**9)])
def test_what_cannot_be_drawn_is_refused(name, n):
    with pytest.raises(InputError, match=r"known|above 0|at most"):
        point_set(name, n)


def test_a_text_is_read_as_its_file_is():
    table = table_of_text("a;b;kind\n1,5;2;x\n3,25;4;y\n")
    assert table.names == ["a", "b", "kind"]
    assert table.notation.number("3,25") == 3.25
    assert table.texts(2) == ["x", "y"]


def test_a_text_is_never_taken_for_a_path(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("password,value\n17,18\n")
    for text in (str(secret), f"{secret}\n1\n", "-"):
        try:
            told = repr(vars(table_of_text(text)))
        except InputError as error:
            told = str(error)
        assert "password" not in told


@pytest.mark.parametrize("text", ["<html><body>", '{"a": [1]}', "", "a,b\n1\n", "a,b\n\0,1\n"])
def test_what_is_no_table_is_refused_by_the_name_it_has(text):
    with pytest.raises(InputError, match="what was pasted"):
        table_of_text(text, name="what was pasted")
