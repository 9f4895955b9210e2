"""Certificates for networks that others trained."""

import numpy as np
import pytest
import torch
from examples import random_data
from torch.nn.utils.fusion import fuse_linear_bn_eval

import cvxnet as cn
from cvxnet.objective import flattened, without_norms


def torch_network(width, seed=0, bias=True, activation=torch.nn.ReLU):
    torch.manual_seed(seed)
    return torch.nn.Sequential(
        torch.nn.Linear(2, width), activation(), torch.nn.Linear(width, 1, bias=bias)
    ).double()


def fit(module, X, y, weight_decay, optimizer, steps, loss="squared"):
    """Full batch training of the objective that certify is about."""
    A, b = torch.tensor(X), torch.tensor(y)[:, None]

    def objective():
        f = module(A)
        fit = 0.5 * ((f - b) ** 2).sum()
        if loss == "logistic":
            fit = torch.nn.functional.softplus(-b * f).sum()
        decayed = (p for name, p in module.named_parameters() if name != "2.bias")
        return fit + 0.5 * weight_decay * sum((p**2).sum() for p in decayed)

    def closure():
        optimizer.zero_grad()
        value = objective()
        value.backward()
        return value

    for _ in range(steps):
        optimizer.step(closure)
    return objective().item()


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("name", ["SGD", "Adam", "LBFGS"])
def test_gap_of_a_torch_network(name, loss):
    X, y = random_data(0, 30, 2)
    y = y if loss == "squared" else np.sign(y)
    module = torch_network(40)
    rate = {"SGD": 2e-3, "Adam": 1e-2, "LBFGS": 0.5}[name]
    optimizer = getattr(torch.optim, name)(module.parameters(), lr=rate)
    value = fit(module, X, y, 0.2, optimizer, 8 if name == "LBFGS" else 200, loss)
    cert = cn.certify(module, X, y, loss=loss, weight_decay=0.2)
    assert cert.value == pytest.approx(value, rel=1e-9)
    assert cert.best.status == "optimal" and cert.closed_by == ""
    assert cert.lower <= cert.upper == cert.best.value <= cert.value
    assert cert.gap == pytest.approx(1 - cert.lower / cert.upper, abs=1e-15)
    least, most = cert.excess
    assert 0.0 < least <= most == pytest.approx(value / cert.lower - 1, rel=1e-6)
    assert least == pytest.approx(value / cert.upper - 1, rel=1e-6)
    result = cn.check(cert.certificate.to_dict())
    assert result.valid, result.reason
    assert (result.lower, result.upper) == (cert.lower, cert.value)


def test_a_good_network_needs_no_retraining():
    """Its own dual vector closes the bracket: no round of column generation."""
    X, y = random_data(1, 25, 2)
    solution = cn.train("relu", X, y, weight_decay=0.2, gap=1e-9)
    cert = cn.certify(cn.to_torch(solution.network), X, y, weight_decay=0.2)
    assert cert.excess[1] <= 1.1e-6 and cert.closed_by == "gap"
    assert cert.best.stats["rounds"] == 1
    assert cert.notes == []


def test_width_that_may_matter_is_said():
    X, y = random_data(2, 30, 2)
    module = torch_network(1)
    fit(module, X, y, 0.05, torch.optim.Adam(module.parameters(), lr=1e-2), 300)
    cert = cn.certify(module, X, y, weight_decay=0.05)
    assert cert.width == 1 < cert.best.units
    assert "width" in cert.notes[0] and cert.notes[0] in str(cert)


def test_of_a_deep_network_the_last_two_layers():
    X, y = random_data(3, 25, 2)
    top = torch_network(10)
    below = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Tanh()).double()
    cert = cn.certify(torch.nn.Sequential(*below, *top), X, y, weight_decay=0.2)
    features = below(torch.tensor(X)).detach().numpy()
    same = cn.certify(top, features, y, weight_decay=0.2)
    assert cert.layers_below == 2 and "last two layers" in cert.notes[0]
    assert cert.lower == pytest.approx(same.lower, rel=1e-6)
    assert cert.value == pytest.approx(same.value, rel=1e-9)
    assert cn.check(cert.certificate.to_dict()).valid


