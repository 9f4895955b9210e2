"""One BLAS thread while training.

Training makes many small linear algebra calls. With several BLAS threads each of them waits for
the slowest core: on a busy two-core machine that was measured to cost a factor of 50.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def controller() -> ThreadpoolController:
    """The thread pools of the libraries loaded; finding them takes a while, so once."""
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """A context in which numpy and scipy compute on one thread."""
    limits: AbstractContextManager[object] = controller().limit(limits=1, user_api="blas")
    return limits
