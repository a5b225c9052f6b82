import numpy as np
import pytest
import torch

from napari_n2n.denoising.normalisation import to_channels
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.training.subsets import Subsets, subsets_of

from ..conftest import blobs
from .test_pixel_noise import SIDE, noise

WORKING = (SIDE // 4, SIDE // 4)


def band_correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the correlation of two images (1, y, x), less their means."""
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (a.square().sum() * b.square().sum()).sqrt())


def clean_and_noise(blur_px: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a micrograph (1, y, x) is made of: smooth specimen and fainter-looking noise."""
    clean = torch.from_numpy(np.kron(blobs(3, SIDE // 4), np.ones((4, 4), np.float32)))[None]
    clean = rescale(rescale(clean, WORKING), (SIDE, SIDE))
    return 0.4 * clean, to_channels(noise(4, blur_px))


@pytest.mark.parametrize("blur_px", [0.0, 0.5])
@pytest.mark.parametrize("ratio", [1, 1.6, 4, 6], ids=lambda ratio: f"{ratio} px")
def test_the_two_images_share_the_specimen_and_not_the_noise(blur_px, ratio):
    clean, noisy = clean_and_noise(blur_px)
    at_work = (round(SIDE / ratio), round(SIDE / ratio))
    made = subsets_of(clean + noisy, 1.0, at_work, "standard", 0)
    (pair,) = made.fixed(np.random.default_rng(0))
    # What is left when the specimen, which is known here, is taken off on the images' own scale.
    working = rescale(clean, at_work)
    whole = rescale(clean + noisy, at_work)
    scale = float(made.image.std() / whole.std())
    first, second = (image - scale * working for image in (pair.input, pair.target))
    assert abs(band_correlation(first, second)) < 0.05
    assert float(first.std() / second.std()) == pytest.approx(1, abs=0.05)
    assert band_correlation((pair.input + pair.target) / 2, whole) == pytest.approx(1, abs=1e-4)


def test_plain_halves_of_a_detectors_pixels_would_share_noise():
    """What the spectrum is for: without it a third of the noise would pass for specimen."""
    _, noisy = clean_and_noise(0.5)
    signs = torch.from_numpy(np.random.default_rng(0).choice([-1.0, 1.0], (1, SIDE, SIDE))).float()
    image, difference = rescale(noisy, WORKING), rescale(signs * noisy, WORKING)
    assert band_correlation(image + difference, image - difference) > 0.3


def test_every_draw_is_another_pair_of_one_image():
    clean, noisy = clean_and_noise(0.0)
    made = subsets_of(clean + noisy, 1.0, WORKING, "flat", 0)
    rng = np.random.default_rng(0)
    window = (slice(8, 40), slice(16, 48))
    (first, second), (third, fourth) = (made.drawn(window, False, rng) for _ in range(2))
    assert first.shape == (1, 32, 32)
    torch.testing.assert_close(first + second, third + fourth)
    assert band_correlation(first - second, third - fourth) < 0.95
    # Inputs are on the scale that a network expects.
    assert float(made.drawn((slice(None), slice(None)), False, rng)[0].std()) == pytest.approx(
        1, abs=0.05
    )


def test_the_same_seed_makes_the_same_noise():
    image = to_channels(noise())
    first, again, other = (subsets_of(image, 1.0, WORKING, "flat", seed) for seed in (1, 1, 2))
    assert torch.equal(first.noises, again.noises)
    assert not torch.equal(first.noises, other.noises)


@pytest.mark.parametrize(
    ("pixel_size", "channels"), [(None, 1), (4.0, 1), (1.0, 3)],
    ids=["unknown pixel size", "coarse pixels", "colour"],
)  # fmt: skip
def test_what_does_not_tell_its_noise_gives_none(pixel_size, channels):
    image = to_channels(noise()).expand(channels, -1, -1)
    assert subsets_of(image, pixel_size, WORKING, "flat", 0) is None


def test_rows_are_cut_from_image_and_noises_alike():
    made = subsets_of(to_channels(noise()), 1.0, WORKING, "flat", 0)
    top = made.rows(slice(None, 40))
    assert isinstance(top, Subsets)
    assert top.shape == (40, WORKING[1])
    assert torch.equal(top.noises[:, 0, 39], made.noises[:, 0, 39])
