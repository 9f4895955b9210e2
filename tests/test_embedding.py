"""A network inside a CVXPY problem: the same numbers as outside, or a refusal that helps."""

import itertools

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cvxnet as cn
from cvxnet.errors import InputError, UnsupportedError
from cvxnet.layers.layer import Layer

pytestmark = pytest.mark.interface

RISING = (cn.ReLU, cn.Softplus, cn.LeakyReLU, cn.ELU, cn.CELU, cn.SquaredReLU, cn.Squareplus)
CORNERS = np.array([[a, b] for a in np.linspace(-2, 2, 41) for b in np.linspace(-2, 2, 41)])


@st.composite
def convex_networks(draw):
    """Two inputs, one output, convex by the signs of the weights; curved in any first layer."""
    seed, widths = draw(st.integers(0, 10**6)), draw(st.lists(st.integers(1, 4), max_size=2))
    if draw(st.booleans()):
        return cn.input_convex([2, *widths, 1], seed=seed)
    first = draw(st.sampled_from([*RISING, cn.Square, cn.Abs]))
    layers, sizes = [cn.Linear(2, 3), first()], [3, *widths, 1]
    for left, right in itertools.pairwise(sizes):
        layers += [cn.Linear(left, right, nonneg=True), draw(st.sampled_from(RISING))()]
    if draw(st.booleans()):
        layers.insert(2, cn.Residual(cn.BatchNorm(3)))
    return cn.Sequential(*layers, seed=seed)


def minimum(output, x, tilt, more=()):
    """The least of ``output + tilt.x + |x|^2 / 4`` on the square, and where.

    Squares of what grows like an exponential are now and then too much for one solver, or it warns.
    """
    objective = cp.Minimize(cp.sum(output) + tilt @ x + cp.sum_squares(x) / 4)
    problem = cp.Problem(objective, [cp.abs(x) <= 2, *more])
    try:
        return problem.solve(solver=cp.CLARABEL), x.value
    except (cp.SolverError, UserWarning):
        return problem.solve(solver=cp.ECOS), x.value


@settings(max_examples=25, deadline=None)
@given(net=convex_networks(), tilt=st.tuples(*2 * [st.floats(-2, 2)]))
def test_the_minimum_is_the_networks_own(net, tilt):
    """Embedded, parametrised and on a grid: three ways to the same number."""
    x, tilt = cp.Variable(2), np.array(tilt)

    def objective(points):
        return net(points)[..., 0] + points @ tilt + (points**2).sum(-1) / 4

    value, place = minimum(cn.embed(net, x), x, tilt)
    scale = 1.0 + abs(value)
    assert abs(objective(place) - value) < 1e-5 * scale
    assert value <= objective(CORNERS).min() + 1e-6 * scale
    cost = cn.parametrize(net, x)
    again, there = minimum(cost.output, x, tilt, cost.constraints)
    assert abs(again - value) < 1e-5 * scale
    assert abs(objective(there) - value) < 1e-5 * scale


def test_the_value_at_the_solution_is_torchs():
    torch = pytest.importorskip("torch")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = torch.nn.Sequential(
            torch.nn.Linear(3, 8),
            torch.nn.Softplus(threshold=40.0),
            torch.nn.Linear(8, 6),
            torch.nn.ReLU(),
            torch.nn.Linear(6, 1),
        ).double()
    with torch.no_grad():
        for layer in (module[2], module[4]):
            layer.weight.abs_()
    x = cp.Variable(3)
    cost = cn.parametrize(cn.from_torch(module), x)
    for output, links in [(cn.embed(module, x), ()), (cost.output, cost.constraints)]:
        # as an objective, and as a bound that binds
        bounded = cp.Problem(cp.Maximize(cp.sum(x)), [output <= 2.0, cp.norm(x) <= 9, *links])
        for problem in [cp.Problem(cp.Minimize(output), [cp.sum(x) == 1, *links]), bounded]:
            problem.solve(solver=cp.CLARABEL)
            with torch.no_grad():
                forward = module(torch.from_numpy(x.value)).numpy()
            np.testing.assert_allclose(output.value, forward, rtol=0, atol=1e-6)
    np.testing.assert_allclose(forward, 2.0, atol=1e-6)


