"""``napari-n2n convert`` between programs that have particles in tomograms."""

import itertools

import numpy as np
import pytest
import starfile

from napari_n2n.io import (
    Particles,
    TomogramParticles,
    read_tomogram_particles,
    write_tomogram_particles,
    write_volume,
)

from ..command_line import call

SHAPE = (12, 30, 40)
CENTRES = np.array([[3.0, 10.5, 20.0], [7.0, 20.0, 35.5]])


@pytest.fixture
def tomogram(tmp_path):
    path = tmp_path / "TS_01.mrc"
    write_volume(path, np.zeros(SHAPE, np.float32), voxel_size_angstrom=12.0)
    return path


@pytest.fixture
def coords(tmp_path):
    path = tmp_path / "TS_01.coords"
    write_tomogram_particles(path, [TomogramParticles(Particles(CENTRES))])
    return path


def test_once_round_all_programs(tmp_path, tomogram, coords, capsys):
    """Every format into the next, with nothing but the tomogram to go by, and back again."""
    files = [
        coords,
        tmp_path / "a.star",
        tmp_path / "b.mod",
        tmp_path / "c.tbl",
        tmp_path / "d.json",
        tmp_path / "e.csv",
        tmp_path / "f.coords",
    ]
    for source, result in itertools.pairwise(files):
        assert call("convert", source, result, "--tomogram", tomogram) == 0, source
    (back,) = read_tomogram_particles(files[-1])
    np.testing.assert_allclose(back.particles.centres_px, CENTRES, atol=1e-5)
    assert "TS_01: 2 particles → " in capsys.readouterr().out
    row = starfile.read(files[1], always_dict=True)["particles"].iloc[0]
    assert row["rlnCenteredCoordinateZAngst"] == (3 - 12 / 2) * 12
    assert row["rlnTomoName"] == "TS_01"


def test_what_is_missing_is_asked_for_in_a_sentence(tmp_path, tomogram, coords, capsys):
    out = tmp_path / "a.star"
    assert call("convert", coords, out) == 1
    assert "Give the tomogram, or rename it" in capsys.readouterr().err
    assert call("convert", coords, out, "--tomogram", tomogram) == 0
    relion = tmp_path / "relion.star"
    columns = "".join(f"_rlnCenteredCoordinate{axis}Angst\n" for axis in "XYZ")
    relion.write_text(f"data_particles\n\nloop_\n_rlnTomoName\n{columns}TS_01 0 0 0\n")
    assert call("convert", relion, tmp_path / "a.tbl") == 1
    assert "voxel size of TS_01 is not known" in capsys.readouterr().err
    assert call("convert", relion, tmp_path / "a.tbl", "--pixel-size", 12) == 1
    assert "shape of TS_01 is not known" in capsys.readouterr().err
    shape = ("--shape", 30, 40, "--depth", 12)
    assert call("convert", relion, tmp_path / "a.tbl", "--pixel-size", 12, *shape) == 0
    (one,) = read_tomogram_particles(tmp_path / "a.tbl")
    np.testing.assert_allclose(one.particles.centres_px, [[6, 15, 20]])


def test_picks_of_a_binned_tomogram_are_scaled(tmp_path, tomogram, coords):
    out = tmp_path / "a.csv"
    assert call("convert", coords, out, "--scale", 4) == 0
    (one,) = read_tomogram_particles(out)
    np.testing.assert_allclose(one.particles.centres_px, 4 * CENTRES)


def test_other_voxels_are_scaled_and_that_is_said(tmp_path, tomogram, capsys):
    star = tmp_path / "a.star"
    table = TomogramParticles(Particles(2 * CENTRES), "TS_01", 6.0, (24, 60, 80))
    write_tomogram_particles(star, [table])
    assert call("convert", star, tmp_path / "a.coords", "--tomogram", tomogram) == 0
    (one,) = read_tomogram_particles(tmp_path / "a.coords")
    np.testing.assert_allclose(one.particles.centres_px, CENTRES)
    assert "multiplied by 0.5" in capsys.readouterr().err


@pytest.mark.parametrize("each", ["star", "csv", "tbl", "mod", "json", "coords"])
def test_a_folder_gets_a_file_for_each_tomogram(tmp_path, each):
    table = TomogramParticles(Particles(CENTRES), "TS_01", 12.0, SHAPE)
    other = TomogramParticles(Particles(CENTRES[:1]), "TS_02", 12.0, SHAPE)
    write_tomogram_particles(tmp_path / "all.star", [table, other])
    assert call("convert", tmp_path / "all.star", f"{tmp_path}/out/", "--each", each) == 0
    files = sorted(path for path in (tmp_path / "out").rglob(f"*.{each}") if path.is_file())
    assert len(files) == 2
    assert ["TS_01" in str(files[0]), "TS_02" in str(files[1])] == [True, True]
    (back,) = read_tomogram_particles(files[0])
    np.testing.assert_allclose(back.particles.centres_px, CENTRES, atol=1e-5)


def test_a_folder_of_lists_becomes_one_file_and_a_torn_one_is_named(tmp_path, capsys):
    folder = tmp_path / "coords"
    folder.mkdir()
    for name in ("TS_01", "TS_02"):
        write_tomogram_particles(folder / f"{name}.coords", [TomogramParticles(Particles(CENTRES))])
    (folder / "TS_03.coords").write_text("1 2 3\n1 2\n")
    assert call("convert", folder, tmp_path / "all.csv") == 1
    assert "TS_03.coords" in capsys.readouterr().err
    back = read_tomogram_particles(tmp_path / "all.csv")
    assert [one.tomogram for one in back] == ["TS_01", "TS_02"]


def test_micrographs_and_tomograms_are_not_mixed(tmp_path, coords, capsys):
    (tmp_path / "a.csv").write_text("micrograph,x_px,y_px\na,1,2\n")
    assert call("convert", tmp_path, tmp_path / "out.star") == 1
    assert "Convert them apart" in capsys.readouterr().err
