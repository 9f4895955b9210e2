"""One BLAS thread while training.

Training makes many small linear algebra calls. With several BLAS threads each of them waits for
the slowest core: on a busy two-core machine that was measured to cost a factor of 50. And how many
there are changes the last digits of a sum, so that two machines would not agree.

Most libraries have one number of threads for the whole process, and trainings may go on in several
threads of Python at once: each asks for one, and the last to end puts back what the first found.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def controller() -> ThreadpoolController:
    """The thread pools of the libraries loaded; finding them takes a while, so once."""
    return ThreadpoolController()


class Limit:
    """One BLAS thread as long as somebody, in any thread of Python, asks for it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.askers = 0
        self.before: Any = None

    def on(self) -> None:
        """One more asks for it."""
        with self.lock:
            found = controller().limit(limits=1, user_api="blas")
            self.before = self.before if self.askers else found
            self.askers += 1

    def off(self) -> None:
        """One less does.

        From its version 3.8 on threadpoolctl listens only to the thread that came first.
        """
        with self.lock:
            self.askers -= 1
            if self.askers:
                return
            for library in controller().lib_controllers:
                if hasattr(library, "clear_controlling_thread"):
                    library.clear_controlling_thread(force=True)
            self.before.restore_original_limits()


LIMIT = Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """A context in which numpy and scipy compute on one thread.

    Examples
    --------
    >>> import numpy as np
    >>> with one_blas_thread():
    ...     {pool["num_threads"] for pool in controller().info() if pool["user_api"] == "blas"}
    {1}
    """
    LIMIT.on()
    try:
        yield
    finally:
        LIMIT.off()
