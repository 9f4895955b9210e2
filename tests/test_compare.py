"""Gradient training beside the optimum: the same objective, never below the bound, resumable."""

import csv
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from claimed import objective_with

import cvxnet as cn
from cvxnet.baselines import comparison, tasks
from cvxnet.baselines.gradients import NOT_TRAINED, TRAINED, to_tensors
from cvxnet.baselines.networks import excess_decay, fixed_length, value_of
from cvxnet.baselines.protocol import make_protocol
from cvxnet.baselines.table import interval
from cvxnet.baselines.tasks import Task, best_rate, curve_epochs, start
from cvxnet.errors import InputError, MissingExtraError, UnsupportedError
from cvxnet.layers.activations import Activation
from cvxnet.losses import LOSSES
from cvxnet.plots.style import COLORS

torch = pytest.importorskip("torch")
gradients = pytest.importorskip("cvxnet.baselines.gradients")

UNITS = sorted(TRAINED)
FIRST_ORDER = ("sgd", "adam", "adamw")
rng = np.random.default_rng(0)
X = rng.standard_normal((9, 2))
Y = np.sin(2 * X.sum(axis=1)) + 0.1 * rng.standard_normal(9)
LABELS = np.where(np.median(Y) < Y, 1.0, -1.0)
WEIGHTS = rng.uniform(0.5, 2.0, 9)
OPTIONS = [
    {"sample_weight": WEIGHTS},
    {"output_bias": True},
    {"skip": True},
    {"norm": "l1"},
    {"norm": "l1", "output_bias": True, "skip": True, "sample_weight": WEIGHTS},
]


def target(loss):
    return LABELS if getattr(LOSSES[loss], "labels", False) else Y


def make_task(optimizer="adam", width=3, seeds=(0, 1, 2), rate=0.01, **options):
    settings = {"units": "relu", "loss": "squared", "weight_decay": 0.1, "bias": True}
    settings |= {"norm": "l2", "output_bias": False, "skip": False, "sample_weight": None}
    settings |= {name: options.pop(name) for name in list(options) if name in settings}
    protocol = make_protocol(
        optimizer, width, seeds, options.pop("epochs", 20), options.pop("batch_size", None), None, 9
    )
    return Task(
        objective=objective_with(X=X, y=target(settings["loss"]), **settings),
        protocol=protocol,
        optimizer=optimizer,
        width=width,
        seeds=seeds,
        rates=() if optimizer == "lbfgs" else (rate,) * len(seeds),
        stream=options.pop("stream", tasks.TRAINING),
    )


def compare(**options):
    """A small comparison of the five points."""
    settings = {"optimizers": "adam", "widths": 3, "seeds": 4, "epochs": 30, "weight_decay": 0.1}
    given = settings | {"rates": {"adam": 0.05}, "width_seconds": 0} | options
    return cn.compare(given.pop("units", "relu"), given.pop("X", X), given.pop("y", Y), **given)


# --- the objective


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("loss", sorted(name for name in LOSSES if not LOSSES[name].classes))
@pytest.mark.parametrize("given", [{"bias": True}, {"bias": False}, *OPTIONS], ids=str)
def test_torch_and_numpy_agree_on_the_objective(units, loss, given):
    settings = {"bias": True} | given
    if settings.get("norm") == "l1" and not cn.FAMILIES[units].shared_decay:
        settings["norm"] = "l2"
    objective = objective_with(units, X, target(loss), loss, 0.3, **settings)
    task, form = replace(make_task(), objective=objective), objective.form
    shapes = [(4, 5, 2 + form.bias), (4, 5), (4, form.output_bias + 2 * form.skip)]
    batch = [3.0 * rng.standard_normal(shape) for shape in shapes]
    value = to_tensors(torch, task).objective(*map(torch.from_numpy, batch)).numpy()
    value = value - excess_decay(objective, *batch[:2])
    assert value == pytest.approx([task.value(*one) for one in zip(*batch, strict=True)], rel=1e-13)


SHARED = [name for name in UNITS if cn.FAMILIES[name].outputs]
TARGETS = np.column_stack([Y, X[:, 0] * X[:, 1], np.abs(X[:, 1])])
KINDS = np.array(["red", "green", "blue"])[np.arange(9) % 3]


def targets(loss):
    """Three outputs for a loss."""
    if LOSSES[loss].classes:
        return KINDS
    return (
        np.where(np.median(TARGETS, axis=0) < TARGETS, 1.0, -1.0)
        if LOSSES[loss].labels
        else TARGETS
    )


