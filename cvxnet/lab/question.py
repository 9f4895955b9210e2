"""A question that the page may ask, and how it is answered."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cvxnet.errors import CvxnetError, InputError
from cvxnet.lab.asked import Asked

Answer = dict[str, Any]
Tell = Callable[[Answer], None]
"""Sends the page a piece of news while a long question is being answered."""

REFUSED, FAILED = 400, 500
"""The status of a question that cannot be answered, and of a bug."""


@dataclass(frozen=True)
class Question:
    """What the page may ask under a name, and who answers.

    Attributes
    ----------
    name : str
        ``exhibit/what``.
    ask : callable
        Takes an `Asked` and returns the answer, plain JSON; a long question's takes a `Tell`, too.
    seconds : float
        After which nobody waits any longer: the worker is killed.
    long : bool
        Whether it is answered beside the short ones, with news on the way.
    """

    name: str
    ask: Callable[..., Answer]
    seconds: float
    long: bool = False


@dataclass(frozen=True)
class Event:
    """A piece of news, the answer, or why there is none, as JSON text.

    Attributes
    ----------
    kind : str
        ``"progress"``, ``"answer"`` or ``"error"``.
    text : str
        JSON.
    status : int
        Of an error: that of HTTP.
    """

    kind: str
    text: str
    status: int = 200

    @property
    def line(self) -> str:
        """A line of a stream."""
        return f'{{"{self.kind}": {self.text}}}\n'


def error_event(message: str, status: int) -> Event:
    """Why there is no answer."""
    return Event("error", json.dumps(message), status)


def answered(question: Question, fields: dict[str, Any], send: Callable[[Event], None]) -> None:
    """Answer a question: one event at the end, and for a long one others before."""
    asked = Asked(fields)

    def tell(news: Answer) -> None:
        send(Event("progress", json.dumps(news, allow_nan=False)))

    try:
        answer = question.ask(asked, tell) if question.long else question.ask(asked)
        if asked.unknown():
            raise InputError(f"the question has fields of no use: {', '.join(asked.unknown())}.")
        send(Event("answer", json.dumps(answer, allow_nan=False)))
    except CvxnetError as error:
        send(error_event(str(error), REFUSED))
    except MemoryError:
        send(error_event("this takes more memory than there is; ask for less.", REFUSED))
    except Exception:
        traceback.print_exc()
        send(
            error_event(
                "a bug in cvxnet; the terminal has its traceback. Please report it.", FAILED
            )
        )
