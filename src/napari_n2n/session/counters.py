"""Numbers that a session file gives out once only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import sqlite3

    from napari_n2n.session.rows import Ids


def new_ids(connection: sqlite3.Connection, number: int) -> Ids:
    """Return (number,) ids that no particle of the session has or had."""
    (first,) = connection.execute("SELECT next_particle FROM counters").fetchone()
    connection.execute("UPDATE counters SET next_particle = next_particle + ?", (number,))
    return np.arange(first, first + number, dtype=np.int64)
