"""Training on single tomograms."""

import numpy as np
import pytest

from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.volumes import denoise_volume
from napari_n2n.denoising.training.single_volumes import (
    LIMITS,
    SingleVolume,
    SingleVolumes,
    prepare_singles_steps,
)
from napari_n2n.denoising.training.volumes import train_volumes
from napari_n2n.errors import N2NError, NotEnoughData
from napari_n2n.progress import Interrupted, run_to_end


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_noise_goes_and_the_specimen_stays():
    rng = np.random.default_rng(2)
    specimen = np.zeros((16, 40, 40))
    for z, y, x in rng.integers((3, 3, 3), (13, 37, 37), (60, 3)):
        specimen[z - 2 : z + 3, y - 2 : y + 3, x - 2 : x + 3] = 1.5
    noisy = (specimen + noise(specimen.shape)).astype(np.float32)
    network = {"name": "tiny", "ndim": 3, "encoder": [[8, 8], [16]], "decoder": [[8]]}
    config = preset("quick", 3).replaced(
        crop=16, steps=120, network=network, learning_rate=0.005, ema_decay=0.9
    )
    denoiser = train_volumes(SingleVolumes([SingleVolume(noisy)]), config)
    denoised = denoise_volume(noisy, denoiser)
    before, after = (np.corrcoef(v.ravel(), specimen.ravel())[0, 1] for v in (noisy, denoised))
    assert after > before + 0.08


def test_limits_are_told_and_one_that_is_of_no_use_is_left_out():
    config = preset("quick", 3).replaced(crop=16)
    good = SingleVolume(noise((12, 32, 32)), 10.0, "good")
    small = SingleVolume(np.zeros((4, 8, 8), np.float32), 10.0, "small")
    data = run_to_end(prepare_singles_steps(SingleVolumes([small, good]), config))
    assert data.names == ("good",)
    assert data.training[0].shape == (9, 23, 23)
    assert data.working_voxel_size_angstrom == 14
    assert LIMITS in data.notes
    assert any(note.startswith("Left out: small") for note in data.notes)
    with pytest.raises(NotEnoughData, match="small"):
        run_to_end(prepare_singles_steps(SingleVolumes([small]), config))
    with pytest.raises(N2NError, match="nothing to train on"):
        run_to_end(prepare_singles_steps(SingleVolumes(), config))
    with pytest.raises(Interrupted):
        run_to_end(prepare_singles_steps(SingleVolumes([good]), config, lambda: True))


def test_large_volumes_are_transformed_in_parts(monkeypatch):
    config = preset("quick", 3).replaced(crop=16)
    volumes = SingleVolumes([SingleVolume(noise((12, 40, 32)), None, "unknown")])
    monkeypatch.setattr("napari_n2n.denoising.training.single_volumes._AT_ONCE", 5000)
    data = run_to_end(prepare_singles_steps(volumes, config))
    assert data.working_voxel_size_angstrom is None
    whole = data.training[0].odd.read((slice(0, 12), slice(0, 40), slice(0, 32)))
    assert np.isfinite(whole).all()
    assert whole.std() > 0.5
