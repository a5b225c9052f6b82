"""What a file is, and one sentence for every file that is none."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import (
    inspect_file,
    is_supported,
    open_movie,
    read_gain,
    read_micrograph,
    write_micrograph,
)

READERS = [open_movie, read_micrograph, inspect_file, read_gain]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("a.mrc", b"", "is empty"),
        ("a.mrc", b"\x00" * 100, "is torn: it has 100 bytes"),
        ("a.mrc", b"\x00" * 5000, "nothing but zeros"),
        ("a.mrc", b"<html>Login required</html>" * 50, "is a text file"),
        ("a.tif", b"\x89HDF\r\n\x1a\n" + bytes(2000), "HDF5 file, whatever its name says"),
        ("a.mrc", b"\x00\x00\x00\x04" + bytes(2000), "Gatan DM4"),
        ("a.mrc", b"PK\x03\x04" + bytes(2000), "zip archive"),
        ("a.mrc", b"\x80\x02}q" + bytes(2000), "pickle"),
        ("a.mrc", np.random.default_rng(0).bytes(3000), "no image file this program knows"),
        ("a.tif", b"II*\x00", "torn"),
        ("a.tif", b"II*\x00\xff\xff\xff\xff", "torn"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(50), "damaged|cannot be read"),
        ("a.jpg", b"\xff\xd8\xff\xe0" + bytes(50), "damaged|cannot be read"),
        ("a.mrc.gz", b"\x1f\x8b\x08" + bytes(50), "torn|damaged|cannot be read"),
        ("a.mrc.bz2", b"BZh91AY&SY" + bytes(50), "torn|damaged|cannot be read"),
        ("a.gz", gzip.compress(b"hello" * 1000, mtime=0), "compressed and holds no MRC"),
        ("a.gz", gzip.compress(b"II*\x00" + bytes(2000), mtime=0), "compressed and holds a TIFF"),
    ],
)
def test_files_that_are_no_images_are_explained(tmp_path, reader, name, content, part):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=part) as caught:
        reader(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy.endswith(".")


@pytest.mark.parametrize("reader", READERS)
def test_missing_files_folders_and_pipes_are_explained(tmp_path, reader):
    with pytest.raises(UnreadableFile, match="does not exist"):
        reader(tmp_path / "nowhere.mrc")
    with pytest.raises(UnreadableFile, match="is a folder"):
        reader(tmp_path)
    if not hasattr(os, "mkfifo"):
        return
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="not a regular file"):
        reader(tmp_path / "pipe")


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may read everything")
def test_a_file_one_may_not_read_is_explained(tmp_path):
    path = tmp_path / "a.mrc"
    write_micrograph(path, np.eye(4), 1.0)
    path.chmod(0)
    with pytest.raises(UnreadableFile, match="may not be read by you"):
        read_micrograph(path)


def test_permission_denied_is_explained_for_root_too(tmp_path, monkeypatch):
    from pathlib import Path

    path = tmp_path / "a.mrc"
    write_micrograph(path, np.eye(4), 1.0)

    def denied(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(UnreadableFile, match="may not be read by you"):
        read_micrograph(path)


def test_supported_files_are_told_from_others_by_content(movie_files, tmp_path):
    assert all(is_supported(path) for path in movie_files.values())
    (tmp_path / "a.mrc").write_text("not an image at all")
    assert not is_supported(tmp_path / "a.mrc")
    assert not is_supported(tmp_path / "nowhere.mrc")
    assert not is_supported(tmp_path)


def test_inspection_tells_what_there_is(movie_files, tmp_path, shared_data):
    info = inspect_file(movie_files["tiff lzw"])
    assert (info.kind, info.format) == ("movie", "TIFF (LZW)")
    assert info.shape == (4, 24, 32)
    assert info.frame_count == 4
    assert info.dtype == np.uint8
    assert info.pixel_size_angstrom == pytest.approx(1.25)
    assert inspect_file(movie_files["eer 7 bit"]).format == "EER"
    assert inspect_file(movie_files["mrc gzip"]).format == "MRC (gzip)"
    write_micrograph(tmp_path / "a.mrc", np.eye(5), 1.0, dtype="float16")
    info = inspect_file(tmp_path / "a.mrc")
    assert (info.kind, info.shape, info.frame_count) == ("micrograph", (5, 5), 1)
    Image.fromarray(np.arange(126, dtype=np.uint8).reshape(6, 7, 3)).save(tmp_path / "a.png")
    info = inspect_file(tmp_path / "a.png")
    assert (info.kind, info.format, info.shape) == ("photograph", "PNG", (6, 7, 3))


def test_inspection_reads_headers_only(movie_files, tmp_path):
    # The pixels of this file are damaged; only reading them would tell.
    data = bytearray(movie_files["tiff deflate"].read_bytes())
    with tifffile.TiffFile(movie_files["tiff deflate"]) as tiff:
        start = tiff.pages[0].dataoffsets[0]
    data[start : start + 100] = bytes(100)
    (tmp_path / "a.tif").write_bytes(data)
    assert inspect_file(tmp_path / "a.tif").frame_count == 4
    with pytest.raises(UnreadableFile, match="damaged"):
        open_movie(tmp_path / "a.tif").frame(0)