@pytest.mark.parametrize("units", SHARED)
@pytest.mark.parametrize("loss", sorted(name for name in LOSSES if LOSSES[name].outputs))
@pytest.mark.parametrize(
    "given", [{}, {"bias": False}, {"output_bias": True, "skip": True, "sample_weight": WEIGHTS}]
)
def test_torch_and_numpy_agree_on_the_objective_of_several_outputs(units, loss, given):
    objective = objective_with(units, X, targets(loss), loss, 0.3, **{"bias": True} | given)
    task, form = replace(make_task(), objective=objective), objective.form
    shapes = [(4, 5, 2 + form.bias), (4, 5, 3), (4, form.output_bias + 2 * form.skip, 3)]
    batch = [3.0 * rng.standard_normal(shape) for shape in shapes]
    value = to_tensors(torch, task).objective(*map(torch.from_numpy, batch)).numpy()
    value = value - excess_decay(objective, *batch[:2])
    assert value == pytest.approx([task.value(*one) for one in zip(*batch, strict=True)], rel=1e-13)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_several_outputs_are_what_torch_does_on_an_ordinary_module(loss):
    """As the docstring of compare says: torch's own losses, summed, and its weight_decay."""
    objective = objective_with("relu", X, targets(loss), loss, 0.1)
    task = replace(make_task("sgd", seeds=(5,), rate=0.02), objective=objective)
    (W,), (a,), _, _ = start(task)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 3, bias=False)
    ).double()
    state = {"0.weight": W[:, :2], "0.bias": W[:, 2], "2.weight": a.T}
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    numbers = torch.tensor(np.searchsorted(["blue", "green", "red"], KINDS))
    own = {
        "squared": lambda f: 0.5 * torch.nn.MSELoss(reduction="sum")(f, torch.from_numpy(TARGETS)),
        "cross_entropy": lambda f: torch.nn.CrossEntropyLoss(reduction="sum")(f, numbers),
    }[loss]
    with torch.no_grad():
        decay = 0.05 * sum(weight.square().sum() for weight in net.parameters())
        value = float(own(net(torch.from_numpy(X))) + decay)
    assert value_of(objective, W, a) == pytest.approx(value, rel=1e-13)
    steps = torch.optim.SGD(net.parameters(), lr=0.02, weight_decay=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, 20)
    for _ in range(20):
        steps.zero_grad()
        own(net(torch.from_numpy(X))).backward()
        steps.step()
        schedule.step()
    record = gradients.train_batch(task)
    assert record.W[0][:, :2] == pytest.approx(net[0].weight.detach().numpy(), rel=1e-9)
    assert record.a == pytest.approx(net[2].weight.detach().numpy().T[None], rel=1e-9)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_no_network_of_several_outputs_is_below_the_lower_bound(loss):
    given = {"units": "linear", "y": targets(loss), "loss": loss, "weight_decay": 0.5}
    runs = compare(**given, optimizers=("adam", "lbfgs"), widths=6, epochs=200, output_bias=True)
    assert runs.solution.status == "optimal"
    for record in runs.records:
        assert (record.curve >= runs.solution.lower_bound * (1.0 - 1e-12)).all()
    assert all(group.excess[:, 1].min() <= 1e-2 for group in runs.groups)
    assert runs.network("lbfgs", 6, 2)(X).shape == (9, 3)
    assert f"3 {'classes' if loss == 'cross_entropy' else 'outputs'}" in runs.table()
    assert runs.to_dict()["outputs"] == 3 and len(runs.plot().axes) == 6


def test_every_family_is_trained_or_refused_with_a_reason():
    assert set(NOT_TRAINED) < set(cn.FAMILIES)
    for name in TRAINED:
        assert name == "linear" or isinstance(cn.Family(name).between()[0], Activation)
    for name in NOT_TRAINED:
        with pytest.raises(UnsupportedError, match=f"compare does not train {name} units: "):
            compare(units=name)


def test_the_exact_network_has_the_exact_value():
    for units in UNITS:
        solution = cn.train(units, X, Y, weight_decay=0.3)
        state = list(solution.network.state_dict().values())
        W, a = np.hstack([state[0], state[1][:, None]]), state[-1][0]
        objective = objective_with(units, X, Y, weight_decay=0.3)
        if fixed_length(objective):  # |u| = 1 and a, at their balance
            scale = np.sqrt(np.abs(a))
            W, a = W * scale[:, None], np.sign(a) * scale
        assert value_of(objective, W, a) == pytest.approx(solution.value, rel=1e-9)


