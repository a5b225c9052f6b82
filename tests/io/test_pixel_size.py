"""Which pixel sizes are believed, and which are doubted aloud."""

import numpy as np
import pytest

from napari_n2n.io import open_image, read_micrograph, write_micrograph, write_tiff_stack
from napari_n2n.io.pixel_size import PLACEHOLDER_NOTE

from ..command_line import call

K2 = (3710, 3838)


def of_program(path, label):
    head = bytearray(path.read_bytes())
    head[224:304] = label.encode().ljust(80)
    path.write_bytes(head)


@pytest.mark.parametrize(
    ("shape", "size", "label", "doubted"),
    [
        (K2, 1.0, "MotionCor2", True),
        (K2, 1.06, "MotionCor2", False),
        ((1024, 1024), 1.0, "MotionCor2", False),
        ((512, 512), 1.0, "cryoCARE", True),
        ((300, 400), 1.0, "AreTomo3", True),
        (K2, 1.0, None, False),  # ours: somebody has said so
    ],
)
def test_1_angstrom_is_doubted_where_it_is_unlikely(tmp_path, shape, size, label, doubted):
    path = tmp_path / "a.mrc"
    write_micrograph(path, np.zeros(shape, np.float32), size)
    if label is not None:
        of_program(path, label)
    opened = open_image(path)
    assert (PLACEHOLDER_NOTE in opened.notes) is doubted
    assert opened.pixel_size_angstrom == pytest.approx(size)
    # Said by a person, it is not doubted any more.
    assert PLACEHOLDER_NOTE not in open_image(path, pixel_size_angstrom=1.0).notes


def test_a_tiff_of_a_whole_detector_at_1_angstrom_is_doubted(tmp_path):
    write_tiff_stack(tmp_path / "a.tif", [np.zeros(K2, np.uint8)], 1.0)
    assert PLACEHOLDER_NOTE in open_image(tmp_path / "a.tif").notes


def test_the_doubt_stays_with_what_is_made_of_it(tmp_path, capsys):
    path = tmp_path / "a.mrc"
    image = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    write_micrograph(path, image, 1.0)
    of_program(path, "cryoCARE")
    assert call("denoise", path, "-o", tmp_path / "out", "-q") == 0
    assert PLACEHOLDER_NOTE in capsys.readouterr().err
    assert PLACEHOLDER_NOTE in read_micrograph(tmp_path / "out" / "a.mrc").notes
    assert call("denoise", path, "-o", tmp_path / "said", "--pixel-size", "1", "-q") == 0
    assert PLACEHOLDER_NOTE not in read_micrograph(tmp_path / "said" / "a.mrc").notes
