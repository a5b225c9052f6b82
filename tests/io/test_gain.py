"""Gain references: RELION's turns, the two row orders, defects, and shapes that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from napari_n2n.errors import BadPixels, ShapeMismatch, UnreadableFile
from napari_n2n.io import (
    EerRendering,
    GainReference,
    Movie,
    open_movie,
    read_gain,
    write_micrograph,
    write_mrc_stack,
    write_tiff_stack,
)
from napari_n2n.simulation.eer_encoding import encode_eer


@pytest.fixture
def gain() -> np.ndarray:
    """(y, x) wider than high, no symmetry."""
    return np.random.default_rng(5).uniform(0.8, 1.2, (6, 10)).astype(np.float32)


def relion_rotated(image: np.ndarray, rotation: int) -> np.ndarray:
    """RELION's image_op.h, pixel by pixel (dest is written at the place of every source pixel)."""
    height, width = image.shape
    turned = np.empty((width, height) if rotation % 2 else (height, width), image.dtype)
    for y in range(height):
        for x in range(width):
            place = {
                0: (y, x),
                1: (x, height - 1 - y),
                2: (height - 1 - y, width - 1 - x),
                3: (width - 1 - x, y),
            }[rotation]
            turned[place] = image[y, x]
    return turned


def relion_prepared(image: np.ndarray, rotation: int, flip: int) -> np.ndarray:
    turned = relion_rotated(image, rotation)
    return {0: turned, 1: turned[::-1], 2: turned[:, ::-1]}[flip]


def flat_movie(shape) -> np.ndarray:
    return np.full((2, *shape), 7, np.uint8)


@pytest.mark.parametrize("flip", [0, 1, 2])
@pytest.mark.parametrize("rotation", [0, 1, 2, 3])
def test_turns_are_relions(tmp_path, gain, rotation, flip):
    expected = relion_prepared(gain, rotation, flip)
    write_micrograph(tmp_path / "gain.mrc", gain, None)
    write_mrc_stack(tmp_path / "movie.mrc", flat_movie(expected.shape), 1.0)
    reference = read_gain(tmp_path / "gain.mrc", rotation=rotation, flip=flip)
    movie = open_movie(tmp_path / "movie.mrc", gain=reference)
    np.testing.assert_allclose(movie[0], 7 * expected, rtol=1e-6)
    assert movie.notes == ()


@pytest.mark.parametrize("flip", [0, 1, 2])
@pytest.mark.parametrize("rotation", [0, 1, 2, 3])
@pytest.mark.parametrize("movie_format", ["mrc", "tiff"])
@pytest.mark.parametrize("gain_format", ["mrc", "tiff"])
def test_tiff_and_mrc_lie_on_each_other_as_in_relion(
    tmp_path, gain, gain_format, movie_format, rotation, flip
):
    # RELION turns every TIFF upside down as it reads it, the movie and the gain.
    in_memory = gain[::-1] if gain_format == "tiff" else gain
    expected = relion_prepared(in_memory, rotation, flip)
    if movie_format == "tiff":
        expected = expected[::-1]
    for name, kind, frames in (
        ("gain", gain_format, gain[np.newaxis]),
        ("movie", movie_format, flat_movie(expected.shape)),
    ):
        write = write_mrc_stack if kind == "mrc" else write_tiff_stack
        write(tmp_path / name, frames, 1.0)
    reference = read_gain(tmp_path / "gain", rotation=rotation, flip=flip)
    movie = open_movie(tmp_path / "movie", gain=reference)
    np.testing.assert_allclose(movie[1], 7 * expected, rtol=1e-6)
    assert ("rows of the gain reference were reversed" in " ".join(movie.notes)) == (
        gain_format != movie_format
    )


def test_division_undoes_multiplication(gain):
    frames = np.random.default_rng(6).poisson(20, (3, *gain.shape)).astype(np.float32)
    recorded = Movie.from_array(frames * gain, gain=GainReference(gain, "divide"))
    # Counts stay counts, whatever the reference's scale.
    np.testing.assert_allclose(recorded[:], frames * gain.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        Movie.from_array(frames / gain, gain=GainReference(gain))[:], frames, rtol=1e-5
    )


@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf, 50, 0.01])
def test_dead_and_absurd_gain_pixels_are_filled_in(gain, bad):
    gain[2, 3] = gain[0, 0] = bad
    frames = np.full((1, *gain.shape), 4, np.float32) / np.where(
        np.isfinite(gain) & (gain != 0), gain, 1
    )
    frames[:, 2, 3] = frames[:, 0, 0] = 1e6
    movie = Movie.from_array(frames, gain=GainReference(gain))
    np.testing.assert_allclose(movie[0], 4, rtol=1e-5)
    assert "2 dead or hot pixels" in movie.notes[-1]


@pytest.mark.parametrize("rotation", [0, 1])
def test_a_mismatch_says_which_rotation_would_fit(tmp_path, gain, rotation):
    wanted = gain.shape[::-1] if rotation == 0 else gain.shape
    write_micrograph(tmp_path / "gain.mrc", gain, None)
    reference = read_gain(tmp_path / "gain.mrc", rotation=rotation)
    expected = "rotation 1 or 3" if rotation == 0 else "rotation 0 or 2"
    with pytest.raises(ShapeMismatch, match=expected) as caught:
        Movie.from_array(flat_movie(wanted), path="movie.tif", gain=reference)
    assert "movie.tif" in str(caught.value)
    assert str(tmp_path / "gain.mrc") in str(caught.value)


