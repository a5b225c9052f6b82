"""What a person names to be screened."""

import os

import numpy as np
import pytest

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import write_micrograph
from napari_n2n.workflow.screening import inputs_of

MOVIES = """\
# version 30001
data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMicrographOriginalPixelSize #3
opticsGroup1 1 {size}

# version 30001
data_movies

loop_
_rlnMicrographMovieName #1
_rlnOpticsGroup #2
Movies/b.mrc 1
Movies/a.mrc 1
"""


@pytest.fixture
def project(tmp_path):
    """Make a project with two movies, the first to be written being b."""
    for age, name in enumerate("ab"):
        write_micrograph(tmp_path / "Movies" / f"{name}.mrc", np.eye(8, dtype=np.float32), 1.0)
        os.utime(tmp_path / "Movies" / f"{name}.mrc", (1000 - age, 1000 - age))
    return tmp_path


def names(found):
    return [path.name for path in found.paths]


def test_a_folder_is_its_files_oldest_first(project):
    assert names(inputs_of(project / "Movies")) == ["b.mrc", "a.mrc"]


def test_pictures_beside_movies_are_no_micrographs(project, tmp_path_factory):
    """EPU writes a JPEG beside every image."""
    pictures = [project / "Movies" / "a.jpg", tmp_path_factory.mktemp("only") / "a.png"]
    for picture in pictures:
        picture.touch()
    assert names(inputs_of(project / "Movies")) == ["b.mrc", "a.mrc"]
    assert names(inputs_of(pictures[0])) == ["a.jpg"]
    assert names(inputs_of(pictures[1].parent)) == ["a.png"]


def test_several_things_are_each_file_once(project):
    movies = project / "Movies"
    found = inputs_of([movies / "a.mrc", f"{movies}/*.mrc", movies])
    assert names(found) == ["a.mrc", "b.mrc"]
    assert all(path.is_absolute() for path in found.paths)


def test_relions_movies_are_found_from_anywhere_in_the_project(project):
    star = project / "Import" / "job001" / "movies.star"
    star.parent.mkdir(parents=True)
    star.write_text(MOVIES.format(size=0.885))
    found = inputs_of(star)
    assert found.paths == (project / "Movies" / "b.mrc", project / "Movies" / "a.mrc")
    assert found.pixel_size_angstrom == pytest.approx(0.885)


def test_relions_movies_are_found_from_the_folder_one_is_in(project, tmp_path_factory, monkeypatch):
    star = tmp_path_factory.mktemp("elsewhere") / "movies.star"
    star.write_text(MOVIES.format(size=0.885))
    with pytest.raises(UnreadableFile, match=r"names files that are not there, as Movies/b\.mrc"):
        inputs_of(star)
    monkeypatch.chdir(project)
    assert names(inputs_of(star)) == ["b.mrc", "a.mrc"]


def test_micrographs_of_particles_are_named_once_each(project):
    star = project / "particles.star"
    rows = ["1 2 Movies/a.mrc", "3 4 Movies/a.mrc", "5 6 Movies/b.mrc"]
    head = ["data_", "loop_", "_rlnCoordinateX", "_rlnCoordinateY", "_rlnMicrographName"]
    star.write_text("\n".join([*head, *rows]) + "\n")
    found = inputs_of(star)
    assert names(found) == ["a.mrc", "b.mrc"]
    assert found.pixel_size_angstrom is None


def test_a_star_file_that_says_nothing_of_micrographs_is_refused(project):
    star = project / "other.star"
    star.write_text("data_\nloop_\n_rlnVoltage\n300\n200\n")
    with pytest.raises(UnreadableFile, match="names no micrographs"):
        inputs_of(star)


def test_an_impossible_pixel_size_is_not_believed(project):
    star = project / "movies.star"
    star.write_text(MOVIES.format(size=0))
    assert inputs_of(star).pixel_size_angstrom is None


def test_each_optics_group_has_its_pixel_size(project):
    star = project / "movies.star"
    groups = MOVIES.format(size="1.0\nopticsGroup2 2 2.0")
    star.write_text(groups.replace("Movies/a.mrc 1", "Movies/a.mrc 2"))
    found = inputs_of(star)
    assert found.pixel_size_angstrom is None
    movies = project / "Movies"
    assert found.pixel_sizes == {movies / "b.mrc": 1.0, movies / "a.mrc": 2.0}


def test_deselected_rows_are_left_out_and_that_is_said(project):
    star = project / "micrographs.star"
    head = ["data_micrographs", "loop_", "_rlnMicrographName", "_rlnSelected"]
    star.write_text("\n".join([*head, "Movies/a.mrc 0", "Movies/b.mrc 1"]) + "\n")
    found = inputs_of(star)
    assert names(found) == ["b.mrc"]
    assert "1 row is deselected" in found.notes[0]
    star.write_text("\n".join([*head, "Movies/a.mrc 0"]) + "\n")
    with pytest.raises(UnreadableFile, match="every row deselected"):
        inputs_of(star)


def test_names_may_hold_number_signs_and_blank_lines_may_follow_loop(tmp_path):
    for grid in ("grid#1", "grid#2"):
        write_micrograph(tmp_path / grid / "a.mrc", np.eye(8, dtype=np.float32), 1.0)
    star = tmp_path / "m.star"
    star.write_text(
        "data_empty\n# of nothing\n\ndata_\n\nloop_\n\n\n_rlnMicrographName #1\n"
        "grid#1/a.mrc\ngrid#2/a.mrc\n"
    )
    assert inputs_of(star).paths == (tmp_path / "grid#1" / "a.mrc", tmp_path / "grid#2" / "a.mrc")


@pytest.mark.parametrize("what", ["nowhere.mrc", "nothing/*.mrc", "."])
def test_nothing_to_screen_is_told(tmp_path, what):
    with pytest.raises(UnreadableFile):
        inputs_of(tmp_path / what)
