import numpy as np
import pytest
from PIL import Image

from napari_n2n.errors import WriteProblem
from napari_n2n.io import Micrograph, Photograph, inspect_file, open_image, read_micrograph
from napari_n2n.io.photographs import write_photograph


def test_what_is_written_is_read_again_within_what_8_bits_hold(tmp_path):
    pixels = np.array([[[-20.0, 0.4, 0.6], [254.6, 255.4, 900.0]]], np.float32)
    write_photograph(tmp_path / "a.png", pixels.repeat(9, axis=0).repeat(9, axis=1))
    read = read_micrograph(tmp_path / "a.png")
    assert read.is_rgb
    np.testing.assert_array_equal(read.pixels[0, [0, -1]], [[0, 0, 1], [255, 255, 255]])


def test_a_photograph_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WriteProblem, match=r"a\.png"):
        write_photograph(tmp_path / "file" / "a.png", np.zeros((4, 4, 3)))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "palette.png", "clear.png"])
def test_grey_that_is_stored_in_colour_is_grey(tmp_path, name):
    grey = np.random.default_rng(0).integers(0, 255, (40, 56)).astype(np.uint8)
    picture = Image.fromarray(np.stack([grey] * 3, axis=-1))
    if name == "palette.png":
        picture = Image.fromarray(grey).convert("P")
    if name == "clear.png":
        picture = Image.fromarray(np.stack([*[grey] * 3, np.full_like(grey, 9)], axis=-1))
    picture.save(tmp_path / name)
    image = open_image(tmp_path / name)
    assert type(image) is Micrograph
    if name == "a.jpg":
        assert np.corrcoef(image.pixels.ravel(), grey.ravel())[0, 1] > 0.9
    else:
        np.testing.assert_array_equal(image.pixels, grey)
    assert "shades of grey" in image.notes[-1]
    assert inspect_file(tmp_path / name).shape == grey.shape


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_a_single_coloured_pixel_makes_a_photograph(tmp_path, name):
    pixels = np.repeat(np.arange(240, dtype=np.uint8).reshape(12, 20, 1), 3, axis=2)
    pixels[7, 3, 2] += 1
    Image.fromarray(pixels).save(tmp_path / name)
    assert type(open_image(tmp_path / name)) is Photograph
