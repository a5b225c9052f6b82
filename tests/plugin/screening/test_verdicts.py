"""A window's verdicts are those on the disk."""

import numpy as np
import pytest

from napari_n2n.errors import WriteProblem
from napari_n2n.plugin.screening.jobs import SharedSession
from napari_n2n.plugin.screening.learnt_score import OwnScore
from napari_n2n.plugin.screening.verdicts import MicrographVerdicts
from napari_n2n.session import Session
from napari_n2n.workflow.screening.columns import OWN_SCORE

from ...workflow.screening.screened import screened_folder


@pytest.fixture
def verdicts(tmp_path, qapp):
    session = screened_folder(tmp_path / "night")
    verdicts = MicrographVerdicts()
    verdicts.open(session)
    yield verdicts
    verdicts.close()
    session.close()


def on_disk(verdicts):
    with Session.open(verdicts.session.path) as other:
        seen = other.micrographs.overview()
    return list(zip(seen.verdicts.tolist(), seen.reasons.tolist(), strict=True))


def in_window(verdicts):
    seen = verdicts.overview
    return list(zip(seen.verdicts.tolist(), seen.reasons.tolist(), strict=True))


def test_a_verdict_is_on_disk_when_judge_returns(verdicts):
    ids = verdicts.overview.ids
    assert verdicts.judge(ids[[1]], "reject", "a reason much longer than any that there was before")
    assert verdicts.judge(ids[[2, 3]], "keep")
    assert on_disk(verdicts) == in_window(verdicts)
    assert in_window(verdicts)[1] == (
        "reject",
        "a reason much longer than any that there was before",
    )


def test_undo_and_redo_bring_back_verdict_and_reason(verdicts):
    first = verdicts.overview.ids[:1]
    verdicts.judge(first, "reject", "drift")
    verdicts.judge(first, "keep")
    assert verdicts.undo().ids.tolist() == first.tolist()
    assert in_window(verdicts)[0] == ("reject", "drift") == on_disk(verdicts)[0]
    verdicts.redo()
    assert in_window(verdicts)[0] == ("keep", "")
    verdicts.undo()
    verdicts.undo()
    assert verdicts.undo() is None
    assert in_window(verdicts)[0] == ("undecided", "")


def test_a_verdict_that_cannot_be_written_changes_nothing(verdicts, monkeypatch):
    def full(*_args, **_more):
        raise WriteProblem(verdicts.session.path, "the disk is full", "Make room.")

    told = []
    verdicts.failed.connect(told.append)
    monkeypatch.setattr(verdicts.session.verdicts, "give", full)
    before = in_window(verdicts)
    assert not verdicts.judge(verdicts.overview.ids[:1], "keep")
    assert in_window(verdicts) == before
    assert "full" in told[0]


def test_a_few_rows_are_read_anew_without_the_others(verdicts):
    session, ids = verdicts.session, verdicts.overview.ids.tolist()
    session.micrographs.set_figures(ids[2], {"score": 77.0, "snr": 0.5})
    session.micrographs.set_figures(ids[3], {"score": 1.0})
    assert verdicts.refresh([ids[2]])
    figures = verdicts.overview.figures
    assert figures["score"][2] == 77.0
    assert figures["score"][3] == 40.0  # not asked for
    assert figures["snr"][2] == 0.5
    assert np.isnan(figures["snr"][[0, 1, 3]]).all()
    assert np.isnan(figures["brightness"][2])  # it was not measured again
    whole = session.micrographs.overview([ids[2]])
    assert whole.states[0] == verdicts.overview.states[2]


def test_a_new_micrograph_needs_a_reload(verdicts, tmp_path):
    new = verdicts.session.micrographs.find_or_add(
        tmp_path / "night" / "new.mrc", shape=(8, 8), pixel_size_angstrom=None
    )
    assert not verdicts.refresh([new])
    verdicts.reload()
    assert verdicts.row_of(new) == 6


def test_another_windows_verdict_is_undone_by_that_window_only(verdicts):
    first = verdicts.overview.ids[:1]
    with Session.open(verdicts.session.path) as other:
        other.verdicts.give(first, "keep")
    verdicts.reload()
    assert in_window(verdicts)[0] == ("keep", "")
    assert verdicts.undo() is None


def test_a_session_in_use_is_closed_once_it_is_not(tmp_path):
    session = Session.open(tmp_path / "s.sqlite")
    shared = SharedSession(session)
    with shared as used:
        shared.close()
        used.set_setting("still", "open")
    with pytest.raises(Exception, match="closed"):
        session.set_setting("now", "it is not")


def test_a_score_is_learnt_once_there_are_twenty_verdicts(tmp_path, qtbot, workers_end):
    session = screened_folder(tmp_path / "night", 30)
    for i, micrograph in enumerate(session.micrographs.overview().ids.tolist()):
        session.micrographs.set_figures(
            micrograph, {"contaminated_percent": 2.0, "brightness": -float(i)}
        )
    verdicts = MicrographVerdicts()
    learning = OwnScore(verdicts)
    verdicts.open(session)
    told = []
    verdicts.noted.connect(told.append)
    ids = verdicts.overview.ids
    # This person keeps the bright ones, of which the score knows nothing.
    verdicts.judge(ids[:10], "keep")
    verdicts.judge(ids[10:19], "reject")
    assert not learning.busy
    verdicts.judge(ids[19:21], "reject")
    qtbot.waitUntil(lambda: not learning.busy and bool(told), timeout=20_000)
    own = verdicts.overview.figures[OWN_SCORE]
    assert own[:10].min() > own[10:21].max()
    assert own[25] < own[:10].min()  # nobody has judged that one
    # It stays when the session is read anew.
    verdicts.reload()
    np.testing.assert_array_equal(verdicts.overview.figures[OWN_SCORE], own)
    learning.leave()
    verdicts.close()
    session.close()
