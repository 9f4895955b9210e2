"""The solvers, each at rising precision: weights, and the processor seconds that they took.

This file runs here, and in the peers' environment as a process of its own; so it imports a solver
when that is named, and nothing of cvxnet before.

    python -m experiments.yuan2010.solvers PROBLEM.npz OUT.npz SOLVER SECONDS [TOLERANCE ...]
"""

from __future__ import annotations

import inspect
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

Vector = Any
Solve = Callable[[float], tuple[Vector, float]]
"""Weights for a tolerance, and the share of the time that does not count."""
FEW = 60
"""Samples of the problem that is solved first, and not counted: what is to be loaded, is then."""
REPEATS, BRIEF = 5, 0.02
"""How often a run is repeated, while all took less than so many seconds."""
MANY = 100_000
"""Iterations: none ends for their sake, where a solver can be told so."""


@dataclass(frozen=True, eq=False)
class Problem:
    """``|w|_1 + C sum loss(y, X w)``, with X (n, d), dense or CSR, and labels -1 and +1."""

    X: Any
    y: Vector
    loss: str
    C: float

    def smooth(self, w: Vector) -> tuple[float, Vector]:
        """C times the losses, and the gradient of that."""
        value, slope = LOSSES[self.loss](self.y * (self.X @ w))
        return self.C * value, self.C * (self.X.T @ (self.y * slope))

    def value(self, w: Vector) -> float:
        """The objective."""
        return float(np.abs(w).sum() + self.smooth(w)[0])

    def part(self, n: int) -> Problem:
        """The first samples alone."""
        return Problem(self.X[:n], self.y[:n], self.loss, self.C)

    @property
    def sparse(self) -> bool:
        """Whether X is."""
        return sparse.issparse(self.X)

    @property
    def columns(self) -> Any:
        """X, column by column in memory."""
        return sparse.csc_matrix(self.X) if self.sparse else np.asfortranarray(self.X)


def logistic(z: Vector) -> tuple[float, Vector]:
    """The sum of ``log(1 + exp(-z))``, and the slopes."""
    return float(np.logaddexp(0.0, -z).sum()), -0.5 * (1.0 - np.tanh(0.5 * z))


def squared_hinge(z: Vector) -> tuple[float, Vector]:
    """The sum of ``max(0, 1 - z)^2``, and the slopes."""
    room = np.maximum(0.0, 1.0 - z)
    return float(room @ room), -2.0 * room


LOSSES = {"logistic": logistic, "squared_hinge": squared_hinge}


def liblinear(problem: Problem) -> Solve:
    """newGLMNET (6) or CDN (5)."""
    from liblinear import liblinearutil as liblinear

    kind = {"logistic": 6, "squared_hinge": 5}[problem.loss]
    given = liblinear.problem(problem.y, sparse.csr_matrix(problem.X))

    def solve(tolerance: float) -> tuple[Vector, float]:
        options = f"-s {kind} -c {problem.C:.17g} -e {tolerance:.17g} -q"
        model = liblinear.train(given, liblinear.parameter(options))
        w = np.ctypeslib.as_array(model.w, (problem.X.shape[1],)).copy()
        return model.get_labels()[0] * w, 0.0

    return solve


def fitted(make: Callable[[float], Any], X: Any, y: Vector) -> Solve:
    """An estimator for each tolerance."""

    def solve(tolerance: float) -> tuple[Vector, float]:
        return np.ravel(make(tolerance).fit(X, y).coef_), 0.0

    return solve


def sklearn_liblinear(problem: Problem) -> Solve:
    from sklearn.svm import LinearSVC

    """With the authors' own limits of iterations: beyond, rounding may keep it from its end."""
    options = {"C": problem.C, "fit_intercept": False, "max_iter": 1000, "random_state": 0}
    if problem.loss == "logistic":
        options["max_iter"] = 100
        return fitted(sklearn_logistic("liblinear", options), problem.X, problem.y)
    options |= {"penalty": "l1", "dual": False}
    return fitted(lambda tolerance: LinearSVC(tol=tolerance, **options), problem.X, problem.y)


def sklearn_logistic(solver: str, options: dict[str, Any]) -> Callable[[float], Any]:
    """The estimator with an L1 penalty, which newer versions are told in another way."""
    from sklearn.linear_model import LogisticRegression

    default = inspect.signature(LogisticRegression).parameters["penalty"].default
    lasso: Any = {"l1_ratio": 1.0} if default == "deprecated" else {"penalty": "l1"}
    return lambda tolerance: LogisticRegression(solver=solver, tol=tolerance, **lasso, **options)


