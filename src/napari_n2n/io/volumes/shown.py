"""A tomogram as it is looked at: one volume, with both halves behind it where they are there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_n2n.errors import N2NError
from napari_n2n.io.finding import stem_of
from napari_n2n.io.volumes.halves import halves_beside, volume_halves
from napari_n2n.io.volumes.mean import MeanOfHalves
from napari_n2n.io.volumes.pairs import VolumePair

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.io.volumes.model import Volume

_AS_ONE = "Its halves, {} and {}, are shown as one tomogram, their mean."
_ALONE = "Its halves lie beside it, but cannot be used: {}"


@dataclass(frozen=True, eq=False)
class ShownTomogram:
    """A tomogram to look at.

    Attributes
    ----------
    name
        What both halves have in common.
    volume
        What is looked at: a file, or the mean of two.
    halves
        Odd and even; None where there is one volume only.
    paths
        The files: the one that says how a result is written comes first.
    notes
        Sentences for the user.
    """

    name: str
    volume: Volume | MeanOfHalves
    halves: tuple[Volume, Volume] | None
    paths: tuple[Path, ...]
    voxel_size_angstrom: float | None
    notes: tuple[str, ...]

    @classmethod
    def of_pair(cls, pair: VolumePair) -> ShownTomogram:
        """Open both halves; no voxel is read.

        Raises
        ------
        N2NError
            One of them cannot be used.
        """
        odd, even = pair.opened()
        told = _AS_ONE.format(odd.path.name, even.path.name)
        size = odd.voxel_size_angstrom or even.voxel_size_angstrom
        mean = MeanOfHalves(odd, even)
        paths = (odd.path, even.path)
        return cls(pair.name, mean, (odd, even), paths, size, (*odd.notes, told))


def shown_tomogram(volume: Volume) -> ShownTomogram:
    """Return the tomogram that a volume is, or is a half of, by what lies beside it."""
    size = volume.voxel_size_angstrom
    alone = ShownTomogram(stem_of(volume.path), volume, None, (volume.path,), size, volume.notes)
    found = None
    with suppress(N2NError, OSError):
        found = halves_beside(volume.path)
    if found is None:
        return alone
    try:
        both = ShownTomogram.of_pair(VolumePair(found.name, found.odd, found.even))
    except N2NError as problem:
        notes = (*volume.notes, _ALONE.format(problem))
        return ShownTomogram(alone.name, volume, None, alone.paths, size, notes)
    if volume.path != found.full:
        return both
    if both.halves is None or both.halves[0].shape != volume.shape:
        return alone
    paths = (volume.path, *both.paths)
    return ShownTomogram(alone.name, volume, both.halves, paths, size, volume.notes)


def shown_tomograms(given: Path, most: int) -> tuple[list[ShownTomogram], list[N2NError], int]:
    """Open the tomograms of which a folder or a list has halves, the first ``most`` of them.

    Returns
    -------
    list, list, int
        Tomograms; what is wrong with others; how many there are in all.

    Raises
    ------
    UnreadableFile
        There is none.
    """
    pairs = volume_halves(given)
    shown: list[ShownTomogram] = []
    problems = list(pairs.problems)
    for pair in pairs[:most]:
        try:
            shown.append(ShownTomogram.of_pair(pair))
        except N2NError as problem:
            problems.append(problem)
    return shown, problems, len(pairs)
