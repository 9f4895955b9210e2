"""``cvxnet check``: re-prove a certificate file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cvxnet.cli.exit_codes import NOT_PROVED, PROVED, UNKNOWN
from cvxnet.cli.options import Columns, Json, KnownColumns, choose
from cvxnet.cli.outcome import print_json
from cvxnet.data.files import read_json
from cvxnet.data.preparation import Preparation, complete, features_in, targets_in
from cvxnet.errors import InputError
from cvxnet.losses import LOSSES
from cvxnet.proofs import checker, checking
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
            "--rounded", help="Prove feasibility in floating point with rounding bounds: fast."
        ),
    ] = False,
    time_limit: Annotated[float, typer.Option(help="Seconds.")] = checker.TIME_LIMIT,
    json: Json = False,
) -> None:
    """Re-prove a certificate without a solver: exactly, unless told to round."""
    supplied = supply(file, data, columns)
    check_readable(file, supplied)
    begin = time.perf_counter()
    result = checking.check(file, supplied, rounded=rounded, time_limit=time_limit)
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
    said, loss = read_claims(file)
    if not told:
        return data if said is None else prepared_pair(data, columns, said, loss)
    target = columns.target
    if target is None:
        target = ",".join(said.targets if said else columns.read(data).names[-1:])
    chosen = choose(data, Columns(**vars(columns) | {"target": target}), loss)
    scaling = said.scaling if said else None
    X = chosen.data.X
    if scaling is not None and X.shape[1] == len(scaling.mean):
        X = scaling.apply(X)
    return X, chosen.data.y


def holds_json(path: Path) -> bool:
    """Whether a file is likely to hold JSON, and no table."""
    try:
        with open(path, "rb") as file:
            return file.read(200).lstrip().startswith(b"{")
    except OSError:
        return False  # whoever opens it next says why


def read_claims(file: Path) -> tuple[Preparation | None, str | None]:
    """How a table became the data, as the certificate says, and its loss; None where it does not.

    The checker, which reads it next, says what is wrong with a file that holds something else.
    """
    content = read_json(file)
    if not isinstance(content, dict) or content.get("loss") not in LOSSES:
        return None, None
    entry = content.get("preparation")
    try:
        return (None if entry is None else preparation_in(entry)), content["loss"]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{file} cannot be checked: its preparation is damaged ({error})."
        ) from None


def preparation_in(entry: Any) -> Preparation:
    """What an entry of a certificate says, its numbers written in hexadecimal."""
    scaling = entry["scaling"]
    if scaling is not None:
        scaling = {name: [float.fromhex(x) for x in scaling[name]] for name in ("mean", "variance")}
    return Preparation.from_dict(entry | {"scaling": scaling})


def prepared_pair(
    data: Path, columns: KnownColumns, preparation: Preparation, loss: str | None
) -> tuple[Any, Any]:
    """X and y of a table, as the certificate says that they were made."""
    table = complete(columns.read(data), preparation, columns.drop_missing)
    y = targets_in(table, preparation)
    if preparation.classes is not None and loss != "cross_entropy":
        y = 2.0 * y - 1.0
    return preparation.scaled(features_in(table, preparation)), y


def check_readable(file: Path, data: Any) -> None:
    """A file that is no certificate is bad input, not a refuted certificate."""
    try:
        checker.read(file, data)
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
