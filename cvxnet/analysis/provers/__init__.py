"""What looks for proofs where composition is silent: one module a method, cheap ones first."""

from cvxnet.analysis.evidence import Prover
from cvxnet.analysis.provers.boxes import prove_by_boxes
from cvxnet.analysis.provers.compositions import prove_by_terms
from cvxnet.analysis.provers.hessians import prove_by_hessian
from cvxnet.analysis.provers.normal import prove_by_groups, prove_by_normal_form
from cvxnet.analysis.provers.pieces import prove_by_pieces
from cvxnet.analysis.provers.polynomials import prove_by_squares

PROVERS: tuple[Prover, ...] = (
    prove_by_pieces,  # decides whatever is piecewise linear, and passes by all else
    prove_by_terms,
    prove_by_normal_form,
    prove_by_hessian,
    prove_by_boxes,
    prove_by_squares,
    prove_by_groups,
)
