"""Every atom of CVXPY with every option: what is proved or refuted is held against points.

The points are drawn here and evaluated by CVXPY's own numbers (``.value``), so that neither the
rules, nor the search, nor the checker judges itself.
"""

import inspect
import json
from functools import lru_cache
from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from cvxpy.atoms.affine import wraps
from cvxpy.atoms.atom import Atom
from flint import arb, ctx

from cvxnet.analysis import convexity
from cvxnet.analysis.answers import answer
from cvxnet.analysis.atoms import ATOMS
from cvxnet.analysis.derivation import derive_facts
from cvxnet.analysis.disciplines import log_log_curvature
from cvxnet.analysis.documents import counterexample_document, has_formula
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.analysis.tape import Tape, dense
from cvxnet.layers import atoms as own
from cvxnet.proofs.checker import RefusalError
from cvxnet.proofs.checker.witness import evaluate_all, read_constants, three_points

pytestmark = pytest.mark.filterwarnings("ignore")  # CVXPY warns about some of its own atoms

# ------------------------------------------------------------- what there is

# The arguments of the constructors of all concrete atoms, as the formulas know them. A new atom,
# or a new option of an old one, has to be entered here, given a case below and, where it has a
# formula, its options in its row of cvxnet/analysis/atoms.py.
CONSTRUCTORS = {
    "AddExpression": "arg_groups",
    "And": "arg1 arg2 args",
    "Concatenate": "args",
    "DivExpression": "lh_expr rh_expr",
    "GeoMean": "x p max_denom axis keepdims",
    "GeoMeanApprox": "x p max_denom axis keepdims",
    "Hstack": "args",
    "MatrixFrac": "X P",
    "MulExpression": "lh_exp rh_exp",
    "NegExpression": "expr",
    "Not": "arg",
    "Or": "arg1 arg2 args",
    "Pnorm": "x p axis keepdims max_denom",
    "PnormApprox": "x p axis keepdims max_denom",
    "Power": "x p max_denom",
    "PowerApprox": "x p max_denom",
    "Prod": "expr axis keepdims",
    "Promote": "expr shape",
    "QuadForm": "x P",
    "Sum": "expr axis keepdims",
    "SuppFuncAtom": "y parent",
    "SymbolicQuadForm": "x P expr block_indices",
    "Trace": "expr",
    "Vstack": "args",
    "Xor": "arg1 arg2 args",
    "abs": "x",
    "asinh": "x",
    "atanh": "x",
    "broadcast_to": "expr shape",
    "ceil": "x",
    "condition_number": "A",
    "conj": "expr",
    "conv": "lh_expr rh_expr",
    "convolve": "args",
    "cos": "x",
    "cummax": "x axis",
    "cumprod": "expr axis",
    "cumsum": "expr axis",
    "diag_mat": "expr k",
    "diag_vec": "expr k",
    "dist_ratio": "x a b",
    "dotsort": "X W",
    "entr": "x",
    "exp": "x",
    "eye_minus_inv": "X",
    "floor": "x",
    "gen_lambda_max": "A B",
    "gmatmul": "A X",
    "hermitian_wrap": "arg",
    "huber": "x M",
    "imag": "expr",
    "index": "expr key orig_key",
    "kl_div": "x y",
    "kron": "lh_expr rh_expr",
    "lambda_max": "A",
    "lambda_sum_largest": "X k",
    "length": "x",
    "log": "x",
    "log1p": "x",
    "log_det": "A",
    "log_sum_exp": "x axis keepdims",
    "logistic": "x",
    "max": "x axis keepdims",
    "maximum": "arg1 arg2 args",
    "min": "x axis keepdims",
    "minimum": "arg1 arg2 args",
    "multiply": "lh_expr rh_expr",
    "nonneg_wrap": "arg",
    "nonpos_wrap": "arg",
    "norm1": "expr axis keepdims",
    "normNuc": "A",
    "norm_inf": "expr axis keepdims",
    "normcdf": "x",
    "nsd_wrap": "arg",
    "one_minus_pos": "x",
    "perspective": "f s f_recession",
    "pf_eigenvalue": "X",
    "psd_wrap": "arg",
    "quad_over_lin": "x y axis keepdims",
    "quantum_rel_entr": "X Y quad_approx",
    "real": "expr",
    "rel_entr": "x y",
    "reshape": "expr shape order",
    "sigma_max": "A",
    "sign": "x",
    "sin": "x",
    "sinh": "x",
    "skew_symmetric_wrap": "arg",
    "special_index": "expr key",
    "sum_largest": "x k axis keepdims",
    "symmetric_wrap": "arg",
    "tan": "x",
    "tanh": "x",
    "tr_inv": "X",
    "transpose": "expr axes",
    "upper_tri": "expr",
    "von_neumann_entr": "X quad_approx",
    "xexp": "x",
}
# No expression that anybody writes is made of these.
INTERNAL = {"SymbolicQuadForm", "conv"}
# Left to the rules: functions of other expressions, of complex numbers, of a spectrum that is not
# real, and of truth values.
WITHOUT_FORMULA = {"SuppFuncAtom", "SymbolicQuadForm", "perspective", "quantum_rel_entr",
                   "pf_eigenvalue", "imag", "Xor"}  # fmt: skip


