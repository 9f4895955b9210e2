"""The bytes of a table's file, unpacked, and its text; files that are no tables are named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from cvxnet.data.memory import check_memory, size_text
from cvxnet.errors import InputError

STANDARD_INPUT = "-"
PACKED: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": gzip.decompress,
    b"BZh": bz2.decompress,
    b"\xfd7zXZ\x00": lzma.decompress,
}
"""How compressed files begin, and what unpacks them."""
ZIP = b"PK\x03\x04"
CONTROL = {*range(32)} - {*b"\t\n\v\f\r\x1a\x1b"}
"""Bytes that no text has."""
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""How text says in which encoding it is."""
SHEET = "Save the sheet as 'CSV UTF-8'."
STRANGE = {
    rb"\xd0\xcf\x11\xe0": ("an old Excel file", SHEET),
    rb"\x28\xb5\x2f\xfd": ("compressed by zstd", "Decompress it: zstd -d."),
    rb"\x93NUMPY": ("an array of numpy", "Load it with numpy, and pass the arrays from Python."),
    rb"\x89HDF": ("an HDF5 file", "Write the table as CSV or parquet, with pandas or h5py."),
    rb"SQLite format 3": ("a database", "Write the table that you need as CSV."),
    rb"RDX\d": ("data of R", "Write the table with write.csv(..., row.names = FALSE)."),
    rb"%PDF": ("a PDF document", "Copy its table to a CSV file."),
    rb"\x80[\x02-\x05]": ("a pickle", "Write the table as CSV or parquet."),
    rb"(?i)\s*<(?:!|html|\?xml)": (
        "a web page or XML",
        "Download the table itself; on GitHub, by the button 'Raw'.",
    ),
    rb"\s*[\[{]\s*[\[{\"]": ("JSON", "Write the table as CSV; pandas can: read_json, to_csv."),
}
"""How files begin that are no tables, what they are, and what to do."""

TIMES = 3.3
"""Bytes of memory at the peak of reading a table of plain numbers, for each byte of the file."""
SHORTER = "Take a part of its rows, such as by head -n 1000000."
"""What can be done about a file that is too large."""


def read_bytes(path: str) -> bytes:
    """What is in a file, unpacked where it is compressed; "-" is standard input.

    Raises
    ------
    InputError
        Where there is no such file, it cannot be read, or it is something else than a table.
    UnsupportedError
        Where it is larger than there is memory for.
    """
    try:
        raw = sys.stdin.buffer.read() if path == STANDARD_INPUT else bytes_of(Path(path))
    except FileNotFoundError:
        raise InputError(f"there is no file {path!r}. Check the name and the folder.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path} cannot be read: {reason}.") from None
    raw = unpacked(path, raw)
    check_start(path, raw)
    return raw


def bytes_of(path: Path) -> bytes:
    """What is in a file that is not too large to be read as a table."""
    size = path.stat().st_size
    check_memory(TIMES * size, f"reading {path}, a file of {size_text(size)},", SHORTER)
    return path.read_bytes()


def check_start(path: str, raw: bytes) -> None:
    """Refuse what begins as something else than a table does."""
    for start, (what, cure) in STRANGE.items():
        if re.match(start, raw):
            raise InputError(f"{name_of(path)} is {what}, not a table of text. {cure}")


def name_of(path: str) -> str:
    """What a message calls the file."""
    return "standard input" if path == STANDARD_INPUT else path


def unpacked(path: str, raw: bytes) -> bytes:
    """The same where it is not compressed."""
    try:
        for start, unpack in PACKED.items():
            if raw.startswith(start):
                return unpack(raw)
        return unzipped(path, raw) if raw.startswith(ZIP) else raw
    except (
        OSError,
        EOFError,
        RuntimeError,
        zlib.error,
        lzma.LZMAError,
        zipfile.BadZipFile,
    ) as error:
        raise InputError(
            f"{name_of(path)} is compressed and cannot be unpacked: {error}."
        ) from None


def unzipped(path: str, raw: bytes) -> bytes:
    """The one file in a zip archive; spreadsheets, which are archives too, are refused."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        names = [name for name in archive.namelist() if not name.startswith("__MACOSX/")]
        if any(name.startswith("xl/") for name in names) or "content.xml" in names:
            raise InputError(f"{name_of(path)} is a spreadsheet, not a table of text. {SHEET}")
        files = [name for name in names if not name.endswith("/")]
        if len(files) != 1:
            listed = ", ".join(files[:5]) + (", ..." if len(files) > 5 else "")
            raise InputError(
                f"{name_of(path)} is an archive of {len(files)} files ({listed}). Unpack it, and "
                "name the one that is the table."
            )
        return archive.read(files[0])


def decoded(path: str, raw: bytes, encoding: str) -> str:
    """The text of a file: in the encoding asked for, the one that it begins with, or UTF-8.

    >>> decoded("data.csv", "a,b".encode("utf-16"), "")
    'a,b'
    """
    if not encoding:
        check_text(path, raw)
    marked = next((name for mark, name in MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding or marked)
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        found = raw[start : start + 1].decode("cp1252", "replace")
        hint = (
            f"As it seems, it is in an encoding of Windows, in which that is {found!r}: "
            "say --encoding cp1252 (layout=Layout(encoding='cp1252')), or save it as 'CSV UTF-8'."
            if found.isprintable()
            else "Save it as 'CSV UTF-8'."
        )
        line = raw.count(b"\n", 0, start) + 1
        raise InputError(
            f"{name_of(path)}, line {line}: not {(encoding or marked).upper()} text (byte {start})."
            f" {hint}"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError(
            f"{name_of(path)}, line {line}: a NUL character, which no text has. Is the file "
            "damaged, or in another encoding (--encoding)?"
        )
    return text.removeprefix("\ufeff").removesuffix("\x1a")


def check_text(path: str, raw: bytes) -> None:
    """Refuse what begins with bytes that no text has, unless it says that it is UTF-16."""
    start = raw[:1024]
    if start.startswith(tuple(MARKS)) or not any(byte in CONTROL for byte in start):
        return
    for encoding, zeros in (("utf-16-le", start[1::2]), ("utf-16-be", start[::2])):
        if zeros.count(0) > 0.9 * len(zeros):
            raise InputError(
                f"{name_of(path)} seems to be UTF-16 without the mark that says so: "
                f"--encoding {encoding} (layout=Layout(encoding={encoding!r}))."
            )
    raise InputError(
        f"{name_of(path)} is not text (it begins with {start[:8]!r}). Tables are read from CSV, "
        "parquet and feather files."
    )
