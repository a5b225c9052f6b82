"""The two images of a pair must have noise of their own, or the reason is told."""

import re

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.denoising.training.independence import Independence
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.errors import NotEnoughData
from napari_n2n.progress import run_to_end

from ..conftest import blobs

RNG = np.random.default_rng(3)


def noise(side=512):
    return RNG.normal(0, 1, (side, side)).astype(np.float32)


def test_halves_of_one_specimen_are_independent_however_strong_and_fine_it_is():
    # At coarse pixels specimens reach as far as the noise does.
    for width in (1.0, 4.0):
        clean = ndimage.gaussian_filter(noise(), width)
        clean *= 2 / clean.std()
        looking = Independence()
        looking.look_at(clean + noise(), clean + noise(), "a")
        assert not looking.notes


@pytest.mark.parametrize("blurred", [0.0, 1.5])
def test_a_half_and_the_sum_of_all_are_refused(blurred):
    odd, even, clean = noise(), noise(), ndimage.gaussian_filter(noise(), 3) * 10
    first, second = (
        image if not blurred else ndimage.gaussian_filter(image, blurred)
        for image in (clean + odd, 2 * clean + odd + even)
    )
    for other in (second, first):
        with pytest.raises(NotEnoughData, match="night_ODD: the two images hold the same noise"):
            Independence().look_at(first, other, "night_ODD")


@pytest.mark.parametrize(
    ("moved", "how"),
    [
        (lambda image: np.roll(image, 1, 0), "hold the same noise"),
        (lambda image: np.roll(image, (-5, 11), (0, 1)), "hold the same noise"),
        (lambda image: -image, "hold the same noise"),
        (lambda image: image[::-1], "hold the same noise"),
    ],
)
def test_one_noise_is_known_wherever_it_lies(moved, how):
    half = noise() + 3 * ndimage.gaussian_filter(noise(), 3)
    with pytest.raises(NotEnoughData, match=how):
        Independence().look_at(half, np.ascontiguousarray(moved(half)), "a")


@pytest.mark.parametrize(
    ("moved", "how"),
    [
        (lambda image: image[::-1], "is upside down"),
        (lambda image: image[:, ::-1], "is mirrored left to right"),
        (lambda image: image[::-1, ::-1], "is turned by 180°"),
        (lambda image: -image, "is inverted in contrast"),
        (lambda image: -image[::-1], "is upside down and inverted"),
    ],
)
def test_halves_that_lie_otherwise_are_refused_in_words(moved, how):
    clean = ndimage.gaussian_filter(noise(), 4) * 5
    with pytest.raises(NotEnoughData, match=how):
        Independence().look_at(clean + noise(), moved(clean + noise()), "a")


def test_halves_that_lie_apart_are_told():
    clean = ndimage.gaussian_filter(noise(), 4) * 5
    looking = Independence()
    looking.look_at(clean + noise(), np.roll(clean + noise(), (3, -7), (0, 1)), "a")
    (note,) = looking.notes
    assert re.search(r"moved by about [234] px along y and [678] px along x", note)


def test_images_of_other_fields_are_told():
    looking = Independence()
    for name in "ab":
        clean = [ndimage.gaussian_filter(noise(), 4) * 5 for _ in range(2)]
        looking.look_at(clean[0] + noise(), clean[1] + noise(), name)
    (note,) = looking.notes
    assert "both images of a, or of 1 more pair show" in note


def test_a_crystal_and_a_vignette_lie_as_they_are():
    y, x = np.mgrid[:512, :512]
    crystal = np.cos(y / 3) * np.cos(x / 4) + np.cos((y + x) / 7)
    vignette = 1000 - ((y - 256) ** 2 + (x - 256) ** 2) / 8000
    blobs = 2 * ndimage.gaussian_filter(noise(), 4)
    for clean in (crystal.astype(np.float32), vignette.astype(np.float32) + 5 * blobs):
        looking = Independence()
        looking.look_at(clean + noise(), clean + noise(), "a")
        assert not looking.notes


def test_a_pattern_of_the_detector_is_told_with_the_worst_pair_and_trained_on_all_the_same():
    looking = Independence()
    for name, strength in (("a", 0.0), ("b", 0.35), ("c", 0.5)):
        pattern = strength * noise()
        looking.look_at(pattern + noise(), pattern + noise(), name)
    note = looking.notes[0]
    assert "2 of 3 pairs, most that of c, is correlated (0." in note
    assert "gain reference" in note


def test_a_colour_photograph_may_have_a_target_without_noise():
    clean = RNG.uniform(0, 255, (96, 96, 3)).astype(np.float32)
    noisy = clean + RNG.normal(0, 25, clean.shape).astype(np.float32)
    looking = Independence()
    looking.look_at(noisy, clean, "a")
    assert not looking.notes
    with pytest.raises(NotEnoughData, match="the same noise"):
        looking.look_at(noisy, noisy, "a")


def test_training_refuses_before_it_begins(tiny):
    image = blobs(1) + noise(96)
    with pytest.raises(NotEnoughData, match="same noise"):
        run_to_end(train_steps([Pair(image, image, name="twice")], tiny))
