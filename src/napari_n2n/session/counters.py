"""Numbers that a session file gives out once only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3

    from napari_n2n.session.rows import Ids


def clock(connection: sqlite3.Connection) -> int:
    """Return how many actions, undoings and redoings there have been."""
    (now,) = connection.execute("SELECT clock FROM counters").fetchone()
    return int(now)


def tick(connection: sqlite3.Connection) -> int:
    """Advance the clock by one; return what it shows then."""
    connection.execute("UPDATE counters SET clock = clock + 1")
    return clock(connection)


def new_ids(connection: sqlite3.Connection, number: int) -> Ids:
    """Return (number,) ids that no particle of the session has or had."""
    (first,) = connection.execute("SELECT next_particle FROM counters").fetchone()
    connection.execute("UPDATE counters SET next_particle = next_particle + ?", (number,))
    return np.arange(first, first + number, dtype=np.int64)
