"""The model in the box: what a person sees who has trained nothing."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from napari_n2n.denoising.checkpoints import load_denoiser, save_denoiser
from napari_n2n.denoising.config import PRESETS
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.shipped_models.general import GENERAL_PATH, general_denoiser, start_for
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.io import read_micrograph
from napari_n2n.metrics import band_limited, best_gaussian_correlation, correlation
from napari_n2n.particles.picking import PickingConfig, pick, suggested_threshold
from napari_n2n.particles.significance import standing_out
from napari_n2n.simulation import SimulationConfig, build_scene

SIDE, PIXEL = 800, 2.0
SIGMAS_PX = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)


@cache
def clean(specimen):
    config = SimulationConfig(
        specimen=specimen, shape=(SIDE, SIDE), n_frames=1, pixel_size_angstrom=PIXEL, seed=4
    )
    return build_scene(config).truth.clean


def exposed(image, dose, seed=0):
    counts = np.random.default_rng(seed).poisson(np.maximum(image * dose, 0))
    return counts.astype(np.float32)


def test_it_is_small_and_says_what_it_is():
    assert GENERAL_PATH.stat().st_size < 10e6
    assert general_denoiser().summary.startswith("general model, light U-Net, 4 Å/px")


@pytest.mark.parametrize("dose", [2, 10, 40])
@pytest.mark.parametrize("specimen", ["apoferritin", "aldolase"])
def test_it_beats_every_gaussian_at_every_dose(specimen, dose):
    truth = clean(specimen)
    image = exposed(truth, dose)
    gaussian, _ = best_gaussian_correlation(image, truth, SIGMAS_PX)
    ours = correlation(denoise(image, general_denoiser(), pixel_size_angstrom=PIXEL), truth)
    assert 1 - ours < 0.9 * (1 - gaussian)


def test_it_invents_next_to_no_particles_in_noise():
    model, diameter = general_denoiser(), PickingConfig(diameter_angstrom=124)
    field = exposed(clean("apoferritin"), 20)
    white = exposed(np.full((SIDE, SIDE), 4.0), 20)
    # As an integrating detector spreads it over a pixel and its neighbours.
    k = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    spectrum = np.fft.rfft2(white) * np.sinc(k) * np.exp(-k)
    coloured = np.fft.irfft2(spectrum, s=white.shape).astype(np.float32)
    threshold, count = None, []
    for image in (field, white, coloured):
        result = denoise(image, model, pixel_size_angstrom=PIXEL)
        found = pick(result, PIXEL, diameter)
        threshold = suggested_threshold(found.scores) if threshold is None else threshold
        found = standing_out(found, result, image, 124 / PIXEL, threshold)
        count.append(int((found.scores >= threshold).sum()))
        share = result.std() / image.std()
        assert share > 0.2 if image is field else share < 0.03
    assert count[0] > 20
    assert max(count[1:]) < 0.01 * count[0]


@pytest.mark.parametrize("field", ["05.31.00", "05.53.51", "07.08.55"])
def test_it_beats_every_gaussian_on_real_single_frames(field):
    """The three fields where it is hardest; the rest of the movie tells how good a result is."""
    folder = Path(__file__).parents[4] / "shared" / "data" / "apoferritin"
    if not folder.is_dir():
        pytest.skip("the real data of ../shared is not here")
    frame, rest = (
        read_micrograph(folder / f"May08_{field}_{name}.mrc").pixels for name in ("frame", "rest")
    )
    band = (0.003, 0.1)
    there = band_limited(rest, *band)
    gaussian, _ = best_gaussian_correlation(band_limited(frame, *band), there, SIGMAS_PX)
    result = denoise(frame, general_denoiser(), pixel_size_angstrom=1.5)
    assert correlation(band_limited(result, *band), there) > gaussian


@pytest.mark.parametrize(
    ("changes", "pixel_size", "why"),
    [
        ({}, 4.0, None),
        ({"crop": 64, "learning_rate": 1e-4}, 6.0, None),
        ({"network": "paper"}, 4.0, "another network"),
        ({"normalisation": "unit_range"}, 4.0, "normalises"),
        ({}, None, "pixel size is unknown"),
        ({}, 12.0, "2.5 to 8 Å/px"),
    ],
)
def test_training_starts_from_it_where_it_can(changes, pixel_size, why):
    start, sentence = start_for(PRESETS["quick"].replaced(**changes), pixel_size)
    assert (start is None) == (why is not None)
    assert (why or "starts from the general model") in sentence


def test_a_training_that_starts_from_it_is_good_at_once_and_says_so(tmp_path):
    truth = clean("apoferritin")
    pair = Pair(exposed(truth, 20, 1), exposed(truth, 20, 2), PIXEL)
    scores = {}
    for from_scratch in (False, True):
        config = PRESETS["quick"].replaced(steps=3, from_scratch=from_scratch)
        notes = set()
        steps = train_steps([pair], config)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                made = end.value
                break
            if isinstance(step, TrainingProgress):
                notes.update(step.notes)
        save_denoiser(tmp_path / "m.safetensors", made)
        made = load_denoiser(tmp_path / "m.safetensors")
        assert ("Training starts from the general model." in notes) != from_scratch
        assert made.provenance.started_from == (None if from_scratch else "general")
        result = denoise(exposed(truth, 40, 3), made, pixel_size_angstrom=PIXEL)
        scores[from_scratch] = correlation(result, truth)
    assert scores[False] > 0.9 > scores[True]
