"""Figures do not depend on defocus, on binning, nor on faults of the camera."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from napari_n2n.io import read_micrograph
from napari_n2n.particles.coarse import coarsened
from napari_n2n.quality import image_figures, overall
from napari_n2n.simulation import SimulationConfig, build_scene
from napari_n2n.simulation.optics import contrast_transfer, frequency_squared

DATA = Path(__file__).parents[3] / "shared" / "data"
SIDE, PIXEL = 1024, 2.0
AWAY = ("structure", "blotches", "streaks", "contaminated_percent", "empty_percent")


@cache
def micrograph(defocus, film=0.0):
    """Return apoferritin at 40 e/Å², on a carbon film of that contrast."""
    config = SimulationConfig(
        shape=(SIDE, SIDE),
        pixel_size_angstrom=PIXEL,
        defocus_micrometer=defocus,
        contaminant_count=0,
        seed=5,
    )
    dice = np.random.default_rng(1)
    clean = build_scene(config).truth.clean.astype(np.float64)
    transfer = contrast_transfer(
        frequency_squared(clean.shape, PIXEL),
        defocus_micrometer=defocus,
        voltage_kv=300,
        spherical_aberration_mm=2.7,
        amplitude_contrast=0.07,
        b_factor_square_angstrom=100,
    )
    grain = np.fft.irfft2(np.fft.rfft2(dice.standard_normal(clean.shape)) * transfer, clean.shape)
    image = clean / clean.mean() + film * grain
    return dice.poisson(image * 40 * PIXEL**2).astype(np.float32)


@pytest.mark.parametrize(("defocus", "film"), [(0.8, 0.0), (0.8, 0.12), (1.5, 0.0), (3.0, 0.0)])
def test_a_good_field_scores_well_at_any_defocus(defocus, film):
    # On a film, spacings of 16 to 22 Å are at the first maximum of contrast transfer at 0.8 µm.
    figures = image_figures(micrograph(defocus, film), PIXEL)
    assert figures["empty_percent"] < 10
    assert figures["structure"] > 2
    assert figures["contaminated_percent"] < 2
    assert overall(figures).value > 60


@pytest.mark.parametrize("defocus", [0.8, 2.0])
@pytest.mark.parametrize("binned", [4.0, 6.0, 8.0])
def test_binning_changes_no_score(defocus, binned):
    image = micrograph(defocus)
    score = overall(image_figures(image, PIXEL)).value
    coarse = coarsened(image, binned / PIXEL).pixels
    assert overall(image_figures(coarse, binned)).value == pytest.approx(score, abs=8)


def test_without_noise_to_be_seen_nothing_is_said_of_it():
    coarse = coarsened(micrograph(2.0), 16 / PIXEL).pixels
    figures = image_figures(coarse, 16.0)
    assert "structure" not in figures
    assert "empty_percent" not in figures
    assert "streaks" in figures


def spoilt(image, fault):
    """Return the image with a fault of the camera."""
    bad, spread = image.copy(), image.std()
    if fault == "hot pixels":
        bad[np.random.default_rng(0).integers(0, SIDE, (2, 10)).tolist()] = 65535
    elif fault == "lines":
        bad[:, [300, 301]] = 0
        bad[700] += 5 * spread
    elif fault == "border":
        bad[:64], bad[:, :8] = 0, 0
    elif fault == "bar":
        bad[-40:-24, 40:300] = bad.max()
    elif fault == "step":
        bad[SIDE // 2 :] += 3 * spread
    return bad


@pytest.mark.parametrize("fault", ["hot pixels", "lines", "border", "bar", "step"])
def test_a_fault_of_the_camera_costs_its_place_only(fault):
    image = micrograph(1.5)
    sound, found = (image_figures(each, PIXEL) for each in (image, spoilt(image, fault)))
    for name in AWAY:
        assert found[name] == pytest.approx(sound[name], rel=0.1, abs=3), name
    assert overall(found).value == pytest.approx(overall(sound).value, abs=4)


@pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")
@pytest.mark.parametrize("binned", [6.0, 8.0, 10.0])
def test_a_real_field_scores_the_same_when_it_is_binned(binned):
    opened = read_micrograph(DATA / "micrographs" / "epu_2.9_example.mrc.bz2")
    coarse = coarsened(opened.pixels[:2048, :2048], binned / opened.pixel_size_angstrom).pixels
    figures = image_figures(coarse, binned)
    assert figures["contaminated_percent"] < 2
    assert overall(figures).value > 95
