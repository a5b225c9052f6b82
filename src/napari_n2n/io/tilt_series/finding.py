"""Which tilt series with an alignment a folder or a list holds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.finding import files_in, stem_of
from napari_n2n.io.half_names import half_of_folder, names_a_volume, split_half
from napari_n2n.io.tilt_series import aretomo, imod
from napari_n2n.io.tilt_series.mdoc import with_mdoc
from napari_n2n.io.tilt_series.model import AlignedSeries, TiltAlignment
from napari_n2n.io.tilt_series.relion import STARS, lists_tilt_series, read_relion
from napari_n2n.io.zarr_folders import is_zarr

_DEEPEST = 2
"""Folders within the given one that are looked into."""
_REMEDY = (
    "Known are AreTomo's .aln, IMOD's .xf with .tlt, each beside the stack of its name, and "
    "RELION's tilt_series.star."
)
_OF_WARP = "Let WarpTools make the halves: ts_reconstruct --halfmap_frames."
_VOLUMES = ("{}_Vol.mrc", "{}_rec.mrc", "{}.rec", "{}_full_rec.mrc", "{}_rec.rec")


@dataclass
class FoundTiltSeries:
    """Tilt series that can be reconstructed, and why others cannot."""

    series: list[AlignedSeries] = field(default_factory=list)
    problems: list[N2NError] = field(default_factory=list)


def tilt_series_in(given: Path | str) -> FoundTiltSeries:
    """Find tilt series with their alignment; texts and headers are read, and no images.

    Parameters
    ----------
    given
        One of RELION's lists; or a folder: such a list in it, else the stacks in it that have an
        alignment of their name beside them, else the same in folders within it, two deep.

    Raises
    ------
    UnreadableFile
        There is none, or the first problem of several.
    """
    given = Path(given)
    if not given.is_dir():
        series, problems = read_relion(given)
        return _checked(given, FoundTiltSeries(series, problems))
    level = [given]
    for _ in range(_DEEPEST + 1):
        found = FoundTiltSeries()
        for folder in level:
            _add(found, folder)
        if found.series or found.problems:
            return _checked(given, found)
        level = [child for folder in level for child in _folders_in(folder)]
    raise UnreadableFile(given, "holds no tilt series with an alignment", _hint(given))


def _checked(given: Path, found: FoundTiltSeries) -> FoundTiltSeries:
    """Leave out what has no images; raise the first problem where nothing is left."""
    for one in [*found.series]:
        if not (one.full or one.has_halves):
            found.series.remove(one)
            found.problems.append(
                UnreadableFile(one.alignment.path, "has no tilt images beside it", _REMEDY)
            )
    if not found.series:
        raise next(iter(found.problems), UnreadableFile(given, "lists no tilt series", _REMEDY))
    found.series = _distinct(found.series)
    return found


def _add(found: FoundTiltSeries, folder: Path) -> None:
    """Add what lies in one folder."""
    listed = next((folder / name for name in STARS if lists_tilt_series(folder / name)), None)
    if listed is not None:
        series, problems = read_relion(listed)
        found.series += series
        found.problems += problems
        return
    stacks = _stacks_in(folder)
    names = dict.fromkeys(name for name, _ in stacks)
    for name in names:
        try:
            alignment = _alignment_of(folder, name)
        except N2NError as problem:
            found.problems.append(problem)
            continue
        if alignment is not None:
            paths = (folder / pattern.format(name) for pattern in _VOLUMES)
            found.series.append(
                AlignedSeries(
                    name,
                    alignment,
                    full=_one(stacks.get((name, None))),
                    odd=_one(stacks.get((name, "odd"))),
                    even=_one(stacks.get((name, "even"))),
                    volume=next((path for path in paths if path.is_file()), None),
                )
            )


def _stacks_in(folder: Path) -> dict[tuple[str, str | None], Path]:
    """Return the stacks in a folder, and in folders odd and even within it, by name and half."""
    stacks: dict[tuple[str, str | None], Path] = {}
    within = [child for child in _folders_in(folder) if half_of_folder(child) is not None]
    for place in (folder, *within):
        for path in files_in(place, everything=True):
            stem = stem_of(path)
            if names_a_volume(path, stem) or path.suffix.lower() == ".ali":
                continue
            name, half = split_half(stem)
            stacks.setdefault((name, half or half_of_folder(place)), path)
    return stacks


def _alignment_of(folder: Path, name: str) -> TiltAlignment | None:
    """Read the alignment of a tilt series by its name; None where there is none."""

    def there(*names: str) -> Path | None:
        return next((folder / one for one in names if (folder / one).is_file()), None)

    mdoc = there(f"{name}.mrc.mdoc", f"{name}.mdoc", f"{name}.st.mdoc")
    aln = there(f"{name}.aln", f"{name}.mrc.aln", f"{name}.st.aln")
    if aln is not None:
        alignment = with_mdoc(aretomo.read_aln(aln), mdoc)
        ctf = there(f"{name}_CTF.txt", f"{name}_ctf.txt")
        return alignment if ctf is None else aretomo.with_ctf(alignment, ctf)
    xf, tilts = there(f"{name}.xf"), there(f"{name}.tlt", f"{name}.rawtlt")
    if xf is None or tilts is None:
        return None
    alignment = imod.read_imod(xf, tilts, there("tilt.com"), there("newst.com"))
    alignment = with_mdoc(alignment, mdoc)
    defocus = there(f"{name}.defocus")
    if defocus is None:
        return alignment
    com = there("ctfplotter.com", "ctfcorrection.com")
    return imod.with_defocus(alignment, defocus, imod.optics_of(com, alignment.optics))


def _one(path: Path | None) -> tuple[str, ...]:
    return () if path is None else (str(path),)


def _folders_in(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [
            child
            for child in sorted(folder.iterdir())
            if child.is_dir() and not child.name.startswith(".") and not is_zarr(child)
        ]
    return []


def _hint(given: Path) -> str:
    is_warps = any(_of_warp(folder) for folder in (given, *_folders_in(given)))
    return _OF_WARP if is_warps else _REMEDY


def _of_warp(folder: Path) -> bool:
    with suppress(OSError):
        return next(folder.glob("*.tomostar"), None) is not None
    return False


def _distinct(series: list[AlignedSeries]) -> list[AlignedSeries]:
    """Return series whose names differ: those of one name get that of their folder before it."""
    names = [one.name for one in series]
    return [
        replace(one, name=f"{one.alignment.path.parent.name}_{one.name}")
        if names.count(one.name) > 1
        else one
        for one in series
    ]