def concrete_atoms():
    """All atoms of CVXPY that can be made, by name."""
    found, stack = {}, [Atom]
    while stack:
        for kind in stack.pop().__subclasses__():
            stack.append(kind)
            abstract = inspect.isabstract(kind) or kind in (wraps.Wrap,)
            if kind.__module__.startswith("cvxpy.atoms") and not abstract:
                found[kind.__name__] = kind
    return {name: kind for name, kind in found.items() if not name.endswith("LogicExpression")}


def test_every_atom_and_option_is_known():
    atoms = concrete_atoms()
    own = {
        name: " ".join(list(inspect.signature(kind.__init__).parameters)[1:])
        for name, kind in atoms.items()
    }
    assert own == CONSTRUCTORS


# ----------------------------------------------------------------- the cases

AXES = ["", ", axis=0", ", axis=1", ", axis=-1", ", axis=0, keepdims=True", ", keepdims=True"]
DEEP = [", axis=0", ", axis=(0, 2)", ", axis=-1, keepdims=True"]
ROWWISE = ["sum({}{})", "max({}{})", "min({}{})", "norm1({}{})", "norm_inf({}{})",
           "log_sum_exp({}{})", "prod({}{})", "sum_largest({}, 1.5{})", "sum_largest({}, 2{})",
           "sum_smallest({}, 1.25{})", "quad_over_lin({}, 2{})", "mean({}{})",
           "ptp({}{})"]  # fmt: skip
INDICES = ["v[1]", "v[-1]", "v[::-1]", "v[::2]", "v[2:0:-1]", "v[1:]", "v[[2, 0]]", "v[None, :]",
           "v[np.array([True, False, True])]", "M[0]", "M[:, 1]", "M[::-1]", "M[:, ::-2]",
           "M[[0, 1], [2, 0]]", "M[[1, 0]]", "M[-1, ::-1]", "M[..., 0]", "T[1]", "T[:, ::-1, 1:]",
           "T[..., None, 2]", "M[np.eye(2, 3) > 0]", "M[0, 0]", "v[5:]", "M.T[::-1]"]  # fmt: skip
SHAPES = ["s + v", "v + M", "s * v", "M * s", "s - M", "M + T", "v / 2", "2 * T", "M @ v",
          "v @ M.T", "np.ones((2, 2)) @ M", "M @ np.ones(3)", "np.ones((3, 2)) @ T[:, :, :2]",
          "v @ v", "T @ v", "np.ones((2, 1, 2)) @ T", "M @ M.T", "cp.multiply(v, M)",
          "cp.multiply(s, T)", "s / p", "1 / p", "v / p", "p[0] * p[1]", "cp.outer(v, [1, 2])",
          "cp.scalar_product(v, v)", "cp.vec(M, order='C')", "cp.vec(M, order='F')",
          "cp.reshape(M, (3, 2), order='C')", "cp.reshape(T, (4, 3), order='F')",
          "cp.transpose(T, (2, 0, 1))", "cp.transpose(M)", "cp.moveaxis(T, 0, -1)",
          "cp.swapaxes(T, 1, 2)", "cp.permute_dims(T, (1, 0, 2))", "cp.hstack([s, v, 1])",
          "cp.hstack([M, M])", "cp.vstack([v, v])", "cp.vstack([M, v])",
          "cp.concatenate([M, M], axis=1)", "cp.concatenate([M, v], axis=None)",
          "cp.stack([v, v], axis=1)", "cp.bmat([[s, v[:1]], [1, 2]])",
          "cp.broadcast_to(v, (2, 3))", "cp.diag(v)", "cp.diag(v, 1)", "cp.diag(v, -2)",
          "cp.diag(S)", "cp.diag(S, 1)", "cp.diag(S, -1)", "cp.trace(S)", "cp.upper_tri(S)",
          "cp.cumsum(v)", "cp.cumsum(M, axis=1)", "cp.cumsum(M, axis=0)", "cp.cumsum(M)",
          "cp.diff(v)", "cp.kron(np.ones((1, 2)), M)", "cp.kron(M, np.eye(2))",
          "cp.convolve([1, -1], v)", "cp.partial_trace(S, [2, 1])", "cp.real(v)", "cp.conj(v)",
          "-T", "v - v[::-1]"]  # fmt: skip
