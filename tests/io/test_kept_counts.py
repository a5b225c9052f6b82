"""Counts that are kept come back as they were, decoded once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_n2n.io import EerRendering, open_movie
from napari_n2n.io.kept_counts import KeptCounts, PackedCounts
from napari_n2n.simulation.eer_encoding import encode_eer


@settings(max_examples=100, deadline=None)
@given(
    counts=arrays.arrays(
        st.sampled_from([np.uint8, np.uint16]),
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=40),
        elements=st.integers(0, 4) | st.integers(0, 255),
    )
)
def test_whatever_fits_comes_back_as_it_was(counts):
    packed = PackedCounts.of(counts)
    if packed is not None:
        again = packed.unpacked()
        np.testing.assert_array_equal(again, counts)
        assert again.dtype == counts.dtype


@pytest.mark.parametrize(("mean", "bits"), [(0.05, 2), (0.6, 2), (2.3, 4), (8.0, 4), (40.0, None)])
def test_counts_take_as_few_bits_as_they_need(mean, bits):
    counts = np.random.default_rng(0).poisson(mean, (301, 203)).astype(np.uint16)
    counts[7, 9] = 65535  # a hot pixel costs itself alone
    packed = PackedCounts.of(counts)
    assert (None if packed is None else packed.bits) == bits
    if packed is not None:
        np.testing.assert_array_equal(packed.unpacked(), counts)
        assert packed.packed.nbytes <= counts.size * packed.bits // 8 + 4


def test_an_eer_movie_is_decoded_once(tmp_path, openings):
    frames = np.random.default_rng(1).poisson(0.5, (6, 40, 48)).astype(np.uint8)
    encode_eer(frames, tmp_path / "a.eer", pixel_size_angstrom=1.0, dose_per_frame=0.5)
    source = open_movie(tmp_path / "a.eer", eer=EerRendering(frames=3)).source
    kept = KeptCounts(source)
    first = [kept.read(index) for index in range(3)]
    opened = openings.of(tmp_path / "a.eer")
    for index in (2, 0, 1):
        np.testing.assert_array_equal(kept.read(index), first[index])
    assert openings.of(tmp_path / "a.eer") == opened
    np.testing.assert_array_equal(np.sum(first, 0), frames.sum(0))
