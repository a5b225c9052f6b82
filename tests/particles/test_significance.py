import numpy as np
import pytest

from napari_n2n.io import Particles
from napari_n2n.particles.significance import (
    comparable,
    left_out_sentence,
    significance,
    standing_out,
)


def discs(contrast, centres, side=256, radius=10):
    y, x = np.mgrid[:side, :side]
    image = np.zeros((side, side), np.float32)
    for cy, cx in centres:
        image[np.hypot(y - cy, x - cx) < radius] = contrast
    return image


def test_a_signal_s_norm_over_the_noise_is_found():
    centres = [(64, 64), (128, 190)]
    clean = discs(0.5, centres)
    for noise in (1.0, 4.0):
        raw = clean + np.random.default_rng(0).normal(0, noise, clean.shape)
        expected = 0.5 * np.sqrt(np.pi * 10**2) / noise
        assert significance(clean, raw, centres, 20) == pytest.approx([expected] * 2, rel=0.3)


def test_scale_and_offset_do_not_matter():
    clean = discs(0.5, [(64, 64)])
    raw = clean + np.random.default_rng(0).normal(0, 1, clean.shape)
    (one,) = significance(clean, raw, [(64, 64)], 20)
    (other,) = significance(clean * 700 + 3000, raw * 700 + 3000, [(64, 64)], 20)
    assert other == pytest.approx(one, rel=0.01)


def test_a_sharp_drawing_of_next_to_nothing_does_not_stand_out():
    faint = discs(0.01, [(64, 64)])
    raw = np.random.default_rng(0).normal(0, 1, faint.shape)
    assert significance(faint, raw, [(64, 64)], 20)[0] < 0.5


def test_sloping_ice_is_no_signal():
    slope = np.linspace(0, 5, 256, dtype=np.float32)[:, None] * np.ones(256, np.float32)
    raw = slope + np.random.default_rng(0).normal(0, 1, slope.shape)
    assert significance(slope, raw, [(128, 128)], 20)[0] < 2.5
    assert len(significance(slope, raw, np.empty((0, 2)), 20)) == 0


def test_only_what_passes_the_threshold_has_to_stand_out():
    clear, faint = discs(1.0, [(64, 64)]), discs(0.01, [(190, 190)])
    raw = clear + np.random.default_rng(0).normal(0, 1, clear.shape)
    found = Particles([(64, 64), (190, 190), (20, 230)], scores=[0.8, 0.7, 0.1])
    left = standing_out(found, clear + faint, raw, 20, 0.5)
    assert left.scores == pytest.approx([0.8, 0.1])
    # Nothing can be said of an image on another scale.
    assert comparable(clear + faint, raw)
    assert not comparable(clear + faint, raw + 900)
    assert not comparable(raw, raw)
    assert not comparable(raw, None)


def test_what_was_left_out_is_counted_in_words():
    assert left_out_sentence(0) == ""
    assert "1 candidate was left out: it does not stand out" in left_out_sentence(1)
    assert "12 candidates were left out: they do not stand out" in left_out_sentence(12)
