"""The objective: checked once, whatever it is made of; networks taken apart and put together."""

from dataclasses import replace

import numpy as np
import pytest
from claimed import objective_with
from examples import random_data

import cvxnet as cn
from cvxnet.objective import FAMILIES, Budget, Family, Form, Weights, network_of, read_network
from cvxnet.training.units import UNITS, bind

X, Y = random_data(0, 7, 2)
OPTIONS = {"leaky_relu": {"slope": 0.2}, "tanh": {"radius": 2.0}, "gated_relu": {"gates": 3}}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("bias", [False, True])
def test_the_network_says_what_the_units_say(name, bias):
    """`network_of` against the features that training computes, for every family and form."""
    rng, m = np.random.default_rng(1), 3
    form = {"bias": bias, "output_bias": True, "skip": True}
    goal = objective_with(Family(name, **OPTIONS.get(name, {})), X, Y, **form)
    units = bind(goal.units, goal.rows, goal.norm)
    gate = np.arange(m) if name == "gated_relu" else None
    hidden = rng.standard_normal((m, goal.rows.shape[1]))
    hidden = hidden / np.linalg.norm(hidden, axis=1)[:, None]
    if name == "coordinate":
        hidden = np.eye(2)[[0, 1, 0]]
    weights = Weights(
        W=hidden[:, :2],
        b=hidden[:, 2] if goal.form.bias else None,
        a=rng.standard_normal(m),
        c=0.5,
        s=np.array([1.0, -2.0]),
        gate=gate,
    )
    rows = units.coordinates(hidden, gate)
    features = units.features(rows)
    if goal.units.traits.power != 1:  # units of a fixed size
        features = features / units.sizes(rows)
    expected = features @ weights.a + 0.5 + X @ [1.0, -2.0]
    said = network_of(goal.units, weights)(X)[:, 0]
    np.testing.assert_allclose(said, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name, traits in FAMILIES.items() if traits.layer])
@pytest.mark.parametrize("form", [Form(), Form(False), Form(True, True, True)], ids=str)
def test_a_network_taken_apart_is_the_network(name, form):
    rng, m = np.random.default_rng(0), 4
    family = Family(name, **{"slope": 0.2} if name == "leaky_relu" else {})
    weights = Weights(
        W=rng.standard_normal((m, 2)),
        b=rng.standard_normal(m) if form.bias else None,
        a=rng.standard_normal(m),
        c=1.5 if form.output_bias else None,
        s=rng.standard_normal(2) if form.skip else None,
    )
    network = network_of(family.complete(2 + form.bias), weights)
    two = read_network(network)
    assert (two.family.name, two.form, two.width, two.given) == (name, form, m, True)
    again = network_of(two.family.complete(2 + form.bias), two.weights)
    assert (again(X) == network(X)).all()


def test_what_was_checked_stays_as_it_is():
    """Making an objective again from its own parts changes nothing, and copies are private."""
    given, weights = X.copy(), np.array([1.0, 0.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    goal = objective_with(
        Family("gated_relu", gates=3), given, Y > 0, "logistic", 0.3, sample_weight=weights
    )
    given[:] = 0.0
    assert goal.X.shape == (6, 2) and (np.delete(X, 1, axis=0) == goal.X).all()
    assert set(goal.y) == {-1.0, 1.0} and (goal.sample_weight == np.delete(weights, 1)).all()
    again = replace(goal, weight_decay=2.0)
    for name in ("X", "y", "sample_weight"):
        assert (getattr(again, name) == getattr(goal, name)).all()
        with pytest.raises(ValueError, match="read-only"):
            getattr(goal, name)[0] = 7.0
    assert (again.units.options["gates"] == goal.units.options["gates"]).all()
    assert again.form == goal.form and again.weight_decay == 2.0


def test_a_network_for_units_says_family_form_and_start():
    network = cn.Sequential(cn.Linear(2, 5, bias=False), cn.LeakyReLU(0.3), cn.Linear(5, 1))
    goal = objective_with(network, X, Y, bias=True, skip=True)
    assert goal.units == Family("leaky_relu", slope=0.3)
    assert goal.form == Form(bias=False, output_bias=True)
    assert goal.network.width == 5 and not goal.network.given
    with pytest.raises(cn.InputError, match="the network has 2 inputs, but X has 1 columns"):
        objective_with(network, X[:, :1], Y)


def test_every_family_has_its_pricing_and_nothing_else_has():
    assert UNITS.keys() == FAMILIES.keys()
    assert all(kind.name == name for name, kind in UNITS.items())
    assert cn.FAMILIES is FAMILIES


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gap": 1.5}, "gap is 1.5"),
        ({"solver": "GUESS"}, "solver 'GUESS' is not installed"),
        ({"time_limit": 0.0}, "time_limit must be a finite number above 0"),
    ],
)
def test_budgets_that_cannot_be_spent(options, message):
    with pytest.raises(cn.InputError, match=message):
        Budget(**options)
