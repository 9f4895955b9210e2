"""Problems that CVXPY refuses, rewritten: the same values, the same points, the same optimum."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import minimize

import cvxnet as cn
from cvxnet.analysis.derivation import derived
from cvxnet.analysis.evidence import Proof, is_proved
from cvxnet.analysis.provers.same import prove_by_another_form
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.analysis.rewriting.comparison import is_checked
from cvxnet.analysis.rewriting.rules import RULES, another_form
from cvxnet.analysis.rewriting.search import Forms

OPPOSITE = {"convex": "concave", "concave": "convex"}
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
P = A @ A.T
x, y, z = (cp.Variable(name=name) for name in "xyz")
p, q, r, t = (cp.Variable(pos=True, name=name) for name in "pqrt")
v = cp.Variable(3, name="v")
u, s = (cp.Variable(3, pos=True, name=name) for name in "us")
M = cp.Variable((2, 2), name="M")

EXPRESSIONS = {
    "convex": [
        # quotients of squares and other powers
        x**2 / p,
        cp.sum_squares(v) / t,
        cp.inv_pos(t) * cp.sum_squares(v),
        (p - q) ** 2 / (p + q),
        (x**2 + y**2) / p - 2 * x * y / p,
        (x**2 + 3) / (p + 1),
        cp.quad_form(v, P) / t,
        cp.norm(v) ** 2 / t,
        (cp.norm(v) + 1) ** 2 / t,
        t * cp.sum_squares(v / t),
        p**3 / q**2,
        p**1.5 / q**0.5,
        p**2.5 / q**1.2,
        x**6 / p,
        1 / (p * q),
        1 / (p * cp.sqrt(q)),
        2 * p * p * cp.inv_pos(q),
        t * cp.power(p / t, 3),
        cp.max(cp.square(v) / u),
        cp.sum(cp.square(v) / u),
        cp.sum(1 / (u + 1)),
        # exponentials
        cp.exp(x) / cp.exp(y),
        cp.exp(x) / p,
        cp.exp(2 * cp.log(p)),
        cp.exp(cp.square(x)) * cp.exp(x),
        cp.exp(x) ** 2 + 3 * cp.exp(x) - cp.exp(x),
        # entropies
        p * cp.log(p / q),
        p * (cp.log(p) - cp.log(q)),
        p * cp.log(p) - p * cp.log(q),
        cp.sum(cp.multiply(u, cp.log(u / s))),
        -t * cp.log(p / t),
        # logarithms of sums
        -cp.log(cp.inv_pos(1 + cp.exp(-x))),
        cp.log(cp.exp(x) + cp.exp(y)),
        cp.log(1 / p + cp.exp(y)),
        cp.log(cp.sum(cp.exp(v))),
        cp.log((cp.exp(x) + 1) * (cp.exp(y) + 1)),
        cp.sum(cp.log(1 + cp.exp(A @ v))) - np.ones(3) @ A @ v,
        # roots
        cp.sqrt(x**2 + 1),
        cp.sqrt(1 / p + 1),
        cp.sqrt(x**4 + y**4),
        cp.sqrt(v @ v),
        cp.sqrt(cp.quad_form(v, P) + 2),
        -cp.sqrt(p * q),
        -t * cp.sqrt(p / t),
        # quadratic functions
        cp.mean(v**2) - cp.mean(v) ** 2,
        v @ P @ (v - 1),
        x**2 - 2 * x * y + y**2,
        x * x + x * y + y * y + cp.exp(x),
        (x - y) * (x - y),
        cp.sum(M @ M.T),
        cp.trace(M.T @ M),
        cp.square(cp.sqrt(p)),
        cp.log(cp.exp(z)),
    ],
    "concave": [
        cp.sqrt(p * q),
        cp.sqrt(p) * cp.sqrt(q),
        (p * q * r) ** (1 / 4),
        p * cp.log(1 + q / p),
        p * cp.log(1 + 1 / p),
        cp.sum(cp.multiply(u, cp.log(1 + s / u))),
        cp.log(1 / (1 + cp.exp(-z))),
        cp.log(1 - 1 / (1 + cp.exp(-z))),
        cp.log(cp.exp(x) / (1 + cp.exp(x))),
        cp.sum(cp.log(cn.Sigmoid()(v))),
        p * q / (p + q),
        p / (1 + p),
        1 / (1 / p + 1 / q),
        (cp.sqrt(p) + cp.sqrt(q)) ** 2,
        cp.log(1 + p / (2 + 3 * p)),
        cp.log(p * q),
        cp.log(p / (1 + p)),
        cp.minimum(p / (1 + p), cp.sqrt(p * q)),
    ],
}
ALL = [(goal, e) for goal, expressions in EXPRESSIONS.items() for e in expressions]


def form(expression, goal):
    """The form with that curvature, or None."""
    return Forms(ask_about_expression(expression), RULES).form(expression, goal)


def draw(variables, rng):
    """Random values within the attributes."""
    for variable in variables:
        values = rng.normal(size=variable.shape)
        variable.value = np.abs(values) + 0.1 if variable.is_nonneg() else values


@pytest.mark.parametrize(("goal", "expression"), ALL, ids=str)
def test_a_form_is_the_same_function_with_the_curvature(goal, expression):
    assert not getattr(expression, f"is_{goal}")()
    found = form(expression, goal)
    assert getattr(found, f"is_{goal}")()
    rng = np.random.default_rng(1)
    for _ in range(5):
        draw(expression.variables(), rng)
        assert np.allclose(found.value, expression.value, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("goal", "expression"), ALL, ids=str)
def test_there_is_no_form_with_the_other_curvature(goal, expression):
    other = form(expression, OPPOSITE[goal])
    assert other is None or other.is_affine()


NEITHER = [
    x * y,
    p * q,
    p / q,
    cp.abs(x) / p,
    cp.norm(v / t),
    x**2 / y,
    p**2 / q**2,
    p**2.1 / q**1.2,
    cp.sqrt(p * q * r),
    1 / (x * y),
    x**2 - 3 * x * y + y**2,
    (x**2 - y**2) / p,
    cp.exp(x) * p,
    p * cp.log(q),
    p * cp.log(q / p) + q * cp.log(p),
    cp.log(cp.exp(x) - cp.exp(y)),
    cp.sqrt(x**2 + y),
    cp.mean(v**2) - 1.5 * cp.mean(v) ** 2 * 2 - v[0] ** 2,
]


@pytest.mark.parametrize("expression", NEITHER, ids=str)
def test_no_form_is_made_up(expression):
    assert form(expression, "convex") is None
    assert form(expression, "concave") is None


# ------------------------------------------------------------------------------------ problems

PROBLEMS = {}
START = {}


def problem(make):
    """A problem that CVXPY refuses, made anew each time."""
    PROBLEMS[make.__name__] = make
    return make


def var(*shape, **attributes):
    """A variable."""
    return cp.Variable(*shape, **attributes)


@problem
def queue():
    L = np.array([8, 15, 8, 3, 10]) / 60
    u = var(5)
    cost = cp.sum(cp.multiply(L, 1 / (u - L)))
    return cp.Problem(cp.Minimize(cost), [u >= L + 0.01, np.arange(1.0, 6) @ u <= 10])


@problem
def hyperbola():
    a, b = var(nonneg=True), var(nonneg=True)
    return cp.Problem(cp.Minimize(a + 2 * b), [a * b >= 1])


@problem
def logarithm_below():
    a = var()
    return cp.Problem(cp.Maximize(a), [cp.log(a) <= 3])


@problem
def log1p_below():
    a = var()
    return cp.Problem(cp.Maximize(a), [2 * cp.log1p(a) + 1 <= 3, a >= 0])


@problem
def root_below():
    a = var()
    return cp.Problem(cp.Maximize(a), [cp.sqrt(a) <= 2])


@problem
def exponential_above():
    a = var()
    return cp.Problem(cp.Minimize(a), [cp.exp(a) >= 2])


@problem
def ratio_below():
    a, b = var(), var()
    return cp.Problem(cp.Maximize(a - b), [a / b <= 2, b >= 1, b <= 3])


@problem
def ratio_above():
    a, b = var(), var(pos=True)
    return cp.Problem(cp.Minimize(a + b), [a / b >= 2, b >= 1])


@problem
def largest_ratio():
    a, b = var(2, nonneg=True), var(2, pos=True)
    return cp.Problem(cp.Maximize(cp.sum(a) - cp.sum_squares(b)), [cp.max(a / b) <= 2, b <= 2])


@problem
def absolute_ratio():
    a, b = var(), var(pos=True)
    return cp.Problem(cp.Maximize(a - b**2), [cp.abs(a / b) <= 2])


@problem
def largest_quotient():
    a, b = var(2), var(2, pos=True)
    largest = cp.max(cp.square(a) / b)
    return cp.Problem(cp.Minimize(largest), [cp.sum(a) == 3, cp.sum(b) <= 4, a >= 0.5])


@problem
def rotated_cone():
    a, b, c = var(2), var(nonneg=True), var(nonneg=True)
    limits = [cp.sum_squares(a) <= b * c, b + 2 * c <= 3]
    return cp.Problem(cp.Maximize(a[0] + 2 * a[1]), limits)


@problem
def squared_cone():
    a, b = var(2), var(nonneg=True)
    limits = [cp.sum_squares(a - np.array([1, 2])) <= b**2, cp.sum(a) == 0]
    return cp.Problem(cp.Minimize(b), limits)


@problem
def difference_of_exponentials():
    a, b, c = var(pos=True), var(), var()
    limits = [1 / a <= cp.exp(b) - cp.exp(c), c >= -1, c <= 1]
    return cp.Problem(cp.Minimize(a + b - c), limits)


@problem
def rates():
    w, power = var(3, pos=True), var(3, pos=True)
    gains = np.array([1, 2, 3.0])
    rate = cp.multiply(w, cp.log(1 + cp.multiply(gains, power) / w)) / np.log(2)
    return cp.Problem(cp.Maximize(cp.sum(rate)), [cp.sum(w) <= 1, cp.sum(power) <= 2])


@problem
def capacities():
    power, noise = var(4, nonneg=True), np.array([0.1, 0.2, 0.3, 0.4])
    rate = cp.log(1 + power / (noise + 0.1 * power))
    return cp.Problem(cp.Maximize(cp.sum(rate)), [cp.sum(power) == 1])


@problem
def variance():
    w, R = var(3), np.random.default_rng(3).normal(size=(10, 3))
    spread = cp.mean((R @ w) ** 2) - cp.mean(R @ w) ** 2
    return cp.Problem(cp.Minimize(spread), [cp.sum(w) == 1])


@problem
def inner_product():
    a = var(3)
    return cp.Problem(cp.Minimize(a.T @ a), [cp.sum(a) == 1])


@problem
def trades():
    a, S = var(2), np.diag([1.0, 2.0])
    cost = a.T @ (0.1 * S) @ (a - np.array([0.5, 0.5]))
    return cp.Problem(cp.Maximize(a @ np.array([1, 2.0]) - cp.quad_form(a, S) / 2 - cost))


@problem
def logistic_regression():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(30, 3))
    labels = np.sign(X[:, 0] + 0.5 * rng.normal(size=30))
    w = var(3)
    losses = cp.log(1 + cp.exp(-cp.multiply(labels, X @ w)))
    return cp.Problem(cp.Minimize(cp.sum(losses) + cp.sum_squares(w)))


@problem
def cross_entropy():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(20, 2))
    labels = (X[:, 0] + 0.5 * rng.normal(size=20) > 0).astype(float)
    w = var(2)
    chance = 1 / (1 + cp.exp(-X @ w))
    gain = cp.multiply(labels, cp.log(chance)) + cp.multiply(1 - labels, cp.log(1 - chance))
    return cp.Problem(cp.Minimize(cp.sum_squares(w) - cp.sum(gain)))


@problem
def divergence():
    a, b = var(3, nonneg=True), np.array([0.2, 0.3, 0.5])
    cost = cp.sum(cp.multiply(a, cp.log(a / b)))
    return cp.Problem(cp.Minimize(cost), [cp.sum(a) == 1, a[0] >= 0.4])


@problem
def cobb_douglas():
    a, b = var(nonneg=True), var(nonneg=True)
    return cp.Problem(cp.Maximize(a**0.4 * b**0.6), [a + 2 * b <= 4])


@problem
def volume():
    a, b, c = var(nonneg=True), var(nonneg=True), var(nonneg=True)
    return cp.Problem(cp.Maximize(a * b * c), [a + 2 * b + c <= 4])


@problem
def constant_elasticity():
    a, b = var(pos=True), var(pos=True)
    return cp.Problem(cp.Maximize((0.5 * a**0.5 + 0.5 * b**0.5) ** 2), [a + 2 * b <= 4])


@problem
def two_queues():
    a, b = var(), var()
    return cp.Problem(cp.Minimize(1 / (a * b) + a), [a >= 0.1, b >= 0.1, a + b <= 3])


@problem
def affine_denominator():
    a, b = var(), var()
    return cp.Problem(cp.Minimize((a - 2 * b) ** 2 / (a + b) + b), [a + b >= 1, b >= -3])


@problem
def log_ratio():
    a, b = var(pos=True), var(pos=True)
    return cp.Problem(cp.Maximize(a - b**2), [cp.log(a) - cp.log(b) <= 1])


@problem
def logarithm_equal():
    a, b = var(), var()
    return cp.Problem(cp.Minimize(cp.square(a) + b), [cp.log(a) == 1, b >= a])


@problem
def ratio_equal():
    a, b = var(), var(pos=True)
    return cp.Problem(cp.Minimize(cp.square(a - 3) + b**2), [a / b == 2])


@problem
def two_roots():
    a, b = var(), var()
    limits = [cp.sqrt(a) <= cp.sqrt(b), b <= 2, b >= 0]
    return cp.Problem(cp.Maximize(3 * a - b), limits)


@problem
def monomial_above():
    a, b = var(pos=True), var(pos=True)
    return cp.Problem(cp.Minimize(a + 3 * b), [a**2 * b**3 >= 5])


@problem
def sum_of_exponentials():
    a, b, c = var(), var(), var()
    limits = [cp.exp(a) + cp.exp(b) <= cp.exp(c), a >= -1, b >= -1]
    return cp.Problem(cp.Minimize(c + cp.square(a - b - 1) + a**2), limits)


@problem
def perspective_of_the_exponential():
    a, b = var(pos=True), var()
    return cp.Problem(cp.Minimize(a * cp.exp(b / a) - b + (a - 1) ** 2), [a >= 0.2])


@problem
def perspective_of_softplus():
    a, b = var(pos=True), var()
    return cp.Problem(cp.Minimize(a * cp.log(1 + cp.exp((b - 1) / a)) - b), [a >= 0.5, b <= 2])


@problem
def product_with_its_exponential():
    a, b = var(nonneg=True), var()
    return cp.Problem(
        cp.Minimize((a + b - 1) ** 2), [a * cp.exp(a) <= b, b >= -1, b <= 3, a >= 0.2]
    )


@problem
def sums_of_matrices():
    M = var((2, 3))
    return cp.Problem(cp.Minimize(cp.trace(M @ M.T) + cp.sum(M)), [M <= -0.1])


@problem
def product_of_entries():
    a = var(3, nonneg=True)
    return cp.Problem(cp.Maximize(cp.prod(a)), [cp.sum(a) <= 3])


def sizes_of(variables):
    """The places of the variables' entries in one vector."""
    ends = np.cumsum([variable.size for variable in variables])
    return list(zip(np.concatenate([[0], ends[:-1]]), ends, strict=True))


