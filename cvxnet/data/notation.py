"""How tables write numbers, missing values and booleans, and what to say of cells that do not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cvxnet.errors import InputError

MISSING = {
    *("", "na", "n/a", "n.a.", "nan", "-nan", "<na>", "nat", "null", "none", "nil", "missing"),
    *("?", "-", "--", "."),
    *("#n/a", "#na", "#null!", "#div/0!", "#num!", "#value!", "#ref!", "#name?"),
    *("1.#qnan", "1.#ind", "-1.#ind"),
}
"""What stands for a missing value, in lower case: of pandas, R, SAS and spreadsheets."""
LONGEST = max(map(len, MISSING))
BOOLEANS = {"false": 0.0, "true": 1.0}
SPACES, APOSTROPHES = " \xa0\u2009\u202f", "'\u2019"
SEPARATORS = {
    **{",": ",", ".": ".", "_": "_"},
    **{"space": SPACES, " ": SPACES, "apostrophe": APOSTROPHES, "'": APOSTROPHES},
}
"""What may be asked for between thousands, and the characters that it is then."""

DATE = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[T ].*)?|\d{1,2}([-/.])\d{1,2}\1\d{2,4}(?: .*)?"
    r"|\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?"
    r"|\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
)
EXPONENT = r"(?:[eE][+-]?\d+)?"
FEW, MANY = r"[+-]?[1-9]\d{{0,2}}[{0}]\d{{3}}", r"[+-]?\d{{1,3}}(?:[{0}]\d{{3}})+"
"""Numbers with one separator between thousands, and with any number of them."""
DECIMAL_COMMA = re.compile(
    rf"[+-]?(?:\d{{4,}}|0\d*|),\d+{EXPONENT}|[+-]?\d+,(?:\d{{0,2}}|\d{{4,}}){EXPONENT}"
    rf"|[+-]?\d+,\d+[eE][+-]?\d+|{MANY.format('.')},\d*"
)
"""Numbers whose comma cannot be one between thousands."""


@dataclass(frozen=True)
class Notation:
    """How numbers are written: the decimal sign, and the characters between thousands.

    Examples
    --------
    >>> Notation().number("1.5"), Notation(",").number("1,5"), Notation(",").number("1.5")
    (1.5, 1.5, None)
    >>> Notation(".", ",").number("1,234.5"), Notation(".", ",").number("1,23")
    (1234.5, None)
    """

    decimal: str = "."
    thousands: str = ""

    @cached_property
    def grouped(self) -> re.Pattern[str]:
        """Numbers with separators between thousands."""
        return re.compile(
            f"{MANY.format(self.thousands)}(?:{re.escape(self.decimal)}\\d*)?{EXPONENT}"
        )

    def number(self, text: str) -> float | None:
        """The number that a cell holds, or None."""
        if self.thousands and any(c in text for c in self.thousands):
            if not self.grouped.fullmatch(text):
                return None
            text = without(text, self.thousands)
        if self.decimal != ".":
            if "." in text:
                return None
            text = text.replace(self.decimal, ".", 1)
        return as_number(text)

    def numbers(self, texts: Sequence[str]) -> list[float | None]:
        """The same of many cells, faster where all of them are plain numbers."""
        plain = plain_numbers(texts) if self == PLAIN else None
        return [self.number(text) for text in texts] if plain is None else [*plain]


PLAIN = Notation()
"""Decimal points, and nothing between thousands."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file of text writes a table, where the file itself leaves that open.

    Attributes
    ----------
    thousands : str
        What stands between thousands: ``","``, ``"."``, ``"space"``, ``"apostrophe"``, ``"_"``.
        By default nothing does.
    decimal : str
        The decimal sign, ``"."`` or ``","``. By default a point; a comma where cells are not
        separated by commas, and numbers have commas that cannot stand between thousands.
    encoding : str
        Of the text, by a name that Python knows. By default UTF-8, or what the file begins with
        says (UTF-16 as spreadsheets write it).

    Raises
    ------
    InputError
        Where one of them is something else.

    Examples
    --------
    >>> Layout(thousands=".").asked
    Notation(decimal=',', thousands='.')
    """

    thousands: str = ""
    decimal: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.thousands and self.thousands not in SEPARATORS:
            raise InputError(
                f"thousands: {self.thousands!r} is none of , . _ space apostrophe "
                "(what stands between thousands, as in 1,234,567)."
            )
        if self.decimal not in ("", ".", ","):
            raise InputError(f"decimal: {self.decimal!r} is neither . nor , (the decimal sign).")
        if self.decimal and self.decimal == self.thousands:
            raise InputError(
                f"{self.decimal!r} cannot be decimal sign and stand between thousands."
            )
        try:
            "".encode(self.encoding or "utf-8")
        except (LookupError, ValueError):
            raise InputError(
                f"encoding: Python knows none called {self.encoding!r}; common ones are utf-8, "
                "latin-1, cp1252 and utf-16."
            ) from None

    @property
    def asked(self) -> Notation | None:
        """The notation asked for; None where the file is to say which is the decimal sign."""
        implied = {",": ".", ".": ","}.get(self.thousands, self.decimal)
        decimal = self.decimal or implied
        return Notation(decimal, SEPARATORS.get(self.thousands, "")) if decimal else None

    def found(self, columns: Iterable[Sequence[str]]) -> Notation:
        """The notation of a file whose cells are not separated by commas.

        >>> Layout().found([["red"], ["1,5", "2"]])
        Notation(decimal=',', thousands='')
        """
        thousands = SEPARATORS.get(self.thousands, "")
        commas = any(
            "," in text and DECIMAL_COMMA.fullmatch(without(text, thousands))
            for texts in columns
            for text in texts
        )
        return self.asked or Notation("," if commas else ".", thousands)


OPEN = Layout()
"""What the file says, or else the usual."""


def without(text: str, characters: str) -> str:
    """A text without some characters.

    >>> without("1 234 567", " ")
    '1234567'
    """
    return "".join(c for c in text if c not in characters)


def as_number(text: str) -> float | None:
    """The number that a cell holds in plain notation, or None.

    >>> as_number(" 1e3 "), as_number("tall"), as_number("1_000")
    (1000.0, None, None)
    """
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def plain_numbers(texts: Sequence[str]) -> list[float] | None:
    """The numbers that cells hold in plain notation; None where one of them holds none."""
    try:
        return None if any("_" in text for text in texts) else [*map(float, texts)]
    except ValueError:
        return None


def is_missing(text: str) -> bool:
    """Whether a cell is empty or says that its value is missing."""
    return len(text) <= LONGEST and text.lower() in MISSING


def seems_number(text: str) -> bool:
    """Whether a cell is a date, or made of digits and of what people write around them.

    >>> seems_number("1,000"), seems_number("12 %"), seems_number("3rd"), seems_number("0-5")
    (True, True, False, False)
    """
    bare = "".join(c for c in text if unicodedata.category(c) not in ("Sc", "Zs"))
    return re.fullmatch(rf"[+\u2212-]?[\d.,_'\u2019]*\d[\d.,_'\u2019]*%?|{DATE}", bare) is not None


def shown(text: str) -> str:
    """A cell for a message.

    >>> shown("tall")
    "'tall'"
    """
    return repr(text if len(text) <= 40 else text[:37] + "...")


def asks(option: str, value: str) -> str:
    """An option of the command and its value, beside the same for `read_data`.

    >>> asks("thousands", ",")
    "--thousands , (layout=Layout(thousands=','))"
    """
    return f"--{option} {value} (layout=Layout({option}={value!r}))"


ADVICE = [
    (
        FEW.format(","),
        "Is its comma one between thousands, or the decimal sign? Say "
        f"{asks('thousands', ',')} or {asks('decimal', ',')}.",
    ),
    (rf"{MANY.format(',')}(?:\.\d*)?", f"Say {asks('thousands', ',')}."),
    (
        rf"{MANY.format('.')},\d*|[+-]?\d{{1,3}}(?:\.\d{{3}}){{2,}}",
        f"Say {asks('thousands', '.')}; the decimal sign is then a comma.",
    ),
    (rf"{MANY.format(SPACES)}(?:[.,]\d*)?", f"Say {asks('thousands', 'space')}."),
    (rf"{MANY.format(APOSTROPHES)}(?:[.,]\d*)?", f"Say {asks('thousands', 'apostrophe')}."),
    (rf"{MANY.format('_')}(?:[.,]\d*)?", f"Say {asks('thousands', '_')}."),
    (
        rf"[+-]?(?:\d+,\d*|,\d+){EXPONENT}",
        f"Write decimals with a point, not a comma, or say {asks('decimal', ',')}.",
    ),
    (
        r"[+-]?[\d.,]+\s*%",
        "Leave out the percent signs: write 12% as 12 in the whole column, or as 0.12.",
    ),
    (
        DATE,
        "Write dates and times as numbers, as in days since the first one, or leave the column "
        "out: --drop (drop=).",
    ),
    (r"\([\d.,]+\)", "Write negative numbers with a minus sign, not in parentheses."),
    (r"[\u2010-\u2015\u2212].*\d.*", "Its first character looks like a minus sign; write -."),
    (r"[+-]?0[xX][\da-fA-F]+", "Write it in the decimal system."),
    (r"[+-]?\d*\.?\d*[dD][+-]?\d+", "Write the exponent with an e: 1e5."),
    (r"[+-]?\u221e", "Numbers have to be finite: remove this row, or replace the value."),
    (
        r"(?i:true|false)",
        "In a column of booleans every cell is true or false; write 1 and 0 instead.",
    ),
    (r"(?i:yes|no)", "As a feature write yes and no as 1 and 0; as classes they may stay."),
    (
        r"[+-]?[\d.,]*\d[\d.,]*\s*[^\W\d_]+[²³]?|[^\W\d_]{1,4}\.?\s*[+-]?\d[\d.,]*",
        "Leave out what stands beside the number (a unit, a currency), or leave the column out: "
        "--drop (drop=).",
    ),
]
"""Spellings of what is no number, and what to do about each; the first that fits counts."""


def advice(text: str, notation: Notation) -> str:
    """What to do about a cell that is no number.

    >>> advice("1,5", Notation())[:43]
    'Write decimals with a point, not a comma, o'
    """
    bare = without(text, notation.thousands)
    if bare != text and notation.number(bare) is not None:
        return "What stands between thousands has to stand before every three digits."
    if notation.decimal == "," and as_number(bare) is not None:
        grouped = re.fullmatch(FEW.format("."), bare)
        between = f"Where a point is one between thousands, say {asks('thousands', '.')}. "
        return (
            f"The decimal sign of this file is a comma. {between if grouped else ''}"
            f"Where it is a point, say {asks('decimal', '.')}."
        )
    if any(unicodedata.category(c) == "Sc" for c in text):
        return "Leave out the currency signs."
    for spelling, said in ADVICE:
        if re.fullmatch(spelling, bare):
            return said
    return (
        "Encode text as numbers, or leave the column out: --drop (drop=), or name the others "
        "with --features (features=)."
    )
