"""Exhibit "Trust me not": a certificate is checked, forged, and checked again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cvxnet.errors import InputError
from cvxnet.lab.asked import Asked
from cvxnet.lab.certificates import FORGERIES, check, forged
from cvxnet.lab.question import Question, Tell
from cvxnet.proofs.checker import RefusalError
from cvxnet.training.solution import Solution
from cvxnet.training.trainer import train

Record = dict[str, Any]
Entry = tuple[str, dict[str, Any]]
Follow = Callable[[Sequence[Record]], Entry]

MOST = 4_000_000
"""Characters of a certificate that the page may ask about: some ten thousand samples."""
SECONDS = 60.0


def curve() -> Solution:
    """A curve through twenty points."""
    x = np.linspace(-1.0, 1.0, 20)
    noise = np.random.default_rng(0).standard_normal(20)
    return train("relu", x[:, None], np.sin(4.0 * x) + 0.2 * noise, weight_decay=0.1)


def ring() -> Solution:
    """Two classes in the plane, one around the other."""
    X = np.random.default_rng(1).uniform(-1.5, 1.5, (40, 2))
    inside = np.hypot(*X.T) < 1.0
    return train("relu", X, np.where(inside, 1.0, -1.0), loss="logistic", weight_decay=0.2)


READY: dict[str, Callable[[], Solution]] = {"curve": curve, "ring": ring}


def ready(asked: Asked) -> dict[str, Any]:
    """The certificate of a small problem, solved now."""
    solution = READY[asked.choice("problem", list(READY), default="curve")]()
    return {"text": json.dumps(solution.certificate.to_dict())}


def forgeries(asked: Asked) -> dict[str, Any]:
    """What can be forged, and what the checker holds against it."""
    found = [{"name": f.name, "does": f.does, "against": f.against} for f in FORGERIES]
    return {"forgeries": found}


def forge(asked: Asked) -> dict[str, Any]:
    """The text of the certificate after a forgery."""
    text = asked.text("text", MOST)
    name = asked.choice("forgery", [forgery.name for forgery in FORGERIES])
    try:
        return {"text": forged(text, name)}
    except RefusalError as refusal:
        raise InputError(f"This certificate cannot be forged: {refusal}.") from None


def check_text(asked: Asked, tell: Tell) -> dict[str, Any]:
    """What the checker says; a certificate that it refuses is an answer, no error."""
    return check(asked.text("text", MOST), 0.9 * SECONDS)


QUESTIONS = (
    Question("proof/ready", ready, seconds=SECONDS),
    Question("proof/forgeries", forgeries, seconds=5.0),
    Question("proof/forge", forge, seconds=10.0),
    Question("proof/check", check_text, seconds=SECONDS, long=True),
)


def check_of(problem: str) -> Follow:
    """The check of a certificate that was recorded before."""
    return lambda records: ("proof/check", {"text": text_of(records, problem)})


def forge_of(problem: str, name: str) -> Follow:
    """A forgery of it."""
    return lambda records: ("proof/forge", {"text": text_of(records, problem), "forgery": name})


def check_of_last(records: Sequence[Record]) -> Entry:
    """The check of what was forged last."""
    return "proof/check", {"text": records[-1]["events"][-1]["answer"]["text"]}


def check_of_handed(records: Sequence[Record]) -> list[Entry]:
    """The checks of the certificates that "The plane" hands over, where it was recorded."""
    last = [record["events"][-1] for record in records if record["name"] == "plane/train"]
    texts = [event["answer"]["certificate"] for event in last if "answer" in event]
    return [("proof/check", {"text": text}) for text in texts]


def text_of(records: Sequence[Record], problem: str) -> str:
    """The certificate of a small problem, as it was recorded."""
    asked = "proof/ready", {"problem": problem}
    found = next(record for record in records if (record["name"], record["question"]) == asked)
    return str(found["events"][-1]["answer"]["text"])


RECORDED = (
    ("proof/forgeries", {}),
    *(("proof/ready", {"problem": problem}) for problem in READY),
    *(check_of(problem) for problem in READY),
    *(
        entry
        for problem in READY
        for forgery in FORGERIES
        for entry in (forge_of(problem, forgery.name), check_of_last)
    ),
    check_of_handed,
)
"""Entries that are callable make a question, or some, of what was recorded before."""
