import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser, save_denoiser
from napari_n2n.denoising.config import (
    LIGHT_NETWORK_3D,
    VOLUME_NETWORKS,
    NetworkConfig,
    WrongDimensions,
    preset,
)
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.inference.faster_unet import FoldedUNet, ready
from napari_n2n.denoising.inference.tile_size import largest_volume_tile
from napari_n2n.denoising.inference.volumes import denoise_volume, denoise_volumes_steps
from napari_n2n.denoising.inference.working_size import PixelSizeProblem
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import NotEnoughData
from napari_n2n.progress import Interrupted, run_to_end

from ..conftest import TINY_VOLUME_NETWORK, clean_volume, noisy_volumes


def made_up(network: object = TINY_VOLUME_NETWORK, working: float | None = None) -> Denoiser:
    """Return a denoiser with random weights; it computes the same everywhere."""
    torch.manual_seed(3)
    config = NetworkConfig.model_validate(network)
    training = preset("quick", 3).replaced(network=config)
    return Denoiser(UNet(config).eval(), training, working)


def _written(halves, denoiser, tile) -> list[np.ndarray]:
    slabs: list[np.ndarray] = []
    run_to_end(denoise_volumes_steps(halves, denoiser, slabs.append, tile=tile))
    return slabs


@settings(deadline=None, max_examples=12)
@given(
    shape=st.tuples(st.integers(3, 30), st.integers(9, 40), st.integers(9, 40)),
    tile=st.tuples(*[st.integers(3, 8)] * 3),
)
def test_tiling_changes_nothing(shape, tile):
    rng = np.random.default_rng(0)
    halves = [rng.normal(size=shape).astype(np.float32) for _ in range(2)]
    denoiser = made_up()
    multiple = denoiser.network.config.size_multiple
    whole, tiled = (
        np.concatenate(slabs)
        for slabs in (
            _written(halves, denoiser, (64, 64, 64)),
            _written(halves, denoiser, tuple(multiple * n for n in tile)),
        )
    )
    assert np.abs(whole - tiled).max() <= 1e-4 * np.ptp(whole)


def test_tiles_of_the_light_network_join_without_a_seam():
    volume = noisy_volumes(0, (9, 70, 58)).odd
    denoiser = made_up(LIGHT_NETWORK_3D)
    whole = denoise_volume(volume, denoiser, tile=(12, 72, 60))
    tiled = denoise_volume(volume, denoiser, tile=(12, 32, 60))
    assert np.abs(whole - tiled).max() <= 1e-4 * np.ptp(whole)


@pytest.mark.parametrize("name", ["light-3d", "cryocare"])
def test_the_faster_network_gives_the_same(name):
    torch.manual_seed(1)
    network = UNet(VOLUME_NETWORKS[name]).eval()
    faster = ready(network, torch.device("cpu"))
    assert isinstance(faster, FoldedUNet)
    seen = torch.randn(1, 1, 13, 18, 22)
    with torch.inference_mode():
        torch.testing.assert_close(faster(seen), network(seen), rtol=1e-4, atol=1e-5)


def test_the_result_of_halves_is_the_mean_of_both_denoised_one_of_them_mirrored():
    halves = noisy_volumes(1)
    denoiser = made_up()
    slabs: list[np.ndarray] = []
    run_to_end(denoise_volumes_steps([halves.odd, halves.even], denoiser, slabs.append))
    odd = denoise_volume(halves.odd, denoiser)
    even = denoise_volume(halves.even[::-1, ::-1, ::-1].copy(), denoiser)[::-1, ::-1, ::-1]
    np.testing.assert_allclose(np.concatenate(slabs), (odd + even) / 2, rtol=1e-4, atol=1e-3)


def test_brightness_and_contrast_of_the_volume_come_back():
    volume = noisy_volumes(2).odd
    denoiser = made_up()
    plain = denoise_volume(volume, denoiser)
    np.testing.assert_allclose(
        denoise_volume(7 * volume + 300, denoiser), 7 * plain + 300, atol=0.02 * np.ptp(plain)
    )


