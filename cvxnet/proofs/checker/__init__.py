"""Check a certificate: re-prove ``lower <= optimum <= upper`` exactly, trusting nobody.

Call `check`, or copy this folder anywhere and run it; it needs Python and python-flint, no solver,
nothing of cvxnet:

    python checker FILE [--data FILE]         exit code 0: proved, 1: refused, 2: wrong usage

What is proved. The upper end is the objective of a network, computed. The lower end is the value
of a dual vector v, computed too, and it means something only if v is feasible: no unit of the
family may see more of v than the weight decay allows. That takes a proof, in one of several ways.

How to read it. The format of the file and what it claims are described in certificate.py, beside
this folder. Every certificate goes through

    document      hostile files: bytes, JSON, doubles      reading    the document, entry by entry
    exact         exact numbers, rounding outward          dual       v, and what it has to satisfy
    losses        losses and their conjugates              units      what a unit family is
    claims        what a certificate says                  families   the families by name
    bracket       both ends                                answer     all together

and, of the proofs, only through that of its family: linear, gated_relu and coordinate units are
done in families; quadratic and polynomial in semidefinite; sign and threshold in steps; relu,
leaky_relu, abs in lines and sweeps up to rank 3, beyond that in cones and lifting, or, if there is
evidence, in relaxation and semidefinite; squared_relu in cones; tanh in boxes. What steps, sweeps,
cones and boxes need before is in coordinates.

Counterexamples to convexity are proved here as well, by other means: `witness` reads an expression
and two points, `atoms` has a formula for each atom, and `arrays` moves their entries.

Whatever a file contains, the answer is a `CheckResult`, in bounded time and less than 3 GB of
memory; files of more than 64 MB, and numbers of too many digits, are refused.
"""

from .answer import TIME_LIMIT, CheckResult, Prover, check, main
from .document import RefusalError, fingerprint
from .families import UNITS
from .losses import LOSSES
from .reading import FORMAT, VERSION, read

__all__ = [
    "FORMAT",
    "LOSSES",
    "TIME_LIMIT",
    "UNITS",
    "VERSION",
    "CheckResult",
    "Prover",
    "RefusalError",
    "check",
    "fingerprint",
    "main",
    "read",
]
