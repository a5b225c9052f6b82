"""The colours that labels have everywhere: on the micrograph, in the gallery, in the legend.

From the palette of Okabe and Ito (2008, "Color Universal Design"), which people with any kind of
colour vision tell apart. Its bluish green and reddish purple are left out: without green-sensitive
cones they look as grey as the micrograph they lie on. Of the rest, these are the farthest from
each other and from grey (`tests/particles/test_palette.py` measures it).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io import LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_n2n.io import Label

LABEL_COLOURS: dict[Label, str] = {
    "unlabelled": "#f0e442",  # yellow: most are, and it shows on bright ice as on dark
    "intact": "#56b4e9",  # sky blue
    "broken": "#d55e00",  # vermillion
    "contaminant": "#f2f2f2",  # near white: contaminants are dark
}
"""Hex RGB by label."""

LABEL_KEYS: dict[Label, str] = {label: str(key) for key, label in enumerate(LABELS)}
"""The key that gives each label."""


BORDER = 0.06
"""Width of the rim that is drawn around a particle, in diameters."""

_FILLED = 0.30  # opaque: what is inside must be seen through it


def filling_rgba(labels: NDArray[np.str_] | Sequence[str]) -> NDArray[np.float32]:
    """Return what particles are filled with, (n, 4): a tint of their label's colour, if any."""
    colours = label_rgba(labels)
    colours[:, 3] = np.where(np.asarray(labels) == "unlabelled", 0.0, _FILLED)
    return colours


def label_rgba(labels: NDArray[np.str_] | Sequence[str]) -> NDArray[np.float32]:
    """Return the colours of labels.

    Parameters
    ----------
    labels
        (n,) one of `napari_n2n.io.LABELS` each.

    Returns
    -------
    (n, 4) red, green, blue, opacity; 0 to 1.

    Raises
    ------
    BadValue
        An unknown label.
    """
    labels = np.asarray(labels, dtype=np.str_).reshape(-1)
    unknown = ~np.isin(labels, LABELS)
    if unknown.any():
        raise BadValue(f"{str(labels[unknown][0])!r} is none of the labels {', '.join(LABELS)}.")
    colours = np.empty((len(labels), 4), np.float32)
    for label, colour in LABEL_COLOURS.items():
        rgb = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        colours[labels == label] = (*rgb, 1.0)
    return colours
