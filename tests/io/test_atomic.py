"""Every written file appears whole or not at all, and a failed one harms nothing."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

from napari_n2n.errors import WriteProblem
from napari_n2n.io import (
    overwriting,
    read_micrograph,
    write_atomically,
    write_micrograph,
    write_mrc_stack,
    write_tiff_stack,
)
from napari_n2n.io.outputs import RECORD
from napari_n2n.simulation.eer_encoding import encode_eer


@pytest.fixture
def small_disk():
    """Let no file grow beyond 20 kB: the system itself refuses."""
    resource = pytest.importorskip("resource", reason="this system has no limits on file sizes")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


BIG = np.random.default_rng(15).integers(0, 2, (1, 256, 256), np.uint8)
WRITERS = {
    "mrc": lambda path: write_micrograph(path, BIG[0], 1.0),
    "mrc stack": lambda path: write_mrc_stack(path, BIG, 1.0),
    "tiff": lambda path: write_tiff_stack(path, BIG, 1.0),
    "eer": lambda path: encode_eer(BIG, path),
}


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_a_disk_that_fills_up_leaves_the_old_file_untouched(tmp_path, small_disk, writer):
    path = tmp_path / "result"
    path.write_bytes(b"the old result")
    with overwriting(), pytest.raises(WriteProblem, match="could not be written") as caught:
        writer(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"the old result"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_a_disk_that_is_full_when_flushed_leaves_the_old_file_untouched(
    tmp_path, monkeypatch, writer
):
    path = tmp_path / "result"
    path.write_bytes(b"the old result")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    full_disk = pytest.raises(WriteProblem, match=r"No space left on device.*Free some space")
    with overwriting(), full_disk:
        writer(path)
    assert path.read_bytes() == b"the old result"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_block_leaves_nothing(tmp_path):
    def interrupted():
        with write_atomically(tmp_path / "new.mrc") as temporary:
            temporary.write_bytes(b"half of")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_until_the_end_the_old_content_is_there_and_then_the_new(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with overwriting(), write_atomically(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
        assert temporary.suffix == ".csv"
        assert temporary.name.startswith(".")
    assert path.read_text() == "new"
    assert [one for one in tmp_path.iterdir() if one.name != RECORD] == [path]


def test_a_killed_process_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    code = (
        "import os, sys; from napari_n2n.io import overwriting, write_atomically\n"
        f"with overwriting(), write_atomically({str(path)!r}) as t:\n"
        "    t.write_text('new'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    assert path.read_text() == "old"


def test_folders_are_made_and_permissions_are_the_usual(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    with write_atomically(path) as temporary:
        temporary.write_text("x")
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)
    path.chmod(0o640)
    with write_atomically(path) as temporary:
        temporary.write_text("y")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_places_that_cannot_be_written_are_explained(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for place in ("file/a.mrc", "folder", "x" * 300 + ".mrc"):
        with pytest.raises(WriteProblem) as caught:
            write_micrograph(tmp_path / place, BIG[0], 1.0)
        assert caught.value.remedy
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write everywhere")
def test_a_folder_one_may_not_write_to_is_explained(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(WriteProblem, match="may write to"):
        write_micrograph(tmp_path / "a.mrc", BIG[0], 1.0)
    tmp_path.chmod(0o700)


def test_errors_of_the_block_are_not_disguised(tmp_path):
    with pytest.raises(ZeroDivisionError), write_atomically(tmp_path / "a"):
        _ = 1 / 0
    write_micrograph(tmp_path / "b.mrc", BIG[0], 1.0)
    assert read_micrograph(tmp_path / "b.mrc").pixels.shape == (256, 256)
