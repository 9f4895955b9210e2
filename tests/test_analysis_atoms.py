"""Every atom of CVXPY gets an answer that does not contradict CVXPY, and can be shown."""

import ast
import json
from operator import mul
from pathlib import Path

import cvxpy as cp
import numpy as np
import pytest
from cvxpy.atoms.elementwise.elementwise import Elementwise
from flint import fmpq

import cvxnet.analysis
from cvxnet.analysis import convexity
from cvxnet.analysis.atoms import ATOMS, values_of
from cvxnet.analysis.questions import ask_about_expression
from cvxnet.analysis.rows import Atom
from cvxnet.analysis.search import Space, try_kinks
from cvxnet.analysis.tape import Tape
from cvxnet.functions.arithmetic import RATIONALS
from cvxnet.functions.catalogue import abs_profile
from cvxnet.proofs.checker.arrays import (
    Array,
    entrywise,
    matrix_product,
    multiplied,
    rows_by_columns,
)
from cvxnet.proofs.checker.atoms import FORMULAS

EXPRESSIONS = [
    "cp.geo_mean(p)",
    "cp.harmonic_mean(p)",
    "cp.inv_prod(p)",
    "cp.lambda_max(S)",
    "cp.lambda_min(S)",
    "cp.lambda_sum_largest(S,1)",
    "cp.log_det(S)",
    "cp.matrix_frac(z,X)",
    "cp.mixed_norm(X)",
    "cp.norm(X,'nuc')",
    "cp.norm(X,2)",
    "cp.norm(z,3)",
    "cp.norm(z,0.5)",
    "cp.perspective(cp.square(x),cp.Variable(nonneg=True))",
    "cp.quad_over_lin(z,x)",
    "cp.sigma_max(X)",
    "cp.sum_largest(z,2)",
    "cp.sum_smallest(z,2)",
    "cp.sum_largest(X,2)",
    "cp.trace(X)",
    "cp.tr_inv(S)",
    "cp.tv(z)",
    "cp.tv(X)",
    "cp.kl_div(x,x+1)",
    "cp.rel_entr(p,p)",
    "cp.xexp(x)",
    "cp.loggamma(x)",
    "cp.logistic(z)",
    "cp.entr(z)",
    "cp.ceil(x)",
    "cp.floor(x)",
    "cp.sign(x)",
    "cp.length(z)",
    "cp.dist_ratio(z,np.zeros(3),np.ones(3))",
    "cp.cummax(z)",
    "cp.cumsum(X,axis=1)",
    "cp.cumsum(z)",
    "cp.diff(z)",
    "cp.kron(np.eye(2),X)",
    "cp.convolve(np.ones(2),z)",
    "cp.diag(X)",
    "cp.diag(z)",
    "cp.upper_tri(X)",
    "cp.vec(X,order='C')",
    "cp.reshape(X,(1,9),order='C')",
    "cp.bmat([[X,X],[X,X]])",
    "cp.hstack([X,X])",
    "cp.vstack([z,z])",
    "cp.concatenate([X,X],axis=1)",
    "cp.stack([z,z])",
    "cp.norm_inf(X)",
    "cp.max(X,axis=0)",
    "cp.min(X,axis=1,keepdims=True)",
    "cp.sum(X,axis=0,keepdims=True)",
    "cp.prod(z)",
    "cp.cumprod(z)",
    "cp.dotsort(z,[1,2,3])",
    "cp.std(z)",
    "cp.var(z)",
    "cp.ptp(z)",
    "cp.mean(X,axis=0)",
    "cp.outer(z,z)",
    "cp.vdot(z,z)",
    "cp.scalar_product(z,z)",
    "cp.partial_trace(X[:2,:2],[2,1])",
    "cp.huber(z,2)",
    "cp.scalene(z,1,2)",
    "cp.pnorm(z,1.5)",
    "cp.power(z,-0.5)",
    "cp.power(z,cp.Parameter(value=2,nonneg=True))",
    "cp.one_minus_pos(x)",
    "cp.eye_minus_inv(X)",
    "cp.pf_eigenvalue(X)",
    "cp.diff_pos(x,x/2)",
    "cp.gmatmul(np.ones((2,3)),p)",
    "cp.quad_form(z,cp.Parameter((3,3),PSD=True))",
    "cp.square(i)",
    "cp.square(b)-b",
    "cp.log_normcdf(x)",
    "cp.nlp.sin(x)",
    "cp.nlp.cos(x)",
    "cp.nlp.sinh(x)",
    "cp.nlp.normcdf(x)",
    "cp.suppfunc(cp.Variable(3),[])(z)",
    "cp.condition_number(PS)",
    "cp.von_neumann_entr(PS)",
    "cp.quantum_rel_entr(PS,PS)",
    "cp.trace(PS@PS)",
    "cp.sum_squares(D)",
    "cp.multiply(X,X)",
    "X@X",
    "z@X@z",
    "X[0]@z",
    "X[:,0]*x",
    "X.T@X",
    "cp.inv_pos(x)",
    "cp.max(cp.abs(z),axis=0)",
    "cp.log_sum_exp(X,axis=1)",
    "cp.real(z)",
    "cp.maximum(z,x,0)",
    "cp.exp(800*x)",
    "cp.sum(cp.exp(cp.exp(z)))",
    "cp.square(1e200*x)",
    "x+np.nan",
    "x*1e308",
    "cp.log(-1-cp.square(x))",
    "cp.sum(cp.Variable((2,3)))",
    "cp.sum(cp.square(cp.Variable((2,3,2))))",
    "cp.Variable(complex=True)+1",
]


