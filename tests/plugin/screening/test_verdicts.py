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
def judging(tmp_path, qapp):
    session = screened_folder(tmp_path / "night")
    judging = MicrographVerdicts()
    judging.open(session)
    yield judging
    judging.close()
    session.close()


def on_disk(judging):
    with Session.open(judging.session.path) as other:
        seen = other.micrographs.overview()
    return list(zip(seen.verdicts.tolist(), seen.reasons.tolist(), strict=True))


def in_window(judging):
    seen = judging.overview
    return list(zip(seen.verdicts.tolist(), seen.reasons.tolist(), strict=True))


def test_a_verdict_is_on_disk_when_judge_returns(judging):
    ids = judging.overview.ids
    assert judging.judge(ids[[1]], "reject", "a reason much longer than any that there was before")
    assert judging.judge(ids[[2, 3]], "keep")
    assert on_disk(judging) == in_window(judging)
    assert in_window(judging)[1] == (
        "reject",
        "a reason much longer than any that there was before",
    )


def test_undo_and_redo_bring_back_verdict_and_reason(judging):
    first = judging.overview.ids[:1]
    judging.judge(first, "reject", "drift")
    judging.judge(first, "keep")
    assert judging.undo().ids.tolist() == first.tolist()
    assert in_window(judging)[0] == ("reject", "drift") == on_disk(judging)[0]
    judging.redo()
    assert in_window(judging)[0] == ("keep", "")
    judging.undo()
    judging.undo()
    assert judging.undo() is None
    assert in_window(judging)[0] == ("undecided", "")


def test_a_verdict_that_cannot_be_written_changes_nothing(judging, monkeypatch):
    def full(*_args, **_more):
        raise WriteProblem(judging.session.path, "the disk is full", "Make room.")

    told = []
    judging.failed.connect(told.append)
    monkeypatch.setattr(judging.session.verdicts, "give", full)
    before = in_window(judging)
    assert not judging.judge(judging.overview.ids[:1], "keep")
    assert in_window(judging) == before
    assert "full" in told[0]


def test_a_few_rows_are_read_anew_without_the_others(judging):
    session, ids = judging.session, judging.overview.ids.tolist()
    session.micrographs.set_figures(ids[2], {"score": 77.0, "snr": 0.5})
    session.micrographs.set_figures(ids[3], {"score": 1.0})
    assert judging.refresh([ids[2]])
    figures = judging.overview.figures
    assert figures["score"][2] == 77.0
    assert figures["score"][3] == 40.0  # not asked for
    assert figures["snr"][2] == 0.5
    assert np.isnan(figures["snr"][[0, 1, 3]]).all()
    assert np.isnan(figures["brightness"][2])  # it was not measured again
    whole = session.micrographs.overview([ids[2]])
    assert whole.states[0] == judging.overview.states[2]


def test_a_new_micrograph_needs_a_reload(judging, tmp_path):
    new = judging.session.micrographs.find_or_add(
        tmp_path / "night" / "new.mrc", shape=(8, 8), pixel_size_angstrom=None
    )
    assert not judging.refresh([new])
    judging.reload()
    assert judging.row_of(new) == 6


def test_another_windows_verdict_is_undone_by_that_window_only(judging):
    first = judging.overview.ids[:1]
    with Session.open(judging.session.path) as other:
        other.verdicts.give(first, "keep")
    judging.reload()
    assert in_window(judging)[0] == ("keep", "")
    assert judging.undo() is None


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
    judging = MicrographVerdicts()
    learning = OwnScore(judging)
    judging.open(session)
    told = []
    judging.noted.connect(told.append)
    ids = judging.overview.ids
    # This person keeps the bright ones, of which the score knows nothing.
    judging.judge(ids[:10], "keep")
    judging.judge(ids[10:19], "reject")
    assert not learning.busy
    judging.judge(ids[19:21], "reject")
    qtbot.waitUntil(lambda: not learning.busy and bool(told), timeout=20_000)
    own = judging.overview.figures[OWN_SCORE]
    assert own[:10].min() > own[10:21].max()
    assert own[25] < own[:10].min()  # nobody has judged that one
    # It stays when the session is read anew.
    judging.reload()
    np.testing.assert_array_equal(judging.overview.figures[OWN_SCORE], own)
    learning.leave()
    judging.close()
    session.close()
