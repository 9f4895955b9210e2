"""What looks for proofs where composition is silent: one module a method, cheap ones first."""

from cvxnet.analysis.evidence import Prover

PROVERS: tuple[Prover, ...] = ()
