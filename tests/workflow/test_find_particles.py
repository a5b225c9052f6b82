"""Nothing is found where there is nothing, whatever the image has gone through."""

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.progress import run_to_end
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.find_particles import find_particles_steps

SIDE, DIAMETER = 900, 60.0


def noise(seed=0):
    return np.random.default_rng(seed).poisson(40, (SIDE, SIDE)).astype(np.float32)


def micrograph(depth, seed=0):
    """Return counts with 36 dark discs, and where they are, (n, 2) y, x."""
    y, x = np.mgrid[:SIDE, :SIDE]
    centres = np.mgrid[100:SIDE:140, 100:SIDE:140].reshape(2, -1).T
    clean = np.full((SIDE, SIDE), 40.0)
    for cy, cx in centres:
        clean -= depth * (np.hypot(y - cy, x - cx) < DIAMETER / 2)
    return np.random.default_rng(seed).poisson(clean).astype(np.float32), centres


def found(pixels, raw=None, **settings):
    field = DenoisedMicrograph(pixels, 1.0, raw)
    return run_to_end(find_particles_steps(field, DIAMETER, **settings))


@pytest.mark.parametrize("blur", [0.0, 3.0, 12.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_holds_no_particles_recorded_or_smoothed(blur, seed):
    image = ndimage.gaussian_filter(noise(seed), blur) if blur else noise(seed)
    for raw in (None, image):
        result = found(image, raw)
        assert len(result.passing) <= 1
        assert result.left_out
        assert any("do not stand out of the noise" in note for note in result.notes)


def test_what_is_on_another_scale_is_no_reason_to_believe_everything():
    smooth = ndimage.gaussian_filter(noise(4), 12)
    assert len(found(smooth, noise(4) + 1000).passing) <= 1


@pytest.mark.parametrize("blur", [0.0, 6.0])
def test_particles_that_are_there_are_found_without_what_was_recorded(blur):
    raw, centres = micrograph(8.0)
    image = ndimage.gaussian_filter(raw, blur) if blur else raw
    result = found(image)
    assert result.left_out == 0
    nearest = np.linalg.norm(result.passing.centres_px[:, None] - centres, axis=2).min(axis=0)
    assert (nearest < 10).mean() > 0.9


def test_that_a_filtered_image_cannot_be_judged_is_said():
    raw, _ = micrograph(8.0)
    filtered = ndimage.gaussian_filter(raw, 6)
    assert any("cannot be told" in note for note in found(filtered).notes)
    assert not any("cannot be told" in note for note in found(raw).notes)
    assert not any("cannot be told" in note for note in found(filtered, raw).notes)


def test_how_much_was_avoided_as_contamination_is_said():
    raw, _ = micrograph(8.0)
    raw[300:500, 300:500] -= 30
    assert any("% of the field was avoided" in note for note in found(raw).notes)
    assert not any("avoided" in note for note in found(raw, avoid=False).notes)


def test_nothing_is_found_in_noise_that_was_blurred_and_is_shown_with_what_was_recorded():
    recorded = noise()
    assert not len(found(ndimage.gaussian_filter(recorded, 3), recorded).passing)
