"""The particles of the micrograph in use, kept while nobody else writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_n2n.session.rows import read_rows

if TYPE_CHECKING:
    import sqlite3

    from napari_n2n.session.rows import Rows


class RowCache:
    """Spares a key press the reading of 10,000 rows. The arrays it gives are not to be changed."""

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
        """Keep what `rows` became by one's own commit, which leaves the data version alone."""
        if self._kept is not None and self._kept[0] == micrograph:
            self._kept = (micrograph, self._kept[1], rows)
