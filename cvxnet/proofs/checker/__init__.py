"""Check a certificate: re-prove ``lower <= optimum <= upper`` exactly, trusting nobody.

Call `check`, or copy this folder anywhere and run it; it needs Python and python-flint, no solver,
nothing of cvxnet:

    python checker FILE [--data FILE]         exit code 0: proved, 1: refused, 2: wrong usage

What is proved. The upper end is the objective of a network, computed. The lower end is the value
of a dual vector v, computed too, and it means something only if v is feasible: no unit of the
family may see more of v than the weight decay allows. That takes a proof, in one of several ways.

How to read it. The format of the file and what it claims are described in the project's
docs/certificates/format.md. A certificate of relu units at rank 3 (two features and a bias, say)
rests on python, flint and these files, best read in this order; with their lines, about:

    exact          170   exact numbers, and balls; rounding outward
    document       215   hostile files: bytes, JSON, doubles, or a refusal
    packing        190   arrays of numbers, in memory and packed in a file
    losses         150   losses and their conjugates
    claims          95   what a certificate says
    dual           195   the dual vector v, and what it has to satisfy
    units          160   what a unit family is, and what is to be proved about it
    evidence       160   the same for what helps to prove that
    families       295   the families by name: features, and where the proof is
    reading        285   from the document to the claims, entry by entry
    bracket        120   both ends, and why they are ends
    coordinates    170   the same problem in three coordinates
    lines          260   where units change sign: planes, and circles on the sphere
    sweeps         190   proof: every face that these planes cut out is looked at
    answer         155   all together, and the comparisons that decide

Other units need other proofs in place of the last three before the answer:

    units                            proof in
    relu, leaky_relu, abs            coordinates, lines, sweeps
    the same, over 100 samples       coordinates, sweeps, kinks, clusters, corners, lifting
    the same, several outputs        coordinates, lines, sweeps, vector_sweeps
    several outputs, with evidence   sphere, relaxation, semidefinite
    one output, rank 4 to 7          coordinates, sweeps, cones, lifting
    one output, with evidence        relaxation, semidefinite
    one output, of a width           tree, simplices, coordinates, cones, lifting
    coordinate, of a width           tree, columns, sparse
    sign, threshold, of a width      tree, columns, coordinates, lines, steps
    linear, coordinate               families, sparse, semidefinite
    coordinate, of a sparse X        families, sparse
    gated_relu                       families, semidefinite
    quadratic, polynomial            semidefinite
    squared_relu                     coordinates, cones, semidefinite
    sign, threshold                  coordinates, lines, steps
    the same, over 50 planes         coordinates, lines, steps, step_cones
    tanh                             coordinates, boxes

Verdicts on convexity are re-proved here as well, by other means: `witness` reads an expression and
the two points of a counterexample, `atoms` has a formula for each atom, made of `scalars` and
`matrices`, `arrays` moves their entries, and the folder convexity has the proofs. `path` concludes
from certificates at some weight decays to all between two ends. `command` is the command line for
all of them.

Whatever a file contains, the answer is a `CheckResult`, in bounded time. Memory is in proportion to
the samples, less than 3 GB for a million; files of more than 256 MB, and numbers of too many
digits, are refused.
"""

from .answer import EXACT, TIME_LIMIT, CheckResult, Prover, Way, check, exactly
from .command import main
from .document import RefusalError, fingerprint
from .families import UNITS
from .losses import LOSSES
from .reading import FORMAT, VERSION, read

__all__ = [
    "EXACT",
    "FORMAT",
    "LOSSES",
    "TIME_LIMIT",
    "UNITS",
    "VERSION",
    "CheckResult",
    "Prover",
    "RefusalError",
    "Way",
    "check",
    "exactly",
    "fingerprint",
    "main",
    "read",
]
