"""Draw step 3 of the worked example: python docs/certificates/make_picture.py

|g(u)| for |u| = 1, all the way round, below the line at the weight decay.
"""

from __future__ import annotations

from math import atan2, cos, degrees, hypot, radians, sin
from pathlib import Path

PICTURE = Path(__file__).parent / "worked-example.svg"
SAMPLES = [((0, 1), -1), ((1, 1), -3), ((-2, 1), 1)]
EDGES = [(1, 0), (1, 2), (-1, 1), (-1, 0), (-1, -2), (1, -1)]
ACTIVE = ["1, 2", "1, 2, 3", "1, 3", "3", "none", "2"]
DECAY, TOP = 5.0, 6.0
LEFT, RIGHT, ABOVE, BELOW, WIDTH, HEIGHT = 50, 15, 34, 48, 680, 300


def g(w: float, b: float) -> float:
    """What a unit sees of the dual vector."""
    return sum(v * max(0.0, w * x[0] + b * x[1]) for x, v in SAMPLES)


def place(angle: float, value: float) -> tuple[float, float]:
    """Where an angle in degrees and a value are drawn."""
    across = LEFT + angle / 360 * (WIDTH - LEFT - RIGHT)
    return across, HEIGHT - BELOW - value / TOP * (HEIGHT - ABOVE - BELOW)


def line(points: list[tuple[float, float]], style: str) -> str:
    """A polygonal line."""
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" {style}/>'


def label(x: float, y: float, text: str, more: str = 'text-anchor="middle"') -> str:
    """A text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{text}</text>'


def marks() -> list[str]:
    """The edges of the sectors with their directions, and who is active between them."""
    angles = [degrees(atan2(b, w)) % 360 for w, b in EDGES]
    found = []
    for (w, b), start, end, active in zip(EDGES, angles, [*angles[1:], 360.0], ACTIVE, strict=True):
        x, bottom = place(start, 0.0)
        found.append(line([(x, bottom), place(start, TOP)], 'stroke="#999" stroke-dasharray="3 3"'))
        found.append(label(x, bottom + 17, f"({w}, {b})".replace("-", "−")))
        found.append(label(place((start + end) / 2, 0.0)[0], ABOVE - 8, active))
    return found


def picture() -> str:
    """The drawing."""
    turns = [radians(angle) for angle in range(361)]
    curve = [place(degrees(t), abs(g(cos(t), sin(t)))) for t in turns]
    peak = place(degrees(atan2(4, 3)), abs(g(3, 4)) / hypot(3, 4))
    limit = [place(0, DECAY), place(360, DECAY)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="13" fill="#222">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *marks(),
        line([place(0, 0), place(360, 0)], 'stroke="#222"'),
        line(limit, 'stroke="#b3400f" stroke-width="2"'),
        line(curve, 'stroke="#0b5a8f" stroke-width="2.5"'),
        f'<circle cx="{peak[0]:.1f}" cy="{peak[1]:.1f}" r="5" fill="#0b5a8f"/>',
        label(peak[0], peak[1] + 22, "(3, 4)"),
        label(LEFT - 8, limit[0][1] + 4, "β = 5", 'text-anchor="end"'),
        label(LEFT - 8, place(0, 0)[1] + 4, "0", 'text-anchor="end"'),
        label(
            (WIDTH + LEFT) / 2, HEIGHT - 8, "direction of u; above: active samples; curve: |g(u)|"
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
