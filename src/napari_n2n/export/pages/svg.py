"""Small plots as SVG, to stand in a page as they are: dots over time, histograms, bars."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.export.pages.axes import Axis, axis_of, clock, numbered, span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WIDTH = 500
_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 210, 46, 18, 26, 24
_ROW, _LABEL, _COUNT = 24, 130, 100
_FEW_DOTS, _MOST_DOTS = 200, 5000
_MEDIANS = 40  # at most, along the line
_OF_EACH = 24  # values at least, as a median of fewer jumps about
_BINS = 30
INK, _FAINT, _GRID = "#44505a", "#77828c", "#e8ebee"


@dataclass(frozen=True)
class Group:
    """Values that are drawn alike: ``mask`` (n,) chooses them, ``name`` is for the legend."""

    name: str
    colour: str
    mask: NDArray[np.bool_]


def over_time(
    title: str,
    when: NDArray[np.float64],
    values: NDArray[np.float64],
    groups: Sequence[Group],
    *,
    in_order: bool = False,
    cut: bool = True,
) -> str:
    """Draw (n,) values over (n,) times, a dot each, with the running median as a line.

    Parameters
    ----------
    title
        With the unit.
    when
        Seconds since the epoch, or whatever counts up if `in_order`; NaN is left out.
    values
        NaN is left out.
    groups
        How the dots are coloured, the last on top.
    in_order
        The horizontal axis counts, and tells no time.
    cut
        Values that are far out are drawn at the edge, so that the others can be told apart.
    """
    known = np.isfinite(when) & np.isfinite(values)
    if not known.any():
        return ""
    across = numbered(*span(when[known]), whole=True) if in_order else clock(when[known])
    up = axis_of(values[known], cut=cut)
    dots = []
    size = 6 if known.sum() <= _FEW_DOTS else 4
    thin = max(1, -(-int(known.sum()) // _MOST_DOTS))
    for group in groups:
        rows = np.flatnonzero(known & group.mask)
        rows = rows[::thin]
        marks = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in _places(across, up, when, values, rows))
        if marks:
            dots.append(
                f'<path d="{marks}" stroke="{group.colour}" stroke-width="{size}" '
                'stroke-linecap="round" stroke-opacity="0.55" fill="none"/>'
            )
    line = _median_line(across, up, when[known], values[known])
    beyond = up.beyond(values[known])
    notes = [f"one in {thin} drawn"] if thin > 1 else []
    notes += [f"{beyond:,} beyond the scale"] if beyond else []
    return _framed(title, across, up, "".join(dots) + line, ", ".join(notes))


def histogram(
    title: str, values: NDArray[np.float64], groups: Sequence[Group], *, cut: bool = True
) -> str:
    """Draw how (n,) values are distributed, NaN left out, the groups on top of one another.

    Values that are far out are counted in the outermost bars, unless ``cut`` is false.
    """
    known = np.isfinite(values)
    if not known.any():
        return ""
    across = axis_of(values[known], cut=cut)
    whole = bool((values[known] == np.round(values[known])).all())
    bins = _BINS
    if whole and across.high - across.low < _BINS:
        across = Axis(across.low - 0.5, across.high + 0.5, across.ticks)
        bins = round(across.high - across.low)
    shares = across.share(values)
    counts = np.array(
        [
            np.histogram(shares[known & group.mask], bins=bins, range=(0.0, 1.0))[0]
            for group in groups
        ]
    )
    up = numbered(0, max(1, int(counts.sum(axis=0).max())), count=4, whole=True)
    bars = []
    below = np.zeros(bins)
    step = _across() / bins
    for group, heights in zip(groups, counts, strict=True):
        for i in np.flatnonzero(heights):
            bottom, top = _y(up.share(np.array([below[i], below[i] + heights[i]])))
            bars.append(
                f'<rect x="{_LEFT + i * step + 0.5:.1f}" y="{top:.1f}" width="{step - 1:.1f}" '
                f'height="{bottom - top:.1f}" fill="{group.colour}"/>'
            )
        below += heights
    beyond = across.beyond(values[known])
    note = f"{beyond:,} beyond the scale, at its ends" if beyond else ""
    return _framed(title, across, up, "".join(bars), note)


def bar_chart(rows: Sequence[tuple[str, int, str]]) -> str:
    """Draw a bar for each (name, count, colour), with the count and its share of all behind it."""
    total = sum(count for _, count, _ in rows)
    if not total:
        return ""
    longest = max(count for _, count, _ in rows)
    length = WIDTH - _LABEL - _COUNT
    parts = []
    for number, (name, count, colour) in enumerate(rows):
        y = number * _ROW
        width = max(1.0, length * count / longest) if count else 0.0
        share = f"{100 * count / total:.0f} %"
        parts.append(
            f'<text x="{_LABEL - 8}" y="{y + 16}" text-anchor="end" fill="{INK}">'
            f"{escape(name)}</text>"
            f'<rect x="{_LABEL}" y="{y + 4}" width="{width:.1f}" height="{_ROW - 8}" rx="2" '
            f'fill="{colour}"/>'
            f'<text x="{_LABEL + width + 6:.1f}" y="{y + 16}" fill="{_FAINT}">{count:,}'
            f" ({share})</text>"
        )
    return _svg(len(rows) * _ROW + 2, "".join(parts), "Bars: " + ", ".join(r[0] for r in rows))


def _median_line(
    across: Axis, up: Axis, when: NDArray[np.float64], values: NDArray[np.float64]
) -> str:
    """Draw the median of neighbours in time, where there are enough to have one."""
    if len(values) < 3 * _OF_EACH:
        return ""
    order = np.argsort(when, kind="stable")
    pieces = np.array_split(order, min(_MEDIANS, len(values) // _OF_EACH))
    middle = np.array([np.median(when[piece]) for piece in pieces])
    median = np.array([np.median(values[piece]) for piece in pieces])
    points = " ".join(
        f"{x:.1f},{y:.1f}" for x, y in _places(across, up, middle, median, np.arange(len(pieces)))
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="{INK}" stroke-width="1.6" '
        'stroke-linejoin="round"/>'
    )


def _places(
    across: Axis,
    up: Axis,
    when: NDArray[np.float64],
    values: NDArray[np.float64],
    rows: NDArray[np.intp],
) -> list[tuple[float, float]]:
    x = _LEFT + _across() * across.share(when[rows])
    return list(zip(x.tolist(), _y(up.share(values[rows])).tolist(), strict=True))


def _across() -> float:
    return WIDTH - _LEFT - _RIGHT


def _y(share: NDArray[np.float64]) -> NDArray[np.float64]:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def _framed(title: str, across: Axis, up: Axis, marks: str, note: str) -> str:
    """Put marks into axes: lines across at the ticks, numbers left and below, the title above."""
    parts = [
        f'<text x="0" y="13" fill="{INK}" font-weight="600">{escape(title)}</text>',
        f'<text x="{WIDTH - _RIGHT}" y="13" text-anchor="end" fill="{_FAINT}">{note}</text>',
    ]
    for value, text in up.ticks:
        y = float(_y(up.share(np.array(value))))
        parts.append(
            f'<path d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}" stroke="{_GRID}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="{_FAINT}">{text}</text>'
        )
    for value, text in across.ticks:
        x = _LEFT + _across() * float(across.share(np.array(value)))
        parts.append(
            f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle" fill="{_FAINT}">'
            f"{escape(text)}</text>"
        )
    return _svg(_HEIGHT, "".join(parts) + marks, title)


def _svg(height: int, content: str, told: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{escape(told)}" font-family="system-ui, sans-serif" font-size="12" '
        f'xmlns="http://www.w3.org/2000/svg">{content}</svg>'
    )
