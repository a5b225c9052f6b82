"""Curves in one plot, as SVG that stands in a page as it is."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.export.pages.axes import Axis, numbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

COLOURS = ("#8a949c", "#b08a2e", "#2f77a8", "#d2603a", "#4d8f5b", "#7a5a9e")
"""Of curves that are drawn together, in this order; told apart by those who see no red or green."""

_RESOLUTIONS_ANGSTROM = (100, 50, 40, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3.5, 3, 2.5, 2)
_MOST_TICKS = 9
_WIDTH, _HEIGHT = 520, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 26, 42
_INK, _FAINT, _GRID = "#44505a", "#77828c", "#e8ebee"


@dataclass(frozen=True, eq=False)
class Curve:
    """A line through (n,) points ``x``, ``y``; ``name`` is for the legend beside the plot."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: str
    dots: bool = False


def line_plot(
    title: str,
    curves: Sequence[Curve],
    *,
    across_title: str,
    across: Axis | None = None,
    up: Axis | None = None,
    level: tuple[float, str] | None = None,
) -> str:
    """Draw ``curves`` over one another, the last on top; "" where there is nothing to draw.

    Parameters
    ----------
    title
        With the unit of what goes up.
    curves
        Points that are NaN are left out; what is beyond an axis lies at its end.
    across_title
        What goes across, with its unit.
    across, up
        Scales; by default those that hold all points.
    level
        A height and what it means, drawn as a dashed line.
    """
    x = np.concatenate([curve.x for curve in curves]) if curves else np.zeros(0)
    y = np.concatenate([curve.y for curve in curves]) if curves else np.zeros(0)
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return ""
    across = _holding(x[known]) if across is None else across
    up = _holding(y[known]) if up is None else up
    parts = [f'<text x="0" y="13" fill="{_INK}" font-weight="600">{escape(title)}</text>']
    parts += _grid(across, up, across_title)
    if level is not None:
        parts.append(_level(up, *level))
    parts += [_line(curve, across, up) for curve in curves]
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12" '
        f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
    )


def frequency_axis(highest_per_angstrom: float) -> Axis:
    """Return a scale of spatial frequency in 1/Å, from 0, whose ticks tell the resolution in Å."""
    ticks = [(0.0, "0")]
    for resolution in _RESOLUTIONS_ANGSTROM:
        at = 1 / resolution
        if ticks[-1][0] + highest_per_angstrom / _MOST_TICKS <= at <= highest_per_angstrom:
            ticks.append((at, f"1/{resolution:g}"))
    return Axis(0.0, highest_per_angstrom, tuple(ticks))


def _holding(values: NDArray[np.float64]) -> Axis:
    low, high = float(values.min()), float(values.max())
    return numbered(low, high if high > low else low + 1.0)


def _x(across: Axis, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * across.share(values)


def _y(up: Axis, values: NDArray[np.float64]) -> NDArray[np.float64]:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * up.share(values)


def _grid(across: Axis, up: Axis, across_title: str) -> list[str]:
    parts = []
    for value, text in up.ticks:
        y = float(_y(up, np.array(value)))
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{_FAINT}">{text}</text>'
        )
    for value, text in across.ticks:
        x = float(_x(across, np.array(value)))
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle" '
            f'fill="{_FAINT}">{escape(text)}</text>'
        )
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle:.1f}" y="{_HEIGHT - 6}" text-anchor="middle" fill="{_INK}">'
        f"{escape(across_title)}</text>"
    )
    return parts


def _level(up: Axis, value: float, told: str) -> str:
    y = float(_y(up, np.array(value)))
    return (
        f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_INK}" stroke-dasharray="5 4"/>'
        f'<text x="{_WIDTH - _RIGHT}" y="{y - 5:.1f}" text-anchor="end" fill="{_INK}">'
        f"{escape(told)}</text>"
    )


def _line(curve: Curve, across: Axis, up: Axis) -> str:
    known = np.isfinite(curve.x) & np.isfinite(curve.y)
    places = list(
        zip(_x(across, curve.x[known]).tolist(), _y(up, curve.y[known]).tolist(), strict=True)
    )
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    line = (
        f'<polyline points="{points}" fill="none" stroke="{curve.colour}" stroke-width="1.8" '
        f'stroke-linejoin="round"><title>{escape(curve.name)}</title></polyline>'
    )
    if not curve.dots:
        return line
    return line + "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{curve.colour}"/>' for x, y in places
    )
