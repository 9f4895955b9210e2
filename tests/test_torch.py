"""Networks from torch and to torch: the same function, the same numbers, or a refusal by path."""

import copy
import sys
from contextlib import nullcontext

import numpy as np
import pytest

import cvxnet as cn
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.interop.torch import tracing
from cvxnet.interop.torch.pairs import PAIRS

pytestmark = pytest.mark.interface

torch = pytest.importorskip("torch")
torch_networks = pytest.importorskip("torch_networks")
nn = torch.nn

IMAGE = (2, 6, 5)
ROWS = {  # torch modules on rows of 6, and cvxnet's layer
    "Linear": (lambda: nn.Linear(6, 4), "Linear(6, 4)"),
    "Linear without bias": (lambda: nn.Linear(6, 4, bias=False), "Linear(6, 4)"),
    "ReLU": (lambda: nn.ReLU(inplace=False), "ReLU()"),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.2), "LeakyReLU(slope=0.2)"),
    "ELU": (lambda: nn.ELU(0.5), "ELU(alpha=0.5)"),
    "CELU": (lambda: nn.CELU(2.0), "CELU(alpha=2)"),
    "SELU": (nn.SELU, "SELU()"),
    "Softplus": (lambda: nn.Softplus(2.0, threshold=40.0), "Softplus(beta=2)"),
    "Sigmoid": (nn.Sigmoid, "Sigmoid()"),
    "Tanh": (nn.Tanh, "Tanh()"),
    "Hardtanh": (lambda: nn.Hardtanh(-0.5, 2.0), "HardTanh(low=-0.5, high=2)"),
    "SiLU": (nn.SiLU, "SiLU()"),
    "GELU": (nn.GELU, "GELU()"),
    "Softmax": (lambda: nn.Softmax(dim=-1), "Softmax()"),
    "Softmax over columns": (lambda: nn.Softmax(dim=1), "Softmax()"),
    "BatchNorm1d": (lambda: scrambled(nn.BatchNorm1d(6, eps=0.1)), "BatchNorm(6)"),
    "BatchNorm1d, not affine": (
        lambda: scrambled(nn.BatchNorm1d(6, affine=False)),
        "BatchNorm(6)",
    ),
    "LayerNorm": (lambda: scrambled(nn.LayerNorm(6, eps=0.1)), "LayerNorm(6)"),
    "LayerNorm without bias": (lambda: scrambled(nn.LayerNorm(6, bias=False)), "LayerNorm(6)"),
    "LayerNorm, not affine": (lambda: nn.LayerNorm(6, elementwise_affine=False), "LayerNorm(6)"),
    "Flatten": (nn.Flatten, "Flatten()"),
}
IMAGES = {  # torch modules on images
    "Conv2d": lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1),
    "Conv2d without bias": lambda: nn.Conv2d(2, 3, (2, 2), bias=False),
    "AvgPool2d": lambda: nn.AvgPool2d(2),
    "AvgPool2d with stride": lambda: nn.AvgPool2d(3, stride=1),
    "MaxPool2d": lambda: nn.MaxPool2d(2, stride=(1, 1)),
    "pixels": lambda: nn.Sequential(nn.ReLU(), nn.Conv2d(2, 1, 1), nn.Tanh()),
    "LeNet": lambda: nn.Sequential(
        nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        nn.Flatten(),
        nn.Linear(18, 4),
        nn.BatchNorm1d(4),
        nn.Softmax(dim=-1),
    ),
    "generator": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(60, 8), nn.Unflatten(1, (2, 2, 2)), nn.Conv2d(2, 1, 2, padding=1)
    ),
}


def scrambled(module):
    """Every weight and statistic away from its initial value, variances positive."""
    generator = torch.Generator().manual_seed(0)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return module


