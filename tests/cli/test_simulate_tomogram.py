import csv

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.io import inspect_file, open_volume, volume_halves
from napari_n2n.reconstruction import back_projected_slabs, weighted

from ..command_line import call

SMALL = ("--shape", "32", "64", "80", "--tilt-step", "10", "--voxel-size", "12", "--gold", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tomogram") / "made"
    assert call("simulate", "tomogram", folder, *SMALL, "--tomograms", 2) == 0
    return folder


def test_the_folder_is_one_of_tomograms_and_their_halves(folder):
    assert inspect_file(folder / "tomogram_00.mrc").kind == "tilt series"
    assert inspect_file(folder / "tomogram_00_EVN.mrc").kind == "tilt series"
    pairs = volume_halves(folder)
    assert [pair.odd.name for pair in pairs] == [
        "tomogram_00_ODD_Vol.mrc",
        "tomogram_01_ODD_Vol.mrc",
    ]
    for half in pairs[0].opened():
        assert half.shape == (32, 64, 80)
        assert half.voxel_size_angstrom == 12


def test_the_alignment_leads_from_the_tilts_to_the_volume(folder):
    rows = np.loadtxt(folder / "tomogram_00.aln", comments="#")
    transforms = np.loadtxt(folder / "tomogram_00.xf")
    np.testing.assert_allclose(transforms[:, 4:], -rows[:, 3:5], atol=1e-3)
    np.testing.assert_allclose(rows[:, 9], np.loadtxt(folder / "tomogram_00.tlt"), atol=0.01)
    raw = open_volume(folder / "tomogram_00.mrc", kind="volume")[:]
    aligned = np.stack(
        [
            ndimage.shift(image / image.mean(), (-y, -x), order=1, mode="nearest")
            for image, (x, y) in zip(raw, rows[:, 3:5], strict=True)
        ]
    )
    made = np.concatenate(list(back_projected_slabs(weighted(aligned), rows[:, 9], 32)))
    volume = open_volume(folder / "tomogram_00_Vol.mrc")[:]
    assert np.corrcoef(made.ravel(), volume.ravel())[0, 1] > 0.98


def test_particles_lie_where_the_table_says(folder):
    specimen = open_volume(folder / "tomogram_00_specimen.mrc")[:]
    with (folder / "tomogram_00_particles.csv").open() as table:
        rows = list(csv.DictReader(table))
    solid = [row for row in rows if row["kind"] in ("gold", "complex", "ribosome")]
    assert solid
    for row in solid:
        z, y, x = (round(float(row[f"{axis}_angstrom"]) / 12) for axis in "zyx")
        around = specimen[max(0, z - 2) : z + 3, max(0, y - 2) : y + 3, max(0, x - 2) : x + 3]
        assert around.mean() > 5 * specimen.mean()


def test_a_folder_called_tomogram_still_gets_movies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("simulate", "tomogram", "--size", 64, "--frames", 2) == 0
    assert (tmp_path / "tomogram" / "apoferritin_00.mrc").is_file()


def test_ice_that_does_not_fit_is_refused_before_anything_is_written(tmp_path, capsys):
    assert call("simulate-tomogram", tmp_path / "new", *SMALL, "--thickness", 9000) == 1
    assert not (tmp_path / "new").exists()
