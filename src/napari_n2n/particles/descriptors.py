"""Numbers that describe a particle's image and do not change when it is turned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_n2n.errors import BadValue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.denoising.inference.features import FeatureMap

# What is measured. Whoever changes anything below changes this: old and new may not be mixed.
RINGS = "rings-1"
"""The kind of descriptors that need neither network nor recorded image."""

RINGS_TWICE = "rings-1-twice"
"""The kind of descriptors of the denoised image and of the one that was recorded."""

_PIXELS_ACROSS = 48  # at least, of the diameter, in the image that is looked at
_BLUR = 1 / 40  # of the diameter: finer detail is noise, and says nothing about being whole
_RINGS, _ANGLES = 26, 48
_OUTERMOST = 0.8  # of the diameter: radius of the last ring's far side
_BACKGROUND = 0.6  # of the diameter: rings beyond it show what surrounds the particle
_PROFILE_RINGS = 22
_BANDS = ((0.0, 0.15), (0.15, 0.3), (0.3, 0.42), (0.42, 0.54), (0.54, 0.66))
_HARMONICS = 8
_WALL = (0.25, 0.55)
_FAINTEST = 0.02  # of the image's deviation: differences below this are noise
_CHUNK = 1000  # particles at once: 5 MB of samples
_SAMPLED = 4
_CENTRING_STEPS = 2
_CENTRING_RINGS, _CENTRING_ANGLES = 21, 24  # the innermost; coarser will do
_NETWORK_SHARE = 0.25
_CENTRING_LIMIT = 0.08  # of the diameter: picks are no further off


@dataclass(frozen=True, eq=False)
class Descriptors:
    """Descriptors of particles.

    Attributes
    ----------
    values
        (n, d) finite numbers without unit.
    kind
        What was measured. Only descriptors of equal kind may be compared, but these across
        micrographs.
    """

    values: NDArray[np.float32]
    kind: str

    def __len__(self) -> int:
        return len(self.values)


def describe(
    image: NDArray[np.float32],
    pixel_size_angstrom: float,
    centres_px: NDArray[np.float64],
    diameter_angstrom: float,
    *,
    raw: NDArray[np.float32] | None = None,
    bottleneck: FeatureMap | None = None,
) -> Descriptors:
    """Describe the particles of a denoised micrograph by numbers that no rotation changes.

    Each particle is sampled on rings about its centre, which is first moved (by at most 8 % of
    the diameter) to where the rings are most even, as a pick is never quite in the middle. The
    surroundings' median is 0 and the deviation of the whole micrograph is 1. Measured are: the mean
    of each ring; the contrast; in five bands of rings the Fourier amplitudes along the rings
    (an even ring has none, an opened one low orders, a fragment all); the wall's darkness from the
    most to the least dense direction; and how like itself the particle is when turned.

    Parameters
    ----------
    image
        (y, x) denoised micrograph on any scale.
    pixel_size_angstrom
        Of the image.
    centres_px
        (n, 2) y, x of the particles; beyond the image's edge it is continued by reflection.
    diameter_angstrom
        Of the particle.
    raw
        (y, x) the micrograph as it was recorded; if given, the same is measured on it, too. A
        denoiser that had little to learn from paints particles as it believes they are; at
        4 e/Å² that cost 3 % of the balanced accuracy, at 10 e/Å² nothing.
    bottleneck
        What the denoiser's network made of the micrograph; appended if given.

    Raises
    ------
    BadValue
        The pixel size or diameter is not positive, the diameter is less than 4 pixels, or ``raw``
        is of another shape.
    """
    describer = Describer(image, pixel_size_angstrom, diameter_angstrom, raw=raw)
    return describer.describe(centres_px, bottleneck=bottleneck)


class Describer:
    """Describes particles of one micrograph, now some and later others; see `describe`.

    What is done once for the whole micrograph takes longer than what is done for a hundred
    particles.

    Parameters
    ----------
    image, pixel_size_angstrom, diameter_angstrom, raw
        As for `describe`.

    Raises
    ------
    BadValue
        As `describe` does.
    """

    def __init__(
        self,
        image: NDArray[np.float32],
        pixel_size_angstrom: float,
        diameter_angstrom: float,
        *,
        raw: NDArray[np.float32] | None = None,
    ) -> None:
        if not (pixel_size_angstrom > 0 and diameter_angstrom > 0):
            raise BadValue("Pixel size and diameter must be positive. Correct them.")
        if diameter_angstrom < 4 * pixel_size_angstrom:
            raise BadValue(
                f"A diameter of {diameter_angstrom / pixel_size_angstrom:.1f} px is less than 4: "
                "nothing can be seen of such particles. Correct it, or the pixel size."
            )
        self._given_diameter_px = diameter_angstrom / pixel_size_angstrom
        if raw is not None and np.shape(raw) != np.shape(image):
            raise BadValue(
                f"The recorded micrograph has shape {np.shape(raw)} and the denoised one "
                f"{np.shape(image)}. Give two that belong together."
            )
        images = [image] if raw is None else [image, raw]
        self._prepared = [_prepared(np.asarray(one), self._given_diameter_px) for one in images]

    def describe(
        self, centres_px: NDArray[np.float64], *, bottleneck: FeatureMap | None = None
    ) -> Descriptors:
        """Describe the particles at ``centres_px``, (n, 2) y, x in pixels of the micrograph."""
        given = np.asarray(centres_px, np.float64).reshape(-1, 2)
        columns = []
        for image, binning in self._prepared:
            centres = (given + 0.5) / binning - 0.5
            across = self._given_diameter_px / binning
            rows = [
                _measured(image, centres[start : start + _CHUNK], across)
                for start in range(0, len(centres), _CHUNK)
            ]
            columns.append(np.concatenate(rows) if rows else np.empty((0, _width()), np.float32))
        kind = RINGS if len(columns) == 1 else RINGS_TWICE
        if bottleneck is not None:
            columns.append(bottleneck.around(given, self._given_diameter_px))
            kind = f"{kind}+{bottleneck.kind}"
        return Descriptors(np.hstack(columns), kind)


def needs_raw(kind: str) -> bool:
    """Whether descriptors of this ``kind`` were measured on the recorded image as well."""
    return kind.partition("+")[0] == RINGS_TWICE


def needs_network(kind: str) -> bool:
    """Whether descriptors of this ``kind`` hold what a denoiser's network made of the image."""
    return "+" in kind