def saga(problem: Problem) -> Solve:
    options = {"C": problem.C, "fit_intercept": False, "max_iter": MANY, "random_state": 0}
    return fitted(sklearn_logistic("saga", options), problem.X, problem.y)


def celer(problem: Problem) -> Solve:
    from celer import LogisticRegression

    def make(tolerance: float) -> Any:
        return LogisticRegression(C=problem.C, tol=tolerance, max_iter=1000)

    return fitted(make, problem.columns, problem.y)


def skglm(problem: Problem) -> Solve:
    """The mean of the losses, and so another scale: of the penalty, and of the tolerance."""
    from skglm import SparseLogisticRegression

    alpha = 1.0 / (problem.C * len(problem.y))

    def make(tolerance: float) -> Any:
        return SparseLogisticRegression(
            alpha, tol=tolerance * alpha, fit_intercept=False, max_iter=1000
        )

    return fitted(make, problem.columns, problem.y)


def adelie(problem: Problem) -> Solve:
    """One lambda, of a path that has no other."""
    import adelie as ad

    glm = ad.glm.binomial(np.where(problem.y > 0.0, 1.0, 0.0))
    X = ad.matrix.sparse(problem.columns) if problem.sparse else problem.columns
    options = {"intercept": False, "early_exit": False, "progress_bar": False}
    path = np.array([1.0 / (problem.C * len(problem.y))])

    def solve(tolerance: float) -> tuple[Vector, float]:
        state = ad.grpnet(
            X, glm, lmda_path=path, tol=tolerance, irls_tol=tolerance, groups=None, **options
        )
        return np.ravel(state.betas.toarray()[-1]), 0.0

    return solve


def owl_qn(problem: Problem) -> Solve:
    """liblbfgs; where its line search finds nothing better any more, what it had."""
    from lbfgs import LBFGS, LBFGSError

    def evaluate(w: Vector, gradient: Vector) -> float:
        value, gradient[:] = problem.smooth(w)
        return value

    def solve(tolerance: float) -> tuple[Vector, float]:
        seen = [np.zeros(problem.X.shape[1])]
        solver = LBFGS()
        solver.orthantwise_c, solver.linesearch = 1.0, "wolfe"
        solver.epsilon, solver.max_iterations = tolerance, MANY
        with suppress(LBFGSError):
            return solver.minimize(
                evaluate, seen[0], lambda w, *_: seen.__setitem__(0, w.copy())
            ), 0.0
        return seen[-1], 0.0

    return solve


def conic(name: str, options: Callable[[float], dict[str, float]]) -> Callable[[Problem], Solve]:
    """A conic solver through CVXPY; compiling the problem counts."""

    def prepare(problem: Problem) -> Solve:
        import cvxpy as cp

        def solve(tolerance: float) -> tuple[Vector, float]:
            w = cp.Variable(problem.X.shape[1])
            z = cp.multiply(problem.y, problem.X @ w)
            if problem.loss == "logistic":
                losses = cp.sum(cp.logistic(-z))
            else:
                losses = cp.sum_squares(cp.pos(1.0 - z))
            program = cp.Problem(cp.Minimize(cp.norm1(w) + problem.C * losses))
            program.solve(solver=name, **options(tolerance))
            return w.value, 0.0

        return solve

    return prepare


def cvxnet_units(problem: Problem) -> Solve:
    """Coordinate units; the check of the certificate does not count."""
    import cvxnet as cn

    def solve(tolerance: float) -> tuple[Vector, float]:
        begin = time.perf_counter()
        solution = cn.train(
            "coordinate",
            problem.X,
            problem.y,
            loss=problem.loss,
            weight_decay=1.0 / problem.C,
            gap=tolerance,
        )
        took = time.perf_counter() - begin
        w = np.ravel(solution.network.state_dict()["0.weight"])
        return w, solution.stats["checking"] / took

    return solve


