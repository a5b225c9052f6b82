"""Micrographs: reading, refusing useless ones, pairing, writing with a true header."""

from __future__ import annotations

import gzip

import mrcfile
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_n2n.errors import BadPixels, ShapeMismatch, UnreadableFile
from napari_n2n.io import read_micrograph, read_pair, write_micrograph, write_mrc_stack


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(16).normal(3, 1, (20, 30)).astype(np.float32)


@pytest.mark.parametrize(("dtype", "mode"), [("float32", 2), ("float16", 12)])
def test_a_written_micrograph_has_a_true_header(tmp_path, image, dtype, mode):
    path = tmp_path / "a.mrc"
    write_micrograph(path, image.astype(np.float64), 1.34, dtype=dtype, origin=(1.0, 2.0, 3.0))
    assert mrcfile.validate(path)
    stored = image.astype(dtype)
    with mrcfile.open(path) as file:
        head = file.header
        np.testing.assert_array_equal(file.data.squeeze(), stored)
        assert head.mode == mode
        assert file.voxel_size.x == pytest.approx(1.34)
        assert file.voxel_size.y == pytest.approx(1.34)
        assert (head.origin.x, head.origin.y, head.origin.z) == (1, 2, 3)
        exact = stored.astype(np.float64)
        assert (head.dmin, head.dmax) == (exact.min(), exact.max())
        assert head.dmean == pytest.approx(exact.mean(), rel=1e-6)
        assert head.rms == pytest.approx(exact.std(), rel=1e-6)
    again = read_micrograph(path)
    np.testing.assert_array_equal(again.pixels, stored.astype(np.float32))
    assert again.pixel_size_angstrom == pytest.approx(1.34)
    assert again.notes == ()
    assert not again.is_rgb


def test_an_unknown_pixel_size_stays_unknown(tmp_path, image):
    write_micrograph(tmp_path / "a.mrc", image, None)
    micrograph = read_micrograph(tmp_path / "a.mrc")
    assert micrograph.pixel_size_angstrom is None
    assert "by hand" in micrograph.notes[0]
    assert read_micrograph(tmp_path / "a.mrc", pixel_size_angstrom=2.0).pixel_size_angstrom == 2


@pytest.mark.parametrize(
    ("change", "dtype", "part"),
    [
        (lambda a: a.__setitem__((0, 0), np.nan), "float32", "NaN or infinite"),
        (lambda a: a.__setitem__((0, 0), 1e6), "float16", "too large for float16"),
    ],
)
def test_useless_results_are_not_written(tmp_path, image, change, dtype, part):
    change(image)
    with pytest.raises(BadPixels, match=part):
        write_micrograph(tmp_path / "a.mrc", image, 1.0, dtype=dtype)
    assert list(tmp_path.iterdir()) == []


def test_shapes_and_types_mrc_has_not_are_refused(tmp_path, image):
    with pytest.raises(ValueError, match="shape"):
        write_micrograph(tmp_path / "a.mrc", image[0], 1.0)
    with pytest.raises(ValueError, match="int8"):
        write_micrograph(tmp_path / "a.mrc", image, 1.0, dtype="int8")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(tmp_path, image, value):
    image[3, 4] = value
    write_mrc_stack(tmp_path / "a.mrc", [image], 1.0)
    with pytest.raises(BadPixels, match="1 NaN or infinite pixels of 600"):
        read_micrograph(tmp_path / "a.mrc")


def test_a_constant_image_is_refused(tmp_path):
    write_mrc_stack(tmp_path / "a.mrc", [np.full((8, 8), 2.5, np.float32)], 1.0)
    with pytest.raises(BadPixels, match=r"every pixel is 2\.5"):
        read_micrograph(tmp_path / "a.mrc")


def test_a_stack_is_no_micrograph(movie_files):
    with pytest.raises(UnreadableFile, match="movie or stack of 4 images"):
        read_micrograph(movie_files["tiff lzw"])


def test_compressed_micrographs(tmp_path, image):
    write_micrograph(tmp_path / "a.mrc", image, 1.0)
    packed = tmp_path / "a.mrc.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.mrc").read_bytes()))
    np.testing.assert_array_equal(read_micrograph(packed).pixels, image)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_photographs_are_rgb_with_the_files_values(tmp_path, suffix):
    y, x = np.mgrid[:32, :48]
    colours = np.stack([5 * x, 7 * y, 100 + x], -1).astype(np.uint8)
    path = tmp_path / f"a.{suffix}"
    if suffix == "tif":
        tifffile.imwrite(path, colours, photometric="rgb")
    else:
        Image.fromarray(colours).save(path, quality=98, subsampling=0)
    micrograph = read_micrograph(path)
    assert micrograph.is_rgb
    assert micrograph.pixels.shape == (32, 48, 3)
    assert micrograph.pixels.dtype == np.float32
    assert micrograph.pixel_size_angstrom is None
    assert np.abs(micrograph.pixels - colours).max() <= (4 if suffix == "jpg" else 0)


def test_grey_16_bit_palette_and_transparent_pictures(tmp_path):
    grey = np.arange(0, 64000, 1000, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_micrograph(tmp_path / "grey.png").pixels, grey)
    colours = Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8, 4), np.uint8))
    colours.save(tmp_path / "clear.png")
    assert read_micrograph(tmp_path / "clear.png").pixels.shape == (8, 8, 3)
    colours.convert("RGB").quantize(16).save(tmp_path / "palette.png")
    assert read_micrograph(tmp_path / "palette.png").pixels.shape == (8, 8, 3)


def test_the_real_data_open_with_their_pixel_sizes(shared_data):
    frame = read_micrograph(shared_data / "apoferritin" / "May08_03.05.02_frame.mrc")
    assert frame.pixels.shape == (1200, 1240)
    assert frame.pixel_size_angstrom == pytest.approx(1.5)
    clean = read_micrograph(shared_data / "simulated_apoferritin" / "test_00_clean.mrc")
    assert clean.pixels.mean() == pytest.approx(0.9957, abs=1e-3)  # the header's own mean
    picture = next((shared_data / "natural" / "bsds432").glob("*.jpg"))
    assert sorted(read_micrograph(picture).pixels.shape) == [3, 321, 481]
    thumbnail = next((shared_data / "screening").glob("*/*.png"))
    assert read_micrograph(thumbnail).pixels.shape[:2] == (494, 512)


def test_a_pair_must_have_one_shape_and_one_pixel_size(tmp_path, image):
    a, b, c = (tmp_path / f"{name}.mrc" for name in "abc")
    write_micrograph(a, image, 1.0)
    write_micrograph(b, image[:, :-1], 1.0)
    write_micrograph(c, image + 1, 1.1)
    with pytest.raises(ShapeMismatch, match=r"b\.mrc is 29 × 20 pixels, but a\.mrc is 30 × 20"):
        read_pair(a, b)
    with pytest.raises(ShapeMismatch, match=r"c\.mrc has pixels of 1\.1 Å"):
        read_pair(a, c)
    first, second = read_pair(a, c, pixel_size_angstrom=1.05)
    assert first.pixel_size_angstrom == second.pixel_size_angstrom == 1.05
    np.testing.assert_allclose(second.pixels - first.pixels, 1, rtol=1e-5)
