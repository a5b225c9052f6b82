"""Verdicts on micrographs: keep or reject, why, by whom and when; and what was decided before."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.session.micrographs import checked_ids, require_known
from napari_n2n.session.paths import storable
from napari_n2n.session.records import VERDICTS, Verdict, VerdictChange, counted
from napari_n2n.session.rows import DamagedRows
from napari_n2n.session.undo_log import SessionUser, UndoLog

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from napari_n2n.session.database import Database
    from napari_n2n.session.rows import Ids


class Judgement(NamedTuple):
    """What holds for one micrograph; ``at`` is UTC in ISO 8601."""

    verdict: str
    reason: str
    given_by: str
    at: str


UNDECIDED = Judgement("undecided", "", "", "")

_LONGEST = 200


class Verdicts:
    """Which micrographs of a session are kept, which rejected, and why; undecided ones have none.

    What holds is told by `Micrographs.overview`, and micrographs are named by its ids. A verdict is
    on the disk when `give` returns. There is one undo log for the whole session, in which giving
    one verdict to many micrographs is one action.

    Parameters
    ----------
    database
        Keeps them.
    user
        Whose verdicts are undone.
    """

    def __init__(self, database: Database, user: SessionUser) -> None:
        self._database = database
        self._log = UndoLog("verdict_history", ("after", "before"), user)

    def give(
        self, ids: ArrayLike, verdict: Verdict, *, reason: str = "", given_by: str = ""
    ) -> VerdictChange:
        """Keep or reject micrographs, or leave them undecided.

        Those that have this verdict already, for the same reason and from the same person, are
        left alone.

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
        wanted = _wished(verdict, reason, given_by or login_name())
        numbers = checked_ids(ids)
        with self._database.writing() as connection:
            require_known(connection, self._database.path, numbers.tolist())
            held = _held(connection, numbers)
            # A second look at the clock is no change, a second person is.
            changed = {number: old for number, old in held.items() if old[:3] != wanted[:3]}
            if changed:
                numbers = np.array(list(changed), np.int64)
            action = _told(connection, numbers, wanted)
            if not changed:
                return VerdictChange(action)
            _hold(connection, dict.fromkeys(changed, wanted))
            self._log.append(connection, action, (json.dumps(wanted), _grouped(changed)))
        return VerdictChange(action, numbers)

    def undo(self) -> VerdictChange | None:
        """Take back what was given last in this window, to any micrographs; None if nothing was.

        Once there is none left, what had been given when the session was opened comes. What
        another window has judged since keeps that verdict: `VerdictChange.note` says so.
        """
        return self._turn(done=False)

    def redo(self) -> VerdictChange | None:
        """Give again what was taken back last; None if there is nothing. Compare `undo`."""
        return self._turn(done=True)

    def undo_text(self) -> str | None:
        """Return the action that `undo` would undo, None if there is none."""
        with self._database.reading() as connection:
            return self._log.next_text(connection, done=True)

    def redo_text(self) -> str | None:
        """Return the action that `redo` would do again, None if there is none."""
        with self._database.reading() as connection:
            return self._log.next_text(connection, done=False)

    def _turn(self, *, done: bool) -> VerdictChange | None:
        with self._database.writing() as connection:
            entry = self._log.next_entry(connection, done=not done)
            if entry is None:
                return None
            after_text, before_text = entry.content
            before = _ungrouped(before_text)
            after = dict.fromkeys(before, _judgement(after_text))
            source, target = (before, after) if done else (after, before)
            held = _held(connection, np.array(list(before), np.int64))
            possible = {i: target[i] for i in before if held[i] == source[i]}
            others = sum(held[i] not in (source[i], target[i]) for i in before)
            _hold(connection, possible)
            self._log.turn(connection, entry, done=done)
        return VerdictChange(entry.action, np.array(list(possible), np.int64), _left(others))


