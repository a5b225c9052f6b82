"""What RELION's lists say of micrographs goes through a session as it was."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import starfile

from napari_n2n.errors import WriteProblem
from napari_n2n.export.kept import write_particles
from napari_n2n.export.relion import write_relion, write_relion_lists
from napari_n2n.io import (
    Optics,
    Particles,
    write_micrograph,
    write_mrc_stack,
    write_tiff_stack,
)
from napari_n2n.session import Session
from napari_n2n.simulation.eer_encoding import encode_eer
from napari_n2n.workflow.screening import inputs_of

from ..command_line import call

LIST = """\

# version 50001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMtfFileName #3
_rlnMicrographOriginalPixelSize #4
_rlnVoltage #5
_rlnSphericalAberration #6
_rlnAmplitudeContrast #7
_rlnMicrographPixelSize #8
night1 1 mtf.star 0.5 200.0 1.4 0.07 1.0
night2 2 mtf.star 0.5 200.0 1.4 0.07 2.0


# version 50001

data_micrographs

loop_
_rlnMicrographName #1
_rlnOpticsGroup #2
_rlnCtfImage #3
_rlnDefocusU #4
_rlnMicrographMetadata #5
_rlnAnythingElse #6
MotionCorr/job002/night/a.mrc 1 CtfFind/a.ctf:mrc 10862.85 MotionCorr/job002/a.star "x y"
MotionCorr/job002/night/b.mrc 2 CtfFind/b.ctf:mrc 10862.86 MotionCorr/job002/b.star z
MotionCorr/job002/night/c.mrc 2 CtfFind/c.ctf:mrc 10862.87 MotionCorr/job002/c.star z

