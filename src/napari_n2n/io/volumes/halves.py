"""Which volumes are halves of one tomogram: in a folder, or by a list of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.finding import HalvesFiles, files_in, find_halves, stem_of, unpaired_halves
from napari_n2n.io.half_names import half_of_folder, names_a_volume
from napari_n2n.io.volumes.lists import LIST_SUFFIXES, TOMOGRAMS_STAR, listed_pairs, lists_halves
from napari_n2n.io.volumes.opening import OtherKind
from napari_n2n.io.volumes.pairs import VolumePair, VolumePairs
from napari_n2n.io.zarr_folders import is_zarr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DEEPEST = 2
"""Folders within the given one that are looked into: a job's ``tomograms``, one a tilt series."""
_REMEDY = (
    "Names that are known are those of AreTomo (_EVN_Vol, _ODD_Vol), Warp (in folders even and "
    "odd), RELION 5 (_half1, _half2) and IMOD (_even_rec, _odd_rec). Or give a tomograms.star of "
    "RELION or IsoNet2, or cryoCARE's JSON."
)


def volume_halves(given: Path | str) -> VolumePairs:
    """Find halves of volumes; headers are read, and no voxels.

    Parameters
    ----------
    given
        A folder: what a ``tomograms.star`` in it lists, else its files by the names that programs
        give (`napari_n2n.io.half_names`), else the same in folders within it, two deep. Or a STAR
        file of RELION 5 or IsoNet2, or the settings of cryoCARE (JSON).

    Returns
    -------
    VolumePairs
        Those that can be used; what is torn or does not fit is left out, and told.

    Raises
    ------
    UnreadableFile
        There is none, or the first problem of several.
    """
    given = Path(given)
    seen: list[VolumePairs] = []
    for found in _candidates(given):
        checked = _checked(found)
        if len(checked):
            return checked
        seen.append(checked)
    problems = [problem for one in seen for problem in one.problems]
    if problems:
        raise problems[0]
    others = [one for pairs in seen for one in pairs.others]
    if others:
        VolumePair(others[0].name, others[0].odd, others[0].even).opened()
    raise UnreadableFile(given, "holds no two halves of a volume", _REMEDY)


def halves_beside(path: Path) -> HalvesFiles | None:
    """Return the halves of which a file is one, or of which it is the whole, by their names.

    Raises
    ------
    UnreadableFile
        The folder cannot be listed.
    """
    folder = path.parent
    if half_of_folder(folder) is not None:
        folder = folder.parent
    return next((one for one in find_halves(folder) if path in (one.odd, one.even, one.full)), None)


def holds_volumes(given: Path) -> bool:
    """Whether a folder or a list is one of halves of tomograms, and not of micrographs.

    What lies in folders within it counts only where no images lie in itself.
    """
    if not given.is_dir() and given.suffix.lower() not in LIST_SUFFIXES:
        return False
    try:
        pairs = volume_halves(given)
    except N2NError:
        return False
    if not given.is_dir() or lists_halves(given / TOMOGRAMS_STAR):
        return True
    near = {given, *(child for child in given.iterdir() if child.is_dir())}
    is_beside = any(pair.odd.parent in near for pair in pairs)
    return is_beside or not files_in(given, everything=True)


def _checked(found: VolumePairs) -> VolumePairs:
    """Leave out what cannot be opened, or fits no other half."""
    usable: list[VolumePair] = []
    others: list[HalvesFiles] = []
    problems: list[N2NError] = [*found.problems]
    for pair in found:
        try:
            pair.opened()
        except OtherKind:
            others.append(pair)
        except N2NError as problem:
            problems.append(problem)
        else:
            usable.append(pair)
    return VolumePairs(
        usable, problems=problems, lonely=found.lonely, others=[*found.others, *others]
    )


def _candidates(given: Path) -> Iterator[VolumePairs]:
    """Yield what may be meant, level by level."""
    if given.suffix.lower() in LIST_SUFFIXES and not given.is_dir():
        yield listed_pairs(given)
        return
    level = [given]
    for _ in range(_DEEPEST + 1):
        for folder in level:
            if lists_halves(folder / TOMOGRAMS_STAR):
                yield listed_pairs(folder / TOMOGRAMS_STAR)
        yield _named(level)
        level = [child for folder in level for child in _folders_in(folder)]


def _folders_in(folder: Path) -> list[Path]:
    return [
        child
        for child in sorted(folder.iterdir())
        if child.is_dir() and not child.name.startswith(".") and not is_zarr(child)
    ]


def _named(folders: Sequence[Path]) -> VolumePairs:
    """Pair what lies in each of some folders, by names."""
    pairs: list[VolumePair] = []
    others: list[HalvesFiles] = []
    lonely: list[Path] = []
    for folder in folders:
        found = find_halves(folder)
        lonely += unpaired_halves(folder)
        of_volumes = [one.name for one in found if names_a_volume(one.odd, stem_of(one.odd))]
        for one in found:
            # TS_EVN.mrc beside TS_EVN_Vol.mrc is half of the tilt series it was made from.
            if any(name.startswith(f"{one.name}_") for name in of_volumes):
                others.append(one)
            else:
                pairs.append(VolumePair(one.name, one.odd, one.even, one.full))
    return VolumePairs(pairs, lonely=lonely, others=others)
