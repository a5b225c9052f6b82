"""What there is to know of a volume beside its shape: levels, origin, and its halves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_n2n.io.finding import half_of
from napari_n2n.io.volumes.halves import halves_beside
from napari_n2n.io.volumes.opening import open_volume

if TYPE_CHECKING:
    from pathlib import Path


def volume_facts(path: Path) -> tuple[str, ...]:
    """Tell in sentences what a volume's header says of it, and what lies beside it.

    Raises
    ------
    UnreadableFile
        It is torn or damaged, or its folder cannot be listed.
    """
    volume = open_volume(path, kind="volume")
    facts = []
    sizes = [f"{size:.4g} Å" for size in volume.level_sizes_angstrom if size is not None]
    if len(sizes) > 1:
        facts.append(f"It has {len(sizes)} levels of resolution: {', '.join(sizes)}.")
    if any(volume.origin_angstrom):
        z, y, x = volume.origin_angstrom
        facts.append(f"Its first voxel lies at x, y, z = {x:.6g}, {y:.6g}, {z:.6g} Å.")
    more = [note for note in volume.notes if note not in volume.source.notes]
    return (*facts, *_halves(path), *more)


def _halves(path: Path) -> tuple[str, ...]:
    _, half = half_of(path)
    pair = halves_beside(path)
    if half is None:
        if pair is None:
            return ()
        odd, even = _told(pair.odd, path), _told(pair.even, path)
        return (f"Its halves lie beside it: {odd} and {even}.",)
    other = "even" if half == "odd" else "odd"
    if pair is None:
        return (f"By its name it is an {half} half; its {other} half is not beside it.",)
    beside = pair.even if half == "odd" else pair.odd
    return (f"By its name it is an {half} half; the {other} one is {_told(beside, path)}.",)


def _told(file: Path, beside: Path) -> str:
    return file.name if file.parent == beside.parent else f"{file.parent.name}/{file.name}"
