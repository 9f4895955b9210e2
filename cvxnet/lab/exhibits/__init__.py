"""The exhibits: one module each, with the questions that its page may ask."""

from typing import Any

from cvxnet.lab.exhibits import (
    columns,
    convex,
    lift,
    limits,
    many_optima,
    one_weight,
    plane,
    proof,
    quiz,
    saddle,
    sgd,
    swapped,
    tour,
)
from cvxnet.lab.question import Question

EXHIBITS: tuple[Any, ...] = (
    one_weight,
    saddle,
    swapped,
    convex,
    tour,
    lift,
    plane,
    columns,
    sgd,
    many_optima,
    proof,
    limits,
    quiz,
)
"""The modules, in the order of the page."""

QUESTIONS: dict[str, Question] = {
    question.name: question for module in EXHIBITS for question in module.QUESTIONS
}
"""All questions by their names."""
