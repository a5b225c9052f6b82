"""What a file holds, told from its header, and of several images from some of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.formats import open_source
from napari_n2n.io.stack_kinds import judged

if TYPE_CHECKING:
    import numpy as np

    from napari_n2n.io.sources import ImageKind


@dataclass(frozen=True)
class FileInfo:
    """What a file's header says.

    Attributes
    ----------
    path
        The file.
    kind
        ``"movie"``, ``"micrograph"``, ``"photograph"``, ``"volume"``, ``"tilt series"`` or
        ``"images"``.
    format
        For people: ``"TIFF (LZW)"``.
    shape
        (frame, y, x) of a movie or volume, (y, x) of a micrograph, (y, x, 3) in colour.
    dtype
        As stored.
    pixel_size_angstrom
        Å, or None where unknown.
    frame_count
        Frames a movie has (an EER as rendered by default), sections of a volume, else 1.
    notes
        Sentences for the user.
    """

    path: Path
    kind: ImageKind
    format: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    pixel_size_angstrom: float | None
    frame_count: int
    notes: tuple[str, ...]
    dose_per_frame: float | None = None


def inspect_file(path: Path | str) -> FileInfo:
    """Tell what a file holds, reading headers, and of several images a few.

    Raises
    ------
    UnreadableFile
        When it is no image, torn or damaged.
    """
    path = Path(path)
    source = open_source(path)
    count, height, width = source.shape
    shape: tuple[int, ...] = source.shape
    if source.kind in ("micrograph", "photograph"):
        shape = (height, width, 3) if source.is_rgb else (height, width)
    kind, notes = source.kind, source.notes
    if kind == "movie" and not source.is_rgb:
        judgement = judged(source, path)
        kind, notes = judgement.kind, notes + judgement.notes
    return FileInfo(
        path=path,
        kind=kind,
        format=source.format,
        shape=shape,
        dtype=source.dtype,
        pixel_size_angstrom=source.pixel_size_angstrom,
        frame_count=count,
        notes=notes,
        dose_per_frame=source.dose_per_frame,
    )


def may_be_movie(path: Path | str) -> bool:
    """Whether a file has frames, or is torn, which is told when its turn comes."""
    try:
        return inspect_file(path).kind in ("movie", "volume")
    except UnreadableFile:
        return True
