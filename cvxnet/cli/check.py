"""``cvxnet check``: re-prove a certificate file."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxnet.cli.exit_codes import NOT_PROVED, PROVED, UNKNOWN
from cvxnet.cli.options import Columns, Json, KnownColumns, choose
from cvxnet.cli.outcome import print_json
from cvxnet.data.files import read_json
from cvxnet.data.preparation import Preparation, complete, features_in, targets_in
from cvxnet.data.table import as_text
from cvxnet.errors import InputError
from cvxnet.losses import LOSSES
from cvxnet.proofs import checker, checking
from cvxnet.proofs.checker.claims import Claims
from cvxnet.proofs.checker.convexity import check_convexity, is_about_convexity
from cvxnet.proofs.checker.document import parse, read_text
from cvxnet.proofs.checker.dual import Clock
from cvxnet.proofs.checker.path import is_about_path, read_path
from cvxnet.proofs.gaps import bracket_text, relative_gap


def check(
    file: Annotated[Path, typer.Argument(help="Certificate file.")],
    columns: KnownColumns,
    data: Annotated[
        Path | None,
        typer.Option(help="Table, or certificate, with the data that the file leaves out."),
    ] = None,
    rounded: Annotated[
        bool,
        typer.Option(
            "--rounded",
            help="Prove feasibility in floating point with rounding bounds, where that is faster.",
        ),
    ] = False,
    time_limit: Annotated[float, typer.Option(help="Seconds.")] = checker.TIME_LIMIT,
    json: Json = False,
) -> None:
    """Re-prove a certificate without a solver: exactly, unless told to be quick."""
    source = document_in(file)
    if is_about_convexity(source):
        raise typer.Exit(check_verdict(file, time_limit, json))
    supplied = supply(file, data, columns)
    if is_about_path(source):
        raise typer.Exit(check_whole_path(file, supplied, rounded, time_limit, json))
    begin, clock = time.perf_counter(), Clock(time_limit)
    result = checking.check_claims(claims_in(file, source, supplied), clock, rounded=rounded)
    seconds = time.perf_counter() - begin
    if json:
        print_json(
            {
                "valid": result.valid,
                "lower": result.lower,
                "upper": result.upper,
                "reason": result.reason,
                "method": result.method,
                "seconds": seconds,
            }
        )
    else:
        print(f"{in_words(result)} ({result.method}, {seconds:.1f} s)")
    raise typer.Exit(exit_code(result))


def check_verdict(file: Path, time_limit: float, json: bool) -> int:
    """Re-prove the certificate of a verdict on convexity; returns the exit code."""
    result = check_convexity(file, time_limit=time_limit)
    if json:
        print_json(asdict(result))
    elif result.valid:
        print(f"PROVED: {', '.join(result.claims)}: {about(file)}")
    else:
        print(f"REFUSED: {result.reason}")
    return PROVED if result.valid else NOT_PROVED


def check_whole_path(file: Path, data: Any, rounded: bool, time_limit: float, json: bool) -> int:
    """Re-prove a path of weight decays; returns the exit code."""
    try:
        read_path(file, data)
    except checker.RefusalError as refusal:
        raise InputError(f"{file} cannot be checked: {refusal}.") from None
    result: Any = checking.check(file, data, rounded=rounded, time_limit=time_limit)
    if json:
        print_json(asdict(result))
    elif result.valid:
        print(
            f"PROVED: for every weight decay from {result.low:.6g} to {result.high:.6g} a network "
            f"within {100.0 * result.gap:.3g} % of the optimum   {result.certificates} certificates"
        )
    else:
        print(f"REFUSED: {result.reason}")
    return PROVED if result.valid else NOT_PROVED


def about(file: Path) -> str:
    """What the file says that it is about."""
    content = read_json(file)
    return str(content.get("about", "")) if isinstance(content, dict) else ""


def supply(file: Path, data: Path | None, columns: KnownColumns) -> Any:
    """The data kept apart, as the checker takes them.

    That is a pair where the certificate or the command line names columns of a table; all else,
    another certificate or a bare table with the targets last, is the checker's own to read.
    """
    told = columns.target is not None or columns.features is not None
    if data is None or holds_json(data):
        if told:
            raise InputError("--target and --features choose columns of the table --data FILE.")
        return data
    claimed = read_claimed(file)
    said = claimed.preparation
    if not told and said is None:
        return data
    X, y = (chosen_pair if told else prepared_pair)(data, columns, claimed)
    if claimed.rows not in (None, len(X)):
        raise InputError(
            f"the certificate {file} is about {claimed.rows} rows, and {data} has {len(X)}. Rows "
            "that were held out in training are none of its own."
        )
    return X, y


def chosen_pair(data: Path, columns: KnownColumns, claimed: Claimed) -> tuple[Any, Any]:
    """X and y of a table, by the columns that the command line names."""
    said, target = claimed.preparation, columns.target
    if target is None:
        target = as_text(said.targets if said else columns.read(data).names[-1:])
    found = choose(data, Columns(**vars(columns) | {"target": target}), claimed.loss).data
    fits = said is not None and len(said.features) == found.X.shape[1]
    return said.scaled(found.X) if said is not None and fits else found.X, found.y


def holds_json(path: Path) -> bool:
    """Whether a file is likely to hold JSON, and no table."""
    try:
        with open(path, "rb") as file:
            return file.read(200).lstrip().startswith(b"{")
    except OSError:
        return False  # whoever opens it next says why


@dataclass(frozen=True)
class Claimed:
    """What a certificate says of its data: how a table became them, the loss, how many rows."""

    preparation: Preparation | None = None
    loss: str | None = None
    rows: int | None = None


def read_claimed(file: Path) -> Claimed:
    """What the file says; nothing where it is no certificate, as the checker says why."""
    content = read_json(file)
    if not isinstance(content, dict) or content.get("loss") not in LOSSES:
        return Claimed()
    entry, dual = content.get("preparation"), content.get("dual")
    try:
        preparation = None if entry is None else preparation_in(entry)
    except (KeyError, TypeError, ValueError, InputError) as error:
        raise InputError(
            f"{file} cannot be checked: its preparation is damaged ({error})."
        ) from None
    return Claimed(preparation, content["loss"], len(dual) if isinstance(dual, list) else None)


def preparation_in(entry: Any) -> Preparation:
    """What an entry of a certificate says, its numbers written in hexadecimal."""
    scaling = entry["scaling"]
    if scaling is not None:
        scaling = {name: [float.fromhex(x) for x in scaling[name]] for name in ("mean", "variance")}
    return Preparation.from_dict(entry | {"scaling": scaling})


def prepared_pair(data: Path, columns: KnownColumns, claimed: Claimed) -> tuple[Any, Any]:
    """X and y of a table, as the certificate says that they were made."""
    said = claimed.preparation
    if said is None:
        return data, None
    table = complete(columns.read(data), said, columns.drop_missing)
    y = targets_in(table, said)
    if said.classes is not None and claimed.loss != "cross_entropy":
        y = 2.0 * y - 1.0
    return said.scaled(features_in(table, said)), y


def document_in(file: Path) -> dict[str, Any]:
    """What is in the file, which is read once; nothing where it cannot be, as is said later."""
    try:
        return parse(read_text(file))
    except checker.RefusalError:
        return {}


def claims_in(file: Path, document: dict[str, Any], data: Any) -> Claims:
    """A file that is no certificate is bad input, not a refuted certificate."""
    try:
        return checker.read(document or file, data)
    except checker.RefusalError as refusal:
        raise InputError(f"{file} cannot be checked: {refusal}.") from None


def in_words(result: checker.CheckResult) -> str:
    """The outcome in one line."""
    if not result.valid or result.lower is None or result.upper is None:
        return f"{'UNKNOWN' if exit_code(result) == UNKNOWN else 'REFUSED'}: {result.reason}"
    lower, upper = bracket_text(result.lower, result.upper)
    gap = relative_gap(result.lower, result.upper)
    return f"PROVED: {lower} <= optimum <= {upper}   relative gap {gap:.1e}"


def exit_code(result: checker.CheckResult) -> int:
    """0 proved, 1 refused; 3 where the checker gave up before it knew."""
    if result.valid:
        return PROVED
    gave_up = result.reason.startswith(("unfinished", "too large"))
    return UNKNOWN if gave_up else NOT_PROVED
