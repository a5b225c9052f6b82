"""The screening of one folder, kept in one SQLite file beside the data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from napari_n2n.io.atomic import write_atomically
from napari_n2n.session.database import Database
from napari_n2n.session.marks import ParticleMarks
from napari_n2n.session.micrographs import Micrographs
from napari_n2n.session.origins import Origins
from napari_n2n.session.undo_log import SessionUser
from napari_n2n.session.verdicts import Verdicts

if TYPE_CHECKING:
    from types import TracebackType


class Session:
    """One session file: its micrographs, the marks on them, the verdicts. See `open`.

    Every method of a session and of its parts that changes something is one transaction: when it
    returns, the change is on the disk; when it raises, nothing has changed and the session remains
    usable. Marks and verdicts can be undone, also after the file was opened again: see
    `napari_n2n.session.undo_log`.

    Any thread may call any method; calls wait for one another. Other processes and other `Session`
    objects may use the same file at the same time: an edit touches only its own particles, and
    `changed_elsewhere` tells when to read anew.

    All methods raise `WriteProblem` where the file cannot be written (disk full, read-only, moved
    away, locked for more than five seconds) and `UnreadableFile` where it is damaged.

    Attributes
    ----------
    micrographs
        The micrographs, their figures, and the overview of all.
    marks
        The particles on them.
    verdicts
        Which of them are kept and which rejected.
    origins
        What a STAR file said of them, from which they came.
    """

    def __init__(self, database: Database) -> None:
        with database.reading() as connection:
            user = SessionUser.opening(connection)
        self._database = database
        self._seen = database.data_version()
        self.micrographs = Micrographs(database)
        self.origins = Origins(database)
        self.marks = ParticleMarks(database, user)
        self.verdicts = Verdicts(database, user)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the session file at ``path``; make it, and its folder, where it is missing.

        Raises
        ------
        UnreadableFile
            The file is damaged, of another program, or of a newer version; it is untouched.
        WriteProblem
            There is none and its folder cannot be written, or it is locked.
        """
        database = Database(Path(path).absolute())
        try:
            return cls(database)
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Close the file; closing twice is no error."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The session's file, absolute."""
        return self._database.path

    @property
    def read_only(self) -> bool:
        """Whether the file may not be written: it can be read, and is so as of its opening."""
        return self._database.read_only

    def require_writable(self) -> None:
        """Make sure that the file may be written.

        Raises
        ------
        WriteProblem
            It may not.
        """
        self._database.require_writable()

    def changed_elsewhere(self) -> bool:
        """Whether another window or process has written since this was last asked, or opened."""
        version = self._database.data_version()
        changed = version != self._seen
        self._seen = version
        return changed

    def copy_to(self, path: Path | str) -> None:
        """Write a copy that is whole, also while somebody marks; ``path`` is overwritten."""
        with write_atomically(path) as temporary:
            self._database.copy_to(temporary)

    def setting(self, key: str, default: Any = None) -> Any:
        """Return what `set_setting` kept."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT value FROM settings WHERE key = ?", (key,)
            ).fetchone()
        return default if found is None else json.loads(found[0])

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a value that JSON can hold, for all windows; it cannot be undone.

        Raises
        ------
        TypeError, ValueError
            JSON cannot hold it.
        """
        text = json.dumps(value, allow_nan=False)
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, text))
