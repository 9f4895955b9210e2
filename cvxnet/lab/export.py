"""The page as plain files with recorded answers, for any web server.

Each exhibit says in RECORDED which questions are answered once and for all; news on the way to a
long answer are kept with the time at which they came. `ask.js` looks there where the page says
that it is a recording.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cvxnet.errors import InputError
from cvxnet.lab.exhibits import EXHIBITS, QUESTIONS
from cvxnet.lab.question import Event, answered

PAGE = Path(__file__).parent / "page"
MARK = '<meta name="recorded" content="recorded/index.json">'
"""What tells the page that it is a recording."""
NEWS = 40
"""How many of the news on the way to an answer are kept, evenly."""
ARRAY, DIGITS = 24, 6
"""Lists of so many entries are for drawing; numbers in them keep so many digits."""

Record = dict[str, Any]
Recorder = Callable[[str, dict[str, Any]], list[Record]]


def export(
    folder: Path,
    only: Sequence[str] | None = None,
    checker: bool = False,
    tell: Callable[[str], object] = print,
    recorder: Recorder | None = None,
) -> int:
    """Write the page with recorded answers into a folder, which is made.

    Parameters
    ----------
    folder : Path
        New, or empty, or one that was written by this before.
    only : sequence of str, optional
        Exhibits, by their addresses; all, if not given.
    checker : bool
        Whether a checker that runs in the browser is put beside the page.
    tell : callable
        Is told what is being recorded.
    recorder : callable, optional
        What comes of a question, in place of `record`.

    Returns
    -------
    int
        How many answers were recorded.

    Raises
    ------
    InputError
        Where something else is in the folder, or it cannot be written.
    """
    index = folder / "recorded" / "index.json"
    try:
        if folder.exists() and any(folder.iterdir()) and not index.exists():
            raise InputError(f"{folder} is not empty. Choose a new folder.")
        write_page(folder)
        records = records_of(only, tell, recorder or record)
        write_records(folder, records, {"exhibits": only, "checker": checker})
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}).") from None
    return len(records)


def write_page(folder: Path) -> None:
    """The files of the page; the first of them says that this is a recording."""
    shutil.copytree(PAGE, folder, dirs_exist_ok=True)
    first = folder / "index.html"
    text = first.read_text(encoding="utf-8")
    first.write_text(text.replace("</head>", f"  {MARK}\n</head>", 1), encoding="utf-8")


def write_records(folder: Path, records: list[Record], index: Record) -> None:
    """A file for each answer, and the list of the questions."""
    place = folder / "recorded"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    answers = []
    for number, entry in enumerate(records):
        file = f"recorded/{number:03d}.json"
        (folder / file).write_text(compact(shortened(entry["events"])), encoding="utf-8")
        answers.append({"name": entry["name"], "question": entry["question"], "file": file})
    text = compact(index | {"answers": answers})
    (place / "index.json").write_text(text, encoding="utf-8")


def address(exhibit: Any) -> str:
    """Where an exhibit is on the page: the name of its module."""
    return str(exhibit.__name__).rpartition(".")[2].replace("_", "-")


def records_of(
    only: Sequence[str] | None, tell: Callable[[str], object], recorder: Recorder
) -> list[Record]:
    """The questions of the exhibits in order, each with its events."""
    records: list[Record] = []
    for exhibit in EXHIBITS:
        if only is not None and address(exhibit) not in only:
            continue
        for entry in exhibit.RECORDED:
            found = entry(records) if callable(entry) else entry
            for name, fields in found if isinstance(found, list) else [found]:
                tell(f"{len(records) + 1}: {name}")
                events = recorder(name, fields)
                records.append({"name": name, "question": fields, "events": events})
    return records


def record(name: str, fields: dict[str, Any]) -> list[Record]:
    """What comes of a question: news with their times, and the answer at the end."""
    events: list[Record] = []
    begin = time.perf_counter()

    def keep(event: Event) -> None:
        seconds = round(time.perf_counter() - begin, 3)
        events.append({"seconds": seconds, event.kind: json.loads(event.text)})

    answered(QUESTIONS[name], fields, keep)
    if "error" in events[-1]:
        raise InputError(f"{name} {fields} has no answer to record: {events[-1]['error']}")
    return thinned(events)


def thinned(events: list[Record]) -> list[Record]:
    """Not more than NEWS + 1 of them, the last among them.

    >>> [event["seconds"] for event in thinned([{"seconds": k} for k in range(1001)])][-3:]
    [950, 975, 1000]
    """
    *news, answer = events
    step = max(1, -(-len(news) // NEWS))
    return [*news[::step], answer]


def shortened(value: Any, drawn: bool = False) -> Any:
    """The same with fewer digits in long lists; a bracket stays as it is.

    >>> shortened({"lower": 0.123456789, "points": [[0.123456789, 1]] * 30})["lower"]
    0.123456789
    """
    if isinstance(value, dict):
        return {name: shortened(entry, drawn) for name, entry in value.items()}
    if isinstance(value, list):
        return [shortened(entry, drawn or len(value) >= ARRAY) for entry in value]
    return float(f"{value:.{DIGITS}g}") if drawn and isinstance(value, float) else value


def compact(value: Any) -> str:
    """JSON without spaces."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