def login_name() -> str:
    """Return who is logged in, "unknown" where the computer does not say."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        # A container may run under a number that has no name.
        return "unknown"


def _wished(verdict: Verdict, reason: str, given_by: str) -> Judgement:
    """Return the judgement that somebody gives now; an undecided one has no reason or giver.

    Raises
    ------
    BadValue
        The verdict is none of `VERDICTS`, or a text has several lines or over 200 characters.
    """
    if verdict not in VERDICTS:
        raise BadValue(f"A verdict is {', '.join(VERDICTS[:-1])} or {VERDICTS[-1]}.")
    reason, given_by = storable(reason.strip()), storable(given_by.strip())
    # An overview gives each of 20,000 micrographs the room of the longest.
    if any(len(text.splitlines()) > 1 or len(text) > _LONGEST for text in (reason, given_by)):
        raise BadValue(
            "The reason and the name of who judges are one line each, of up to "
            f"{_LONGEST} characters."
        )
    if verdict == UNDECIDED.verdict:
        return UNDECIDED
    return Judgement(
        verdict, reason, given_by, datetime.now(UTC).isoformat(timespec="microseconds")
    )


def _left(number: int) -> str:
    if not number:
        return ""
    be, their = ("was", "its verdict") if number == 1 else ("were", "their verdicts")
    keep = "keeps" if number == 1 else "keep"
    since = "judged in another window since"
    return f"{counted(number, 'micrograph')} {be} {since} and {keep} {their}."


def _told(connection: sqlite3.Connection, ids: Ids, wanted: Judgement) -> str:
    """Return the action in a few words; one micrograph is called by its name."""
    what = counted(len(ids), "micrograph")
    if len(ids) == 1:
        (what,) = connection.execute(
            "SELECT name FROM micrographs WHERE id = ?", (int(ids[0]),)
        ).fetchone()
    if wanted == UNDECIDED:
        return f"Leave {what} undecided"
    reason = f" ({wanted.reason})" if wanted.reason else ""
    return f"{wanted.verdict.capitalize()} {what}{reason}"


def _held(connection: sqlite3.Connection, ids: Ids) -> dict[int, Judgement]:
    """Return what holds for each of (n,) micrographs, in their order."""
    numbers = ids.tolist()
    found = connection.execute(
        "SELECT micrograph, verdict, reason, given_by, at FROM verdicts "
        "WHERE micrograph IN (SELECT value FROM json_each(?))",
        (json.dumps(numbers),),
    )
    known = {number: Judgement(*judgement) for number, *judgement in found}
    return {number: known.get(number, UNDECIDED) for number in numbers}


def _hold(connection: sqlite3.Connection, judgements: Mapping[int, Judgement]) -> None:
    connection.executemany(
        "DELETE FROM verdicts WHERE micrograph = ?",
        ((number,) for number, judgement in judgements.items() if judgement == UNDECIDED),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO verdicts (micrograph, verdict, reason, given_by, at) "
        "VALUES (?, ?, ?, ?, ?)",
        (
            (number, *judgement)
            for number, judgement in judgements.items()
            if judgement != UNDECIDED
        ),
    )


def _grouped(judgements: Mapping[int, Judgement]) -> str:
    """Return JSON in which what many micrographs have in common stands once."""
    groups: dict[Judgement, list[int]] = {}
    for number, judgement in judgements.items():
        groups.setdefault(judgement, []).append(number)
    return json.dumps([[*judgement, numbers] for judgement, numbers in groups.items()])


def _ungrouped(text: str) -> dict[int, Judgement]:
    try:
        return {
            int(number): _checked(judgement)
            for *judgement, numbers in json.loads(text)
            for number in numbers
        }
    except (TypeError, ValueError) as error:
        raise DamagedRows(str(error)) from error


def _judgement(text: str) -> Judgement:
    try:
        return _checked(json.loads(text))
    except (TypeError, ValueError) as error:
        raise DamagedRows(str(error)) from error


def _checked(parts: list[str]) -> Judgement:
    judgement = Judgement(*parts)
    if judgement.verdict not in VERDICTS or not all(isinstance(part, str) for part in parts):
        raise ValueError("an impossible verdict")
    return judgement
