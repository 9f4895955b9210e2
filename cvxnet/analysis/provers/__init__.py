"""What looks for proofs where composition is silent: one module a method, cheap ones first."""

from cvxnet.analysis.evidence import Prover
from cvxnet.analysis.provers.boxes import prove_by_boxes
from cvxnet.analysis.provers.normal import prove_by_normal_form

PROVERS: tuple[Prover, ...] = (
    prove_by_normal_form,
    prove_by_boxes,
)