def put(variables, point):
    """Give the variables the entries of one vector."""
    for variable, (start, end) in zip(variables, sizes_of(variables), strict=True):
        variable.value = np.reshape(point[start:end], variable.shape, order="F")


def optimum_by_scipy(given):
    """The optimal value by sequential quadratic programming on the problem as it was given."""
    variables = given.variables()
    sign = 1 if isinstance(given.objective, cp.Minimize) else -1

    def cost(point):
        put(variables, point)
        value = float(np.ravel(given.objective.args[0].value)[0])
        return sign * value if np.isfinite(value) else 1e8

    def slack(constraint):
        def of(point):
            put(variables, point)
            gap = constraint.args[1].value - constraint.args[0].value
            return np.nan_to_num(np.ravel(gap), nan=-1e3, neginf=-1e3)

        return of

    kinds = {cp.constraints.Inequality: "ineq", cp.constraints.Equality: "eq"}
    limits = [{"type": kinds[type(c)], "fun": slack(c)} for c in given.constraints]
    low = [1e-6 if v.is_nonneg() else -20.0 for v in variables for _ in range(v.size)]
    found = []
    for seed in range(2):
        start = 0.6 * np.abs(np.random.default_rng(seed).normal(size=len(low))) + 0.4
        with np.errstate(all="ignore"):
            result = minimize(
                cost,
                start,
                constraints=limits,
                bounds=[(least, 60.0) for least in low],
                method="SLSQP",
                options={"maxiter": 100, "ftol": 1e-10},
            )
        put(variables, result.x)
        if all(np.max(c.violation()) <= 1e-5 for c in given.constraints):
            found.append(result.fun)
    return sign * min(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_optimum_is_that_of_the_original(name):
    given = PROBLEMS[name]()
    assert not given.is_dcp()
    rewriting = cn.rewrite(given)
    assert rewriting.problem.is_dcp() and rewriting.steps
    value = rewriting.solve(solver=cp.CLARABEL)
    at_solution = float(np.ravel(given.objective.args[0].value)[0])
    assert value == pytest.approx(at_solution, rel=1e-4, abs=1e-5)
    assert all(np.max(c.violation()) <= 1e-5 for c in given.constraints)
    assert value == pytest.approx(optimum_by_scipy(given), rel=1e-4, abs=1e-5)


def holds(constraints, slack):
    """Whether all constraints hold, or hold but for some slack."""
    worst = [np.max(c.violation()) for c in constraints]
    return all(np.isfinite(w) and w <= slack for w in worst)


WITH_NEW_VARIABLES = {
    "perspective_of_the_exponential",
    "perspective_of_softplus",
    "product_with_its_exponential",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in PROBLEMS if name not in WITH_NEW_VARIABLES])
