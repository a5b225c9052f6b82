"""Telling files of positions in tomograms apart by what is in them, and reading them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.coordinates.text import parsing, read_text, refuse_foreign
from napari_n2n.io.coordinates.tomograms.columns import layout_of, read_columns
from napari_n2n.io.coordinates.tomograms.copick import read_copick
from napari_n2n.io.coordinates.tomograms.dynamo import looks_like_table, read_tbl
from napari_n2n.io.coordinates.tomograms.imod import MAGIC, read_mod
from napari_n2n.io.coordinates.tomograms.star import particles_in, read_tomogram_star
from napari_n2n.io.coordinates.tomograms.text import looks_like_coords, read_coords
from napari_n2n.io.limits import open_binary
from napari_n2n.io.pixel_size import overridden
from napari_n2n.io.star import blocks_of

if TYPE_CHECKING:
    from napari_n2n.io.coordinates.tomograms.model import TomogramParticles

Kind = Literal["star", "mod", "tbl", "json", "coords", "csv"]

_HEAD = 2**16
_TBL, _STAR = ".tbl", ".star"
# Three numbers in a line can be anything: there the name has to agree.
_BARE = (".coords", ".coord", ".pos", ".pts", ".txt")


def kind_of(path: Path) -> Kind | None:
    """Tell what kind of file of positions in tomograms this is; None for none.

    Raises
    ------
    UnreadableFile
        When it cannot be opened, is empty, or of a kind that is never read.
    """
    with open_binary(path) as handle:
        head = handle.read(_HEAD)
    refuse_foreign(path, head)
    if head.startswith(MAGIC):
        return "mod"
    text = head.decode("utf-8-sig", errors="replace")
    if "\0" in text:
        return None
    if text.lstrip().startswith("{"):
        return "json" if _is_picks(path) else None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if any(line.strip().startswith("data_") for line in lines):
        return "star" if _has_depth(path) else None
    first = lines[0] if lines else ""
    if path.suffix.lower() == _TBL:
        return "tbl" if looks_like_table(first) else None
    if layout_of(first) is not None:
        return "csv"
    return "coords" if looks_like_coords(first) and path.suffix.lower() in _BARE else None


def _is_picks(path: Path) -> bool:
    try:
        told = json.loads(read_text(path))
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and {"pickable_object_name", "points"} <= {*told}


def _has_depth(path: Path) -> bool:
    with parsing(path, "a STAR file"):
        return particles_in(blocks_of(path, read_text(path))) is not None


def holds_tomogram_particles(path: Path | str) -> bool:
    """Whether a file holds positions in tomograms."""
    try:
        return kind_of(Path(path)) is not None
    except N2NError:
        return False


def read_tomogram_particles(
    path: Path | str,
    *,
    voxel_size_angstrom: float | None = None,
    shape: tuple[int, int, int] | None = None,
) -> list[TomogramParticles]:
    """Read positions of particles in tomograms; the content tells the format.

    Parameters
    ----------
    path
        ``.star`` of RELION 5 or 4, Warp, M or PyTom, IMOD's ``.mod``, Dynamo's ``.tbl``, copick's
        ``.json``, ``.coords`` or CSV; their conventions are stated in the modules of this package.
    voxel_size_angstrom
        Of the tomograms, Å; wins over the file's.
    shape
        (z, y, x) of the tomograms in voxels, for files that do not tell.

    Returns
    -------
    list
        One entry for each tomogram, in the order they come in the file; at least one. Where
        voxel size or shape is needed and not known, centres are in Å: see `TomogramParticles`.

    Raises
    ------
    UnreadableFile
        When it is missing, torn, empty, of no kind that is read, or a value cannot be right.
    BadValue
        When the given voxel size or shape cannot be right.
    """
    path = Path(path)
    overridden(voxel_size_angstrom, None, ())  # says what is wrong with a voxel size
    kind = kind_of(path)
    if kind is None:
        raise UnreadableFile(
            path,
            "holds no positions in tomograms that this program knows",
            "RELION's and Warp's .star, IMOD's .mod, Dynamo's .tbl, copick's .json, .coords and "
            "CSV can be read.",
        )
    with parsing(path, "positions in tomograms"):
        tables = _read(path, kind)
    return [_completed(one, voxel_size_angstrom, shape) for one in tables]


def _completed(
    one: TomogramParticles, voxel_size: float | None, shape: tuple[int, int, int] | None
) -> TomogramParticles:
    one = replace(
        one,
        voxel_size_angstrom=voxel_size or one.voxel_size_angstrom,
        shape=one.shape or shape,
    )
    return one.in_voxels() if one.is_placed else one


def _read(path: Path, kind: Kind) -> list[TomogramParticles]:
    if kind == "star":
        return read_tomogram_star(path)
    if kind == "tbl":
        return read_tbl(path)
    if kind == "csv":
        return read_columns(path)
    return [{"mod": read_mod, "json": read_copick, "coords": read_coords}[kind](path)]
