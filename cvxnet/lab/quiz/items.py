"""What a quiz asks: an item, its options, and the words in which evidence is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnet.analysis import Counterexample, Verdict

Draw = Callable[[np.random.Generator], "Item | None"]
"""What makes an item of one kind, or None where no answer was proved for what was drawn."""

CURVATURES = {
    (True, False): "convex, not concave",
    (False, True): "concave, not convex",
    (True, True): "both: affine",
    (False, False): "neither convex nor concave",
}
"""Words for (convex, concave)."""

KEEPING = ("sum of terms", "sum", "product", "matrix product", "index", "reshape")
"""Steps that need not be told where they keep the curvature of the step before."""


@dataclass(frozen=True)
class Option:
    """A possible answer, whether it is right, and the evidence for that."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Item:
    """A question of the quiz with its key.

    Attributes
    ----------
    prompt : str
        What is asked.
    given : tuple of str
        Formulas and numbers that it is asked about, one a line.
    options : tuple of Option
        Exactly one of them is right.
    lesson : str
        What to keep in mind.
    call : str
        How cvxnet was asked for the key.
    data : mapping
        Numbers to draw: ``x`` and ``y``, for instance. Empty where there is nothing to draw.
    """

    prompt: str
    given: tuple[str, ...]
    options: tuple[Option, ...]
    lesson: str
    call: str
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answer(self) -> int:
        """The place of the right option."""
        return next(k for k, option in enumerate(self.options) if option.right)

    def to_dict(self) -> dict[str, Any]:
        """The item as JSON types."""
        return {
            "prompt": self.prompt,
            "given": list(self.given),
            "options": [option.text for option in self.options],
            "answer": self.answer,
            "why": [option.why for option in self.options],
            "lesson": self.lesson,
            "call": self.call,
            "data": dict(self.data),
        }


def has_one_answer(options: Sequence[Option]) -> bool:
    """Whether one option is right, and no two say the same."""
    different = len({option.text for option in options}) == len(options)
    return different and sum(option.right for option in options) == 1


def shuffled(rng: np.random.Generator, options: Sequence[Option]) -> tuple[Option, ...]:
    """The options in random order."""
    return tuple(options[k] for k in rng.permutation(len(options)))


def odd_one_out(
    rng: np.random.Generator, options: Iterable[Option], others: int = 3
) -> tuple[Option, ...] | None:
    """The first right option among as many wrong ones; None where there are too few.

    No more options are looked at than that takes.
    """
    right, wrong = dict[str, Option](), dict[str, Option]()
    for option in options:
        (right if option.right else wrong).setdefault(option.text, option)
        if right and len(wrong) >= others:
            chosen = [*list(right.values())[:1], *list(wrong.values())[:others]]
            return shuffled(rng, chosen)
    return None


def curvature_options(verdict: Verdict) -> tuple[Option, ...] | None:
    """Convex, concave, both or neither; None where one of the two is unknown."""
    if verdict.convex is None or verdict.concave is None:
        return None
    found = (verdict.convex, verdict.concave)
    why = f"{told(verdict, 'convex')} {told(verdict, 'concave')}"
    return tuple(Option(text, key == found, why) for key, text in CURVATURES.items())


def told(verdict: Verdict, goal: str = "convex", name: str = "f") -> str:
    """Why something is convex (or concave), or why it is not; ``name`` is what it is called."""
    if getattr(verdict, goal):
        return f"{goal.capitalize()}, proved: {derived(verdict, goal)}."
    if goal in verdict.counterexamples:
        return f"Not {goal}: {witnessed(verdict.counterexamples[goal], name)}."
    return f"{goal.capitalize()}: {verdict.reasons[goal]}."


def derived(verdict: Verdict, goal: str) -> str:
    """The steps of a derivation that bend, or what else proved it."""
    if verdict.reasons[goal] != "composition rules":
        return verdict.reasons[goal].replace("recognised as convex: ", "it is recognised as ")
    said = list[tuple[str, str]]()
    for name, word in bending_steps(verdict):
        keeps = name in KEEPING and bool(said) and said[-1][1] == word
        if not keeps and (name, word) not in said:
            said.append((name, word))
    return ", then ".join(f"{name} is {word}" for name, word in said) or "it is affine"


def bending_steps(verdict: Verdict) -> Iterator[tuple[str, str]]:
    """Names and curvatures of the steps that are neither leaves nor affine."""
    for step in verdict.derivation:
        if step.args and step.curvature not in ("constant", "affine"):
            yield step.name, step.curvature


def witnessed(example: Counterexample, name: str = "f") -> str:
    """The values of a counterexample: two points and their midpoint."""
    side = "above" if example.refutes == "convex" else "below"
    a, b, middle = names_of_points(example, name)
    return (
        f"{a} = {number(example.f_a)} and {b} = {number(example.f_b)} have the mean "
        f"{number(example.chord)}, but {middle} = {number(example.f_middle)} is {side} it"
    )


def names_of_points(example: Counterexample, name: str) -> list[str]:
    """What the values at a, b and their midpoint are called: by numbers where these are few."""
    points = (example.a, example.b, example.middle)
    flat = [[number(v) for value in point.values() for v in np.ravel(value)] for point in points]
    if example.fixed or len(flat[0]) > 2:
        return [f"{name}(a)", f"{name}(b)", f"{name} at their midpoint"]
    return [f"{name}({', '.join(values)})" for values in flat]


def number(value: float) -> str:
    """Four digits, with a minus sign that is one.

    >>> number(-0.5), number(2.0), number(1 / 3)
    ('−0.5', '2', '0.3333')
    """
    return f"{float(value) + 0.0:.4g}".replace("-", "−")
