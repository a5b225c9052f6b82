"""The verdicts of a session as a window shows and gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_n2n.errors import N2NError
from napari_n2n.plugin.shared.keys import Key
from napari_n2n.session.records import REASONS, Overview

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_n2n.session import Session, Verdicts
    from napari_n2n.session.records import Verdict, VerdictChange

_NONE = np.empty(0, np.int64)

REASON_KEYS = {str(number): reason for number, reason in enumerate(REASONS, start=1)}
"""The digit of each reason for rejecting."""

SCREENING_KEYS: tuple[Key, ...] = (
    Key("Space", "next_undecided", "next undecided"),
    Key("K", "keep", "keep"),
    Key("R", "reject", "reject, then a digit for the reason, or R again for none"),
    *(Key(digit, f"reject_{digit}", f"reject: {reason}") for digit, reason in REASON_KEYS.items()),
    Key("0", "undecided", "take the verdict back to undecided"),
    Key("U", "undo", "undo the last verdict"),
    Key("Ctrl+Z", "undo", "undo the last verdict"),
    Key("Shift+U", "redo", "redo"),
    Key("Ctrl+Shift+Z", "redo", "redo"),
    Key("Right", "next", "next in the table"),
    Key("Left", "previous", "previous in the table"),
    Key("P", "spectrum", "power spectrum"),
    Key("G", "grid", "grid of thumbnails, or the table"),
)

FORWARDED_KEYS = frozenset(key.key for key in SCREENING_KEYS) - {"Right", "Left"}
"""What a table or a grid hands on; the arrows walk about in it."""

VERDICT_KEYS = frozenset(("K", "R", "0", *REASON_KEYS))
"""What judges the micrograph that is shown."""


class MicrographVerdicts(QObject):
    """Knows all micrographs of a session, which is shown, and which are selected.

    A verdict is on disk when `judge` returns. Problems are told by `failed`, and leave all as it
    was. Micrographs are named by their ids; rows are their places in `overview`.

    Signals
    -------
    changed
        Anything may be different, micrographs may have come.
    judgedRows
        The verdicts of these rows are different, and nothing else.
    currentChanged
        Another micrograph is shown.
    selectionChanged
        Others are selected.
    failed, noted
        What was not done, or done in part: a sentence for the user.
    """

    changed = Signal()
    judgedRows = Signal(object)  # noqa: N815 - Qt's way to name signals
    currentChanged = Signal()  # noqa: N815
    selectionChanged = Signal()  # noqa: N815
    failed = Signal(str)
    noted = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session: Session | None = None
        self.overview = no_micrographs()
        self.current: int | None = None
        self.selected: NDArray[np.int64] = _NONE
        self._own: dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}

    def open(self, session: Session) -> None:
        """Show a session, none of its micrographs current.

        Raises
        ------
        N2NError
            It cannot be read; what was shown before stays.
        """
        overview = session.micrographs.overview()
        self.session, self.current, self.selected, self._own = session, None, _NONE, {}
        self.show(overview)
        self.currentChanged.emit()
        self.selectionChanged.emit()

    def close(self) -> None:
        """Show nothing."""
        self.session, self.current, self.selected = None, None, _NONE
        self.show(no_micrographs())
        self.currentChanged.emit()

    def show(self, overview: Overview) -> None:
        """Show what the session holds now."""
        # Wide enough for any verdict and most reasons, to be changed in place.
        self.overview = replace(
            overview,
            verdicts=np.array(overview.verdicts, "U9"),
            reasons=np.array(overview.reasons, np.str_),
            given_by=np.array(overview.given_by, np.str_),
            figures={**overview.figures, **self._aligned(overview.ids)},
        )
        self.changed.emit()

    def set_figure(self, name: str, ids: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Show a figure that the session does not hold, of (n,) micrographs."""
        self._own[name] = (np.array(ids), np.array(values))
        self.show(self.overview)

    def _aligned(self, ids: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Return the figures that the session does not hold, of these micrographs."""
        aligned = {}
        for name, (known, values) in self._own.items():
            aligned[name] = np.full(len(ids), np.nan)
            _, here, there = np.intersect1d(ids, known, return_indices=True)
            aligned[name][here] = values[there]
        return aligned

    def reload(self) -> None:
        """Read anew what the session holds."""
        if self.session is not None:
            try:
                self.show(self.session.micrographs.overview())
            except N2NError as problem:
                self.failed.emit(str(problem))

    def refresh(self, ids: Sequence[int]) -> bool:
        """Read anew what the session holds of a few; False if that takes more than a few rows.

        Then some of them are new, and only `reload` shows them.
        """
        rows = self.rows_of(ids)
        if self.session is None or len(rows) < len(ids):
            return False
        try:
            part = self.session.micrographs.overview(ids)
        except N2NError as problem:
            self.failed.emit(str(problem))
            return True
        if not np.array_equal(part.ids, self.overview.ids[rows]):
            return False
        merged: dict[str, Any] = {
            column: _merged(getattr(self.overview, column), rows, getattr(part, column))
            for column in ("verdicts", "reasons", "given_by", "states", "messages", "acquired")
        }
        unknown = np.full(len(self.overview.ids), np.nan)
        names = {**self.overview.figures, **part.figures}
        nothing = np.full(len(rows), np.nan)
        merged["figures"] = {
            name: _merged(
                self.overview.figures.get(name, unknown), rows, part.figures.get(name, nothing)
            )
            for name in names
        }
        merged["counts"] = {
            label: _merged(counts, rows, part.counts[label])
            for label, counts in self.overview.counts.items()
        }
        self.show(replace(self.overview, **merged))
        return True

    def row_of(self, micrograph: int | None) -> int | None:
        """Return the row of a micrograph; None if there is none of this id."""
        rows = self.rows_of([] if micrograph is None else [micrograph])
        return int(rows[0]) if len(rows) else None

    def rows_of(self, ids: Sequence[int] | NDArray[np.int64]) -> NDArray[np.intp]:
        """Return the rows of those of ``ids`` that are there, ascending."""
        return np.flatnonzero(np.isin(self.overview.ids, np.asarray(ids, np.int64)))

    def go_to(self, micrograph: int | None) -> None:
        """Make a micrograph the one that is shown and that keys act on."""
        if micrograph != self.current:
            self.current = micrograph
            self.currentChanged.emit()

    def select(self, ids: NDArray[np.int64]) -> None:
        """Select micrographs, to be judged together."""
        ids = np.sort(np.asarray(ids, np.int64))
        if not np.array_equal(ids, self.selected):
            self.selected = ids
            self.selectionChanged.emit()

    def judge(
        self, ids: Sequence[int] | NDArray[np.int64], verdict: Verdict, reason: str = ""
    ) -> bool:
        """Give micrographs a verdict; True once it is on disk."""
        wanted = np.asarray(ids, np.int64)
        if self.session is None or not len(wanted):
            return False
        try:
            judged = self.session.verdicts.give(wanted, verdict, reason=reason)
        except N2NError as problem:
            self.failed.emit(str(problem))
            return False
        rows = self.rows_of(wanted)
        self._set("reasons", rows, reason if verdict == "reject" else "")
        self.overview.verdicts[rows] = verdict
        self.judgedRows.emit(rows)
        if judged.note:
            self.noted.emit(judged.note)
        return True

    def undo(self) -> VerdictChange | None:
        """Take back the last verdicts; None if there is nothing, or it failed."""
        return self._turn(lambda verdicts: verdicts.undo())

    def redo(self) -> VerdictChange | None:
        """Give again what was taken back last; None if there is nothing, or it failed."""
        return self._turn(lambda verdicts: verdicts.redo())

    def history_texts(self) -> tuple[str | None, str | None]:
        """Return what `undo` would take back and what `redo` would do again."""
        if self.session is None:
            return None, None
        try:
            return self.session.verdicts.undo_text(), self.session.verdicts.redo_text()
        except N2NError:
            return None, None  # the next verdict says what is wrong

    def _turn(self, turn: Callable[[Verdicts], VerdictChange | None]) -> VerdictChange | None:
        if self.session is None:
            return None
        try:
            done = turn(self.session.verdicts)
        except N2NError as problem:
            self.failed.emit(str(problem))
            return None
        if done is not None:
            if not self.refresh(done.ids.tolist()):
                self.reload()
            if done.note:
                self.noted.emit(done.note)
        return done

    def _set(self, column: str, rows: NDArray[np.intp], text: str) -> None:
        """Write a text into some rows; a longer one than any before needs a wider column."""
        values = getattr(self.overview, column)
        if len(text) > values.dtype.itemsize // 4:
            values = values.astype(f"U{len(text)}")
            self.overview = replace(self.overview, **{column: values})
        values[rows] = text


def _merged(column: NDArray[Any], rows: NDArray[np.intp], values: NDArray[Any]) -> NDArray[Any]:
    """Return a column with other values in some rows."""
    wide = np.result_type(column.dtype, values.dtype)  # texts may be longer than any before
    merged = column.astype(wide)
    merged[rows] = values
    return merged


def no_micrographs() -> Overview:
    """Return the overview of an empty session."""
    texts = np.empty(0, "U9")
    return Overview(
        ids=_NONE,
        paths=[],
        names=[],
        verdicts=texts,
        reasons=texts,
        given_by=texts,
        judged_at=texts,
        states=texts,
        messages=texts,
        figures={},
        counts={},
        acquired=np.empty(0),
    )
