"""Options that travel together, as one parameter of the function behind a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, get_type_hints


class Options:
    """Options that travel together: a dataclass whose fields are options of a command."""


def spread(function: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameters are the fields of the option groups that the function takes.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Size(Options):
    ...     width: int
    ...     height: int = 1
    >>> def command(size: Size, json: bool = False) -> None:
    ...     print(size, json)
    >>> spread(command)(width=3, height=1, json=True)
    Size(width=3, height=1) True
    >>> list(inspect.signature(spread(command)).parameters)
    ['width', 'height', 'json']
    """
    groups: dict[str, Any] = {}
    spread_out: list[inspect.Parameter] = []
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind = hints[name]
        if isinstance(kind, type) and issubclass(kind, Options):
            groups[name] = kind
            spread_out += parameters_of(kind)
        else:
            spread_out.append(
                parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY)
            )

    def command(**given: Any) -> None:
        made = {
            name: kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        function(**given, **made)

    command.__name__, command.__doc__ = function.__name__, function.__doc__
    command.__annotations__ = {one.name: one.annotation for one in spread_out}
    command.__signature__ = inspect.Signature(spread_out)  # type: ignore[attr-defined]
    return command


def parameters_of(group: type[Options]) -> list[inspect.Parameter]:
    """The fields of a group as parameters: its own, then those of groups that it extends."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in sorted(
            fields(group),  # type: ignore[arg-type]
            key=lambda field: field.name not in vars(group)["__annotations__"],
        )
    ]