def test_weights_change_without_compiling_again():
    x = cp.Variable(2)
    net, other = (cn.input_convex([2, 4, 3, 1], seed=seed) for seed in (1, 2))
    cost = cn.parametrize(net, x)
    problem = cp.Problem(cp.Minimize(cp.sum(cost.output) + cp.sum_squares(x)), cost.constraints)
    assert problem.is_dcp(dpp=True)
    problem.solve(solver=cp.CLARABEL)
    compiled = problem.get_problem_data(cp.CLARABEL, solver_opts={})[1]
    for name, weight in other.state_dict().items():
        cost.parameters[name].value = weight
    value = problem.solve(solver=cp.CLARABEL)
    assert problem.get_problem_data(cp.CLARABEL, solver_opts={})[1] is compiled
    plain = cp.Problem(cp.Minimize(cp.sum(cn.embed(other, x)) + cp.sum_squares(x)))
    assert abs(plain.solve(solver=cp.CLARABEL) - value) < 1e-6


def test_weights_keep_the_signs_that_convexity_needs():
    net = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.BatchNorm(3), cn.Linear(3, 1))
    state = {name: np.abs(weight) for name, weight in net.state_dict().items()}
    state["3.weight"] *= -1.0
    state["2.weight"] *= -1.0
    cost = cn.parametrize(net.load_state_dict(state), cp.Variable(2))
    assert set(cost.parameters) == {name for name in state if "running" not in name}
    signs = {name: parameter.sign for name, parameter in cost.parameters.items()}
    assert signs.pop("2.weight") == signs.pop("3.weight") == "NONPOSITIVE"
    assert set(signs.values()) == {"UNKNOWN"}  # the first layer and biases are free
    with pytest.raises(ValueError, match="must be nonpositive"):
        cost.parameters["3.weight"].value = np.ones((1, 3))


def test_the_input_may_depend_on_parameters_too():
    x, q = cp.Variable(2), cp.Parameter(value=2.0)
    net = cn.input_convex([2, 3, 1], seed=4)
    cost = cn.parametrize(net, q * x)
    problem = cp.Problem(cp.Minimize(cp.sum(cost.output)), [*cost.constraints, cp.norm(x) <= 1])
    assert problem.is_dcp(dpp=True)
    problem.solve(solver=cp.CLARABEL)
    np.testing.assert_allclose(cost.output.value, net(2.0 * x.value), atol=1e-6)


def test_deep_residual_networks_compile_in_no_time():
    """``net(x)`` alone has 2^20 paths to x, and CVXPY walks each."""
    net = cn.Sequential(*20 * [cn.Residual(cn.ReLU()), cn.AvgPool2d(1, channels=1, image=(1, 2))])
    x = cp.Variable(2)
    cost = cn.parametrize(net, x)
    problem = cp.Problem(cp.Minimize(cp.sum(cost.output)), [*cost.constraints, x >= -1])
    assert abs(problem.solve(solver=cp.CLARABEL) + 2.0) < 1e-6


