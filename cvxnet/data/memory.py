"""How much memory there is, and what would not fit into it: refused before it is begun.

A process that takes more than there is gets killed, or the machine stands still, without a word on
why. So what is about to be made of an array is predicted from its shape alone, which costs nothing
even where the entries are computed when they are asked for.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from cvxnet.errors import InputError, UnsupportedError

DOUBLE = 8
"""Bytes of a number."""
KNOWN, GROUPS = Path("/proc/meminfo"), Path("/proc/self/cgroup")
"""Where Linux says how much memory is left, and which limits of control groups hold."""
LIMITS = (
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current", "inactive_file"),
    (
        Path("/sys/fs/cgroup/memory"),
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
)
"""Control groups of both versions: folder, limit, what is used, and what of that is a cache."""
LARGE = 1e8
"""Bytes; what is smaller fits anywhere, and nobody is asked how much there is."""


def available_memory() -> float:
    """Bytes that are left for this process, of the machine or of its control group.

    Infinite where nobody says so: then nothing is refused.

    Examples
    --------
    >>> available_memory() > 0
    True
    """
    return min(left_on_machine(), left_in_groups())


def left_on_machine() -> float:
    """What the machine has left; elsewhere than on Linux all that it has."""
    for line in lines_of(KNOWN):
        name, _, size = line.partition(":")
        if name == "MemAvailable":
            return 1024.0 * float(size.split()[0])
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):
        return math.inf


def left_in_groups() -> float:
    """The least that the control groups of this process, and those around them, have left."""
    least = math.inf
    for line in lines_of(GROUPS):
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        folder, *names = LIMITS[bool(controllers)]
        inner = Path(path.lstrip("/"))
        for group in (inner, *inner.parents):
            least = min(least, left_in_group(folder / group, *names))
    return least


def left_in_group(folder: Path, limit: str, used: str, cache: str) -> float:
    """What one control group has left; infinite without a limit, or where it cannot be read."""
    try:
        most, now = float(lines_of(folder / limit)[0]), float(lines_of(folder / used)[0])
    except (IndexError, ValueError):  # "max" is no number
        return math.inf
    details = dict(line.split() for line in lines_of(folder / "memory.stat"))
    return max(most - now + float(details.get(cache, 0.0)), 0.0)


def lines_of(path: Path) -> list[str]:
    """The lines of a file of the system; none where there is no such file."""
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def share_that_fits(needed: float) -> float:
    """The share of so many bytes that there is memory for, at most 1."""
    return min(available_memory() / needed, 1.0) if needed > LARGE else 1.0


def check_memory(needed: float, what: str, cure: str) -> None:
    """Refuse what needs more memory than there is.

    Parameters
    ----------
    needed : float
        Bytes, as predicted.
    what : str
        What needs them, with its size: the message begins with it.
    cure : str
        What can be done about it.

    Raises
    ------
    UnsupportedError
        With what is needed, and what there is.
    """
    if share_that_fits(needed) < 1.0:
        left = size_text(available_memory())
        raise UnsupportedError(
            f"{what} needs about {size_text(needed)} of memory, but {left} are left, so it was not "
            f"begun. {cure}"
        )


def size_text(size: float) -> str:
    """A number of bytes, with a unit.

    >>> size_text(2.4e10), size_text(5e7), size_text(6.4e8)
    ('24 GB', '50 MB', '640 MB')
    """
    number, unit = (size / 1e6, "MB") if size < 1e9 else (size / 1e9, "GB")
    return f"{number:.2g} {unit}" if number < 99.5 else f"{number:,.0f} {unit}"


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of what numpy would make an array of, without making it; () where nobody knows it.

    Examples
    --------
    >>> shape_of([[1.0, 2.0]]), shape_of(range(3)), shape_of("text")
    ((1, 2), (3,), ())
    """
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and all(isinstance(size, int | np.integer) for size in shape):
        return tuple(map(int, shape))
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return ()
    inner = value[0] if len(value) and isinstance(value, list | tuple) else None
    return (len(value), *shape_of(inner))


def check_room(value: Any, what: str) -> None:
    """Refuse to make an array of numbers of a sparse matrix, and of what is too large for one."""
    if issparse(value):
        raise InputError(sparse_text(value, what, "a dense array is wanted here"))
    shape = shape_of(value)
    check_memory(
        DOUBLE * math.prod(shape),
        f"{what} of shape {sizes_text(shape)}, as an array of doubles,",
        "Take fewer rows or columns.",
    )


def sparse_text(value: Any, what: str, why: str) -> str:
    """What is said of a sparse matrix where a dense array is needed."""
    dense = size_text(DOUBLE * math.prod(value.shape))
    return (
        f"{what} is a sparse matrix of shape {sizes_text(value.shape)} with {value.nnz:,} entries "
        f"stored, and {why}. {what}.toarray() makes it dense, and takes {dense} of memory."
    )


def sizes_text(shape: tuple[int, ...]) -> str:
    """The shape of an array.

    >>> sizes_text((10_000, 2)), sizes_text((3,))
    ('10,000 x 2', '3')
    """
    return " x ".join(f"{size:,}" for size in shape)