SCALARS = ["abs({})", "exp({})", "log({})", "log1p({})", "logistic({})", "entr({})", "huber({})",
           "huber({}, 0.5)", "huber({}, cp.Parameter(nonneg=True, value=2))", "xexp({})",
           "ceil({})", "floor({})", "sign({})", "nlp.sin({})", "nlp.cos({})", "nlp.tan({})",
           "nlp.sinh({})", "nlp.asinh({})", "nlp.tanh({})", "nlp.atanh({})", "nlp.normcdf({})",
           "log_normcdf({})", "loggamma({})", "inv_pos({})", "pos({})", "neg({})", "sqrt({})",
           "square({})", "scalene({}, 2, 1)", "one_minus_pos({})"]  # fmt: skip
POWERS = [f"power({{}}, {p})" for p in (0, 1, 2, 3, 4, 6, -1, -2, 0.5, 1.5, 2.7, -0.3, 1.0001)]
POWERS += ["power({}, 2.7, approx=False)", "power({}, 0.3, approx=False)",
           "power({}, cp.Parameter(pos=True, value=2))", "power({}, 1.3, max_denom=4)"]  # fmt: skip
NORMS = ["norm(v, 1)", "norm(v, 2)", "norm(v, 'inf')", "norm(M, 1)", "norm(M, 2)",
         "norm(M, 'fro')", "norm(M, 'nuc')", "norm(M, axis=0)",
         "norm(M, 2, axis=1, keepdims=True)", "pnorm(v, 3)", "pnorm(v, 1.5)",
         "pnorm(v, 2.2, approx=False)", "pnorm(p, 0.5)", "pnorm(p, -1)",
         "pnorm(p, 0.3, approx=False)", "pnorm(v, 1.0004)", "pnorm(p, 0.9999)", "norm(v - 1, 4)",
         "mixed_norm(M, 2, 1)", "tv(v)", "tv(M)", "std(v)", "var(v)", "std(M, axis=0)",
         "sum_squares(M)", "quad_over_lin(v, q)", "quad_over_lin(M, q, axis=1)",
         "quad_over_lin(p, q)"]  # fmt: skip
OTHERS = ["geo_mean(p)", "geo_mean(p, [1, 2, 0])", "geo_mean(p, [1, 1, 1], approx=False)",
          "geo_mean(cp.abs(M) + 1, axis=0)", "geo_mean(cp.exp(M), axis=1, keepdims=True)",
          "harmonic_mean(p)", "inv_prod(p)", "kl_div(p, p[::-1])", "rel_entr(p, q)",
          "rel_entr(q, p)", "kl_div(p, 2)", "maximum(v, s, 1)", "maximum(M, v)",
          "minimum(v, 1, s)", "minimum(M, 0)", "max(cp.hstack([v, s]))", "dotsort(v, [1, 2])",
          "dotsort(v, [1, -1, 2])", "length(v)", "dist_ratio(v, [0, 0, 0], [1, 1, 1])",
          "cummax(v)", "cummax(M, axis=0)", "cumprod(p)", "cumprod(M, axis=1)", "prod(v)",
          "cvar(v, 0.5)", "vdot(v, v)", "gmatmul(np.array([[1, -2, 0.5]]), p)",
          "diff_pos(2 + q, q / 2)", "eye_minus_inv(P2 / 9)", "pf_eigenvalue(P2)", "lambda_max(S)",
          "lambda_min(S)", "lambda_sum_largest(S, 1)", "lambda_sum_largest(S, 1.5)",
          "lambda_sum_smallest(S, 1)", "sigma_max(M)", "log_det(S)", "log_det(S + 9 * np.eye(2))",
          "tr_inv(S + 9 * np.eye(2))", "condition_number(D)", "gen_lambda_max(S, D)",
          "matrix_frac(v[:2], D)", "matrix_frac(M, D)", "von_neumann_entr(D)",
          "quantum_rel_entr(D, D)", "quad_form(v, np.eye(3))", "quad_form(v, -np.eye(3))",
          "quad_form(v, np.diag([1., -1, 0]))", "quad_form(v, np.ones((3, 3)))",
          "quad_form(np.ones(2), S)", "quad_form(v, np.diag([1., -1, 0]), assume_PSD=True)",
          "psd_wrap(np.ones((2, 2))) @ v[:2]", "perspective(cp.square(s), q)",
          "perspective(cp.exp(s), q)", "suppfunc(w, [cp.norm(w) <= 1])(v)",
          "suppfunc(w, [w >= -1, w <= 2])(v)", "logic.Not(b)", "logic.And(b, c)",
          "logic.Or(b, c)", "logic.Xor(b, c)"]  # fmt: skip
