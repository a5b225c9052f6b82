"""What decides the experiment on tomograms."""

from pydantic import Field

from napari_n2n.settings import Settings
from napari_n2n.simulation.tomograms import TomogramConfig


class TomogramSettings(Settings):
    """All that decides the result; equal settings give equal tomograms and trainings.

    Attributes
    ----------
    shape
        (z, y, x) of the tomograms in voxels.
    voxel_size_angstrom
        Of the tomograms.
    dose
        e/Å², of all tilts together.
    defocus_micrometer
        Underfocus.
    count
        How many are trained on; one more is judged.
    budget_minutes
        What the training may take.
    seed
        Of tomograms and training.
    """

    shape: tuple[int, int, int] = (96, 320, 320)
    voxel_size_angstrom: float = Field(default=10.0, ge=2, le=40)
    dose: float = Field(default=120.0, gt=0, le=1000)
    defocus_micrometer: float = Field(default=4.0, ge=-10, le=15)
    count: int = Field(default=2, ge=1, le=100)
    budget_minutes: float = Field(default=4.0, gt=0)
    seed: int = Field(default=0, ge=0, le=2**31 - 1)

    def tomogram(self, number: int) -> TomogramConfig:
        """Return what the ``number``-th tomogram is made by; the last one, ``count``, is judged."""
        return TomogramConfig(
            shape=self.shape,
            voxel_size_angstrom=self.voxel_size_angstrom,
            dose=self.dose,
            defocus_micrometer=self.defocus_micrometer,
            seed=self.seed + number,
        )


QUICK = TomogramSettings(shape=(32, 96, 96), voxel_size_angstrom=14.0, count=1, budget_minutes=0.05)
"""A size that shows that everything works, in seconds."""
