"""Is it convex? Verdicts on networks built from layers, repairs, and the map of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnet.analysis import Verdict, convexity
from cvxnet.analysis.verdicts import Repair
from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.networks import (
    MOST_EDITS,
    MOST_INPUTS,
    MOST_TEXT,
    give_weights,
    python_of,
    read_network,
    write_edits,
    write_network,
)
from cvxnet.lab.question import Answer, Question, Tell
from cvxnet.lab.verdicts import told
from cvxnet.layers import Sequential
from cvxnet.losses import LOSSES
from cvxnet.types import Array

OUTPUT = "none"
"""No loss: the question is about the output."""
UNKNOWNS = ("input", "weights", "first", "last")
DATA = ("any", "nonneg", "four", "minus", "plus")
"""Nothing known; inputs >= 0; four samples; the same with one label only."""
SAMPLES = np.array(
    [[0.0, 1.0, 2.0, -1.0], [1.0, 0.0, -1.0, 1.0], [1.0, 1.0, 0.0, 1.0], [-1.0, 0.5, 1.0, 0.0]]
)
MOST_SEED = 999


@dataclass(frozen=True)
class Case:
    """What is asked: a network, its weights given or signs only, the unknowns, loss and data."""

    network: Sequential
    inputs: int
    given: bool
    seed: int
    unknowns: str
    loss: str
    data: str

    @property
    def wrt(self) -> list[str]:
        """The unknowns as `convexity` takes them."""
        blocks = blocks_of(self.network)
        if self.unknowns in ("input", "weights"):
            return [self.unknowns]
        if not blocks:
            raise InputError("this network has no weights; ask whether it is convex in its input.")
        named = {"first": blocks[:1], "last": blocks[-1:]}
        return named.get(self.unknowns, self.unknowns.split(","))

    def verdict(self) -> Verdict:
        """The verdict of cvxnet, without what takes long to find."""
        loss = None if self.loss == OUTPUT else self.loss
        sign = "nonneg" if self.data == "nonneg" else None
        data = None if loss is None else self.samples()
        return convexity(self.network, self.wrt, loss=loss, data=data, inputs=sign, complete=False)

    def samples(self) -> tuple[Array, NDArray[Any]] | None:
        """Four samples, labelled +1 and -1 in turn, or all alike; of classes, one after another."""
        if self.data in ("any", "nonneg"):
            return None
        outputs = self.network.width(self.inputs) or 1
        X, k = SAMPLES[:, : self.inputs], np.arange(len(SAMPLES))
        if LOSSES[self.loss].classes:
            alike = {"minus": 0 * k, "plus": 0 * k + outputs - 1}
            return X, alike.get(self.data, k % outputs)
        y = {"minus": -1.0 + 0.0 * k, "plus": 1.0 + 0.0 * k}.get(self.data, 1.0 - 2.0 * (k % 2))
        return X, y if outputs == 1 else np.tile(y[:, None], outputs)

    def state(self) -> dict[str, Any]:
        """The same as the page's address has it."""
        return {
            "net": write_network(self.network),
            "inputs": self.inputs,
            "given": self.given,
            "seed": self.seed,
            "edits": write_edits(self.network, self.seed) if self.given else "",
            "wrt": self.unknowns,
            "loss": self.loss,
            "data": self.data,
        }


def blocks_of(network: Sequential) -> list[str]:
    """The layers that have weights, in order, by prefix."""
    return list(dict.fromkeys(name.rpartition(".")[0] for name in network.named_tensors()))


def read_case(asked: Asked) -> Case:
    """The question of the page, checked."""
    inputs = asked.whole("inputs", 1, MOST_INPUTS, 2)
    network = read_network(asked.text("net", MOST_TEXT), inputs)
    given, seed = asked.flag("given", False), asked.whole("seed", 0, MOST_SEED, 0)
    edits = asked.text("edits", MOST_EDITS, "")
    if given:
        give_weights(network, seed, edits)
    return Case(
        network=network,
        inputs=inputs,
        given=given,
        seed=seed,
        unknowns=asked.text("wrt", MOST_TEXT, "input"),
        loss=asked.choice("loss", (OUTPUT, *LOSSES), OUTPUT),
        data=asked.choice("data", DATA, "any"),
    )


def judge(asked: Asked) -> Answer:
    """The verdict on a network, and what it says of each layer."""
    case = read_case(asked)
    verdict = case.verdict()
    return told(verdict) | {
        "code": code_of(case),
        "layers": layers_told(case, verdict),
        "weights": weights_told(case),
        "unknowns": case.wrt,
    }


def layers_told(case: Case, verdict: Verdict) -> list[dict[str, Any]]:
    """For each layer what comes out of it: how many columns, and their curvature."""
    found: list[dict[str, Any]] = []
    columns: int | None = case.inputs
    for position, layer in enumerate(case.network):
        columns = layer.width(columns)
        mine = (
            step.curvature
            for step in reversed(verdict.derivation.steps)
            if f"{step.layer}.".startswith(f"{position}.")
        )
        curvature = next(mine, "unknown")
        found.append({"out": columns, "curvature": curvature})
    return found


