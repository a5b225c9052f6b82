"""The table of particles: read into rows, and edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.io.particles import LABELS
from napari_n2n.session.rows import ROW, TEXTS, DamagedRows, check, places_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from napari_n2n.session.rows import Edit, Ids, Rows


class RowCache:
    """The particles of the micrograph in use, kept while nobody else writes.

    It spares a key press the reading of 10,000 rows. The arrays it gives are not to be changed.
    """

    def __init__(self) -> None:
        self._kept: tuple[int, int, Rows] | None = None

    def rows(self, connection: sqlite3.Connection, micrograph: int) -> Rows:
        """Return the rows as they are in the file, read only if they may differ from the kept."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if self._kept is None or self._kept[:2] != (micrograph, version):
            # Read after the version: what comes in between is read once more, not missed.
            self._kept = (micrograph, version, read_rows(connection, micrograph))
        return self._kept[2]

    def committed(self, micrograph: int, rows: Rows) -> None:
        """Keep what the rows became by one's own commit, which leaves the data version alone."""
        if self._kept is not None and self._kept[0] == micrograph:
            self._kept = (micrograph, self._kept[1], rows)


def new_ids(connection: sqlite3.Connection, number: int) -> Ids:
    """Return (number,) ids that no particle of the session has or had."""
    (first,) = connection.execute("SELECT next_particle FROM counters").fetchone()
    connection.execute("UPDATE counters SET next_particle = next_particle + ?", (number,))
    return np.arange(first, first + number, dtype=np.int64)


def _as_code(column: str) -> str:
    cases = " ".join(f"WHEN '{text}' THEN {code}" for code, text in enumerate(TEXTS[column]))
    return f"CASE {column} {cases} END"


_SELECT = (
    "SELECT id, y_px, x_px, score, "
    + ", ".join(_as_code(column) for column in TEXTS)
    + " FROM particles WHERE micrograph = ? ORDER BY id"
)


def read_rows(connection: sqlite3.Connection, micrograph: int) -> Rows:
    """Return the particles of a micrograph in the order of their ids."""
    found = connection.execute(_SELECT, (micrograph,)).fetchall()
    rows = np.empty(len(found), ROW)
    try:
        for name, column in zip(ROW.names or (), zip(*found, strict=True), strict=False):
            rows[name] = column
    except (OverflowError, TypeError, ValueError) as error:
        raise DamagedRows(str(error)) from error
    check(rows)
    return rows


def _values(rows: Rows, columns: Iterable[str]) -> list[list[Any]]:
    """Return columns as SQLite takes them: texts by name, NULL for NaN."""
    values: list[list[Any]] = []
    for column in columns:
        listed = rows[column].tolist()
        if column in TEXTS:
            texts = TEXTS[column]
            listed = [texts[code] for code in listed]
        elif column == "score":
            listed = [None if value != value else value for value in listed]
        values.append(listed)
    return values


def write_edit(connection: sqlite3.Connection, micrograph: int, edit: Edit, after: Rows) -> None:
    """Do to the tables what ``edit`` says; ``after`` are the micrograph's rows then."""
    if len(edit.removed):
        connection.executemany(
            "DELETE FROM particles WHERE id = ?", zip(edit.removed["id"].tolist(), strict=True)
        )
    if len(edit.altered):
        places, _ = places_of(after, edit.altered["id"])
        columns = edit.columns
        connection.executemany(
            f"UPDATE particles SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?",
            zip(*_values(after[places], [*columns, "id"]), strict=True),
        )
    if len(edit.added):
        names = ROW.names or ()
        connection.executemany(
            f"INSERT INTO particles (micrograph, {', '.join(names)}) "
            f"VALUES ({micrograph}, {', '.join('?' * len(names))})",
            zip(*_values(edit.added, names), strict=True),
        )
    if edit.threshold is not None:
        connection.execute(
            "UPDATE micrographs SET threshold = ? WHERE id = ?", (edit.threshold[1], micrograph)
        )
    counts = np.bincount(after["label"], minlength=len(LABELS)).tolist()
    connection.execute(
        f"UPDATE micrographs SET {', '.join(f'{label} = ?' for label in LABELS)} WHERE id = ?",
        (*counts, micrograph),
    )