def test_another_voxel_size_gives_the_original_grid_and_says_what_is_lost():
    volume = noisy_volumes(3).odd
    slabs: list[np.ndarray] = []
    steps = denoise_volumes_steps(
        [volume], made_up(working=20.0), slabs.append, voxel_size_angstrom=10.0
    )
    (note,) = run_to_end(steps)
    assert "at 20 Å/voxel" in note
    assert "finer than 40 Å" in note
    result = np.concatenate(slabs)
    assert result.shape == volume.shape
    # Its edges are not alike, which a transform would tell of as fine waves.
    faded = (result - result.mean()) * np.hanning(volume.shape[1])[:, None]
    spectrum = np.abs(np.fft.fft(faded, axis=1))
    fine = np.abs(np.fft.fftfreq(volume.shape[1])) > 0.3
    assert spectrum[:, fine].max() < 1e-3 * spectrum.max()


def test_borders_that_were_not_reconstructed_stay_as_they_are():
    volume = noisy_volumes(4).odd
    volume[:, :7] = 0
    assert (
        denoise_volume(volume, made_up(working=20.0), voxel_size_angstrom=10.0)[:, :7] == 0
    ).all()


def test_a_volume_that_is_all_the_same_stays_so():
    volume = np.full((12, 30, 30), 5, np.float32)
    assert np.isfinite(denoise_volume(volume, made_up())).all()


def test_models_of_images_and_of_volumes_are_not_mixed_up(tmp_path):
    save_denoiser(tmp_path / "3d.safetensors", made_up(working=14.0))
    of_volumes = load_denoiser(tmp_path / "3d.safetensors")
    assert of_volumes.ndim == 3
    assert "14 Å/voxel" in of_volumes.summary
    with pytest.raises(WrongDimensions, match=r"is for volumes, and this is an image\. Choose"):
        denoise(np.zeros((64, 64), np.float32), of_volumes)
    of_images = Denoiser(UNet(preset("quick").network).eval(), preset("quick"), 4.0)
    with pytest.raises(WrongDimensions, match=r"is for images, and this is a volume\. Choose"):
        denoise_volume(clean_volume(0), of_images)


def test_voxel_sizes_that_cannot_be_meant_and_unlike_halves_are_refused():
    with pytest.raises(PixelSizeProblem, match=r"0.5 Å/voxel .* too far apart"):
        denoise_volume(clean_volume(0), made_up(working=14.0), voxel_size_angstrom=0.5)
    halves = [clean_volume(0), clean_volume(0)[1:]]
    with pytest.raises(NotEnoughData, match="of one shape"):
        run_to_end(denoise_volumes_steps(halves, made_up(), lambda slab: None))


def test_it_stops_within_a_second():
    volume = np.random.default_rng(0).normal(size=(32, 120, 120)).astype(np.float32)
    asked = time.monotonic() + 0.3
    steps = denoise_volumes_steps(
        [volume],
        made_up(LIGHT_NETWORK_3D),
        lambda slab: None,
        stop=lambda: time.monotonic() > asked,
    )
    with pytest.raises(Interrupted):
        run_to_end(steps)
    assert time.monotonic() - asked < 2


def test_tiles_of_a_flat_tomogram_reach_through_it():
    network = ready(UNet(LIGHT_NETWORK_3D), torch.device("cpu"))
    small = largest_volume_tile(network, (69, 229, 229), torch.device("cpu"))
    assert all(a >= b for a, b in zip(small, (69, 229, 229), strict=True))
    z, y, x = largest_volume_tile(network, (214, 731, 731), torch.device("cpu"))
    assert z >= 214
    assert z * (y + 2 * network.halo) * (x + 2 * network.halo) < 10_000_000


def test_what_was_made_of_each_half_can_be_compared_and_their_mean_is_the_result():
    halves, denoiser = noisy_volumes(5), made_up(working=20.0)
    slabs: list[np.ndarray] = []
    seen: list[np.ndarray] = []

    def compare(before, after):
        seen.extend(np.array(volume) for volume in (*before, *after))

    steps = denoise_volumes_steps(
        [halves.odd, halves.even],
        denoiser,
        slabs.append,
        voxel_size_angstrom=20.0,
        compare=compare,
    )
    run_to_end(steps)
    odd, even, denoised_odd, denoised_even = seen
    np.testing.assert_allclose(odd, halves.odd, atol=1e-4)
    np.testing.assert_allclose(even, halves.even, atol=1e-4)
    alone = denoise_volume(halves.odd, denoiser, voxel_size_angstrom=20.0)
    offset = (alone - denoised_odd).mean()  # is left out
    np.testing.assert_allclose(denoised_odd, alone - offset, atol=1e-3)
    mean, result = (denoised_odd + denoised_even) / 2, np.concatenate(slabs)
    np.testing.assert_allclose(mean - mean.mean(), result - result.mean(), atol=1e-3)
