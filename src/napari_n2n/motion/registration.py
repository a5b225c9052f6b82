"""How one image lies on another of the same field: turned over, inverted, shifted."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Image = NDArray[np.float32]

# Cycles a pixel: what noise fills; and what is finer than gradients of ice and beam, coarser than
# noise. The fainter a specimen, the less of that it fills.
_NOISE = (0.25, 0.7)
_SPECIMEN = ((0.01, 0.25), (0.01, 0.08), (0.005, 0.04))
_AXIS_PX = 1  # lines of a detector, and the jump between opposite edges, lie on the axes
_SIDE_PX = 1024
_REACH = 1 / 8  # of a side: further apart, two images share too little to be told
# Times the deviation by chance. Of the highest of a million places chance makes 5.
_CLEAR = 7.0
# As many times better than as they lie: what lies right has no equal but by chance.
_BETTER = 1.2
_PLAINLY_ALIKE = 0.1  # as a correlation, of more waves than chance makes alike
_THE_SAME = 0.35  # of the phases of one noise, whichever fraction of a pixel it was moved by


@dataclass(frozen=True)
class Registration:
    """What has to be done to the second of two images for it to lie on the first.

    Attributes
    ----------
    flipped_rows, flipped_columns
        Whether the order of its rows, of its columns is to be reversed; both: it is to be turned.
    inverted
        Whether its contrast is to be inverted.
    shift_px
        (y, x), whole pixels, by which it is then to be moved.
    is_certain
        Whether this stands out of chance; if not, they have too little in common to tell.
    """

    flipped_rows: bool = False
    flipped_columns: bool = False
    inverted: bool = False
    shift_px: tuple[int, int] = (0, 0)
    is_certain: bool = True

    @property
    def in_words(self) -> str:
        """How the second image lies, less its shift; empty: as the first."""
        turned = {(True, True): "turned by 180°", (True, False): "upside down"}
        turned[False, True] = "mirrored left to right"
        said = [turned.get((self.flipped_rows, self.flipped_columns), "")]
        said.append("inverted in contrast" if self.inverted else "")
        return " and ".join(filter(None, said))

    def undone(self, second: Image) -> Image:
        """Return ``second``, (y, x), as it lies on the first; what leaves on one side comes back.

        Of images whose sides are not those that were compared it is right about the middle only.
        """
        rows, columns = (
            slice(None, None, -1 if flipped else None)
            for flipped in (self.flipped_rows, self.flipped_columns)
        )
        moved: Image = np.roll(second[rows, columns], self.shift_px, axis=(0, 1))
        return -moved if self.inverted else moved


def register(first: Image, second: Image) -> Registration:
    """Return how ``second``, (y, x), lies on ``first`` where that is beyond doubt.

    The two are compared by the correlation of their phases, in which every spatial frequency
    counts alike (C. D. Kuglin and D. C. Hines, Proc. IEEE Conf. Cybern. Soc., 163 (1975)): first
    of fine detail, which only one and the same noise has in common, then of what specimens show.
    Where they lie on each other already, or have too little in common to tell, nothing is to be
    done.
    """
    phases = _phases(first)
    theirs = [(way, _phases(way.undone(second))) for way in _WAYS]
    for band in (_NOISE, *_SPECIMEN):
        coefficients = _in_band(_middle(first).shape, band)
        chance = 1 / np.sqrt(2 * max(1, int(np.count_nonzero(coefficients))))
        least = max(_THE_SAME if band == _NOISE else 0.0, _CLEAR * chance)
        found = [(way, _alike(phases, other, coefficients)) for way, other in theirs]
        # As they lie, before anything is done to them.
        as_they_lie = _about_zero(found[0][1], 0 if band == _NOISE else 1)
        highest = [(way, *_highest(alike)) for way, alike in found]
        way, shift, value = max(highest, key=lambda each: float(abs(each[2])))
        if abs(value) > least:
            if abs(value) > _BETTER * float(np.abs(as_they_lie).max()):
                return replace(way, inverted=value < 0, shift_px=shift)
            return Registration(inverted=float(as_they_lie.sum()) < 0)
    return Registration(is_certain=_are_plainly_alike(first, second))


def _are_plainly_alike(first: Image, second: Image) -> bool:
    """Whether the widest band correlates by power: of a crystal a few waves are all there is."""
    band = _in_band(_middle(first).shape, _SPECIMEN[0])
    a, b = (fft.rfft2(_middle(image))[band] for image in (first, second))
    power = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    chance = 1 / np.sqrt(2 * max(1, len(a)))
    least = max(_PLAINLY_ALIKE, _CLEAR * float(chance))
    return bool(float(np.vdot(a, b).real) > least * power)


_WAYS = [Registration(rows, columns) for rows in (False, True) for columns in (False, True)]


def _middle(image: Image) -> Image:
    """Return the middle of an image, with even sides: flipped, it is the middle again."""
    sides = [min(n, _SIDE_PX) // 2 * 2 for n in image.shape]
    starts = [(n - side) // 2 for n, side in zip(image.shape, sides, strict=True)]
    box = tuple(slice(a, a + side) for a, side in zip(starts, sides, strict=True))
    return image[box]


def _phases(image: Image) -> NDArray[np.complex64]:
    seen = _middle(image)
    spectrum = fft.rfft2(seen - seen.mean())
    phases: NDArray[np.complex64] = spectrum / np.maximum(np.abs(spectrum), 1e-20)
    return phases


def _in_band(shape: tuple[int, ...], band: tuple[float, float]) -> NDArray[np.bool_]:
    ky, kx = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    k = np.hypot(ky, kx)
    off_axes = (np.abs(ky) > _AXIS_PX / shape[0]) & (kx > _AXIS_PX / shape[1])
    inside: NDArray[np.bool_] = (k > band[0]) & (k < band[1]) & off_axes
    return inside


def _alike(
    phases: NDArray[np.complex64], theirs: NDArray[np.complex64], band: NDArray[np.bool_]
) -> Image:
    """Return how alike two images are for each shift (y, x); 1 where all phases agree."""
    shape = band.shape[0], 2 * (band.shape[1] - 1)
    alike = fft.irfft2(np.where(band, phases * theirs.conj(), 0), s=shape)
    scale = alike.size / max(1, 2 * int(np.count_nonzero(band)))
    return np.asarray(alike * scale, np.float32)


def _about_zero(alike: Image, reach: int) -> Image:
    near = np.arange(-reach, reach + 1)
    return alike[np.ix_(near, near)]


def _highest(alike: Image) -> tuple[tuple[int, int], float]:
    """Return the shift (y, x) of the strongest likeness within reach, and it with its sign."""
    reaches = [max(1, int(_REACH * n)) for n in alike.shape]
    lags = [np.arange(-reach, reach + 1) for reach in reaches]
    near = alike[np.ix_(*lags)]
    row, column = np.unravel_index(int(np.abs(near).argmax()), near.shape)
    return (int(lags[0][row]), int(lags[1][column])), float(near[row, column])