OWN = ["leaky_relu({}, 0.1)", "leaky_relu({}, -0.5)", "leaky_relu({}, 2)", "elu({}, 0.5)",
       "elu({}, 2)", "squareplus({}, 3)", "hardtanh({}, -0.5, 2)", "sigmoid({})", "tanh({})",
       "silu({})", "gelu({})", "sign({})", "threshold({})"]  # fmt: skip
OWN_ROWS = ["own.softmax(M)", "own.softmax(v)", "own.standardize(M, 0.1)", "own.standardize(v)",
            "own.standardize(v[:1])"]  # fmt: skip
WRAPS = ["wraps.nonneg_wrap(v)", "wraps.nonpos_wrap(v)", "wraps.psd_wrap(S)", "wraps.nsd_wrap(S)",
         "wraps.symmetric_wrap(S)", "wraps.hermitian_wrap(S)",
         "wraps.skew_symmetric_wrap(S - S.T)", "cp.imag(cp.Constant(1j) * v)"]  # fmt: skip


def all_cases():
    """Every atom in every form, as texts."""
    rowwise = [f"cp.{t.format('M', axis)}" for t, axis in product(ROWWISE, AXES)]
    deep = [
        f"cp.{t.format('T', axis)}"
        for t, axis in product(ROWWISE, DEEP)
        if not (t.startswith("norm") and "(0, 2)" in axis)  # CVXPY takes one axis there
    ]
    scalars = [f"cp.{t.format(x)}" for t in [*SCALARS, *POWERS] for x in ("s", "v", "q")]
    named = [f"cp.{t}" for t in [*NORMS, *OTHERS]]
    ours = [f"own.{t.format(x)}" for t in OWN for x in ("s", "v", "q")]
    return [*INDICES, *SHAPES, *rowwise, *deep, *scalars, *named, *WRAPS, *ours, *OWN_ROWS]


CASES = all_cases()


def leaves():
    """Fresh variables of all kinds and dimensions."""
    return {
        "s": cp.Variable(name="s"),
        "v": cp.Variable(3, name="v"),
        "w": cp.Variable(3, name="w"),
        "M": cp.Variable((2, 3), name="M"),
        "T": cp.Variable((2, 2, 3), name="T"),
        "p": cp.Variable(3, pos=True, name="p"),
        "q": cp.Variable(pos=True, name="q"),
        "n": cp.Variable(nonpos=True, name="n"),
        "S": cp.Variable((2, 2), symmetric=True, name="S"),
        "D": cp.Variable((2, 2), PSD=True, name="D"),
        "P2": cp.Variable((2, 2), pos=True, name="P2"),
        "b": cp.Variable(boolean=True, name="b"),
        "c": cp.Variable(boolean=True, name="c"),
    }


