"""What a particle looks like: rotationally averaged profiles, guessed or learnt from clicks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from scipy import ndimage

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.particles.coarse import (
    CoarseImage,
    checked_diameter_px,
    checked_image,
    checked_pixel_size,
    coarsened,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

PIXELS_ACROSS = 24
"""Coarse pixels in a particle's diameter: the wall of a shell is then some four pixels thick."""

_REACH = 0.8
"""How far profiles go, in diameters: the first bright fringe around a particle lies within."""
_BINS = 41
_ANGLES = 48
_SHELL_HOLE = 0.67  # inner over outer diameter of ferritin; viruses' shells are thinner
_RECENTRINGS = 3
_ENOUGH = 100  # clicks; more change nothing and take time
_FARTHEST_MOVE = 0.15  # of the diameter, that a click may have missed its particle by

Contrast = Literal["dark", "bright"]


@dataclass(frozen=True, eq=False)
class Template:
    """A particle's rotationally averaged profile.

    Attributes
    ----------
    radii
        (n,) ascending, in diameters.
    values
        (n,) what the image is there, positive where the particle differs from the ice in the way
        particles do; only differences between them matter. Beyond the last radius it is unknown.
    learnt_from
        How many particles it was averaged from; 0: it was guessed.
    """

    radii: NDArray[np.float64]
    values: NDArray[np.float64]
    learnt_from: int = 0

    def __post_init__(self) -> None:
        radii, values = (np.array(column, np.float64) for column in (self.radii, self.values))
        if radii.ndim != 1 or radii.shape != values.shape or len(radii) < 2:
            raise BadValue("A template needs as many radii as values, two at least.")
        if not (np.isfinite(radii).all() and np.isfinite(values).all()):
            raise BadValue("A template's radii and values must be finite numbers.")
        if (np.diff(radii) <= 0).any() or radii[0] < 0 or not np.ptp(values) > 0:
            raise BadValue("A template's radii must ascend from 0 and its values must differ.")
        for name, column in (("radii", radii), ("values", values)):
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    def at(self, radii: ArrayLike) -> NDArray[np.float64]:
        """Values at ``radii`` (in diameters, any shape)."""
        values: NDArray[np.float64] = np.interp(np.asarray(radii), self.radii, self.values)
        return values

    @classmethod
    def disc(cls, size: float = 1.0) -> Self:
        """Return the projection of a solid ball whose diameter is ``size`` particle diameters."""
        radii = np.linspace(0, _REACH, _BINS)
        return cls(radii, _ball(radii, size / 2))

    @classmethod
    def ring(cls) -> Self:
        """Return the projection of a hollow shell as wide as the particle."""
        radii = np.linspace(0, _REACH, _BINS)
        return cls(radii, _ball(radii, 0.5) - _ball(radii, 0.5 * _SHELL_HOLE))

    @classmethod
    def learnt(
        cls,
        image: ArrayLike,
        pixel_size_angstrom: float | None,
        centres_px: ArrayLike,
        diameter_angstrom: float,
        *,
        contrast: Contrast = "dark",
    ) -> Self:
        """Average particles that someone clicked, around and over each other.

        Clicks need not be exact: each is moved to where the average of all fits best, at most by
        a seventh of the diameter.

        Parameters
        ----------
        image
            (y, x), the micrograph on which it will be used: raw or denoised.
        pixel_size_angstrom
            Of the image.
        centres_px
            (n, 2) y, x; one is enough, ten are better; of more than 100, some 100 are used.
        diameter_angstrom
            Of the particle.
        contrast
            Whether particles are darker or brighter than the ice.

        Raises
        ------
        BadValue, NotEnoughData
            The image, the pixel size, the diameter or the centres cannot be used.
        """
        pixels = checked_image(image)
        diameter_px = checked_diameter_px(
            pixels, checked_pixel_size(pixel_size_angstrom), diameter_angstrom
        )
        centres = np.asarray(centres_px, np.float64).reshape(-1, 2)
        if not np.isfinite(centres).all():
            raise BadValue("A clicked centre is not a finite number.")
        inside = ((centres >= 0) & (centres <= np.array(pixels.shape) - 1)).all(axis=1)
        centres = centres[inside]
        if not len(centres):
            raise NotEnoughData("Nothing to learn from. Click at least one particle in the image.")
        if len(centres) > _ENOUGH:
            centres = centres[np.linspace(0, len(centres) - 1, _ENOUGH).astype(np.intp)]
        coarse = prepared(pixels, diameter_px, contrast)
        across = diameter_px / float(coarse.factors.mean())
        at = coarse.from_micrograph(centres)
        radii = np.linspace(0, _REACH, _BINS)
        values = _average(coarse.pixels, at, radii * across)
        template = cls(radii, values, len(at))
        for _ in range(_RECENTRINGS if len(at) > 1 else 0):
            at = _recentred(coarse.pixels, at, template, across)
            template = cls(radii, _average(coarse.pixels, at, radii * across), len(at))
        return template


def prepared(
    pixels: NDArray[np.float32],
    diameter_px: float,
    contrast: Contrast,
    pixels_across: int = PIXELS_ACROSS,
) -> CoarseImage:
    """Return the micrograph coarse and flat, with particles positive.

    What is wider than a particle (ice that gets thicker, the beam's profile) is taken away.
    """
    coarse = coarsened(pixels, diameter_px / pixels_across)
    across = diameter_px / float(coarse.factors.mean())
    # Offsets of thousands of counts would cost the sums of squares their last digits.
    level = coarse.pixels - coarse.pixels.mean(dtype=np.float64).astype(np.float32)
    flat = level - ndimage.gaussian_filter(level, across, mode="reflect")
    return CoarseImage(-flat if contrast == "dark" else flat, coarse.factors)


def _ball(radii: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Thickness of a ball at ``radii`` from its axis."""
    thickness: NDArray[np.float64] = np.sqrt(np.clip(radius**2 - radii**2, 0, None))
    return thickness


def _average(
    flat: NDArray[np.float32], centres: NDArray[np.float64], radii_px: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean of ``flat`` over circles about all ``centres`` (n, 2), for each radius."""
    angles = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    circle = radii_px[:, None, None] * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    points = centres[:, None, None, :] + circle  # (n, radius, angle, 2)
    values = ndimage.map_coordinates(flat, np.moveaxis(points, -1, 0), order=1, mode="reflect")
    profile: NDArray[np.float64] = values.mean(axis=(0, 2), dtype=np.float64)
    return profile


def _recentred(
    flat: NDArray[np.float32], centres: NDArray[np.float64], template: Template, across: float
) -> NDArray[np.float64]:
    """Move each centre to where the image is most like ``template``, in steps of half a pixel."""
    reach = int(np.ceil(across * _REACH))
    most = _FARTHEST_MOVE * across
    window = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    distance = np.hypot(*window) / across
    inside = distance <= _REACH
    weights = template.at(distance[inside])
    weights = weights - weights.mean()
    steps = np.arange(-np.floor(2 * most), np.floor(2 * most) + 1) / 2
    moves = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    moves = moves[np.hypot(*moves.T) <= most]
    moved = centres.copy()
    for i, centre in enumerate(centres):
        points = centre + moves[:, None, :] + window[:, inside].T  # (move, pixel, 2)
        values = ndimage.map_coordinates(flat, np.moveaxis(points, -1, 0), order=1, mode="reflect")
        moved[i] = centre + moves[int(np.argmax(values @ weights))]
    return moved
