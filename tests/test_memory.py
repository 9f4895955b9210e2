"""Bad input at size: what there is no memory for is refused, with the prediction, before it begins.

How much memory there is is patched; the arrays have one entry that is seen many times, or compute
their entries when these are asked for, which none of these calls does.
"""

import numpy as np
import pytest
from examples import random_data
from scipy import sparse

import cvxnet as cn
from cvxnet.data import memory
from cvxnet.data.memory import available_memory, shape_of, share_that_fits
from cvxnet.data.tables import read_data
from cvxnet.objective.memory import predicted_memory, predicted_sparse_memory

N = 10**9
X = np.broadcast_to(np.ones(2), (N, 2))
HALF = np.broadcast_to(np.ones(2, dtype=np.float32), (N, 2))
Y = np.broadcast_to(np.ones(1), N)
NETWORK = cn.Sequential(cn.layers.Linear(2, 1), cn.layers.ReLU(), cn.layers.Linear(1, 1))
DOORS = {
    "train": lambda X, y: cn.train("relu", X, y, weight_decay=1.0),
    "width": lambda X, y: cn.train("relu", X, y, weight_decay=1.0, width=2),
    "largest": lambda X, y: cn.largest_weight_decay("relu", X, y),
    "certify": lambda X, y: cn.certify(given_network(), X, y, weight_decay=1.0),
    "program": lambda X, y: cn.program("relu", X, y, weight_decay=1.0),
    "widths": lambda X, y: cn.widths("relu", X, y, weight_decay=1.0),
    "conditional_gradient": lambda X, y: cn.conditional_gradient("relu", X, y, radius=1.0),
}


class Computed:
    """A huge array that nobody may ask for an entry, as those of dask, zarr and h5py are."""

    shape, dtype, ndim = (N, 2), np.dtype("float32"), 2

    def __len__(self):
        return N

    def __getitem__(self, where):
        raise AssertionError("an entry was asked for")

    def __array__(self, *args, **kwargs):
        raise AssertionError("the array was made")


def given_network():
    rng = np.random.default_rng(0)
    names = {name: rng.standard_normal(t.shape) for name, t in NETWORK.state_dict().items()}
    NETWORK.load_state_dict(names)
    return NETWORK


@pytest.fixture
def gigabytes(monkeypatch):
    """Sets how much memory there is."""

    def set_memory(number):
        monkeypatch.setattr(memory, "available_memory", lambda: 1e9 * number)

    set_memory(16)
    return set_memory


@pytest.mark.parametrize("data", [X, HALF, Computed()], ids=["doubles", "floats", "computed"])
@pytest.mark.parametrize("door", DOORS)
def test_more_than_there_is_memory_for_is_refused_by_every_door(door, data, gigabytes):
    with pytest.raises(cn.UnsupportedError) as refusal:
        DOORS[door](data, Y)
    said = str(refusal.value)
    assert "relu units" in said and "1,000,000,000 x 2" in said
    assert "2,600 GB" in said and "16 GB are left" in said and "samples of this kind" in said


def test_gradient_runs_and_estimators_refuse_it_too(gigabytes):
    pytest.importorskip("torch")
    with pytest.raises(cn.UnsupportedError, match="2,600 GB"):
        cn.compare("relu", X, Y, weight_decay=1.0)
    pytest.importorskip("sklearn")
    for model in (cn.ConvexNetRegressor(), cn.ConvexNetClassifier()):
        with pytest.raises(cn.UnsupportedError, match="2,600 GB"):
            model.fit(X, Y)
    model = cn.ConvexNetRegressor().fit(np.eye(2), [1.0, 2.0])
    for predict in (model.predict, model.network_):
        with pytest.raises(cn.UnsupportedError, match="16 GB of memory, but 1 GB"):
            gigabytes(1)
            predict(X)


def test_memory_maps_and_frames_are_not_read(tmp_path, gigabytes):
    path = tmp_path / "X.bin"
    with open(path, "wb") as file:
        file.truncate(4 * 2 * 10**7)  # a hole: nothing on the disk
    mapped = np.memmap(path, dtype=np.float32, mode="r", shape=(10**7, 2))
    gigabytes(1)
    frames = [mapped]
    frames.append(pytest.importorskip("pandas").DataFrame(mapped, copy=False))
    for data in frames:
        with pytest.raises(cn.UnsupportedError, match="10,000,000 x 2"):
            cn.train("relu", data, np.broadcast_to(1.0, 10**7), weight_decay=1.0)


def test_a_table_that_does_not_fit_is_not_read(tmp_path, gigabytes):
    path = tmp_path / "large.csv"
    with open(path, "wb") as file:
        file.truncate(10**9)
    gigabytes(2)
    with pytest.raises(cn.UnsupportedError, match=r"large.csv, a file of 1 GB.*3.3 GB.*2 GB"):
        read_data(path, "y")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.coo_matrix, sparse.dia_array])
