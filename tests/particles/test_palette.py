"""The label colours as people with every kind of colour vision see them."""

import itertools

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from napari_n2n.errors import BadValue
from napari_n2n.io import LABELS
from napari_n2n.particles.palette import LABEL_COLOURS, LABEL_KEYS, label_rgba
from napari_n2n.plugin.shared.looks import SELECTED

# Machado, Oliveira and Fernandes 2009, https://doi.org/10.1109/TVCG.2009.113: severity 1.0; they
# apply to linear RGB.
VISION = {
    "normal": np.eye(3),
    "no red-sensitive cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green-sensitive cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue-sensitive cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(rgb, matrix):
    """CIE L*a*b* of an sRGB colour as seen."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.asarray(matrix) @ linear, 0, 1)
    back = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return rgb2lab(back[None, None])[0, 0]


@pytest.mark.parametrize("vision", VISION)
def test_every_eye_tells_the_labels_apart(vision):
    colours = [seen(rgba[:3], VISION[vision]) for rgba in label_rgba(LABELS)]
    # 10 is told apart at a glance, 2 just so; these are thin rings, so ask for more.
    assert min(deltaE_ciede2000(a, b) for a, b in itertools.combinations(colours, 2)) > 15


@pytest.mark.parametrize("vision", VISION)
def test_every_eye_tells_the_labels_from_the_grey_of_a_micrograph(vision):
    colours = [seen(rgba[:3], VISION[vision]) for rgba in label_rgba(LABELS)]
    greys = [seen(np.full(3, level / 255), np.eye(3)) for level in (90, 110, 128, 150, 170)]
    assert min(deltaE_ciede2000(a, b) for a in colours for b in greys) > 15


@pytest.mark.parametrize("vision", VISION)
def test_every_eye_tells_what_is_selected_from_a_filled_frame(vision):
    ring = seen(np.array([int(SELECTED[i : i + 2], 16) for i in (1, 3, 5)]) / 255, VISION[vision])
    given = [label for label in LABELS if label != "unlabelled"]
    colours = [seen(rgba[:3], VISION[vision]) for rgba in label_rgba(given)]
    assert min(deltaE_ciede2000(ring, colour) for colour in colours) > 15


def test_colours_by_label():
    rgba = label_rgba(np.array(["broken", "intact", "broken"]))
    assert rgba.shape == (3, 4)
    assert rgba.dtype == np.float32
    np.testing.assert_array_equal(rgba[0], rgba[2])
    red = int(LABEL_COLOURS["broken"][1:3], 16) / 255
    assert rgba[0, 0] == pytest.approx(red)
    assert label_rgba([]).shape == (0, 4)
    with pytest.raises(BadValue, match="'whole' is none of the labels"):
        label_rgba(["whole"])


def test_keys_are_those_of_the_design():
    assert LABEL_KEYS == {"unlabelled": "0", "intact": "1", "broken": "2", "contaminant": "3"}
