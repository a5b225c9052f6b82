"""RELION 5's lists of coordinate files: read from its project's folder, and written for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.export.particle_files import read_picks
from napari_n2n.io import (
    MicrographParticles,
    Particles,
    is_coordinates,
    read_coordinates,
    write_micrograph,
    write_star_per_micrograph,
)
from napari_n2n.io.star import blocks_of

from ..command_line import call

LIST = """
# version 50001

data_coordinate_files

loop_
_rlnMicrographName #1
_rlnMicrographCoordinates #2
{rows}
"""
PICKS = """
data_

loop_
_rlnCoordinateX #1
_rlnCoordinateY #2
_rlnAutopickFigureOfMerit #3
{rows}
"""


@pytest.fixture
def project(tmp_path):
    """RELION's project after automatic picking of two micrographs, one of them a TIFF."""
    folder = tmp_path / "project"
    job = folder / "AutoPick" / "job006"
    (job / "Movies").mkdir(parents=True)
    (folder / "default_pipeline.star").write_text("data_pipeline_general\n")
    (job / "Movies" / "a_autopick.star").write_text(PICKS.format(rows="30 40 0.5\n50 60 0.25"))
    (job / "Movies" / "b_autopick.star").write_text(PICKS.format(rows="7 9 1"))
    rows = [
        "MotionCorr/job002/Movies/a.mrc AutoPick/job006/Movies/a_autopick.star",
        "Movies/b.tif AutoPick/job006/Movies/b_autopick.star",
    ]
    (job / "autopick.star").write_text(LIST.format(rows="\n".join(rows)))
    return folder


def test_a_list_of_relion_is_read_from_wherever_one_is(project):
    path = project / "AutoPick" / "job006" / "autopick.star"
    assert is_coordinates(path)
    a, b = read_coordinates(path, shape=(100, 80))
    assert (a.micrograph, b.micrograph) == ("MotionCorr/job002/Movies/a.mrc", "Movies/b.tif")
    np.testing.assert_array_equal(a.particles.centres_px, [[40, 30], [60, 50]])
    np.testing.assert_array_equal(a.particles.scores, [0.5, 0.25])
    # RELION counts the rows of a TIFF from the last one.
    np.testing.assert_array_equal(b.with_stored_rows().particles.centres_px, [[90, 7]])


def test_names_count_from_the_folder_worked_in_where_there_is_no_project_around(
    project, tmp_path, monkeypatch
):
    elsewhere = tmp_path / "autopick.star"
    elsewhere.write_text((project / "AutoPick/job006/autopick.star").read_text())
    with pytest.raises(UnreadableFile, match=r"a_autopick\.star for MotionCorr.*does not exist"):
        read_coordinates(elsewhere)
    monkeypatch.chdir(project)
    assert len(read_coordinates(elsewhere)) == 2


def test_a_list_is_converted_and_its_bad_files_are_named(project, tmp_path, capsys):
    job = project / "AutoPick" / "job006"
    write_micrograph(tmp_path / "b.tif", np.ones((100, 80), np.float32), 2.0)
    out = tmp_path / "picks.csv"
    assert call("convert", job / "autopick.star", out, "--shape", 100, 80) == 0
    _, b = read_coordinates(out)
    assert b.particles.centres_px.tolist() == [[90, 7]]
    # A whole job's folder stands for its list.
    assert call("convert", job, out, "--shape", 100, 80) == 0
    (job / "Movies" / "a_autopick.star").unlink()
    capsys.readouterr()
    assert call("convert", job, out, "--shape", 100, 80) == 1
    said = capsys.readouterr().err
    assert "a_autopick.star" in said
    assert "1 of 2 files failed" in said
    assert [one.micrograph for one in read_coordinates(out)] == ["Movies/b.tif"]


def test_what_a_list_names_is_an_input_and_is_not_written_over(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    source = project / "AutoPick" / "job006" / "Movies" / "a_autopick.star"
    before = source.read_bytes()
    listed = "AutoPick/job006/autopick.star"
    assert call("convert", listed, source, "--shape", 100, 80, "--overwrite") == 1
    assert "would be written over itself" in capsys.readouterr().err
    assert call("convert", listed, listed, "--shape", 100, 80, "--overwrite") == 1
    assert source.read_bytes() == before


def rows_of(path):
    table = blocks_of(path, path.read_text())["coordinate_files"]
    labels = ("rlnMicrographName", "rlnMicrographCoordinates")
    return dict(zip(*(table.words(label) for label in labels), strict=True))


NAMES = st.lists(
    st.text("ab#_ ", min_size=1, max_size=6).map(lambda name: name.strip() or "c"),
    min_size=1,
    max_size=4,
    unique=True,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names=NAMES, project=st.booleans())
def test_what_is_written_is_listed_and_comes_back(tmp_path_factory, monkeypatch, names, project):
    folder = tmp_path_factory.mktemp("written")
    monkeypatch.chdir(folder)
    if project:
        (folder / "default_pipeline.star").write_text("")
    tables = [
        MicrographParticles(Particles([[4.0, number]]), f"Movies/{name}.mrc", 2.0)
        for number, name in enumerate(names)
    ]
    written = write_star_per_micrograph(folder / "External" / "job007", tables)
    listed = folder / "External" / "job007" / "autopick.star"
    assert rows_of(listed) == {
        one.micrograph: f"External/job007/{path.name}"
        for one, path in zip(tables, written, strict=True)
    }
    back = read_coordinates(listed)
    assert [one.micrograph for one in back] == [one.micrograph for one in tables]
    assert [one.particles.centres_px[0, 1] for one in back] == [*range(len(names))]


def test_an_earlier_list_is_gone_on_with_and_that_of_others_is_left_alone(tmp_path):
    first, second = (
        MicrographParticles(Particles([[4.0, 5.0]]), f"Movies/{name}.mrc", 2.0) for name in "ab"
    )
    write_star_per_micrograph(tmp_path / "one", [first])
    write_star_per_micrograph(tmp_path / "one", [second])
    assert [*rows_of(tmp_path / "one" / "autopick.star")] == ["Movies/a.mrc", "Movies/b.mrc"]
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "autopick.star").write_text("of RELION")
    with pytest.raises(WriteProblem, match=r"autopick\.star"):
        write_star_per_micrograph(tmp_path / "two", [first])
    assert (tmp_path / "two" / "autopick.star").read_text() == "of RELION"


def test_a_session_takes_the_picks_of_its_micrograph_from_a_list(project):
    path = project / "AutoPick" / "job006" / "autopick.star"
    found, sentence = read_picks(path, (100, 120), ["a.mrc"])
    assert found.centres_px.tolist() == [[40, 30], [60, 50]]
    assert sentence.startswith("2 particles from autopick.star")
    # RELION counts the rows of a TIFF from the other end.
    found, _ = read_picks(path, (100, 120), ["b.tif"])
    assert found.centres_px.tolist() == [[90, 7]]
    with pytest.raises(UnreadableFile, match="none of which is this one"):
        read_picks(path, (100, 120), ["c.mrc"])
