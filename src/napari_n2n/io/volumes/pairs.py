"""Two halves of one tomogram, and those that were found together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

from napari_n2n.errors import ShapeMismatch
from napari_n2n.io.finding import HalvesFiles
from napari_n2n.io.pixel_size import PLACEHOLDER_NOTE
from napari_n2n.io.volumes.opening import open_volume

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_n2n.errors import N2NError
    from napari_n2n.io.volumes.model import Volume

_MOST_NAMED = 5
_REMEDY = "Check that both are of the same tomogram."


@dataclass(frozen=True)
class VolumePair(HalvesFiles):
    """The files of one tomogram's halves; `opened` opens them.

    Attributes
    ----------
    voxel_size_angstrom
        What a list says of it, where there is one: it counts where a header does not know.
    """

    voxel_size_angstrom: float | None = None

    def opened(self, voxel_size_angstrom: float | None = None) -> tuple[Volume, Volume]:
        """Open the odd and the even half; no voxel is read.

        Parameters
        ----------
        voxel_size_angstrom
            Å; wins over what the files and a list say.

        Raises
        ------
        UnreadableFile
            One of them is missing, torn or no volume.
        ShapeMismatch
            They differ in shape or voxel size.
        """
        odd, even = (self._opened(path, voxel_size_angstrom) for path in (self.odd, self.even))
        if odd.shape != even.shape:
            a, b = (" × ".join(map(str, one.shape[::-1])) for one in (odd, even))
            raise ShapeMismatch(self.even, f"is {b} voxels, but {self.odd.name} is {a}", _REMEDY)
        a_size, b_size = odd.voxel_size_angstrom, even.voxel_size_angstrom
        if a_size is not None and b_size is not None and abs(a_size / b_size - 1) > 0.01:
            raise ShapeMismatch(
                self.even,
                f"has voxels of {b_size:.4g} Å, but {self.odd.name} has {a_size:.4g} Å",
                f"{_REMEDY} If a header is wrong, give the voxel size by hand.",
            )
        return odd, even

    def _opened(self, path: Path, voxel_size_angstrom: float | None) -> Volume:
        volume = open_volume(path, voxel_size_angstrom=voxel_size_angstrom)
        is_unknown = volume.voxel_size_angstrom is None or PLACEHOLDER_NOTE in volume.notes
        if voxel_size_angstrom is None and self.voxel_size_angstrom is not None and is_unknown:
            return open_volume(path, voxel_size_angstrom=self.voxel_size_angstrom)
        return volume


class VolumePairs(Sequence[VolumePair]):
    """Pairs that were found, and what is not among them.

    Attributes
    ----------
    problems
        Why pairs were left out that are meant for such: torn, missing, of different shapes.
    lonely
        Halves whose other half is missing.
    others
        Halves of what is no volume: of micrographs, tilt series.
    """

    def __init__(
        self,
        pairs: Iterable[VolumePair] = (),
        *,
        problems: Iterable[N2NError] = (),
        lonely: Iterable[Path] = (),
        others: Iterable[HalvesFiles] = (),
    ) -> None:
        self._pairs = tuple(pairs)
        self.problems = tuple(problems)
        self.lonely = tuple(lonely)
        self.others = tuple(others)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user on what was left out."""
        notes = [str(problem) for problem in self.problems]
        for why, names in (
            ("for want of their other half", [path.name for path in self.lonely]),
            ("as they are no volumes", [one.odd.name for one in self.others]),
        ):
            more = len(names) - _MOST_NAMED
            told = ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
            notes += [f"Left out, {why}: {told}."] if names else []
        return tuple(notes)

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, index: int) -> VolumePair: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[VolumePair, ...]: ...

    def __getitem__(self, index: int | slice) -> VolumePair | tuple[VolumePair, ...]:
        return self._pairs[index]