def code_of(case: Case) -> str:
    """The same question in Python."""
    layers = "".join(f"    {python_of(layer)},\n" for layer in case.network)
    lines = ["import cvxnet as cn", "", f"net = cn.Sequential(\n{layers})"]
    options = [f"wrt={case.wrt!r}"]
    if case.given:
        lines.append(f"net.load_state_dict({weights_told(case)!r})")
    if case.loss != OUTPUT:
        options.append(f"loss={case.loss!r}")
        if (samples := case.samples()) is not None:
            lines += [
                f"{name} = {values.tolist()!r}" for name, values in zip("Xy", samples, strict=True)
            ]
            options.append("data=(X, y)")
    if case.data == "nonneg":
        options.append('inputs="nonneg"')
    return "\n".join([*lines, f"print(cn.convexity(net, {', '.join(options)}))"])


def weights_told(case: Case) -> dict[str, Any]:
    """The given weights."""
    state = case.network.state_dict() if case.given else {}
    return {name: values.tolist() for name, values in state.items()}


def repair(asked: Asked, tell: Tell) -> Answer:
    """What takes longer: convexity in each layer, told first, and repairs as states of the page."""
    case = read_case(asked)
    verdict = case.verdict()
    blocks = dict(verdict.blocks)
    layers: dict[str, Any] = {
        "blocks": blocks.get("single", {}),
        "together": [list(names) for names in blocks.get("maximal", [])],
        "disciplines": dict(verdict.disciplines),
    }
    tell(layers)
    return layers | {"repairs": [repair_told(case, each) for each in verdict.repairs]}


def repair_told(case: Case, found: Repair) -> dict[str, Any]:
    """A repair in words, and the state that it leads to where it is one of this page's."""
    question = None if found.verdict is None else found.verdict.question
    state = None
    if question is not None and isinstance(question.network, Sequential):
        wrt = list(question.options["wrt"])
        changed = Case(
            network=question.network,
            inputs=case.inputs,
            given=case.given,
            seed=case.seed,
            unknowns=case.unknowns if wrt == case.wrt else ",".join(wrt),
            loss=question.options["loss"] or OUTPUT,
            data=case.data,
        )
        state = changed.state() if write_network(changed.network) else None
    return found.to_dict() | {"state": state}


# The map: when is training convex?

ROWS = ("first", "last", "weights")
COLUMNS = (OUTPUT, "squared", "absolute", "logistic", "hinge", "squared_hinge")
MAP_SIGNS = {
    "any": "linear-2,relu,linear-1",
    "last": "linear-2,relu,linear-1-nonneg",
    "all": "linear-2-nonneg-nobias,relu,linear-1-nonneg-nobias",
}
"""Weights of any sign; those of the last layer >= 0; all of them, without biases."""
MAP_DATA = ("any", "nonneg", "minus", "plus")


def draw_map(asked: Asked) -> Answer:
    """The verdict for each layer that is trained and each loss."""
    net = MAP_SIGNS[asked.choice("signs", (*MAP_SIGNS,), "any")]
    data = asked.choice("data", MAP_DATA, "any")
    cells = []
    for unknowns in ROWS:
        for loss in COLUMNS:
            case = Case(read_network(net, 2), 2, False, 0, unknowns, loss, data)
            verdict = case.verdict()
            cells.append(
                {
                    "row": unknowns,
                    "column": loss,
                    "convex": verdict.convex,
                    "why": f"{verdict.page().headline} ({verdict.reasons['convex']})",
                    "state": case.state(),
                }
            )
    return {"rows": list(ROWS), "columns": list(COLUMNS), "cells": cells}


QUESTIONS = (
    Question("convex/judge", judge, seconds=20.0),
    Question("convex/repair", repair, seconds=90.0, long=True),
    Question("convex/map", draw_map, seconds=40.0),
)

READY: dict[str, dict[str, Any]] = {
    "relu": {"net": "linear-4,relu,linear-1"},
    "positive": {"net": "linear-4,relu,linear-1-nonneg"},
    "post": {
        "net": "linear-2-nonneg-nobias,relu,linear-2-nonneg-nobias",
        "wrt": "weights",
        "loss": "cross_entropy",
        "data": "nonneg",
    },
    "deep": {"net": "linear-3,relu,linear-3-nonneg,relu,linear-1-nonneg"},
    "inputconvex": {"net": "inputconvex-3-3"},
    "leaky": {"net": "linear-4,leaky-0.1,linear-1-nonneg"},
    "maxout": {"net": "linear-4,maxout-2,linear-1-nonneg"},
    "residual": {"net": "residual-relu,residual-relu-nonneg,linear-1-nonneg"},
    "tanh": {"net": "linear-4,tanh,linear-1"},
    "smooth": {"net": "linear-1,softplus", "wrt": "weights"},
}
"""Networks to begin with."""
SWITCHED = [{"net": each["net"], "wrt": wrt} for each in READY.values() for wrt in UNKNOWNS[1:]]
"""The switch in every position, for each."""
ALONE = [READY[name] | {"wrt": wrt} for name in ("relu", "positive", "post") for wrt in "02"]
"""Where repairs lead to: one layer alone."""


def whole(fields: dict[str, Any]) -> dict[str, Any]:
    """A state with everything that the page sends."""
    usual = {"inputs": 2, "given": False, "seed": 0, "edits": "", "wrt": "input", "loss": OUTPUT}
    return usual | {"data": "any"} | fields


def recorded(states: Iterable[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What the page asks about each of these states."""
    for fields in states:
        yield "convex/judge", whole(fields)
        yield "convex/repair", whole(fields)


RECORDED = (
    *recorded([*READY.values(), *SWITCHED, *ALONE]),
    *(("convex/map", {"signs": signs, "data": data}) for signs in MAP_SIGNS for data in MAP_DATA),
)