# What stands in the place of each variable, and around the whole: composition is where rules err.
INNER = {
    "": {},
    "convex": {"s": "cp.square(s)", "v": "cp.abs(v)", "M": "cp.exp(M)", "T": "cp.square(T)",
               "p": "cp.exp(p)", "q": "cp.inv_pos(q)"},
    "concave": {"s": "-cp.square(s)", "v": "cp.minimum(v, 1)", "M": "1 - cp.exp(M)",
                "T": "-cp.abs(T)", "p": "cp.sqrt(p)", "q": "cp.log1p(q)"},
    "affine": {"s": "1 - 2 * s", "v": "v[::-1] - 1", "M": "M + M[:, ::-1]", "T": "-T",
               "p": "p + 1", "q": "q + p[0]", "S": "S - np.eye(2)"},
    "fixed": {"s": "cp.Parameter(name='s')", "q": "cp.Parameter(pos=True, name='q')",
              "S": "cp.Parameter((2, 2), symmetric=True, name='S')"},
    "mixed": {"v": "cp.hstack([cp.square(v[0]), -cp.exp(v[1]), v[2]])", "s": "cp.log(q) + n",
              "M": "cp.vstack([cp.square(v), M[0]])", "p": "cp.hstack([cp.square(s), p[1:]])"},
}  # fmt: skip
OUTER = ["{}", "-({})", "cp.exp({})", "cp.square({})", "cp.abs({})", "cp.pos({})", "cp.sum({})",
         "cp.maximum({}, 0.5)", "cp.minimum({}, s)", "cp.log({})", "cp.inv_pos({})",
         "cp.sqrt({})", "cp.logistic(-({}))", "2 * ({}) - 1", "cp.power({}, 3)",
         "cp.power({}, -0.5)", "s * ({})", "cp.nlp.tanh({})", "cp.sum_squares({})",
         "cp.norm(cp.vec({}, order='F'))", "1 / ({})", "cp.log_sum_exp({})", "cp.entr({})",
         "({}) / q", "cp.huber({})", "cp.xexp({})", "cp.quad_over_lin({}, q)", "cp.max({})",
         "cp.min({})", "cp.nlp.sin({})", "cp.multiply({0}, {0})", "cp.norm1({})",
         "cp.power({}, 6)", "cp.log1p({})", "cp.sum_largest({}, 1.5)", "cp.kl_div({}, q)",
         "cp.prod({})", "cp.geo_mean({})", "cp.sum({}) + cp.square(s)",
         "cp.maximum({}, cp.square(s))"]  # fmt: skip


def built(text, inner="", outer="{}"):
    """The expression of a text, with other expressions in the place of its variables."""
    names = {"cp": cp, "np": np, "wraps": wraps, "own": own}
    variables = leaves()
    replaced = {k: eval(t, names | variables) for k, t in INNER[inner].items()}
    names |= variables | replaced
    return eval(outer.format("f"), names | {"f": eval(text, names)})


# --------------------------------------------------------------- the points

PAIRS = 40
ROOM = 1e-7  # of the values: more than what CVXPY's floats round


def draw(leaf, rng, positive=False):
    """A value of a leaf that satisfies its attributes, of some size."""
    value = rng.normal(size=leaf.shape) * 10.0 ** rng.uniform(-1.5, 0.7)
    value = np.round(2 * value) / 2 if rng.random() < 0.3 else value
    kind = {name for name, on in leaf.attributes.items() if on}
    if "PSD" in kind:
        return value @ value.T + 1e-3 * np.eye(len(value))
    if "boolean" in kind:
        return np.clip(value, 0, 1)
    value = 0.5 * (value + value.T) if "symmetric" in kind else value
    if positive or "pos" in kind:
        return np.abs(value) + 1e-3
    if kind & {"nonneg", "nonpos"}:
        return np.abs(value) * (1 if "nonneg" in kind else -1)
    return value


ASSERTED = {
    wraps.nonneg_wrap: lambda value: np.all(value >= 0),
    wraps.nonpos_wrap: lambda value: np.all(value <= 0),
    wraps.psd_wrap: lambda value: np.linalg.eigvalsh(value)[0] >= 0,
    wraps.nsd_wrap: lambda value: np.linalg.eigvalsh(value)[-1] <= 0,
}


def is_right(node):
    """Whether CVXPY's number is the atom's value, and what a node asserts holds."""
    if type(node) in ASSERTED and node.variables():
        return ASSERTED[type(node)](node.args[0].value)
    return not isinstance(node, cp.quantum_rel_entr)


@lru_cache(maxsize=1)
def conditions(expression):
    """The domain and the nodes of the expression that is looked at, made once for all points."""
    return expression.domain, Tape([expression]).nodes


