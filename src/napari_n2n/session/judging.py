"""The methods of a session that are about whole micrographs: files, figures and verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.session import micrographs, processing, verdicts
from napari_n2n.session.overviews import overview

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import ArrayLike

    from napari_n2n.session.database import Database
    from napari_n2n.session.records import MicrographRecord, Overview, State, Verdict, VerdictChange
    from napari_n2n.session.rows import Ids
    from napari_n2n.session.undo_log import SessionUser


def _checked_ids(ids: ArrayLike) -> Ids:
    given = np.asarray(ids)
    if given.ndim > 1 or (given.size and given.dtype.kind not in "iu"):
        raise BadValue("Micrographs are named by their ids.")
    # Each once, in the order in which they were named.
    return np.array(list(dict.fromkeys(np.atleast_1d(given).tolist())), np.int64)


class Judging:
    """Half of `napari_n2n.session.session.Session`; see there."""

    _database: Database
    _user: SessionUser

    # Micrographs --------------------------------------------------------------------------------

    def micrograph(
        self,
        path_or_name: Path | str,
        *,
        shape: tuple[int, int],
        pixel_size_angstrom: float | None,
    ) -> int:
        """Return the id of a micrograph, which is added if it is new.

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
        with self._database.writing() as connection:
            return micrographs.find_or_add(
                connection, self._database.path, path_or_name, shape, pixel_size_angstrom
            )

    def add_files(self, paths: Iterable[Path | str]) -> Ids:
        """Return the ids of files, adding those that are new, all in one transaction.

        They need not be readable: their shape is (0, 0) until `micrograph` tells it.
        """
        with self._database.writing() as connection:
            added = micrographs.add_files(connection, self._database.path, paths)
        return np.array(added, np.int64)

    def micrographs(self) -> list[MicrographRecord]:
        """Return all micrographs in the order in which they were added."""
        with self._database.reading() as connection:
            return micrographs.records(connection, self._database.path)

    def overview(self, ids: ArrayLike | None = None) -> Overview:
        """Return all micrographs as columns, in the order in which they were added.

        Parameters
        ----------
        ids
            Only these, still in the order in which they were added; what is not there is left
            out.
        """
        wanted = None if ids is None else _checked_ids(ids)
        with self._database.reading() as connection:
            return overview(connection, self._database.path, wanted)

    # Processing ---------------------------------------------------------------------------------

    def set_state(self, micrograph: int, state: State, message: str = "") -> None:
        """Keep how far the processing of a micrograph is; `message` tells why it failed.

        Its figures stay as they are.
        """
        with self._database.writing() as connection:
            self._check_known(connection, micrograph)
            processing.set_state(connection, int(micrograph), state, message)

    def keep_figures(
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
        """
        with self._database.writing() as connection:
            self._check_known(connection, micrograph)
            processing.keep(connection, int(micrograph), figures, made_with, acquired)

    def made_with(self, micrograph: int) -> str:
        """Return the digest given to `keep_figures`; empty if there are no figures."""
        with self._database.reading() as connection:
            self._check_known(connection, micrograph)
            return processing.made_with(connection, int(micrograph))

    # Verdicts -----------------------------------------------------------------------------------

    def judge(
        self, ids: ArrayLike, verdict: Verdict, *, reason: str = "", given_by: str = ""
    ) -> VerdictChange:
        """Keep or reject micrographs, or leave them undecided: one step of the history.

        Parameters
        ----------
        ids
            One id or (n,) ids.
        verdict
            "keep", "reject" or "undecided".
        reason
            One line of up to 200 characters, see `napari_n2n.session.records.REASONS`. An
            undecided one has none.
        given_by
            Who judges; the login name where it is empty.

        Raises
        ------
        BadValue
            Another verdict, a reason of several lines or too long, or a micrograph that is not
            there.
        """
        wanted = verdicts.wished(verdict, reason, given_by or verdicts.login_name())
        numbers = _checked_ids(ids)
        with self._database.writing() as connection:
            micrographs.check_known(connection, self._database.path, numbers)
            return verdicts.judge(connection, numbers, wanted, self._user)

    def undo_verdict_text(self) -> str | None:
        """Return the action that `undo_verdict` would undo, None if there is none."""
        with self._database.reading() as connection:
            return verdicts.next_text(connection, self._user, done=True)

    def redo_verdict_text(self) -> str | None:
        """Return the action that `redo_verdict` would do again, None if there is none."""
        with self._database.reading() as connection:
            return verdicts.next_text(connection, self._user, done=False)

    def undo_verdict(self) -> VerdictChange | None:
        """Undo the last `judge` of this window, of any micrographs; None if there is none.

        Once there are none left, what had been done when the session was opened comes. What
        another window has judged since keeps that verdict: `VerdictChange.note` says so.
        """
        with self._database.writing() as connection:
            return verdicts.turn(connection, self._user, done=False)

    def redo_verdict(self) -> VerdictChange | None:
        """Do again what was undone last; None if there is nothing. Compare `undo_verdict`."""
        with self._database.writing() as connection:
            return verdicts.turn(connection, self._user, done=True)

    def _check_known(self, connection: sqlite3.Connection, micrograph: int) -> None:
        numbers = np.array([int(micrograph)])
        micrographs.check_known(connection, self._database.path, numbers)
