"""What was done, kept in the file, so that it can be undone after reopening as well.

Whoever has a session open undoes, latest first, what was done by himself and what had been done
when he opened it; what another window did in the meantime is that window's to undo. An action
undone or redone belongs to the window that did so. A new action drops those that could have been
redone instead.

Two tables are such logs: ``history`` holds one log for the marks of each micrograph,
``verdict_history`` one for the verdicts of the whole session. One clock numbers the actions of all.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True)
class SessionUser:
    """Someone who has the session open: a window, a script.

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
        """Return a new user of a session."""
        return cls(_clock(connection))


@dataclass(frozen=True)
class LogEntry:
    """One action of a log.

    Attributes
    ----------
    id
        Its row.
    action
        What was done, in a few words.
    content
        What the log's columns hold of it.
    """

    id: int
    action: str
    content: tuple[Any, ...]


@dataclass(frozen=True)
class UndoLog:
    """The actions that one user may undo and redo; all methods need a transaction but `next_text`.

    Attributes
    ----------
    table
        ``"history"`` or ``"verdict_history"``.
    columns
        Those of its columns that hold what an action did.
    user
        Who undoes and redoes.
    micrograph
        The log is of this micrograph alone; None: of the whole session.
    """

    table: str
    columns: tuple[str, ...]
    user: SessionUser
    micrograph: int | None = None

    def append(self, connection: sqlite3.Connection, action: str, content: tuple[Any, ...]) -> None:
        """Add an action that is being done, with what `columns` are to hold of it."""
        where, values = self._mine(done=False)
        connection.execute(f"DELETE FROM {self.table} WHERE {where}", values)
        row = {
            "clock": _tick(connection),
            "done": 1,
            "window": self.user.token,
            "at": _now(),
            "action": action,
            **dict(zip(self.columns, content, strict=True)),
        }
        if self.micrograph is not None:
            row["micrograph"] = self.micrograph
        connection.execute(
            f"INSERT INTO {self.table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            tuple(row.values()),
        )

    def next_text(self, connection: sqlite3.Connection, *, done: bool) -> str | None:
        """Return the action to be undone (of the ``done``) or redone (of the undone) next."""
        entry = self._latest(connection, ("action",), done=done)
        return None if entry is None else str(entry[0])

    def next_entry(self, connection: sqlite3.Connection, *, done: bool) -> LogEntry | None:
        """Return what is to be undone (of the ``done``) or redone (of the undone) next."""
        entry = self._latest(connection, ("id", "action", *self.columns), done=done)
        return None if entry is None else LogEntry(entry[0], entry[1], entry[2:])

    def turn(self, connection: sqlite3.Connection, entry: LogEntry, *, done: bool) -> None:
        """Note that the user has redone (``done``) or undone an entry."""
        connection.execute(
            f"UPDATE {self.table} SET done = ?, window = ?, clock = ?, at = ? WHERE id = ?",
            (int(done), self.user.token, _tick(connection), _now(), entry.id),
        )

    def _latest(
        self, connection: sqlite3.Connection, columns: tuple[str, ...], *, done: bool
    ) -> tuple[Any, ...] | None:
        where, values = self._mine(done=done)
        found: tuple[Any, ...] | None = connection.execute(
            f"SELECT {', '.join(columns)} FROM {self.table} WHERE {where} "
            "ORDER BY clock DESC LIMIT 1",
            values,
        ).fetchone()
        return found

    def _mine(self, *, done: bool) -> tuple[str, tuple[int | str, ...]]:
        """Return which rows are the user's to turn, for a WHERE, with its values."""
        where = "done = ? AND (window = ? OR clock <= ?)"
        values = (int(done), self.user.token, self.user.opened)
        if self.micrograph is None:
            return where, values
        return f"micrograph = ? AND {where}", (self.micrograph, *values)


def _clock(connection: sqlite3.Connection) -> int:
    """Return how many actions, undoings and redoings there have been."""
    (now,) = connection.execute("SELECT clock FROM counters").fetchone()
    return int(now)


def _tick(connection: sqlite3.Connection) -> int:
    """Advance the clock by one; return what it shows then."""
    connection.execute("UPDATE counters SET clock = clock + 1")
    return _clock(connection)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