def test_a_sparse_matrix_is_named_where_units_need_a_dense_one(door, form):
    with pytest.raises(cn.InputError) as refusal:
        DOORS[door](form(sparse.eye_array(10**5)), np.ones(10**5))
    said = str(refusal.value)
    assert "sparse matrix of shape 100,000 x 100,000 with 100,000 entries stored" in said
    assert "relu units need a dense one" in said and "X.toarray()" in said and "80 GB" in said
    taken = [name for name, traits in cn.objective.FAMILIES.items() if traits.sparse]
    assert all(name in said for name in taken)


@pytest.mark.parametrize("units", ("coordinate", "linear"))
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.coo_matrix, sparse.dia_array])
def test_a_sparse_matrix_that_does_not_fit_is_not_copied(units, form, gigabytes):
    X, y = form(sparse.eye_array(10**6)), np.ones(10**6)
    gigabytes(0.2)
    model = cn.ConvexNetRegressor(units, weight_decay=1.0)
    for begin in (
        lambda: cn.train(units, X, y, weight_decay=1.0),
        lambda: cn.largest_weight_decay(units, X, y),
        lambda: model.fit(X, y),
    ):
        with pytest.raises(cn.UnsupportedError) as refusal:
            begin()
        said = str(refusal.value)
        assert f"training {units} units on a sparse X of shape 1,000,000 x 1,000,000" in said
        assert "with 1,000,000 entries stored" in said and "200 MB are left" in said
        assert "samples of this kind would fit" in said


def test_the_prediction_for_a_sparse_matrix_grows_with_what_it_stores():
    sizes = [
        predicted_sparse_memory(*size) for size in [(9, 1, 1), (10, 1, 1), (10, 2, 1), (10, 2, 9)]
    ]
    assert sizes == sorted(set(sizes)) and sizes[-1] < predicted_memory(10, 2)


def test_a_sparse_matrix_goes_into_no_activation_and_no_target():
    with pytest.raises(cn.InputError, match=r"input is a sparse matrix.*toarray"):
        cn.Sequential(cn.ReLU(), cn.Linear(2, 1))(sparse.eye_array(2).tocsr())
    with pytest.raises(cn.InputError, match=r"y is a sparse matrix.*toarray"):
        cn.train("relu", np.eye(2), sparse.eye_array(2).tocsr(), weight_decay=1.0)


def test_targets_of_another_length_are_not_read():
    with pytest.raises(cn.InputError, match=r"y has shape \(1000000000,\); expected \(2,\)"):
        cn.train("relu", np.eye(2), Y, weight_decay=1.0)


def test_what_fits_is_trained(gigabytes):
    X, y = random_data(0, 12, 2)
    gigabytes(1e-9)  # what is small is not looked at
    assert cn.train("relu", X, y, weight_decay=1.0).status == "optimal"


def test_the_prediction_grows_with_samples_columns_and_outputs():
    sizes = [
        predicted_memory(n, d, c) for n, d, c in [(9, 1, 1), (10, 1, 1), (10, 2, 1), (10, 2, 2)]
    ]
    assert sizes == sorted(set(sizes))


def test_nobody_says_how_much_memory_there_is(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "KNOWN", tmp_path / "nothing")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "nothing")
    assert 0.0 < available_memory() < np.inf  # all that the machine has
    monkeypatch.delattr(memory.os, "sysconf")
    assert available_memory() == np.inf and share_that_fits(1e30) == 1.0


@pytest.mark.parametrize("version", [1, 2])
def test_the_limit_of_a_control_group_counts(version, monkeypatch, tmp_path):
    """The tightest of those around the process, what a cache holds of it not counted as used."""
    groups = tmp_path / "cgroup"
    groups.write_text(
        "0::/outer/inner\n" if version == 2 else "4:cpu,memory:/outer/inner\n1:io:/\n"
    )
    monkeypatch.setattr(memory, "GROUPS", groups)
    monkeypatch.setattr(memory, "LIMITS", [(tmp_path, *names[1:]) for names in memory.LIMITS])
    _, limit, used, cache = memory.LIMITS[version == 1]
    for folder, most, now, cached in (("outer", "5000", 3000, 500), ("outer/inner", "max", 9, 0)):
        place = tmp_path / folder
        place.mkdir()
        (place / limit).write_text(f"{most}\n")
        (place / used).write_text(f"{now}\n")
        (place / "memory.stat").write_text(f"rss 1\n{cache} {cached}\n")
    assert available_memory() == 2500.0


def test_the_shape_is_that_of_the_array():
    for value in ([[1.0, 2.0]], [1, 2, 3], np.ones((2, 3)), [np.ones(2)], 3.0, [], range(4)):
        assert shape_of(value) == np.shape(value)
