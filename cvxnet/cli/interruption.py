"""Ctrl-C and SIGTERM: they end the command with one line, or keep what a long work has found.

Imports take seconds, and so does compiling; inside both an exception may vanish in a callback, or
come out as another one. So the process ends at once there: nothing would be lost.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NOTHING = "interrupted before there was anything to keep"
AGAIN = "interrupted again: what was not saved yet is lost"
SAVING = "interrupted: what was found is being saved; once more ends it at once"
ERRORS = 2
"""The file descriptor of standard error, which works inside a handler, too."""

Handler = Callable[[int, Any], None]


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Interrupted here, the process ends with one line and the exit code 128 + signal."""
    with handling(lambda number, frame: end(number, NOTHING)):
        yield


@contextmanager
def keeping_results() -> Iterator[None]:
    """Interrupted here, a KeyboardInterrupt is raised; interrupted again, the process ends."""

    def interrupt(number: int, frame: Any) -> None:
        for one in SIGNALS:
            signal.signal(one, lambda number, frame: end(number, AGAIN))
        say(SAVING)
        raise KeyboardInterrupt

    with handling(interrupt):
        yield


@contextmanager
def handling(handler: Handler) -> Iterator[None]:
    """Handle these signals so; only a main thread can."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [signal.signal(number, handler) for number in SIGNALS]
    try:
        yield
    finally:
        for number, old in zip(SIGNALS, before, strict=True):
            signal.signal(number, old)


def end(number: int, text: str) -> None:
    """End the process with a line."""
    say(text)
    os._exit(128 + number)


def say(text: str) -> None:
    """A line on standard error; on a terminal ``^C`` and a bar may stand before it."""
    os.write(ERRORS, f"\n{text}\n".encode())
