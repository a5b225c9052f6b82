"""MRC: every mode, both byte orders, what the header says and what is written into it."""

from __future__ import annotations

import bz2
import gzip

import mrcfile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import (
    inspect_file,
    open_movie,
    read_micrograph,
    write_mrc_stack,
    write_tiff_stack,
)
from napari_n2n.io.mrc import build_header


def header_of(path, **words) -> bytearray:
    """Change header words: `w3=101` sets word 3, `f10=0` sets float 10."""
    data = bytearray(path.read_bytes())
    for name, value in words.items():
        kind = "<i4" if name[0] == "w" else "<f4"
        np.frombuffer(data, kind, 256)[int(name[1:])] = value
    return data


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("dtype", ["i1", "i2", "f4", "u2", "f2"])
def test_modes_and_byte_orders_read_as_mrcfile_wrote_them(tmp_path, dtype, order):
    rng = np.random.default_rng(0)
    images = (rng.normal(0, 40, (3, 5, 7))).astype(dtype)
    if dtype == "u2":
        images[0, 0, 0] = 65535
    path = tmp_path / "a.mrc"
    with mrcfile.new(path) as file:
        file.set_data(images.astype(np.dtype(dtype).newbyteorder(order)))
        file.voxel_size = 2.5
        file.set_image_stack()
    assert path.read_bytes()[212] == (0x44 if order == "<" or dtype == "i1" else 0x11)
    movie = open_movie(path)
    np.testing.assert_array_equal(movie[:], images)
    assert movie.pixel_size_angstrom == pytest.approx(2.5)


def test_a_wrong_machine_stamp_does_not_matter(tmp_path, counts):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts.astype(np.int16), 1.0)
    data = bytearray(path.read_bytes())
    data[212:214] = b"\x11\x11"
    path.write_bytes(data)
    np.testing.assert_array_equal(open_movie(path)[:], counts)


def pack(data, compression):
    return {"": bytes, "gz": gzip.compress, "bz2": bz2.compress}[compression](data)


@pytest.mark.parametrize("compression", ["", "gz", "bz2"])
@pytest.mark.parametrize(
    ("stamp", "flags", "lowest", "highest", "signed"),
    [
        (True, 0, -128, 127, False),  # the flag wins over what the header tells of the values
        (True, 1, 0, 255, True),
        (True, 4, 0, 255, False),  # another flag
        (False, 0, 0, 255, False),
        (False, 0, -128, 127, True),
        (False, 1, 0, 255, False),  # without the stamp the flag is no flag
        (False, 0, -5, 250, False),
        (False, 0, -120, 130, True),
    ],
)
def test_bytes_are_signed_where_imod_takes_them_so(
    tmp_path, compression, stamp, flags, lowest, highest, signed
):
    image = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, [image], 1.0)
    words = {"w38": 1146047817 if stamp else 0, "w39": flags, "f19": lowest, "f20": highest}
    path.write_bytes(pack(header_of(path, **words), compression))
    movie = open_movie(path)
    np.testing.assert_array_equal(movie[0], image.view(np.int8) if signed else image)
    assert movie.dtype == (np.int8 if signed else np.uint8)
    assert "signed" not in " ".join(movie.notes)


@pytest.mark.parametrize("compression", ["", "gz", "bz2"])
@pytest.mark.parametrize("told", [(0, 0), (0, -1), (0, 127), (np.nan, np.nan)])
@settings(max_examples=15, deadline=None)
@given(
    mean=st.integers(-8, 8) | st.integers(60, 250),
    sigma=st.floats(5, 12),
    seed=st.integers(0, 99),
)
def test_where_the_header_does_not_know_the_sign_the_pixels_decide_and_it_is_said(
    tmp_path_factory, compression, told, mean, sigma, seed
):
    # Signed ones lie about zero: those that are all negative would look the same, but for 256.
    values = np.random.default_rng(seed).normal(mean, sigma, (40, 50)).round()
    dtype = np.int8 if mean < 60 else np.uint8
    ends = np.iinfo(dtype)
    image = values.clip(ends.min, ends.max).astype(dtype)
    path = tmp_path_factory.mktemp("signs") / "a.mrc"
    write_mrc_stack(path, [image], 1.0)
    words = {"w38": 0, "w39": 0, "f19": told[0], "f20": told[1]}
    path.write_bytes(pack(header_of(path, **words), compression))
    movie = open_movie(path)
    np.testing.assert_array_equal(movie[0], image)
    # All the same where no byte has its highest bit.
    assert ("signed" in " ".join(movie.notes)) == bool((image.view(np.uint8) > 127).any())


