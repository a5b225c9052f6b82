"""Whether the images of a stack are frames of one exposure, by how much they look alike.

Frames of one exposure have one brightness and one contrast, and show the same specimen under noise
of their own: any two are alike, far apart in the file or next to each other. Sections of a volume
are like their neighbours and unlike those further away. Tilts show what shifts and shrinks from one
to the next. Particles and other separate images have little in common.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Looks = Literal["movie", "volume", "images", "no movie"]
"""``"no movie"``: they differ from each other as frames do not; what they are is open."""

_COARSE_PX = 64
"""Images are compared at about this many pixels a side: noise averages out, and drift is small."""
_FINE_PX = 512
"""Of the part that is compared pixel by pixel."""
_REACH = 0.2
"""Of a side: as far as frames may have drifted."""
_CLEAR_SIGMA = 5.0
_MOST_MEAN_DIFFERENCE = 0.3
_MOST_CONTRAST_RATIO = 1.4
_STEADY = 0.6
"""Least likeness of images far apart, as a share of that of neighbours, in a movie."""
_SMOOTH = 0.3
"""Least likeness of neighbouring sections of a volume, pixel by pixel."""
_LARGEST_BOX_PX = 640
_STRUCTURED, _STRUCTURED_BOX = 0.5, 0.25
"""Least share of the coarse power that is no noise, to miss it in the others; no detector is as
small as a particle's box, so that less will do."""
_SHARED = 0.5
"""Least share of what is no noise in a frame that the others have as well."""


@dataclass(frozen=True)
class _Sample:
    """An image as it is compared."""

    coarse: NDArray[np.float32]  # (y, x)
    fine: NDArray[np.float32]  # (y, x), its middle
    mean: float
    deviation: float
    shape: tuple[int, ...]
    structure: float  # share of the coarse image's variance that is no white noise

    @classmethod
    def of(cls, image: NDArray[Any]) -> _Sample:
        pixels = np.asarray(image, np.float32)
        top, left = ((side - min(side, _FINE_PX)) // 2 for side in pixels.shape)
        # Copied: a view would keep the whole image in memory.
        fine = pixels[top : top + _FINE_PX, left : left + _FINE_PX].copy()
        times = max(1, min(pixels.shape) // _COARSE_PX)
        rows, columns = (side // times for side in pixels.shape)
        blocks = pixels[: rows * times, : columns * times].reshape(rows, times, columns, times)
        coarse = blocks.mean((1, 3))
        # Noise of a pixel: what differs from the next one, which structure hardly does.
        noise = float(np.diff(fine, axis=1).var()) / 2
        structure = 1 - noise / times**2 / max(float(coarse.var()), 1e-30)
        return cls(coarse, fine, float(pixels.mean()), float(pixels.std()), pixels.shape, structure)


def looks_like(
    read: Callable[[int], NDArray[Any]], count: int, *, is_all: bool = True
) -> Looks | None:
    """Judge what the images of a stack are by some of them; None: they do not tell.

    Parameters
    ----------
    read
        Gives an image (y, x).
    count
        How many there are; two at least.
    is_all
        False: more follow, which are not looked at. Then neighbours that are alike pixel by pixel
        may be those of a volume as well.
    """
    early, late = count // 4, count - 1 - count // 4
    numbers = sorted({0, early, min(early + 1, count - 1), max(late - 1, 0), late})
    samples = {number: _Sample.of(read(number)) for number in numbers}
    near = [(a, b) for a in numbers for b in numbers if b == a + 1]
    far = [(a, b) for a in numbers for b in numbers if b - a >= max(2, count // 3)] or near
    if not near or not all(np.isfinite(one.deviation) for one in samples.values()):
        return None
    near_coarse, far_coarse = (_likeness(samples, pairs, "coarse") for pairs in (near, far))
    near_fine, far_fine = (_likeness(samples, pairs, "fine") for pairs in (near, far))
    clear = _CLEAR_SIGMA / samples[0].coarse.size ** 0.5
    structure = float(np.median([one.structure for one in samples.values()]))
    fades = far_coarse < _STEADY * near_coarse or far_fine < _STEADY * near_fine - 0.05
    if near_fine > _SMOOTH and near_coarse > clear and fades:
        return "volume"
    if near_coarse > clear and (fades or not _is_steady(list(samples.values()))):
        return "no movie"
    if near_fine > _SMOOTH and not is_all:
        return None
    if far_coarse > clear and far_coarse > _SHARED * structure:
        return "movie"
    is_box = max(samples[0].shape) <= _LARGEST_BOX_PX
    least = _STRUCTURED_BOX if is_box else _STRUCTURED
    return "images" if structure > least and far_coarse < _SHARED * structure else None


def _is_steady(samples: list[_Sample]) -> bool:
    """Whether brightness and contrast stay as they do within one exposure."""
    means = [sample.mean for sample in samples]
    deviations = [sample.deviation for sample in samples]
    scale = max(*map(abs, means), max(deviations))
    if max(means) - min(means) > _MOST_MEAN_DIFFERENCE * scale:
        return False
    return max(deviations) <= _MOST_CONTRAST_RATIO * min(deviations)


def _likeness(
    samples: dict[int, _Sample], pairs: list[tuple[int, int]], part: Literal["coarse", "fine"]
) -> float:
    """Return the median of the pairs' largest correlations, over all shifts within reach."""
    values = [
        _largest_correlation(getattr(samples[a], part), getattr(samples[b], part)) for a, b in pairs
    ]
    return float(np.median(values))


def _largest_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    a, b = (image - image.mean() for image in (first, second))
    power = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    if not power > 0:
        return 0.0
    spectrum = np.fft.rfft2(a) * np.fft.rfft2(b).conj()
    correlation = np.fft.irfft2(spectrum, s=a.shape)
    for axis, side in enumerate(a.shape):
        reach = max(1, round(_REACH * side))
        within = np.r_[0 : reach + 1, side - reach : side] if side > 2 * reach else np.arange(side)
        correlation = correlation.take(within, axis=axis)
    return float(correlation.max()) / power
