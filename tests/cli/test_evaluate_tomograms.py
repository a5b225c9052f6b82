"""``napari-n2n evaluate`` of tomograms: resolutions with unit and condition, and the truth."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_n2n.io import write_volume

from ..command_line import call

SHAPE = (32, 40, 48)


@pytest.fixture
def halves(tmp_path):
    rng = np.random.default_rng(0)
    clean = gaussian_filter(rng.standard_normal(SHAPE), 2).astype(np.float32)
    clean /= clean.std()
    write_volume(tmp_path / "truth" / "clean.mrc", clean, voxel_size_angstrom=10.0)
    folder = tmp_path / "halves"
    for half in ("ODD", "EVN"):
        noisy = clean + rng.standard_normal(SHAPE).astype(np.float32)
        write_volume(folder / f"TS_01_{half}_Vol.mrc", noisy, voxel_size_angstrom=10.0)
    return folder


def test_halves_in_a_folder(halves, capsys):
    assert call("evaluate", halves) == 0
    said = capsys.readouterr().out
    assert "TS_01_Vol: Fourier shell correlation of its halves (no mask" in said
    assert "≥ 0.143 down to" in said
    assert "≥ 0.5 down to" in said
    assert " Å" in said


def test_one_half_beside_the_other_and_the_truth(halves, capsys):
    truth = halves.parent / "truth" / "clean.mrc"
    half = halves / "TS_01_ODD_Vol.mrc"
    assert call("evaluate", half, "--reference", truth, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)
    # Signal 1 and noise 1/2 in the mean of two: 1 / √1.5.
    assert told["raw_correlation"] == pytest.approx(1 / np.sqrt(1.5), abs=0.02)
    before = told["fsc_before"]
    assert before["resolution_0.143_angstrom"] < before["resolution_0.5_angstrom"] < 100
    assert told["denoised_correlation"] is None


def test_a_volume_against_another(halves, capsys):
    truth = halves.parent / "truth" / "clean.mrc"
    assert call("evaluate", truth, "--reference", truth) == 0
    said = capsys.readouterr().out
    assert "Correlation: 1.0000" in said
    assert "FSC (no mask" in said


def test_other_shapes_and_nothing_to_compare_with_are_said(halves, tmp_path, capsys):
    other = tmp_path / "other.mrc"
    write_volume(other, np.ones((8, 8, 8), np.float32), voxel_size_angstrom=10.0)
    truth = halves.parent / "truth" / "clean.mrc"
    assert call("evaluate", truth, "--reference", other) == 1
    assert "is 8 × 8 × 8 voxels" in capsys.readouterr().err
    assert call("evaluate", truth) == 2
    assert "--reference" in capsys.readouterr().err
