"""Denoising on the card gives what it gives on the CPU, whole, in tiles, turned, in halves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_n2n.denoising.inference.denoising import denoise, denoise_halves_steps, denoise_steps
from napari_n2n.denoising.inference.features import bottleneck_steps
from napari_n2n.denoising.normalisation import Intensities
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.denoising.shipped_models.photographs import photographs_denoiser
from napari_n2n.denoising.spectral_rings import RingSums
from napari_n2n.denoising.training.photograph_examples import noisy_photograph
from napari_n2n.progress import run_to_end

from ..denoising.conftest import noisy_pair
from .card import CARD, CPU, assert_alike, sized
from .recipes import made_up, photographs

SIDE = sized(1500, 100)
# bfloat16 on a card, float32 on the CPU.
NEAR = 0.02 if CARD else 1e-6


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return noisy_pair(3, side=SIDE).input[:, : SIDE - 13]


@pytest.mark.parametrize(
    ("pixel_size", "calibrate", "thorough"),
    [
        (1.0, False, False),
        (1.0, True, False),
        (1.0, True, True),
        (4.0, False, False),
        (4.0, False, True),
        (4.0, True, False),
    ],
)
def test_the_general_model(image, device, pixel_size, calibrate, thorough):
    denoiser = replace(general_denoiser(), calibrate=calibrate)
    on_card, on_cpu = (
        run_to_end(
            denoise_steps(
                image, denoiser, pixel_size_angstrom=pixel_size, device=home, thorough=thorough
            )
        ).pixels
        for home in (device, CPU)
    )
    assert_alike(on_card, on_cpu, within=NEAR)


def test_a_colour_photograph(device):
    image = noisy_photograph(photographs().images[0], 25.0, seed=0)
    results = [denoise(image, photographs_denoiser(), device=home) for home in (device, CPU)]
    assert_alike(*results, within=NEAR)


@pytest.mark.parametrize("network", ["light", "paper"])
def test_tiling_changes_nothing(device, network):
    side = sized(1500, 96)
    image, denoiser = noisy_pair(4, side=side).input, made_up(network)
    whole = denoise(image, denoiser, device=device, tile=2048)
    tiled = denoise(image, denoiser, device=device, tile=sized(320, 64))
    # To rounding: bfloat16 has eight bits.
    assert_alike(tiled, whole, within=0.01 if CARD else 1e-5)
    assert_alike(whole, denoise(image, denoiser, device=CPU), within=NEAR)


def test_halves_and_what_was_asked_for_first(device):
    pair, denoiser = noisy_pair(5, side=sized(1500, 400)), made_up("light")
    window = (slice(40, 140), slice(200, 300))
    results = []
    for home in (device, CPU):
        seen: list[object] = []
        steps = denoise_halves_steps(
            pair.input, pair.target, denoiser, pixel_size_angstrom=1.0, device=home, first=window
        )
        both = run_to_end(steps, seen.append)
        (region,) = [step.region for step in seen if getattr(step, "region", None) is not None]
        results.append((both, region))
    (ours, ours_first), (theirs, theirs_first) = results
    assert_alike(ours.pixels, theirs.pixels, within=NEAR)
    assert_alike(ours_first.pixels, theirs_first.pixels, within=NEAR)
    np.testing.assert_allclose(ours.frc_after.correlation, theirs.frc_after.correlation, atol=0.02)


def test_the_same_image_gives_the_same_result(image, device):
    denoiser = general_denoiser()
    first, second = (
        denoise(image, denoiser, pixel_size_angstrom=1.0, device=device) for _ in range(2)
    )
    assert_alike(second, first, within=1e-6)


@pytest.mark.parametrize("diameter", [60.0, 200.0])
def test_what_the_network_sees_of_particles(image, device, diameter):
    maps = [
        run_to_end(
            bottleneck_steps(
                image,
                general_denoiser(),
                pixel_size_angstrom=2.0,
                diameter_angstrom=diameter,
                device=home,
            )
        )
        for home in (device, CPU)
    ]
    assert maps[0].kind == maps[1].kind
    # A card's convolutions of float32 round their inputs to ten bits.
    assert_alike(maps[0].values, maps[1].values, within=5e-3)
    places = np.array([[30.0, 40.0], [70.5, 90.25]])
    around = [one.around(places, diameter / 2) for one in maps]
    assert_alike(*around, within=5e-3)


@pytest.mark.parametrize("shape", [(301, 240), (77, 64), (640, 700)])
def test_resampling(device, shape):
    image = torch.randn(1, 300, 255, generator=torch.Generator().manual_seed(0))
    assert_alike(rescale(image.to(device), shape), rescale(image, shape), within=1e-5)


@pytest.mark.parametrize("kind", ["flat", "standard", "unit_range"])
def test_intensities(image, device, kind):
    pixels = torch.from_numpy(np.ascontiguousarray(image))[None]
    normalised = [
        Intensities.of(there, kind).normalise(there) for there in (pixels.to(device), pixels)
    ]
    assert_alike(*normalised, within=1e-3)


def test_sums_over_rings(device):
    spectrum = torch.fft.rfft2(torch.randn(200, 301, generator=torch.Generator().manual_seed(0)))
    ours, theirs = (RingSums(200, 301, home) for home in (device, CPU))
    np.testing.assert_allclose(
        ours.mean_power(spectrum.to(device)), theirs.mean_power(spectrum), rtol=1e-5
    )
    np.testing.assert_array_equal(ours.waves, theirs.waves)
