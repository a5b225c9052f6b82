"""The page that a report is written on: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_THUMBNAIL_PX = 180
_QUALITY = 85

# Nothing is fetched and nothing runs, and a browser is told to hold the page to that.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 40px 28px 64px; max-width: 1120px; background: #fff;
  color: #2b343b; font: 15px/1.5 system-ui, "Segoe UI", "Noto Sans", sans-serif; }
h1 { font-size: 27px; font-weight: 650; margin: 0 0 2px; }
h2 { font-size: 18px; font-weight: 600; margin: 44px 0 10px; padding-top: 14px;
  border-top: 1px solid #e3e7ea; }
h3 { font-size: 15px; font-weight: 600; margin: 24px 0 8px; }
.plots h3 { margin-top: 4px; }
p { margin: 4px 0 10px; }
.quiet { color: #77828c; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 22px 0 8px; padding: 0; }
.tile { flex: 1 1 150px; background: #f5f7f8; border-radius: 8px; padding: 12px 16px; }
.tile b { display: block; font-size: 25px; font-weight: 650; line-height: 1.25; }
.tile span { color: #66727c; font-size: 13px; }
.plots { display: flex; flex-wrap: wrap; gap: 26px 28px; }
.plots svg { flex: 1 1 460px; max-width: 520px; width: 100%; height: auto; }
.legend { margin: 0 0 12px; font-size: 13px; color: #44505a; }
.legend i { display: inline-block; width: 11px; height: 11px; border-radius: 50%;
  margin: 0 6px -1px 0; }
.legend i.line { width: 18px; height: 2px; border-radius: 0; margin-bottom: 4px; }
.legend span { margin-right: 20px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
td, th { text-align: left; vertical-align: top; padding: 7px 14px 7px 0;
  border-bottom: 1px solid #edf0f2; }
th { font-weight: 600; color: #66727c; font-size: 13px; }
table.settings { width: auto; min-width: 50%; }
table.settings td, td.name { overflow-wrap: anywhere; }
td.name { width: 36%; min-width: 200px; }
td.picture { width: 120px; }
td.picture img { display: block; width: 108px; border-radius: 4px; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number b { font-size: 19px; line-height: 1.1; }
.keep { color: #1f5f8b; } .reject { color: #b8451f; } .undecided { color: #77828c; }
.wide { overflow-x: auto; }
@media (max-width: 880px), print { table { font-size: 12px; } th { font-size: 11px; }
  td, th { padding-right: 8px; } td.picture { width: 84px; } td.picture img { width: 76px; }
  td.name { min-width: 140px; } td.number b { font-size: 15px; } }
@media print { body { padding: 0; font-size: 12px; } h2 { break-after: avoid; }
  tr, svg, .tile { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """Return the whole document; ``parts`` are HTML, empty ones are skipped."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(filter(None, parts))
        + "\n</body>\n</html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Return a headed section, or nothing where there is nothing in it."""
    inside = "\n".join(filter(None, parts))
    return f"<h2>{escape(title)}</h2>\n{inside}" if inside else ""


def quiet(text: str) -> str:
    """Return a paragraph in grey."""
    return f'<p class="quiet">{escape(text)}</p>'


def tiles(figures: Sequence[tuple[str, str]]) -> str:
    """Return numbers in large type, each with what it counts below."""
    inside = "".join(
        f'<div class="tile"><b>{escape(number)}</b><span>{escape(what)}</span></div>'
        for number, what in figures
    )
    return f'<div class="tiles">{inside}</div>'


def plots(drawings: Iterable[str]) -> str:
    """Return drawings side by side as far as the window is wide enough."""
    inside = "\n".join(filter(None, drawings))
    return f'<div class="plots">{inside}</div>' if inside else ""


def legend(dots: Sequence[tuple[str, str]], lines: Sequence[tuple[str, str]] = ()) -> str:
    """Return what the colours of dots and of lines mean, from (name, colour)."""
    inside = "".join(
        f'<span><i{kind} style="background:{colour}"></i>{escape(name)}</span>'
        for kind, entries in (("", dots), (' class="line"', lines))
        for name, colour in entries
    )
    return f'<p class="legend">{inside}</p>' if inside else ""


def two_columns(rows: Sequence[tuple[str, str]]) -> str:
    """Return a table of names and values."""
    inside = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f'<table class="settings">{inside}</table>' if inside else ""


def table(head: Iterable[str], rows: Iterable[str]) -> str:
    """Return a table with (escaped) headings, of rows that are HTML."""
    titles = "".join(f'<th scope="col">{title}</th>' for title in map(escape, head))
    return f'<div class="wide"><table><tr>{titles}</tr>{"".join(rows)}</table></div>'


def picture(path: Path | None, told: str) -> str:
    """Return an image, made small, as part of the page; nothing where it cannot be read."""
    if path is None:
        return ""
    try:
        with Image.open(path) as image:
            small = image.convert("RGB" if image.mode in ("RGB", "RGBA", "P") else "L")
    except (OSError, ValueError, Image.DecompressionBombError):
        return ""  # it is being made anew, or was deleted: the report is not about it
    small.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    out = io.BytesIO()
    small.save(out, format="JPEG", quality=_QUALITY)
    data = base64.b64encode(out.getvalue()).decode("ascii")
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(told)}">'
