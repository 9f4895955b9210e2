"""Units of length one on a map, and on a circle.

Over two features a unit ``(w, b)`` has a kink line ``w.x + b = 0``. The map shows in which
direction the unit rises, as an angle, and how far from the origin its kink is, ``t = -b / |w|``, as
the tilt ``arctan(t)``: so all of the sphere is on the map, also the units that are always on (tilt
-90) and never (tilt 90). Over one feature units are on a circle: the angle of ``(w, b)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cvxnet.types import Array

if TYPE_CHECKING:
    from cvxnet.plots.style import Axes

PLACES = {-2: "-2", -1: "-1", -0.5: "-0.5", 0: "0", 0.5: "0.5", 1: "1", 2: "2"}
"""Distances of kinks that the map names."""
RISES = "direction in which the unit rises (degrees)"
KINK = "kink: distance from the origin"


def unit_at(angle: Array, tilt: Array) -> Array:
    """The units (..., 3) of length one at places of the map, in degrees.

    >>> unit_at(np.array(90.0), np.array(45.0)).round(3).tolist()
    [0.0, 0.707, -0.707]
    >>> unit_at(np.array(0.0), np.array(-90.0)).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    a, t = np.deg2rad(angle), np.deg2rad(tilt)
    return np.stack([np.cos(t) * np.cos(a), np.cos(t) * np.sin(a), -np.sin(t)], axis=-1)


def place_of(units: Array) -> tuple[Array, Array]:
    """Where units (..., 3) of any length are on the map: angle and tilt in degrees.

    >>> [float(x) for x in place_of(np.array([0.0, 2.0, -2.0]))]
    [90.0, 45.0]
    """
    rise = np.hypot(units[..., 0], units[..., 1])
    angle = np.rad2deg(np.arctan2(units[..., 1], units[..., 0]))
    return angle, np.rad2deg(np.arctan2(-units[..., 2], rise))


def on_circle(angle: Array) -> Array:
    """The units (..., 2) of length one at these angles, in degrees.

    >>> on_circle(np.array(90.0)).round(6).tolist()
    [0.0, 1.0]
    """
    a = np.deg2rad(angle)
    return np.stack([np.cos(a), np.sin(a)], axis=-1)


def angle_of(units: Array) -> Array:
    """The angles of units (..., 2), in degrees.

    >>> float(angle_of(np.array([0.0, -3.0])))
    -90.0
    """
    return np.asarray(np.rad2deg(np.arctan2(units[..., 1], units[..., 0])))


def label_map(axes: Axes) -> None:
    """The labels of a map of units."""
    ticks = np.rad2deg(np.arctan(list(PLACES)))
    axes.set(xlim=(-180.0, 180.0), ylim=(-90.0, 90.0), xlabel=RISES, ylabel=KINK)
    axes.set_xticks(np.arange(-180, 181, 90))
    axes.set_yticks([-90.0, *ticks, 90.0], ["always on", *PLACES.values(), "never on"])
