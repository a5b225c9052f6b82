"""A session on one page that explains itself: for the notebook, the group, the next session."""

from __future__ import annotations

from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.export.pages import page
from napari_n2n.export.pages.svg import INK, Group, bar_chart, histogram, over_time
from napari_n2n.export.report_tables import (
    COLOURS,
    TOLD,
    ReportContent,
    extremes,
    scores_of,
    second_looks,
    titled,
)
from napari_n2n.export.selection import ExportOutcome, counted, named
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.outputs import sealed
from napari_n2n.version import versions_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_n2n.session.records import Overview, Verdict
    from napari_n2n.session.session import Session

_VERDICTS: tuple[Verdict, ...] = ("keep", "reject", "undecided")

_OVER_TIME = (
    *("score", "resolution_angstrom", "thon_resolution_angstrom", "drift_total_angstrom"),
    *("brightness", "contaminated_percent", "empty_percent", "defocus_micrometre"),
    *("particles_per_square_micrometre", "broken_percent"),
)
_DISTRIBUTED = (
    *("score", "particles", "particle_evenness", "broken_percent"),
    *("resolution_angstrom", "drift_total_angstrom"),
)
_MOST_FAILURES = 50
_PACKAGES = ("numpy", "scipy", "scikit-image", "torch", "napari")


def write_report(
    path: Path | str,
    session: Session,
    *,
    thumbnail_of: Callable[[Path], Path | None] = lambda _: None,
    settings: Mapping[str, object] | None = None,
) -> ExportOutcome:
    """Write a summary of the session as one HTML file, pictures and plots in it.

    It holds how many were kept and rejected, and for which reasons; figures over the night;
    how scores and particles are distributed; the best and the worst micrographs, and those whose
    verdict disagrees with their score; what failed; settings and versions.

    Parameters
    ----------
    path
        Where to.
    thumbnail_of
        Gives the picture of a micrograph's file, or None where there is none.
    settings
        How the micrographs were processed: name and value, as they shall be read.

    Raises
    ------
    WriteProblem
        The disk refuses; whatever was at `path` is untouched.
    """
    path = Path(path)
    overview = session.micrographs.overview()
    groups = tuple(
        Group(TOLD[verdict], COLOURS[verdict], overview.verdicts == verdict)
        for verdict in _VERDICTS
    )
    seen = ReportContent(overview, scores_of(overview), thumbnail_of)
    title = f"Screening of {session.path.parent.name}"
    text = page.page(
        title,
        (
            f"<h1>{escape(title)}</h1>",
            page.quiet(_subtitle(overview)),
            page.tiles(_totals(seen)),
            _verdicts(overview),
            _night(seen, groups),
            _distributions(seen, groups),
            extremes(seen),
            second_looks(seen),
            _failures(overview),
            _made_with(session, settings or {}),
        ),
    )
    with write_atomically(path) as beside:
        beside.write_text(sealed(text, start="<!-- ", end=" -->"), encoding="utf-8", newline="\n")
    count = len(overview.ids)
    return ExportOutcome(path, count, f"Report on {counted(count)} written to {path}.")


def _subtitle(overview: Overview) -> str:
    times = overview.acquired[np.isfinite(overview.acquired)]
    now = datetime.now()
    parts = [f"Report of {now.day} {now:%B %Y, %H:%M}"]
    if len(times):
        first, last = (datetime.fromtimestamp(float(t)) for t in (times.min(), times.max()))
        until = f"{last:%H:%M}" if first.date() == last.date() else f"{last.day} {last:%b %H:%M}"
        parts.append(f"files of {first.day} {first:%b %Y %H:%M} to {until}")
    judges = [str(name) for name in np.unique(overview.given_by) if name]
    if judges:
        parts.append(f"judged by {named(judges)}")
    return "; ".join(parts) + "."


