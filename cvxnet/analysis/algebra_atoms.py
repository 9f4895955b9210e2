"""The rows of affine atoms, of products and of assertions; see `cvxnet.analysis.atoms`."""

from __future__ import annotations

from functools import partial

from cvxpy.atoms import affine
from cvxpy.atoms.affine import wraps
from cvxpy.atoms.affine.add_expr import AddExpression
from cvxpy.atoms.affine.binary_operators import DivExpression, MulExpression, multiply
from cvxpy.atoms.affine.unary_operators import NegExpression

from cvxnet.analysis import algebra_rules as algebra
from cvxnet.analysis import loglog
from cvxnet.analysis import operations as ops
from cvxnet.analysis.rows import (
    AXIS,
    Atom,
    always,
    asserting,
    chosen_places,
    its_shape,
    moving,
    of_factors,
    of_negative_leaf,
    shape_and_order,
    where_all,
    where_one_term,
    which_diagonal,
    written_key,
)

Promote, broadcast_to = affine.promote.Promote, affine.broadcast_to.broadcast_to
Reshape, STACKS = affine.reshape.reshape, (affine.hstack.Hstack, affine.vstack.Vstack)
ALGEBRA: dict[type, Atom] = {
    # entries moved
    Promote: moving(ops.broadcast, describe=its_shape),
    broadcast_to: moving(ops.broadcast, describe=its_shape),
    affine.transpose.transpose: moving(ops.transpose, options=("axes",)),
    affine.reshape.reshape: moving(ops.reshape, describe=shape_and_order),
    affine.index.index: moving(ops.index, describe=written_key),
    affine.index.special_index: moving(ops.index, describe=chosen_places),
    affine.hstack.Hstack: moving(ops.stack_columns),
    affine.vstack.Vstack: moving(ops.stack_rows),
    affine.concatenate.Concatenate: moving(ops.concatenate, options=("axis",)),
    affine.diag.diag_vec: Atom(evaluate=ops.put_on_diagonal, describe=which_diagonal),
    affine.diag.diag_mat: moving(ops.take_diagonal, describe=which_diagonal),
    # sums and products
    AddExpression: Atom(
        evaluate=ops.add,
        rule=algebra.add,
        log_log=loglog.join,
        difference=always,
        positive=where_one_term,
        name="sum of terms",
    ),
    affine.sum.Sum: Atom(
        evaluate=ops.add_up,
        rule=partial(algebra.add_up, ops.add_up),
        log_log=loglog.add_up,
        difference=always,
        positive=where_all,
        options=AXIS,
        name="sum",
    ),
    affine.trace.Trace: Atom(
        evaluate=ops.trace, rule=partial(algebra.add_some, ops.trace), difference=always
    ),
    affine.cumsum.cumsum: Atom(
        evaluate=ops.add_cumulatively,
        rule=partial(algebra.add_some, ops.add_cumulatively),
        difference=always,
        options=("axis",),
    ),
    NegExpression: Atom(
        evaluate=ops.negate,
        rule=algebra.negate,
        difference=always,
        positive=of_negative_leaf,
        name="negative",
    ),
    multiply: Atom(
        evaluate=ops.multiply,
        rule=algebra.multiply,
        log_log=loglog.multiply,
        difference=of_factors,
        positive=where_all,
        name="product",
    ),
    MulExpression: Atom(
        evaluate=ops.multiply_matrices,
        rule=algebra.multiply_matrices,
        log_log=loglog.multiply_matrices,
        difference=of_factors,
        positive=where_all,
        name="matrix product",
    ),
    DivExpression: Atom(
        evaluate=ops.divide,
        rule=algebra.divide,
        log_log=loglog.divide,
        difference=of_factors,
        positive=where_all,
        name="quotient",
    ),
    # assertions
    wraps.nonneg_wrap: asserting("nonneg"),
    wraps.nonpos_wrap: asserting("nonpos"),
    wraps.psd_wrap: asserting("psd"),
    wraps.nsd_wrap: asserting("nsd"),
    wraps.symmetric_wrap: asserting("symmetric"),
    wraps.skew_symmetric_wrap: asserting("skew_symmetric"),
    wraps.hermitian_wrap: asserting("hermitian"),
}
