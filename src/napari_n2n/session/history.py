"""What was done, kept in the file, so that it can be undone after reopening as well.

A window undoes, latest first, what it has done itself and what had been done when it was opened;
what another window did in the meantime is that window's to undo. An action undone or redone
belongs to the window that did so. A new action drops those that could have been redone instead.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from napari_n2n.session import counters
from napari_n2n.session.rows import Edit

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True)
class SessionUser:
    """Someone who has the session open.

    Attributes
    ----------
    opened
        The file's clock at that moment.
    token
        Tells it from every other.
    """

    opened: int
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    @classmethod
    def opening(cls, connection: sqlite3.Connection) -> SessionUser:
        """Return a new window on a session."""
        return cls(counters.clock(connection))


@dataclass(frozen=True, eq=False)
class Entry:
    """One action of the history."""

    id: int
    action: str
    edit: Edit


_MINE = "micrograph = ? AND done = ? AND (window = ? OR clock <= ?)"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def append(
    connection: sqlite3.Connection, micrograph: int, window: SessionUser, action: str, edit: Edit
) -> None:
    """Add an action that is being done in the same transaction."""
    connection.execute(
        f"DELETE FROM history WHERE {_MINE}", (micrograph, 0, window.token, window.opened)
    )
    before, after = edit.threshold or (None, None)
    connection.execute(
        "INSERT INTO history (micrograph, clock, done, window, at, action, removed, added, "
        "altered_columns, altered, threshold_altered, threshold_before, threshold_after) "
        "VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            micrograph,
            counters.tick(connection),
            window.token,
            _now(),
            action,
            *edit.blobs(),
            edit.threshold is not None,
            before,
            after,
        ),
    )


def next_text(
    connection: sqlite3.Connection, micrograph: int, window: SessionUser, *, done: bool
) -> str | None:
    """Return the action that would be undone (of the `done`) or redone (of the undone)."""
    found = connection.execute(
        f"SELECT action FROM history WHERE {_MINE} ORDER BY clock DESC LIMIT 1",
        (micrograph, int(done), window.token, window.opened),
    ).fetchone()
    return None if found is None else str(found[0])


def next_entry(
    connection: sqlite3.Connection, micrograph: int, window: SessionUser, *, done: bool
) -> Entry | None:
    """Return what is to be undone (of the `done`) or redone (of the undone) next, as it was done.

    Raises
    ------
    DamagedRows
        The entry is damaged.
    """
    found = connection.execute(
        "SELECT id, action, removed, added, altered_columns, altered, threshold_altered, "
        f"threshold_before, threshold_after FROM history WHERE {_MINE} ORDER BY clock DESC LIMIT 1",
        (micrograph, int(done), window.token, window.opened),
    ).fetchone()
    if found is None:
        return None
    number, action, removed, added, columns, altered, about_threshold, before, after = found
    threshold = (before, after) if about_threshold else None
    return Entry(number, action, Edit.from_blobs(removed, added, columns, altered, threshold))


def turn(connection: sqlite3.Connection, entry: Entry, window: SessionUser, *, done: bool) -> None:
    """Note that an entry has been undone or redone by a window."""
    connection.execute(
        "UPDATE history SET done = ?, window = ?, clock = ?, at = ? WHERE id = ?",
        (int(done), window.token, counters.tick(connection), _now(), entry.id),
    )