def names():
    """Fresh variables of all kinds."""
    return {
        "cp": cp,
        "np": np,
        "x": cp.Variable(name="x"),
        "z": cp.Variable(3, name="z"),
        "X": cp.Variable((3, 3), name="X"),
        "S": cp.Variable((2, 2), symmetric=True, name="S"),
        "p": cp.Variable(3, pos=True, name="p"),
        "D": cp.Variable((2, 2), diag=True, name="D"),
        "i": cp.Variable(integer=True, name="i"),
        "b": cp.Variable(boolean=True, name="b"),
        "PS": cp.Variable((2, 2), PSD=True, name="PS"),
    }


@pytest.mark.filterwarnings("ignore")  # CVXPY warns about some of its own atoms
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_atom_gets_a_consistent_answer(text):
    expression = eval(text, names())
    verdict = convexity(expression)
    assert not expression.is_convex() or verdict.convex is not False
    assert not expression.is_concave() or verdict.concave is not False
    proved = (
        verdict.convex or not expression.is_convex(),
        verdict.concave or not expression.is_concave(),
    )
    nowhere = verdict.empty or any("NaN" in premise for premise in verdict.premises)
    assert all(proved) or nowhere, "CVXPY's rules prove what ours do not"
    assert all(witness.verify() for witness in verdict.counterexamples.values())
    assert str(verdict) and verdict._repr_html_()
    json.dumps(verdict.to_dict())


@pytest.mark.parametrize(
    ("left", "right"),
    [
        *[((), ()), ((), (2, 3)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4))],
        *[((5, 2, 3), (3, 4)), ((5, 1, 2, 3), (4, 3, 2)), ((3,), (4, 3, 2)), ((4, 2, 3), (3,))],
        ((2, 0), (0, 3)),
    ],
)
def test_matrix_products_are_those_of_numpy(left, right):
    rng = np.random.default_rng(0)
    a, b = rng.integers(-5, 6, left), rng.integers(-5, 6, right)
    one, two = (Array(x.shape, [fmpq(int(t)) for t in x.ravel()]) for x in (a, b))
    block = rows_by_columns(lambda row, column: sum(map(mul, row, column), fmpq(0)))
    wanted = np.multiply(a, b) if not (left and right) else np.matmul(a, b)
    for found in (multiplied(one, two), matrix_product(one, two, mul, block)):
        assert found.shape == wanted.shape
        assert [int(t) for t in found.entries] == wanted.ravel().tolist()


def test_two_files_of_the_analysis_name_the_files_of_cvxpy():
    rooms = Path(cvxnet.analysis.__file__).parent.glob("*.py")
    naming = {
        path.stem
        for path in rooms
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cvxpy"))
        or (isinstance(node, ast.Import) and any("cvxpy." in alias.name for alias in node.names))
    }
    assert naming == {"atoms", "algebra_atoms"}


class vee(Elementwise):  # noqa: N801 - atoms are lower case
    """``|t|``, of which CVXPY is told nothing but its numbers and its sign."""

    def numeric(self, values):
        return np.abs(values[0])

    def sign_from_args(self):
        return True, False

    def is_atom_convex(self):
        return False

    is_atom_concave = is_atom_convex

    def is_incr(self, idx):
        return False

    is_decr = is_incr

    def _grad(self, values):
        return [None]

    def _domain(self):
        return []


def test_a_new_atom_is_one_row(monkeypatch):
    """Rules, values, search, blame and log-log know it; the checker's formula is its own affair."""
    x = cp.Variable(name="x")
    monkeypatch.setitem(FORMULAS, "vee", lambda values: entrywise(abs, values))
    assert convexity(vee(x)).convex is None
    row = Atom(profile=lambda node: abs_profile(), name="the vee")
    monkeypatch.setitem(ATOMS, vee, row)

    tape = Tape([vee(x)])
    assert values_of(tape, {id(x): np.array([-2.0, 3.0])})[-1].tolist() == [2.0, 3.0]
    assert values_of(tape, {id(x): RATIONALS.number([-2.5])}, RATIONALS)[-1][0] == fmpq(5, 2)

    verdict = convexity(vee(x))
    assert verdict.convex and verdict.concave is False
    assert verdict.counterexample.verify() and verdict.derivation.root.name == "the vee"
    assert "log-log affine" in verdict.disciplines["log-log convex (DGP)"]

    dented = convexity(vee(cp.square(x) - 1))
    assert dented.convex is False and dented.blame.node == "the vee"
    assert dented.blame.rule.startswith("abs is convex, not monotone on [-1, inf]")
    assert dented.disciplines["difference of convex (DCCP)"].startswith("yes")

    question = ask_about_expression(-vee(x - 1))
    space = Space(question, question.tape())
    assert next(try_kinks(space, 1.0, 1)).found_by == "a kink of one unit"
