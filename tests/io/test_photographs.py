import numpy as np
import pytest

from napari_n2n.errors import WriteProblem
from napari_n2n.io import read_micrograph
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
