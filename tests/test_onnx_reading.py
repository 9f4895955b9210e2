"""Networks from ONNX files: whoever wrote them, and whatever is wrong with them."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.interop.loading import load_thing
from cvxnet.interop.onnx import file as onnx_file
from cvxnet.interop.onnx import reading as onnx_reading

pytestmark = pytest.mark.interface

onnx = pytest.importorskip("onnx")
parser = pytest.importorskip("onnx.parser")
pytest.importorskip("onnxruntime")

import test_onnx  # noqa: E402 - needs onnx
from onnx_models import model, node, number, of_formula  # noqa: E402

RNG = np.random.default_rng(0)
W, B = RNG.standard_normal((3, 4)), RNG.standard_normal(4)
V = RNG.standard_normal((4, 2))


@pytest.mark.parametrize("name", test_onnx.ON_ROWS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_to_onnx_wrote_comes_back(name, dtype, tmp_path):
    net = test_onnx.scrambled(cn.Sequential(test_onnx.ON_ROWS[name]()))
    cn.to_onnx(net, tmp_path / "net.onnx", dtype=dtype)
    back = cn.from_onnx(tmp_path / "net.onnx")
    assert repr(back) == repr(net)
    for key, weight in net.state_dict().items():
        assert (back.state_dict()[key] == weight.astype(dtype)).all()


@settings(max_examples=15, deadline=None)
@given(net=test_onnx.networks(), dtype=st.sampled_from(["float64", "float32"]))
def test_random_networks_come_back(net, dtype, tmp_path_factory):
    file = tmp_path_factory.mktemp("onnx") / "net.onnx"
    cn.to_onnx(net, file, dtype=dtype)
    assert repr(cn.from_onnx(file)) == repr(net)


WITHOUT_A_READER = ("GatedLinear", "Maxout", "Conv2d", "MaxPool2d", "AvgPool2d")
READ_BY_THEIR_GRAPH = [name for name in test_onnx.ON_ROWS if not name.startswith(WITHOUT_A_READER)]


@pytest.mark.parametrize("name", READ_BY_THEIR_GRAPH)
def test_formulas_are_recognised_by_their_values(name, tmp_path):
    """Without the note that says which layers they were."""
    net = test_onnx.scrambled(cn.Sequential(test_onnx.ON_ROWS[name]()))
    cn.to_onnx(net, tmp_path / "net.onnx")
    written = onnx.load(tmp_path / "net.onnx")
    del written.metadata_props[:]
    back = cn.from_onnx(written)
    if name != "InputConvex":  # nested residual sums
        assert repr(back) == repr(net)
    X = test_onnx.ROWS[:20]
    np.testing.assert_allclose(back(X), net(X), rtol=1e-12, atol=1e-12)


FORMULAS = {
    "Relu": ([node("Relu", "z", to="a")], "ReLU()"),
    "Max with 0": ([number(0.0, "o"), node("Max", "o", "z", to="a")], "ReLU()"),
    "Clip": ([number(0.0, "o"), node("Clip", "z", "o", to="a")], "ReLU()"),
    "Clip both": (
        [number(-0.1, "o"), number(6.0, "p"), node("Clip", "z", "o", "p", to="a")],
        "HardTanh(low=-0.1, high=6)",
    ),
    "LeakyRelu": ([node("LeakyRelu", "z", to="a", alpha=0.2)], "LeakyReLU(slope=0.2)"),
    "PRelu": ([number([0.3], "s"), node("PRelu", "z", "s", to="a")], "LeakyReLU(slope=0.3)"),
    "Where": (
        [
            *(number(0.0, "o"), number(0.2, "s"), node("Greater", "z", "o", to="g")),
            *(node("Mul", "z", "s", to="t"), node("Where", "g", "z", "t", to="a")),
        ],
        "LeakyReLU(slope=0.2)",
    ),
    "Elu": ([node("Elu", "z", to="a", alpha=0.7)], "ELU(alpha=0.7)"),
    "Celu": ([node("Celu", "z", to="a", alpha=2.0)], "CELU(alpha=2)"),
    "Selu": ([node("Selu", "z", to="a")], "SELU()"),
    "Softplus": ([node("Softplus", "z", to="a")], "Softplus(beta=1)"),
    "Softplus of beta": (
        [
            *(number(3.0, "k"), node("Mul", "z", "k", to="t"), node("Softplus", "t", to="s")),
            node("Div", "s", "k", to="a"),
        ],
        "Softplus(beta=3)",
    ),
    "Sigmoid": ([node("Sigmoid", "z", to="a")], "Sigmoid()"),
    "Tanh": ([node("Tanh", "z", to="a")], "Tanh()"),
    "Abs": ([node("Abs", "z", to="a")], "Abs()"),
    "Sign": ([node("Sign", "z", to="a")], "Sign()"),
    "Step": (
        [
            *(number(0.0, "o"), node("GreaterOrEqual", "z", "o", to="g")),
            onnx.helper.make_node("Cast", ["g"], ["a"], to=onnx.TensorProto.FLOAT),
        ],
        "Threshold()",
    ),
    "SiLU": ([node("Sigmoid", "z", to="s"), node("Mul", "z", "s", to="a")], "SiLU()"),
    "GELU by Erf": (
        [
            *(number(np.sqrt(2.0), "r"), number(1.0, "e"), number(0.5, "k")),
            *(
                node("Div", "z", "r", to="t"),
                node("Erf", "t", to="f"),
                node("Add", "f", "e", to="u"),
            ),
            *(node("Mul", "z", "u", to="v"), node("Mul", "v", "k", to="a")),
        ],
        "GELU()",
    ),
    "Square": ([number(2.0, "k"), node("Pow", "z", "k", to="a")], "Square()"),
    "Square by Mul": ([node("Mul", "z", "z", to="a")], "Square()"),
    "SquaredReLU": ([node("Relu", "z", to="r"), node("Mul", "r", "r", to="a")], "SquaredReLU()"),
    "Softmax": ([node("Softmax", "z", to="a", axis=1)], "Softmax()"),
    "LogSoftmax": (
        [node("LogSoftmax", "z", to="a", axis=-1)],
        "Residual(Sequential(LogSumExp(), Linear(1, 4)))",
    ),
    "a residual sum": (
        [node("Tanh", "z", to="t"), node("Add", "t", "z", to="a")],
        "Residual(Tanh())",
    ),
    "Identity": ([node("Identity", "z", to="i"), node("Dropout", "i", to="a")], ""),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_activations_as_others_write_them(name):
    formula, expected = FORMULAS[name]
    middle = f"{expected}, " if expected else ""
    assert repr(cn.from_onnx(of_formula(formula))) == (
        f"Sequential(Linear(3, 4), {middle}Linear(4, 2))"
    )


NO_ACTIVATIONS = {
    "HardSwish": [node("HardSwish", "z", to="a")],
    "Exp": [node("Exp", "z", to="a")],
    "Mish": [
        node("Softplus", "z", to="s"),
        node("Tanh", "s", to="t"),
        node("Mul", "z", "t", to="a"),
    ],
    "Sin": [node("Sin", "z", to="a")],
}


@pytest.mark.parametrize("name", NO_ACTIVATIONS)
def test_other_functions_are_refused_by_the_name_of_their_node(name):
    with pytest.raises(UnsupportedError, match=r"node 'the \w+' \(\w+\): (no layer|cvxnet has)"):
        cn.from_onnx(of_formula(NO_ACTIVATIONS[name]))


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 15, 17, 18, 20, 21, 23])
def test_operator_sets(opset):
    """The same network, as each of them writes it."""
    relu = of_formula([node("Relu", "z", to="a")], opset)
    assert repr(cn.from_onnx(relu)) == "Sequential(Linear(3, 4), ReLU(), Linear(4, 2))"
    clip = {"min": -1.0, "max": 1.0}
    formula = [node("Clip", "z", to="a", **clip)]
    if opset >= 11:
        formula = [number(-1.0, "l"), number(1.0, "h"), node("Clip", "z", "l", "h", to="a")]
    assert "HardTanh(low=-1, high=1)" in repr(cn.from_onnx(of_formula(formula, opset)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_number_formats(dtype):
    net = cn.from_onnx(of_formula([node("Tanh", "z", to="a")], dtype=dtype))
    assert repr(net) == "Sequential(Linear(3, 4), Tanh(), Linear(4, 2))"
    written = of_formula([], dtype=dtype).graph.initializer[0]
    assert (net.state_dict()["0.weight"] == onnx.numpy_helper.to_array(written)).all()


def same(proto, weight, bias=None):
    """The network of one Linear layer with these weights."""
    net = cn.from_onnx(proto)
    (layer,) = net
    np.testing.assert_allclose(layer.weight, weight, rtol=1e-6)
    np.testing.assert_allclose(np.zeros(1) if layer.bias is None else layer.bias, bias or 0.0)


def test_linear_layers_as_others_write_them():
    g = {"alpha": 2.0, "beta": 3.0}
    same(model([node("Gemm", "x", "W", "b", to="y", **g)], {"W": W, "b": [1.0]}), 2 * W.T, 3.0)
    same(model([node("Gemm", "x", "W", to="y", transB=1)], {"W": W.T}), W.T)
    same(model([node("Transpose", "W", to="T"), node("MatMul", "x", "T", to="y")], {"W": W.T}), W.T)
    scaled = [node("MatMul", "x", "W", to="h"), node("Mul", "h", "s", to="y")]
    same(model(scaled, {"W": W, "s": B}), (W * B).T)
    shifted = [node("Sub", "x", "m", to="h"), node("MatMul", "h", "W", to="y")]
    net = cn.from_onnx(model(shifted, {"W": W, "m": [1.0, 2.0, 3.0]}))
    assert repr(net) == "Sequential(BatchNorm(3), Linear(3, 4))"  # a scaler stays one
    picked = [node("Gather", "x", "i", to="h", axis=1), node("MatMul", "h", "W", to="y")]
    spread = np.array([W[1], np.zeros(4), W[0]])
    same(model(picked, {"W": W[:2], "i": np.array([2, 0])}), spread.T)
    rows = [node("Unsqueeze", "x", "a", to="u"), node("MatMul", "u", "W", to="h")]
    rows += [node("Squeeze", "h", "a", to="y")]
    same(model(rows, {"W": W, "a": np.array([1])}), W.T)


def test_divisions_by_zero_are_refused():
    proto = model([node("Div", "x", "s", to="y")], {"s": [1.0, 0.0, 2.0]})
    with pytest.raises(UnsupportedError, match=r"the Div' \(Div\): it divides by zero"):
        cn.from_onnx(proto)


def test_scalers_keep_their_numbers():
    nodes = [node("Sub", "x", "m", to="h"), node("Div", "h", "s", to="y")]
    net = cn.from_onnx(model(nodes, {"m": [1.0, 2.0, 3.0], "s": [0.1, 0.3, 7.0]}, dtype="float64"))
    assert net[0].tensors["running_mean"].tolist() == [1.0, 2.0, 3.0]
    assert np.sqrt(net[0].tensors["running_var"]).tolist() == [0.1, 0.3, 7.0]


def test_slopes_of_each_column():
    slopes = [number([0.1, 0.2, 0.3, 1.5], "s"), node("PRelu", "z", "s", to="a")]
    net = cn.from_onnx(of_formula(slopes))
    assert "Residual(Sequential(ReLU(), BatchNorm(4)), shortcut=BatchNorm(4))" in repr(net)


IMAGES = {
    "padding": ({"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "strides": [2, 2]}, (2, 2, 3, 3)),
    "SAME_UPPER": ({"auto_pad": "SAME_UPPER", "strides": [2, 2]}, (2, 2, 2, 2)),
    "SAME_LOWER": ({"auto_pad": "SAME_LOWER"}, (2, 2, 2, 2)),
    "dilations": ({"dilations": [2, 2]}, (2, 2, 2, 2)),
    "groups": ({"group": 2}, (4, 1, 2, 2)),
    "one side": ({"pads": [0, 1, 1, 0]}, (2, 2, 2, 2)),
}


@pytest.mark.parametrize("name", IMAGES)
def test_convolutions(name):
    options, shape = IMAGES[name]
    nodes = [node("Conv", "x", "K", to="c", **options), node("Relu", "c", to="r")]
    nodes += [node("GlobalAveragePool", "r", to="p"), node("Flatten", "p", to="y")]
    net = cn.from_onnx(model(nodes, {"K": RNG.standard_normal(shape)}, (1, 2, 5, 5)))
    assert [type(layer).__name__ for layer in net][:3] == ["Conv2d", "ReLU", "AvgPool2d"]


def test_images_whose_channels_come_last():
    """As TensorFlow has them: the order of the pixels goes into the weights."""
    nodes = [
        node("Transpose", "x", to="t", perm=[0, 3, 1, 2]),
        node("Conv", "t", "K", to="c"),
        node("Relu", "c", to="r"),
        node("Transpose", "r", to="u", perm=[0, 2, 3, 1]),
        node("Reshape", "u", "s", to="f"),
        node("MatMul", "f", "W", to="y"),
    ]
    weights = {"K": RNG.standard_normal((3, 2, 2, 2)), "W": RNG.standard_normal((12, 2))}
    net = cn.from_onnx(model(nodes, weights | {"s": np.array([-1, 12])}, ("n", 3, 3, 2)))
    assert repr(net).startswith("Sequential(Linear(18, 18), Conv2d(2, 3, 2, image=(3, 3)), ReLU()")


def test_models_that_say_their_batch_themselves():
    nodes = [node("Reshape", "x", "s", to="h"), node("MatMul", "h", "W", to="y")]
    for batch in ("n", 1, 5):
        proto = model(nodes, {"s": np.array([1 if batch == "n" else batch, 3]), "W": W}, (batch, 3))
        same(proto, W.T)


def test_a_network_with_products_of_its_parts_is_refused():
    nodes = [node("MatMul", "x", "W", to="h"), node("MatMul", "x", "U", to="g")]
    nodes += [node("Mul", "h", "g", to="y")]
    with pytest.raises(UnsupportedError, match=r"the Mul.*has sums of parts \(Residual\), but"):
        cn.from_onnx(model(nodes, {"W": W, "U": W}))


def test_scores_are_read_and_labels_left_off():
    head = [node("MatMul", "x", "W", to="h"), node("Softmax", "h", to="p")]
    nodes = [*head, node("ArgMax", "p", to="l", axis=1), node("Identity", "p", to="q")]
    labelled = model(nodes, {"W": W}, outputs=("l", "q"))
    with pytest.warns(UserWarning, match=r"read up to 'q'; what labels"):
        assert repr(cn.from_onnx(labelled)) == "Sequential(Linear(3, 4), Softmax())"
    assert repr(cn.from_onnx(labelled, output="h")) == "Sequential(Linear(3, 4))"
    with pytest.raises(InputError, match="no tensor 'scores'; its outputs are 'l', 'q'"):
        cn.from_onnx(labelled, output="scores")
    with pytest.raises(UnsupportedError, match=r"outputs 'h', 'p'; say which: from_onnx"):
        cn.from_onnx(model(head, {"W": W}, outputs=("h", "p")))


def test_pipelines_of_scikit_learn():
    """As skl2onnx writes them: a scaler, a linear classifier, a table of probabilities."""
    ml = {"domain": "ai.onnx.ml"}
    coefficients, shift = W[:, :2].T, [0.5, -0.5]
    nodes = [
        node("Scaler", "x", to="s", offset=[1.0, 2.0, 3.0], scale=[0.5, 1.0, 2.0], **ml),
        node(
            *("LinearClassifier", "s"),
            to="label scores",
            coefficients=coefficients.ravel().tolist(),
            intercepts=shift,
            classlabels_ints=[0, 1],
            post_transform="SOFTMAX",
            **ml,
        ),
        node("Normalizer", "scores", to="normed", norm="L1", **ml),
        node("ZipMap", "normed", to="table", classlabels_int64s=[0, 1], **ml),
    ]
    proto = model(nodes, {}, outputs=("label", "table"), ml=3)
    with pytest.warns(UserWarning, match="read up to 'scores'"):
        net = cn.from_onnx(proto)
    assert repr(net) == "Sequential(BatchNorm(3), Linear(3, 2), Softmax())"


def test_probabilities_of_two_classes_side_by_side():
    nodes = [node("MatMul", "x", "W", to="h"), node("Sigmoid", "h", to="p")]
    nodes += [node("Sub", "one", "p", to="q"), node("Concat", "q", "p", to="y", axis=1)]
    net = cn.from_onnx(model(nodes, {"W": W[:, :1], "one": [1.0]}))
    assert repr(net) == "Sequential(Linear(3, 1), Sigmoid(), Linear(1, 2))"


def test_weights_in_other_files(tmp_path):
    proto = of_formula([node("Relu", "z", to="a")])
    file = tmp_path / "net.onnx"
    options = {"location": "weights.bin", "size_threshold": 0}
    onnx.save(proto, file, save_as_external_data=True, **options)
    assert repr(load_thing(file)) == "Sequential(Linear(3, 4), ReLU(), Linear(4, 2))"
    with pytest.raises(InputError, match=r"in another file; pass the path of the \.onnx file"):
        cn.from_onnx(onnx.load(file, load_external_data=False))
    (tmp_path / "weights.bin").write_bytes(b"short")
    with pytest.raises(InputError, match=r"net\.onnx is damaged"):
        cn.from_onnx(file)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(InputError, match=r"net\.onnx is damaged"):
        cn.from_onnx(file)


def test_functions_inside_a_model():
    """As the newer exporter of torch writes them."""
    text = """<ir_version: 8, opset_import: ["": 18, "own": 1]>
        g (float[N, 3] x) => (float[N, 3] y) { y = own.act(x) }
        <domain: "own", opset_import: ["": 18]>
        act (a) => (b) { s = Sigmoid(a) b = Mul(a, s) }"""
    assert repr(cn.from_onnx(parser.parse_model(text))) == "Sequential(SiLU())"


def test_files_that_are_none(tmp_path):
    file = tmp_path / "net.onnx"
    with pytest.raises(InputError, match=r"cannot read .*No such file"):
        cn.from_onnx(file)
    for content in (b"", b"{}", bytes(range(256)) * 10):
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"no ONNX file"):
            cn.from_onnx(file)
    with pytest.raises(InputError, match="named by a str or a path, not by a dict"):
        cn.from_onnx({})


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_files_end_in_a_message(data, tmp_path_factory):
    content = bytearray(of_formula([node("Relu", "z", to="a")]).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(content)))
    file = tmp_path_factory.mktemp("onnx") / "net.onnx"
    file.write_bytes(content[:cut])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            cn.from_onnx(file)
        except cn.CvxnetError as error:
            assert "net.onnx" in str(error)


def test_no_memory_is_taken_for_what_a_file_only_claims():
    huge = model([node("MatMul", "x", "W", to="y")], {"W": W})
    huge.graph.initializer[0].dims[:] = [3, 10**12]
    with pytest.raises(UnsupportedError, match=r"3e\+12 weights, 'W' most of them"):
        cn.from_onnx(huge)
    filled = [node("ConstantOfShape", "s", to="W"), node("MatMul", "x", "W", to="y")]
    with pytest.raises(UnsupportedError, match=r"ConstantOfShape.*constants of the shape \(3, 10"):
        cn.from_onnx(model(filled, {"s": np.array([3, 10**12])}))
    image = [node("Conv", "x", "K", to="y", pads=[1, 1, 1, 1])]
    with pytest.raises(UnsupportedError, match="calculates with convolutions as matrices"):
        cn.from_onnx(model(image, {"K": np.zeros((64, 3, 3, 3))}, (1, 3, 224, 224)))


def test_formulas_that_grow_exponentially_are_refused():
    nodes, before, last = [], "x", "x"
    for k in range(60):
        nodes.append(node("Mul", before, last, to=f"t{k}"))
        before, last = last, f"t{k}"
    nodes.append(node("Identity", last, to="y"))
    with pytest.raises(UnsupportedError, match="more than 2000 steps lead to it"):
        cn.from_onnx(model(nodes, {}))


def test_a_network_that_is_another_function_is_an_error(monkeypatch):
    proto = of_formula([node("Relu", "z", to="a")])

    def shifted(model, X):
        return onnx_file.run(model, X) + 1e-3

    monkeypatch.setattr(onnx_reading, "run", shifted)
    with pytest.raises(InputError, match=r"but this is another function: output 0 of a random"):
        cn.from_onnx(proto)


def test_a_note_that_does_not_fit_its_graph_is_not_believed(tmp_path):
    """Another tool changed the graph and kept the note."""
    net = test_onnx.scrambled(cn.Sequential(cn.Linear(3, 2), cn.ReLU(), cn.Linear(2, 1)))
    cn.to_onnx(net, tmp_path / "net.onnx")
    proto = onnx.load(tmp_path / "net.onnx")
    (relu,) = (n for n in proto.graph.node if n.op_type == "Relu")
    relu.op_type = "Tanh"
    assert repr(cn.from_onnx(proto)) == "Sequential(Linear(3, 2), Tanh(), Linear(2, 1))"
    for note in ("", "{}", "[1", '{"network": {"layer": "Linear"}, "given": 1}'):
        proto.metadata_props[0].value = note
        assert repr(cn.from_onnx(proto)) == "Sequential(Linear(3, 2), Tanh(), Linear(2, 1))"


def test_without_a_runtime_the_reference_implementation_is_asked(monkeypatch):
    def missing():
        raise cn.MissingExtraError("none")

    monkeypatch.setattr(onnx_file, "import_onnxruntime", missing)
    assert repr(cn.from_onnx(of_formula([node("Relu", "z", to="a")]))).endswith("Linear(4, 2))")


def test_inputs_that_are_no_rows():
    product = [node("MatMul", "x", "W", to="y")]
    for shape, why in [
        ((3,), "has the shape"),
        (("n", "k", 3), "has the shape"),
        ((1, 2, 3), "rows"),
    ]:
        with pytest.raises(UnsupportedError, match=why):
            cn.from_onnx(model(product, {"W": W}, shape))
    left = [node("MatMul", "W", "x", to="y")]
    with pytest.raises(UnsupportedError, match="its weights stand on the left"):
        cn.from_onnx(model(left, {"W": W.T}))


COLUMNS = {
    "Gemm turns them": [
        node("Transpose", "x", to="t"),
        node("Gemm", "t", "W", "b", to="z", transA=1),
        node("Relu", "z", to="h"),
        node("MatMul", "h", "V", to="y"),
    ],
    "weights on the left": [
        node("Transpose", "x", to="t", perm=[1, 0]),
        node("Gemm", "W", "t", "column", to="z", transA=1, beta=1.0),
        node("Relu", "z", to="h"),
        node("MatMul", "Vt", "h", to="o"),
        node("Transpose", "o", to="y"),
    ],
    "MatMul and Add": [
        node("Transpose", "x", to="t"),
        node("MatMul", "Wt", "t", to="p"),
        node("Add", "column", "p", to="z"),
        node("Max", "z", "zero", to="h"),
        node("Transpose", "h", to="r"),
        node("MatMul", "r", "V", to="y"),
    ],
}


@pytest.mark.parametrize("nodes", COLUMNS.values(), ids=COLUMNS)
def test_samples_may_be_columns_in_between(nodes):
    constants = {"W": W, "Wt": W.T, "V": V, "Vt": V.T, "b": B, "column": B[:, None]}
    net = cn.from_onnx(model(nodes, constants | {"zero": np.zeros(())}))
    assert repr(net) == "Sequential(Linear(3, 4), ReLU(), Linear(4, 2))"
    X = RNG.standard_normal((5, 3))
    np.testing.assert_allclose(net(X), np.maximum(X @ W + B, 0.0) @ V, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ([node("Transpose", "x", to="y")], "samples of 'y' are columns"),
        ([node("Transpose", "x", to="t"), node("Softmax", "t", to="y")], "Turn them back"),
        ([node("Transpose", "x", to="t"), node("Add", "t", "x", to="y")], "and others are rows"),
        ([node("Transpose", "x", to="t"), node("Add", "t", "c", to="y")], "one for each sample"),
        (
            [node("Transpose", "x", to="t"), node("MatMul", "x", "t", to="y")],
            "depends on the input",
        ),
        ([node("Transpose", "x", to="t"), node("MatMul", "t", "x", to="y")], "from the right"),
        ([node("Gemm", "x", "W", to="y", transA=1)], "would be columns"),
    ],
)
def test_columns_that_stay_are_refused_with_what_to_do(nodes, why):
    with pytest.raises(UnsupportedError, match=why):
        cn.from_onnx(model(nodes, {"W": W, "c": np.ones(3)}))
