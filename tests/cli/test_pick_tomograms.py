"""``napari-n2n pick`` of tomograms: what they are decides, and what is done is done once."""

import numpy as np
import pytest

from napari_n2n.io import open_volume, read_tomogram_particles, write_volume

from ..command_line import call

SHAPE = (30, 80, 96)
VOXEL = 20.0
PLACES = [(15, y, x) for y in (14, 40, 66) for x in (14, 36, 58, 80)]


def balls(seed=0, noise=0.1):
    z, y, x = np.mgrid[tuple(map(slice, SHAPE))]
    volume = np.zeros(SHAPE, np.float32)
    for at in PLACES:
        r = np.sqrt((z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2)
        volume -= np.clip(4.5 - r, 0, 1).astype(np.float32)
    return volume + noise * np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


@pytest.fixture
def denoised(tmp_path):
    folder = tmp_path / "denoised"
    for seed, name in enumerate(("TS_01", "TS_02")):
        write_volume(folder / f"{name}.mrc", balls(seed), voxel_size_angstrom=VOXEL)
    return folder


WHAT = ("--diameter", 160, "--tilt-range", 90, "-q")


def test_a_folder_of_tomograms_into_one_file(denoised, tmp_path, capsys):
    out = tmp_path / "particles.star"
    assert call("pick", denoised, "-o", out, *WHAT) == 0
    tables = read_tomogram_particles(out)
    assert [one.tomogram for one in tables] == ["TS_01", "TS_02"]
    for one in tables:
        apart = np.linalg.norm(one.particles.centres_px[:, None] - np.array(PLACES)[None], axis=2)
        assert (apart.min(axis=0) < 1.5).all()
        assert len(one.particles) == len(PLACES)
        assert (one.voxel_size_angstrom, one.shape) == (VOXEL, SHAPE)
    capsys.readouterr()
    assert call("pick", denoised, "-o", out, *WHAT) == 0
    assert "found before" in capsys.readouterr().out
    assert call("pick", denoised, "-o", out, *WHAT, "--threshold", 0.5) == 0
    assert "found before" not in capsys.readouterr().out


def test_a_torn_tomogram_stops_nobody_and_a_killed_run_goes_on(denoised, tmp_path, capsys):
    whole = (denoised / "TS_02.mrc").read_bytes()
    (denoised / "TS_02.mrc").write_bytes(whole[:5000])
    out = tmp_path / "picked"
    out.mkdir()
    assert call("pick", denoised, "-o", out, *WHAT) == 1
    said = capsys.readouterr()
    assert "TS_02.mrc" in said.err
    assert (out / "TS_01_particles.star").is_file()
    (denoised / "TS_02.mrc").write_bytes(whole)
    assert call("pick", denoised, "-o", out, *WHAT) == 0
    said = capsys.readouterr().out
    assert "TS_01: 12 particles, found before" in said
    assert "TS_02: 12 particles (score" in said


def test_halves_are_added_and_noise_gives_none(tmp_path, capsys):
    rng = np.random.default_rng(3)
    for half in ("ODD", "EVN"):
        noise = rng.standard_normal(SHAPE).astype(np.float32)
        write_volume(tmp_path / f"TS_01_{half}_Vol.mrc", noise, voxel_size_angstrom=VOXEL)
    assert call("pick", tmp_path, "-o", tmp_path / "out.csv", *WHAT) == 0
    said = capsys.readouterr()
    assert "TS_01_Vol: 0 particles" in said.out
    assert "Nothing stands out" in said.err


def test_relions_list_gives_names_and_the_middle(denoised, tmp_path):
    (tmp_path / "tomograms.star").write_text(
        "data_global\n\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesPixelSize\n"
        "_rlnTomoTomogramBinning\n_rlnTomoSizeX\n_rlnTomoSizeY\n_rlnTomoSizeZ\n"
        "_rlnTomoReconstructedTomogramDenoised\n"
        "lamella_7 2.0 10 962 800 300 denoised/TS_01.mrc\n"
    )
    out = tmp_path / "p.star"
    assert call("pick", tmp_path / "tomograms.star", "-o", out, *WHAT) == 0
    (one,) = read_tomogram_particles(out)
    assert one.tomogram == "lamella_7"
    assert one.tilt_series_pixel_size_angstrom == 2.0
    assert one.centre_voxel == (15.0, 40.0, 48.1)
    assert len(one.particles) == len(PLACES)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((), "give --diameter"),
        (("--diameter", 160, "-o", "a.mod"), "can hold one tomogram"),
        (("--diameter", 160, "-o", "a.box"), "its name must end in one of"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_done(denoised, tmp_path, capsys, given, said):
    output = ("-o", tmp_path / "out.star") if "-o" not in given else ()
    assert call("pick", denoised, *output, *given) == 1
    assert said in capsys.readouterr().err
    assert open_volume(denoised / "TS_01.mrc").shape == SHAPE
