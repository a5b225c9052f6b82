"""The page that an experiment writes: pictures, tables, plots, and all it was made with."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

from napari_n2n.export.pages import page
from napari_n2n.progress import format_seconds
from napari_n2n.version import versions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

PACKAGES = ("torch", "numpy", "scipy", "scikit-image")
"""What experiments compute with."""


def report_page(
    title: str,
    settings: Mapping[str, Any],
    sections: Iterable[str],
    *,
    seconds: float | None = None,
) -> str:
    """Return a report as one HTML file that needs nothing else.

    Parameters
    ----------
    title
        Of the experiment.
    settings
        All that decides the result, the seed among it; what is None is left out.
    sections
        HTML, as `section`, `table`, `gallery` and `napari_n2n.export.pages` make it.
    seconds
        The time that the experiment took.
    """
    now = datetime.now()
    when = f"{now.day} {now:%B %Y, %H:%M}"
    took = "" if seconds is None else f", {format_seconds(seconds)} of computing"
    known = [(name, str(value)) for name, value in settings.items() if value is not None]
    return page.page(
        title,
        (
            f"<h1>{escape(title)}</h1>",
            page.quiet(f"Written by napari-n2n on {when}{took}."),
            *sections,
            page.section("Settings", page.two_columns(known)),
            page.section("Versions", page.two_columns(list(versions_of(PACKAGES).items()))),
        ),
    )


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f"<p>{escape(text)}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the first of ``rows``' cells are names, the others figures."""
    titles = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    lines = []
    for name, *figures in rows:
        cells = "".join(f'<td class="number">{escape(figure)}</td>' for figure in figures)
        lines.append(f"<tr><td>{escape(name)}</td>{cells}</tr>")
    return f"<table><tr>{titles}</tr>{''.join(lines)}</table>" if lines else ""


@dataclass(frozen=True)
class Panel:
    """A picture (PNG) with what is written below it."""

    path: Path
    caption: str


def gallery(panels: Sequence[Panel], across: int = 3) -> str:
    """Return pictures ``across`` a row, each as it is in its file, in the page itself."""
    figures = []
    for panel in panels:
        data = base64.b64encode(panel.path.read_bytes()).decode("ascii")
        figures.append(
            '<figure style="margin:0"><img style="width:100%;display:block;border-radius:4px" '
            f'src="data:image/png;base64,{data}" alt="{escape(panel.caption)}">'
            '<figcaption style="font-size:13px;color:#44505a;padding:4px 0 12px">'
            f"{escape(panel.caption)}</figcaption></figure>"
        )
    grid = f"display:grid;grid-template-columns:repeat({across},minmax(0,1fr));gap:6px 14px"
    return f'<div style="{grid}">{"".join(figures)}</div>' if figures else ""
