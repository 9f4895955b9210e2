"""Files: what cvxnet writes is there whole or not at all; what cannot be read says why."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from cvxnet.errors import InputError


def check_path(path: Any) -> Path:
    """A path; InputError for what is none."""
    try:
        return Path(path)
    except TypeError:
        raise InputError(
            f"a file is named by a str or a path, not by a {type(path).__name__}."
        ) from None


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A draft to write to, which takes the place of a file once it is complete and on the disk.

    Whoever reads meanwhile sees the old file or the whole new one. The draft has the file's ending.

    Raises
    ------
    InputError
        Where the draft or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "numbers.txt"
    >>> with replacing(file) as draft:
    ...     _ = draft.write_text("1, 2")
    >>> file.read_text(), len(list(file.parent.iterdir()))
    ('1, 2', 1)
    """
    path = check_path(path)
    if not path.name:
        raise InputError(f"{str(path)!r} names no file to write to.")
    draft = draft_of(path)
    try:
        yield draft
        with open(draft, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            draft.unlink()


def draft_of(path: Path) -> Path:
    """A hidden name beside a file, with its ending, that nobody else has."""
    return path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")


def check_writable(path: str | os.PathLike[str]) -> None:
    """InputError where no file of that name can be written; tried, and nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> check_writable(folder / "results.json")
    >>> check_writable(folder / "missing" / "results.json")
    Traceback (most recent call last):
    ...
    cvxnet.errors.InputError: ...results.json cannot be written: No such file or directory.
    """
    path = check_path(path)
    if path.is_dir():
        raise InputError(f"{path} cannot be written: it is a folder.")
    if not path.name:
        raise InputError(f"{str(path)!r} names no file to write to.")
    probe = draft_of(path)
    try:
        probe.write_bytes(b"0")
        probe.unlink()
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}.") from None


def read_json(path: Path) -> Any:
    """The content of a JSON file, or an InputError that says why it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}).") from None
