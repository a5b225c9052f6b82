"""A file is looked at once, and is then one typed object that reads its own frames."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_n2n.errors import BadPixels, BadValue, ShapeMismatch, UnreadableFile
from napari_n2n.io import (
    EerRendering,
    GainReference,
    Micrograph,
    Movie,
    Photograph,
    Volume,
    inspect_file,
    open_image,
    open_movie,
    read_micrograph,
    write_micrograph,
    write_mrc_stack,
)
from napari_n2n.simulation.eer_encoding import encode_eer


@pytest.fixture
def volume(tmp_path, counts):
    import mrcfile

    with mrcfile.new(tmp_path / "volume.mrc") as file:
        file.set_data(counts.astype(np.float32))
        file.set_volume()
        file.voxel_size = 8.0
    return tmp_path / "volume.mrc"


@pytest.fixture
def photograph(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png", pixels


def test_a_movie_is_sniffed_and_opened_once_whatever_its_format(movie_file, counts, openings):
    movie = open_image(movie_file, eer=EerRendering(frames=4))
    assert openings.of(movie_file) == (1, 1)
    assert isinstance(movie, Movie)
    np.testing.assert_array_equal(movie.frame(2), counts[2])
    assert openings.of(movie_file) == (1, 2)


def test_what_is_one_image_is_a_micrograph_whose_pixels_are_read_when_asked_for(tmp_path, openings):
    pixels = np.random.default_rng(0).normal(size=(12, 16)).astype(np.float32)
    path = tmp_path / "a.mrc"
    write_micrograph(path, pixels, 1.5)
    openings.opened.clear()
    image = open_image(path)
    assert type(image) is Micrograph
    assert (image.shape, image.dtype, image.format) == ((12, 16), np.float32, "MRC")
    assert (image.pixel_size_angstrom, image.path, image.is_rgb) == (1.5, path, False)
    assert openings.of(path) == (1, 1)
    for _ in range(3):
        np.testing.assert_array_equal(image.pixels, pixels)
    assert openings.of(path) == (1, 2)
    assert repr(image) == "<Micrograph a.mrc: 16 × 12, 1.5 Å/px>"


def test_a_colour_image_is_a_photograph(photograph, tmp_path):
    path, pixels = photograph
    image = open_image(path)
    assert type(image) is Photograph
    assert (image.shape, image.dtype, image.is_rgb) == ((20, 30, 3), np.uint8, True)
    np.testing.assert_array_equal(image.pixels, pixels)
    clear = np.dstack([pixels, pixels[..., 0]])
    tifffile.imwrite(tmp_path / "a.tif", clear, photometric="rgb", extrasamples=["unassalpha"])
    image = open_image(tmp_path / "a.tif")
    assert type(image) is Photograph
    np.testing.assert_array_equal(image.pixels, pixels)
    assert any("transparency is ignored" in note for note in image.notes)


def test_a_grey_picture_is_a_micrograph_that_the_header_calls_a_photograph(tmp_path):
    Image.fromarray(np.eye(9, dtype=np.uint8)).save(tmp_path / "grey.png")
    assert type(open_image(tmp_path / "grey.png")) is Micrograph
    assert inspect_file(tmp_path / "grey.png").kind == "photograph"


def test_a_volume_has_sections_and_may_be_opened_as_a_movie(volume, counts):
    opened = open_image(volume)
    assert type(opened) is Volume
    assert (opened.shape, opened.pixel_size_angstrom) == (counts.shape, 8)
    np.testing.assert_array_equal(opened.section(1), counts[1])
    np.testing.assert_array_equal(opened.as_dask()[3].compute(), counts[3])
    assert "4 sections" in repr(opened)
    assert open_image(volume, pixel_size_angstrom=5.0).pixel_size_angstrom == 5
    with pytest.raises(IndexError, match="4 sections"):
        opened.section(4)
    np.testing.assert_array_equal(open_movie(volume)[:], counts)


def test_a_stack_of_colour_images_is_refused_in_a_sentence(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (3, 9, 9, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", frames, photometric="rgb")
    with pytest.raises(UnreadableFile, match="colour"):
        open_image(tmp_path / "a.tif")


def test_a_movie_that_is_rendered_as_one_frame_is_a_movie(movie_files):
    movie = open_image(movie_files["eer 7 bit"], eer=EerRendering(frames=1))
    assert isinstance(movie, Movie)
    assert len(movie) == 1


def test_a_movie_cannot_be_changed_but_replaced_and_the_file_is_not_opened_again(
    movie_file, counts, openings
):
    movie = open_image(movie_file, eer=EerRendering(frames=4))
    for name, value in (("pixel_size_angstrom", 2.0), ("dose_per_frame", 2.0), ("gain", None)):
        with pytest.raises(FrozenInstanceError):
            setattr(movie, name, value)
    gain = GainReference(np.full(counts.shape[1:], 2, np.float32))
    other = movie.replaced(pixel_size_angstrom=0.9, dose_per_frame=1.5, gain=gain)
    assert openings.of(movie_file) == (1, 1)
    assert (other.pixel_size_angstrom, other.dose_per_frame) == (0.9, 1.5)
    np.testing.assert_array_equal(other.frame(1), counts[1] * 2.0)
    assert movie.pixel_size_angstrom == pytest.approx(1.25, rel=1e-6)
    np.testing.assert_array_equal(movie.frame(1), counts[1])
    assert other.replaced(gain=None, dose_per_frame=None).dose_per_frame is None


def test_a_pixel_size_that_is_given_leaves_no_note_that_it_is_missing(tmp_path, counts):
    write_mrc_stack(tmp_path / "a.mrc", counts, None)
    movie = open_image(tmp_path / "a.mrc")
    assert "give it by hand" in movie.notes[0]
    assert movie.replaced(pixel_size_angstrom=1.1).notes == ()


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"pixel_size_angstrom": 1e5}, BadValue, "cannot be right"),
        ({"dose_per_frame": 0.0}, BadValue, "dose per frame must be positive"),
        ({"defects": np.zeros((2, 2), bool)}, ShapeMismatch, "map of defects"),
        ({"gain": GainReference(np.ones((2, 2), np.float32))}, ShapeMismatch, "does not fit"),
    ],
)
def test_what_cannot_be_right_is_refused_when_it_is_said(movie_files, changes, error, said):
    movie = open_image(movie_files["mrc"])
    with pytest.raises(error, match=said):
        movie.replaced(**changes)


def test_an_eer_movie_is_rendered_otherwise_without_being_parsed_again(tmp_path, openings):
    counts = np.random.default_rng(2).poisson(1, (8, 24, 32)).astype(np.uint8)
    path = tmp_path / "a.eer"
    encode_eer(counts, path, pixel_size_angstrom=1.0, dose_per_frame=0.5)
    openings.opened.clear()
    movie = open_image(path)
    finer = movie.replaced(eer=EerRendering(frames=2, upsampling=2))
    assert openings.of(path) == (1, 1)
    assert finer.shape == (2, 48, 64)
    assert (finer.pixel_size_angstrom, finer.dose_per_frame) == (0.5, 2.0)
    np.testing.assert_array_equal(finer.frame(0), open_movie(path, eer=finer_rendering())[0])
    assert finer.replaced(eer=None).shape == movie.shape
    said = movie.replaced(eer=finer_rendering(), pixel_size_angstrom=0.6)
    assert said.pixel_size_angstrom == 0.6
    gain = GainReference(np.ones((24, 32), np.float32))
    assert movie.replaced(gain=gain, eer=finer_rendering()).frame(0).shape == (48, 64)
    # Nothing else has raw frames to render.
    write_mrc_stack(tmp_path / "a.mrc", counts, 1.0)
    plain = open_image(tmp_path / "a.mrc")
    assert plain.replaced(eer=finer_rendering()).shape == plain.shape


def finer_rendering() -> EerRendering:
    return EerRendering(frames=2, upsampling=2)


def test_what_is_open_travels_to_another_process(volume, photograph):
    for path in (volume, photograph[0]):
        opened = open_image(path)
        again = pickle.loads(pickle.dumps(opened))
        assert again.shape == opened.shape
        first = again.section(0) if isinstance(again, Volume) else again.pixels
        assert np.isfinite(first).all()


def test_bad_pixels_are_told_when_they_are_read(tmp_path):
    pixels = np.ones((3, 8, 8), np.float32)
    pixels[1, 2, 3] = np.nan
    write_mrc_stack(tmp_path / "one.mrc", pixels[1:2], 1.0)
    image = open_image(tmp_path / "one.mrc")
    with pytest.raises(BadPixels, match=r"one\.mrc has 1 NaN"):
        _ = image.pixels
    with pytest.raises(BadPixels, match=r"one\.mrc has 1 NaN"):
        read_micrograph(tmp_path / "one.mrc")


def test_images_that_are_gone_through_one_by_one_are_not_kept(tmp_path, openings):
    pixels = np.random.default_rng(0).normal(size=(12, 16)).astype(np.float32)
    write_micrograph(tmp_path / "a.mrc", pixels, 1.5)
    openings.opened.clear()
    image = open_image(tmp_path / "a.mrc")
    first, second = image.read(), image.read()
    assert first is not second
    assert openings.of(tmp_path / "a.mrc") == (1, 3)
