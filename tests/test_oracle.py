"""Two gears of pricing, deadlines and budgets."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from claimed import objective_with
from families import make_family
from sklearn.datasets import load_diabetes, load_iris

import cvxnet as cn
from cvxnet.training import certificates, conic, every_width
from cvxnet.training.bounds import proof_search
from cvxnet.training.clock import now
from cvxnet.training.local_search import start_wide
from cvxnet.training.oracle import CHEAP, DRY, FIRST_TRY, PER_ROW, Oracle, price_within
from cvxnet.training.pricing.maxima import LocalMaxima
from cvxnet.training.problem import no_units
from cvxnet.training.recovery import problem_of
from cvxnet.training.scaling import rescale
from cvxnet.training.start import open_bracket
from cvxnet.training.units import steps


def maxima(rho, error):
    """One local maximum."""
    return LocalMaxima(rho, error, np.array([rho]), np.ones((1, 2)), np.ones(1))


@dataclass
class Counted:
    """A family whose exact pricing looks at so many rows."""

    rows: float
    climbed: float = 2.0
    exact: bool = True
    climbs: bool = True
    looked_at: float = 0.0
    calls: list = field(default_factory=list)

    def price(self, v, floor, deadline, work=np.inf):
        self.calls.append("exact")
        used = min(self.rows, work) if now() <= deadline else 0
        self.looked_at += used
        return maxima(1.0, 1e-12 if used == self.rows else np.inf)._replace(work=used)

    def climb(self, v, floor, units, deadline):
        self.calls.append("climb")
        return maxima(self.climbed, np.inf)


def ask(family):
    """An Oracle, and what prices n = 10 samples with a weight decay of 1 through it."""
    asked = Oracle(SimpleNamespace(family=family, weight_decay=1.0, y=np.ones(10)))

    def price(deadline=np.inf, stuck=False):
        family.calls.clear()
        found = asked.price(np.ones(10), 0.99, no_units(2), deadline, stuck)
        return family.calls.copy(), bool(np.isfinite(found.error))

    return asked, price


def test_cheap_pricing_is_exact_in_every_round():
    asked, price = ask(Counted(rows=CHEAP))
    for _ in range(3):
        assert price() == (["exact"], True)
    assert asked.always and asked.ends and asked.looked_at == 3 * CHEAP


def test_dear_pricing_is_left_to_local_search_once_it_has_been_tried():
    asked, price = ask(Counted(rows=CHEAP + 10 * PER_ROW + 1))
    assert price() == (["exact", "climb"], False)
    assert not asked.always and not asked.ends
    assert price() == (["climb"], False)


def test_what_has_ended_is_asked_where_local_search_finds_nothing():
    family = Counted(rows=2 * CHEAP)
    asked, price = ask(family)
    price()
    while not np.isfinite(asked.attempt(np.ones(10), 0.99, np.inf).error):
        pass
    assert asked.ends
    assert price() == (["climb"], False)
    assert price(stuck=True) == (["climb", "exact"], True)
    family.climbed = 1.0 + 0.5 * DRY
    assert price() == (["climb", "exact"], True)
    assert price(deadline=now() - 1.0) == (["climb", "exact"], False)
    assert not asked.ends


def test_attempts_get_twice_the_rows_until_one_ends():
    family = Counted(rows=5 * FIRST_TRY)
    asked, _ = ask(family)
    ended = []
    while not ended or not ended[-1]:
        ended.append(bool(np.isfinite(asked.attempt(np.ones(10), 0.99, np.inf).error)))
    assert ended == [False, False, False, True]  # with 1, 2, 4 and 8 times FIRST_TRY
    assert family.looked_at == asked.looked_at == (1 + 2 + 4 + 5) * FIRST_TRY


@pytest.mark.parametrize("name", ["relu", "abs", "squared_relu", "tanh", "sign", "threshold"])
@pytest.mark.parametrize("columns", [2, 5])
def test_pricing_with_a_deadline_in_the_past_claims_nothing_false(name, columns):
    rng = np.random.default_rng(columns)
    family, v = make_family(name, rng.standard_normal((450, columns))), rng.standard_normal(450)
    cut = family.price(v, 0.0, now() - 1.0)
    units = rng.standard_normal((2000, family.rank))
    units /= family.sizes(units)[:, None]
    assert np.abs(v @ family.features(units)).max() <= cut.rho + cut.error
    if columns == 5 and name in ("relu", "abs"):
        assert cut.error == np.inf and price_within(0.0, family, v, 0.0).rho > 0.0


def test_the_l1_ball_is_searched_until_the_deadline():
    rng = np.random.default_rng(0)
    family = make_family("relu", rng.standard_normal((40, 3)), norm="l1")
    v = rng.standard_normal(40)
    assert family.price(v, 0.0, now() - 1.0).error == np.inf
    assert np.isfinite(family.price(v, 0.0, np.inf).error)


def test_a_relaxation_that_does_not_fit_into_memory_is_not_begun(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 9)), rng.standard_normal(30)
    problem = rescale(problem_of(objective_with("relu", X, y, "squared", 1.0)))[0]
    bracket = open_bracket(problem)
    assert next(proof_search.improve_lower_bound(problem.family, bracket, bracket.proposal, np.inf))
    monkeypatch.setattr(proof_search, "MOST_SAMPLES", 29)
    assert not list(
        proof_search.improve_lower_bound(problem.family, bracket, bracket.proposal, np.inf)
    )


def test_the_second_way_of_a_solver_has_the_time_that_is_left(monkeypatch):
    limits = []

    def stops_short(program, tolerance, time_limit):
        limits.append(time_limit)
        return conic.ConeSolution(np.zeros(1), np.zeros(1), "InsufficientProgress", 1)

    monkeypatch.setitem(conic.SOLVERS, "CLARABEL", stops_short)
    monkeypatch.setitem(conic.SECOND_WAYS, "CLARABEL", stops_short)
    program = SimpleNamespace()
    conic.solve_cone_program(program, "CLARABEL", 1e-9, 0.0)
    assert limits == [0.0]
    conic.solve_cone_program(program, "CLARABEL", 1e-9, 1e6)
    assert limits[1] == 1e6 and 0.0 < limits[2] <= 1e6
    conic.solve_cone_program(program, "CLARABEL", 1e-9, None)
    assert limits[3:] == [None, None]


def test_a_part_of_the_time_is_kept_for_the_certificate():
    """Its cost grows with samples and columns, and a small one is next to nothing."""
    rng = np.random.default_rng(0)
    sizes = [(20, 2), (2000, 2), (2000, 50)]
    costs = [
        certificates.certificate_seconds(
            objective_with(
                "relu", rng.standard_normal(size), rng.standard_normal(size[0]), "squared", 1.0
            )
        )
        for size in sizes
    ]
    assert costs[0] < 0.01 and costs[0] < costs[1] < costs[2]


def test_steps_beyond_exact_pricing_are_trained_all_the_same(monkeypatch):
    monkeypatch.setattr(steps, "EXACT_SAMPLES", {})
    monkeypatch.setattr(steps, "FEW", 0)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3))
    y = np.sign(X[:, 0] + X[:, 1]) + 0.1 * rng.standard_normal(30)
    solution = cn.train("sign", X, y, weight_decay=2.0, gap=0.3)
    assert solution.units > 0 and 0.0 < solution.lower_bound <= solution.value


def test_networks_have_no_more_units_than_certificates_may(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2))
    y = np.sin(3.0 * X[:, 0])
    whole = cn.train("relu", X, y, weight_decay=0.05)
    monkeypatch.setattr(every_width, "MOST_FEATURES", 30 * 4)
    few = cn.train("relu", X, y, weight_decay=0.05)
    assert few.units <= 4 < whole.units
    assert few.lower_bound <= whole.value <= few.value < 0.5 * y @ y


# No cliffs: what is exact is decided by what it costs.


def test_rank_four_closes_beyond_three_hundred_samples():
    X, y = load_diabetes(return_X_y=True)
    X, y = X[:330, [2, 8, 3]], y[:330]
    X, y = X / X.std(axis=0), (y - y.mean()) / y.std()
    solution = cn.train("relu", X, y, weight_decay=3.0, output_bias=True, gap=1e-4)
    assert solution.status == "optimal" and solution.units > 0


@pytest.mark.parametrize("samples", [60, 75, 78, 81])
def test_the_start_at_rank_five_does_not_depend_on_the_number_of_samples(samples):
    """Raw iris, one class against the rest: local search has a network before pricing ends."""
    X, labels = load_iris(return_X_y=True)
    chosen = np.random.default_rng(1).choice(len(X), samples, replace=False)
    y = np.where(labels[chosen] == 1, 1.0, -1.0)
    objective = objective_with("relu", X[chosen], y, "logistic", 2.0, output_bias=True)
    problem = rescale(problem_of(objective))[0]
    bracket = open_bracket(problem)
    alone = bracket.upper
    for network in start_wide(problem, bracket.units.free, np.inf, 1):
        bracket.offer_units(network)
    assert bracket.upper < 0.7 * alone
