"""Clocks that count what this process does, whatever others do on the machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def processor_time() -> Iterator[None]:
    """Clocks count this process's seconds of the processor, so that others on it do not matter.

    All threads count. Time limits are of the same seconds: what is done in them is what would be
    done on a machine with nobody else.
    """
    clocks = time.monotonic, time.perf_counter
    time.monotonic = time.perf_counter = time.process_time
    try:
        yield
    finally:
        time.monotonic, time.perf_counter = clocks