@pytest.mark.parametrize("optimizer", FIRST_ORDER)
def test_it_is_what_torch_does_on_an_ordinary_module(optimizer):
    """As the docstring of compare says: torch's weight_decay on the sum of the losses."""
    task = make_task(optimizer, seeds=(5,), rate=0.02)
    (W,), (a,), _, _ = start(task)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1, bias=False)
    ).double()
    state = {"0.weight": W[:, :2], "0.bias": W[:, 2], "2.weight": a[None]}
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    momentum = {"momentum": 0.9} if optimizer == "sgd" else {}
    steps = kinds[optimizer](net.parameters(), lr=0.02, weight_decay=0.1, **momentum)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(steps, 20)
    for _ in range(20):
        steps.zero_grad()
        f = net(torch.from_numpy(X))[:, 0]
        (0.5 * torch.nn.MSELoss(reduction="sum")(f, torch.from_numpy(Y))).backward()
        steps.step()
        schedule.step()
    record = gradients.train_batch(task)
    assert record.W[0][:, :2] == pytest.approx(net[0].weight.detach().numpy(), rel=1e-9)
    assert record.W[0][:, 2] == pytest.approx(net[0].bias.detach().numpy(), rel=1e-9)
    assert record.a == pytest.approx(net[2].weight.detach().numpy(), rel=1e-9)


def test_a_fraction_of_an_epoch_is_an_unbiased_estimate():
    task = make_task(seeds=(0, 1), skip=True, sample_weight=WEIGHTS)
    tensors = to_tensors(torch, task)
    weights = [torch.from_numpy(part) for part in start(task)[:3]]
    parts = [tensors.objective(*weights, torch.tensor([[i], [i]])).numpy() for i in range(9)]
    assert np.mean(parts, axis=0) == pytest.approx(tensors.objective(*weights).numpy(), rel=1e-12)


# --- batches


@pytest.mark.parametrize("optimizer", [*FIRST_ORDER, "lbfgs"])
@pytest.mark.parametrize("batch_size", [None, 4])
def test_together_is_one_by_one_and_repeats_to_the_bit(optimizer, batch_size):
    task = make_task(optimizer, batch_size=batch_size, epochs=12)
    together = gradients.train_batch(task)
    again = gradients.train_batch(task)
    for name in ("W", "a", "objective", "curve"):
        assert (getattr(together, name) == getattr(again, name)).all()
    for k, seed in enumerate(task.seeds):
        alone = gradients.train_batch(replace(task, seeds=(seed,), rates=task.rates[k : k + 1]))
        assert alone.W[0] == pytest.approx(together.W[k], rel=1e-8, abs=1e-12)
        assert alone.objective[0] == pytest.approx(together.objective[k], rel=1e-9)


def test_networks_of_a_batch_have_their_own_rates():
    task = replace(make_task("sgd"), seeds=(3, 3), rates=(0.001, 0.02))
    both = gradients.train_batch(task)
    for k, rate in enumerate(task.rates):
        alone = gradients.train_batch(replace(task, seeds=(3,), rates=(rate,)))
        assert alone.objective[0] == pytest.approx(both.objective[k], rel=1e-9)
    assert both.objective[0] != both.objective[1]


def test_the_curve_ends_where_the_run_ends():
    for optimizer in (*FIRST_ORDER, "lbfgs"):
        record = gradients.train_batch(make_task(optimizer, epochs=25))
        assert record.curve.shape == record.epochs.shape == (3, len(curve_epochs(25)))
        assert record.curve[:, -1] == pytest.approx(record.objective, rel=1e-12)
        assert (np.diff(record.clock) >= 0.0).all() and (np.diff(record.epochs) >= 0).all()
        if optimizer == "lbfgs":
            assert (np.diff(record.curve) <= 0.0).all()


def test_learning_rates_are_tried_on_other_networks():
    counted, tried = (start(make_task(stream=stream))[0] for stream in tasks.STREAMS)
    assert not np.isin(counted, tried).any()


