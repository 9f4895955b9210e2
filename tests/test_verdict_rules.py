"""The rows of power means, inner functions and perspectives: what they prove, and that it holds."""

from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from flint import ctx, fmpq, fmpq_poly

import cvxnet as cn
from cvxnet.analysis.atoms import values_of
from cvxnet.analysis.derivation import derived
from cvxnet.analysis.evidence import is_proved, statement_of
from cvxnet.analysis.provers.compositions import prove_by_terms
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.analysis.tape import Tape
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.convexity import check_proof
from cvxnet.proofs.checker.convexity.terms.means import degree_of_product
from cvxnet.proofs.checker.convexity.terms.proofs import calculus_of
from cvxnet.proofs.checker.convexity.terms.rational import is_nonneg
from cvxnet.proofs.checker.convexity.terms.traits import RULES
from cvxnet.proofs.checker.dual import Clock

pytestmark = pytest.mark.filterwarnings("ignore")  # CVXPY warns about some of its own atoms

x, y, u = cp.Variable(name="x"), cp.Variable(name="y"), cp.Variable(name="u", nonneg=True)
p, q = cp.Variable(name="p", pos=True), cp.Variable(name="q", pos=True)
b = cp.Variable(name="b", bounds=[-1, 2])
z, w = cp.Variable(3, name="z"), cp.Variable(3, name="w", pos=True)
X, S = cp.Variable((2, 3), name="X"), cp.Variable((2, 2), name="S", symmetric=True)
P = cp.Parameter(name="P", nonneg=True)
a, M = np.array([1.0, -2.0, 0.5]), np.eye(3) + 1.0
PROVED = {
    "power": ["cp.power(cp.sqrt(1 + cp.sum_squares(z)), 3)", "cp.sqrt(cp.power(p, 3)) * p"],
    "product": [
        "cp.norm(z) * cp.sum_squares(z)",
        "cp.inv_pos(q) * cp.sum_squares(z)",
        "cp.power(x, 4) * cp.power(p, -3)",
        "cp.square(x - p) / (p + q)",
        "1 / (p * cp.sqrt(q))",
        "-cp.power(p, 0.3) * cp.power(q, 0.6)",
        "cp.quad_form(z, M) * cp.sqrt(cp.quad_form(z, M))",
        "cp.exp(cp.square(x)) * cp.exp(x)",
        "cp.exp(x) / cp.log(1 + p)",
        "cp.norm(X, 'fro') ** 3 / p ** 2",
        "cp.norm(X, 'nuc') * cp.square(cp.norm(X, 'nuc'))",
        "P * cp.square(x) / p",
    ],
    "sum": [
        "cp.sum(cp.multiply(cp.exp(z), cp.exp(2 * z)))",
        "cp.sum(cp.square(cp.exp(z) - z))",
        "cp.sum(cp.multiply(w, cp.exp(w))) + cp.square(x)",
        "cp.sum(cp.multiply(w, cp.log(w) - cp.log(1 + p)))",
        "cp.sum(cp.multiply(cp.square(z), cp.inv_pos(w)))",
        "cp.lambda_max(S) + p * cp.exp(p)",
    ],
    "less": ["-cp.log(cp.sqrt(p) - 1)", "-cp.log(p * q - 1)"],
    "choice": ["cp.inv_pos(cp.minimum(p * q, p))", "cp.log(cp.maximum(cp.exp(cp.square(x)), 2))"],
    "log": [
        "cp.log(1 + cp.exp(x) + cp.exp(cp.square(x)))",
        "-cp.log(cp.inv_pos(1 + cp.exp(-x)))",
        "-cp.log(1 / (1 + cp.exp(-a @ z)))",
        "cp.log(cp.sum(cp.inv_pos(w)))",
    ],
    "exp": ["cp.inv_pos(cp.exp(x))", "cp.inv_pos(cp.exp(cp.sqrt(p)))"],
    "softplus": ["-cp.log(cp.logistic(x))", "cp.inv_pos(cp.logistic(a @ z))"],
    "quotient": ["cp.log((cp.exp(p) - 1) / p)", "cp.square((cp.exp(2 * p + 1) - 1) / (2 * p + 1))"],
    "together": [
        "p * p * p",
        "p * cp.exp(p)",
        "cp.logistic(x) * cp.exp(x)",
        "cp.exp(-x) * cp.logistic(-2 * x)",
        "-cp.multiply(u, 1 - u)",
        "cp.abs(x) * cp.square(x)",
    ],
    "through": [
        "cp.logistic(a @ z) * cp.exp(2 * (a @ z) + 1)",
        "cp.norm(z) * cp.exp(cp.norm(z))",
        "cp.square(cp.sum_squares(z) - 1) + 2 * cp.sum_squares(z)",
        "cp.norm(M @ z + 1, 1) * cp.exp(cp.norm(M @ z + 1, 1))",
        "cp.huber(x) * cp.abs(x)",
        "cp.sigma_max(X) * cp.exp(cp.sigma_max(X))",
    ],
    "slope": ["cp.square(cp.square(x) - 1) + 2 * cp.square(x)", "cp.square(cp.exp(u) - 1)"],
    "tangent": ["cp.square(cp.exp(x) - x)", "cp.square(cp.exp(a @ z) - a @ z)"],
    "perspective": [
        "p * cp.logistic(x / p)",
        "p * cp.log(1 + cp.exp(x / p))",
        "p * (cp.log(p) - cp.log(q))",
        "q * cp.exp(x / q) + q * cp.exp(-x / q)",
        "(p + q) * cp.square(x / (p + q))",
        "cp.rel_entr(p, q) + cp.rel_entr(q, p)",
        "cp.sum(cp.multiply(w, cp.logistic(z / w)))",
        "p * ((x / p) ** 4 + (x / p) * (x / p) * (x / p) + (x / p) ** 2)",
    ],
    "rational": [
        "cp.exp(x ** 4 + x * x * x + x ** 2)",
        "cp.inv_pos(p + cp.square(p)) + cp.exp(x)",
        "cp.maximum(cp.square(p) / (1 + p), x)",
    ],
    "pieces": [
        "cp.square(cp.maximum(0.2 * x, x))",
        "cp.sum(cp.square(cp.maximum(0.2 * z, z)))",
        "cp.exp(cp.square(a @ z) / (1 + cp.abs(a @ z)))",
    ],
    "groups": [
        "x ** 4 + x * x * x + x ** 2 + cp.exp(y)",
        "p * p * p - p + cp.square(x) / q + 3 * p",
    ],
    "lemma": [
        "p * (cp.square(x / p) - cp.logistic(x / p))",
        "cp.exp(cp.square(a @ z) - cp.logistic(a @ z))",
    ],
}
CASES = [(row, text) for row, texts in PROVED.items() for text in texts]
FALSE = [
    "x * cp.exp(x)",
    "p * q",
    "cp.sqrt(p) * q",
    "cp.square(x) * cp.square(y)",
    "p * cp.exp(-p)",
    "cp.square(x) / cp.sqrt(p) * cp.sqrt(q)",
    "p * cp.square(x / (p + 1))",
    "cp.square(cp.square(x) - 1)",
    "cp.square(cp.maximum(0.2 * x, x) - 1)",
    "cp.abs(x) * (3 - cp.abs(x))",
    "cp.log((cp.exp(p) - 1) / q)",
    "cp.inv_pos(1 + cp.square(x))",
    "1 / cp.square(x)",
    "x ** 4 - 0.01 * x ** 2",
    "cp.log(cp.square(x))",
    "cp.power(cp.square(x) - 1, 1.5)",
    "cp.norm(z) * cp.norm(z - 1)",
    "p * cp.logistic(x / q)",
    "(cp.square(p) + p) * (cp.square(q) + q)",
    "cp.multiply(x ** 4 + 1, y ** 4 + cp.square(y) + 1)",
    "(cp.square(p) + p) * cp.abs(q - 1)",
]
OPERATIONS = {
    "sum": lambda s, t: s + t,
    "less": lambda s, t: s - t,
    "product": lambda s, t: s * t,
    "quotient": lambda s, t: s / t,
    "square": lambda s, t: cp.square(s),
    "exp": lambda s, t: cp.exp(s),
    "log": lambda s, t: cp.log(s),
    "inverse": lambda s, t: cp.inv_pos(s),
    "root": lambda s, t: cp.sqrt(s),
    "cube": lambda s, t: cp.power(s, 3),
    "abs": lambda s, t: cp.abs(s),
    "maximum": cp.maximum,
    "minimum": cp.minimum,
    "softplus": lambda s, t: cp.logistic(s),
    "entropy": lambda s, t: cp.entr(s),
    "huber": lambda s, t: cp.huber(s),
    "norm": lambda s, t: cp.norm(cp.hstack([s, t]), 3),
    "squares": lambda s, t: cp.quad_over_lin(s, t),
    "divergence": cp.rel_entr,
}
POOLS = ([x], [u], [p], [b], [x, p], [u, p], [x, u, p], [x, P], [p, P, x], [x, p + q, p])


