import time

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import WrongDimensions, preset
from napari_n2n.denoising.inference.volumes import denoise_volumes_steps
from napari_n2n.denoising.shipped_models import denoiser_named
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import NotEnoughData, WriteProblem
from napari_n2n.io import open_volume, write_volume
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.workflow import tomograms
from napari_n2n.workflow.tomogram_views import (
    SectionInView,
    SectionReady,
    TomogramSource,
    WatchedSection,
)

SHAPE = (48, 112, 112)


@pytest.fixture(scope="module")
def volumes():
    """Two halves of blobs, (z, y, x), and what is in them."""
    rng = np.random.default_rng(0)
    clean = ndimage.gaussian_filter(rng.normal(size=SHAPE), 2.5)
    clean = np.minimum(clean / clean.std(), 0).astype(np.float32)
    odd, even = (clean + rng.normal(0, 1.5, SHAPE).astype(np.float32) for _ in range(2))
    return odd, even, clean


@pytest.fixture
def source(volumes):
    odd, even, _ = volumes
    return TomogramSource((odd, even), "mine", 10.0, (odd + even) / 2)


def likeness(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


def test_the_section_in_view_comes_first_and_agrees_with_the_whole(source, volumes, monkeypatch):
    monkeypatch.setattr(tomograms, "_IN_MEMORY", 0)  # as if it were large
    watched = WatchedSection()
    watched.look_at(SectionInView(1, (slice(0, 48), slice(60, 61), slice(0, 112))))
    sections = []

    def on_progress(step):
        if isinstance(step, SectionReady):
            sections.append(step.section)

    steps = tomograms.denoise_tomogram_steps(source, device="cpu", watched=watched)
    result = run_to_end(steps, on_progress)
    (first,) = sections
    z, y, x = first.origin
    depth, height, width = first.voxels.shape
    assert (y, height) == (60, 1)
    whole = result.voxels[z : z + depth, y : y + 1, x : x + width]
    assert likeness(first.voxels, whole) > 0.95
    assert isinstance(result.voxels, np.memmap)
    assert likeness(result.voxels, volumes[2]) > likeness(source.shown, volumes[2]) + 0.2
    assert result.working_voxel_size_angstrom == 14
    # As the command line does it.
    slabs = []
    general = denoiser_named("general-3d")
    run_to_end(
        denoise_volumes_steps(source.volumes, general, slabs.append, voxel_size_angstrom=10.0)
    )
    np.testing.assert_allclose(result.voxels, np.concatenate(slabs), atol=1e-4)
    assert np.mean(result.fsc["after"]) > np.mean(result.fsc["before"])
    assert result.fsc["frequency_per_angstrom"][-1] == pytest.approx(1 / 28, rel=0.02)


def test_halves_of_noise_have_no_fsc(volumes):
    rng = np.random.default_rng(1)
    odd, even = rng.normal(size=(2, *SHAPE)).astype(np.float32)
    noise = TomogramSource((odd, even), "noise", 14.0, odd)
    result = run_to_end(tomograms.denoise_tomogram_steps(noise, device="cpu"))
    assert np.abs(result.fsc["before"][5:]).mean() < 0.1
    assert result.resolution_angstrom["before"] is None


def test_contrast_is_not_that_of_gold(volumes):
    odd, even, _ = (volume.copy() for volume in volumes)
    for volume in (odd, even):
        volume[22:27, 20:30, 20:30] -= 40
    mean = (odd + even) / 2
    source = TomogramSource((odd, even), "gold", 10.0, mean)
    denoised = ndimage.gaussian_filter(mean, 1)

    looked_at = tomograms.sections_without_gold(source, denoised)
    assert np.isnan(looked_at).any()
    assert np.nanmin(looked_at) > -5 > denoised.min()


def test_it_stops_within_a_second_and_models_of_images_are_refused(source):
    asked = time.monotonic() + 0.2
    steps = tomograms.denoise_tomogram_steps(
        source, device="cpu", stop=lambda: time.monotonic() > asked
    )
    with pytest.raises(Interrupted):
        run_to_end(steps)
    of_images = Denoiser(UNet(preset("quick").network).eval(), preset("quick"), 4.0)
    with pytest.raises(WrongDimensions, match="is for images"):
        run_to_end(tomograms.denoise_tomogram_steps(source, of_images))


def test_without_halves_there_is_nothing_to_train_on(volumes, tmp_path):
    one = TomogramSource(volumes[:1], "mine", 10.0, volumes[0])
    training = tomograms.train_on_tomogram_steps(
        one, preset("quick", 3), model=tmp_path / "m.safetensors"
    )
    with pytest.raises(NotEnoughData, match="mine has no halves"):
        run_to_end(training)


def test_what_is_saved_has_the_header_and_no_input_is_written_over(volumes, tmp_path):
    odd = tmp_path / "TS_ODD.mrc"
    write_volume(odd, volumes[0], voxel_size_angstrom=10, labels=["something"])
    saved = tmp_path / "TS.mrc"
    how = {"files": [odd], "voxel_size_angstrom": 12.0, "labels": ["denoised"]}
    run_to_end(tomograms.save_tomogram_steps(volumes[2], saved, **how))
    volume = open_volume(saved)
    np.testing.assert_array_equal(volume[:], volumes[2])
    assert volume.voxel_size_angstrom == 12
    assert "something" in " ".join(volume.labels)
    with pytest.raises(WriteProblem):
        run_to_end(tomograms.save_tomogram_steps(volumes[2], odd, **how))
    steps = tomograms.save_tomogram_steps(volumes[2], tmp_path / "b.mrc", stop=lambda: True, **how)
    with pytest.raises(Interrupted):
        run_to_end(steps)
    assert not (tmp_path / "b.mrc").exists()