@pytest.mark.filterwarnings("ignore")  # those of cvxpylayers, whatever they are
def test_cvxpylayers_differentiates_the_solution_in_the_weights():
    torch = pytest.importorskip("torch")
    layers = pytest.importorskip("cvxpylayers.torch")
    x, q = cp.Variable(2), cp.Parameter(2)
    cost = cn.parametrize(cn.input_convex([2, 5, 4, 1], seed=3), x)
    objective = cp.sum(cost.output) + 0.5 * cp.sum_squares(x) + q @ x
    problem = cp.Problem(cp.Minimize(objective), [*cost.constraints, cp.sum(x) == 1])
    parameters = [*cost.parameters.values(), q]
    values = [np.array(p.value) for p in parameters[:-1]] + [np.array([0.3, -0.2])]
    tensors = [torch.tensor(value, requires_grad=True) for value in values]
    (solution,) = layers.CvxpyLayer(problem, parameters=parameters, variables=[x])(*tensors)
    (solution**3).sum().backward()
    gradients = [tensor.grad.numpy() for tensor in tensors]

    def cubes(step):
        """The same number by CVXPY, a step along the gradient."""
        for parameter, value, gradient in zip(parameters, values, gradients, strict=True):
            parameter.value = value + step * gradient
        problem.solve(solver=cp.CLARABEL)
        return (x.value**3).sum()

    slope, expected = (cubes(1e-3) - cubes(-1e-3)) / 2e-3, sum((g**2).sum() for g in gradients)
    assert expected > 0.05 and all(gradient.any() for gradient in gradients)
    assert abs(slope - expected) < 1e-3 * expected


def refused(net, x=None):
    with pytest.raises(InputError) as caught:
        cn.embed(net, cp.Variable(2) if x is None else x)
    return str(caught.value)


def test_networks_that_are_not_convex_are_refused_by_layer_and_entry():
    net = cn.Sequential(cn.Linear(2, 3), cn.ReLU(), cn.Linear(3, 1))
    state = net.state_dict() | {"2.weight": [[1.0, -0.25, 2.0]]}
    said = refused(net.load_state_dict(state))
    for words in [
        "not convex in its input (a counterexample was verified)",
        "layer 2, matrix product",
        "1 of 3 factors have the wrong sign",
        "2.weight[0, 1] = -0.25",
        "make the weights of layer 2 >= 0 (clips 1 entries, the smallest -0.25)",
    ]:
        assert words in said
    tanh = cn.Sequential(cn.Linear(2, 3), cn.Tanh(), cn.Linear(3, 1))
    said = refused(tanh)  # as it starts, before anybody gave it weights
    assert "layer 1, tanh" in said and "replace Tanh (layer 1) by ReLU" in said


def test_what_else_cannot_be_minimised_over():
    concave = cn.Sequential(cn.ReLU(), cn.Linear(2, 1, nonpos=True))
    assert "it is concave, so net(x) can be maximised" in refused(concave)
    # |x| as 2 relu(x) + ... with a kink that cancels: convex, but not by signs
    hidden = cn.Sequential(cn.Linear(1, 2, bias=False), cn.ReLU(), cn.Linear(2, 1, bias=False))
    hidden.load_state_dict({"0.weight": [[1.0], [2.0]], "2.weight": [[2.0, -0.5]]})
    assert "is convex in its input, but CVXPY's rules do not see it" in refused(
        hidden, cp.Variable(1)
    )
    with pytest.raises(InputError, match="a network or a torch module, not a str"):
        cn.embed("relu", cp.Variable(2))
    with pytest.raises(InputError, match=r"a cp\.Variable .*, not ndarray.*net\(x\)"):
        cn.embed(concave, np.zeros(2))


def test_the_sign_of_the_input_counts():
    net = cn.Sequential(cn.ReLU(), cn.Tanh())
    assert cn.embed(net, cp.Variable(2, nonpos=True)).is_convex()
    assert "layer 1, tanh" in refused(net, cp.Variable(2, nonneg=True))


class Product(Layer):
    """A layer whose weights multiply each other."""

    def __init__(self):
        super().__init__()
        self.tensors = {"left": np.array(2.0), "right": np.array(3.0)}

    def forward(self, z):
        return self.tensors["left"] * (self.tensors["right"] * z)


def test_products_of_parameters_are_refused_by_layer():
    net, x = cn.Sequential(cn.Linear(2, 1), Product()), cp.Variable(2)
    assert cn.embed(net, x).is_affine()
    with pytest.raises(UnsupportedError, match=r"^layer 1 multiplies parameters .*embed\(net, x\)"):
        cn.parametrize(net, x)