@pytest.mark.parametrize("columns_rows", [(3838, 7420), (3710, 7676), (5760, 8184), (4092, 11520)])
def test_packed_pixels_of_serialem_are_known_by_their_size(tmp_path, columns_rows):
    columns, rows = columns_rows
    packed = np.zeros((rows, columns), np.uint8)
    packed[3, :2] = 0x21, 0x43
    write_mrc_stack(tmp_path / "a.mrc", [packed, packed], 0.5)
    # Made by SerialEM: no stamp.
    (tmp_path / "a.mrc").write_bytes(header_of(tmp_path / "a.mrc", w38=0, w39=0, f20=255))
    write_tiff_stack(tmp_path / "a.tif", [packed, packed], 0.5, compression="lzw")
    for name in ("a.mrc", "a.tif"):
        movie = open_movie(tmp_path / name)
        assert movie.shape == (2, rows, 2 * columns)
        assert movie.pixel_size_angstrom == pytest.approx(0.5)
        assert any("two pixels of 4 bits" in note for note in movie.notes)
        np.testing.assert_array_equal(movie.source.read(1)[3, :5], [1, 2, 3, 4, 0])


def test_16_bit_pixels_of_a_packed_ones_size_are_none(tmp_path):
    write_tiff_stack(tmp_path / "a.tif", np.zeros((1, 7420, 3838), np.uint16), 1.0)
    assert inspect_file(tmp_path / "a.tif").shape == (7420, 3838)


@pytest.mark.parametrize("columns", [6, 7])
def test_4_bit_pixels_have_the_left_one_in_the_low_half(tmp_path, columns):
    image = np.random.default_rng(2).integers(0, 16, (3, 5, columns), np.uint8)
    padded = np.pad(image, ((0, 0), (0, 0), (0, columns % 2)))
    packed = padded[..., 0::2] | padded[..., 1::2] << 4
    head = bytearray(build_header(image.shape, np.dtype(np.int8), 1.0, (0, 15, 7, 4)))
    np.frombuffer(head, "<i4")[3] = 101
    path = tmp_path / "a.mrc"
    path.write_bytes(bytes(head) + packed.tobytes())
    np.testing.assert_array_equal(open_movie(path)[:], image)
    # IMOD's other way: bytes of half the width, flagged.
    if columns == 6:
        path.write_bytes(header_of(path, w0=3, w3=0, w7=3, w38=1146047817, w39=16))
        np.testing.assert_array_equal(open_movie(path)[:], image)


@pytest.mark.parametrize("extended", [1024, 131072])
def test_the_extended_header_is_skipped(tmp_path, counts, extended):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts, 1.0)
    data = header_of(path, w23=extended)
    path.write_bytes(data[:1024] + b"\xee" * extended + data[1024:])
    np.testing.assert_array_equal(open_movie(path)[:], counts)


def test_a_file_from_before_the_map_stamp_is_recognised(tmp_path, counts):
    path = tmp_path / "old.img"
    write_mrc_stack(path, counts, 1.0)
    data = bytearray(path.read_bytes())
    data[208:216] = bytes(8)
    path.write_bytes(data)
    np.testing.assert_array_equal(open_movie(path)[:], counts)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ({"f10": 0.0}, "no pixel size"),
        ({"f10": 32e-10, "f11": 24e-10}, "cannot be right"),
        ({"f10": 32e6, "f11": 24e6}, "cannot be right"),
        ({"f10": -32.0}, "cannot be right"),
        ({"f10": np.nan}, "no pixel size"),
        ({"w7": 0}, "no pixel size"),
        ({"f11": 240.0}, "not square"),
    ],
)
def test_a_bad_pixel_size_is_reported_and_never_used(tmp_path, counts, words, part):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts, 1.0)
    path.write_bytes(header_of(path, **words))
    movie = open_movie(path)
    assert movie.pixel_size_angstrom is None
    assert part in movie.notes[0]
    assert "by hand" in movie.notes[0]


