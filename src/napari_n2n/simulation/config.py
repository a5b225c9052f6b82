"""What to simulate: one frozen model for tests, sample data and the command line."""

from typing import Literal, Self

from pydantic import Field, model_validator

from napari_n2n.settings import Settings

Specimen = Literal["apoferritin", "aldolase"]

SPECIMEN_DIAMETER_ANGSTROM: dict[Specimen, float] = {"apoferritin": 124.0, "aldolase": 104.0}
"""The closest two centres may come: the widest view of an intact particle and a little water."""

_DEFAULT_DENSITY: dict[Specimen, float] = {"apoferritin": 2000.0, "aldolase": 3000.0}
_MAXIMUM_COVERAGE = 0.45  # darts thrown at random jam at 0.547 of the area


class SimulationConfig(Settings):
    """Everything that decides a simulated movie; equal configs give equal movies.

    Attributes
    ----------
    specimen
        24-subunit octahedral shells, or 150 kDa D2 tetramers.
    shape
        (y, x) of a frame in pixels.
    n_frames, pixel_size_angstrom, dose_per_frame
        Of the movie; the dose in e/Å² per frame.
    defocus_micrometer
        Underfocus is positive.
    b_factor_square_angstrom
        Envelope exp(-B k²/4) on the contrast transfer.
    n_particles
        Particles with their centre in the frame; None: as many as is usual for the specimen.
    broken_fraction
        Share of the particles that are fragments or opened.
    contaminant_count
        Dark blobs, besides the particles.
    ice_gradient
        Relative change of brightness across the field, from ice of uneven thickness.
    global_drift_angstrom, local_drift_angstrom
        Length of the whole field's drift, and how far the field's corners stray from it.
    gain_pattern
        Standard deviation of the detector's pixel gains; 0: none.
    hot_pixels
        Pixels that shine whatever falls on them.
    contrast
        Factor on the specimen's potential; 1 is a real protein's.
    """

    specimen: Specimen = "apoferritin"
    shape: tuple[int, int] = (2048, 2048)
    n_frames: int = Field(default=40, ge=1, le=10_000)
    pixel_size_angstrom: float = Field(default=1.0, gt=0.1, le=20)
    dose_per_frame: float = Field(default=1.0, gt=0, le=100)
    defocus_micrometer: float = Field(default=1.5, ge=-10, le=10)
    voltage_kv: float = Field(default=300.0, ge=60, le=1000)
    spherical_aberration_mm: float = Field(default=2.7, ge=0, le=10)
    amplitude_contrast: float = Field(default=0.07, ge=0, le=1)
    b_factor_square_angstrom: float = Field(default=60.0, ge=0)
    n_particles: int | None = Field(default=None, ge=0)
    broken_fraction: float = Field(default=0.25, ge=0, le=1)
    contaminant_count: int = Field(default=2, ge=0, le=100)
    ice_gradient: float = Field(default=0.03, ge=0, le=0.5)
    global_drift_angstrom: float = Field(default=15.0, ge=0, le=500)
    local_drift_angstrom: float = Field(default=0.0, ge=0, le=50)
    gain_pattern: float = Field(default=0.0, ge=0, le=0.3)
    hot_pixels: int = Field(default=0, ge=0)
    contrast: float = Field(default=1.0, gt=0, le=10)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_field(self) -> Self:
        if not all(16 <= side <= 16384 for side in self.shape):
            raise ValueError(f"shape {self.shape} must be between 16 and 16384 pixels a side")
        expected = self.dose_per_frame * self.pixel_size_angstrom**2
        if expected > 100:
            raise ValueError(
                f"{expected:.0f} electrons a pixel and frame do not fit the 8-bit frames; "
                "lower the dose per frame or the pixel size to at most 100"
            )
        radius = SPECIMEN_DIAMETER_ANGSTROM[self.specimen] / 2
        most = int(_MAXIMUM_COVERAGE * self.area_square_angstrom / (3.1416 * radius**2))
        if (self.n_particles or 0) > max(most, 1):
            raise ValueError(
                f"n_particles={self.n_particles} would overlap; this field holds {max(most, 1)}"
            )
        return self

    @property
    def area_square_angstrom(self) -> float:
        """Area of the field."""
        return self.shape[0] * self.shape[1] * self.pixel_size_angstrom**2

    @property
    def particle_count(self) -> int:
        """``n_particles``, or what is usual for the specimen on a field of this area."""
        if self.n_particles is not None:
            return self.n_particles
        per_square_angstrom = _DEFAULT_DENSITY[self.specimen] * 1e-8
        return max(1, round(per_square_angstrom * self.area_square_angstrom))
