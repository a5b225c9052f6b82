"""Finding what in an image is a fault of the camera and not the specimen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.faults.areas import equal_areas
from napari_n2n.io.faults.dense import dense_areas
from napari_n2n.io.faults.levels import level_of
from napari_n2n.io.faults.lines import Profiles
from napari_n2n.io.faults.pixels import off_pixels

if TYPE_CHECKING:
    from napari_n2n.io.faults.levels import Image, Mask

# What holds for less than this share of an image is not told from the rest.
_LEAST = 0.4
# Smaller images do not tell what is usual.
_SMALLEST_SIDE = 64


@dataclass(frozen=True, eq=False)
class Faults:
    """What is wrong with an image, (y, x); a colour image is taken to have no faults.

    Attributes
    ----------
    where
        (y, x) True at pixels that are not to be trusted.
    areas
        (y, x) those of them that are thicker than lines: nobody knows what was there.
    offset
        (y, x) what steps between parts of the camera add to the image; None: there are none.
    excess
        (y, x) what dense areas differ by from the rest beyond what is usual, smooth; it is real and
        belongs back into a result. None: there are none.
    rims
        (y, x) where dense areas end too sharply to be taken off; None: nowhere.
    """

    where: Mask
    areas: Mask
    offset: Image | None = None
    excess: Image | None = None
    rims: Mask | None = None

    @property
    def sentence(self) -> str:
        """What was found and done; empty where nothing was."""
        thin = int(np.count_nonzero(self.where & ~self.left))
        area = np.count_nonzero(self.areas) / self.areas.size
        told = []
        if thin:
            told.append(f"{thin:,} pixel{'s' * (thin > 1)} or lines filled in")
        if area:
            share = "less than 0.1 %" if area < 0.001 else f"{100 * area:.2g} %"
            told.append(f"{share} of the area (borders, blocks, bars) left as recorded")
        if self.rims is not None:
            told.append("the edges of saturated areas left as recorded")
        if self.offset is not None:
            told.append("steps in brightness taken off")
        return f"Faults of the camera: {', '.join(told)}." if told else ""

    @property
    def left(self) -> Mask:
        """(y, x) True where results are what was recorded."""
        return self.areas if self.rims is None else self.areas | self.rims

    def within(self, window: tuple[slice, slice]) -> Faults:
        """Return those of a part of the image, (y, x) slices."""
        offset, excess = (
            None if extra is None else extra[window] for extra in (self.offset, self.excess)
        )
        rims = None if self.rims is None else self.rims[window]
        return Faults(self.where[window], self.areas[window], offset, excess, rims)

    def joined(self, other: Faults) -> Faults:
        """Return these with the places of an ``other`` image's, which shows the same field."""
        where, areas = self.where | other.where, self.areas | other.areas
        rims = self.rims if other.rims is None else other.rims
        if self.rims is not None and other.rims is not None:
            rims = self.rims | other.rims
        return Faults(where, areas, self.offset, self.excess, rims)


def find_faults(image: Image) -> Faults:
    """Find what in ``image``, (y, x), is a fault of the camera and not the specimen.

    Images in colour, (y, x, 3), and of less than 64 px a side are taken as they are.
    """
    none = np.zeros(image.shape[:2], bool)
    if image.ndim != 2 or min(image.shape) < _SMALLEST_SIDE:
        return Faults(none, none)
    areas = equal_areas(image)
    if np.count_nonzero(areas) > (1 - _LEAST) * areas.size:
        return Faults(none, none)
    level = level_of(image, areas)
    bad = off_pixels(image, level, areas)
    # With the pixels that are off: a line of such would else not be seen as one.
    profiles = Profiles.of(image, level, areas)
    profiles.take_lines(bad)
    bad |= areas
    offset = profiles.steps()
    if offset is not None:
        # What is off, as letters are, is no step.
        profiles = Profiles.of(image, level, bad)
        profiles.take_lines(np.zeros_like(bad))
        offset = profiles.steps()
    dense = dense_areas(image, bad, offset, level)
    if dense is None:
        return Faults(bad, areas, offset)
    if dense.rims is not None:
        bad |= dense.rims
    return Faults(bad, areas, offset, dense.excess, dense.rims)