def test_the_points_are_those_of_the_original(name):
    """Points that are clearly feasible or clearly not are so for both."""
    given = PROBLEMS[name]()
    changed = cn.rewrite(given).problem
    assert len(changed.variables()) == len(given.variables())
    rng = np.random.default_rng(7)
    for _ in range(40):
        for variable in given.variables():
            values = 1.5 * rng.normal(size=variable.shape)
            variable.value = np.abs(values) + 0.05 if variable.is_nonneg() else values
        before, after = (holds(one.constraints, 0.0) for one in (given, changed))
        if before != after:  # on the border, within rounding
            assert holds(given.constraints, 1e-6) and holds(changed.constraints, 1e-6)


REFUSED = {
    "a product below": lambda: cp.Problem(cp.Minimize(p + q), [p * q <= 1, p + q >= 1]),
    "a product to be small": lambda: cp.Problem(cp.Minimize(x * y), [x >= 1, y >= 1, x + y <= 3]),
    "a free denominator": lambda: cp.Problem(cp.Minimize(x**2 / y), [x >= 1]),
    "a logarithm above": lambda: cp.Problem(cp.Minimize(cp.log(p)), [x * y == 1]),
    "a circle": lambda: cp.Problem(cp.Minimize(x), [x**2 + y**2 == 1]),
    "outside of a ball": lambda: cp.Problem(cp.Minimize(x), [x**2 + y**2 >= 1]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_is_named(name):
    with pytest.raises(cn.InputError, match=r"the objective|constraint \d"):
        cn.rewrite(REFUSED[name]())


def test_a_missing_sign_is_named():
    with pytest.raises(cn.InputError, match="not known that y >= 0"):
        cn.rewrite(cp.Problem(cp.Minimize(x**2 / y), [x >= 1]))


def test_another_door_of_cvxpy_is_named():
    ratio = cp.Problem(cp.Minimize((p + 1) / (q + 1)), [p >= q, q <= 2])
    with pytest.raises(cn.InputError, match="qcp=True"):
        cn.rewrite(ratio)
    posynomial = cp.Problem(cp.Minimize(p / q), [p * q <= 1, p >= 1])
    with pytest.raises(cn.InputError, match="gp=True"):
        cn.rewrite(posynomial)


def test_what_cvxpy_accepts_stays_as_it_is():
    given = cp.Problem(cp.Minimize(cp.square(x)), [x >= 1])
    rewriting = cn.rewrite(given)
    assert rewriting.problem is given and not rewriting.steps
    assert "as it is" in str(rewriting)


def test_only_problems_are_rewritten():
    with pytest.raises(cn.InputError, match=r"cvxpy\.Problem"):
        cn.rewrite(x**2 / p)


def test_the_domain_of_the_original_is_kept():
    """Without its domain a logarithm below a number would be a half line."""
    given = cp.Problem(cp.Minimize(x), [cp.log(x) <= 3])
    assert cn.rewrite(given).solve(solver=cp.CLARABEL) == pytest.approx(0.0, abs=1e-6)
    squared = cp.Problem(cp.Minimize(cp.square(cp.sqrt(x)) + x))
    assert cn.rewrite(squared).solve(solver=cp.CLARABEL) == pytest.approx(0.0, abs=1e-6)


def test_variables_of_one_name_are_two():
    a, b = var(name="a"), var(name="a")
    given = cp.Problem(cp.Minimize(a + b), [cp.log(a) <= 3, cp.log(b) <= 3])
    assert cn.rewrite(given).solve(solver=cp.CLARABEL) == pytest.approx(0.0, abs=1e-6)


def test_numbers_that_are_none_are_refused():
    with pytest.raises(cn.InputError, match="NaN"):
        cn.rewrite(cp.Problem(cp.Minimize(np.nan * x**2 / p)))


def test_infinite_bounds_say_nothing():
    given = cp.Problem(cp.Minimize(x**2 / p + p), [x / p <= np.inf, x >= 1])
    assert cn.rewrite(given).solve(solver=cp.CLARABEL) == pytest.approx(2.0, rel=1e-5)


def test_what_is_infeasible_or_unbounded_stays_so():
    assert cn.rewrite(cp.Problem(cp.Minimize(x**2 / p), [x >= 1, x <= 0])).solve() == np.inf
    assert cn.rewrite(cp.Problem(cp.Minimize(x), [cp.exp(y) >= 2])).solve() == -np.inf


def test_parameters_stay_parameters():
    c = cp.Parameter(nonneg=True, value=1.0)
    rewriting = cn.rewrite(cp.Problem(cp.Minimize(c * x**2 / p + p), [x >= 1]))
    for value in (1.0, 4.0):
        c.value = value
        assert rewriting.solve(solver=cp.CLARABEL) == pytest.approx(2 * value**0.5, rel=1e-5)


def test_many_entries():
    n = 300
    w, g = cp.Variable(n, pos=True), np.linspace(0.1, 0.2, n)
    given = cp.Problem(cp.Minimize(cp.sum(cp.multiply(g**2, 1 / w))), [cp.sum(w) <= 1])
    value = cn.rewrite(given).solve(solver=cp.CLARABEL)
    assert value == pytest.approx(g.sum() ** 2, rel=1e-5)  # by Cauchy and Schwarz


def test_the_checker_compares_what_is_exact():
    """And does not where a coefficient is rounded, or the form is another function."""
    exact = cn.rewrite(cp.Problem(cp.Minimize(x**2 / p + p), [x * x <= 4]))
    assert [step.checked for step in exact.steps] == [True, True]
    rounded = cn.rewrite(cp.Problem(cp.Minimize(3 * x**2 + x * y + y**2)))
    assert [step.checked for step in rounded.steps] == [False]
    question = ask_about_expression(x**2 / p)
    assert is_checked(question, x**2 / p, cp.quad_over_lin(x, p))
    assert not is_checked(question, x**2 / p, 2 * cp.quad_over_lin(x, p))
    assert not is_checked(question, x * x, cp.square(cp.sqrt(x)) * x)  # of x >= 0 alone


def test_what_was_done_is_told():
    given = cp.Problem(cp.Minimize(x**2 / p), [p * q >= 1, q <= 2, x >= 1])
    text = str(cn.rewrite(given))
    assert "cp.quad_over_lin" in text and "constraint 0" in text and "cp.geo_mean" in text


@pytest.mark.parametrize(("goal", "expression"), ALL[:12], ids=str)
def test_another_form_is_a_proof_that_the_checker_reads(goal, expression):
    """Where no coefficient was rounded, the checker finds the two forms equal, and says so."""
    question = ask_about_expression(expression)
    form = another_form(question, goal)
    proofs = list(prove_by_another_form(derived(question), goal))
    assert proofs and is_proved(question, goal, proofs[0]) is not form.rounded
    for damage in ({"root": 0}, {"proof": {"kind": "same"}}, {"nodes": []}):
        damaged = Proof("", {**proofs[0].evidence, **damage})
        assert not is_proved(question, goal, damaged)
    assert not is_proved(question, OPPOSITE[goal], proofs[0])