def grown(rng, pool, depth):
    """A random expression."""
    if depth == 0:
        scale, shift = rng.integers(-2, 3, size=2)
        leaf = pool[rng.integers(len(pool))]
        return leaf * float(scale or 1) + float(shift) if rng.random() < 0.3 else leaf
    parts = [grown(rng, pool, depth - rng.integers(1, depth + 1)) for _ in range(2)]
    return OPERATIONS[rng.choice(list(OPERATIONS))](*parts)


def traits_of(expression):
    """What the rows say of the first entry; None where they say nothing."""
    statement = statement_of(ask_about_expression(expression), "convex")
    with ctx.workprec(128):
        try:
            calculus, entries = calculus_of(statement, Clock(20.0))
            return calculus.of(entries[0])
        except RefusalError:
            return None


def drawn(rng, leaf, count=200):
    """Random values of a leaf."""
    values = rng.normal(size=count) * rng.choice([0.3, 1.0, 4.0])
    if leaf is b:
        return rng.uniform(-1.0, 2.0, size=count)
    return np.abs(values) if leaf.is_nonneg() else values


def at_three_points(expression, rng):
    """The values at random a and b and halfway, where all are numbers."""
    leaves = expression.variables() + expression.parameters()
    ends = [{leaf.id: drawn(rng, leaf) for leaf in leaves} for _ in range(2)]
    for leaf in expression.parameters():
        ends[1][leaf.id] = ends[0][leaf.id]
    middle = {k: (ends[0][k] + ends[1][k]) / 2 for k in ends[0]}
    tape = Tape([expression])
    with np.errstate(all="ignore"):
        rows = [
            values_of(tape, {id(leaf): point[leaf.id] for leaf in leaves})[-1]
            for point in (*ends, middle)
        ]
    values = np.array([np.broadcast_to(row, ends[0][leaves[0].id].shape) for row in rows])
    return values[:, np.isfinite(values).all(axis=0) & (np.abs(values) < 1e9).all(axis=0)]