"""


@pytest.fixture
def selected(tmp_path):
    """Make a project with a selection of three micrographs, opened in a session."""
    for name in ("a", "b", "c"):
        image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
        write_micrograph(tmp_path / "MotionCorr/job002/night" / f"{name}.mrc", image, 1.0)
    star = tmp_path / "Select" / "job005" / "micrographs.star"
    star.parent.mkdir(parents=True)
    star.write_text(LIST)
    found = inputs_of(star)
    with Session.open(tmp_path / "s.sqlite") as session:
        found.keep_origins(session)
        found.keep_origins(session)  # once more is no more
        for path in found.paths:
            one = session.micrographs.find_or_add(
                path, shape=(64, 64), pixel_size_angstrom=found.pixel_sizes[path]
            )
            session.marks.add(one, Particles([[3.0, 4.0]]))
        ids = session.micrographs.overview().ids
        session.verdicts.give(ids[1:], "keep")
        yield tmp_path, session, ids


def rows(path, block):
    return starfile.read(path, always_dict=True, parse_as_string=["rlnAnythingElse"])[block]


def test_kept_rows_go_out_with_all_columns_and_their_optics(selected):
    folder, session, _ = selected
    (folder / "in.star").write_text(LIST)
    written = write_relion(folder / "out.star", session)
    assert written.notes == ()
    before, after = folder / "in.star", folder / "out.star"
    kept = rows(before, "micrographs").iloc[1:].reset_index(drop=True)
    pd.testing.assert_frame_equal(rows(after, "micrographs"), kept)
    pd.testing.assert_frame_equal(rows(after, "optics"), rows(before, "optics"))
    # The very lines, of which nothing is rounded.
    words = {tuple(line.split()) for line in LIST.splitlines()}
    ours = [line for line in after.read_text().splitlines() if "napari-n2n" not in line]
    assert {tuple(line.split()) for line in ours} <= words


def test_particles_have_their_micrographs_group_and_name(selected):
    folder, session, ids = selected
    write_particles(folder / "p.star", session, ids)
    text = (folder / "p.star").read_text()
    assert "MotionCorr/job002/night/a.mrc" in text
    optics, particles = (rows(folder / "p.star", name) for name in ("optics", "particles"))
    assert particles["rlnOpticsGroup"].tolist() == [1, 2, 2]
    assert optics["rlnVoltage"].tolist() == [200, 200]
    assert optics["rlnMtfFileName"].tolist() == ["mtf.star"] * 2
    write_particles(folder / "half.star", session, ids, scale=0.5)
    optics = rows(folder / "half.star", "optics")
    assert optics["rlnMicrographPixelSize"].tolist() == [2, 4]


def test_what_was_said_of_some_only_has_a_list_of_its_own(selected):
    folder, session, _ = selected
    image = np.eye(64, dtype=np.float32)
    write_micrograph(folder / "other.mrc", image, 1.0)
    other = session.micrographs.find_or_add(
        folder / "other.mrc", shape=(64, 64), pixel_size_angstrom=1.0
    )
    session.verdicts.give([other], "keep")
    with pytest.raises(WriteProblem, match="Write them apart"):
        write_relion(folder / "out.star", session)
    optics = Optics(300, 2.7, 0.1)
    written = write_relion_lists(folder / "kept.star", session, optics=optics)
    assert written.count == 3
    assert len(rows(folder / "kept_micrographs.star", "micrographs")) == 2
    alone = folder / "kept_micrographs_2.star"
    assert rows(alone, "micrographs")["rlnMicrographName"].tolist() == ["other.mrc"]
    assert rows(alone, "optics")["rlnVoltage"].tolist() == [300]
    assert any("are those of the STAR file" in note for note in written.notes)


def test_nothing_is_invented_of_others(tmp_path):
    image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    write_micrograph(tmp_path / "a.mrc", image, 1.5)
    with Session.open(tmp_path / "s.sqlite") as session:
        one = session.micrographs.find_or_add(
            tmp_path / "a.mrc", shape=(64, 64), pixel_size_angstrom=1.5
        )
        session.marks.add(one, Particles([[3.0, 4.0]]))
        session.verdicts.give([one], "keep")
        written = write_relion(tmp_path / "m.star", session)
        assert "give --voltage" in written.notes[0]
        write_particles(tmp_path / "p.star", session)
        write_particles(tmp_path / "half.star", session, scale=0.5)
    for name in ("m", "p"):
        text = (tmp_path / f"{name}.star").read_text()
        assert "rlnVoltage" not in text
        assert "300" not in text.replace("30001", "")
    assert "rlnOpticsGroup" not in (tmp_path / "p.star").read_text()
    half = rows(tmp_path / "half.star", "particles")
    assert (half["rlnCoordinateX"][0], half["rlnCoordinateY"][0]) == (2, 1.5)


def test_eer_of_finer_pixels_says_what_relion_must_be_told(tmp_path):
    frames = np.random.default_rng(0).poisson(1, (4, 64, 64)).astype(np.uint8)
    encode_eer(frames, tmp_path / "a.eer", pixel_size_angstrom=1.0, dose_per_frame=0.5)
    with Session.open(tmp_path / "s.sqlite") as session:
        one = session.micrographs.find_or_add(
            tmp_path / "a.eer", shape=(128, 128), pixel_size_angstrom=0.5
        )
        session.verdicts.give([one], "keep")
        written = write_relion(tmp_path / "movies.star", session, optics=Optics(300, 2.7, 0.1))
    (note,) = written.notes
    assert note.startswith("a.eer: screened with EER upsampling 2, at 0.5 Å/px. Tell RELION")
    assert "--scale 0.5" in note


def test_the_sum_beside_its_motion_is_moved_for_relions_own(tmp_path):
    image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    write_micrograph(tmp_path / "a.mrc", image, 2.0)
    (tmp_path / "a_motion.csv").write_text(
        "frame,y_shift_angstrom,x_shift_angstrom\n1,6.0,-4.0\n2,0.0,0.0\n"
    )
    with Session.open(tmp_path / "s.sqlite") as session:
        one = session.micrographs.find_or_add(
            tmp_path / "a.mrc", shape=(64, 64), pixel_size_angstrom=2.0
        )
        session.marks.add(one, Particles([[30.0, 40.0]]))
        session.verdicts.give([one], "keep")
        write_particles(tmp_path / "ours.star", session)
        written = write_particles(
            tmp_path / "theirs.star", session, micrograph_folder="MotionCorr/job002/night"
        )
    ours, theirs = (rows(tmp_path / f"{name}.star", "particles") for name in ("ours", "theirs"))
    assert (ours["rlnCoordinateX"][0], ours["rlnCoordinateY"][0]) == (40, 30)
    assert (theirs["rlnCoordinateX"][0], theirs["rlnCoordinateY"][0]) == (38, 33)
    assert "first frame" in written.notes[0]


def test_the_sum_of_a_tiff_movie_is_turned_for_relions_own(tmp_path):
    frames = np.random.default_rng(0).poisson(2, (4, 64, 48)).astype(np.uint8)
    write_tiff_stack(tmp_path / "a.tif", frames, 2.0)
    write_mrc_stack(tmp_path / "b.mrc", frames, 2.0)
    summed = ("halves", "--aligned", "--kind", "movie")
    for name in ("a.tif", "b.mrc"):
        assert call(*summed, tmp_path / name, "-o", tmp_path / "sums", "-q") == 0
    with Session.open(tmp_path / "s.sqlite") as session:
        for name in ("a", "b"):
            one = session.micrographs.find_or_add(
                tmp_path / "sums" / f"{name}.mrc", shape=(64, 48), pixel_size_angstrom=2.0
            )
            session.marks.add(one, Particles([[30.0, 40.0]]))
            session.verdicts.give([one], "keep")
        write_particles(tmp_path / "ours.star", session)
        written = write_particles(
            tmp_path / "theirs.star", session, micrograph_folder="MotionCorr/job002"
        )
    ours, theirs = (rows(tmp_path / f"{name}.star", "particles") for name in ("ours", "theirs"))
    assert ours["rlnCoordinateY"].tolist() == [30, 30]  # RELION reads these files as we do
    turned = dict(zip(theirs["rlnMicrographName"], theirs["rlnCoordinateY"], strict=True))
    assert turned == {"MotionCorr/job002/a.mrc": 64 - 1 - 30, "MotionCorr/job002/b.mrc": 30}
    assert "upside down" in written.notes[0]
