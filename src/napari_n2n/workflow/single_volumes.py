"""Tomograms without halves and without tilt series, to train on by themselves."""

from collections.abc import Sequence
from pathlib import Path

from napari_n2n.denoising.training.single_volumes import SingleVolume, SingleVolumes
from napari_n2n.errors import N2NError
from napari_n2n.io import Volume, expand_inputs, open_image, open_volume, stem_of


class SinglesOnDisk:
    """Single volumes to train on, read as crops are drawn.

    Attributes
    ----------
    notes, problems
        Sentences for the user, and why files were left out.
    """

    notes: tuple[str, ...] = ()

    def __init__(self, volumes: Sequence[Volume], problems: Sequence[N2NError] = ()) -> None:
        self.problems = tuple(problems)
        self._volumes = tuple(volumes)

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [volume.path for volume in self._volumes]

    def __len__(self) -> int:
        """Count what was given."""
        return len(self._volumes) + len(self.problems)

    @property
    def volumes(self) -> SingleVolumes:
        """What to train on."""
        return SingleVolumes(
            SingleVolume(one, one.voxel_size_angstrom, stem_of(one.path)) for one in self._volumes
        )


def singles_among(
    given: Sequence[Path], voxel_size_angstrom: float | None = None
) -> SinglesOnDisk | None:
    """Find single volumes among files, folders and patterns; None if the first one is no volume.

    What the others look like is not asked, unless it is beyond doubt that they are none.

    Raises
    ------
    UnreadableFile
        There is nothing.
    """
    volumes: list[Volume] = []
    problems: list[N2NError] = []
    for path in dict.fromkeys(path for one in given for path in expand_inputs(one)):
        try:
            if not volumes:
                image = open_image(path, pixel_size_angstrom=voxel_size_angstrom)
                if not isinstance(image, Volume):
                    return None
                volumes.append(image)
            else:
                volumes.append(open_volume(path, voxel_size_angstrom=voxel_size_angstrom))
        except N2NError as problem:
            problems.append(problem)
    return SinglesOnDisk(volumes, problems) if volumes else None
