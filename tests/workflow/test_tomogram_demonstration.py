"""The demo of tomograms, at a size that takes seconds."""

import numpy as np
from PIL import Image

from napari_n2n.denoising.config import preset
from napari_n2n.io import open_volume, read_tomogram_particles
from napari_n2n.progress import run_to_end
from napari_n2n.workflow.tomogram_demonstration import (
    demonstrate_tomogram_steps,
    tomogram_demo_files,
)


def test_it_leaves_a_picture_a_model_a_tomogram_and_particles(tmp_path):
    training = preset("quick", 3).lasting(1.0)
    shape = (24, 64, 64)
    found = run_to_end(
        demonstrate_tomogram_steps(tmp_path, training=training, shape=shape, voxel_size_angstrom=16)
    )
    made = {path for path in tmp_path.rglob("*") if path.is_file() and path.name[0] != "."}
    assert made <= {*tomogram_demo_files(tmp_path)}
    assert {found.picture, found.model, found.denoised_path, found.particles_path} <= made
    with Image.open(found.picture) as picture:
        assert picture.width > 2 * shape[2] - 1
    assert open_volume(found.denoised_path).shape == shape
    (table,) = read_tomogram_particles(found.particles_path)
    assert len(table.particles) == found.particles
    assert table.shape == shape
    assert 0 < found.raw_correlation < found.gaussian_correlation <= 1
    assert np.isfinite(found.denoised_correlation)
