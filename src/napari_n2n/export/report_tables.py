"""The part of a report that shows single micrographs: picture, verdict, figures, reasons."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.export.pages import page
from napari_n2n.quality.figure_catalogue import FIGURES
from napari_n2n.quality.scoring import overall

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.session.records import Overview

COLOURS = {"keep": "#2f77a8", "undecided": "#b3bcc3", "reject": "#d2603a"}
TOLD = {"keep": "kept", "undecided": "undecided", "reject": "rejected"}
"""Verdicts as a reader of the report is told them."""

_IN_TABLE = (
    *("resolution_angstrom", "thon_resolution_angstrom", "drift_total_angstrom", "snr"),
    *("contaminated_percent", "empty_percent", "particles"),
)
_EXTREMES = 6
_SECOND_LOOKS = 4


@dataclass(frozen=True, eq=False)
class ReportContent:
    """What the parts of a report are made of.

    Attributes
    ----------
    overview
        The n micrographs of the session.
    scores
        (n,) 0 to 100, NaN where unknown.
    thumbnail_of
        Gives the picture of a micrograph's file, or None.
    """

    overview: Overview
    scores: NDArray[np.float64]
    thumbnail_of: Callable[[Path], Path | None]

    def column(self, name: str) -> NDArray[np.float64]:
        """(n,) values of a figure, NaN where unknown."""
        if name == "score":
            return self.scores
        column = self.overview.figures.get(name, np.full(len(self.scores), np.nan))
        return self._particles(column) if name == "particles" else column

    def _particles(self, told: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) as processing told, which knows the threshold; else all but contaminants."""
        of = self.overview.counts.items()
        counts = np.array([column for label, column in of if label != "contaminant"]).sum(axis=0)
        has_some = np.where(counts > 0, counts.astype(np.float64), np.nan)
        return np.where(np.isfinite(told), told, has_some)


def scores_of(overview: Overview) -> NDArray[np.float64]:
    """Return (n,) scores as they were kept, or as the figures give them now."""
    kept = overview.figures.get("score")
    if kept is not None:
        return kept
    scores = np.full(len(overview.ids), np.nan)
    for row in np.flatnonzero(overview.states == "done"):
        figures = figures_of(overview, int(row))
        if figures:
            scores[row] = overall(figures).value
    return scores


def figures_of(overview: Overview, row: int) -> dict[str, float]:
    """Return the known figures of one micrograph."""
    values = {name: float(column[row]) for name, column in overview.figures.items()}
    return {name: value for name, value in values.items() if np.isfinite(value)}


def titled(name: str) -> str:
    """Return what a figure is called, with its unit."""
    figure = FIGURES.get(name)
    if figure is None:
        return name
    return f"{figure.title} ({figure.unit})" if figure.unit else figure.title


def extremes(seen: ReportContent) -> str:
    """Show the micrographs with the highest and the lowest scores."""
    order = np.argsort(seen.scores, kind="stable")
    order = order[np.isfinite(seen.scores[order])]
    if not len(order):
        return ""
    few = min(_EXTREMES, max(1, len(order) // 2))
    return page.section(
        "The best and the worst",
        page.quiet("By score, whatever the verdict."),
        "<h3>Best</h3>",
        _table(seen, order[::-1][:few]),
        "<h3>Worst</h3>",
        _table(seen, order[:few]),
    )


def second_looks(seen: ReportContent) -> str:
    """Tell of micrographs that were kept with a low score or rejected with a high one."""
    verdicts, scores = seen.overview.verdicts, seen.scores
    known = np.isfinite(scores)
    kept = np.flatnonzero(known & (verdicts == "keep"))
    rejected = np.flatnonzero(known & (verdicts == "reject"))
    if not len(kept) or not len(rejected):
        return ""
    low = kept[scores[kept] < np.median(scores[rejected])]
    high = rejected[scores[rejected] > np.median(scores[kept])]
    low = low[np.argsort(scores[low], kind="stable")][:_SECOND_LOOKS]
    high = high[np.argsort(-scores[high], kind="stable")][:_SECOND_LOOKS]
    return page.section(
        "Worth a second look",
        *(("<h3>Kept, with a low score</h3>", _table(seen, low)) if len(low) else ()),
        *(("<h3>Rejected, with a high score</h3>", _table(seen, high)) if len(high) else ()),
    )


def _table(seen: ReportContent, rows: NDArray[np.intp]) -> str:
    overview = seen.overview
    shown = [n for n in _IN_TABLE if np.isfinite(seen.column(n)[rows]).any()]
    lines = []
    for row in rows.tolist():
        file, name = overview.paths[row], overview.names[row]
        image = page.picture(seen.thumbnail_of(file), name) if file is not None else ""
        verdict = str(overview.verdicts[row])
        told = TOLD[verdict] + (f": {overview.reasons[row]}" if overview.reasons[row] else "")
        why = ", ".join(overall(figures_of(overview, row)).reasons[:3])
        cells = "".join(
            f'<td class="number">{_plain(float(seen.column(figure)[row]))}</td>' for figure in shown
        )
        lines.append(
            f'<tr><td class="picture">{image}</td><td class="name">{escape(name)}<br>'
            f'<span class="{verdict}">{escape(told)}</span><br>'
            f'<span class="quiet">{escape(why)}</span></td>'
            f'<td class="number"><b>{seen.scores[row]:.0f}</b></td>{cells}</tr>'
        )
    return page.table(("", "Micrograph", "Score", *map(titled, shown)), lines)


def _plain(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if value == round(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 1 else f"{value:.1f}"
