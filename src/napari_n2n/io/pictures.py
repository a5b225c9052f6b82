"""Pictures for people: images side by side with percentile contrast, as PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_n2n.io import write_atomically

_TITLE_HEIGHT = 36
_GAP = 8
_LARGEST_PANEL = 900


def contrast_limits(image: NDArray[np.float32]) -> tuple[float, float]:
    """Darkest and brightest value to show: percentiles, so that no hot pixel sets them."""
    step = max(1, int((image.size / 1_000_000) ** 0.5))
    low, high = np.percentile(image[::step, ::step], (0.3, 99.7))
    return float(low), float(high) if high > low else float(low) + 1.0


def write_side_by_side(path: Path | str, panels: Sequence[tuple[str, NDArray[np.float32]]]) -> None:
    """Write titled images, (y, x) each, beside each other into the PNG ``path``.

    Each has its own contrast; large ones are shown smaller.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    tiles = []
    font = ImageFont.load_default(20)
    for title, image in panels:
        low, high = contrast_limits(image)
        grey = np.clip((image - low) / (high - low) * 255, 0, 255).astype(np.uint8)
        picture = Image.fromarray(grey)
        picture.thumbnail((_LARGEST_PANEL, _LARGEST_PANEL), Image.Resampling.BOX)
        tile = Image.new("L", (picture.width, picture.height + _TITLE_HEIGHT), 255)
        tile.paste(picture, (0, _TITLE_HEIGHT))
        ImageDraw.Draw(tile).text((4, 6), title, fill=0, font=font)
        tiles.append(tile)
    width = sum(tile.width for tile in tiles) + _GAP * (len(tiles) - 1)
    sheet = Image.new("L", (width, max(tile.height for tile in tiles)), 255)
    x = 0
    for tile in tiles:
        sheet.paste(tile, (x, 0))
        x += tile.width + _GAP
    with write_atomically(Path(path)) as beside:
        sheet.save(beside, format="PNG")
