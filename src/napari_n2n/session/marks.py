"""The particles that were marked on the micrographs of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io.particles import Giver, Particles
from napari_n2n.session import descriptors
from napari_n2n.session import particle_edits as edits
from napari_n2n.session.micrographs import unknown_micrograph
from napari_n2n.session.particle_table import RowCache, new_ids, write_edit
from napari_n2n.session.records import ParticleChange, StoredParticles, counted
from napari_n2n.session.rows import EDIT_COLUMNS, Edit, particles_of
from napari_n2n.session.undo_log import SessionUser, UndoLog

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.session.database import Database
    from napari_n2n.session.particle_edits import PlannedEdit
    from napari_n2n.session.rows import Rows


class ParticleMarks:
    """The particles on each micrograph of a session, their labels, and the threshold of scores.

    Micrographs are named by their ids, see `Micrographs.find_or_add`, particles by theirs. Every
    edit is on the disk when the method returns, and each micrograph has its own actions to `undo`
    and to `redo`. To read or edit the particles of a micrograph that the session does not have
    raises `BadValue`.

    Parameters
    ----------
    database
        Keeps them.
    user
        Whose edits are undone.
    """

    def __init__(self, database: Database, user: SessionUser) -> None:
        self._database = database
        self._user = user
        self._cache = RowCache()

    def particles(self, micrograph: int) -> StoredParticles:
        """Return the particles of a micrograph in the order of their ids."""
        with self._database.reading() as connection:
            self._threshold(connection, micrograph)
            rows = self._cache.rows(connection, int(micrograph))
        return StoredParticles(np.array(rows["id"]), particles_of(rows))

    def threshold(self, micrograph: int) -> float | None:
        """Return the lowest score to be shown; None: all."""
        with self._database.reading() as connection:
            return self._threshold(connection, micrograph)

    def _threshold(self, connection: sqlite3.Connection, micrograph: int) -> float | None:
        found = connection.execute(
            "SELECT threshold FROM micrographs WHERE id = ?", (int(micrograph),)
        ).fetchone()
        if found is None:
            raise unknown_micrograph(self._database.path, micrograph)
        threshold: float | None = found[0]
        return threshold

    # Editing ------------------------------------------------------------------------------------

    def add(self, micrograph: int, particles: Particles, action: str = "add") -> ParticleChange:
        """Add particles; ``action`` is the verb by which it is told ("Add 3 particles")."""

        def make(connection: sqlite3.Connection, _: Rows) -> PlannedEdit:
            return edits.adding(particles, new_ids(connection, len(particles)), action)

        return self._edit(micrograph, make)

    def move(
        self, micrograph: int, ids: ArrayLike, centres_px: ArrayLike, *, moved_by: Giver = "person"
    ) -> ParticleChange:
        """Move particles to (n, 2) y, x; what a person has moved, a new pick leaves alone.

        Raises
        ------
        BadValue
            Impossible ids or centres, or not as many of the ones as of the others.
        """
        wanted = edits.checked_ids(ids)
        centres = Particles(np.asarray(centres_px, np.float64)).centres_px
        if len(centres) != len(wanted):
            raise BadValue(f"{counted(len(wanted))} cannot have {len(centres)} centres.")
        return self._edit(micrograph, lambda _, rows: edits.moving(rows, wanted, centres, moved_by))

    def relabel(
        self, micrograph: int, ids: ArrayLike, labels: ArrayLike, given_by: Giver = "person"
    ) -> ParticleChange:
        """Label particles with one label or (n,) labels.

        A label that a person gave is changed by a person only: where ``given_by`` is anyone else,
        those particles are skipped.

        Raises
        ------
        BadValue
            Impossible ids, labels or giver, or not as many labels as ids.
        """
        wanted = edits.checked_ids(ids)
        texts = (
            np.broadcast_to(np.asarray(labels), wanted.shape) if np.ndim(labels) == 0 else labels
        )
        givers = np.full(len(wanted), given_by)
        checked = Particles(np.zeros((len(wanted), 2)), np.asarray(texts), given_by=givers)
        return self._edit(micrograph, lambda _, rows: edits.labelling(rows, wanted, checked))

    def delete(self, micrograph: int, ids: ArrayLike) -> ParticleChange:
        """Delete particles; undoing brings them back under the same ids.

        Raises
        ------
        BadValue
            Impossible ids.
        """
        wanted = edits.checked_ids(ids)
        return self._edit(micrograph, lambda _, rows: edits.deleting(rows, wanted))

    def replace_picks(
        self, micrograph: int, particles: Particles, *, distance_px: float = 0.0
    ) -> ParticleChange:
        """Put a new pick in the place of the last one.

        What a person has added, moved or labelled stays. Of the new ones, those less than
        ``distance_px`` from such a one are left out.
        """

        def make(connection: sqlite3.Connection, rows: Rows) -> PlannedEdit:
            ids = new_ids(connection, len(particles))
            return edits.repicking(rows, particles, ids, distance_px)

        return self._edit(micrograph, make)

    def set_threshold(self, micrograph: int, score: float | None) -> ParticleChange:
        """Set the lowest score to be shown; None shows all.

        Raises
        ------
        BadValue
            The score is no finite number.
        """
        wanted = None if score is None else float(score)
        if wanted is not None and not np.isfinite(wanted):
            raise BadValue("The threshold must be a number.")
        return self._edit(
            micrograph,
            lambda connection, _: edits.thresholding(
                self._threshold(connection, micrograph), wanted
            ),
        )

    def _edit(
        self, micrograph: int, make: Callable[[sqlite3.Connection, Rows], PlannedEdit]
    ) -> ParticleChange:
        """Do what ``make`` plans for the rows as they are; what changes nothing is not kept."""
        # SQLite would take a number of numpy's, as in an overview's ids, for a BLOB.
        micrograph = int(micrograph)
        with self._database.lock:
            with self._database.writing() as connection:
                self._threshold(connection, micrograph)
                rows = self._cache.rows(connection, micrograph)
                planned = make(connection, rows)
                edit = planned.edit
                if edit.is_empty:
                    return planned.change(micrograph)
                after = edit.applied(rows)
                write_edit(connection, micrograph, edit, after)
                self._log(micrograph).append(connection, planned.action, edit.packed())
            self._cache.committed(micrograph, after)
        return planned.change(micrograph)

    # Undo ---------------------------------------------------------------------------------------

    def undo(self, micrograph: int) -> ParticleChange | None:
        """Undo the last action; None if there is none.

        What another window has changed since stays as it is: `ParticleChange.note` says so.
        """
        return self._turn(micrograph, done=False)

    def redo(self, micrograph: int) -> ParticleChange | None:
        """Do again what was undone last; None if there is nothing. Compare `undo`."""
        return self._turn(micrograph, done=True)

    def undo_text(self, micrograph: int) -> str | None:
        """Return the action that `undo` would undo, None if there is none."""
        with self._database.reading() as connection:
            return self._log(micrograph).next_text(connection, done=True)

    def redo_text(self, micrograph: int) -> str | None:
        """Return the action that `redo` would do again, None if there is none."""
        with self._database.reading() as connection:
            return self._log(micrograph).next_text(connection, done=False)

    def _turn(self, micrograph: int, *, done: bool) -> ParticleChange | None:
        micrograph = int(micrograph)
        log = self._log(micrograph)
        with self._database.lock:
            with self._database.writing() as connection:
                threshold = self._threshold(connection, micrograph)
                entry = log.next_entry(connection, done=not done)
                if entry is None:
                    return None
                rows = self._cache.rows(connection, micrograph)
                kept = Edit.unpacked(entry.content)
                wanted = kept if done else kept.reversed()
                edit, skipped = wanted.possible(rows, threshold)
                after = edit.applied(rows)
                write_edit(connection, micrograph, edit, after)
                log.turn(connection, entry, done=done)
            self._cache.committed(micrograph, after)
        return edits.turned(entry.action, wanted, edit, skipped).change(micrograph)

    def _log(self, micrograph: int) -> UndoLog:
        return UndoLog("history", EDIT_COLUMNS, self._user, int(micrograph))

    # What marks teach ---------------------------------------------------------------------------

    def remember(
        self,
        ids: ArrayLike,
        values: ArrayLike,
        kind: str,
        *,
        centres_px: ArrayLike | None = None,
    ) -> None:
        """Keep descriptors of particles, so that they teach on other micrographs as well.

        Parameters
        ----------
        ids
            (n,) particles of any micrographs; those no longer there are left out.
        values
            (n, d) finite numbers, kept as float32.
        kind
            What was measured; what is kept under one kind has one d.
        centres_px
            (n, 2) y, x where it was measured, if that may not be where the particles are now.
            A descriptor counts only while its particle is where it was measured.

        Raises
        ------
        BadValue
            Values of a wrong shape, or not finite.
        """
        wanted = edits.checked_ids(ids)
        centres = None if centres_px is None else Particles(np.asarray(centres_px)).centres_px
        with self._database.writing() as connection:
            descriptors.remember(connection, wanted, np.asarray(values, np.float32), kind, centres)

    def examples(self, kind: str) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
        """Return (n, d) descriptors and (n,) labels of all particles labelled by a person.

        Of every micrograph, in the order of their ids; (0, 0) and (0,) where there are none.
        """
        with self._database.reading() as connection:
            return descriptors.examples(connection, kind)
