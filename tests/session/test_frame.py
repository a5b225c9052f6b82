"""A session as a table of pandas, for notebooks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_n2n.io import LABELS, Particles
from napari_n2n.session import Session


def test_an_overview_becomes_a_table_with_all_that_is_known(session, files, some, tmp_path):
    session.micrographs.set_figures(files[0], {"score": 61.5, "snr": 0.25}, acquired=1.7e9)
    session.micrographs.set_figures(files[2], {"score": 12.0})
    session.micrographs.set_state(files[1], "failed", "b.mrc is torn. Copy it again.")
    session.verdicts.give(files[0], "keep", given_by="ada")
    session.verdicts.give(files[2], "reject", reason="drift", given_by="ada")
    ids = session.marks.add(files[0], some).added
    session.marks.relabel(files[0], ids[:2], "intact")
    overview = session.micrographs.overview()
    frame = overview.to_frame()
    assert frame.index.tolist() == files.tolist()
    assert frame.name.tolist() == [f"{name}.mrc" for name in "abcde"]
    assert frame.path.tolist() == [str(tmp_path / name) for name in frame.name]
    assert frame.verdict.tolist() == overview.verdicts.tolist()
    assert frame.reason[files[2]] == "drift"
    assert frame.state.tolist() == ["done", "failed", "done", "waiting", "waiting"]
    assert frame.message[files[1]] == "b.mrc is torn. Copy it again."
    np.testing.assert_array_equal(frame.score, overview.figures["score"])
    np.testing.assert_array_equal(frame.snr, [0.25, *[np.nan] * 4])
    assert frame.intact_particles.tolist() == [2, 0, 0, 0, 0]
    assert {f"{label}_particles" for label in LABELS} <= set(frame.columns)
    assert frame.acquired[files[0]] == pd.Timestamp(1.7e9, unit="s", tz="UTC")
    assert frame.acquired.isna().tolist() == [False, True, True, True, True]
    assert frame.judged_at.isna().tolist() == [False, True, False, True, True]
    assert frame.judged_at[files[0]] == pd.Timestamp(overview.judged_at[0])
    assert str(frame.judged_at.dtype).endswith("UTC]")


def test_the_kept_ones_are_chosen_as_in_any_table(session, files):
    for number, score in zip(files, (10.0, 60.0, 90.0, 30.0, 70.0), strict=True):
        session.micrographs.set_figures(number, {"score": score})
    session.verdicts.give(files[2], "reject")
    frame = session.micrographs.overview().to_frame()
    good = frame[(frame.score > 50) & (frame.verdict != "reject")]
    assert good.name.tolist() == ["b.mrc", "e.mrc"]
    # Their ids go back into the session.
    session.verdicts.give(good.index.to_numpy(), "keep")
    assert session.micrographs.overview().to_frame().verdict.tolist() == [
        *("undecided", "keep", "reject", "undecided", "keep")
    ]


def test_an_empty_session_is_an_empty_table_of_the_same_columns(session, files, tmp_path):
    with Session.open(tmp_path / "other" / "empty.sqlite") as empty:
        frame = empty.micrographs.overview().to_frame()
    assert len(frame) == 0
    assert set(frame.columns) == set(session.micrographs.overview().to_frame().columns)


def test_a_picture_without_a_file_has_no_path(session):
    session.micrographs.find_or_add("picture", shape=(64, 64), pixel_size_angstrom=None)
    frame = session.micrographs.overview().to_frame()
    assert frame.name.tolist() == ["picture"]
    assert frame.path.isna().all()


def test_particles_become_a_table():
    particles = Particles(
        np.array([[1.5, 2.0], [30.0, 40.25]]),
        labels=np.array(["intact", "unlabelled"]),
        scores=np.array([0.5, np.nan], np.float32),
        given_by=np.array(["person", "picker"]),
    )
    frame = particles.to_frame()
    np.testing.assert_array_equal(frame[["y_px", "x_px"]], particles.centres_px)
    assert frame.label.tolist() == ["intact", "unlabelled"]
    assert frame.given_by.tolist() == ["person", "picker"]
    np.testing.assert_array_equal(frame.score, particles.scores)
    assert len(Particles.none().to_frame()) == 0