def test_a_grid_that_is_not_the_images_is_reported(shared_data):
    # Binned by 8 after its header was made: it says 0.79 Å and means 6.32 Å.
    micrograph = read_micrograph(shared_data / "micrographs" / "ring_particles_ds8.mrc")
    assert "6.32 Å" in micrograph.notes[0]


def test_a_volume_is_told_from_a_stack(tmp_path, counts):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts, 1.0)
    assert inspect_file(path).kind == "movie"
    path.write_bytes(header_of(path, w22=1, w9=4))
    assert inspect_file(path).kind == "volume"
    with pytest.raises(UnreadableFile, match="of 4 images"):
        read_micrograph(path)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ({"w3": 4}, "Fourier transform"),
        ({"w3": 3}, "Fourier transform"),
        ({"w3": 16}, "colour"),
        ({"w3": 7}, "unknown MRC mode, 7"),
        ({"w0": -5}, "absurd header"),
        ({"w0": 10**9, "w1": 10**9}, "absurd header"),
        ({"w2": 10**9}, "holds 4"),
        ({"w2": 0}, "absurd header"),
        ({"w23": -1}, "absurd header"),
        ({"w23": 10**9}, "torn"),
        ({"w1": 25}, "torn or has a damaged header"),
    ],
)
def test_damaged_headers_are_explained(tmp_path, counts, words, part):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts, 1.0)
    path.write_bytes(header_of(path, **words))
    with pytest.raises(UnreadableFile, match=part) as caught:
        open_movie(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_the_real_malformed_file_is_explained(shared_data):
    path = shared_data / "malformed" / "bad_header.mrc"
    with pytest.raises(UnreadableFile, match=r"promises 32766 sections .* holds 1"):
        open_movie(path)


def test_trailing_rubbish_is_noted(tmp_path, counts):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts, 1.0)
    path.write_bytes(path.read_bytes() + bytes(10_000))
    movie = open_movie(path)
    assert "10,000 bytes longer" in movie.notes[0]
    np.testing.assert_array_equal(movie[:], counts)


def test_a_file_that_shrinks_while_open_is_torn(tmp_path, counts):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts, 1.0)
    movie = open_movie(path)
    path.write_bytes(path.read_bytes()[:-100])
    movie.frame(2)
    with pytest.raises(UnreadableFile, match="section 4 is torn"):
        movie.frame(3)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "float16", "float32"])
def test_written_stacks_are_valid_mrc2014_with_true_statistics(tmp_path, dtype):
    frames = (np.random.default_rng(3).normal(60, 9, (5, 12, 10))).astype(dtype)
    path = tmp_path / "a.mrcs"
    write_mrc_stack(path, frames, 1.7, origin=(10.0, -20.0, 30.0))
    assert mrcfile.validate(path)
    with mrcfile.open(path) as file:
        head = file.header
        assert file.is_image_stack()
        assert file.voxel_size.x == pytest.approx(1.7)
        assert (head.origin.x, head.origin.y, head.origin.z) == (10, -20, 30)
        values = frames.astype(np.float64)
        assert head.dmin == values.min()
        assert head.dmax == values.max()
        assert head.dmean == pytest.approx(values.mean(), rel=1e-6)
        assert head.rms == pytest.approx(values.std(), rel=1e-6)


def test_a_large_mean_costs_the_rms_no_precision(tmp_path):
    frames = np.random.default_rng(4).normal(1e6, 1, (4, 64, 64)).astype(np.float32)
    write_mrc_stack(tmp_path / "a.mrc", frames, 1.0)
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert file.header.rms == pytest.approx(frames.astype(np.float64).std(), rel=1e-5)


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        ([], "no frame"),
        ([np.zeros((4, 4)), np.zeros((4, 5))], "shape"),
        ([np.zeros((4, 4), np.complex64)], "complex64"),
        ([np.zeros(4, np.float32)], "1D"),
    ],
)
def test_what_mrc_cannot_hold_is_refused_and_leaves_no_file(tmp_path, frames, part):
    with pytest.raises(ValueError, match=part):
        write_mrc_stack(tmp_path / "a.mrc", frames, 1.0, dtype=None if part != "shape" else "int16")
    assert list(tmp_path.iterdir()) == []