def test_of_the_rates_that_never_diverge_the_lowest_median_wins():
    record = gradients.train_batch(make_task("sgd", epochs=1))
    rates = tuple(np.repeat([0.1, 0.2, 0.4], 3))

    def chosen(ends):
        return best_rate(replace(record, rates=rates, objective=np.array(ends, float)))

    assert chosen([5, 5, 5, 9, 2, 3, 1, 1, np.inf]) == 0.2
    assert chosen([5, 5, 5, 9, 2, 3, 1, 1, 1]) == 0.4
    assert chosen([np.inf] * 9) == 0.1


# --- against the bracket


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("loss", ["squared", "hinge"])
def test_no_network_is_below_the_lower_bound(units, loss):
    runs = compare(
        units=units, y=target(loss), loss=loss, widths=(2, 12), optimizers=("adam", "lbfgs")
    )
    lower = runs.solution.lower_bound
    for record in runs.records:
        assert (record.objective >= lower * (1.0 - 1e-12)).all()
        assert (record.curve >= lower * (1.0 - 1e-12)).all()
    for group in runs.groups:
        assert (group.excess >= 0.0).all()


@pytest.mark.parametrize("given", OPTIONS, ids=lambda given: ", ".join(given))
def test_with_every_option_no_run_is_below_the_bound_and_the_best_are_near(given):
    runs = compare(
        **{"widths": 12, "optimizers": ("adam", "lbfgs"), "seeds": 3, "epochs": 500},
        **{"weight_decay": 0.5} | given,
    )
    assert runs.solution.status == "optimal"
    lower = runs.solution.lower_bound
    for record in runs.records:
        assert (record.curve >= lower * (1.0 - 1e-12)).all()
    for group in runs.groups:
        assert 0.0 <= group.excess.min() <= group.excess[:, 1].min() <= 1e-3
        network = runs.network(group.optimizer, 12, 2)
        loss = 0.5 * given.get("sample_weight", 1.0) * (network(X)[:, 0] - Y) ** 2
        assert loss.sum() < group.objective[2]
        form = (runs.objective.form.output_bias, runs.objective.form.skip)
        assert sum(part.size for part in network.state_dict().values()) == (
            12 * 4 + form[0] + 2 * form[1]
        )


@pytest.mark.parametrize("given", OPTIONS, ids=lambda given: ", ".join(given))
def test_with_every_option_the_exact_network_has_the_exact_value(given):
    solution = cn.train("relu", X, Y, weight_decay=0.3, **given)
    found = solution.certificate
    objective = objective_with("relu", X, Y, weight_decay=0.3, **given)
    free = np.concatenate([[] if part is None else np.ravel(part) for part in (found.c, found.s)])
    W = np.column_stack([found.W, found.b])
    value = value_of(objective, W, found.a, free)
    assert value == pytest.approx(solution.value, rel=1e-9)


def test_a_weight_counts_like_copies_and_zero_leaves_a_sample_out():
    times = np.array([0, 1, 2, 1, 1, 3, 1, 0, 1])
    weighted = compare(sample_weight=times, optimizers="lbfgs", rates=None)
    copied = compare(X=X.repeat(times, 0), y=Y.repeat(times), optimizers="lbfgs", rates=None)
    assert weighted.solution.value == pytest.approx(copied.solution.value, rel=1e-6)
    assert weighted.groups[0].objective == pytest.approx(copied.groups[0].objective, rel=1e-3)


def test_enough_width_and_patience_reach_a_known_optimum():
    """Samples -1 and 1 with targets 1 and 2 at weight decay 0.1: the optimum is 0.29."""
    data = {"X": np.array([[-1.0], [1.0]]), "y": np.array([1.0, 2.0]), "bias": False}
    runs = compare(**data, widths=(1, 20), seeds=5, epochs=500, optimizers=("adam", "lbfgs"))
    adam_narrow, adam, lbfgs_narrow, lbfgs = runs.groups
    assert adam.objective == pytest.approx(np.full(5, 0.29), rel=1e-6)
    assert lbfgs.objective == pytest.approx(np.full(5, 0.29), rel=1e-6)
    assert adam.within(1e-4) == (5, 5)
    # one unit fits one of the two samples: 1/2 for the other and 0.1 * 2 - 0.1^2 / 2 for this one
    assert min(adam_narrow.objective.min(), lbfgs_narrow.objective.min()) >= 0.5 + 0.195 - 1e-9
    assert adam_narrow.within(1e-2) == lbfgs_narrow.within(1e-2) == (0, 0)


