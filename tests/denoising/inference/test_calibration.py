from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.denoising.inference.calibration import (
    calibrated_steps,
    passes,
    weights,
)
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.metrics import correlation
from napari_n2n.progress import run_to_end

from ..conftest import blobs

SIDE = 512
RING = 0.01


def weighed(image: np.ndarray, network) -> np.ndarray:
    """Calibrate what ``network``, of a tensor (1, y, x), makes of ``image``."""

    def run(given):
        yield "step"
        return network(given)

    return run_to_end(calibrated_steps(torch.from_numpy(image.astype(np.float32))[None], run))[
        0
    ].numpy()


def smooth(width: float):
    """Return a network that knows no better than to blur, to frequencies of ``width``."""

    def network(image):
        k = torch.hypot(
            torch.fft.fftfreq(image.shape[1])[:, None], torch.fft.rfftfreq(image.shape[2])[None, :]
        )
        spectrum = torch.fft.rfft2(image) * torch.exp(-0.5 * (k / width) ** 2)
        return torch.fft.irfft2(spectrum, s=image.shape[1:])

    return network


@pytest.fixture(scope="module")
def clean() -> np.ndarray:
    image = blobs(3, side=SIDE)
    return (image - image.mean()) / image.std()


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(SIDE, SIDE))


@pytest.mark.parametrize("strength", [0.2, 1.0])
@pytest.mark.parametrize("gain", [0.1, 1.0, 20.0])
def test_a_network_that_is_wrong_about_how_strong_things_are_is_corrected(
    clean, noise, strength, gain
):
    image = strength * clean + noise
    right = weighed(image, smooth(0.04))
    np.testing.assert_allclose(
        weighed(image, lambda x: gain * smooth(0.04)(x)), right, atol=0.02 * right.std()
    )
    error = np.mean((right - strength * clean) ** 2)
    assert error < np.mean(
        (smooth(0.04)(torch.from_numpy(image)[None])[0].numpy() - strength * clean) ** 2
    )


@pytest.mark.parametrize("network", [torch.zeros_like, lambda x: x, lambda x: -x])
def test_beside_a_network_that_is_of_no_use_it_is_a_wiener_filter(clean, noise, network):
    image = 0.5 * clean + noise
    result = weighed(image, network)
    best = max(
        correlation(smooth(width)(torch.from_numpy(image)[None])[0].numpy(), clean)
        for width in (0.01, 0.02, 0.03, 0.05, 0.08)
    )
    assert correlation(result, clean) > best - 0.005


def test_a_network_that_knows_the_truth_is_believed(clean, noise):
    truth = torch.from_numpy(clean.astype(np.float32))[None]
    positions = []

    def knowing(image):
        # Turned as the image is: what it correlates with tells how.
        candidates = [
            turned.flip(1) if flip else turned
            for turned in (truth.rot90(n, (1, 2)) for n in range(4))
            for flip in (False, True)
        ]
        best = max(range(8), key=lambda n: float((candidates[n] * image).sum()))
        positions.append(best)
        return candidates[best]

    assert correlation(weighed(clean + noise, knowing), clean) > 0.99
    assert len(set(positions)) == 4  # an image of 512² is seen in four positions
    assert len(positions) == passes((SIDE, SIDE)) == 8


@pytest.mark.parametrize("falls", [0.0, 1.0])
def test_of_noise_next_to_nothing_is_left(noise, falls):
    k = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    coloured = np.fft.irfft2(np.fft.rfft2(noise) * np.exp(-falls * k), s=noise.shape)
    assert weighed(coloured, smooth(0.05)).std() < 0.01 * coloured.std()


def test_nothing_comes_out_stronger_than_it_went_in(clean, noise):
    image = clean + noise
    faint = weighed(image, lambda x: 1e-6 * torch.roll(smooth(0.04)(x), 3, 1))
    k = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None, :])
    ring = (k / RING).astype(int).ravel()
    before, after = (
        np.bincount(ring, np.abs(np.fft.rfft2(pixels)).ravel() ** 2) for pixels in (image, faint)
    )
    # The filter is that of the mirrored image, whose rings hold a little of those beside them.
    assert (after[1:50] < 1.3 * before[1:50]).all()


@pytest.mark.parametrize("seed", range(3))
def test_what_a_strong_ring_spreads_into_empty_ones_is_not_raised(seed):
    """A network that knows coarse detail only, of an image that ends in the middle of it."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(-3, 3, 85)[:, None] * np.linspace(0.5, 1, 85)
    image = slope + rng.normal(size=(85, 85))
    result = weighed(image, lambda x: smooth(0.03)(smooth(0.03)(x)))
    assert result.std() < 1.1 * image.std()


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(-3, 3)] * 6), min_size=2, max_size=5),
)
def test_no_other_weights_come_closer(vectors):
    """f, y and x as vectors of two numbers; a grid of weights is tried against the answer."""
    f, y, x = (np.array(vectors)[:, pair] for pair in ([0, 1], [2, 3], [4, 5]))
    inner = [(a * b).sum(axis=1) for a, b in ((f, f), (f, y), (y, y), (f, x), (y, x))]
    a, b = weights(*inner)
    assert (a >= 0).all()
    assert (b >= 0).all()

    def errors(a, b):
        return ((a[:, None] * f + b[:, None] * y - x) ** 2).sum(axis=1)

    allowed = 1e-3 * ((a[:, None] * f) ** 2 + (b[:, None] * y) ** 2).sum(axis=1) + 1e-6
    grid = np.linspace(0, 3, 13)
    for one in grid:
        for other in grid:
            tried = errors(np.full_like(a, one), np.full_like(b, other))
            cost = 1e-3 * ((one * f) ** 2 + (other * y) ** 2).sum(axis=1)
            assert (errors(a, b) <= tried + cost + allowed).all()


@pytest.mark.parametrize("shape", [(1, 1), (31, 400), (33, 47), (200, 64)])
def test_small_and_empty_images_pass_through(shape):
    rng = np.random.default_rng(0)
    for image in (np.zeros(shape), rng.normal(size=shape)):
        result = weighed(image, smooth(0.1))
        assert result.shape == shape
        assert np.isfinite(result).all()


@pytest.mark.parametrize("strength", [0.12, 0.2, 0.5])
@pytest.mark.parametrize("network", [torch.zeros_like, lambda x: torch.roll(x, 31, 2)])
def test_however_faint_an_image_it_is_no_worse_than_the_best_low_pass(clean, strength, network):
    """The best of many low-passes, chosen by somebody who knows the truth."""
    ratios = []
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(size=(256, 256))
        truth = clean[:256, :256]
        image = strength * truth + noise
        best = max(
            correlation(smooth(width)(torch.from_numpy(image)[None])[0].numpy(), truth)
            for width in (0.01, 0.02, 0.03, 0.05, 0.08)
        )
        ratios.append(correlation(weighed(image, network), truth) / best)
    assert np.mean(ratios) > 0.95
    assert min(ratios) > 0.85


def test_the_general_model_gains_by_it(clean, noise):
    """At half its noise's deviation, an image is better weighed than as the network gives it."""
    image = (0.5 * clean + noise).astype(np.float32)
    plain = replace(general_denoiser(), calibrate=False)
    results = [
        denoise(image, model, pixel_size_angstrom=4.0) for model in (general_denoiser(), plain)
    ]
    errors = [np.mean((result - 0.5 * clean) ** 2) for result in results]
    assert errors[0] < errors[1]
