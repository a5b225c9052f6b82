"""Telling coordinate files apart by what is in them, and reading them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.coordinates.box import looks_like_boxes, read_box
from napari_n2n.io.coordinates.columns import layout_of, read_columns
from napari_n2n.io.coordinates.cryosparc import MAGIC, read_cs
from napari_n2n.io.coordinates.lists import ListedFile, listed_files, missing
from napari_n2n.io.coordinates.star import read_cbox, read_star
from napari_n2n.io.coordinates.text import parsing, refuse_foreign
from napari_n2n.io.limits import open_binary
from napari_n2n.io.pixel_size import overridden

if TYPE_CHECKING:
    from napari_n2n.io.coordinates.model import MicrographParticles

Kind = Literal["star", "cbox", "box", "columns", "cs"]

_HEAD = 2**16
_BY_EXTENSION: dict[str, Kind] = {
    ".star": "star",
    ".cbox": "cbox",
    ".box": "box",
    ".csv": "columns",
    ".txt": "columns",
    ".tsv": "columns",
    ".cs": "cs",
}
_BLOCK = re.compile(r"^\s*data_", re.MULTILINE)
_CBOX = re.compile(r"^\s*_CoordinateX\b", re.MULTILINE)
# RELION's metadata of how one movie was aligned have positions, too: those of hot pixels.
_GENERAL, _MOTION = re.compile(r"^\s*data_general\b", re.MULTILINE), "_rlnMicrographMovieName"
_RELION = re.compile(r"^\s*_rln(CoordinateX|MicrographCoordinates)\b", re.MULTILINE)
_LIST = re.compile(r"^\s*_rlnMicrographCoordinates\b", re.MULTILINE)


def kind_of(path: Path) -> Kind | None:
    """Tell what kind of coordinate file this is by its first bytes; None for none.

    Raises
    ------
    UnreadableFile
        When it cannot be opened, is empty, or of a kind that is never read.
    """
    with open_binary(path) as handle:
        head = handle.read(_HEAD)
    refuse_foreign(path, head)
    if head.startswith(MAGIC):
        return "cs"
    text = head.decode("utf-8-sig", errors="replace")
    if "\0" in text:
        return None
    if _BLOCK.search(text):
        return "cbox" if _CBOX.search(text) else "star"
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if lines and layout_of(lines[0]) is not None:
        return "columns"
    # Four numbers in a line can be anything: there the name has to agree.
    if lines and looks_like_boxes(lines[0]) and path.suffix.lower() in (".box", ".cbox"):
        return "box"
    return None


def is_coordinate_list(path: Path) -> bool:
    """Whether a file looks like RELION's list of coordinate files, by its first 64 KiB."""
    try:
        if kind_of(path) != "star":
            return False
        with open_binary(path) as handle:
            return bool(_LIST.search(handle.read(_HEAD).decode("utf-8", "replace")))
    except N2NError:
        return False


def is_coordinates(path: Path | str) -> bool:
    """Whether a file looks like one of positions, or a list of such, by its first 64 KiB."""
    path = Path(path)
    try:
        kind = kind_of(path)
        if kind == "cs":
            with open_binary(path) as handle:
                return b"location/center_x_frac" in handle.read(_HEAD)
        if kind == "star":
            with open_binary(path) as handle:
                head = handle.read(_HEAD).decode("utf-8", "replace")
            of_motion = _GENERAL.search(head) and _MOTION in head
            return bool(_RELION.search(head)) and not of_motion
    except N2NError:
        return False
    return kind is not None


def read_coordinates(
    path: Path | str,
    *,
    shape: tuple[int, int] | None = None,
    pixel_size_angstrom: float | None = None,
) -> list[MicrographParticles]:
    """Read particle positions; the content tells the format, and where it cannot, the extension.

    Parameters
    ----------
    path
        RELION ``.star``, also a list of such files, EMAN ``.box``, crYOLO ``.cbox``, ``.csv``,
        Topaz ``.txt`` or cryoSPARC ``.cs``; their conventions are stated in the modules of this
        package.
    shape
        (y, x) of the micrographs in px, for files that do not tell.
    pixel_size_angstrom
        Of the micrographs, Å; wins over the file's.

    Returns
    -------
    list
        One entry for each micrograph, in the order they come in the file; at least one. Scores
        that a file does not have are NaN, labels "unlabelled".

    Raises
    ------
    UnreadableFile
        When it is missing, torn, empty, hostile, of no kind that is read, or a value in it cannot
        be right.
    BadValue
        When the given pixel size or shape cannot be right.
    """
    path = Path(path)
    overridden(pixel_size_angstrom, None, ())  # says what is wrong with a pixel size
    kind = kind_of(path) or _BY_EXTENSION.get(path.suffix.lower())
    if kind is None:
        raise UnreadableFile(
            path,
            "is no coordinate file this program knows",
            "RELION .star, EMAN .box, crYOLO .cbox, .csv, Topaz .txt and cryoSPARC .cs files "
            "can be read.",
        )
    if kind == "star" and (listed := listed_files(path)):
        return [
            table
            for one in listed
            for table in read_listed(one, path, shape=shape, pixel_size=pixel_size_angstrom)
        ]
    return _read_one(path, kind, shape, pixel_size_angstrom)


def read_listed(
    one: ListedFile,
    path: Path,
    *,
    shape: tuple[int, int] | None = None,
    pixel_size: float | None = None,
) -> list[MicrographParticles]:
    """Read a file that a list at ``path`` names, as `read_coordinates` does.

    Raises
    ------
    UnreadableFile
        It is missing, or cannot be read.
    """
    if not one.path.is_file():
        raise missing(one, path)
    kind = kind_of(one.path) or _BY_EXTENSION.get(one.path.suffix.lower(), "star")
    tables = _read_one(one.path, kind, shape, pixel_size)
    # As RELION does, which takes the list's word for whose they are.
    return [table.named(one.micrograph) for table in tables]


def _read_one(
    path: Path, kind: Kind, shape: tuple[int, int] | None, pixel_size_angstrom: float | None
) -> list[MicrographParticles]:
    with parsing(path, "coordinates"):
        tables = _read(path, kind, shape, pixel_size_angstrom)
    return [
        replace(
            one,
            pixel_size_angstrom=pixel_size_angstrom or one.pixel_size_angstrom,
            shape=one.shape or shape,
        )
        for one in tables
    ]


def _read(
    path: Path, kind: Kind, shape: tuple[int, int] | None, pixel_size_angstrom: float | None
) -> list[MicrographParticles]:
    if kind == "cbox":
        return [read_cbox(path, pixel_size_angstrom=pixel_size_angstrom)]
    if kind == "box":
        return [read_box(path, pixel_size_angstrom=pixel_size_angstrom)]
    if kind == "cs":
        return read_cs(path, shape=shape)
    return read_star(path) if kind == "star" else read_columns(path)