def value_at(expression, point):
    """CVXPY's value, NaN outside of the domain and where there is none.

    Its quantum_rel_entr(X, X) is not 0: scipy's entropy scales the eigenvalues to the sum one.
    """
    for leaf, value in point.items():
        leaf.save_value(np.asarray(value, dtype=float))
    if expression.parameters():  # of which a domain may depend: of the exponent of a power
        conditions.cache_clear()
    try:
        domain, nodes = conditions(expression)
        inside = all(np.all(c.violation() <= 1e-9) for c in domain) and all(map(is_right, nodes))
        value = np.asarray(expression.value, dtype=float) if inside else np.nan
    except (ArithmeticError, AssertionError, AttributeError, TypeError, ValueError,
            np.linalg.LinAlgError, cp.error.SolverError):  # fmt: skip
        value = np.nan
    shape = expression.shape
    return np.reshape(value, shape) if np.size(value) == expression.size else np.full(shape, np.nan)


def worst(middle, limit, sizes):
    """By how much the middle exceeds its limit, as a share of the sizes."""
    with np.errstate(all="ignore"):
        excess = (middle - limit) / (1e-3 + sum(np.abs(t) for t in sizes))
    return np.where(np.isfinite(excess), excess, -np.inf)


class Points:
    """Segments in the domain of an expression, and how it bends along them."""

    def __init__(self, expression, seed):
        rng = np.random.default_rng(seed)
        self.expression = expression
        leaves = Tape([expression]).leaves()
        self.rows = []
        for number in range(PAIRS):
            a, b = ({leaf: draw(leaf, rng) for leaf in leaves} for _ in range(2))
            if number % 2:  # short segments see kinks and curvature that long ones average out
                b = {leaf: a[leaf] + 0.05 * (b[leaf] - a[leaf]) for leaf in leaves}
            b |= {leaf: a[leaf] for leaf in leaves if isinstance(leaf, cp.Parameter)}
            middle = {leaf: 0.5 * (a[leaf] + b[leaf]) for leaf in leaves}
            self.rows.append([value_at(expression, point) for point in (a, b, middle)])

    def violation(self, sign):
        """The largest violation of convexity (of concavity for -1) of each entry."""
        return np.max(
            [worst(sign * m, sign * 0.5 * (a + b), (a, b, m)) for a, b, m in self.rows], axis=0
        )

    def quasi(self, sign):
        """The largest violation of quasiconvexity (of quasiconcavity for -1) of each entry."""
        return np.max(
            [worst(sign * m, np.maximum(sign * a, sign * b), (a, b, m)) for a, b, m in self.rows],
            axis=0,
        )

    def outside(self, low, high):
        """The largest distance of a value from bounds."""
        values = [v for row in self.rows for v in row]
        return np.max(
            [np.maximum(worst(v, high, (v,)), worst(-v, -low, (v,))) for v in values], axis=0
        )


def check(expression, text, seed=0):
    """Nothing that is proved is violated; what is refuted is so by CVXPY's numbers too."""
    verdict = answer(ask_about_expression(expression))
    points = Points(expression, seed)
    for goal, sign in (("convex", 1.0), ("concave", -1.0)):
        if getattr(verdict, goal):
            assert points.violation(sign).max(initial=0) < ROOM, (text, goal, verdict.reasons)
    for witness in verdict.counterexamples.values():
        assert witness.verify(), text
        check_witness_by_cvxpy(expression, witness)
    check_facts(expression, points, text)
    json.dumps(verdict.to_dict(full=False))


def check_facts(expression, points, text):
    """Bounds, curvature and quasi-curvature of every entry."""
    question = ask_about_expression(expression)
    facts = derive_facts(question, question.tape())[-1]
    assert points.outside(facts.low, facts.high).max(initial=0) < ROOM, (text, "bounds")
    for field, found in (
        ("convex", points.violation(1.0)),
        ("concave", points.violation(-1.0)),
        ("quasiconvex", points.quasi(1.0)),
        ("quasiconcave", points.quasi(-1.0)),
    ):
        assert found[getattr(facts, field)].max(initial=0) < ROOM, (text, field)


