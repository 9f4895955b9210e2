"""Where results go: tried before the work begins, and nothing is left behind by that."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cvxnet.data.files import check_writable
from cvxnet.errors import InputError


def checkpoint_in(out: Path | None) -> Path | None:
    """The file that a long work is written to while it goes on."""
    return None if out is None else out / "checkpoint.json"


def check_folder(out: Path | None) -> None:
    """Refuse a folder that cannot be written to: it is made, written to and removed again.

    Permissions alone do not tell: of some file systems they are not true, and root ignores them.

    Examples
    --------
    >>> import tempfile
    >>> parent = Path(tempfile.mkdtemp())
    >>> check_folder(parent / "new" / "out"), list(parent.iterdir())
    (None, [])
    """
    if out is None:
        return
    with working_in(out):
        check_writable(out / f"probe-{secrets.token_hex(4)}")


def check_file(out: Path | None) -> None:
    """Refuse a file that cannot be written; the folder is made and removed again, as above."""
    if out is None:
        return
    if out.is_dir():
        raise InputError(f"--out {out} is a folder. Name a file: --out {out / 'NAME'}.")
    with removed_if_empty(out.absolute().parent):
        make_folder(out.absolute().parent)
        check_writable(out)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not existing.is_dir():
            raise InputError(
                f"--out {folder}: {existing} is a file, not a folder. Choose another name."
            ) from None
        raise InputError(
            f"--out {folder}: no folder can be made in {existing} "
            f"({(error.strerror or str(error)).lower()}). Choose another place."
        ) from None


@contextmanager
def working_in(out: Path | None) -> Iterator[None]:
    """Make the folder for results, where there is one.

    Where the work ends with an error and has left nothing there, the folder is gone, too.
    """
    if out is None:
        yield
        return
    with removed_if_empty(out):
        make_folder(out)
        yield


@contextmanager
def removed_if_empty(folder: Path) -> Iterator[None]:
    """Afterwards, those of the folder and the ones above it that are new and empty are gone."""
    path = folder.absolute()
    new = [one for one in (path, *path.parents) if not one.exists()]
    try:
        yield
    finally:
        for one in new:
            with suppress(OSError):
                one.rmdir()
