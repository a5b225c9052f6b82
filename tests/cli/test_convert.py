"""``napari-n2n convert`` as a person types it."""

import numpy as np
import pandas as pd
import pytest
import starfile

from napari_n2n.io import (
    MicrographParticles,
    Particles,
    read_coordinates,
    write_coordinates,
    write_micrograph,
)

from ..command_line import call


@pytest.fixture
def picks(tmp_path):
    labels = ["intact", "intact", "broken", "unlabelled"]
    centres = [[10, 20], [30, 40], [50, 60], [70, 80]]
    path = tmp_path / "picks.csv"
    tables = [
        MicrographParticles(Particles(centres, labels), "m/a.mrc"),
        MicrographParticles(Particles(centres[:2], labels[2:]), "m/b.mrc"),
    ]
    write_coordinates(path, tables)
    return path


def centres(path, **given):
    return [one.particles.centres_px.tolist() for one in read_coordinates(path, **given)]


def test_csv_to_star_with_chosen_labels_and_counts_in_one_line(tmp_path, picks, capsys):
    out = tmp_path / "picks.star"
    assert call("convert", picks, out, "--pixel-size", 1.5, "--labels", "intact,broken") == 0
    a, b = read_coordinates(out)
    assert a.particles.counts() == {"unlabelled": 0, "intact": 2, "broken": 1, "contaminant": 0}
    assert a.pixel_size_angstrom == b.pixel_size_angstrom == 1.5
    said = capsys.readouterr().out
    assert said == (f"a: 3 particles (2 intact, 1 broken); b: 1 particle (1 broken) → {out}\n")


def test_a_folder_gets_a_file_for_each_micrograph(tmp_path, picks):
    assert call("convert", picks, f"{tmp_path}/star/") == 0
    names = sorted(path.name for path in (tmp_path / "star").iterdir())
    assert names == ["a_manualpick.star", "autopick.star", "b_manualpick.star"]
    assert call("convert", picks, f"{tmp_path}/box/", "--each", "box", "--box-size", 20) == 0
    assert centres(tmp_path / "box" / "a.box")[0][0] == [10, 20]
    # And a folder of them is read again, each file naming its micrograph or giving it its name.
    assert call("convert", tmp_path / "star", tmp_path / "back.csv") == 0
    assert centres(tmp_path / "back.csv") == centres(picks)
    assert call("convert", tmp_path / "box", tmp_path / "box.csv") == 0
    assert [one.micrograph for one in read_coordinates(tmp_path / "box.csv")] == ["a", "b"]


def test_the_micrograph_gives_shape_pixel_size_and_name(tmp_path):
    write_micrograph(tmp_path / "m.mrc", np.eye(100, 120, dtype=np.float32), 2.0)
    (tmp_path / "m_autopick.box").write_text("0 10 40 40\n")
    out = tmp_path / "m.cs"
    assert (
        call("convert", tmp_path / "m_autopick.box", out, "--micrograph", tmp_path / "m.mrc") == 0
    )
    (one,) = read_coordinates(out)
    assert (one.shape, one.pixel_size_angstrom) == ((100, 120), 2.0)
    assert one.micrograph == str(tmp_path / "m.mrc")
    np.testing.assert_allclose(one.particles.centres_px, [[30, 20]], atol=1e-4)


def test_mirroring_needs_the_height_and_uses_it(tmp_path, picks, capsys):
    out = tmp_path / "out.txt"
    assert call("convert", picks, out, "--mirror-y") == 1
    assert "Give the micrograph's shape" in capsys.readouterr().err
    assert call("convert", picks, out, "--mirror-y", "--shape", 100, 200) == 0
    assert centres(out)[0][0] == [89, 20]


def test_picks_of_a_shrunken_micrograph_are_scaled(tmp_path, picks):
    out = tmp_path / "out.star"
    assert call("convert", picks, out, "--scale", 8, "--pixel-size", 0.5) == 0
    assert centres(out)[0][0] == [80, 160]
    assert read_coordinates(out)[0].pixel_size_angstrom == 0.5