@pytest.mark.parametrize("activation", [torch.nn.LeakyReLU, torch.nn.ReLU])
def test_many_features(activation):
    """Ten features: pricing is relaxed, and the bracket true."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 10))
    y = np.maximum(X[:, 0], 0.0) - 0.5 * np.abs(X[:, 1])
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(10, 20), activation(), torch.nn.Linear(20, 1, bias=False)
    ).double()
    beta = 0.3 * cn.largest_weight_decay("relu", X, y)
    fit(module, X, y, beta, torch.optim.Adam(module.parameters(), lr=1e-2), 500)
    cert = cn.certify(module, X, y, weight_decay=beta, gap=0.4, time_limit=None)
    assert 0.0 < cert.lower <= cert.upper <= cert.best.value
    assert cert.upper <= cert.value and cert.gap < 0.5
    result = cn.check(cert.certificate.to_dict())
    assert result.valid, result.reason


@pytest.mark.parametrize(
    "network",
    [
        cn.Sequential(cn.Linear(2, 3), cn.Softplus(), cn.Linear(3, 1)),
        cn.Sequential(cn.Linear(2, 3, nonneg=True), cn.ReLU(), cn.Linear(3, 1)),
        cn.Sequential(cn.Linear(2, 1)),
    ],
)
def test_what_is_not_covered_is_refused_with_a_list(network):
    X, y = random_data(0, 10, 2)
    with pytest.raises(cn.UnsupportedError, match="LeakyReLU"):
        cn.certify(network, X, y, weight_decay=0.1)


def test_bad_input_gets_a_message():
    X, y = random_data(0, 10, 2)
    network = cn.Sequential(cn.Linear(3, 4), cn.ReLU(), cn.Linear(4, 1))
    two_outputs = cn.Sequential(cn.Linear(2, 4), cn.ReLU(), cn.Linear(4, 2))
    with pytest.raises(cn.InputError, match="2 outputs, but y has 1 column"):
        cn.certify(two_outputs, X, y, weight_decay=0.1)
    with pytest.raises(cn.InputError, match="3 inputs"):
        cn.certify(network, X, y, weight_decay=0.1)
    with pytest.raises(cn.InputError, match="takes a network"):
        cn.certify("relu", X, y, weight_decay=0.1)


def test_save(tmp_path):
    X, y = random_data(4, 15, 2)
    cert = cn.certify(torch_network(5), X, y, weight_decay=0.3)
    cert.save(tmp_path / "cert.json")
    result = cn.check(tmp_path / "cert.json")
    assert result.valid
    assert cn.Certificate.load(tmp_path / "cert.json") == cert.certificate


@pytest.mark.parametrize("loss", ["hinge", "absolute"])
def test_the_zero_network_is_certified_where_it_is_optimal(loss):
    """Its predictions are on kinks, where the middle of the gradients would prove nothing."""
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((30, 1)), np.where(rng.standard_normal(30) > 0.0, 1.0, -1.0)
    form = {"loss": loss, "weight_decay": 30.0}
    solution = cn.train("relu", X, y, output_bias=True, **form)
    assert solution.units == 0 and solution.status == "optimal"
    assert cn.certify(solution.network, X, y, **form).closed_by


@pytest.mark.parametrize("dressed", ["nested", "flattened", "dropped", "normalised"])
def test_networks_are_certified_however_they_are_written(dressed):
    """Nested, with layers that do nothing, and with a BatchNorm, which torch itself folds in."""
    nn = torch.nn
    top = torch_network(4).double()
    first, activation, last = top
    norm = nn.BatchNorm1d(4).double().eval()
    with torch.no_grad():
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            tensor.uniform_(0.5, 2.0)
    module = {
        "nested": nn.Sequential(nn.Sequential(first, activation), nn.Sequential(last)),
        "flattened": nn.Sequential(nn.Flatten(), first, activation, last),
        "dropped": nn.Sequential(first, nn.Dropout(), activation, nn.Identity(), last),
        "normalised": nn.Sequential(first, norm, activation, last),
    }[dressed]
    if dressed == "normalised":
        plain = nn.Sequential(fuse_linear_bn_eval(first.eval(), norm), activation, last)
    else:
        plain = top
    X, y = random_data(0, 12, 2)
    found, expected = (cn.certify(net, X, y, weight_decay=0.3) for net in (module, plain))
    assert found.value == pytest.approx(expected.value, rel=1e-12)
    assert found.lower == pytest.approx(expected.lower, rel=1e-6)
    assert (found.width, found.layers_below) == (4, 0)
    assert ("folded" in str(found)) == (dressed == "normalised")


def test_a_norm_after_the_activation_is_folded_into_the_last_layer():
    rng = np.random.default_rng(0)
    norm = cn.BatchNorm(3).load_state_dict(
        {name: rng.uniform(0.5, 2.0, 3) for name in cn.BatchNorm(3).state_dict()}
    )
    net = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), norm, cn.Linear(3, 1), cn.BatchNorm(1))
    plain = cn.Sequential(*without_norms(flattened(net)))
    assert repr(plain) == "Sequential(Linear(2, 3), ReLU(), Linear(3, 1))"
    X = rng.standard_normal((9, 2))
    np.testing.assert_allclose(plain(X), net(X), rtol=1e-12)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [cn.Linear(3, 1), cn.Sigmoid()],
            r'^Sequential\(Linear\(2.* Sigmoid\(\); leave .*"logistic"',
        ),
        (
            [cn.Linear(3, 2), cn.Softmax()],
            r'^Sequential\(Linear\(2.* Softmax\(\); .*"cross_entropy"',
        ),
        ([cn.Linear(3, 3), cn.ReLU()], r"it ends with ReLU\(\), not with a Linear layer"),
    ],
)
def test_what_ends_a_network_is_named_beside_the_whole_of_it(layers, message):
    net = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), *layers)
    for call in (cn.certify, cn.train):
        with pytest.raises(cn.UnsupportedError, match=message):
            call(net, np.eye(2), [1.0, -1.0], weight_decay=1.0)


def test_a_norm_is_no_part_of_what_is_trained():
    net = cn.Sequential(cn.Linear(2, 3), cn.BatchNorm(3), cn.ReLU(), cn.Linear(3, 1))
    with pytest.raises(cn.UnsupportedError, match="BatchNorm is no part of what is trained; leave"):
        cn.train(net, np.eye(2), [1.0, -1.0], weight_decay=1.0)
