"""The tables of a session file, and how an older file becomes a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

APPLICATION_ID = 0x6E326E53
"""Marks an SQLite file as ours ("n2nS"), in ``PRAGMA application_id``."""

# OR, not IN: SQLite builds the list of an IN anew for every row written, which takes three times
# as long as the writing.
_FIRST = (
    """
    CREATE TABLE micrographs (
        id INTEGER PRIMARY KEY,
        path TEXT UNIQUE,            -- from the session's folder, with /; NULL: no file
        name TEXT NOT NULL,
        height_px INTEGER NOT NULL,
        width_px INTEGER NOT NULL,
        pixel_size_angstrom REAL,
        threshold REAL,              -- lowest score shown; NULL: all
        unlabelled INTEGER NOT NULL DEFAULT 0,
        intact INTEGER NOT NULL DEFAULT 0,
        broken INTEGER NOT NULL DEFAULT 0,
        contaminant INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE UNIQUE INDEX micrographs_without_file ON micrographs (name, height_px, width_px)
    WHERE path IS NULL
    """,
    """
    CREATE TABLE particles (
        id INTEGER PRIMARY KEY,      -- never given twice
        micrograph INTEGER NOT NULL REFERENCES micrographs (id),
        x_px REAL NOT NULL,          -- the first pixel's centre is (0, 0); y counts rows
        y_px REAL NOT NULL,
        score REAL,                  -- NULL: not picked by a program
        label TEXT NOT NULL
            CHECK (label = 'unlabelled' OR label = 'intact' OR label = 'broken'
                OR label = 'contaminant'),
        given_by TEXT NOT NULL       -- who gave the label, or the particle where it has none
            CHECK (given_by = 'person' OR given_by = 'picker' OR given_by = 'suggestion'),
        placed_by TEXT NOT NULL      -- who put it there or moved it last
            CHECK (placed_by = 'person' OR placed_by = 'picker' OR placed_by = 'suggestion')
    )
    """,
    "CREATE INDEX particles_of_micrograph ON particles (micrograph)",
    """
    CREATE TABLE history (
        id INTEGER PRIMARY KEY,
        micrograph INTEGER NOT NULL REFERENCES micrographs (id),
        clock INTEGER NOT NULL,      -- when it was last done, undone or redone, in actions
        done INTEGER NOT NULL,       -- 0: undone, may be redone
        window TEXT NOT NULL,        -- who did, undid or redid it
        at TEXT NOT NULL,            -- UTC
        action TEXT NOT NULL,
        removed BLOB NOT NULL,       -- rows as they were
        added BLOB NOT NULL,         -- rows as they came
        altered_columns TEXT NOT NULL,
        altered BLOB NOT NULL,       -- id, and each altered column before and after
        threshold_altered INTEGER NOT NULL DEFAULT 0,
        threshold_before REAL,
        threshold_after REAL
    )
    """,
    "CREATE INDEX history_of_micrograph ON history (micrograph, clock)",
    """
    CREATE TABLE descriptors (
        particle INTEGER NOT NULL,
        kind TEXT NOT NULL,
        x_px REAL NOT NULL,          -- where it was measured
        y_px REAL NOT NULL,
        vector BLOB NOT NULL,        -- float32, little-endian
        PRIMARY KEY (particle, kind)
    )
    """,
    "CREATE INDEX descriptors_of_kind ON descriptors (kind)",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE counters (clock INTEGER NOT NULL, next_particle INTEGER NOT NULL)",
    "INSERT INTO counters VALUES (0, 1)",
)


def _create(connection: sqlite3.Connection) -> None:
    for statement in _FIRST:
        connection.execute(statement)


_SCREENING = (
    """
    CREATE TABLE processing (        -- no row: waiting
        micrograph INTEGER PRIMARY KEY REFERENCES micrographs (id),
        state TEXT NOT NULL
            CHECK (state = 'waiting' OR state = 'working' OR state = 'done' OR state = 'failed'),
        message TEXT NOT NULL,       -- why it failed
        acquired REAL,               -- the file's time, seconds since the epoch
        made_with TEXT NOT NULL,     -- digest of content and settings; empty: never made
        figures TEXT NOT NULL        -- JSON: name to number, those that are known
    )
    """,
    """
    CREATE TABLE verdicts (          -- no row: undecided
        micrograph INTEGER PRIMARY KEY REFERENCES micrographs (id),
        verdict TEXT NOT NULL CHECK (verdict = 'keep' OR verdict = 'reject'),
        reason TEXT NOT NULL,
        given_by TEXT NOT NULL,
        at TEXT NOT NULL             -- UTC
    )
    """,
    """
    CREATE TABLE verdict_history (
        id INTEGER PRIMARY KEY,
        clock INTEGER NOT NULL,      -- when it was last done, undone or redone, in actions
        done INTEGER NOT NULL,       -- 0: undone, may be redone
        window TEXT NOT NULL,        -- who did, undid or redid it
        at TEXT NOT NULL,            -- UTC
        action TEXT NOT NULL,
        after TEXT NOT NULL,         -- JSON: verdict, reason, given_by, at
        before TEXT NOT NULL         -- JSON: list of the same with a list of micrographs
    )
    """,
    "CREATE INDEX verdict_history_in_turn ON verdict_history (done, clock)",
)


def _add_screening(connection: sqlite3.Connection) -> None:
    for statement in _SCREENING:
        connection.execute(statement)


_ORIGINS = (
    # By how much the specimen was elsewhere in a movie's first frame, from where it is in the sum.
    "ALTER TABLE micrographs ADD COLUMN first_frame_y_px REAL",
    "ALTER TABLE micrographs ADD COLUMN first_frame_x_px REAL",
    """
    CREATE TABLE star_lists (        -- of STAR files that named the micrographs
        id INTEGER PRIMARY KEY,
        content TEXT NOT NULL UNIQUE -- JSON: block, labels, version, optics
    )
    """,
    """
    CREATE TABLE star_rows (
        micrograph INTEGER PRIMARY KEY REFERENCES micrographs (id),
        list INTEGER NOT NULL REFERENCES star_lists (id),
        line TEXT NOT NULL           -- as it stood in the file
    )
    """,
)


def _add_origins(connection: sqlite3.Connection) -> None:
    for statement in _ORIGINS:
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create,
    _add_screening,
    _add_origins,
)
"""Step ``i`` makes a file of version ``i`` one of version ``i + 1``; the last one's is today's.

A step that stands in a release is never changed: what comes later is a step of its own, and only
adds columns and tables where it can. All steps of an upgrade are one transaction.
"""


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file of ``version`` up to date; the caller has begun a transaction and ends it."""
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