def column_weights(kind: str, width: int) -> NDArray[np.float64]:
    """Return how much each of ``width`` descriptors of a ``kind`` counts, (width,); rings count 1.

    A network has several times as many features as there are ring descriptors, and they are less
    to the point: together they count a quarter of the rings. Measured on six simulated data sets,
    that was never worse than the rings alone; counted in full they were, where marks are few.
    """
    weights = np.ones(width)
    rings = _width() * (2 if needs_raw(kind) else 1)
    if needs_network(kind) and width > rings:
        weights[rings:] = np.sqrt(_NETWORK_SHARE * rings / (width - rings))
    return weights


def _width() -> int:
    return _PROFILE_RINGS + len(_BANDS) * _HARMONICS + 1 + 7 + 8


def _prepared(image: NDArray[np.float32], diameter_px: float) -> tuple[NDArray[np.float32], int]:
    """Bin, smooth and scale ``image``; return it and how many pixels a side became one."""
    binning = max(1, int(diameter_px / _PIXELS_ACROSS))
    height, width = (side // binning * binning for side in image.shape)
    if not height or not width:
        binning, (height, width) = 1, image.shape
    blocks = image[:height, :width].reshape(height // binning, binning, width // binning, binning)
    binned = blocks.mean(axis=(1, 3), dtype=np.float32)
    across = diameter_px / binning
    smooth = ndimage.gaussian_filter(binned, across * _BLUR, mode="reflect")
    # Uneven ice and extreme pixels (gold, a crystal) shall not decide what counts as contrast.
    # Every fourth pixel tells how much the image varies as well as all of them.
    sample = smooth[::_SAMPLED, ::_SAMPLED]
    flat = sample - ndimage.gaussian_filter(sample, across / _SAMPLED, mode="reflect")
    scale = float(np.clip(flat, *np.percentile(flat, (0.5, 99.5))).std())
    return smooth / np.float32(scale if scale > 0 else 1.0), binning


def _rings(
    image: NDArray[np.float32],
    centres: NDArray[np.float64],
    diameter_px: float,
    *,
    rings: int = _RINGS,
    angles: int = _ANGLES,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Sample ``image`` on rings about ``centres``.

    Returns the samples (n, ring, angle), the radii (px) and the angles (rad).
    """
    radii = (np.arange(rings) + 0.5) / _RINGS * _OUTERMOST * diameter_px
    turns = 2 * np.pi * np.arange(angles) / angles
    dy, dx = radii[:, None] * np.sin(turns), radii[:, None] * np.cos(turns)
    points = [centres[:, 0, None, None] + dy, centres[:, 1, None, None] + dx]
    samples = ndimage.map_coordinates(image, points, order=1, mode="reflect")
    return samples, radii.astype(np.float32), turns.astype(np.float32)


def _centred(
    image: NDArray[np.float32], centres: NDArray[np.float64], diameter_px: float
) -> NDArray[np.float64]:
    """Move ``centres`` to where the rings about them are most even.

    A particle with the radial profile p, seen from a centre that is off by d, shows
    p(r) - p'(r) d·u in the direction u; the d that explains the first Fourier order of all rings
    best (least squares, a ring counting by its length) is where the centre is.
    """
    start = centres
    limit = _CENTRING_LIMIT * diameter_px
    for _ in range(_CENTRING_STEPS):
        rings, radii, angles = _rings(
            image, centres, diameter_px, rings=_CENTRING_RINGS, angles=_CENTRING_ANGLES
        )
        slope = np.gradient(rings.mean(axis=2), radii, axis=1)
        weight = radii * slope
        strength = (weight * slope).sum(axis=1) + 1e-9
        shift = np.stack(
            [
                -(weight * (rings @ wave) * (2 / _CENTRING_ANGLES)).sum(axis=1) / strength
                for wave in (np.sin(angles), np.cos(angles))
            ],
            axis=1,
        )
        moved = centres + np.clip(shift, -limit, limit) - start
        length = np.hypot(moved[:, 0], moved[:, 1])[:, None]
        centres = start + moved * np.minimum(1, limit / np.maximum(length, 1e-9))
    return centres


def _measured(
    image: NDArray[np.float32], centres: NDArray[np.float64], diameter_px: float
) -> NDArray[np.float32]:
    """Return the descriptors (n, d) of the particles at ``centres`` of a prepared image."""
    centres = _centred(image, centres, diameter_px)
    rings, radii_px, _ = _rings(image, centres, diameter_px)
    radii = radii_px / np.float32(diameter_px)
    surroundings = rings[:, radii > _BACKGROUND].reshape(len(rings), -1)
    rings = rings - np.median(surroundings, axis=1)[:, None, None]
    inside = radii < 0.55
    energy = (rings[:, inside] ** 2 * radii[inside, None]).mean(axis=(1, 2))
    contrast = np.sqrt(energy) + _FAINTEST
    amplitudes = np.abs(np.fft.rfft(rings, axis=2))[:, :, 1 : _HARMONICS + 1] / _ANGLES
    by_band = []
    for low, high in _BANDS:
        ring = (radii >= low) & (radii < high)
        power = (amplitudes[:, ring] ** 2 * radii[ring, None]).mean(axis=1)
        by_band.append(np.log(np.sqrt(power) + _FAINTEST))
    columns = [
        rings.mean(axis=2)[:, :_PROFILE_RINGS],
        np.log(contrast)[:, None],
        *by_band,
        _wall(rings, radii) / contrast[:, None],
        _likeness_when_turned(rings[:, radii < _BACKGROUND], radii[radii < _BACKGROUND]),
    ]
    return np.hstack(columns).astype(np.float32)


def _wall(rings: NDArray[np.float32], radii: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return quantiles (n, 7) over the directions of the mean along the outer half radius."""
    wall = (radii >= _WALL[0]) & (radii < _WALL[1])
    weight = radii[wall] / radii[wall].sum()
    by_angle = np.tensordot(rings[:, wall], weight, axes=(1, 0))
    by_angle = ndimage.gaussian_filter1d(by_angle, _ANGLES / 24, axis=1, mode="wrap")
    ranks = np.array([0, 5, 11, 23, 35, 41, 47]) * (_ANGLES - 1) // 47
    return np.asarray(np.sort(by_angle, axis=1)[:, ranks])


def _likeness_when_turned(
    rings: NDArray[np.float32], radii: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the correlation (n, 8) with itself turned by 22.5° to 180°."""
    weighted = (rings - rings.mean(axis=(1, 2), keepdims=True)) * np.sqrt(radii)[:, None]
    power = (np.abs(np.fft.rfft(weighted, axis=2)) ** 2).sum(axis=1)
    likeness = np.fft.irfft(power, n=_ANGLES, axis=1)
    steps = np.arange(1, 9) * _ANGLES // 16
    return np.asarray(likeness[:, steps] / np.maximum(likeness[:, :1], 1e-12), np.float32)
