"""Verdicts on micrographs: keep or reject, why, by whom and when; and what was decided before.

There is one history of verdicts for the whole session. Whose turn it is to be undone follows the
rule of `napari_n2n.session.undo_log`, with which it shares the clock.
"""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.session.places import storable
from napari_n2n.session.records import VERDICTS, Verdict, VerdictChange, counted
from napari_n2n.session.rows import DamagedRows
from napari_n2n.session.undo_log import SessionUser, UndoLog

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from napari_n2n.session.rows import Ids


class Judgement(NamedTuple):
    """What holds for one micrograph; `at` is UTC in ISO 8601."""

    verdict: str
    reason: str
    given_by: str
    at: str


UNDECIDED = Judgement("undecided", "", "", "")

_LONGEST = 200


def _log(user: SessionUser) -> UndoLog:
    return UndoLog("verdict_history", ("after", "before"), user)


def login_name() -> str:
    """Return who is logged in, "unknown" where the computer does not say."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        # A container may run under a number that has no name.
        return "unknown"


def wished(verdict: Verdict, reason: str, given_by: str) -> Judgement:
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


def judge(
    connection: sqlite3.Connection, ids: Ids, wanted: Judgement, user: SessionUser
) -> VerdictChange:
    """Give (n,) micrographs a verdict; those that have the same one already are left alone."""
    held = _held(connection, ids)
    # A second look at the clock is no change, a second person is.
    changed = {number: old for number, old in held.items() if old[:3] != wanted[:3]}
    numbers = np.array(list(changed), np.int64)
    judged = VerdictChange(_told(connection, numbers if len(numbers) else ids, wanted), numbers)
    if not judged:
        return judged
    _hold(connection, dict.fromkeys(changed, wanted))
    _log(user).append(connection, judged.action, (json.dumps(wanted), _grouped(changed)))
    return judged


def next_text(connection: sqlite3.Connection, user: SessionUser, *, done: bool) -> str | None:
    """Return the action that would be undone (of the `done`) or redone (of the undone)."""
    return _log(user).next_text(connection, done=done)


def turn(connection: sqlite3.Connection, user: SessionUser, *, done: bool) -> VerdictChange | None:
    """Undo the last action, or redo (`done`) what was undone last; None if there is none.

    A micrograph that somebody else has judged since keeps that verdict.

    Raises
    ------
    DamagedRows
        The entry is damaged.
    """
    log = _log(user)
    entry = log.next_entry(connection, done=not done)
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
    log.turn(connection, entry, done=done)
    return VerdictChange(entry.action, np.array(list(possible), np.int64), _left(others))


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
