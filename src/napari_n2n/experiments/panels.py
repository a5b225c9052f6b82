"""Pictures of micrographs for a report: the whole field, and a part of it large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_n2n.io import write_atomically
from napari_n2n.io.pictures import contrast_limits, write_png

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DETAIL_ANGSTROM = 700.0
"""Side of the part that is shown large: some five particles across."""

_LARGEST_PX = 560


def write_panels(
    whole: Path, detail: Path, image: NDArray[np.float32], pixel_size_angstrom: float
) -> None:
    """Write an image (y, x) as PNG to ``whole``, and its middle to ``detail``.

    Each has its own contrast, from percentiles, and is made smaller where it is large.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    side = max(32, min(*image.shape, round(DETAIL_ANGSTROM / pixel_size_angstrom)))
    y, x = ((length - min(length, side)) // 2 for length in image.shape)
    for path, part in ((whole, image), (detail, image[y : y + side, x : x + side])):
        low, high = contrast_limits(part)
        grey = np.clip((part - low) / (high - low) * 255, 0, 255).astype(np.uint8)
        picture = Image.fromarray(grey)
        picture.thumbnail((_LARGEST_PX, _LARGEST_PX), Image.Resampling.BOX)
        with write_atomically(path) as beside:
            write_png(beside, picture)
