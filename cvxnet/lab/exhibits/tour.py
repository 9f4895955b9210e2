"""The post that cvxnet began with, as six questions whose answers are verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cvxpy as cp

from cvxnet.analysis import Verdict, convexity
from cvxnet.lab.asked import Asked
from cvxnet.lab.exhibits.convex import recorded
from cvxnet.lab.networks import read_network
from cvxnet.lab.question import Answer, Question
from cvxnet.lab.verdicts import told


@dataclass(frozen=True)
class Stop:
    """A step of the post's argument.

    Attributes
    ----------
    post : str
        What the post says.
    asked : str
        The question.
    formula : str
        What is judged.
    judge : callable
        The verdict on it, without what takes long to find.
    explained : bool
        The answer that ``because`` explains; a test holds it to the verdict.
    because : str
        What is true, and why.
    builder : dict
        The same question as a state of the exhibit "Is it convex?"; empty where it is none.
    """

    post: str
    asked: str
    formula: str
    judge: Callable[[], Verdict]
    explained: bool
    because: str
    builder: dict[str, Any]


def variable(name: str) -> cp.Variable:
    """A number that is not known."""
    return cp.Variable(name=name)


def about(net: str, wrt: str, columns: int = 2, **options: Any) -> Verdict:
    """The verdict on a network of so many inputs."""
    return convexity(read_network(net, columns), wrt, complete=False, **options)


PRODUCT = "linear-1-nonneg-nobias,relu,linear-1-nonneg-nobias"
TWO_NODES = "linear-2-nonneg-nobias,relu,linear-2-nonneg-nobias"

STOPS = (
    Stop(
        post="The relu, max(0, x), is a convex function; the proof is still to be added.",
        asked="Is relu(x) convex in x?",
        formula="max(x, 0)",
        judge=lambda: convexity(cp.pos(variable("x")), complete=False),
        explained=True,
        because=(
            "It is the larger of two affine functions, x and 0, and a maximum of convex functions "
            "is convex: where both are below the chord, so is the larger. It is nondecreasing, "
            "too, and that is what deeper layers need."
        ),
        builder={"net": "relu", "inputs": 1, "wrt": "input"},
    ),
    Stop(
        post="If f is convex, f(a·x) is convex in x as long as no entry of a is negative.",
        asked="And with weights of any sign: is softplus(a·x + b) convex in x?",
        formula="softplus(a·x + b), any a",
        judge=lambda: about("linear-1,softplus", "input"),
        explained=True,
        because=(
            "No sign is needed: a·x + b is affine, and a convex function of something affine is "
            "convex. The sign matters one layer later, where what comes in is convex but no longer "
            "affine."
        ),
        builder={"net": "linear-1,softplus", "wrt": "input"},
    ),
    Stop(
        post=(
            "Convex functions of convex functions need not be convex; the post composes x² with "
            "x² - 1."
        ),
        asked="Is (x² - 1)² convex in x?",
        formula="(x² - 1)²",
        judge=lambda: convexity(cp.square(cp.square(variable("x")) - 1), complete=False),
        explained=False,
        because=(
            "The square falls where its argument is negative, and x² - 1 is negative around 0: "
            "there a smaller inside means a larger outside. A rule that stops proves nothing, but "
            "three points do: the value at the midpoint 0 is above the chord."
        ),
        builder={},
    ),
    Stop(
        post="With x, all y and all W non-negative, the output is convex in all weights.",
        asked="Is w₂ relu(w₁ x) convex in (w₁, w₂), with everything ≥ 0?",
        formula="w₂ relu(w₁ x) with x, w₁, w₂ ≥ 0",
        judge=lambda: about(PRODUCT, "weights", columns=1, inputs="nonneg"),
        explained=False,
        because=(
            "Here no relu ever clips, and the output is the product w₁ w₂ x. Each weight alone "
            "enters linearly, but a product of two unknowns is a saddle. Two layers that are "
            "trained at once multiply, whatever their signs."
        ),
        builder={"net": PRODUCT, "inputs": 1, "wrt": "weights", "data": "nonneg"},
    ),
    Stop(
        post=(
            "Two output nodes and the loss log(1 + exp(y₀ - y₁)): the post suspects that convexity "
            "is lost because of the vector [1, -1]."
        ),
        asked="Is log(1 + exp(y₀ - y₁)) convex in the scores (y₀, y₁)?",
        formula="log(1 + exp(y₀ - y₁))",
        judge=lambda: convexity(cp.logistic(variable("y0") - variable("y1")), complete=False),
        explained=True,
        because=(
            "[1, -1] is one more affine map, and an affine inside is always allowed. It does harm "
            "only where the scores are convex and not affine in the unknowns: then y₀ - y₁ is a "
            "difference of convex functions."
        ),
        builder={},
    ),
    Stop(
        post=(
            "One sample of class 1, inputs and weights non-negative: the post leaves open whether "
            "this training is convex."
        ),
        asked="Is this cross entropy convex in all weights of the two-layer network?",
        formula="log(1 + exp(y₀ - y₁)) with y = W₂ relu(W₁ x), all ≥ 0",
        judge=lambda: about(TWO_NODES, "weights", loss="cross_entropy", data=([[1.0, 2.0]], [1])),
        explained=False,
        because=(
            "Not because of [1, -1], but because the layers multiply, as they do without a loss. "
            "In each layer alone it is convex. And a change of variables makes all of "
            "two-layer training convex: see the exhibit about the lift."
        ),
        builder={"net": TWO_NODES, "wrt": "weights", "loss": "cross_entropy", "data": "nonneg"},
    ),
)


def list_stops(asked: Asked) -> Answer:
    """The six questions, without their answers."""
    return {"stops": [{"post": s.post, "asked": s.asked, "formula": s.formula} for s in STOPS]}


def reveal(asked: Asked) -> Answer:
    """The verdict on one question, and what is true."""
    stop = STOPS[asked.whole("number", 1, len(STOPS)) - 1]
    verdict = stop.judge()
    blocks = dict(verdict.blocks).get("single", {})
    return told(verdict) | {"because": stop.because, "builder": stop.builder, "blocks": blocks}


QUESTIONS = (
    Question("tour/stops", list_stops, seconds=5.0),
    Question("tour/reveal", reveal, seconds=20.0),
)
RECORDED = (
    ("tour/stops", {}),
    *(("tour/reveal", {"number": number}) for number in range(1, len(STOPS) + 1)),
    *recorded(stop.builder for stop in STOPS if stop.builder),
)