def test_a_nameless_file_is_named_after_itself_and_that_is_said(tmp_path, capsys):
    (tmp_path / "grid_01_autopick.box").write_text("0 10 40 40\n")
    assert call("convert", tmp_path / "grid_01_autopick.box", tmp_path / "o.txt") == 0
    assert read_coordinates(tmp_path / "o.txt")[0].micrograph == "grid_01"
    assert "--micrograph" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["o.star"], "need the pixel size"),
        (["o.cs"], "shape and the pixel size"),
        (["o.json"], "must end in one of"),
        (["o.csv", "--labels", "contaminant"], "None of the 6 particles"),
        (["picks.csv"], "written over itself"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_written(
    tmp_path, picks, capsys, arguments, sentence
):
    before = sorted(path.name for path in tmp_path.iterdir())
    name, *rest = arguments
    assert call("convert", picks, tmp_path / name, *rest) == 1
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_an_unknown_label_names_the_known(tmp_path, picks, capsys):
    assert call("convert", picks, tmp_path / "o.csv", "--labels", "good") == 2
    assert "contaminant" in capsys.readouterr().err


def test_thirty_micrographs_are_one_line(tmp_path, capsys):
    tables = [MicrographParticles(Particles([[1, 2]] * (i + 1)), f"{i}.mrc") for i in range(30)]
    write_coordinates(tmp_path / "a.csv", tables)
    assert call("convert", tmp_path / "a.csv", tmp_path / "b.txt") == 0
    said = capsys.readouterr().out
    assert "30 micrographs, 1 to 30 each: 465 particles (465 unlabelled)" in said
    assert said.count("\n") == 1


STAR = """\
data_optics
loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMicrographPixelSize #3
_rlnVoltage #4
night-1 1 1.000000 200.000000
night-2 2 1.000000 200.000000

data_particles
loop_
_rlnCoordinateX #1
_rlnCoordinateY #2
_rlnMicrographName #3
_rlnOpticsGroup #4
_rlnHelicalTubeID #5
40 80 m/a.mrc 2 7
44 88 m/b.mrc 1 8
"""


def test_star_to_star_keeps_rows_and_optics(tmp_path):
    (tmp_path / "in.star").write_text(STAR)
    assert call("convert", tmp_path / "in.star", tmp_path / "out.star") == 0
    before, after = (starfile.read(tmp_path / f"{name}.star") for name in ("in", "out"))
    for block in ("optics", "particles"):
        pd.testing.assert_frame_equal(before[block], after[block])


def test_a_binned_micrograph_scales_positions_to_its_pixels(tmp_path, capsys):
    (tmp_path / "in.star").write_text(STAR)
    write_micrograph(tmp_path / "a.mrc", np.eye(50, 60, dtype=np.float32), 4.0)
    out = tmp_path / "out.csv"
    assert call("convert", tmp_path / "in.star", out, "--micrograph", tmp_path / "a.mrc") == 0
    assert centres(out) == [[[20, 10]], [[22, 11]]]
    assert "multiplied by 0.25" in capsys.readouterr().err
    # What a person says of the pixel size wins.
    command = ("convert", tmp_path / "in.star", out, "--micrograph", tmp_path / "a.mrc")
    assert call(*command, "--pixel-size", 4) == 0
    assert centres(out) == [[[80, 40]], [[88, 44]]]
    assert "outside the micrograph" in capsys.readouterr().err


def test_one_micrograph_is_not_that_of_all_files_of_a_folder(tmp_path):
    folder = tmp_path / "AutoPick" / "job" / "night"
    folder.mkdir(parents=True)
    for i, stem in enumerate("abc"):
        text = f"data_\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n{i} {i}\n"
        (folder / f"{stem}_autopick.star").write_text(text)
    write_micrograph(tmp_path / "m" / "a.mrc", np.eye(50, 60, dtype=np.float32), 4.0)
    out = tmp_path / "out.star"
    assert call("convert", folder, out, "--micrograph", tmp_path / "m" / "a.mrc") == 0
    tables = read_coordinates(out)
    assert [one.micrograph for one in tables] == [str(tmp_path / "m" / f"{s}.mrc") for s in "abc"]
    assert {one.pixel_size_angstrom for one in tables} == {4.0}


def test_topaz_names_are_completed_by_the_micrographs(tmp_path, capsys):
    (tmp_path / "p.txt").write_text("image_name\tx_coord\ty_coord\na\t1\t2\nb\t3\t4\n")
    write_micrograph(tmp_path / "a.mrc", np.eye(50, 60, dtype=np.float32), 4.0)
    out = tmp_path / "out.star"
    assert call("convert", tmp_path / "p.txt", out, "--micrograph", tmp_path / "a.mrc") == 0
    assert [one.micrograph for one in read_coordinates(out)] == [
        str(tmp_path / "a.mrc"),
        str(tmp_path / "b.mrc"),
    ]
    assert "no extension" not in capsys.readouterr().err
    assert call("convert", tmp_path / "p.txt", out, "--pixel-size", 4) == 0
    assert "a and such names have no extension" in capsys.readouterr().err


def test_a_motion_star_is_no_coordinate_file_of_a_folder(tmp_path):
    (tmp_path / "in.star").write_text(STAR)
    (tmp_path / "a_motion.star").write_text(
        "data_general\n\n_rlnMicrographMovieName Movies/a.tif\n\ndata_hot_pixels\n\nloop_\n"
        "_rlnCoordinateX\n_rlnCoordinateY\n1 2\n3 4\n"
    )
    assert call("convert", tmp_path, tmp_path / "o.csv") == 0
    assert len(read_coordinates(tmp_path / "o.csv")) == 2
    assert call("convert", tmp_path / "a_motion.star", tmp_path / "p.csv") == 1
