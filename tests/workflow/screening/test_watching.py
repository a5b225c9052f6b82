"""Files that arrive while a folder is watched."""

import os
import threading
import time

import numpy as np
import pytest

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import write_micrograph
from napari_n2n.io.finding import IMAGES, files_in
from napari_n2n.workflow.screening.watching import Arrivals, watch

REST, PATIENCE = 3.0, 60.0


@pytest.fixture(scope="module")
def image_bytes(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "a.mrc"
    pixels = np.random.default_rng(0).normal(size=(32, 32)).astype(np.float32)
    write_micrograph(path, pixels, 1.0)
    return path.read_bytes()


class Folder:
    """A folder looked at by a clock that the test turns."""

    def __init__(self, path):
        self.path = path
        self.now = 0.0
        self.arrivals = Arrivals(REST, PATIENCE)

    def after(self, seconds, patterns=IMAGES):
        """Return the names of the files that are complete so many seconds later."""
        self.now += seconds
        files = files_in(self.path, patterns, by_age=True, but=self.arrivals.taken)
        self.arrivals.look(files, self.now)
        return [path.name for path in self.arrivals.complete(self.now)]


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_a_file_is_taken_once_it_is_at_rest(folder, image_bytes):
    (folder.path / "a.mrc").write_bytes(image_bytes)
    assert folder.after(0) == []
    assert folder.after(2.9) == []
    assert folder.after(0.2) == ["a.mrc"]
    assert folder.after(100) == []


def test_a_file_being_written_waits_and_others_go_ahead(folder, image_bytes):
    (folder.path / "slow.mrc").write_bytes(image_bytes[:2000])
    folder.after(0)
    (folder.path / "quick.mrc").write_bytes(image_bytes)
    folder.after(1)
    taken = []
    for size in (2500, 3000, 3500, 4000):  # it grows, now and then
        (folder.path / "slow.mrc").write_bytes(image_bytes[:size])
        taken += folder.after(2)
    assert taken == ["quick.mrc"]
    (folder.path / "slow.mrc").write_bytes(image_bytes)
    assert folder.after(1) == []
    assert folder.after(REST) == ["slow.mrc"]


def test_a_file_whose_header_promises_more_is_not_taken_for_resting(folder, image_bytes):
    """A copy that hangs is no complete file."""
    (folder.path / "a.mrc").write_bytes(image_bytes[:3000])
    folder.after(0)
    assert folder.after(30) == []
    (folder.path / "a.mrc").write_bytes(image_bytes)
    folder.after(1)
    assert folder.after(REST) == ["a.mrc"]


def test_a_torn_file_is_handed_on_in_the_end(folder, image_bytes):
    """Whoever opens it names it; waiting for ever would hide it."""
    (folder.path / "torn.mrc").write_bytes(image_bytes[:3000])
    folder.after(0)
    assert folder.after(PATIENCE - 1) == []
    assert folder.after(2) == ["torn.mrc"]
    # It goes on after all, on a disk that tells of no changes.
    (folder.path / "torn.mrc").write_bytes(image_bytes)
    folder.after(1)
    assert folder.after(REST) == ["torn.mrc"]
    assert folder.after(PATIENCE) == []


def test_files_are_taken_in_the_order_of_their_arrival(folder, image_bytes):
    for age, name in enumerate(["c.mrc", "a.mrc", "b.mrc"]):
        (folder.path / name).write_bytes(image_bytes)
        os.utime(folder.path / name, (1000 - age, 1000 - age))
    folder.after(0)
    (folder.path / "0.mrc").write_bytes(image_bytes)
    os.utime(folder.path / "0.mrc", (1, 1))  # copied with its old time, but it came last
    folder.after(1)
    assert folder.after(10) == ["b.mrc", "a.mrc", "c.mrc", "0.mrc"]


def test_a_file_that_went_away_is_forgotten(folder, image_bytes):
    (folder.path / "a.mrc").write_bytes(image_bytes)
    folder.after(0)
    (folder.path / "a.mrc").unlink()
    assert folder.after(10) == []
    assert folder.arrivals.waiting == ()


def test_a_file_that_changed_after_it_was_taken_comes_again(folder, image_bytes):
    path = folder.path / "a.mrc"
    path.write_bytes(image_bytes)
    folder.after(0)
    assert folder.after(REST) == ["a.mrc"]
    folder.arrivals.reconsider([path])  # read, but not written
    assert folder.after(REST) == []
    os.utime(path, (5, 5))
    folder.arrivals.reconsider([path])
    folder.after(0)
    assert folder.after(REST) == ["a.mrc"]


def test_only_images_are_listed(tmp_path, image_bytes):
    for name in ("a.mrc", "B.TIFF", "c.mrc.gz", "d.eer", ".e-12ab.mrc", "notes.txt", "f.star"):
        (tmp_path / name).write_bytes(image_bytes)
    (tmp_path / "folder.mrc").mkdir()
    names = {path.name for path in files_in(tmp_path)}
    assert names == {"a.mrc", "B.TIFF", "c.mrc.gz", "d.eer"}
    assert [path.name for path in files_in(tmp_path, ["*.tif*"])] == ["B.TIFF"]


def test_halves_beside_their_sum_are_no_micrographs(tmp_path, image_bytes):
    for name in ("a.mrc", "a_ODD.mrc", "a_EVN.mrc", "b_odd.mrc"):
        (tmp_path / name).write_bytes(image_bytes)
    assert {path.name for path in files_in(tmp_path)} == {"a.mrc"}


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(UnreadableFile, match="does not exist"):
        next(watch(tmp_path / "nowhere"))


def test_watching_takes_what_comes_and_stops_at_once(tmp_path, image_bytes):
    (tmp_path / "first.mrc").write_bytes(image_bytes)
    stopping = threading.Event()
    taken, ended = [], []

    def run():
        steps = watch(tmp_path, stop=stopping.is_set, rest_seconds=0.2, patience_seconds=30)
        taken.extend(path.name for path in steps)
        ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.1)
    with (tmp_path / "second.mrc").open("wb") as handle:
        for start in range(0, len(image_bytes), 1500):
            handle.write(image_bytes[start : start + 1500])
            handle.flush()
            time.sleep(0.1)
    (tmp_path / "third.mrc").write_bytes(image_bytes[:3000])  # torn, and is waited for
    deadline = time.monotonic() + 10
    while len(taken) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    asked = time.monotonic()
    stopping.set()
    thread.join(5)
    assert taken == ["first.mrc", "second.mrc"]
    assert ended[0] - asked < 0.5
