"""What a movie promises, whatever the format it is stored in."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from napari_n2n.errors import BadPixels, ShapeMismatch, UnreadableFile
from napari_n2n.io import EerRendering, GainReference, Movie, open_movie, write_mrc_stack
from napari_n2n.io.mrc import build_header

FOUR = EerRendering(frames=4)


def test_every_format_gives_the_same_calibrated_frames(movie_file, counts):
    movie = open_movie(movie_file, eer=FOUR)
    assert movie.shape == counts.shape
    assert len(movie) == len(counts)
    assert movie.pixel_size_angstrom == pytest.approx(1.25, rel=1e-6)
    assert movie.notes == ()
    np.testing.assert_array_equal(movie[:], counts)
    assert movie[0].dtype == np.float32


def test_frames_are_the_same_in_any_order_and_from_dask(movie_file, counts):
    movie = open_movie(movie_file, eer=FOUR)
    for index in (3, 0, 2, -1):
        np.testing.assert_array_equal(movie[index], counts[index])
    np.testing.assert_array_equal(movie[::-2], counts[::-2])
    assert [frame.sum() for frame in movie] == [frame.sum() for frame in counts]
    lazy = movie.as_dask()
    assert lazy.chunks[0] == (1, 1, 1, 1)
    np.testing.assert_array_equal(lazy[1:3].compute(), counts[1:3])


def test_the_extension_does_not_matter(movie_file, counts, tmp_path):
    liar = tmp_path / "movie.jpg"
    liar.write_bytes(movie_file.read_bytes())
    np.testing.assert_array_equal(open_movie(liar, eer=FOUR)[:], counts)


def test_a_movie_travels_to_another_process(movie_file, counts):
    movie = open_movie(movie_file, eer=FOUR)
    movie.frame(1)
    copy = pickle.loads(pickle.dumps(movie))
    np.testing.assert_array_equal(copy.frame(2), counts[2])


def test_a_frame_that_is_not_there_is_an_index_error(movie_file):
    movie = open_movie(movie_file, eer=FOUR)
    for index in (4, -5):
        with pytest.raises(IndexError, match="has 4 frames"):
            movie.frame(index)


def test_a_10_gb_movie_opens_in_the_memory_of_one_frame(tmp_path):
    shape = (600, 4096, 4096)
    path = tmp_path / "long.mrc"
    with path.open("wb") as handle:
        handle.write(build_header(shape, np.dtype(np.uint8), 1.0, (0, 1, 0.5, 0.5)))
        handle.truncate(1024 + np.prod(shape, dtype=np.int64))  # sparse: takes no disk
        handle.seek(1024 + 599 * 4096 * 4096)
        handle.write(b"\x07" * 4096)
    tracemalloc.start()
    try:
        movie = open_movie(path)
        opened = tracemalloc.get_traced_memory()[1]
        assert movie.frame(599)[0, 0] == 7
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert opened < 1e6
    # As stored and as float32, nothing more.
    assert read < 5.1 * 4096 * 4096


def test_what_the_user_gives_wins_over_the_header(movie_file):
    movie = open_movie(movie_file, pixel_size_angstrom=0.8, dose_per_frame=2.5, eer=FOUR)
    assert movie.pixel_size_angstrom == 0.8
    assert movie.dose_per_frame == 2.5


@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), 5000])
def test_a_pixel_size_that_cannot_be_right_is_refused(movie_files, bad):
    with pytest.raises(ValueError, match="cannot be right"):
        open_movie(movie_files["mrc"], pixel_size_angstrom=bad)


def test_a_missing_pixel_size_is_reported_and_not_used(tmp_path, counts):
    write_mrc_stack(tmp_path / "a.mrc", counts, None)
    movie = open_movie(tmp_path / "a.mrc")
    assert movie.pixel_size_angstrom is None
    assert "no pixel size" in movie.notes[0]
    given = open_movie(tmp_path / "a.mrc", pixel_size_angstrom=2.0)
    assert given.notes == ()


def test_nan_pixels_name_the_frame(tmp_path):
    frames = np.ones((3, 8, 8), np.float32)
    frames[1, 4, 4] = np.nan
    frames[1, 4, 5] = np.inf
    write_mrc_stack(tmp_path / "a.mrc", frames, 1.0)
    movie = open_movie(tmp_path / "a.mrc")
    movie.frame(0)
    with pytest.raises(BadPixels, match="2 NaN or infinite pixels in frame 2"):
        movie.frame(1)


def test_marked_defects_are_filled_in_from_their_neighbours(tmp_path):
    frames = np.full((2, 16, 16), 5, np.float32)
    frames[:, 3, 4] = np.nan
    frames[:, 0, 0] = 900
    write_mrc_stack(tmp_path / "a.mrc", frames, 1.0)
    defects = np.zeros((16, 16), bool)
    defects[3, 4] = defects[0, 0] = True
    movie = open_movie(tmp_path / "a.mrc").replaced(defects=defects)
    assert (movie.frame(0) == 5).all()
    assert "2 dead or hot pixels" in movie.notes[-1]
    assert movie.source.read(0)[0, 0] == 900
    with pytest.raises(ShapeMismatch):
        movie.replaced(defects=defects[:8])


def test_an_array_is_a_movie_and_a_lazy_one_is_computed_frame_by_frame(counts):
    import dask.array as da

    movie = Movie.from_array(counts, 1.5, 0.7, path="sample")
    np.testing.assert_array_equal(movie[2], counts[2])
    assert (movie.pixel_size_angstrom, movie.dose_per_frame) == (1.5, 0.7)
    computed = []

    def load(block, block_info=None):
        computed.append(block_info[0]["chunk-location"][0])
        return block

    lazy = da.from_array(counts, chunks=(1, -1, -1)).map_blocks(load, dtype=counts.dtype)
    computed.clear()
    np.testing.assert_array_equal(Movie.from_array(lazy).frame(3), counts[3])
    assert computed == [3]
    with pytest.raises(ValueError, match="shape"):
        Movie.from_array(np.zeros(5))


def test_gain_can_be_put_on_and_taken_off(counts):
    gain = GainReference(np.full(counts.shape[1:], 2, np.float32))
    movie = Movie.from_array(counts).replaced(gain=gain)
    np.testing.assert_array_equal(movie[0], counts[0] * 2.0)
    np.testing.assert_array_equal(movie.replaced(gain=None)[0], counts[0])


def test_a_photograph_is_no_movie(shared_data):
    picture = next((shared_data / "natural" / "cbsd68").glob("*.png"))
    with pytest.raises(UnreadableFile, match="colour photograph"):
        open_movie(picture)


def test_importing_io_is_quick_and_without_heavy_libraries():
    code = (
        "import sys, numpy, time; start = time.perf_counter(); import napari_n2n.io;"
        "took = time.perf_counter() - start;"
        "heavy = {'torch', 'dask', 'napari', 'qtpy', 'scipy', 'tifffile', 'PIL', 'mrcfile'};"
        "print(took, *(heavy & set(sys.modules)))"
    )
    took, *loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not loaded
    # 20 ms on a quiet machine.
    assert float(took) < 0.5
