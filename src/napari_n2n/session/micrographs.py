"""The micrographs of a session: found again or added, how far they are, what was measured."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import BadValue, ShapeMismatch
from napari_n2n.session import overviews
from napari_n2n.session import processing_state as processing
from napari_n2n.session.paths import storable, stored_path

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

    from napari_n2n.session.database import Database
    from napari_n2n.session.records import MicrographRecord, Overview, State
    from napari_n2n.session.rows import Ids

_UNREAD = (0, 0)
"""The shape of a file that nobody has opened yet: it may be torn, or still waiting."""


class Micrographs:
    """The micrographs of a session, with their state and their figures.

    Each has an id, by which the other parts of a session know it too. What is written here is on
    the disk when the method returns, and cannot be undone.

    Parameters
    ----------
    database
        Keeps them; files are named from its folder.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_or_add(
        self,
        path_or_name: Path | str,
        *,
        shape: tuple[int, int],
        pixel_size_angstrom: float | None,
    ) -> int:
        """Return the id of a micrograph that was opened, which is added if it is new.

        Parameters
        ----------
        path_or_name
            A `Path`, or an absolute path as text, is a file: it is known by where it lies from
            the session's folder, so that folder may move. Any other text names a picture
            without a file; pictures of one name but of different shapes are different ones.
        shape
            y, x in pixels.
        pixel_size_angstrom
            Replaces what was known, unless it is None: marks are kept in pixels.

        Raises
        ------
        ShapeMismatch
            The file has another shape than the one it was marked in. Its marks remain.
        BadValue
            An impossible shape or pixel size, or no name.
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
            path = stored_path(Path(path_or_name), self._database.path.parent)
            name = path.rsplit("/", 1)[-1]
        with self._database.writing() as connection:
            found = _found(connection, path, name, (height_px, width_px))
            if found is None:
                return _added(connection, path, name, (height_px, width_px), pixel_size_angstrom)
            micrograph, *old_shape, old_pixel_size = found
            if tuple(old_shape) != (height_px, width_px):
                if tuple(old_shape) != _UNREAD and _is_marked(connection, micrograph):
                    raise ShapeMismatch(
                        path_or_name,
                        f"is {shape[0]} × {shape[1]} pixels now, but its particles in "
                        f"{self._database.path.name} were marked when it was "
                        f"{old_shape[0]} × {old_shape[1]}",
                        "Put the earlier file back, or give this one another name to mark it "
                        "afresh.",
                    )
                connection.execute(
                    "UPDATE micrographs SET height_px = ?, width_px = ? WHERE id = ?",
                    (height_px, width_px, micrograph),
                )
            if pixel_size_angstrom is not None and old_pixel_size != pixel_size_angstrom:
                # Marks are in pixels: a corrected pixel size leaves them where they are.
                connection.execute(
                    "UPDATE micrographs SET pixel_size_angstrom = ? WHERE id = ?",
                    (pixel_size_angstrom, micrograph),
                )
        return int(micrograph)

    def add_files(self, paths: Iterable[Path | str]) -> Ids:
        """Return the ids of files, adding those that are new, all in one transaction.

        They need not be readable: their shape is (0, 0) until `find_or_add` tells it.
        """
        folder = self._database.path.parent
        with self._database.writing() as connection:
            ids = [_file_id(connection, stored_path(Path(path), folder)) for path in paths]
        return np.array(ids, np.int64)

    def set_first_frame_shift(self, micrograph: int, shift_px: tuple[float, float] | None) -> None:
        """Keep (y, x) from where the specimen is in a movie's sum to where it was in frame 1.

        Raises
        ------
        BadValue
            There is no such micrograph.
        """
        y_px, x_px = (None, None) if shift_px is None else map(float, shift_px)
        with self._database.writing() as connection:
            require_known(connection, self._database.path, [int(micrograph)])
            connection.execute(
                "UPDATE micrographs SET first_frame_y_px = ?, first_frame_x_px = ? WHERE id = ?",
                (y_px, x_px, int(micrograph)),
            )

    def records(self) -> list[MicrographRecord]:
        """Return all micrographs in the order in which they were added."""
        with self._database.reading() as connection:
            return overviews.records(connection, self._database.path)

    def overview(self, ids: ArrayLike | None = None) -> Overview:
        """Return all micrographs as columns, with their figures, verdicts and counts of particles.

        Parameters
        ----------
        ids
            Only these; what is not there is left out. In either case they stand in the order in
            which they were added.

        Raises
        ------
        BadValue
            Ids that are no whole numbers.
        """
        wanted = None if ids is None else checked_ids(ids)
        with self._database.reading() as connection:
            return overviews.overview(connection, self._database.path, wanted)

    def set_state(self, micrograph: int, state: State, message: str = "") -> None:
        """Keep how far the processing of a micrograph is; ``message`` tells why it failed.

        Its figures stay as they are.

        Raises
        ------
        BadValue
            There is no such micrograph, or the state is none of
            `napari_n2n.session.records.STATES`.
        """
        with self._database.writing() as connection:
            require_known(connection, self._database.path, [int(micrograph)])
            processing.set_state(connection, int(micrograph), state, message)

    def set_figures(
        self,
        micrograph: int,
        figures: Mapping[str, float | None],
        *,
        made_with: str = "",
        acquired: float | None = None,
    ) -> None:
        """Keep what was measured of a micrograph; its state becomes "done".

        Parameters
        ----------
        micrograph
            Its id.
        figures
            Name to number, in the place of all earlier ones; None, NaN and infinite: unknown.
        made_with
            A digest of the file and of the settings, by which `made_with` tells later whether
            the work is to be done again.
        acquired
            The file's time in seconds since the epoch; None leaves what was known.

        Raises
        ------
        BadValue
            There is no such micrograph, a figure has no name, or the time is no number.
        """
        with self._database.writing() as connection:
            require_known(connection, self._database.path, [int(micrograph)])
            processing.set_figures(connection, int(micrograph), figures, made_with, acquired)

    def made_with(self, micrograph: int) -> str:
        """Return the digest given to `set_figures`; empty if there are no figures.

        Raises
        ------
        BadValue
            There is no such micrograph.
        """
        with self._database.reading() as connection:
            require_known(connection, self._database.path, [int(micrograph)])
            return processing.made_with(connection, int(micrograph))


def checked_ids(ids: ArrayLike) -> Ids:
    """Return one id or (n,) ids of micrographs, each once, in the order in which they are named.

    Raises
    ------
    BadValue
        They are no whole numbers.
    """
    given = np.asarray(ids)
    if given.ndim > 1 or (given.size and given.dtype.kind not in "iu"):
        raise BadValue("Micrographs are named by their ids.")
    return np.array(list(dict.fromkeys(np.atleast_1d(given).tolist())), np.int64)


def require_known(connection: sqlite3.Connection, session: Path, ids: list[int]) -> None:
    """Make sure that a session has micrographs of these ids.

    Raises
    ------
    BadValue
        It lacks one.
    """
    known = connection.execute(
        "SELECT id FROM micrographs WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(ids),),
    ).fetchall()
    unknown = set(ids).difference(number for (number,) in known)
    if unknown:
        raise unknown_micrograph(session, min(unknown))


def unknown_micrograph(session: Path, micrograph: int) -> BadValue:
    """Return the error that tells that a session has no such micrograph."""
    return BadValue(f"{session.name} has no micrograph {micrograph}.")


def _is_file(path_or_name: Path | str) -> bool:
    return not isinstance(path_or_name, str) or os.path.isabs(path_or_name)  # noqa: PTH117


def _found(
    connection: sqlite3.Connection, path: str | None, name: str, shape: tuple[int, int]
) -> tuple[int, int, int, float | None] | None:
    """Return id, height, width in px and pixel size in Å; None if there is no such micrograph."""
    where = "path = ?"
    values: list[Any] = [path]
    if path is None:
        where = "path IS NULL AND name = ? AND height_px = ? AND width_px = ?"
        values = [name, *shape]
    found: tuple[int, int, int, float | None] | None = connection.execute(
        f"SELECT id, height_px, width_px, pixel_size_angstrom FROM micrographs WHERE {where}",
        values,
    ).fetchone()
    return found


def _added(
    connection: sqlite3.Connection,
    path: str | None,
    name: str,
    shape: tuple[int, int],
    pixel_size_angstrom: float | None,
) -> int:
    added = connection.execute(
        "INSERT INTO micrographs (path, name, height_px, width_px, pixel_size_angstrom) "
        "VALUES (?, ?, ?, ?, ?)",
        (path, name, *shape, pixel_size_angstrom),
    )
    return int(added.lastrowid or 0)


def _is_marked(connection: sqlite3.Connection, micrograph: int) -> bool:
    """Tell whether there are particles on a micrograph, or an edit could bring some back."""
    (marked,) = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM particles WHERE micrograph = ?1) "
        "OR EXISTS (SELECT 1 FROM history WHERE micrograph = ?1)",
        (micrograph,),
    ).fetchone()
    return bool(marked)


def _file_id(connection: sqlite3.Connection, path: str) -> int:
    found = connection.execute("SELECT id FROM micrographs WHERE path = ?", (path,)).fetchone()
    if found is not None:
        return int(found[0])
    return _added(connection, path, path.rsplit("/", 1)[-1], _UNREAD, None)
