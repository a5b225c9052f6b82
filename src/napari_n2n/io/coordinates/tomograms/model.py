"""What a coordinate file says of one tomogram, in this program's own convention."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io.pixel_size import is_plausible

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.io.coordinates.model import StarRows
    from napari_n2n.io.particles import Label, Particles

Origin = Literal["corner", "centre"]
"""Where lengths are measured from: the middle of the first voxel, or of the tomogram."""

_ALIKE = 0.01
"""Voxel sizes this close, relatively, are the same, written with fewer digits."""


def _times(shape: tuple[int, int, int], factor: float) -> tuple[int, int, int]:
    z, y, x = (max(1, round(side * factor)) for side in shape)
    return z, y, x


@dataclass(frozen=True, eq=False)
class TomogramParticles:
    """The particles of one tomogram, with what their file tells of it.

    Attributes
    ----------
    particles
        Centres (z, y, x) in voxels of the tomogram as it is stored, the first one's at (0, 0, 0);
        or in Å, see ``angstrom_from``.
    tomogram
        What the file calls it; "" where it does not.
    voxel_size_angstrom
        Of the tomogram, Å; None where the file does not tell.
    shape
        (z, y, x) of the tomogram in voxels; None where the file does not tell.
    diameter_angstrom
        Of the particles; None where the file does not tell.
    angstrom_from
        Given where centres are in Å still, because the voxel size, or the shape that tells where
        the middle is, is not known.
    centre_voxel
        (z, y, x) of what RELION takes for the tomogram's middle, where its list tells; None: half
        the shape.
    tilt_series_pixel_size_angstrom
        Of the images that the tomogram was made of, which RELION 4 counts in; None: unknown.
    star
        The rows they were read from, one for each particle; None where that was no STAR file.

    Raises
    ------
    BadValue
        A size, shape, or name that cannot be right; centres of a micrograph; rows that do not fit.
    """

    particles: Particles
    tomogram: str = ""
    voxel_size_angstrom: float | None = None
    shape: tuple[int, int, int] | None = None
    diameter_angstrom: float | None = None
    angstrom_from: Origin | None = None
    centre_voxel: tuple[float, float, float] | None = None
    tilt_series_pixel_size_angstrom: float | None = None
    star: StarRows | None = None

    def __post_init__(self) -> None:
        for size in (self.voxel_size_angstrom, self.tilt_series_pixel_size_angstrom):
            if size is not None and not is_plausible(size):
                raise BadValue(f"A voxel size of {size} Å cannot be right.")
        if self.shape is not None and (len(self.shape) != 3 or min(self.shape) < 1):
            raise BadValue(f"A tomogram cannot have the shape {self.shape}.")
        if self.particles.ndim != 3:
            raise BadValue("Particles of a tomogram have a z; these are of a micrograph.")
        if not self.tomogram.isprintable():
            raise BadValue(f"A tomogram cannot be called {self.tomogram!r}.")
        if self.star is not None and len(self.star) != len(self.particles):
            raise BadValue(f"{len(self.particles)} particles cannot have {len(self.star)} rows.")

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.tomogram or "the tomogram"

    def in_voxels(self) -> Self:
        """Return the same particles with centres in voxels.

        Raises
        ------
        BadValue
            The voxel size or the shape is needed for that and not known.
        """
        if self.angstrom_from is None:
            return self
        centres = self.particles.centres_px / self._needed_voxel_size()
        if self.angstrom_from == "centre":
            centres = centres + self._needed_centre()
        return self._at(centres, None)

    def angstrom(self, origin: Origin) -> NDArray[np.float64]:
        """(n, 3) z, y, x in Å from the first voxel's middle, or from that of the tomogram.

        Raises
        ------
        BadValue
            The voxel size or the shape is needed for that and not known.
        """
        if self.angstrom_from == origin:
            return self.particles.centres_px
        centres = self.in_voxels().particles.centres_px
        if origin == "centre":
            centres = centres - self._needed_centre()
        return centres * self._needed_voxel_size()

    def on(self, other: Self) -> Self:
        """Return the same particles on the voxels of a tomogram, as far as ``other`` tells of it.

        Its own particles are of no matter. Positions that were told in other voxels are scaled;
        those of which no voxel size was told are taken as they are.

        Raises
        ------
        BadValue
            They cannot be scaled.
        """
        size = other.voxel_size_angstrom or self.voxel_size_angstrom
        scale = 1.0
        if self.angstrom_from is None and self.voxel_size_angstrom and size:
            scale = self.voxel_size_angstrom / size
            scale = 1.0 if abs(scale - 1) < _ALIKE else scale
        shape = other.shape or (self.shape if scale == 1 else None)
        seen = self if scale == 1 else self.scaled(scale)
        seen = replace(
            seen,
            voxel_size_angstrom=size,
            shape=shape,
            centre_voxel=other.centre_voxel or (self.centre_voxel if scale == 1 else None),
            tilt_series_pixel_size_angstrom=other.tilt_series_pixel_size_angstrom
            or self.tilt_series_pixel_size_angstrom,
        )
        return seen.in_voxels() if seen.is_placed else seen

    @property
    def is_placed(self) -> bool:
        """Whether centres are in voxels, or can be brought to them."""
        if self.angstrom_from is None:
            return True
        needs_shape = self.angstrom_from == "centre" and self.centre_voxel is None
        return self.voxel_size_angstrom is not None and not (needs_shape and self.shape is None)

    def scaled(self, factor: float) -> Self:
        """Return the same particles on a tomogram of ``factor`` times as many voxels a side.

        Positions are multiplied, as RELION does between a tomogram and its tilt series; those in Å
        are the same on both.

        Raises
        ------
        BadValue
            A factor that is not a positive number.
        """
        if not (np.isfinite(factor) and factor > 0):
            raise BadValue(f"Positions cannot be scaled by {factor}.")
        size, shape, centre = self.voxel_size_angstrom, self.shape, self.centre_voxel
        scaled = replace(
            self,
            voxel_size_angstrom=None if size is None else size / factor,
            shape=shape and _times(shape, factor),
            centre_voxel=centre and (centre[0] * factor, centre[1] * factor, centre[2] * factor),
        )
        if self.angstrom_from is not None:
            return scaled
        return scaled._at(self.particles.centres_px * factor, None)

    def outside(self) -> NDArray[np.bool_]:
        """(n,) which particles lie outside the tomogram; none where its shape is not known."""
        if self.shape is None or not self.is_placed:
            return np.zeros(len(self.particles), bool)
        centres = self.in_voxels().particles.centres_px
        outside = (centres < -0.5) | (centres >= np.asarray(self.shape) - 0.5)
        return outside[:, 0] | outside[:, 1] | outside[:, 2]

    def only(self, labels: Collection[Label]) -> Self:
        """Return the particles that have one of the labels."""
        return self.chosen(np.isin(self.particles.labels, [*labels]))

    def chosen(self, which: ArrayLike) -> Self:
        """Return the particles that (n,) numbers or a mask choose, with their rows."""
        rows = None if self.star is None else self.star.only(which)
        return replace(self, particles=self.particles[which], star=rows)

    def _at(self, centres: NDArray[np.float64], origin: Origin | None) -> Self:
        return replace(
            self, particles=self.particles.replaced(centres_px=centres), angstrom_from=origin
        )

    def _needed_voxel_size(self) -> float:
        if self.voxel_size_angstrom is None:
            raise BadValue(
                f"The voxel size of {self.name} is not known, and is needed to tell voxels and Å "
                "from each other. Give it, in Å, or give the tomogram."
            )
        return self.voxel_size_angstrom

    def _needed_centre(self) -> NDArray[np.float64]:
        if self.centre_voxel is not None:
            return np.asarray(self.centre_voxel, np.float64)
        if self.shape is None:
            raise BadValue(
                f"RELION 5 measures positions from the middle of the tomogram, and the shape of "
                f"{self.name} is not known. Give the tomogram, or RELION's tomograms.star."
            )
        return np.asarray(self.shape, np.float64) / 2
