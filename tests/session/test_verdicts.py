"""Verdicts on micrographs are kept, told, undone and redone, by one window and by two."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from napari_n2n.errors import BadValue, UnreadableFile, WriteProblem
from napari_n2n.session import Session


def held(session):
    """Return verdict and reason of every micrograph in a few letters."""
    overview = session.micrographs.overview()
    return [
        f"{verdict} {reason}".strip()
        for verdict, reason in zip(overview.verdicts, overview.reasons, strict=True)
    ]


def test_a_verdict_is_kept_with_its_reason_and_who_gave_it_when(session, files):
    before = datetime.now(UTC)
    session.verdicts.give(files[1], "reject", reason="carbon edge", given_by="Ada")
    session.verdicts.give(files[2:4], "keep")
    session.close()
    with Session.open(session.path) as again:
        overview = again.micrographs.overview()
    assert overview.names == ["a.mrc", "b.mrc", "c.mrc", "d.mrc", "e.mrc"]
    assert overview.verdicts.tolist() == ["undecided", "reject", "keep", "keep", "undecided"]
    assert overview.reasons.tolist() == ["", "carbon edge", "", "", ""]
    assert overview.given_by.tolist() == ["", "Ada", getpass.getuser(), getpass.getuser(), ""]
    assert overview.judged_at[[0, 4]].tolist() == ["", ""]
    at = datetime.fromisoformat(overview.judged_at[1])
    assert before <= at <= before + timedelta(minutes=1)


def test_every_verdict_says_what_it_did(session, files):
    one = session.verdicts.give(files[0], "reject", reason="drift")
    assert one
    assert (one.action, one.ids.tolist()) == ("Reject a.mrc (drift)", [1])
    many = session.verdicts.give(files, "keep")
    assert (many.action, many.ids.tolist()) == ("Keep 5 micrographs", [1, 2, 3, 4, 5])
    back = session.verdicts.give(files[[4, 1]], "undecided")
    assert (back.action, back.ids.tolist()) == ("Leave 2 micrographs undecided", [5, 2])
    assert session.verdicts.undo_text() == "Leave 2 micrographs undecided"
    assert session.verdicts.undo().action == "Leave 2 micrographs undecided"
    assert session.verdicts.redo_text() == "Leave 2 micrographs undecided"


def test_what_changes_nothing_is_no_step(session, files):
    session.verdicts.give(files[:3], "reject", reason="drift", given_by="Ada")
    session.verdicts.give(files[3], "keep", given_by="Ada")
    session.verdicts.undo()
    for again in (
        session.verdicts.give(files[:2], "reject", reason=" drift ", given_by="Ada"),
        session.verdicts.give(files[4], "undecided", reason="drift"),
        session.verdicts.give([], "keep"),
    ):
        assert not again
    assert session.verdicts.redo_text() == "Keep d.mrc"
    partly = session.verdicts.give(files[1:4], "reject", reason="drift", given_by="Ada")
    assert (partly.action, partly.ids.tolist()) == ("Reject d.mrc (drift)", [4])


def test_a_second_opinion_counts_although_it_is_the_same(session, files):
    session.verdicts.give(files[0], "keep", given_by="Ada")
    assert session.verdicts.give(files[0], "keep", given_by="Bo")
    assert session.micrographs.overview().given_by[0] == "Bo"
    session.verdicts.undo()
    assert session.micrographs.overview().given_by[0] == "Ada"


def test_undecided_leaves_no_reason_and_no_one_behind(session, files):
    session.verdicts.give(files[0], "reject", reason="drift", given_by="Ada")
    session.verdicts.give(files[0], "undecided", reason="drift", given_by="Bo")
    overview = session.micrographs.overview()
    columns = (overview.verdicts, overview.reasons, overview.given_by, overview.judged_at)
    assert [column[0] for column in columns] == ["undecided", "", "", ""]


def test_undo_gives_each_micrograph_the_verdict_that_it_had(session, files):
    session.verdicts.give(files[0], "keep", given_by="Ada")
    session.verdicts.give(files[1], "reject", reason="drift")
    before = session.micrographs.overview()
    session.verdicts.give(files, "reject", reason="empty")
    assert held(session) == ["reject empty"] * 5
    assert session.verdicts.undo().ids.tolist() == files.tolist()
    after = session.micrographs.overview()
    for name in ("verdicts", "reasons", "given_by", "judged_at"):
        assert getattr(after, name).tolist() == getattr(before, name).tolist()


def test_undo_goes_back_to_the_start_and_redo_to_the_end_also_after_reopening(session, files):
    states = [held(session)]
    for ids, verdict, reason in (
        (files[0], "keep", ""),
        (files[1], "reject", "thick ice"),
        (files[:3], "undecided", ""),
        (files, "reject", "the beam was off"),
        (files[4], "keep", "a good one after all"),
    ):
        session.verdicts.give(ids, verdict, reason=reason)
        states.append(held(session))
    session.close()
    with Session.open(session.path) as again:
        for state in reversed(states[:-1]):
            assert again.verdicts.undo()
            assert held(again) == state
        assert again.verdicts.undo() is None
        assert again.verdicts.undo_text() is None
    with Session.open(session.path) as again:
        for state in states[1:]:
            assert again.verdicts.redo()
            assert held(again) == state
        assert again.verdicts.redo() is None
        assert again.verdicts.redo_text() is None


def test_a_new_verdict_drops_what_could_have_been_redone(session, files):
    session.verdicts.give(files[0], "keep")
    session.verdicts.give(files[1], "keep")
    session.verdicts.undo()
    session.verdicts.give(files[2], "reject")
    assert session.verdicts.redo() is None
    assert held(session) == ["keep", "undecided", "reject", "undecided", "undecided"]


def test_verdicts_and_marks_are_undone_apart(session, micrograph, some):
    session.verdicts.give(micrograph, "keep")
    session.marks.add(micrograph, some)
    assert session.verdicts.undo_text() == "Keep a.mrc"
    assert session.marks.undo_text(micrograph) == "Add 6 particles"
    session.verdicts.undo()
    assert len(session.marks.particles(micrograph)) == 6
    session.marks.undo(micrograph)
    assert session.verdicts.redo()
    assert held(session) == ["keep"]
    assert len(session.marks.particles(micrograph)) == 0


@pytest.mark.parametrize(
    ("ids", "verdict", "reason", "fault"),
    [
        ([1], "maybe", "", "A verdict is keep, reject or undecided"),
        ([1], "reject", "drift\nand more", "one line each"),
        ([1], "reject", "x" * 201, "up to 200 characters"),
        ([1, 77], "reject", "", "has no micrograph 77"),
        ([1.5], "reject", "", "named by their ids"),
        (["a.mrc"], "reject", "", "named by their ids"),
        ([True, False, False, False, True], "reject", "", "named by their ids"),
        ([[1, 2]], "reject", "", "named by their ids"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    session, files, ids, verdict, reason, fault
):
    with pytest.raises(BadValue, match=fault):
        session.verdicts.give(ids, verdict, reason=reason)
    assert held(session) == ["undecided"] * 5
    assert session.verdicts.undo_text() is None


def test_a_user_without_a_name_can_judge(session, files, monkeypatch):
    def nobody():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert session.verdicts.give(files[0], "keep")
    assert session.micrographs.overview().given_by[0] == "unknown"


# Two windows ------------------------------------------------------------------------------------


@pytest.fixture
def windows(session, files):
    """Two windows that were opened after one verdict had been given."""
    session.verdicts.give(files[0], "keep")
    session.close()
    with Session.open(session.path) as one, Session.open(session.path) as two:
        yield one, two


def test_undo_takes_back_ones_own_first_and_then_what_was_there_at_opening(windows, files):
    one, two = windows
    one.verdicts.give(files[1], "reject")
    two.verdicts.give(files[2], "keep")
    assert two.changed_elsewhere()
    assert one.verdicts.undo_text() == "Reject b.mrc"
    assert one.verdicts.undo().ids.tolist() == [2]
    assert two.verdicts.redo_text() is None
    assert one.verdicts.undo().action == "Keep a.mrc"
    assert one.verdicts.undo() is None
    assert held(two) == ["undecided", "undecided", "keep", "undecided", "undecided"]
    assert two.verdicts.undo().ids.tolist() == [3]
    assert two.verdicts.undo() is None


def test_undo_leaves_what_the_other_has_judged_since_and_says_so(windows, files):
    one, two = windows
    one.verdicts.give(files[1:], "reject", reason="drift")
    two.verdicts.give(files[2], "keep")
    undone = one.verdicts.undo()
    assert undone.ids.tolist() == [2, 4, 5]
    sentence = "1 micrograph was judged in another window since and keeps its verdict."
    assert undone.note == sentence
    assert held(one)[1:] == ["undecided", "keep", "undecided", "undecided"]
    redone = one.verdicts.redo()
    assert (redone.ids.tolist(), redone.note) == ([2, 4, 5], sentence)
    assert held(one)[1:] == ["reject drift", "keep", "reject drift", "reject drift"]
    assert two.verdicts.undo().ids.tolist() == [3]
    assert held(two)[1:] == ["reject drift"] * 4


def test_an_undo_that_finds_nothing_to_do_says_why(windows, files):
    one, two = windows
    one.verdicts.give(files[3:], "reject")
    two.verdicts.give(files[3:], "keep")
    undone = one.verdicts.undo()
    assert not undone
    assert undone.note == (
        "2 micrographs were judged in another window since and keep their verdicts."
    )
    assert held(one)[3:] == ["keep", "keep"]
    assert one.verdicts.undo_text() == "Keep a.mrc"


def test_what_the_other_took_back_before_is_no_conflict(windows, files):
    one, two = windows
    one.verdicts.give(files[1], "reject")
    two.verdicts.give(files[1], "keep")
    two.verdicts.undo()
    assert held(one)[1] == "reject"
    undone = one.verdicts.undo()
    assert (undone.ids.tolist(), undone.note) == ([2], "")


# A disk in trouble ------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_every_verdict_before_stays(session, tmp_path, limited_pages):
    ids = session.micrographs.add_files([tmp_path / f"{k}.mrc" for k in range(400)])
    session.verdicts.give(ids[:7], "keep")
    limited_pages(session, 60)
    kept = -1

    def judge_until_it_is_full():
        nonlocal kept
        for k in range(1000):
            session.verdicts.give(ids, "reject", reason=f"the beam was off, {k}")
            kept = k

    with pytest.raises(WriteProblem, match=r"the disk is full\). Free some space"):
        judge_until_it_is_full()
    assert kept > 1
    assert held(session) == [f"reject the beam was off, {kept}"] * 400
    limited_pages(session, 10**6)
    session.verdicts.give(ids, "undecided")
    with Session.open(session.path) as again:
        assert again.verdicts.undo()
        assert held(again) == [f"reject the beam was off, {kept}"] * 400
        while again.verdicts.undo():
            pass
        assert set(held(again)) == {"undecided"}


def test_a_session_that_may_not_be_written_is_told(session, files):
    session.verdicts.give(files[0], "keep")
    with session._database.reading() as connection:
        connection.execute("PRAGMA query_only = ON")
    for call in (
        lambda: session.verdicts.give(files[1], "keep"),
        session.verdicts.undo,
        lambda: session.micrographs.set_state(1, "working"),
        lambda: session.micrographs.set_figures(1, {"snr": 1.0}),
    ):
        with pytest.raises(WriteProblem, match="is read-only"):
            call()
    assert held(session) == ["keep", *["undecided"] * 4]


def test_verdicts_move_with_their_folder(tmp_path):
    night, moved = tmp_path / "night", tmp_path / "archive" / "night 7"
    with Session.open(night / "s.sqlite") as session:
        ids = session.micrographs.add_files([night / "a.mrc", night / "grid 1" / "b.mrc"])
        session.verdicts.give(ids, "reject", reason="drift")
        moved.parent.mkdir()
        night.rename(moved)
        with pytest.raises(WriteProblem, match="was moved, deleted or replaced"):
            session.verdicts.give(ids, "keep")
    with Session.open(moved / "s.sqlite") as session:
        assert session.micrographs.overview().paths == [moved / "a.mrc", moved / "grid 1" / "b.mrc"]
        assert held(session) == ["reject drift"] * 2
        assert session.micrographs.add_files([moved / "grid 1" / "b.mrc"]).tolist() == [2]
        assert session.verdicts.undo()


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("before", "[[1"),
        ("before", '[["maybe", "", "", "", [1]]]'),
        ("before", '[["keep", "", "", [1]]]'),
        ("before", "7"),
        ("after", '["keep", 3, "", ""]'),
        ("after", "null"),
    ],
)
def test_a_damaged_history_is_told_and_changes_nothing(session, files, column, text):
    session.verdicts.give(files[:2], "keep")
    with session._database.writing() as connection:
        connection.execute(f"UPDATE verdict_history SET {column} = ?", (text,))
    with pytest.raises(UnreadableFile, match="is damaged"):
        session.verdicts.undo()
    assert held(session)[:2] == ["keep", "keep"]


# An older session -------------------------------------------------------------------------------


def test_a_session_of_version_1_keeps_everything_and_takes_verdicts(version_1):
    with Session.open(version_1) as session:
        records = session.micrographs.records()
        assert [record.name for record in records] == ["a.mrc", "b.mrc", "a layer"]
        assert records[0].path == version_1.parent / "grid 1" / "a.mrc"
        assert records[0].shape == (512, 640)
        assert [record.pixel_size_angstrom for record in records] == [1.5, None, 1.0]
        stored = session.marks.particles(1)
        assert stored.ids.tolist() == [1, 2, 3, 4]
        assert stored.particles.centres_px.tolist() == [[0, 10], [20, 30], [40, 50], [60, 70]]
        assert stored.particles.labels.tolist() == ["intact"] * 2 + ["unlabelled"] * 2
        assert stored.particles.scores.tolist() == np.float32([0.9, 0.5, 0.25, 0.125]).tolist()
        assert session.marks.threshold(1) == 0.25
        assert session.setting("diameter_angstrom") == 120
        assert session.marks.examples("kind")[0].tolist() == [[1.0, 2.0]]
        overview = session.micrographs.overview()
        assert overview.verdicts.tolist() == ["undecided"] * 3
        assert overview.states.tolist() == ["waiting"] * 3
        assert overview.counts["intact"].tolist() == [2, 0, 0]
        assert overview.figures == {}
        assert session.verdicts.undo() is None
        assert session.verdicts.give([1, 2], "reject", reason="drift")
        session.micrographs.set_figures(1, {"snr": 0.5})
    with Session.open(version_1) as session:
        assert held(session) == ["reject drift", "reject drift", "undecided"]
        assert session.marks.redo_text(1) == "Mark 1 particle broken"
        assert session.marks.undo_text(1) == "Mark 2 particles intact"
        while session.marks.undo(1):
            pass
        assert len(session.marks.particles(1)) == 0
        assert session.verdicts.undo()
        assert session.marks.add(2, stored.particles).added.tolist() == [6, 7, 8, 9]


def test_two_windows_may_open_an_older_session(version_1):
    with Session.open(version_1) as one, Session.open(version_1) as two:
        one.verdicts.give(1, "keep")
        assert held(two)[0] == "keep"
