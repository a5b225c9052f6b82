"""What is known of tomograms beside their particles: of a volume's header, or RELION's list."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
from napari_n2n.io.finding import stem_of
from napari_n2n.io.half_names import split_half
from napari_n2n.io.particles import Particles
from napari_n2n.io.pixel_size import is_plausible
from napari_n2n.io.volumes.lists import NAME, tomograms_in
from napari_n2n.io.volumes.opening import open_volume

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TILT, _BINNING = "rlnTomoTiltSeriesPixelSize", "rlnTomoTomogramBinning"
_SIZES = tuple(f"rlnTomoSize{axis}" for axis in "ZYX")


@dataclass(frozen=True)
class KnownTomograms:
    """Tables without particles: of one volume, or by name of those that RELION lists."""

    path: Path
    named: Mapping[str, TomogramParticles] = field(default_factory=dict)
    only: TomogramParticles | None = None

    @classmethod
    def of(cls, path: Path) -> Self:
        """Learn of a volume by its header, or of many by RELION's ``tomograms.star``.

        Raises
        ------
        UnreadableFile
            It is neither, or torn.
        """
        if path.suffix.lower() == ".star":
            return cls(path, _listed(path))
        volume = open_volume(path, kind="volume")
        z, y, x = volume.shape
        name = split_half(stem_of(path))[0]
        size = volume.voxel_size_angstrom
        return cls(path, only=TomogramParticles(Particles.none(3), name, size, (z, y, x)))

    def of_name(self, name: str) -> TomogramParticles | None:
        """Return what is known of a tomogram; that of the only one if it has no name."""
        if self.only is not None:
            return self.only
        if not name and len(self.named) == 1:
            return next(iter(self.named.values()))
        return self.named.get(name)

    def placing(self, one: TomogramParticles) -> TomogramParticles:
        """Return particles on the voxels of the tomogram, with its name if they have none."""
        known = self.of_name(one.tomogram)
        if known is None:
            return one
        placed = one.on(known)
        return placed if placed.tomogram else replace(placed, tomogram=known.tomogram)


def _listed(path: Path) -> dict[str, TomogramParticles]:
    """Return what RELION's list tells: sizes in pixels of the tilt series, which are binned."""
    table = tomograms_in(path)
    if table is None or NAME not in table:
        raise UnreadableFile(path, f"lists no tomograms ({NAME})", "Give RELION's tomograms.star.")
    rows = [table.row(number) for number in range(len(table))]
    return {row[NAME]: _of_row(row) for row in rows}


def _of_row(row: dict[str, str]) -> TomogramParticles:
    tilt, binning = _number(row, _TILT), _number(row, _BINNING)
    sides = [_number(row, label) for label in _SIZES]
    tilt = tilt if tilt is not None and is_plausible(tilt) else None
    size = tilt * binning if tilt and binning else None
    shape = centre = None
    if binning and all(sides):
        z, y, x = ((side or 0) / binning for side in sides)
        shape, centre = (round(z), round(y), round(x)), (z / 2, y / 2, x / 2)
    return TomogramParticles(
        Particles.none(3),
        row[NAME],
        size if size and is_plausible(size) else None,
        shape if shape and min(shape) > 0 else None,
        centre_voxel=centre,
        tilt_series_pixel_size_angstrom=tilt,
    )


def _number(row: dict[str, str], label: str) -> float | None:
    try:
        value = float(row.get(label, "nan"))
    except ValueError:
        return None
    return value if value > 0 and value != float("inf") else None
