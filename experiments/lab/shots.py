"""Pictures of the states of every exhibit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIZES = {"projector": (1920, 1080), "laptop": (1366, 768), "phone": (390, 844)}
STATES = {
    "one-weight": ("", "f=absolute", "f=sine&a=-2&b=2", "f=valleys"),
    "saddle": ("", "relu=false", "show=loss"),
    "swapped": ("", "order=matched"),
    "convex": ("", "wrt=weights&loss=squared", "wrt=last&loss=squared"),
    "tour": ("", "at=4"),
    "lift": ("", "part=price", "part=program", "n=8"),
    "plane": ("", "set=spiral&beta=0.05", "kind=values&set=waves", "kind=curve&set=hat"),
    "columns": ("", "features=2", "round=3"),
    "sgd": ("",),
    "many-optima": ("", "walk=1"),
    "proof": ("", "forgery=dual", "certificate=ring&forgery=fingerprint"),
    "limits": ("", "view=wide", "view=bracket"),
    "quiz": ("", "at=7", "print=true"),
}
"""What stands in the address, for each exhibit."""


def shoot(chromium: Any, url: str, folder: Path) -> int:
    """Write the pictures; how many there are. Complaints of the page are printed."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for size, (width, height) in SIZES.items():
        for theme in ("light", "dark"):
            context = chromium.new_context(
                viewport={"width": width, "height": height}, reduced_motion="reduce"
            )
            page = context.new_page()
            page.on("pageerror", lambda error: print(f"error: {error}"))
            for exhibit, states in STATES.items():
                for number, state in enumerate(states if theme == "light" else states[:1]):
                    query = f"exhibit={exhibit}&{state}&theme={theme}"
                    page.goto(f"{url}?{query}{'&present' if size == 'projector' else ''}")
                    settle(page)
                    name = f"{exhibit}-{number}-{size}-{theme}.png"
                    page.screenshot(path=folder / name, full_page=True)
                    count += 1
            context.close()
    return count


def settle(page: Any) -> None:
    """Wait until nothing is under way any longer, or, at worst, for a minute."""
    page.locator("#exhibit:not([aria-busy]) .exhibit").wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle", timeout=60_000)