def check_witness_by_cvxpy(expression, witness):
    """The same three values, up to CVXPY's rounding, or a point that CVXPY calls outside."""
    by_name = {leaf.name(): leaf for leaf in Tape([expression]).leaves()}
    for point, expected in (
        (witness.a, witness.f_a), (witness.b, witness.f_b), (witness.middle, witness.f_middle)
    ):  # fmt: skip
        values = {by_name[name]: value for name, value in (point | dict(witness.fixed)).items()}
        value = value_at(expression, values)[witness.entry]
        nodes = [dense(node.value) for node in Tape([expression]).nodes]
        largest = max(np.max(np.abs(node), initial=0) for node in nodes)
        room = 1e-7 + 1e-13 * largest**2  # a sine of 1e13 has no digit left in doubles
        assert value == pytest.approx(expected, rel=1e-6, abs=room)


def log_log_worst(expression, seed):
    """The largest violations of log-log convexity and concavity at positive points."""
    rng = np.random.default_rng(seed)
    leaves, rows = Tape([expression]).leaves(), []
    for _ in range(PAIRS):
        a, b = ({leaf: draw(leaf, rng, positive=True) for leaf in leaves} for _ in range(2))
        middle = {leaf: np.sqrt(a[leaf] * b[leaf]) for leaf in leaves}
        with np.errstate(all="ignore"):
            rows.append([np.log(value_at(expression, point)) for point in (a, b, middle)])
    return [
        max(np.max(worst(sign * m, sign * 0.5 * (a + b), (a, b, m))) for a, b, m in rows)
        for sign in (1.0, -1.0)
    ]


# ------------------------------------------------------------- the problems

LIMITS = ["s <= v", "v <= s", "v == s", "v[None, :] >= M", "cp.sum(v) == 1", "s >= 0", "v <= 2",
          "v >= -1", "M == 1", "cp.square(s) <= q", "cp.square(s) >= q", "cp.abs(v) <= 1",
          "cp.exp(s) >= 2", "s * q >= 1", "cp.SOC(s, v)", "cp.SOC(v[:2], M, axis=1)",
          "cp.SOC(v, M)", "cp.ExpCone(s, q, v[0])", "cp.ExpCone(v, p, v + 1)",
          "cp.PowCone3D(q, s, v[0], 0.3)", "cp.PowCone3D(p, p, v, [0.3, 0.2, 0.5])",
          "cp.PowConeND(p, s, [0.2, 0.3, 0.5])", "S >> 0", "S << np.eye(2)",
          "cp.bmat([[s, v[0]], [v[0], q]]) >> 0", "cp.norm(v) <= s",
          "cp.quad_over_lin(v, q) <= s", "cp.multiply(v, v[::-1]) <= 1", "cp.lambda_max(S) >= 1",
          "cp.log_det(S) >= 0", "v <= np.array([1, 2, 3])", "cp.NonNeg(v)", "cp.Zero(s)", "T <= s",
          "s <= cp.Parameter()", "cp.sum(M, axis=0) <= cp.Parameter(3, nonneg=True)"]  # fmt: skip
OBJECTIVES = ["s", "cp.sum(v)", "cp.sum_squares(v)", "-cp.sum_squares(v)", "s * q", "cp.norm(M)",
              "cp.sum(cp.minimum(v - s, 0))", "cp.sum(cp.maximum(v - s, 0))", "-cp.norm(v)",
              "cp.exp(s)", "cp.lambda_max(S)", "-cp.square(v[0])", "cp.sum(cp.sqrt(p))",
              "cp.quad_over_lin(v, q)", "cp.square(s) - cp.square(q)", "cp.max(v) - cp.min(v)",
              "cp.prod(p)", "cp.sum(cp.power(p, cp.Parameter(pos=True)))"]  # fmt: skip


def draw_problem(rng):
    """One objective and one to three constraints on the same variables."""
    names = {"cp": cp, "np": np, **leaves()}
    texts = [LIMITS[k] for k in rng.integers(len(LIMITS), size=rng.integers(1, 4))]
    objective = OBJECTIVES[rng.integers(len(OBJECTIVES))]
    sense = cp.Maximize if rng.random() < 0.2 else cp.Minimize
    problem = cp.Problem(sense(eval(objective, names)), [eval(text, names) for text in texts])
    return problem, (sense.__name__, objective, texts)


def place_at(problem, point):
    """Put the variables at a point; whether that is all that the problem has."""
    for leaf in problem.variables():
        leaf.save_value(np.asarray(point[leaf.name()]) if leaf.name() in point else None)
    return not problem.parameters() and all(v.value is not None for v in problem.variables())


