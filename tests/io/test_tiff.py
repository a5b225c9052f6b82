"""TIFF: pixel types, pixel sizes, torn chains of pages, bombs, and what ImageJ and others do."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import tifffile

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import inspect_file, open_movie, read_micrograph, write_tiff_stack


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
def test_pixel_types_and_byte_orders(tmp_path, dtype, order):
    frames = np.random.default_rng(13).normal(50, 20, (5, 9, 11)).astype(dtype)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, frames, byteorder=order, photometric="minisblack")
    movie = open_movie(path)
    np.testing.assert_array_equal(movie[:], frames.astype(np.float32))
    assert movie.source.read(0).dtype.kind == dtype[0]


@pytest.mark.filterwarnings("ignore:.*stored as RGB:DeprecationWarning")
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_a_stack_written_by_tifffile_without_ado_is_a_movie(tmp_path, count):
    # Three or four frames tifffile stores as the planes of a colour image.
    frames = np.random.default_rng(14).integers(0, 99, (count, 40, 50), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", frames)
    movie = open_movie(tmp_path / "a.tif")
    np.testing.assert_array_equal(movie[:], frames)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate"])
def test_stacks_are_written_as_other_programs_read_them(tmp_path, counts, compression):
    path = tmp_path / "a.tif"
    for frames in (counts, counts.astype(np.int16), counts.astype(np.float32) - 0.5):
        write_tiff_stack(path, iter(frames), 0.834, compression=compression)
        with tifffile.TiffFile(path) as tiff:
            assert len(tiff.pages) == len(frames)
            np.testing.assert_array_equal(np.stack([p.asarray() for p in tiff.pages]), frames)
        assert open_movie(path).pixel_size_angstrom == pytest.approx(0.834, rel=1e-6)


def test_a_write_that_cannot_be_is_refused_and_leaves_no_file(tmp_path, counts):
    with pytest.raises(ValueError, match="no frame"):
        write_tiff_stack(tmp_path / "a.tif", [])
    with pytest.raises(ValueError, match="Compression"):
        write_tiff_stack(tmp_path / "a.tif", counts, compression="jpeg")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("unit", "spacing", "expected"),
    [("nm", 0.1052, 1.052), ("um", 1e-4, 1.0), ("\\u00B5m", 1e-4, 1.0), ("angstrom", 2.0, 2.0)],
)
def test_imagejs_units_are_understood(tmp_path, unit, spacing, expected):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.zeros((2, 8, 8), np.uint8),
        imagej=True,
        resolution=(1 / spacing, 1 / spacing),
        metadata={"unit": unit},
    )
    movie = open_movie(tmp_path / "a.tif")
    assert movie.pixel_size_angstrom == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("dpi", [72, 300])
def test_dots_per_inch_are_not_a_pixel_size(tmp_path, dpi):
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.arange(64, dtype=np.uint8).reshape(8, 8),
        resolution=(dpi, dpi),
        resolutionunit="INCH",
    )
    micrograph = read_micrograph(tmp_path / "a.tif")
    assert micrograph.pixel_size_angstrom is None
    assert "not that of a micrograph" in micrograph.notes[0]


def test_imagejs_one_page_movie_beyond_4_gb_is_read_whole(tmp_path, counts):
    # As ImageJ writes it: one directory, the pixels of all frames after it, big-endian.
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, counts[0].astype(">u2"), byteorder=">", description="ImageJ=1.53\nimages=4\n",
        metadata=None,
    )  # fmt: skip
    with path.open("ab") as handle:
        with tifffile.TiffFile(path) as tiff:
            assert tiff.pages[0].dataoffsets[0] + counts[0].size * 2 == path.stat().st_size
        handle.write(counts[1:].astype(">u2").tobytes())
    np.testing.assert_array_equal(open_movie(path)[:], counts)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UnreadableFile, match="torn"):
        open_movie(path)


def test_the_real_tomograms(shared_data):
    info = inspect_file(shared_data / "tomograms" / "13pf_MT.tif")
    assert info.shape == (36, 206, 94)
    assert info.pixel_size_angstrom == pytest.approx(10.52, rel=1e-4)


@pytest.mark.parametrize("compression", [None, "lzw", "deflate"])
def test_a_torn_movie_is_torn_wherever_it_ends(tmp_path, counts, compression):
    whole = tmp_path / "whole.tif"
    write_tiff_stack(whole, counts, 1.0, compression=compression)
    data = whole.read_bytes()
    path = tmp_path / "torn.tif"
    for size in range(4, len(data) - 1, 97):
        path.write_bytes(data[:size])
        with pytest.raises(UnreadableFile, match=r"torn|without a single page"):
            open_movie(path)


def test_a_chain_of_pages_in_a_circle_ends(tmp_path, counts):
    path = tmp_path / "a.tif"
    write_tiff_stack(path, counts, 1.0)
    with tifffile.TiffFile(path) as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[3].offset
    data = bytearray(path.read_bytes())
    entries = struct.unpack_from("<H", data, last)[0]
    struct.pack_into("<I", data, last + 2 + 12 * entries, first)
    path.write_bytes(data)
    with pytest.raises(UnreadableFile, match="circle"):
        open_movie(path)


def make_tiff(width, height, strip, compression=8, rows=None, extra=()):
    """Make a TIFF with one page whose tags say what they please."""
    entries = sorted(
        [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, compression), (262, 3, 1),
         (273, 4, 8), (277, 3, 1), (278, 4, rows or height), (279, 4, len(strip)), *extra]
    )  # fmt: skip
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    start = 8 + len(strip)
    return (
        struct.pack("<2sHI", b"II", 42, start)
        + strip
        + struct.pack("<H", len(entries))
        + body
        + bytes(4)
    )


def test_the_test_maker_makes_sound_files(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(make_tiff(8, 4, zlib.compress(bytes(range(32)))))
    assert open_movie(path)[0].ravel().tolist() == list(range(32))


@pytest.mark.parametrize(
    "arguments",
    [
        {"width": 30_000, "height": 30_000},
        {"width": 30_000, "height": 30_000, "compression": 5},
        {"width": 30_000, "height": 30_000, "compression": 1},
        {"width": 10**9, "height": 10**9},
        {"width": 0, "height": 5},
        {"width": 8, "height": 4, "rows": 1},
        {"width": 8, "height": 4, "extra": [(322, 4, 10**5), (323, 4, 10**5)]},
        {"width": 8, "height": 4, "compression": 4242},
        {"width": 8, "height": 4, "compression": 7},
        {"width": 8, "height": 4, "extra": [(339, 3, 9)]},
    ],
)
def test_headers_that_promise_too_much_are_refused_before_memory_is_taken(tmp_path, arguments):
    path = tmp_path / "a.tif"
    path.write_bytes(make_tiff(strip=zlib.compress(bytes(32)), **arguments))
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableFile):
            open_movie(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()


def test_a_decompression_bomb_does_not_go_off(tmp_path):
    # 200 MB of zeros behind a header that honestly promises 32 bytes.
    path = tmp_path / "a.tif"
    packer = zlib.compressobj()
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
    path.write_bytes(make_tiff(8, 4, bomb))
    resource = pytest.importorskip("resource", reason="this system does not tell its memory")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableFile, match="damaged"):
        open_movie(path).frame(0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_damaged_lzw_is_never_shown_as_if_it_were_whole(tmp_path):
    """Regression: damaged codes killed the process or asked for 100 GB; now they are errors."""
    rng = np.random.default_rng(18)
    frame = rng.poisson(1, (64, 80)).astype(np.uint8)
    path = tmp_path / "a.tif"
    write_tiff_stack(path, [frame], 1.0, compression="lzw")
    data = path.read_bytes()
    with tifffile.TiffFile(path) as tiff:
        start, size = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    refused = 0
    for _ in range(400):
        damaged = bytearray(data)
        for at in (start + rng.integers(0, 4), start + rng.integers(0, size)):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(damaged)
        try:
            assert open_movie(path).frame(0).shape == frame.shape
        except UnreadableFile:
            refused += 1
    assert refused > 200


def test_pages_of_different_kinds_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as writer:
        for shape in ((8, 8), (8, 8), (4, 4)):
            writer.write(np.zeros(shape, np.uint8), photometric="minisblack", metadata=None)
    with pytest.raises(UnreadableFile, match="page 3 is 4 × 4, the first is 8 × 8"):
        open_movie(tmp_path / "a.tif")
