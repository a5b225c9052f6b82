"""What tomogram to simulate: one frozen model for tests, sample data and the command line."""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from napari_n2n.settings import Settings


class TomogramConfig(Settings):
    """Everything that decides a simulated tomogram; equal configs give equal tomograms.

    Attributes
    ----------
    shape
        (z, y, x) of the volume in voxels; its tilt images are (y, x).
    voxel_size_angstrom
        Of the volume, and pixel size of the tilt images.
    dose
        e/Å², of all tilts together.
    tilt_range_degree, tilt_step_degree
        Tilts lie between minus and plus the first, so far apart.
    defocus_micrometer, defocus_spread_micrometer
        Underfocus is positive; that of single tilts strays by the spread (standard deviation).
    thickness_angstrom
        Of the ice; None: two thirds of the volume's depth.
    b_factor_square_angstrom
        Envelope exp(-B k²/4) on the contrast transfer.
    drift_angstrom
        How far tilts are shifted against each other (standard deviation); their alignment is known.
    crowding
        Factor on the number of particles.
    gold_beads
        Fiducials of 100 Å.
    contrast
        Factor on the specimen's potential; 1 is a real protein's.
    """

    shape: tuple[int, int, int] = (96, 320, 320)
    voxel_size_angstrom: float = Field(default=10.0, ge=2, le=40)
    dose: float = Field(default=120.0, gt=0, le=1000)
    tilt_range_degree: float = Field(default=60.0, ge=10, le=80)
    tilt_step_degree: float = Field(default=3.0, ge=0.5, le=20)
    defocus_micrometer: float = Field(default=4.0, ge=-10, le=15)
    defocus_spread_micrometer: float = Field(default=0.05, ge=0, le=2)
    thickness_angstrom: float | None = Field(default=None, gt=0)
    voltage_kv: float = Field(default=300.0, ge=60, le=1000)
    spherical_aberration_mm: float = Field(default=2.7, ge=0, le=10)
    amplitude_contrast: float = Field(default=0.07, ge=0, le=1)
    b_factor_square_angstrom: float = Field(default=1000.0, ge=0)
    drift_angstrom: float = Field(default=30.0, ge=0, le=500)
    crowding: float = Field(default=1.0, ge=0, le=4)
    gold_beads: int = Field(default=6, ge=0, le=200)
    contrast: float = Field(default=1.0, gt=0, le=10)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_shape(self) -> Self:
        if not all(16 <= side <= 4096 for side in self.shape):
            raise ValueError(f"shape {self.shape} must be between 16 and 4096 voxels a side")
        if self.ice_angstrom > self.shape[0] * self.voxel_size_angstrom:
            raise ValueError(
                f"ice of {self.ice_angstrom:.0f} Å does not fit into "
                f"{self.shape[0] * self.voxel_size_angstrom:.0f} Å along z"
            )
        return self

    @property
    def ice_angstrom(self) -> float:
        """Thickness of the ice."""
        if self.thickness_angstrom is not None:
            return self.thickness_angstrom
        return self.shape[0] * self.voxel_size_angstrom * 2 / 3

    @property
    def angles_degree(self) -> NDArray[np.float64]:
        """(tilt,), from the lowest to the highest; 0 is among them."""
        steps = int(self.tilt_range_degree / self.tilt_step_degree + 1e-9)
        return np.arange(-steps, steps + 1, dtype=np.float64) * self.tilt_step_degree

    @property
    def order(self) -> list[int]:
        """Indices of `angles_degree` as they are taken: dose-symmetric, from 0 outwards.

        W. J. H. Hagen, W. Wan and J. A. G. Briggs, J. Struct. Biol. 197, 191 (2017).
        """
        middle = len(self.angles_degree) // 2
        taken = [middle]
        for step in range(1, middle + 1):
            pair = [middle + step, middle - step]
            taken += pair if step % 2 else pair[::-1]
        return taken