def mean(degree, s, t):
    """The power mean."""
    return np.sqrt(s * t) if degree == 0 else ((s**degree + t**degree) / 2) ** (1 / degree)


@pytest.mark.parametrize(("row", "text"), CASES)
def test_proves_what_dcp_does_not(row, text):
    question = ask_about_expression(eval(text))
    (proof,) = prove_by_terms(derived(question), "convex")
    assert is_proved(question, "convex", proof)


@pytest.mark.parametrize("row", PROVED)
def test_the_verdict_travels(row):
    verdict = cn.convexity(eval(PROVED[row][0]))
    assert verdict.convex is True
    assert cn.check(verdict.certificate).valid


@pytest.mark.parametrize("text", FALSE)
def test_nothing_false_is_proved(text):
    traits = traits_of(eval(text))
    assert traits is None or not traits.convex


@pytest.mark.parametrize("seed", range(150))
def test_what_is_said_of_random_expressions_holds(seed):
    rng = np.random.default_rng(seed)
    expression = grown(rng, POOLS[seed % len(POOLS)], int(rng.integers(1, 5)))
    traits = traits_of(expression) if expression.variables() else None
    if traits is None:
        return
    f_a, f_b, f_m = at_three_points(expression, rng)
    room = 1e-7 * (1.0 + np.abs(f_a) + np.abs(f_b))
    low, high = (None if t is None else float(t) for t in traits.interval)
    assert low is None or (f_m >= low - room).all()
    assert high is None or (f_m <= high + room).all()
    assert not traits.convex or (f_m <= (f_a + f_b) / 2 + room).all()
    assert not traits.concave or (f_m >= (f_a + f_b) / 2 - room).all()
    assert not traits.quasiconvex or (f_m <= np.maximum(f_a, f_b) + room).all()
    assert not traits.quasiconcave or (f_m >= np.minimum(f_a, f_b) - room).all()
    if low is not None and low >= 0.0 and np.isfinite(float(traits.up)):
        f_a, f_b = np.maximum(f_a, 1e-12), np.maximum(f_b, 1e-12)
        assert (f_m <= mean(float(traits.up), f_a, f_b) + 10 * room).all()


