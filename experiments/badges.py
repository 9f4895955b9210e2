"""README's badges: small SVG files, drawn from pyproject.toml, so that no service is asked."""

from __future__ import annotations

import tomllib

from experiments.report import HERE

BADGES = HERE.parent / "docs" / "_static" / "badges"
HIGH, LETTER, MARGIN = 20, 6.6, 8
"""Pixels: of a badge, of a letter on average, and beside words."""
DARK, BLUE = "#444c56", "#0b5cad"
BADGE = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}" role="img"
 aria-label="{said}">
<title>{said}</title>
<rect width="{wide}" height="{high}" rx="3" fill="{dark}"/>
<path d="M{left} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1 -3 3h-{inner}z" fill="{blue}"/>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="{label_at}" y="14" textLength="{label_wide}">{label}</text>
<text x="{value_at}" y="14" textLength="{value_wide}">{value}</text>
</g>
</svg>
"""


def badges() -> dict[str, str]:
    """SVG by file name."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text("utf-8"))["project"]
    minimum = project["requires-python"].removeprefix(">=")
    return {
        "version.svg": badge("version", project["version"]),
        "python.svg": badge("python", f"{minimum} or newer"),
        "licence.svg": badge("licence", project["license"]),
    }


def badge(label: str, value: str) -> str:
    """A label on dark, its value on blue; both on white letters that any theme bears."""
    label_wide, value_wide = (round(LETTER * len(word)) for word in (label, value))
    left = label_wide + 2 * MARGIN
    wide = left + value_wide + 2 * MARGIN
    return BADGE.format(
        **{"wide": wide, "high": HIGH, "left": left, "inner": wide - left - 3},
        **{"dark": DARK, "blue": BLUE, "label": label, "value": value, "said": f"{label}: {value}"},
        **{"label_at": left / 2, "value_at": (left + wide) / 2},
        **{"label_wide": label_wide, "value_wide": value_wide},
    )