def test_a_mismatch_no_rotation_mends_says_so(gain):
    with pytest.raises(ShapeMismatch, match="No rotation fits; it is 2 times as large"):
        Movie.from_array(flat_movie((3, 5)), gain=GainReference(gain))
    with pytest.raises(ShapeMismatch, match="No rotation fits: use"):
        Movie.from_array(flat_movie((4, 4)), gain=GainReference(gain))


def relion_eer_gain(stored: np.ndarray, suffix: str, side: int) -> np.ndarray:
    """RELION's loadEERGain: what EER frames of that side are multiplied by."""
    if suffix in (".tif", ".tiff"):
        stored = stored[::-1]  # its TIFF reader's way, which is taken back for .gain alone
    times = side // len(stored)
    if times:
        gain = stored.repeat(times, 0).repeat(times, 1)
    else:
        times = len(stored) // side
        gain = stored.reshape(side, times, side, times).mean((1, 3))
    return gain if suffix == ".gain" else gain.mean() / gain


@pytest.mark.parametrize("scale", [1, 4000])
@pytest.mark.parametrize("suffix", [".gain", ".mrc", ".tif", ".tiff"])
@pytest.mark.parametrize("upsampling", [1, 2, 4])
@pytest.mark.parametrize("gain_times", [1, 2])
def test_an_eer_gain_is_laid_on_any_rendering_as_in_relion(
    tmp_path, suffix, upsampling, gain_times, scale
):
    side = 8 * gain_times
    stored = np.random.default_rng(7).uniform(0.8, 1.2, (side, side)).astype(np.float32) * scale
    write = write_mrc_stack if suffix == ".mrc" else write_tiff_stack
    write(tmp_path / f"a{suffix}", stored[np.newaxis], None)
    frames = np.ones((1, 8 * upsampling, 8 * upsampling), np.uint8)
    encode_eer(frames, tmp_path / "a.eer", upsampling=upsampling)
    movie = open_movie(
        tmp_path / "a.eer",
        gain=read_gain(tmp_path / f"a{suffix}"),
        eer=EerRendering(frames=1, upsampling=upsampling),
    )
    expected = relion_eer_gain(stored, suffix, 8 * upsampling)
    np.testing.assert_allclose(movie[0], expected, rtol=1e-5)
    told = " ".join(movie.notes)
    assert ("divided by the gain" in told) == (suffix != ".gain")
    assert ("multiplied by the gain" in told) == (suffix == ".gain")
    assert ("rows of the gain reference were reversed" in told) == suffix.startswith(".tif")


@pytest.mark.parametrize("format", ["mrc", "tiff"])
def test_other_movies_are_multiplied_whatever_the_gain_is_called(tmp_path, gain, format):
    write = write_mrc_stack if format == "mrc" else write_tiff_stack
    write(tmp_path / "movie", flat_movie(gain.shape), 1.0)
    for suffix in (".gain", ".tif", ".mrc"):
        write(tmp_path / f"a{suffix}", gain[np.newaxis], None)
        movie = open_movie(tmp_path / "movie", gain=read_gain(tmp_path / f"a{suffix}"))
        np.testing.assert_allclose(movie[0], 7 * gain, rtol=1e-6)


@pytest.mark.parametrize("suffix", [".gain", ".mrc"])
@pytest.mark.parametrize("operation", ["multiply", "divide"])
def test_who_knows_better_says_how_an_eer_gain_is_used(tmp_path, gain, suffix, operation):
    write = write_mrc_stack if suffix == ".mrc" else write_tiff_stack
    write(tmp_path / f"a{suffix}", gain[np.newaxis], None)
    encode_eer(np.ones((1, *gain.shape), np.uint8), tmp_path / "a.eer")
    reference = read_gain(tmp_path / f"a{suffix}", operation=operation)
    movie = open_movie(tmp_path / "a.eer", gain=reference, eer=EerRendering(frames=1))
    expected = gain if operation == "multiply" else gain.mean() / gain
    np.testing.assert_allclose(movie[0], expected, rtol=1e-5)
    assert movie.notes[-1:] == () or "gain" not in movie.notes[-1]


def test_what_is_no_gain_reference_is_refused(tmp_path, gain):
    write_mrc_stack(tmp_path / "two.mrc", np.stack([gain, gain]), None)
    with pytest.raises(UnreadableFile, match="holds 2 images"):
        read_gain(tmp_path / "two.mrc")
    gain[:3] = 0
    write_micrograph(tmp_path / "half.mrc", gain, None)
    with pytest.raises(BadPixels, match="50% of its pixels"):
        read_gain(tmp_path / "half.mrc")
    with pytest.raises(BadPixels, match="100%"):
        GainReference(np.zeros((4, 4), np.float32))


@pytest.mark.parametrize("wrong", [{"rotation": 4}, {"flip": 3}, {"operation": "add"}])
def test_settings_that_do_not_exist_are_refused(gain, wrong):
    with pytest.raises(ValueError, match="must be"):
        GainReference(gain, **wrong)