def test_the_slope_at_an_end_is_the_one_inside():
    n = cp.Variable(nonpos=True)
    assert traits_of(cp.abs(n) - cp.exp(n)).interval == (-1, None)


@pytest.mark.parametrize("seed", range(20))
def test_products_of_power_means(seed):
    rng = np.random.default_rng(seed)
    degrees = [Fraction(int(k), 4) for k in rng.integers(-8, 9, size=rng.integers(1, 4))]
    found = degree_of_product(degrees)
    values = rng.exponential(size=(2, len(degrees), 1000))
    rows = values.swapaxes(0, 1)
    product = np.prod([mean(float(k), *row) for k, row in zip(degrees, rows, strict=True)], 0)
    if np.isfinite(float(found)):
        whole = mean(float(found), *values.prod(axis=1))
        assert (product >= whole * (1 - 1e-9)).all()


@pytest.mark.parametrize("seed", range(30))
def test_signs_of_polynomials_are_exact(seed):
    rng = np.random.default_rng(seed)
    roots, powers = rng.integers(-3, 4, size=3), rng.integers(1, 4, size=3)
    f = fmpq_poly([1])
    for root, power in zip(roots, powers, strict=True):
        f *= fmpq_poly([-int(root), 1]) ** int(power)
    low, high = (int(t) for t in np.sort(rng.choice(np.arange(-4, 5), size=2, replace=False)))
    inside = [fmpq(low) + fmpq(high - low) * k / 97 for k in range(1, 97)]
    assert is_nonneg(f, (fmpq(low), fmpq(high))) == all(f(t) >= 0 for t in inside)


@pytest.mark.parametrize(
    "evidence",
    [
        {"kind": "terms", "lemmas": [[1, "convex"], [2, "convex"], [3, "convex"]]},
        {"kind": "terms", "lemmas": [[1, "affine"]]},
        {"kind": "terms", "lemmas": 7},
        {"kind": "terms", "lemmas": [[1, "concave"]] * 5},
    ],
)
def test_no_evidence_proves_what_is_false(evidence):
    for text in FALSE:
        with pytest.raises(RefusalError):
            check_proof(statement_of(ask_about_expression(eval(text)), "convex"), evidence)


@pytest.mark.parametrize(
    "limit",
    [
        "cp.log(p) - cp.log(q) <= 1",
        "x * x * x <= 8",
        "x / (1 + cp.abs(x)) <= 0.5",
        "x + cp.log(x) <= 3",
        "cp.norm(z) / p <= 2",
        "(a @ z) * cp.square(a @ z) >= 1",
    ],
)
def test_level_sets(limit):
    verdict = cn.convexity(cp.Problem(cp.Minimize(cp.sum(z) + x + p), [eval(limit)]))
    assert verdict.convex is True
    assert cn.check(verdict.certificate).valid


def test_numbers_that_are_none_are_refused():
    for text in ("cp.square(x) * np.nan", "p * cp.exp(p) + np.inf"):
        assert cn.convexity(eval(text)).convex is not True


def test_a_reason_names_the_row():
    assert cn.convexity(p * cp.exp(p)).reasons["convex"] in RULES.values()
