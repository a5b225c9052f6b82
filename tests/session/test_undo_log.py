"""Whose turn it is to be undone, which is one rule for marks and for verdicts."""

from __future__ import annotations

import pytest

from napari_n2n.session.database import Database
from napari_n2n.session.rows import EDIT_COLUMNS, Edit
from napari_n2n.session.undo_log import SessionUser, UndoLog

LOGS = {
    "marks": ("history", EDIT_COLUMNS, Edit().packed()),
    "verdicts": ("verdict_history", ("after", "before"), ("[]", "[]")),
}


@pytest.fixture
def connection(path):
    database = Database(path)
    with database.writing() as connection:
        connection.execute(
            "INSERT INTO micrographs (name, height_px, width_px) VALUES ('a', 9, 9), ('b', 9, 9)"
        )
        yield connection
    database.close()


@pytest.fixture(params=LOGS)
def kept(request):
    """Give a table, its columns, and something for them to hold."""
    return LOGS[request.param]


def log_of(user, kept, micrograph=1):
    table, columns, _ = kept
    return UndoLog(table, columns, user, micrograph if table == "history" else None)


def texts(log, connection):
    return log.next_text(connection, done=True), log.next_text(connection, done=False)


def turn(log, connection, *, done):
    entry = log.next_entry(connection, done=not done)
    log.turn(connection, entry, done=done)
    return entry


def test_the_latest_comes_first_and_a_new_action_drops_what_was_undone(connection, kept):
    log = log_of(SessionUser.opening(connection), kept)
    assert texts(log, connection) == (None, None)
    for action in ("one", "two", "three"):
        log.append(connection, action, kept[2])
    assert [turn(log, connection, done=False).action for _ in range(2)] == ["three", "two"]
    assert texts(log, connection) == ("one", "two")
    again = turn(log, connection, done=True)
    assert (again.action, again.content) == ("two", kept[2])
    log.append(connection, "four", kept[2])
    assert texts(log, connection) == ("four", None)
    assert log.next_entry(connection, done=False) is None


def test_a_user_turns_his_own_and_what_was_there_when_he_came(connection, kept):
    one = log_of(SessionUser.opening(connection), kept)
    one.append(connection, "before", kept[2])
    two = log_of(SessionUser.opening(connection), kept)
    one.append(connection, "by one", kept[2])
    assert texts(two, connection) == ("before", None)
    turn(two, connection, done=False)
    assert texts(two, connection) == (None, "before")
    # What two has undone is two's.
    assert texts(one, connection) == ("by one", None)
    three = log_of(SessionUser.opening(connection), kept)
    assert texts(three, connection) == ("by one", "before")


def test_the_marks_of_each_micrograph_have_a_log_of_their_own(connection):
    kept, user = LOGS["marks"], SessionUser.opening(connection)
    first, second = (log_of(user, kept, micrograph) for micrograph in (1, 2))
    first.append(connection, "on a", kept[2])
    turn(first, connection, done=False)
    second.append(connection, "on b", kept[2])
    assert texts(first, connection) == (None, "on a")
    assert texts(second, connection) == ("on b", None)
