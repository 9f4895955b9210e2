"""The quiz: one question of each kind for every seed."""

from __future__ import annotations

from cvxnet.lab.asked import Asked
from cvxnet.lab.question import Answer, Question
from cvxnet.lab.quiz.kinds import KINDS, make_item

MOST_SEED = 10**9
RECORDED_SEEDS = range(1, 4)


def kinds(asked: Asked) -> Answer:
    """The kinds of questions, in order."""
    return {
        "kinds": [
            {"name": kind.name, "title": kind.title, "topic": kind.topic, "exhibit": kind.exhibit}
            for kind in KINDS.values()
        ]
    }


def item(asked: Asked) -> Answer:
    """The question of one kind that belongs to a seed, with its key and the reasons."""
    kind = asked.choice("kind", tuple(KINDS))
    return make_item(kind, asked.whole("seed", 0, MOST_SEED)).to_dict()


QUESTIONS = (
    Question("quiz/kinds", kinds, seconds=10.0),
    Question("quiz/item", item, seconds=180.0),  # the first one may have to compile kernels
)
RECORDED = (
    ("quiz/kinds", {}),
    *(("quiz/item", {"kind": kind, "seed": seed}) for seed in RECORDED_SEEDS for kind in KINDS),
)