def test_networks_are_handed_out():
    for units in ("relu", "quadratic"):
        runs = compare(units=units, seeds=(7, 9))
        network = runs.network("adam", 3, 9)
        f = network(X)[:, 0]
        state = list(network.state_dict().values())
        outer = np.abs(state[-1]).sum() if units == "quadratic" else None
        decay = 0.5 * sum((w**2).sum() for w in state) if outer is None else outer
        value = 0.5 * ((f - Y) ** 2).sum() + 0.1 * decay
        objective = runs.groups[0].objective[1]
        assert value == pytest.approx(objective) if outer is None else value <= objective
    with pytest.raises(KeyError, match="seed 8"):
        runs.network("adam", 3, 8)


# --- reports


def test_the_table_says_what_happened(tmp_path):
    runs = compare(optimizers=("sgd", "adam", "adamw", "lbfgs"), widths=(2, 5), rates=None)
    text = str(runs)
    assert text == runs.table() and "<= optimum <=" in text and "9, d = 2" in text
    rows = [line.split() for line in text.splitlines()[4:12]]
    assert [(row[0], int(row[1])) for row in rows] == [
        (name, width) for name in ("sgd", "adam", "adamw", "lbfgs") for width in (2, 5)
    ]
    for row, group in zip(rows, runs.groups, strict=True):
        proved, possible = group.within(1e-2)
        assert proved == possible and f"{proved}/4" in row
        assert interval(*group.excess.min(axis=0)) in row
        assert (group.rate is None) == (group.optimizer == "lbfgs") == (len(row) == 9)
        assert group.rate is None or group.rate in runs.protocol.rates[group.optimizer]
    assert "adamw: its decoupled decay" in text
    assert f"The exact network has {runs.solution.units} units" in text
    html = runs._repr_html_()
    assert html.count("<tr>") == 9 and "&lt;= optimum" in html
    runs.to_csv(tmp_path / "runs.csv")
    with open(tmp_path / "runs.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 32 and {line["torch"] for line in lines} == {torch.__version__}
    assert [float(line["objective"]) for line in lines[:4]] == runs.groups[0].objective.tolist()
    runs.to_json(tmp_path / "runs.json")
    document = json.loads((tmp_path / "runs.json").read_text())
    assert document["exact"]["lower"] == runs.solution.lower_bound
    assert document["protocol"]["seeds"] == [0, 1, 2, 3] and "numpy" in document["versions"]
    assert document["groups"][0]["rate"] == runs.groups[0].rate
    assert document["groups"][7]["curve"][3] == runs.records[7].curve[3].tolist()


def test_runs_that_diverge_count_as_failures(tmp_path):
    runs = compare(optimizers="sgd", rates={"sgd": 1e3}, time_limit=1e-9)
    (group,) = runs.groups
    assert np.isinf(group.objective).all() and np.isinf(group.excess).all()
    assert group.within(1e-2) == (0, 0) and " inf " in runs.table()
    assert "The bracket is wide" in runs.table()
    runs.to_json(tmp_path / "runs.json")
    document = json.loads((tmp_path / "runs.json").read_text())
    assert document["groups"][0]["excess"] == [[None, None]] * 4
    titles = [axes.get_title(loc="left") for axes in runs.plot().axes]
    assert "sgd, width 3: every run diverged" in titles


def test_a_rate_at_the_edge_is_marked():
    runs = compare(rates={"adam": (1e-6, 1e-5)})
    assert runs.groups[0].rate == 1e-5 and "1.00e-05*" in runs.table()
    assert "beyond it may be better" in runs.table()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_pictures_show_the_bracket_and_stay_above_it(d):
    pytest.importorskip("matplotlib")
    wide = rng.standard_normal((9, d))
    runs = compare(X=wide, optimizers=("adam", "lbfgs"), widths=(2, 4), bias=d < 3)
    figure = runs.plot([f"feature {j}" for j in range(d)])
    assert len(figure.axes) == (6 if d <= 2 else 4)
    curves = figure.axes[4 if d <= 2 else 3]
    drawn = [line for line in curves.get_lines() if len(line.get_xdata()) > 3]
    floor = runs.solution.gap
    for line in drawn:
        if line.get_color() in COLORS and line.get_label().startswith("_"):
            assert np.nanmin(line.get_ydata()) >= min(floor, 1e-8)
    assert figure.get_suptitle().startswith(("Global optimum", "Best network"))


def test_what_the_bracket_does_not_tell_is_drawn_as_unknown():
    pytest.importorskip("matplotlib")
    runs = compare(optimizers=("adam", "lbfgs"), widths=(2, 4))
    told = {"hollow": 0, "bars": 0}
    for lower in (runs.solution.lower_bound, 0.0):
        solution = replace(runs.solution, lower_bound=lower)
        known = replace(runs, solution=solution)
        figure = known.plot()
        ends, success = figure.axes[:2]
        bars = [c for c in success.collections if len(c.get_segments())]
        legend = [t.get_text() for t in success.get_legend().get_texts()]
        wide = [g.within(t) for g in known.groups for t in (1e-2, 1e-4)]
        unknown = sum(least < most for least, most in wide)
        assert sum(len(bar.get_segments()) for bar in bars) == unknown
        assert ("unknown: between" in legend) == bool(unknown)
        drawn = [line for line in success.get_lines() if len(line.get_xdata())]
        assert sum(np.isnan(line.get_ydata()).sum() for line in drawn) == unknown
        hollow = [line for line in ends.get_lines() if line.get_markerfacecolor() == "white"]
        told["hollow"] = sum(len(line.get_xdata()) for line in hollow)
    assert told["hollow"] == sum(len(group.seeds) for group in runs.groups)
    assert "Hollow points" in figure._supxlabel.get_text()


# --- interruptions


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(tasks, "SEEDS_TOGETHER", 2)


@pytest.fixture
def calls(monkeypatch):
    """The tasks that are really run; ``calls.limit`` of them, then Ctrl-C."""

    class Calls(list):
        limit = np.inf

    made = Calls()

    def train_batch(task):
        if len(made) >= made.limit:
            raise KeyboardInterrupt
        made.append(task)
        return gradients.train_batch(task)

    monkeypatch.setattr(comparison, "train_batch", train_batch)
    return made


def objectives(runs):
    return {(g.optimizer, g.width, g.seeds): g.objective.tolist() for g in runs.groups}


def test_ctrl_c_keeps_what_is_finished_and_the_next_call_goes_on(tmp_path, small_batches, calls):
    options = {"optimizers": ("adam", "lbfgs"), "seeds": 6, "store": tmp_path}
    options["rates"] = {"adam": (0.01, 0.05)}
    whole = compare(**options | {"store": None})
    assert len(calls) == 1 + 3 + 3 and not whole.interrupted
    calls.clear()
    calls.limit = 3
    part = compare(**options)
    assert part.interrupted and "Interrupted" in part.table()
    assert [(g.optimizer, g.seeds) for g in part.groups] == [("adam", (0, 1, 2, 3))]
    calls.clear()
    calls.limit = np.inf
    rest = compare(**options)
    assert len(calls) == 4 and objectives(rest) == objectives(whole)
    assert rest.groups[0].rate == whole.groups[0].rate
    calls.clear()
    more = compare(**options | {"seeds": 8, "widths": (3, 4)})
    assert {(task.width, task.seeds) for task in calls if task.width == 3} == {(3, (6, 7))}
    assert (
        objectives(more)["lbfgs", 3, tuple(range(8))][:6]
        == objectives(whole)["lbfgs", 3, tuple(range(6))]
    )


def test_ctrl_c_before_the_first_run_leaves_the_exact_solution(tmp_path, calls):
    """Shown, and with a store not computed again."""
    calls.limit = 0
    runs = compare(store=tmp_path / "store")
    assert runs.interrupted and runs.groups == [] and runs.solution.status == "optimal"
    assert "the exact solution and no run" in runs.table()
    runs.to_csv(tmp_path / "runs.csv")
    assert (tmp_path / "runs.csv").read_text().startswith("optimizer,width,seed,")
    with pytest.raises(cn.InputError, match="nothing to draw"):
        runs.plot()
    calls.limit = np.inf
    again = compare(store=tmp_path / "store")
    assert again.solution.stats["checkpoint"].startswith("going on from")
    assert again.solution.stats["rounds"] == 1 and len(again.groups) > 0


def test_a_store_gives_back_only_what_was_asked_for(tmp_path, calls):
    compare(store=tmp_path)
    changed = [{"y": Y + 1e-9}, {"weight_decay": 0.2}, {"epochs": 31}, {"rates": {"adam": 0.04}}]
    changed += [{"sample_weight": WEIGHTS}, {"norm": "l1"}, {"output_bias": True}, {"skip": True}]
    changed += [{"bias": False}, {"batch_size": 3}, {"units": "abs"}, {"seeds": 3}]
    for change in changed:
        calls.clear()
        compare(store=tmp_path, **change)
        assert len(calls) == 1, change
    calls.clear()
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    compare(store=tmp_path)  # damaged
    compare(store=tmp_path)
    assert len(calls) == 1


SCRIPT = """
import numpy as np, os, signal, sys
import cvxnet as cn
from cvxnet.baselines import tasks
from cvxnet.baselines.tasks import Store
tasks.SEEDS_TOGETHER = 2
save, saved = Store.save, []
def save_three(*one):
    save(*one)
    saved.append(one)
    if len(saved) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
Store.save = save_three
data = np.load(sys.argv[1])
cn.compare("relu", data["X"], data["y"], weight_decay=0.1, optimizers="adam", widths=3, seeds=10,
           epochs=40, rates={"adam": 0.05}, store=sys.argv[2])
"""


def test_a_killed_process_loses_no_finished_seed(tmp_path, small_batches, calls):
    np.savez(tmp_path / "data.npz", X=X, y=Y)
    store = tmp_path / "store"
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, tmp_path / "data.npz", store],
        cwd=Path(cn.__file__).parents[1],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.wait() == -signal.SIGKILL
    finished = {path: path.stat().st_mtime_ns for path in store.glob("*.npz")}
    assert len(finished) == 3
    options = {"seeds": 10, "epochs": 40}
    resumed = compare(**options, store=store)
    assert len(calls) == 5 - 3
    assert all(path.stat().st_mtime_ns == time for path, time in finished.items())
    assert objectives(resumed) == objectives(compare(**options))


