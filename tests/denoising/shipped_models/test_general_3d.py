"""The model of tomograms in the box: what a person sees who has trained nothing."""

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.denoising.config import CRYOCARE_NETWORK, VOLUME_PRESETS
from napari_n2n.denoising.inference.volumes import denoise_volume, denoise_volumes_steps
from napari_n2n.denoising.shipped_models.general import (
    GENERAL_3D_PATH,
    general_denoiser,
    start_for,
)
from napari_n2n.metrics import correlation
from napari_n2n.progress import run_to_end
from napari_n2n.reconstruction import back_projected_slabs, weighted
from napari_n2n.simulation.tomograms import TomogramConfig, simulate_tomogram

SIGMAS_VOXELS = (0.7, 1, 1.4, 2, 2.8, 4)


def denoised(halves, voxel_size=None):
    slabs = []
    steps = denoise_volumes_steps(
        halves, general_denoiser(3), slabs.append, voxel_size_angstrom=voxel_size, device="cpu"
    )
    run_to_end(steps)
    return np.concatenate(slabs)


def back_projected_noise(seed, shape=(32, 64, 64)):
    angles = list(range(-60, 61, 3))
    images = np.random.default_rng(seed).normal(size=(len(angles), *shape[1:]))
    slabs = back_projected_slabs(weighted(images.astype(np.float32)), angles, shape[0])
    return np.concatenate(list(slabs))


def test_it_is_small_and_says_what_it_is():
    assert GENERAL_3D_PATH.stat().st_size < 10e6
    general = general_denoiser(3)
    assert general.summary.startswith("general-3d model, light-3d U-Net, 14 Å/voxel")
    assert general.calibrate
    assert "simulated tomograms" in general.provenance.trained_on[0]


@pytest.mark.parametrize(
    ("voxel_size", "shape", "dose", "defocus"),
    [(7.0, (64, 96, 96), 80, 4.0), (14.0, (40, 80, 80), 120, 6.0), (20.0, (32, 72, 72), 40, 2.0)],
)
def test_it_beats_every_gaussian(voxel_size, shape, dose, defocus):
    config = TomogramConfig(
        shape=shape,
        voxel_size_angstrom=voxel_size,
        dose=dose,
        defocus_micrometer=defocus,
        tilt_step_degree=4,
        drift_angstrom=0,
        gold_beads=0,
        seed=1234,
    )
    made = simulate_tomogram(config)
    odd, even, clean = (
        made.volume(images) for images in (made.series.odd, made.series.even, made.series.clean)
    )
    gaussian = max(
        correlation(ndimage.gaussian_filter(odd + even, sigma), clean) for sigma in SIGMAS_VOXELS
    )
    assert correlation(denoised([odd, even], voxel_size), clean) > gaussian


def test_of_halves_of_noise_it_makes_nothing_and_of_a_single_volume_next_to_nothing():
    halves = [back_projected_noise(seed) for seed in range(2)]
    assert np.ptp(denoised(halves)) < 1e-3 * halves[0].std()
    alone = denoise_volume(halves[0], general_denoiser(3), device="cpu")
    assert alone.std() < 0.03 * halves[0].std()
    # Nor has what is made of both halves anything in common, apart from the faces.
    other = denoise_volume(halves[1], general_denoiser(3), device="cpu")
    inner = (slice(8, -8),) * 3
    assert abs(correlation(alone[inner], other[inner])) < 0.1


@pytest.mark.parametrize(
    ("changes", "voxel_size", "why"),
    [
        ({}, 14.0, ""),
        ({}, None, "the voxel size is unknown"),
        ({}, 5.0, "it knows volumes of 9 to 22 Å/voxel"),
        ({"network": CRYOCARE_NETWORK}, 14.0, "another network"),
    ],
)
def test_a_training_may_start_from_it(changes, voxel_size, why):
    config = VOLUME_PRESETS["quick"].replaced(from_scratch=False, **changes)
    start, sentence = start_for(config, voxel_size)
    assert (start is general_denoiser(3)) == (not why)
    assert (why or "starts from the general model") in sentence
