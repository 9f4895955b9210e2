"""How the lessons judge an answer, and show what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import marimo as mo

OPEN = "not answered yet"
"""What a judge says of an answer in which nothing was filled in."""
WORDS = {True: "right", False: "not yet", None: "open"}
KINDS: Any = {True: "success", False: "danger", None: "neutral"}


@dataclass(frozen=True)
class Mark:
    """What became of an exercise: solved or not, or None where it is open; and why."""

    exercise: str
    solved: bool | None
    says: str

    def shown(self) -> mo.Html:
        """The mark as a box; where the lesson runs as a script it is printed, too."""
        text = f"{self.exercise} {WORDS[self.solved]}: {self.says}"
        if not mo.running_in_notebook():
            print(text)
        return mo.callout(mo.md(f"**{text}**"), kind=KINDS[self.solved])


def mark(exercise: str, answer: Any, judge: Callable[[Any], str], right: str) -> Mark:
    """The mark of an answer.

    Parameters
    ----------
    exercise : str
        Its number.
    answer : object
        None where it was left open; answers that are functions return None then.
    judge : callable
        Takes the answer and returns what is wrong with it: ``""`` for nothing, ``OPEN`` where it
        was left open.
    right : str
        What to say of a right answer.

    Examples
    --------
    >>> mark("1.1", None, lambda answer: "", "well done").solved is None
    True
    >>> mark("1.1", 3, lambda answer: "" if answer == 4 else f"{answer} is not 2 + 2.", "well done")
    Mark(exercise='1.1', solved=False, says='3 is not 2 + 2.')
    """
    try:
        wrong = OPEN if answer is None else judge(answer)
    except Exception as error:
        wrong = f"the answer stopped with {type(error).__name__}: {error}"
    if wrong == OPEN:
        return Mark(exercise, None, OPEN)
    return Mark(exercise, not wrong, wrong or right)
