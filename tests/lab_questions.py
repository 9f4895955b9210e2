"""Questions that ask a worker for trouble; the tests of the lab's server ask them."""

import os
import time

import numpy as np

from cvxnet.errors import InputError
from cvxnet.lab.question import Question


def echo(asked):
    return {"pid": os.getpid(), "said": asked.number("say", -10, 10, default=0)}


def die(asked):
    os._exit(3)


def hang(asked):
    while True:
        time.sleep(60)


def hoard(asked):
    return {"sum": float(np.ones(10**9).sum())}


def fail(asked):
    raise RuntimeError("on purpose")


def refuse(asked):
    raise InputError("on purpose.")


def infinite(asked):
    return {"x": float("inf")}


def count(asked, tell):
    for k in range(3):
        tell({"k": k, "pid": os.getpid()})
    return {"k": 3}


def flood(asked, tell):
    tell({"pid": os.getpid()})
    for _ in range(200):
        tell({"x": "x" * 10**6})
    return {}


def forever(asked, tell):
    tell({"pid": os.getpid()})
    hang(asked)


QUESTIONS = {
    question.name: question
    for question in (
        Question("test/echo", echo, seconds=60.0),
        Question("test/die", die, seconds=60.0),
        Question("test/late", hang, seconds=0.2),
        Question("test/hoard", hoard, seconds=60.0),
        Question("test/fail", fail, seconds=60.0),
        Question("test/refuse", refuse, seconds=60.0),
        Question("test/infinite", infinite, seconds=60.0),
        Question("test/count", count, seconds=60.0, long=True),
        Question("test/flood", flood, seconds=600.0, long=True),
        Question("test/forever", forever, seconds=600.0, long=True),
        Question("test/long-late", forever, seconds=1.0, long=True),
    )
}
