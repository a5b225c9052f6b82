"""Reading ahead: the same frames and errors in the same order, from a thread that ends."""

import threading
import time
import weakref
from contextlib import closing

import numpy as np
import pytest

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import Movie
from napari_n2n.motion import align_steps, sum_halves_steps
from napari_n2n.motion.reading import FRAMES_ALIVE, read_ahead
from napari_n2n.progress import run_to_end


class Frames:
    """Gives numbered frames, and knows who asked for which and how many were alive at most."""

    def __init__(self, broken=None):
        self.broken = broken
        self.asked: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.alive = self.most_alive = 0

    def __call__(self, index):
        self.asked.append(index)
        self.threads.add(threading.current_thread())
        if index == self.broken:
            raise UnreadableFile("movie.mrc", f"is torn: section {index + 1}", "Copy it again.")
        frame = np.full((4, 5), index, np.float32)
        self.alive += 1
        self.most_alive = max(self.most_alive, self.alive)
        weakref.finalize(frame, self._gone)
        return frame

    def _gone(self):
        self.alive -= 1

    @property
    def running(self):
        return [thread for thread in self.threads if thread.is_alive()]


def wait_until(true):
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_frames_come_in_order_from_one_other_thread():
    read = Frames()
    assert [int(frame[0, 0]) for frame in read_ahead(read, 20)] == list(range(20))
    assert read.asked == list(range(20))
    assert len(read.threads) == 1
    assert threading.main_thread() not in read.threads
    assert not read.running


def test_the_next_frames_are_read_while_one_is_worked_on():
    read = Frames()
    with closing(read_ahead(read, 20)) as frames:
        next(frames)
        wait_until(lambda: read.asked == list(range(FRAMES_ALIVE)))
        # No further while the first is in use.
        time.sleep(0.05)
        assert len(read.asked) == FRAMES_ALIVE


def test_few_frames_are_in_memory():
    read = Frames()
    with closing(read_ahead(read, 30)) as frames:
        for frame in frames:
            time.sleep(0.001)
            del frame
    assert 1 < read.most_alive <= FRAMES_ALIVE == 3
    wait_until(lambda: read.alive == 0)


def test_an_error_comes_where_its_frame_would_have():
    read = Frames(broken=5)
    frames = read_ahead(read, 20)
    assert [int(next(frames)[0, 0]) for _ in range(5)] == list(range(5))
    with pytest.raises(UnreadableFile, match="is torn: section 6"):
        next(frames)
    assert read.asked[-1] == 5
    assert not read.running


@pytest.mark.parametrize("taken", [1, 7])
def test_leaving_early_ends_the_thread(taken):
    read = Frames()
    frames = read_ahead(read, 20)
    for _ in range(taken):
        next(frames)
    frames.close()
    assert not read.running
    assert len(read.asked) < 20


def test_an_error_of_the_consumer_ends_the_thread():
    read = Frames()

    def work():
        with closing(read_ahead(read, 20)) as frames:
            for frame in frames:
                1 / int(frame.sum())

    # The first frame is all zeros.
    with pytest.raises(ZeroDivisionError):
        work()
    assert not read.running


class Source:
    """Frames of a movie of which one is torn."""

    format, row_order, is_volume, notes = "MRC", "mrc", False, ()
    shape, dtype = (16, 96, 96), np.dtype(np.float32)
    pixel_size_angstrom, dose_per_frame = 1.0, 1.0

    def __init__(self, torn=None):
        self.torn = torn

    def read(self, index):
        if index == self.torn:
            raise UnreadableFile("movie.mrc", f"is torn: section {index + 1}", "Copy it again.")
        return np.random.default_rng(index).poisson(5, self.shape[1:]).astype(np.float32)


@pytest.mark.parametrize("job", [align_steps, sum_halves_steps])
def test_a_torn_frame_is_reported_and_no_thread_is_left(job):
    before = set(threading.enumerate())
    with pytest.raises(UnreadableFile, match="is torn: section 10"):
        run_to_end(job(Movie(Source(torn=9), "movie.mrc")))
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("job", [align_steps, sum_halves_steps])
def test_stopping_a_job_ends_its_thread(job):
    before = set(threading.enumerate())
    steps = job(Movie(Source(), "movie.mrc"))
    for _ in range(3):
        next(steps)
    assert set(threading.enumerate()) - before
    steps.close()
    assert set(threading.enumerate()) <= before