def _totals(seen: ReportContent) -> list[tuple[str, str]]:
    overview = seen.overview
    total = len(overview.ids)
    kept = overview.verdicts == "keep"
    rejected = int((overview.verdicts == "reject").sum())
    judged = int(kept.sum()) + rejected
    figures = [
        (f"{total:,}", "micrographs"),
        (f"{judged:,}", "judged" if judged < total else "judged, all of them"),
        (f"{int(kept.sum()):,}", f"kept{_share(int(kept.sum()), judged)}"),
        (f"{rejected:,}", f"rejected{_share(rejected, judged)}"),
    ]
    particles = int(np.nansum(seen.column("particles")[kept]))
    if particles:
        intact = int(overview.counts["intact"][kept].sum())
        told = "particles on the kept" + (f", {intact:,} intact" if intact else "")
        figures.append((f"{particles:,}", told))
    return figures


def _share(part: int, whole: int) -> str:
    return f" ({100 * part / whole:.0f} %)" if whole else ""


def _verdicts(overview: Overview) -> str:
    verdicts, reasons = overview.verdicts, overview.reasons
    counts = [
        (TOLD[verdict], int((verdicts == verdict).sum()), COLOURS[verdict]) for verdict in _VERDICTS
    ]
    given = np.where(
        reasons[verdicts == "reject"] == "", "no reason", reasons[verdicts == "reject"]
    )
    names, numbers = np.unique(given, return_counts=True)
    by_reason = [
        (str(names[i]), int(numbers[i]), COLOURS["reject"])
        for i in np.argsort(-numbers, kind="stable")
    ]
    why = bar_chart(by_reason)
    return page.section(
        "Kept and rejected",
        '<div class="plots">',
        f"<div><h3>Verdicts</h3>{bar_chart(counts)}</div>",
        f"<div><h3>Why rejected</h3>{why}</div>" if why else "",
        "</div>",
    )


def _legend(groups: Sequence[Group], *, line: bool = False) -> str:
    dots = [(group.name, group.colour) for group in groups if group.mask.any()]
    return page.legend(dots, [("median of neighbours in time", INK)] if line else [])


def _night(seen: ReportContent, groups: Sequence[Group]) -> str:
    overview = seen.overview
    when = overview.acquired
    in_order = not np.isfinite(when).sum() >= 2
    if in_order:
        when = np.arange(1.0, len(overview.ids) + 1)
    drawings = [
        over_time(
            titled(name),
            when,
            seen.column(name),
            groups[::-1],
            in_order=in_order,
            cut=not _has_bounds(name),
        )
        for name in _OVER_TIME
        if _varies(seen.column(name))
    ]
    if not drawings:
        return ""
    told = "In the order in which they were added." if in_order else "By the files' times."
    has_line = any("<polyline" in drawing for drawing in drawings)
    return page.section(
        "Over the night", page.quiet(told), _legend(groups, line=has_line), page.plots(drawings)
    )


def _distributions(seen: ReportContent, groups: Sequence[Group]) -> str:
    drawings = [
        histogram(titled(name), seen.column(name), groups, cut=not _has_bounds(name))
        for name in _DISTRIBUTED
        if _varies(seen.column(name))
    ]
    if not drawings:
        return ""
    told = page.quiet("How many micrographs have each value.")
    return page.section("Distributions", told, _legend(groups), page.plots(drawings))


def _has_bounds(name: str) -> bool:
    """Whether a figure goes from 0 to 100 and is shown from the least to the greatest."""
    return name == "score" or name.endswith("_percent")


def _varies(values: NDArray[np.float64]) -> bool:
    known = values[np.isfinite(values)]
    return len(known) > 1 and bool(known.min() < known.max())


def _failures(overview: Overview) -> str:
    failed = np.flatnonzero(overview.states == "failed").tolist()
    if not failed:
        return ""
    rows = [(overview.names[row], str(overview.messages[row])) for row in failed[:_MOST_FAILURES]]
    more = len(failed) - len(rows)
    return page.section(
        f"Not processed: {counted(len(failed), 'file')}",
        page.two_columns(rows),
        page.quiet(f"And {more:,} more.") if more else "",
    )


def _made_with(session: Session, settings: Mapping[str, object]) -> str:
    rows = [("session", str(session.path))]
    diameter = session.setting("diameter_angstrom")
    if diameter is not None:
        rows.append(("particle diameter", f"{float(diameter):g} Å"))
    rows += [(name, _said(value)) for name, value in settings.items()]
    rows += versions_of(_PACKAGES).items()
    return page.section("Settings and versions", page.two_columns(rows))


def _said(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