def deterministic(build):
    """A module whose weights do not depend on the tests that ran before."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return build()


def images(n=7, dtype=torch.float64):
    return torch.from_numpy(3 * np.random.default_rng(0).standard_normal((n, *IMAGE))).to(dtype)


def rows(n=50):
    return torch.from_numpy(8 * np.random.default_rng(0).standard_normal((n, 6)))


def evaluate(module, x):
    with torch.no_grad():
        return copy.deepcopy(module).double().eval()(x).numpy()


def assert_same_state(one, other):
    assert list(one) == list(other)
    for name in one:
        assert one[name].dtype == np.float64
        assert (one[name] == other[name]).all()


@pytest.mark.parametrize("name", ROWS)
def test_layers_on_rows_are_the_same_function_both_ways(name):
    build, expected = ROWS[name]
    module = deterministic(lambda: nn.Sequential(build()))
    net = cn.from_torch(module)
    assert repr(net) == f"Sequential({expected})"
    x = rows()
    np.testing.assert_allclose(net(x.numpy()), evaluate(module, x), rtol=1e-12, atol=1e-12)
    back = cn.to_torch(net)
    np.testing.assert_allclose(back(x).detach(), net(x.numpy()), rtol=1e-12, atol=1e-12)
    again = cn.from_torch(back)
    assert repr(again) == repr(net)
    assert_same_state(again.state_dict(), net.state_dict())


@pytest.mark.parametrize("name", IMAGES)
def test_layers_on_images_are_the_same_function_both_ways(name):
    module = deterministic(IMAGES[name])
    net = cn.from_torch(module, image=IMAGE)
    x = images()
    flat = x.numpy().reshape(len(x), -1)
    expected = evaluate(module, x).reshape(len(x), -1)
    np.testing.assert_allclose(net(flat), expected, rtol=1e-12, atol=1e-12)
    back = cn.to_torch(net)
    found = back(x).detach().numpy().reshape(len(x), -1)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    again = cn.from_torch(back, image=IMAGE)
    assert repr(again) == repr(net)
    assert_same_state(again.state_dict(), net.state_dict())


def test_every_pair_of_the_table_is_tested():
    tested = {name.split()[0].strip(",") for name in (*ROWS, *IMAGES)}
    assert {pair.module for pair in PAIRS} <= tested


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_keep_their_names_and_values(dtype):
    module = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1))).to(dtype)
    state = cn.from_torch(module).state_dict()
    assert list(state) == list(module.state_dict()) == ["0.weight", "0.bias", *list(state)[2:]]
    assert list(state)[2:] == ["1.1.weight", "1.1.bias"]
    for name, tensor in module.state_dict().items():
        assert state[name].dtype == np.float64
        assert (torch.from_numpy(state[name]) == tensor.double()).all()


def test_a_network_goes_through_torch_without_change():
    net = cn.Sequential(
        cn.Sequential(cn.Linear(2, 5, nonneg=True), cn.BatchNorm(5)),
        cn.Softplus(),
        cn.Linear(5, 1, bias=False),
    )
    module = cn.to_torch(net)
    assert {tensor.dtype for tensor in module.parameters()} == {torch.float64}
    assert not module.training
    assert all(p.requires_grad for p in module.parameters())
    again = cn.from_torch(module)
    assert repr(again) == repr(net).replace(", nonneg=True", "")
    assert_same_state(again.state_dict(), net.state_dict())


def test_the_two_share_no_memory_and_draw_no_random_numbers():
    before = torch.random.get_rng_state()
    net = cn.Sequential(cn.Linear(2, 3), cn.LayerNorm(3))
    module = cn.to_torch(net)
    assert (torch.random.get_rng_state() == before).all()
    again = cn.from_torch(module)
    with torch.no_grad():
        module[0].weight.zero_()
    assert net.state_dict()["0.weight"].any() and again.state_dict()["0.weight"].any()


def test_a_module_in_training_mode_is_taken_as_in_evaluation():
    module = nn.Sequential(scrambled(nn.BatchNorm1d(6))).train()
    expected = evaluate(module, rows())
    np.testing.assert_allclose(cn.from_torch(module)(rows().numpy()), expected, rtol=1e-12)
    assert module.training


def test_an_activation_may_stand_in_a_network_twice():
    relu = nn.ReLU()
    net = cn.from_torch(nn.Sequential(nn.Linear(2, 3), relu, nn.Linear(3, 3), relu))
    assert repr(net) == "Sequential(Linear(2, 3), ReLU(), Linear(3, 3), ReLU())"


def test_single_layers_and_subclasses_of_sequential():
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(2, 3), nn.ReLU())

    assert repr(cn.from_torch(nn.Linear(2, 3))) == "Sequential(Linear(2, 3))"
    assert repr(cn.from_torch(Net())) == "Sequential(Linear(2, 3), ReLU())"


def test_rows_become_images_and_images_rows():
    net = cn.Sequential(cn.Flatten(), cn.Conv2d(1, 2, 2, image=(3, 4)), cn.Flatten(), cn.ReLU())
    module = cn.to_torch(net)
    assert [type(part).__name__ for part in module] == ["Unflatten", "Conv2d", "Flatten", "ReLU"]
    x = np.random.default_rng(0).standard_normal((5, 12))
    found = module(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(found, net(x), rtol=1e-12, atol=1e-12)
    assert repr(cn.from_torch(module)) == repr(net)


def test_softplus_of_torch_is_exact_but_for_its_jump():
    net = cn.from_torch(nn.Softplus())
    z = np.linspace(-50.0, 50.0, 2001)[:, None]
    torchs = nn.Softplus()(torch.from_numpy(z)).numpy()
    assert np.abs(net(z) - torchs).max() <= np.exp(-20.0)
    ours = cn.to_torch(net)(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(ours, net(z), rtol=1e-14)


class Custom(nn.Module):
    """A module without a forward."""


def hooked():
    module = nn.Sequential(nn.ReLU())
    module[0].register_forward_hook(lambda module, args, output: 2 * output)
    return module


def tied():
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    module[2].weight = module[0].weight
    return module


def repeated():
    linear = nn.Linear(2, 2)
    return nn.Sequential(linear, nn.ReLU(), linear)


def infinite():
    module = nn.Sequential(nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        module[1].weight[0, 1] = float("inf")
    return module


def conv(**options):
    return lambda: nn.Sequential(nn.Conv2d(2, 3, 3, **options))


REFUSED = [
    (lambda: nn.Sequential(Custom()), r"^the module: forward of .*Sequential cannot be followed"),
    (Custom, r"^the module: forward of .*Custom cannot be followed .*NotImplementedError"),
    (hooked, r"^0: hooks on torch.nn.ReLU"),
    (tied, r"^2: torch.nn.Linear shares its weight with 0"),
    (repeated, r"^2: torch.nn.Linear shares its weight with 0"),
    (lambda: nn.Sequential(nn.GELU("tanh")), r"^0: torch.nn.GELU: approximate='tanh'.*only 'none'"),
    (lambda: nn.Softplus(threshold=5.0), r"Softplus: threshold=5.0 .* only at least 20"),
    (lambda: nn.Softmax(dim=0), r"dim=0 is not supported, only -1 or 1"),
    (nn.Softmax, r"dim=None is not supported"),
    (lambda: nn.BatchNorm1d(2, track_running_stats=False), r"track_running_stats=False"),
    (lambda: nn.LayerNorm((2, 2)), r"normalized_shape=\(2, 2\) is not supported"),
    (lambda: nn.Flatten(0), r"start_dim=0 is not supported, only 1"),
    (conv(padding_mode="reflect"), r"^0: torch.nn.Conv2d: padding_mode='reflect'"),
    (conv(dilation=2), r"^0: torch.nn.Conv2d: dilation=2 is not supported, only 1"),
    (conv(stride=(1, 2)), r"^0: torch.nn.Conv2d: stride=\(1, 2\)"),
    (conv(padding="same"), r"^0: torch.nn.Conv2d: padding='same'"),
    (lambda: nn.Conv2d(2, 2, 3, groups=2), r"groups=2"),
    (lambda: nn.AvgPool2d(2, ceil_mode=True), r"AvgPool2d: ceil_mode=True"),
    (lambda: nn.AvgPool2d(2, padding=1), r"AvgPool2d: padding=1"),
    (lambda: nn.AvgPool2d(2, divisor_override=3), r"AvgPool2d: divisor_override=3"),
    (lambda: nn.MaxPool2d(2, ceil_mode=True), r"MaxPool2d: ceil_mode=True"),
    (lambda: nn.MaxPool2d(2, padding=1), r"MaxPool2d: padding=1"),
    (lambda: nn.MaxPool2d(2, dilation=2), r"MaxPool2d: dilation=2"),
    (lambda: nn.MaxPool2d(2, return_indices=True), r"MaxPool2d: return_indices=True"),
    (
        lambda: nn.Sequential(nn.Linear(5, 2)),
        r"^0: torch.nn.Linear: it gets images .*Flatten\(\) before",
    ),
    (lambda: nn.Sequential(nn.Softmax(-1)), r"^0: torch.nn.Softmax: it gets images"),
    (lambda: nn.Unflatten(1, (1, 2, 3)), r"Unflatten: it is supported with dim=1, where rows"),
]


@pytest.mark.parametrize(("build", "message"), REFUSED)
def test_what_cvxnet_lacks_is_refused_by_name(build, message):
    module = build()
    on_images = any(word in message for word in ("Conv", "Pool", "groups", "images", "Unflatten"))
    with pytest.raises(UnsupportedError, match=message):
        cn.from_torch(module, image=IMAGE if on_images else None)


@pytest.mark.parametrize(
    ("build", "image", "message"),
    [
        (lambda: nn.Conv2d(2, 3, 3), None, r"say how large they are"),
        (lambda: nn.Conv2d(1, 3, 3), IMAGE, r"expects 1 channels, but gets images of \(2, 6, 5\)"),
        (lambda: nn.Conv2d(2, 3, 7), IMAGE, r"a window of 7 does not fit"),
        (lambda: nn.Conv2d(2, 3, 3), (6, 5), r"image is \(channels, height, width\)"),
        (infinite, None, r"^1: torch.nn.Linear: weight\[0, 1\] is inf"),
        (nn.Sequential, None, "at least one layer"),
        (lambda: nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3)), None, "layer 1: .*expects 2"),
        (lambda: nn.ELU(-1.0), None, "the module: torch.nn.ELU: alpha must be"),
        (lambda: nn.Linear(2, 2, device="meta"), None, "weight is on the device meta"),
        (lambda: [nn.Linear(2, 2)], None, "converts torch modules, not a list"),
    ],
)
def test_modules_that_cannot_be_used_as_given(build, image, message):
    module = build()
    with pytest.raises(InputError, match=message):
        cn.from_torch(module, image)


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (cn.Sequential(cn.Linear(2, 2), cn.Maxout(2)), "^1: Maxout has no counterpart"),
        (cn.Sequential(cn.Sequential(cn.Residual(cn.ReLU()))), "^0.0: Residual has no counterpart"),
        (
            cn.Sequential(cn.Conv2d(1, 1, 2, image=(3, 3)), cn.Linear(4, 1)),
            r"^1: Linear\(4, 1\) gets images of \(1, 2, 2\) in torch; put a Flatten",
        ),
        (
            cn.Sequential(cn.Linear(3, 4), cn.Conv2d(1, 1, 2, image=(2, 2))),
            r"^1: Conv2d.* gets rows; put a Flatten",
        ),
        (
            cn.Sequential(
                cn.Conv2d(1, 4, 1, image=(2, 2)), cn.AvgPool2d(2, channels=1, image=(4, 4))
            ),
            r"^1: AvgPool2d.* takes images of \(1, 4, 4\), but gets images of \(4, 2, 2\)",
        ),
    ],
)
def test_what_torch_lacks_is_refused_by_name(net, message):
    with pytest.raises(UnsupportedError, match=message):
        cn.to_torch(net)


def test_only_sequentials_go_to_torch():
    with pytest.raises(InputError, match="not a Linear"):
        cn.to_torch(cn.Linear(2, 1))


def changed(module, before):
    """Which of the parts and tensors of a module are other ones than before."""
    after = parts(module)
    assert list(after) == list(before)
    return [name for name, value in after.items() if value is not before[name]]


def parts(module):
    """Everything that the modules inside a module have, one by one."""
    return {
        (path, name): value
        for path, part in module.named_modules()
        for own in (vars(part), part._parameters, part._buffers)
        for name, value in own.items()
    }


@pytest.mark.filterwarnings("ignore:.*weight_norm.*deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("name", torch_networks.ACCEPTED)
def test_networks_as_people_write_them_are_read(name):
    """The same function on many rows, also where the module is in training mode; it stays so."""
    case = torch_networks.ACCEPTED[name]
    module = deterministic(case.build)
    module.train()
    before, numbers = parts(module), [tensor.clone() for tensor in module.state_dict().values()]
    net = cn.from_torch(module, case.image)
    assert repr(net) == case.expected
    assert changed(module, before) == []
    for tensor, number in zip(module.state_dict().values(), numbers, strict=True):
        assert torch.equal(tensor, number)
    x = torch.from_numpy(3 * np.random.default_rng(5).standard_normal((20, *case.shape)))
    expected, tolerance = outputs(module.eval(), x)
    found = net(x.numpy().reshape(20, -1))
    np.testing.assert_allclose(found, expected.reshape(found.shape), rtol=tolerance, atol=tolerance)


def outputs(module, x):
    """What torch computes, and how exactly: some modules cannot be copied, or want float32."""
    compiled = "torch._dynamo" in sys.modules  # which takes seconds to import
    eager = torch.compiler.set_stance("force_eager") if compiled else nullcontext()
    with torch.no_grad(), eager:
        try:
            return copy.deepcopy(module).double()(x).numpy(), 1e-10
        except RuntimeError:
            return module(x.float()).double().numpy(), 1e-4


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("name", torch_networks.REFUSED)
def test_networks_that_are_no_chains_are_refused_with_what_to_write(name):
    case = torch_networks.REFUSED[name]
    with pytest.raises(UnsupportedError, match=case.expected):
        cn.from_torch(case.build(), case.image)


def test_a_network_that_is_not_the_module_is_never_returned(monkeypatch):
    """Where a rule of ours is wrong, or the module draws at random: a refusal."""
    wrong = dict(tracing.RULES, relu=tracing.RULES["silu"])
    module = torch_networks.Classic()
    monkeypatch.setattr(tracing, "RULES", wrong)
    with pytest.raises(UnsupportedError, match=r"differ by .* on random rows, so it is not used"):
        cn.from_torch(module)


class Fickle(nn.Module):
    """Another layer from the second call on."""

    def __init__(self):
        super().__init__()
        self.one, self.other, self.calls = nn.Linear(2, 1), nn.Linear(2, 1), []

    def forward(self, x):
        self.calls.append(1)
        return (self.one if len(self.calls) == 1 else self.other)(x)


def test_a_module_that_changes_from_call_to_call_is_refused():
    with pytest.raises(UnsupportedError, match="differ from call to call"):
        cn.from_torch(Fickle())


def test_torch_modules_are_judged_without_a_detour():
    verdict = cn.convexity(torch_networks.Classic(), wrt="input")
    assert verdict.convex is cn.convexity(cn.from_torch(torch_networks.Classic())).convex is False
    positive = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 1)))
    with torch.no_grad():
        positive[1][1].weight.abs_()
    assert cn.convexity(positive).convex
