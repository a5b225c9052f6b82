"""EER: our encoder against other people's decoders, rendering, dose, super-resolution."""

from __future__ import annotations

import imagecodecs
import numpy as np
import pytest
import tifffile

from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io import EerRendering, inspect_file, open_movie
from napari_n2n.simulation.eer_encoding import encode_eer, encode_events


@pytest.fixture
def sparse() -> np.ndarray:
    """Raw frames as a camera makes them: 12 frames, an electron in 1 of 60 pixels, long gaps."""
    frames = (np.random.default_rng(12).random((12, 64, 64)) < 1 / 60).astype(np.uint8)
    frames[3] = 0  # a frame without any electron
    frames[4, :, :] = 0
    frames[4, -1, -1] = 1  # one after the longest of gaps
    return frames


@pytest.mark.parametrize("run_bits", [7, 8])
def test_tifffile_and_imagecodecs_decode_what_is_encoded(tmp_path, sparse, run_bits):
    path = tmp_path / "a.eer"
    assert encode_eer(sparse, path, run_bits=run_bits) == 1
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_eer
        np.testing.assert_array_equal(tiff.asarray(), sparse)


@pytest.mark.parametrize("run_bits", [7, 8])
@pytest.mark.parametrize("gap", [126, 127, 128, 253, 254, 255, 256, 510])
def test_gaps_around_the_longest_run(run_bits, gap):
    pixel = np.array([0, gap, gap + 1])
    stream = encode_events(pixel, np.array([0, 5, 15]), 1024, run_bits)
    decoded = imagecodecs.eer_decode(stream, (32, 32), run_bits, 2, 2)
    assert np.flatnonzero(decoded).tolist() == pixel.tolist()


@pytest.mark.parametrize("run_bits", [7, 8])
@pytest.mark.parametrize("upsampling", [1, 2, 4])
def test_counts_survive_encoding_and_rendering(tmp_path, counts, run_bits, upsampling):
    path = tmp_path / "a.eer"
    spread = encode_eer(counts, path, run_bits=run_bits, upsampling=upsampling)
    movie = open_movie(path, eer=EerRendering(frames=len(counts), upsampling=upsampling))
    np.testing.assert_array_equal(movie[:], counts)
    detector = counts.reshape(4, 24 // upsampling, upsampling, 32 // upsampling, upsampling)
    assert spread == detector.sum((2, 4)).max()


def test_coarser_rendering_is_the_sum_of_the_finer(tmp_path, counts):
    path = tmp_path / "a.eer"
    encode_eer(counts, path, upsampling=4, pixel_size_angstrom=0.25)
    fine, middle, coarse = (
        open_movie(path, eer=EerRendering(frames=4, upsampling=times)) for times in (4, 2, 1)
    )
    np.testing.assert_array_equal(middle[:], fine[:].reshape(4, 12, 2, 16, 2).sum((2, 4)))
    np.testing.assert_array_equal(coarse[:], fine[:].reshape(4, 6, 4, 8, 4).sum((2, 4)))
    sizes = [movie.pixel_size_angstrom for movie in (fine, middle, coarse)]
    assert sizes == pytest.approx([0.25, 0.5, 1.0])


def test_dose_and_pixel_size_come_from_the_metadata(tmp_path, sparse):
    path = tmp_path / "a.eer"
    encode_eer(sparse, path, pixel_size_angstrom=0.7, dose_per_frame=0.25)
    movie = open_movie(path)
    # 1 e/Å² a frame unless told otherwise: four raw frames of 0.25 e/Å².
    assert movie.shape == (3, 64, 64)
    assert movie.dose_per_frame == pytest.approx(1.0)
    assert movie.pixel_size_angstrom == pytest.approx(0.7)
    np.testing.assert_array_equal(movie[1], sparse[4:8].sum(0))
    assert inspect_file(path).dose_per_frame == pytest.approx(1.0)


def test_the_dose_per_frame_can_be_chosen_and_left_overs_are_reported(tmp_path, sparse):
    path = tmp_path / "a.eer"
    encode_eer(sparse, path, pixel_size_angstrom=0.7, dose_per_frame=0.25)
    movie = open_movie(path, eer=EerRendering(dose_per_rendered_frame=1.3))
    assert movie.shape[0] == 2  # five raw frames each
    assert movie.dose_per_frame == pytest.approx(1.25)
    assert "last 2 of 12 raw frames" in movie.notes[0]
    overruled = open_movie(
        path, eer=EerRendering(dose_per_rendered_frame=1.0, raw_dose_per_frame=0.5)
    )
    assert overruled.shape[0] == 6


def test_all_raw_frames_are_shared_out_when_a_number_is_asked_for(tmp_path, sparse):
    path = tmp_path / "a.eer"
    encode_eer(sparse, path)
    for count in (1, 5, 7, 12):
        movie = open_movie(path, eer=EerRendering(frames=count))
        assert len(movie) == count
        np.testing.assert_array_equal(movie[:].sum(0), sparse.sum(0))


def test_without_a_dose_what_needs_one_is_refused(tmp_path, sparse):
    path = tmp_path / "a.eer"
    encode_eer(sparse, path)
    movie = open_movie(path)
    assert len(movie) == 12
    assert movie.dose_per_frame is None
    assert movie.pixel_size_angstrom is None
    with pytest.raises(UnreadableFile, match="does not say its dose"):
        open_movie(path, eer=EerRendering(dose_per_rendered_frame=1.0))
    with pytest.raises(UnreadableFile, match="12 raw frames, too few to render 13"):
        open_movie(path, eer=EerRendering(frames=13))


@pytest.mark.parametrize(
    "settings",
    [
        {"upsampling": 3},
        {"frames": 0},
        {"frames": 2, "dose_per_rendered_frame": 1.0},
        {"dose_per_rendered_frame": -1.0},
        {"raw_dose_per_frame": float("nan")},
    ],
)
def test_renderings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="EER"):
        EerRendering(**settings)


