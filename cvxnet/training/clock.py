"""The clock that time limits are kept by: it stands still while kernels are loaded or compiled.

Numba compiles a kernel when it is first called after installation, which takes seconds, and loads
it in each later process; neither is training, and no time limit is charged for it. Numba holds one
lock meanwhile and announces it.
"""

from __future__ import annotations

import threading
import time

from numba.core import event


class KernelTime(event.Listener):
    """The seconds in which some thread held, or waited for, the lock of the compiler."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.total, self.begin, self.depth = 0.0, 0.0, 0

    def on_start(self, event: object) -> None:
        """Some thread asks for the lock; it may have it already."""
        with self.lock:
            if self.depth == 0:
                self.begin = time.monotonic()
            self.depth += 1

    def on_end(self, event: object) -> None:
        """Some thread gives it back."""
        with self.lock:
            self.depth -= 1
            if self.depth == 0:
                self.total += time.monotonic() - self.begin

    def working(self) -> float:
        """``time.monotonic`` without those seconds."""
        with self.lock:
            return (self.begin if self.depth else time.monotonic()) - self.total


KERNELS = KernelTime()
event.register("numba:compiler_lock", KERNELS)


def now() -> float:
    """Seconds on the clock of training; all deadlines are on it.

    Examples
    --------
    >>> from numba.core.compiler_lock import global_compiler_lock
    >>> with global_compiler_lock:
    ...     begin = now(); time.sleep(0.01); end = now()
    >>> end - begin
    0.0
    """
    return KERNELS.working()


def kernel_seconds() -> float:
    """Seconds that have gone into loading and compiling kernels: what `now` leaves out."""
    return KERNELS.total