# --- bad input

FAULTS = [
    ({"optimizers": ("sgd", "lion")}, ["unknown optimizer 'lion'", "lbfgs"]),
    ({"optimizers": ()}, ["optimizers: expected at least one"]),
    ({"optimizers": ("adam", "adam")}, ["none twice"]),
    ({"rates": {"lbfgs": 0.1}}, ["'lbfgs', which has no learning rate"]),
    ({"rates": {"adam": -1.0}}, ["learning rate of adam must be", "not -1"]),
    ({"rates": {"adam": (0.1, 0.1)}}, ["rates of adam", "none twice"]),
    ({"widths": 0}, ["widths: expected whole numbers from 1 to 1,000,000, not 0"]),
    ({"widths": (3, 2.5)}, ["widths", "not 2.5"]),
    ({"widths": "many"}, ["widths", "not 'many'"]),
    ({"seeds": 0}, ["seeds: expected whole numbers from 1 to 1,000,000"]),
    ({"seeds": (1, -1)}, ["seeds", "from 0 to 1,000,000, not -1"]),
    ({"epochs": 0}, ["epochs"]),
    ({"batch_size": 0}, ["batch_size"]),
    ({"units": "reul"}, ["unit family 'reul'", "squared_relu"]),
    ({"loss": "hindge"}, ["hindge", "logistic"]),
    ({"weight_decay": 0.0}, ["weight_decay"]),
    ({"norm": "l3"}, ["relu units have norm 'l2' or 'l1', not 'l3'"]),
    ({"norm": "l1", "units": "quadratic"}, ["quadratic units have norm 'l2', not 'l1'"]),
    ({"sample_weight": -np.ones(9)}, ["sample_weight[0] is -1"]),
    ({"sample_weight": np.ones(8)}, ["sample_weight has shape (8,)"]),
    ({"X": np.full((9, 2), np.nan)}, ["X[0, 0] is nan"]),
    ({"store": __file__}, ["store=", "is no folder"]),
]


@pytest.mark.failure
@pytest.mark.parametrize(("given", "parts"), FAULTS, ids=lambda value: str(value)[:30])
def test_bad_input_is_refused_before_any_work(given, parts, calls, monkeypatch):
    monkeypatch.setattr(comparison, "solve", None)
    with pytest.raises(InputError) as caught:
        compare(**given)
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.failure
def test_a_decay_that_is_not_the_penalty_is_refused():
    with pytest.raises(UnsupportedError, match=r"adamw shrinks.*'l1'"):
        compare(norm="l1", optimizers=("adam", "adamw"), rates=None)


@pytest.mark.failure
def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'cvxnet\[torch\]'"):
        compare()
