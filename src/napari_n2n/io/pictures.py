"""Pictures for people: images side by side with percentile contrast, as PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.outputs import CREATOR

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

_TITLE_HEIGHT = 36
_GAP = 8
_LARGEST_PANEL = 900
_SAMPLE_PX = 500_000
_DEVIATIONS = 3
# Of a Gaussian, its standard deviation in units of its median absolute deviation.
_PER_MAD = 1.4826


def contrast_limits(image: NDArray[Any]) -> tuple[float, float]:
    """Return the 0.5th and 99.5th percentile of ``image`` (y, x), from a sample of its pixels.

    Percentiles, so that no hot pixel sets the contrast; values that are not finite do not count.
    """
    sample = _sample(image)
    if not sample.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(sample, (0.5, 99.5)))
    return (low, high) if high > low else (low, low + 1.0)


def symmetric_limits(image: NDArray[Any]) -> tuple[float, float]:
    """Return 3 robust standard deviations below and above the median of ``image`` (y, x).

    For what is noise about one level, which then is middle grey. As `contrast_limits`, from a
    sample of the finite pixels.
    """
    sample = _sample(image)
    if not sample.size:
        return -1.0, 1.0
    middle = float(np.median(sample))
    reach = _DEVIATIONS * _PER_MAD * float(np.median(np.abs(sample - middle)))
    return (middle - reach, middle + reach) if reach > 0 else (middle - 1, middle + 1)


def _sample(image: NDArray[Any]) -> NDArray[Any]:
    """Return so many of the pixels of ``image`` (y, x) that are finite."""
    step = max(1, int((image.size / _SAMPLE_PX) ** 0.5))
    sample = image[::step, ::step]
    finite: NDArray[Any] = sample[np.isfinite(sample)]
    return finite


def write_png(path: Path, picture: "PilImage") -> None:
    """Write a picture as PNG that says which program made it, for `napari_n2n.io.outputs`."""
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_text("Software", CREATOR)
    picture.save(path, format="PNG", pnginfo=about)


def write_side_by_side(path: Path | str, panels: Sequence[tuple[str, NDArray[np.float32]]]) -> None:
    """Write titled images, (y, x) each, beside each other into the PNG ``path``.

    Each has its own contrast; large ones are shown smaller.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    from PIL import Image, ImageDraw, ImageFont

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
        write_png(beside, sheet)
