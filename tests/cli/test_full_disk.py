"""A disk that is full: one sentence, nothing half written, and what was there is still there."""

from contextlib import contextmanager

import numpy as np
import pytest

from napari_n2n.io import write_micrograph, write_mrc_stack

from ..command_line import call

resource = pytest.importorskip("resource")
signal = pytest.importorskip("signal")

TRAINED = ("--max-time", "1s", "--from-scratch", "--set", "steps=1", "--set", "crop=32")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    frames = rng.poisson(2, (3, 64, 64)).astype(np.uint8)
    write_mrc_stack(tmp_path / "movie.mrc", frames, 4.0)
    for name in ("a", "a_ODD", "a_EVN"):
        pixels = rng.normal(100, 10, (96, 96)).astype(np.float32)
        write_micrograph(tmp_path / f"{name}.mrc", pixels, 4.0)
    (tmp_path / "p.csv").write_text("micrograph,x,y\na.mrc,30,40\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def room_for(size):
    """Let no file grow beyond a size, as on a disk with so little room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    ("size", "command"),
    [
        (2000, ("halves", "movie.mrc", "--kind", "movie", "-o", "h", "-q")),
        (2000, ("denoise", "a.mrc", "-o", "d", "-q")),
        (0, ("pick", "a.mrc", "--diameter", "60", "-o", "p.star", "-q")),
        (0, ("convert", "p.csv", "c/", "--micrograph", "a.mrc")),
        (2000, ("simulate", "s", "--size", "64", "--frames", "2", "-q")),
        (2000, ("train", "a_ODD.mrc", "a_EVN.mrc", "-o", "m.safetensors", *TRAINED, "-q")),
        (8000, ("screen", "a.mrc", "-q")),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else str(value),
)
def test_a_full_disk_is_one_sentence_and_nothing_is_half_written(folder, capsys, size, command):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    with room_for(size):
        assert call(*command) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Error:")]
    assert "could not be" in errors[0]
    assert {path: path.read_bytes() for path in before} == before
    new = [path for path in folder.rglob("*") if path.is_file() and path not in before]
    # No result, nor a part of one under a hidden name.
    assert [path for path in new if ".sqlite" not in path.name] == []
