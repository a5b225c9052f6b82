"""What is said of what was removed."""

import json
from pathlib import Path

import numpy as np
import pytest

import napari_n2n as n2n
from napari_n2n.io import read_micrograph, write_micrograph
from napari_n2n.io.labels import read_labels

from ..command_line import call

RINGS = Path(__file__).parents[3] / "shared" / "data" / "micrographs" / "ring_particles_ds8.mrc"


@pytest.mark.skipif(not RINGS.is_file(), reason="needs ../shared/data")
def test_particles_lost_by_a_wrong_pixel_size_are_told(tmp_path, capsys):
    # Its header says 0.79 Å where the truth is 6.32 Å.
    assert call("denoise", RINGS, "--pixel-size", 0.79, "-o", tmp_path, "--json", "-q") == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["removed"]["holds_structure"]
    assert told["removed"]["warning"] in told["notes"]
    assert "not only noise" in " ".join(said.err.split())
    # It goes with the file, beside what its header said before.
    (written,) = tmp_path.glob("*.mrc")
    labels = read_labels(written)
    (about,) = [label for label in labels if "removed" in label]
    assert about.startswith("napari-n2n: removed more than noise: ")
    assert f"{100 * told['removed']['variance_share']:.1f} %" in about
    assert all(label in labels for label in read_labels(RINGS))
    assert call("info", written) == 0
    assert "removed more than noise" in " ".join(capsys.readouterr().err.split())


def test_what_was_removed_of_noise_is_a_figure_and_no_warning(tmp_path, capsys):
    pixels = np.random.default_rng(0).normal(100, 10, (160, 160)).astype(np.float32)
    path = tmp_path / "noise.mrc"
    write_micrograph(path, pixels, 4.0)
    assert call("denoise", path, "-o", tmp_path / "d", "--json", "-q") == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert told["removed"]["variance_share"] > 0.9
    assert not told["removed"]["holds_structure"]
    assert "not only noise" not in said.err
    denoised = n2n.denoise(read_micrograph(path))
    assert denoised.removed is not None
    assert denoised.removed.as_json() == told["removed"]
