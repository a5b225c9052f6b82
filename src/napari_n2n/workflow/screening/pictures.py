"""One micrograph as it is looked at while screening: raw, denoised, particles. No Qt, no layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.denoising.inference.removed import Removed, removed
from napari_n2n.io.faults import find_faults
from napari_n2n.io.pictures import contrast_limits
from napari_n2n.session.shown_particles import PendingSuggestions, shown_particles
from napari_n2n.workflow.screening import read_pictures, results_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io import Particles
    from napari_n2n.session import Session

    Image = NDArray[np.float32]

_SMALLEST_PX = 512


@dataclass(frozen=True, eq=False)
class ImagePyramid:
    """An image in several sizes, each half the one before, with its contrast limits."""

    levels: tuple[Image, ...]
    limits: tuple[float, float]

    @classmethod
    def of(cls, image: Image) -> ImagePyramid:
        """Make the smaller sizes of ``image`` (y, x) by averaging two by two pixels."""
        levels = [image]
        while min(levels[-1].shape) >= 2 * _SMALLEST_PX:
            levels.append(_halved(levels[-1]))
        return cls(tuple(levels), contrast_limits(levels[min(1, len(levels) - 1)]))

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return sum(level.nbytes for level in self.levels)


@dataclass(frozen=True, eq=False)
class MicrographPicture:
    """A micrograph, ready to be shown; ``particles`` are those above its threshold.

    ``removed`` is what denoising took away, ``is_bright`` whether it was shown the negative.
    """

    micrograph: int
    raw: ImagePyramid
    denoised: ImagePyramid
    pixel_size_angstrom: float | None
    particles: Particles
    removed: Removed | None = None
    is_bright: bool = False

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self.raw.nbytes + self.denoised.nbytes


def load_picture(session: Session, micrograph: int, path: Path) -> MicrographPicture:
    """Read what was made of the file at ``path``, which is ``micrograph`` in the session.

    Raises
    ------
    N2NError
        It has not been made, or cannot be read.
    """
    results = results_of(session.path, path)
    kept = read_pictures(results)
    stored, threshold = session.marks.particles(micrograph), session.marks.threshold(micrograph)
    seen = shown_particles(
        stored.ids, stored.particles, threshold, PendingSuggestions.nothing()
    ).particles
    assert kept.raw is not None
    return MicrographPicture(
        micrograph,
        ImagePyramid.of(np.asarray(kept.raw, np.float32)),
        ImagePyramid.of(np.asarray(kept.pixels, np.float32)),
        kept.pixel_size_angstrom,
        seen,
        kept.removed or _removed(np.asarray(kept.raw, np.float32), kept.pixels),
        kept.contrast == "bright",
    )


def _removed(raw: Image, denoised: Image) -> Removed:
    """Measure what was removed, where pictures of an earlier version do not tell it."""
    return removed(raw, np.asarray(denoised, np.float32), find_faults(raw).where)


def _halved(image: Image) -> Image:
    height, width = (side // 2 * 2 for side in image.shape)
    whole = image[:height, :width]
    half: Image = whole[::2, ::2] + whole[1::2, ::2]
    half += whole[::2, 1::2]
    half += whole[1::2, 1::2]
    half *= np.float32(0.25)
    return half
