"""Opening a volume, where somebody wants one: its header is read, and no voxel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io.formats import open_source
from napari_n2n.io.stack_kinds import Evidence, evidence_of
from napari_n2n.io.volumes.model import Volume
from napari_n2n.io.volumes.ome_zarr import OmeZarrSource
from napari_n2n.io.zarr_folders import is_zarr

if TYPE_CHECKING:
    from napari_n2n.io.sources import FrameSource
    from napari_n2n.io.stack_kinds import StackKind


class OtherKind(UnreadableFile):
    """The file is sound, and no volume: a single image, a tilt series, a movie."""


_WANTED = "Give a tomogram or another volume."


def open_volume(
    path: Path | str,
    level: int | None = None,
    *,
    voxel_size_angstrom: float | None = None,
    kind: StackKind | None = None,
) -> Volume:
    """Open a file that is meant as a volume; nothing but its header is read.

    Unlike `napari_n2n.io.open_image` it does not look at pixels to find out what a file's several
    images are, as whoever calls it knows. Only what is a tilt series or a movie beyond doubt, by
    its angles or what lies beside it, is refused.

    Parameters
    ----------
    path
        MRC (``.mrc``, ``.rec``, ``.map``, ``.st``, ``.ali``, also gzip or bzip2), TIFF, or an
        OME-Zarr folder; its name is of no matter.
    level
        Of an OME-Zarr, which level of resolution: 0 the finest, which is the default, -1 the
        coarsest. Other formats have one.
    voxel_size_angstrom
        Å; wins over the file's. Of an OME-Zarr it is that of the level.
    kind
        ``"volume"`` where somebody said that it is one, whatever the file says.

    Raises
    ------
    UnreadableFile
        When it is missing, torn or damaged; `OtherKind` when it is no volume.
    BadValue
        When there is no such level, or the given voxel size cannot be right.
    """
    path = Path(path)
    source = _source_of(path, level)
    if source.shape[0] < 2 or source.is_rgb or source.kind == "photograph":
        raise OtherKind(path, "holds a single image, and no volume", _WANTED)
    why = "what was said of it" if kind == "volume" else _why_a_volume(source, path)
    return Volume.from_source(source, path, voxel_size_angstrom, why=why)


def _source_of(path: Path, level: int | None) -> FrameSource:
    if is_zarr(path):
        return OmeZarrSource(path, level or 0)
    if level not in (None, 0, -1):
        raise BadValue(f"{path} has one level of resolution; there is no {level}.")
    return open_source(path)


def _why_a_volume(source: FrameSource, path: Path) -> str:
    """Return whose word it is that a file is a volume; refuse what is none beyond doubt."""
    evidence = evidence_of(source, path)
    if source.row_order == "eer":
        evidence = Evidence("movie", "its format")
    if evidence is None:
        return "whoever wants one"
    if evidence.is_sure and evidence.kind != "volume":
        raise _other_kind(path, evidence)
    return evidence.why if evidence.kind == "volume" else "whoever wants one"


def _other_kind(path: Path, evidence: Evidence) -> OtherKind:
    kind, why = evidence.kind, evidence.why
    remedy = _WANTED
    if kind == "tilt series":
        remedy = "Reconstruct it first. If it is a volume all the same, say so: --kind volume."
    what = {"images": "a stack of separate images"}.get(kind, f"a {kind}")
    return OtherKind(path, f"is {what} by {why}, and no volume", remedy)