@dataclass(frozen=True)
class Solver:
    """Where a solver comes from, and what it takes.

    Attributes
    ----------
    package : str
        The distribution.
    prepare : callable
        Brings a problem into the form that it likes best.
    apart : bool
        Whether it is in the peers' environment.
    losses : sequence of str
    sparse : bool
        Whether it takes sparse data.
    largest : float
        Numbers in X, beyond which it is not run.
    powers : iterable of int
        Tolerances are 10 to the power of minus these.
    """

    package: str
    prepare: Callable[[Problem], Solve]
    apart: bool = False
    losses: Sequence[str] = ("logistic", "squared_hinge")
    sparse: bool = True
    largest: float = np.inf
    powers: Iterable[int] = range(1, 11)

    def refuses(self, problem: Problem) -> str:
        """Why it is not run on a problem, if it is not."""
        if problem.loss not in self.losses:
            return "does not have this loss"
        if problem.sparse and not self.sparse:
            return "takes no sparse data"
        if problem.X.shape[0] * problem.X.shape[1] > self.largest:
            return "too slow at this size, not run"
        return ""


ONE = ("logistic",)
SMALL = 2e5
SOLVERS = {
    "liblinear": Solver("liblinear-official", liblinear, apart=True),
    "scikit-learn liblinear": Solver("scikit-learn", sklearn_liblinear),
    "saga": Solver("scikit-learn", saga, losses=ONE, powers=range(1, 9)),
    "celer": Solver("celer", celer, apart=True, losses=ONE),
    "skglm": Solver("skglm", skglm, apart=True, losses=ONE),
    "adelie": Solver("adelie", adelie, apart=True, losses=ONE, powers=range(1, 15)),
    "OWL-QN": Solver("pylbfgs", owl_qn, apart=True, powers=range(1, 9)),
    "Clarabel": Solver(
        "clarabel",
        conic("CLARABEL", lambda t: {"tol_gap_abs": t, "tol_gap_rel": t, "tol_feas": t}),
        sparse=False,
        largest=SMALL,
    ),
    "ECOS": Solver(
        "ecos",
        conic("ECOS", lambda t: {"abstol": t, "reltol": t, "feastol": t}),
        sparse=False,
        largest=SMALL,
    ),
    "SCS": Solver(
        "scs",
        conic("SCS", lambda t: {"eps_abs": t, "eps_rel": t, "max_iters": MANY}),
        sparse=False,
        largest=SMALL,
        powers=range(1, 8),
    ),
    "cvxnet": Solver("cvxnet", cvxnet_units),
}


def least(solve: Solve, tolerance: float) -> tuple[float, Vector]:
    """The processor seconds that count, and weights; of a brief run, the least of some."""
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < BRIEF:
        begin = time.process_time()
        w, aside = solve(tolerance)
        times.append((1.0 - aside) * (time.process_time() - begin))
    return min(times), w


def series(
    name: str, problem: Problem, seconds: float, tolerances: Sequence[float] = ()
) -> Iterator[tuple[float, float, Vector]]:
    """(tolerance, processor seconds, weights), until all together took so many seconds."""
    solver, spent = SOLVERS[name], 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tolerances that were not reached: the points show it
        solver.prepare(problem.part(FEW))(0.1)
        solve = solver.prepare(problem)
        for tolerance in tolerances or [10.0**-k for k in solver.powers]:
            took, w = least(solve, tolerance)
            yield tolerance, took, w
            spent += took
            if spent > seconds:
                return


def save(path: Path, problem: Problem) -> None:
    """A problem as an .npz file."""
    X = problem.X
    parts = {"data": X.data, "indices": X.indices, "indptr": X.indptr} if problem.sparse else {}
    kept = {"X": np.zeros(0) if parts else X, "shape": X.shape, "y": problem.y}
    np.savez(path, loss=problem.loss, C=problem.C, **kept, **parts)


def load(path: Path) -> Problem:
    """The problem in a file that `save` wrote."""
    with np.load(path) as kept:
        X = kept["X"]
        if "indptr" in kept:
            parts = (kept["data"], kept["indices"], kept["indptr"])
            X = sparse.csr_matrix(parts, shape=tuple(kept["shape"]))
        return Problem(X, kept["y"], str(kept["loss"]), float(kept["C"]))


def main(problem: str, out: str, name: str, seconds: str, *tolerances: str) -> None:
    """A series; what there is is written after each point, for the case that it is stopped."""
    points: list[tuple[float, float, Vector]] = []
    asked = [float(tolerance) for tolerance in tolerances]
    for point in series(name, load(Path(problem)), float(seconds), asked):
        points.append(point)
        found, took, W = zip(*points, strict=True)
        version = metadata.version(SOLVERS[name].package)
        np.savez(out, tolerances=found, seconds=took, W=W, version=version)


if __name__ == "__main__":
    main(*sys.argv[1:])
