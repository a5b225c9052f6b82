"""Files, how far their processing is, and their figures come back as they were kept."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_n2n.errors import BadValue, ShapeMismatch, UnreadableFile
from napari_n2n.io import Particles
from napari_n2n.session import Session


def test_figures_come_back_to_the_last_bit_and_unknown_ones_as_nan(session, files):
    session.micrographs.set_figures(
        files[0], {"snr": 1 / 3, "score": None, "drift_total_angstrom": 1e-300}
    )
    session.micrographs.set_figures(
        files[2], {"snr": np.float32(0.1), "score": math.nan, "thick": math.inf}
    )
    session.micrographs.set_figures(files[3], {"particles": 7, "snr": -0.0})
    session.close()
    with Session.open(session.path) as again:
        figures = again.micrographs.overview().figures
    unknown = math.nan
    expected = {
        "snr": [1 / 3, unknown, float(np.float32(0.1)), 0.0, unknown],
        "drift_total_angstrom": [1e-300, *[unknown] * 4],
        "particles": [unknown, unknown, unknown, 7, unknown],
    }
    assert figures.keys() == expected.keys()
    for name, column in figures.items():
        assert column.dtype == np.float64
        np.testing.assert_array_equal(column, expected[name])


def test_new_figures_take_the_place_of_all_earlier_ones(session, files):
    session.micrographs.set_figures(
        files[0], {"snr": 1.0, "score": 50.0}, made_with="one", acquired=1e9
    )
    session.micrographs.set_figures(files[0], {"snr": 2.0}, made_with="two")
    overview = session.micrographs.overview()
    assert list(overview.figures) == ["snr"]
    assert overview.figures["snr"][0] == 2.0
    assert session.micrographs.made_with(files[0]) == "two"
    assert overview.acquired[0] == 1e9
    assert np.isnan(overview.acquired[1:]).all()
    session.micrographs.set_figures(files[0], {})
    assert session.micrographs.made_with(files[0]) == ""
    assert session.micrographs.overview().figures == {}


def test_the_state_tells_how_far_the_processing_is_and_why_it_failed(session, files):
    assert session.micrographs.overview().states.tolist() == ["waiting"] * 5
    session.micrographs.set_state(files[0], "working")
    session.micrographs.set_state(files[1], "failed", "b.mrc is torn. Copy it again.")
    session.micrographs.set_figures(files[2], {"snr": 1.0}, made_with="digest")
    session.micrographs.set_state(files[2], "failed", "no memory")
    overview = session.micrographs.overview()
    assert overview.states.tolist() == ["working", "failed", "failed", "waiting", "waiting"]
    assert overview.messages.tolist() == ["", "b.mrc is torn. Copy it again.", "no memory", "", ""]
    assert overview.figures["snr"][2] == 1.0
    assert session.micrographs.made_with(files[2]) == "digest"
    assert [session.micrographs.made_with(m) for m in files[[0, 3]]] == ["", ""]
    session.micrographs.set_figures(files[1], {"snr": 1.0})
    overview = session.micrographs.overview()
    assert (overview.states[1], overview.messages[1]) == ("done", "")


def test_texts_that_are_no_unicode_can_be_kept(session, files):
    """Messages name files, and a file may have any name."""
    session.micrographs.set_state(files[0], "failed", "m\udcff.mrc is torn.")
    session.verdicts.give(files[0], "reject", reason="\ud800")
    session.micrographs.find_or_add("m\udcff", shape=(9, 9), pixel_size_angstrom=None)
    overview = session.micrographs.overview()
    assert overview.messages[0] == "m?.mrc is torn."
    assert overview.reasons[0] == "?"
    assert overview.names[5] == "m?"


def test_figures_and_verdicts_do_not_disturb_each_other(session, files):
    session.verdicts.give(files, "keep")
    session.micrographs.set_figures(files[1], {"snr": 1.0})
    assert session.verdicts.undo().ids.tolist() == files.tolist()
    overview = session.micrographs.overview()
    assert overview.figures["snr"][1] == 1.0
    assert overview.states[1] == "done"


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (
            lambda s: s.micrographs.set_state(1, "asleep"),
            "A state is waiting, working, done or failed",
        ),
        (lambda s: s.micrographs.set_state(9, "done"), "has no micrograph 9"),
        (lambda s: s.micrographs.set_figures(9, {}), "has no micrograph 9"),
        (lambda s: s.micrographs.made_with(9), "has no micrograph 9"),
        (lambda s: s.micrographs.set_figures(1, {"": 1.0}), "A figure needs a name"),
        (
            lambda s: s.micrographs.set_figures(1, {"snr": 1.0}, acquired=math.nan),
            "number of seconds",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(session, files, call, fault):
    with pytest.raises(BadValue, match=fault):
        call(session)
    overview = session.micrographs.overview()
    assert overview.states.tolist() == ["waiting"] * 5
    assert overview.figures == {}


def test_files_are_found_again_also_when_they_cannot_be_read(session, files, tmp_path):
    folder = tmp_path / "grid 2"
    more = [folder / "f.mrc", tmp_path / "b.mrc", str(folder / "g.mrc"), folder / "f.mrc"]
    assert session.micrographs.add_files(more).tolist() == [6, 2, 7, 6]
    assert session.micrographs.add_files([]).tolist() == []
    overview = session.micrographs.overview()
    assert len(overview) == 7
    assert overview.ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert overview.paths[5:] == [folder / "f.mrc", folder / "g.mrc"]
    assert session.micrographs.records()[5].shape == (0, 0)


def test_the_shape_of_a_file_is_told_when_it_has_been_read(session, files, tmp_path, some):
    m = session.micrographs.find_or_add(
        tmp_path / "c.mrc", shape=(512, 640), pixel_size_angstrom=1.5
    )
    assert m == files[2]
    record = session.micrographs.records()[2]
    assert (record.shape, record.pixel_size_angstrom) == ((512, 640), 1.5)
    session.marks.add(m, some)
    with pytest.raises(ShapeMismatch):
        session.micrographs.find_or_add(tmp_path / "c.mrc", shape=(64, 64), pixel_size_angstrom=1.5)
    assert session.micrographs.add_files([tmp_path / "c.mrc"]).tolist() == [m]
    assert session.micrographs.records()[2].shape == (512, 640)


def test_an_overview_of_some_is_what_the_overview_of_all_says_of_them(session, files, some):
    picture = session.micrographs.find_or_add("a layer", shape=(9, 9), pixel_size_angstrom=None)
    session.marks.add(picture, some)
    session.marks.relabel(picture, session.marks.particles(picture).ids[:2], "broken")
    session.micrographs.set_figures(files[3], {"snr": 4.0}, acquired=5.0)
    session.verdicts.give(files[3], "reject", reason="thick ice")
    session.micrographs.set_state(files[0], "failed", "torn")
    whole = session.micrographs.overview()
    assert whole.counts["broken"].tolist() == [0, 0, 0, 0, 0, 2]
    assert whole.counts["unlabelled"].tolist() == [0, 0, 0, 0, 0, 4]
    assert whole.paths[5] is None
    part = session.micrographs.overview([picture, files[3], 99])
    rows = [3, 5]
    assert part.ids.tolist() == [4, 6]
    assert part.paths == [whole.paths[row] for row in rows]
    assert part.names == ["d.mrc", "a layer"]
    for name in ("verdicts", "reasons", "given_by", "judged_at", "states", "messages"):
        assert getattr(part, name).tolist() == getattr(whole, name)[rows].tolist()
    np.testing.assert_array_equal(part.acquired, [5.0, np.nan])
    np.testing.assert_array_equal(part.figures["snr"], [4.0, np.nan])
    assert part.counts["broken"].tolist() == [0, 2]
    assert len(session.micrographs.overview([])) == 0


def test_any_verdict_and_state_can_be_put_into_an_overview(session, files):
    """A window shows a verdict at once in the arrays that it has."""
    overview = session.micrographs.overview()
    overview.verdicts[0] = "undecided"
    session.verdicts.give(files, "keep")
    overview = session.micrographs.overview()
    overview.verdicts[0] = "undecided"
    overview.states[0] = "working"
    assert (overview.verdicts[0], overview.states[0]) == ("undecided", "working")


@pytest.mark.parametrize("text", ['{"snr": "x"}', "{", "{}, {}", "[1]", '{"snr": [1]}', '"a"'])
def test_damaged_figures_are_told(session, files, text):
    session.micrographs.set_figures(files[0], {"snr": 1.0})
    with session._database.writing() as connection:
        connection.execute("UPDATE processing SET figures = ?", (text,))
    with pytest.raises(UnreadableFile, match="is damaged"):
        session.micrographs.overview()


def test_a_session_copied_while_it_is_judged_is_whole(session, files, tmp_path):
    session.micrographs.set_figures(files[0], {"snr": 1.0})
    session.verdicts.give(files[0], "keep")
    session.marks.add(files[0], Particles([[1.0, 2.0]]))
    session.copy_to(tmp_path / "copy.sqlite")
    session.verdicts.give(files[0], "reject")
    with Session.open(tmp_path / "copy.sqlite") as copy:
        overview = copy.micrographs.overview()
    assert (overview.verdicts[0], overview.figures["snr"][0]) == ("keep", 1.0)
    assert overview.counts["unlabelled"][0] == 1
