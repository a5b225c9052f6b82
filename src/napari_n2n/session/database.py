"""One SQLite file: opened safely, written in transactions, its failures told in sentences."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import FileProblem, UnreadableFile, WriteProblem
from napari_n2n.session import schema
from napari_n2n.session.paths import on_network
from napari_n2n.session.rows import DamagedRows

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_SECONDS = 5.0
"""How long to wait for another window that is writing."""

_CHECKED_BYTES = 32 * 2**20  # checking takes 2 to 4 ms a megabyte

_WRITE_FAULTS = {
    sqlite3.SQLITE_FULL: (
        "could not be written (the disk is full)",
        "Free some space and do it again; what was kept before is safe.",
    ),
    sqlite3.SQLITE_READONLY: ("is read-only", "Keep the session in a folder you may write to."),
    sqlite3.SQLITE_PERM: ("is read-only", "Keep the session in a folder you may write to."),
    sqlite3.SQLITE_BUSY: (
        "is being written by another program",
        "Wait until that has finished, or close it, and do it again.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "could not be opened for writing",
        "Keep the session in a folder that exists and that you may write to.",
    ),
    sqlite3.SQLITE_PROTOCOL: (
        "lies on a disk where files cannot be locked",
        "Keep the session on another disk.",
    ),
    sqlite3.SQLITE_TOOBIG: ("could not take that much at once", "Do it in smaller pieces."),
}
_READ_FAULTS = {
    sqlite3.SQLITE_CORRUPT: (
        "is damaged",
        "Put back a copy; failing that, `sqlite3 FILE .recover` saves what can be read.",
    ),
    sqlite3.SQLITE_NOTADB: ("is no session file", "Choose another file, or move this one away."),
}


def problem(error: sqlite3.Error, path: Path) -> FileProblem:
    """Tell what SQLite complains of as one of the project's errors."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    if code == sqlite3.SQLITE_IOERR_LOCK:
        code = sqlite3.SQLITE_PROTOCOL
    code &= 0xFF
    if code in _READ_FAULTS:
        return UnreadableFile(path, *_READ_FAULTS[code])
    if code == sqlite3.SQLITE_LOCKED:
        code = sqlite3.SQLITE_BUSY
    if code in _WRITE_FAULTS:
        return WriteProblem(path, *_WRITE_FAULTS[code])
    if code == sqlite3.SQLITE_IOERR:
        return WriteProblem(
            path, f"could not be read or written ({error})", "Check the disk and do it again."
        )
    return UnreadableFile(path, f"cannot be used ({error})", "Put back a copy of it.")


