"""The micrographs of a session: found again, or added."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import BadValue, ShapeMismatch
from napari_n2n.io.particles import LABELS
from napari_n2n.session.places import found_paths, storable, stored_path
from napari_n2n.session.records import MicrographRecord

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from napari_n2n.session.rows import Ids

_UNKNOWN = (0, 0)
"""The shape of a file that nobody has opened yet: it may be torn, or still waiting."""


def _is_file(path_or_name: Path | str) -> bool:
    return not isinstance(path_or_name, str) or os.path.isabs(path_or_name)  # noqa: PTH117


def find_or_add(
    connection: sqlite3.Connection,
    session: Path,
    path_or_name: Path | str,
    shape: tuple[int, int],
    pixel_size_angstrom: float | None,
) -> int:
    """Return the id of a micrograph; the caller has begun a transaction.

    Raises
    ------
    BadValue
        An empty name, an impossible shape or pixel size.
    ShapeMismatch
        The file has another shape than the one its particles were marked on.
    """
    height_px, width_px = (int(side) for side in shape)
    if height_px < 1 or width_px < 1:
        raise BadValue(f"A micrograph cannot have {height_px} × {width_px} pixels.")
    if pixel_size_angstrom is not None and not 0 < pixel_size_angstrom < float("inf"):
        raise BadValue(f"A pixel size of {pixel_size_angstrom} Å is not possible.")
    if not str(path_or_name):
        raise BadValue("A micrograph needs a path or a name.")
    name, path = storable(str(path_or_name)), None
    if _is_file(path_or_name):
        file = Path(path_or_name)
        path = stored_path(file, session.parent)
        name = path.rsplit("/", 1)[-1]
        found = connection.execute(
            "SELECT id, height_px, width_px, pixel_size_angstrom FROM micrographs WHERE path = ?",
            (path,),
        ).fetchone()
    else:
        found = connection.execute(
            "SELECT id, height_px, width_px, pixel_size_angstrom FROM micrographs "
            "WHERE path IS NULL AND name = ? AND height_px = ? AND width_px = ?",
            (name, height_px, width_px),
        ).fetchone()
    if found is None:
        added = connection.execute(
            "INSERT INTO micrographs (path, name, height_px, width_px, pixel_size_angstrom) "
            "VALUES (?, ?, ?, ?, ?)",
            (path, name, height_px, width_px, pixel_size_angstrom),
        )
        return int(added.lastrowid or 0)
    number, old_height_px, old_width_px, old_pixel_size = found
    if (old_height_px, old_width_px) != (height_px, width_px):
        if (old_height_px, old_width_px) != _UNKNOWN:
            _check_unmarked(connection, session, number, path_or_name, shape, found[1:3])
        connection.execute(
            "UPDATE micrographs SET height_px = ?, width_px = ? WHERE id = ?",
            (height_px, width_px, number),
        )
    if pixel_size_angstrom is not None and old_pixel_size != pixel_size_angstrom:
        # Marks are in pixels: a corrected pixel size leaves them where they are.
        connection.execute(
            "UPDATE micrographs SET pixel_size_angstrom = ? WHERE id = ?",
            (pixel_size_angstrom, number),
        )
    return int(number)


def _check_unmarked(
    connection: sqlite3.Connection,
    session: Path,
    micrograph: int,
    path: Path | str,
    shape: tuple[int, int],
    old_shape: tuple[int, int],
) -> None:
    used = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM particles WHERE micrograph = ?1) "
        "OR EXISTS (SELECT 1 FROM history WHERE micrograph = ?1)",
        (micrograph,),
    ).fetchone()
    if used[0]:
        raise ShapeMismatch(
            path,
            f"is {shape[0]} × {shape[1]} pixels now, but its particles in {session.name} were "
            f"marked when it was {old_shape[0]} × {old_shape[1]}",
            "Put the earlier file back, or give this one another name to mark it afresh.",
        )


def add_files(
    connection: sqlite3.Connection, session: Path, paths: Iterable[Path | str]
) -> list[int]:
    """Return the ids of files, of which those that are new are added without a shape."""
    folder = session.parent
    return [_found_or_added(connection, stored_path(Path(path), folder)) for path in paths]


def _found_or_added(connection: sqlite3.Connection, path: str) -> int:
    found = connection.execute("SELECT id FROM micrographs WHERE path = ?", (path,)).fetchone()
    if found is not None:
        return int(found[0])
    added = connection.execute(
        "INSERT INTO micrographs (path, name, height_px, width_px) VALUES (?, ?, ?, ?)",
        (path, path.rsplit("/", 1)[-1], *_UNKNOWN),
    )
    return int(added.lastrowid or 0)


def check_known(connection: sqlite3.Connection, session: Path, ids: Ids) -> None:
    """Raise BadValue where a micrograph is named that the session does not have."""
    known = connection.execute(
        "SELECT id FROM micrographs WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids.tolist()),),
    ).fetchall()
    unknown = set(ids.tolist()).difference(number for (number,) in known)
    if unknown:
        raise BadValue(f"{session.name} has no micrograph {min(unknown)}.")


def records(connection: sqlite3.Connection, session: Path) -> list[MicrographRecord]:
    """Return all micrographs in the order in which they were added."""
    folder = os.path.realpath(session.parent)
    found = connection.execute(
        "SELECT id, path, name, height_px, width_px, pixel_size_angstrom, threshold, "
        f"{', '.join(LABELS)} FROM micrographs ORDER BY id"
    ).fetchall()
    paths = found_paths((row[1] for row in found), folder)
    return [
        MicrographRecord(
            number,
            path,
            name,
            (height_px, width_px),
            pixel_size,
            threshold,
            dict(zip(LABELS, counts, strict=True)),
        )
        for path, (number, _, name, height_px, width_px, pixel_size, threshold, *counts) in zip(
            paths, found, strict=True
        )
    ]
