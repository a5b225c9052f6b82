"""The columns of the micrograph table: what they say, how they sort, what a filter leaves. No Qt.

Everything is done on whole columns at once: 20,000 rows are sorted within a key press.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_n2n.quality import FIGURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.session.records import Overview

Which = Literal["all", "undecided", "keep", "reject", "failed"]
WHICH: dict[Which, str] = {
    "all": "All",
    "undecided": "Undecided",
    "keep": "Kept",
    "reject": "Rejected",
    "failed": "Failed",
}
OWN_SCORE = "own_score"
"""The figure that is learnt from the verdicts; see `napari_n2n.plugin.screening.learnt_score`."""

VERDICTS = {"undecided": "", "keep": "kept", "reject": "rejected"}
"""What the table says for each verdict."""

_STATES = {"waiting": "waiting", "working": "working…", "done": "", "failed": "failed"}


@dataclass(frozen=True)
class Column:
    """One column: ``key`` is ``"name"``, ``"verdict"``, ``"state"``, or the name of a figure."""

    key: str
    title: str
    tip: str
    is_figure: bool = True


_FIRST = (
    Column("name", "Micrograph", "The file's name.", is_figure=False),
    Column("verdict", "Verdict", "What was decided, and why it was rejected.", is_figure=False),
    Column("state", "State", "How far the processing is.", is_figure=False),
)


def columns_of(overview: Overview) -> tuple[Column, ...]:
    """Return the columns worth showing: of the figures, those that some micrograph has."""
    known = [name for name in overview.figures if np.isfinite(overview.figures[name]).any()]
    ordered = [name for name in FIGURES if name in known]
    ordered += [name for name in known if name not in FIGURES]
    first = ("score", OWN_SCORE)  # the sums of all
    ordered.sort(key=lambda name: first.index(name) if name in first else len(first))
    return (*_FIRST, *(figure_column(name) for name in ordered))


def figure_column(name: str) -> Column:
    """Return the column of a figure; its title has the unit."""
    figure = FIGURES.get(name)
    if name == OWN_SCORE:
        return Column(name, "Your score", "0 to 100: how likely you keep it, by your verdicts.")
    if figure is None:
        return Column(name, name.replace("_", " "), "")
    unit = f" ({figure.unit})" if figure.unit and figure.unit != "1" else ""
    return Column(name, f"{figure.title}{unit}", figure.definition)


def text_of(value: float, name: str = "") -> str:
    """Say a figure as short as it is meaningful; nothing where it is unknown."""
    if not np.isfinite(value):
        return ""
    if name == "particles" or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def verdict_text(overview: Overview, row: int) -> str:
    """Return what was decided, with its reason: "rejected: thick ice"."""
    verdict, reason = VERDICTS[str(overview.verdicts[row])], str(overview.reasons[row])
    return f"{verdict}: {reason}" if reason and verdict else verdict


def state_text(overview: Overview, row: int) -> str:
    """Return how far the processing of a micrograph is; nothing once it is done."""
    return _STATES[str(overview.states[row])]


def order_of(overview: Overview, key: str, *, descending: bool = False) -> NDArray[np.intp]:
    """Return all rows in the order of a column; ``""``: as they were added.

    Equal ones stay in the order in which they were added, unknown figures come last either way.
    """
    n = len(overview.ids)
    if not key:
        return np.arange(n)[::-1] if descending else np.arange(n)
    values = _sortable(overview, key)
    return np.argsort(-values if descending else values, kind="stable")


def _sortable(overview: Overview, key: str) -> NDArray[np.float64]:
    if key in overview.figures:
        return overview.figures[key]
    if key == "verdict":
        ranks = {verdict: rank for rank, verdict in enumerate(VERDICTS)}
        _, reason = np.unique(overview.reasons, return_inverse=True)
        within = np.asarray(reason / (reason.max(initial=0) + 1), np.float64)
        return _ranked(overview.verdicts, ranks) + within
    if key == "state":
        ranks = {state: rank for rank, state in enumerate(("failed", "working", "waiting", "done"))}
        return _ranked(overview.states, ranks)
    if key == "name":
        _, places = np.unique(np.asarray(overview.names, np.str_), return_inverse=True)
        return places.astype(np.float64)
    return np.full(len(overview.ids), np.nan)


def _ranked(texts: NDArray[np.str_], ranks: dict[str, int]) -> NDArray[np.float64]:
    found, inverse = np.unique(texts, return_inverse=True)
    return np.array([ranks.get(str(text), len(ranks)) for text in found], np.float64)[inverse]


def passing(overview: Overview, which: Which, text: str = "") -> NDArray[np.bool_]:
    """Tell which rows a filter leaves: by verdict or failure, and by words in name or reason.

    Returns
    -------
    (n,) booleans.
    """
    if which == "all":
        left = np.ones(len(overview.ids), bool)
    elif which == "failed":
        left = overview.states == "failed"
    else:
        left = overview.verdicts == which
    for word in text.lower().split():
        names = np.char.lower(np.asarray(overview.names, np.str_))
        left = left & (
            (np.char.find(names, word) >= 0)
            | (np.char.find(np.char.lower(overview.reasons), word) >= 0)
        )
    return np.asarray(left, bool)


def next_to_judge(overview: Overview, order: NDArray[np.intp], current: int | None) -> int | None:
    """Return the next row that can be judged and is not: processed, undecided; None: there is none.

    ``order`` (m,) are the rows as they are shown; the search begins after the row ``current``, goes
    round, and never returns that row itself.
    """
    at = np.flatnonzero(order == current) if current is not None else order[:0]
    start = int(at[0]) + 1 if len(at) else 0
    ahead = np.concatenate([order[start:], order[:start]])
    open_ = (overview.verdicts[ahead] == "undecided") & (overview.states[ahead] == "done")
    found = ahead[open_ & (ahead != (-1 if current is None else current))]
    return int(found[0]) if len(found) else None


def progress_text(overview: Overview) -> str:
    """Say how far the judging is: "212 of 480 judged, 187 kept"."""
    n = len(overview.ids)
    judged = int((overview.verdicts != "undecided").sum())
    kept = int((overview.verdicts == "keep").sum())
    return f"{judged:,} of {n:,} judged, {kept:,} kept"