class Database:
    """A connection to a session file of today's version, to be used by one thread at a time.

    Of a file that may not be written, a copy as of now is read: SQLite's log wants files beside
    it, and the file may be of an older version.

    Parameters
    ----------
    path
        The file; made if it is missing, together with its folder.

    Raises
    ------
    UnreadableFile
        The file is damaged, of another program, or of a newer version; it is untouched.
    WriteProblem
        The file or its folder cannot be written, or is locked for longer than `BUSY_SECONDS`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = threading.RLock()
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise UnreadableFile(path, "is a folder", "Choose a file name for the session.")
            with contextlib.suppress(FileNotFoundError), path.open("rb") as handle:
                start = handle.read(16)
                if start and start != b"SQLite format 3\0":
                    raise UnreadableFile(path, *_READ_FAULTS[sqlite3.SQLITE_NOTADB])
            if path.is_file() and not _may_be_written(path):
                self._copy = tempfile.TemporaryDirectory(prefix="napari-n2n-")
                # With what a writer left unfinished, that SQLite may put it in order.
                for end in ("", "-wal", "-journal"):
                    part = path.with_name(path.name + end)
                    if part.is_file():
                        shutil.copyfile(part, Path(self._copy.name) / part.name)
        except OSError as error:
            raise WriteProblem(
                path,
                f"could not be opened ({error.strerror or error})",
                "Keep the session in a folder you may write to.",
            ) from error
        self._at = path if self._copy is None else Path(self._copy.name) / path.name
        try:
            # The lock above does what sqlite3's own thread check would.
            self._connection: sqlite3.Connection | None = sqlite3.connect(
                self._at, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise problem(error, path) from error
        try:
            self._prepare(self._connection)
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise problem(error, path) from error
            raise
        self._file = self._identity()

    def _prepare(self, connection: sqlite3.Connection) -> None:
        version = self._version(connection)
        size_bytes = self._at.stat().st_size
        if version and size_bytes <= _CHECKED_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise UnreadableFile(self.path, *_READ_FAULTS[sqlite3.SQLITE_CORRUPT])
        self._choose_journal(connection, is_new=version == 0)
        # FULL: a commit returns when the disk has it. Sorting and rolling back need no disk.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA cache_size = -32768")
        connection.execute(f"PRAGMA journal_size_limit = {16 * 2**20}")
        if version < len(schema.MIGRATIONS):
            connection.execute("BEGIN IMMEDIATE")
            try:
                # Another window may have been quicker.
                version = self._version(connection)
                if version < len(schema.MIGRATIONS):
                    schema.migrate(connection, version)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def _version(self, connection: sqlite3.Connection) -> int:
        """Return the file's version, 0 for an empty one; refuse what is not ours or newer."""
        # All three as of one moment: another window may be making the tables just now.
        alone = not connection.in_transaction
        if alone:
            connection.execute("BEGIN")
        try:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            if alone:
                _roll_back(connection)
        if application != schema.APPLICATION_ID and (application or version or tables):
            raise UnreadableFile(
                self.path,
                "is an SQLite file of another program",
                "Choose another file, or move this one away.",
            )
        if version > len(schema.MIGRATIONS):
            raise UnreadableFile(
                self.path,
                f"was written by a newer napari-n2n (session version {version}, this one knows "
                f"{len(schema.MIGRATIONS)})",
                "Update napari-n2n; the file is untouched.",
            )
        return int(version)

    def _choose_journal(self, connection: sqlite3.Connection, *, is_new: bool) -> None:
        """Use the write-ahead log where it is safe, a rollback journal elsewhere.

        A file that was once used over a network keeps its rollback journal when it is opened on
        the computer that has the disk: others may still have it open over the network.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
                local = not on_network(self._at.parent)
                wanted = "wal" if local and (is_new or mode == "wal") else "truncate"
                connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
            except sqlite3.OperationalError as error:
                # SQLite does not wait here by itself while two windows make the same file.
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return

    @property
    def read_only(self) -> bool:
        """Whether the file may not be written."""
        return self._copy is not None

    def require_writable(self) -> None:
        """Make sure that the file may be written.

        Raises
        ------
        WriteProblem
            It may not.
        """
        if self.read_only:
            raise WriteProblem(self.path, *_WRITE_FAULTS[sqlite3.SQLITE_READONLY])

    def _identity(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)  # noqa: PTH116 (before every mark: Path.stat is slower)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise WriteProblem(self.path, "is closed", "Open the session again.")
        return self._connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for SELECTs; SQLite's errors become the project's."""
        with self.lock:
            connection = self._open_connection()
            try:
                yield connection
            except sqlite3.Error as error:
                raise problem(error, self.path) from error
            except DamagedRows as error:
                raise UnreadableFile(self.path, *_READ_FAULTS[sqlite3.SQLITE_CORRUPT]) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction: on disk when the block ends, or not at all."""
        with self.reading() as connection:
            self.require_writable()
            if self._identity() != self._file:
                # Linux would go on writing to a file that no one can find any more.
                raise WriteProblem(
                    self.path,
                    "was moved, deleted or replaced while it was open",
                    "Open the session again where it is now; this was not kept.",
                )
            connection.execute("BEGIN IMMEDIATE")
            try:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version != len(schema.MIGRATIONS):
                    raise WriteProblem(
                        self.path,
                        "was upgraded by a newer napari-n2n while it was open",
                        "Update napari-n2n here, too, and open the session again.",
                    )
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise

    def data_version(self) -> int:
        """Return a number that another's commit changes and one's own does not."""
        with self.reading() as connection:
            (version,) = connection.execute("PRAGMA data_version").fetchone()
            return int(version)

    def copy_to(self, path: Path) -> None:
        """Write a consistent copy; ``path`` must not be a session in use."""
        with self.reading() as connection:
            copy = sqlite3.connect(path)
            try:
                connection.backup(copy)
            finally:
                copy.close()

    def close(self) -> None:
        """Close; closing twice is no error."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._copy is not None:
                self._copy.cleanup()


def _may_be_written(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo what is not committed; SQLite may have done it already."""
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
