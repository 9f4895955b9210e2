"""Finished batches on disk: one file each, written whole or not at all, found again by name."""

from __future__ import annotations

import os
import zipfile
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cvxnet.baselines.tasks import Record, Task
from cvxnet.data.files import check_path, replacing
from cvxnet.errors import InputError
from cvxnet.proofs.certificate import installed_version

TEXTS = ("optimizer", "stream")
TUPLES = ("seeds", "rates")


def installed_versions() -> dict[str, str]:
    """Of the packages that the numbers depend on."""
    names = ("torch", "numpy", "scipy")
    return {"cvxnet": installed_version()} | {name: version(name) for name in names}


class Store:
    """A folder of records; without a folder nothing is kept.

    A record's name holds a hash of all that its numbers depend on (problem, data, protocol,
    seeds, versions), so one folder may serve many comparisons, and none finds what is not its own.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self.folder = None if folder is None else check_path(folder)
        self.versions = installed_versions()
        if self.folder is not None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(f"store={str(folder)!r} is no folder: {error.strerror}.") from None

    def path(self, task: Task) -> Path | None:
        """The file of a task."""
        return None if self.folder is None else self.folder / f"{task.name(self.versions)}.npz"

    def load(self, task: Task) -> Record | None:
        """The record of a task that is finished, or None; so too where the file is damaged."""
        path = self.path(task)
        if path is None or not path.exists():
            return None
        try:
            with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                return record_of(dict(arrays))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, task: Task, record: Record) -> None:
        """Write the record of a task."""
        path = self.path(task)
        if path is None:
            return
        with replacing(path) as draft:
            np.savez(draft, **{one.name: getattr(record, one.name) for one in fields(record)})


def record_of(arrays: dict[str, Any]) -> Record:
    """A record from the arrays of its file."""
    texts = {name: str(arrays[name]) for name in TEXTS}
    tuples = {name: tuple(arrays[name].tolist()) for name in TUPLES}
    numbers = {"width": int(arrays["width"]), "seconds": float(arrays["seconds"])}
    return Record(**(arrays | texts | tuples | numbers))