def test_damaged_events_are_an_error_not_a_picture(tmp_path, sparse):
    path = tmp_path / "a.eer"
    encode_eer(sparse, path)
    data = bytearray(path.read_bytes())
    data[16:200] = b"\xff" * 184  # run after run: far beyond the last pixel
    path.write_bytes(data)
    movie = open_movie(path, eer=EerRendering(frames=12))
    with pytest.raises(UnreadableFile, match="damaged"):
        movie.frame(0)


def test_a_frame_too_short_for_its_pixels_is_torn(tmp_path, sparse):
    path = tmp_path / "a.eer"
    encode_eer(sparse, path)
    data = path.read_bytes()
    with tifffile.TiffFile(path) as tiff:
        size = tiff.pages[0].tags[279]
    wide = bytearray(data)
    wide[size.valueoffset : size.valueoffset + 8] = (16).to_bytes(8, "little")
    path.write_bytes(wide)
    with pytest.raises(UnreadableFile, match="raw frame 1 has too few bytes"):
        open_movie(path)


@pytest.mark.parametrize("xml", [b"<metadata><item", b'<!DOCTYPE a [<!ENTITY b "c">]><metadata/>'])
def test_bad_metadata_are_reported_and_the_movie_still_opens(tmp_path, sparse, xml):
    path = tmp_path / "a.eer"
    encode_eer(sparse, path, pixel_size_angstrom=0.7, dose_per_frame=0.25)
    data = path.read_bytes()
    start = data.index(b"<metadata>")
    end = data.index(b"</metadata>") + len(b"</metadata>")
    path.write_bytes(data[:start] + xml.ljust(end - start) + data[end:])
    movie = open_movie(path)
    assert "unreadable" in movie.notes[0]
    assert movie.pixel_size_angstrom is None
    np.testing.assert_array_equal(movie[:].sum(0), sparse.sum(0))


@pytest.mark.parametrize(
    ("frames", "options", "part"),
    [
        (np.full((1, 4, 4), 0.5), {}, "whole"),
        (np.full((1, 4, 4), -1), {}, "negative"),
        (np.full((1, 4, 4), 3, np.uint8), {"raw_frames_per_frame": 2}, "3 electrons"),
        (np.ones((1, 5, 4), np.uint8), {"upsampling": 2}, "does not fit"),
        (np.ones((0, 4, 4), np.uint8), {}, "no frame"),
        (np.ones((1, 4, 4), np.uint8), {"run_bits": 9}, "7 or 8"),
    ],
)
def test_what_no_camera_counts_is_refused(tmp_path, frames, options, part):
    with pytest.raises(ValueError, match=part):
        encode_eer(frames, tmp_path / "a.eer", **options)
    assert list(tmp_path.iterdir()) == []


def test_grouping_is_relions_and_what_is_left_over_is_dropped(tmp_path):
    frames = np.random.default_rng(0).integers(0, 2, (11, 32, 32)).astype(np.uint8)
    encode_eer(frames, tmp_path / "a.eer", raw_frames_per_frame=1)
    movie = open_movie(tmp_path / "a.eer", eer=EerRendering(grouping=4))
    assert len(movie) == 2
    np.testing.assert_array_equal(movie.frame(1), frames[4:8].sum(0))
    assert any("last 3 of 11 raw frames" in note for note in movie.notes)
    with pytest.raises(UnreadableFile, match="too few to group 12"):
        open_movie(tmp_path / "a.eer", eer=EerRendering(grouping=12))
    for wrong in ({"frames": 2, "grouping": 4}, {"grouping": 0}):
        with pytest.raises(BadValue):
            EerRendering(**wrong)