def breaks(problem):
    """By how much the worst constraint is violated."""
    with np.errstate(all="ignore"):
        return max(float(np.max(c.violation())) for c in problem.constraints)


# ----------------------------------------------------------------- the tests

COMPOSED = 160
PROBLEMS = 60
BATCHES = 5


def test_every_atom_and_every_row_has_a_case():
    met = {type(node) for text in CASES for node in Tape([built(text)]).nodes}
    assert {kind.__name__ for kind in met} >= set(CONSTRUCTORS) - INTERNAL
    ours = {
        kind for kind in own.ScalarAtom.__subclasses__() if kind.__module__.startswith("cvxnet.")
    }
    assert met >= set(ATOMS) | ours


def test_every_atom_with_real_values_has_a_formula():
    nodes = [node for text in CASES for node in Tape([built(text)]).nodes if node.args]
    without = {type(n).__name__ for n in nodes if not has_formula(n)}
    parameters = {type(n).__name__ for n in nodes if not n.is_constant() and options_are_free(n)}
    assert without - parameters == WITHOUT_FORMULA - INTERNAL


def options_are_free(node):
    """Whether an option is a parameter."""
    return any(isinstance(option, cp.Parameter) for option in node.get_data() or ())


@pytest.mark.parametrize("batch", range(BATCHES))
def test_formulas_agree_with_cvxpy_wherever_it_has_a_value(batch):
    rng = np.random.default_rng(batch)
    for text in CASES[batch::BATCHES]:
        expression = built(text)
        tape = Tape([expression])
        if not expression.size or not all(has_formula(n) for n in tape.nodes if n.args):
            continue
        for _ in range(4):
            point = {leaf: draw(leaf, rng) for leaf in tape.leaves()}
            ours = formula_values(expression, point)
            theirs = value_at(expression, point)
            if ours is None:
                assert not np.isfinite(theirs).all(), text
            elif np.isfinite(theirs).all():
                assert ours == pytest.approx(theirs.ravel(), rel=1e-7, abs=1e-9), text


def formula_values(expression, point):
    """The checker's values in row-major order, None where it refuses."""
    question = ask_about_expression(expression)
    ends = {id(leaf): value for leaf, value in point.items()}
    document = counterexample_document(question, (ends, ends, {}), "convex", ())
    nodes = document["nodes"]
    with ctx.workprec(256):
        try:
            given = read_constants(nodes) | three_points(document)[0]
            value = evaluate_all(nodes, given)[document["root"]]
        except RefusalError:
            return None
        return [float(arb(t)) for t in value.entries]


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_verdict_on_an_atom_contradicts_points(batch):
    for text in CASES[batch::BATCHES]:
        check(built(text), text, batch)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_verdict_on_a_composition_contradicts_points(batch):
    rng, made = np.random.default_rng(100 + batch), 0
    while made < COMPOSED // BATCHES:
        text, inner, outer = (
            options[rng.integers(len(options))] for options in (CASES, list(INNER), OUTER)
        )
        try:
            expression = built(text, inner, outer)
        except (AssertionError, AttributeError, TypeError, ValueError):  # CVXPY does not take it
            continue
        check(expression, (text, inner, outer), batch)
        made += 1


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_counterexample_to_a_problem_is_infeasible_by_cvxpy(batch):
    rng, checked = np.random.default_rng(200 + batch), 0
    for _ in range(PROBLEMS // BATCHES):
        problem, texts = draw_problem(rng)
        for witness in convexity(problem, complete=False).counterexamples.values():
            assert witness.verify(), texts
            for point in (witness.a, witness.b):
                assert not place_at(problem, point) or breaks(problem) < 1e-6, texts
            whole = place_at(problem, witness.middle)
            checked += whole
            if whole and witness.refutes == "set":
                assert breaks(problem) > 0, texts
            elif whole:
                assert breaks(problem) < 1e-6, texts
    assert checked


@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_log_log_claim_contradicts_points(batch):
    claims = 0
    for text in CASES[batch::BATCHES]:
        expression = built(text)
        question = ask_about_expression(expression)
        word = log_log_curvature(question, question.tape())[0]
        if word in ("affine", "convex", "concave") and expression.size:
            claims += 1
            up, down = log_log_worst(expression, batch)
            assert word == "concave" or up < ROOM, (text, word)
            assert word == "convex" or down < ROOM, (text, word)
    assert claims > 10
