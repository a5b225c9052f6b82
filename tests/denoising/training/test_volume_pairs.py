import numpy as np
import pytest
import torch

from napari_n2n.denoising.training.volume_pairs import (
    VolumeCrops,
    VolumeHalves,
    prepare_volumes_steps,
)
from napari_n2n.errors import NotEnoughData
from napari_n2n.progress import run_to_end

from ..conftest import noisy_volumes

CPU = torch.device("cpu")


def test_what_is_held_out_is_never_drawn(tiny_3d):
    shape = (24, 64, 56)
    data = run_to_end(prepare_volumes_steps([noisy_volumes(0, shape)], tiny_3d))
    (working,) = data.training
    held = np.zeros(shape, bool)
    held[working.held_out] = True
    assert 0.05 < held.mean() < 0.2
    for half in (working.odd, working.even):
        (slab,) = half.slabs
        voxels = half.read(tuple(slice(0, side) for side in shape))
        half.write(slab, np.where(held, 999, voxels))
    crops = VolumeCrops(data, tiny_3d, CPU)
    for step in range(40):
        source, target = crops.draw(step)
        assert source.shape == target.shape == (4, 1, 16, 16, 16)
        assert max(source.max(), target.max()) < 999


def test_both_halves_are_inputs_and_targets_of_one_place(tiny_3d):
    halves = noisy_volumes(1, noise=0.01)
    data = run_to_end(prepare_volumes_steps([halves], tiny_3d))
    crops = VolumeCrops(data, tiny_3d, CPU)
    again = VolumeCrops(data, tiny_3d, CPU)
    for step in (0, 7):
        source, target = crops.draw(step)
        assert torch.nn.functional.mse_loss(source, target) < 0.01
        assert not torch.equal(source, target)
        torch.testing.assert_close(again.draw(step)[0], source)


def test_mirroring_keeps_the_missing_wedge_where_it_is(tiny_3d):
    """A quarter turn about y, or one that brings y to z, would not."""
    shape = (32, 64, 64)
    kz, _, kx = np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")
    wedge = abs(kz) > abs(kx)  # not measured
    rng = np.random.default_rng(0)
    noise = [
        np.fft.ifftn(np.where(wedge, 0, np.fft.fftn(rng.normal(size=shape)))).real for _ in range(3)
    ]
    halves = VolumeHalves(*((noise[0] + part).astype(np.float32) for part in noise[1:]), 10.0)
    data = run_to_end(prepare_volumes_steps([halves], tiny_3d))
    drawn = torch.cat([VolumeCrops(data, tiny_3d, CPU).draw(step)[0] for step in range(20)])
    tapered = drawn[:, 0].numpy() * np.hanning(16)[:, None, None] * np.hanning(16)
    power = (abs(np.fft.fftn(tapered, axes=(1, 2, 3))) ** 2).mean(axis=0)
    kz, _, kx = np.meshgrid(*[np.fft.fftfreq(16)] * 3, indexing="ij")
    inside = (abs(kz) > abs(kx) + 0.15) & (abs(kz) < 0.5)
    outside = (abs(kx) > abs(kz) + 0.15) & (abs(kx) < 0.5)
    assert power[inside].mean() < 0.15 * power[outside].mean()


def test_thin_and_unlike_volumes_are_trained_on_together(tiny_3d):
    volumes = [noisy_volumes(0, (10, 64, 56)), noisy_volumes(1, (30, 40, 90))]
    data = run_to_end(prepare_volumes_steps(volumes, tiny_3d))
    assert VolumeCrops(data, tiny_3d, CPU).draw(0)[0].shape == (4, 1, 10, 16, 16)


def test_the_working_voxel_size_is_chosen_and_said(tiny_3d):
    config = tiny_3d.replaced(working_pixel_size_angstrom=14.0, crop=16)
    data = run_to_end(prepare_volumes_steps([noisy_volumes(0)], config))
    assert data.working_voxel_size_angstrom == 14.0
    assert data.training[0].shape == (17, 46, 40)
    assert "Working voxel size: 14 Å." in data.notes
    small = config.replaced(particle_diameter_angstrom=176)
    assert run_to_end(prepare_volumes_steps([noisy_volumes(0)], small)).notes[0].endswith("11 Å.")


def test_a_volume_that_cannot_be_read_is_named_and_the_others_are_used(tiny_3d):
    torn = noisy_volumes(1)
    torn.even[5, 5, 5] = np.nan
    data = run_to_end(prepare_volumes_steps([noisy_volumes(0), torn], tiny_3d))
    assert data.names == ("tomogram 0",)
    assert any("tomogram 1" in note and "NaN" in note for note in data.notes)


def test_twice_the_same_volume_is_no_pair(tiny_3d):
    half = noisy_volumes(0).odd
    with pytest.raises(NotEnoughData, match="the same noise"):
        run_to_end(prepare_volumes_steps([VolumeHalves(half, half, 10.0)], tiny_3d))


@pytest.mark.parametrize("shape", [(24, 12, 56), (4, 64, 64)])
def test_too_small_a_volume_is_refused(tiny_3d, shape):
    with pytest.raises(NotEnoughData, match="working voxel size"):
        run_to_end(prepare_volumes_steps([noisy_volumes(0, shape)], tiny_3d))
