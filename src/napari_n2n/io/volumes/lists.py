"""Halves of volumes that are listed: by RELION 5, IsoNet2 and cryoCARE.

Sources: RELION 5 (``metadata_label.h``, ``tomogram_set.cpp``: block ``global``; half 1 is of the
even frames or tilts, half 2 of the odd ones; files are named from the project's folder); IsoNet2
(``isonet.py prepare_star``: the same columns, the whole in ``rlnTomoName``, ``None`` where there is
no file); cryoCARE (README: ``even`` and ``odd`` are lists in one order, and in the settings for
prediction perhaps single files or folders).
"""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.lists import folder_of_names
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.finding import files_in, stem_of
from napari_n2n.io.half_names import split_half
from napari_n2n.io.pixel_size import is_plausible
from napari_n2n.io.star import blocks_of
from napari_n2n.io.volumes.pairs import VolumePair, VolumePairs

if TYPE_CHECKING:
    from napari_n2n.io.star import StarTable

LIST_SUFFIXES = (".star", ".json")
TOMOGRAMS_STAR = "tomograms.star"
"""What RELION 5 and IsoNet2 call their lists."""
GLOBAL = "global"
"""RELION's block of tomograms."""
NAME, WHOLE = "rlnTomoName", "rlnTomoReconstructedTomogram"
HALF_1, HALF_2 = f"{WHOLE}Half1", f"{WHOLE}Half2"
NOTHING = ("None", "N/A", "")
"""What stands in a column where there is no file."""


def listed_pairs(path: Path) -> VolumePairs:
    """Return the pairs that a list names, whether or not the files are there.

    Raises
    ------
    UnreadableFile
        It is torn or damaged, or no list of halves.
    """
    if path.suffix.lower() == ".json":
        with parsing(path, "settings in JSON"):
            return _of_cryocare(path)
    with parsing(path, "a STAR file"):
        return _of_star(path)


def lists_halves(path: Path) -> bool:
    """Whether a file is there, and a list of halves."""
    with suppress(UnreadableFile):
        return path.is_file() and len(listed_pairs(path)) > 0
    return False


def tomograms_in(path: Path) -> StarTable | None:
    """Return the table of tomograms of a STAR file, if it has one.

    Raises
    ------
    UnreadableFile
        It is torn or damaged.
    """
    with parsing(path, "a STAR file"):
        blocks = blocks_of(path, read_text(path))
    tables = [*([blocks[GLOBAL]] if GLOBAL in blocks else []), *blocks.values()]
    return next((table for table in tables if NAME in table or HALF_1 in table), None)


def _of_star(path: Path) -> VolumePairs:
    """Understand the list of RELION 5 or IsoNet2."""
    table = tomograms_in(path)
    if table is None or HALF_1 not in table or HALF_2 not in table:
        raise UnreadableFile(
            path,
            f"lists no halves of tomograms ({HALF_1}, {HALF_2})",
            "In RELION 5 reconstruct them with halves for denoising, and give that tomograms.star.",
        )
    rows = [table.row(number) for number in range(len(table))]
    named = [row for row in rows if not {row[HALF_1], row[HALF_2]} & {*NOTHING}]
    without = [row.get(NAME, "?") for row in rows if row not in named]
    folder = folder_of_names(path, [row[HALF_1] for row in named])
    problems = [
        UnreadableFile(path, f"names no halves of {name}", "It is left out.") for name in without
    ]
    return VolumePairs((_pair_of(row, folder) for row in named), problems=problems)


def _pair_of(row: dict[str, str], folder: Path) -> VolumePair:
    """Understand a row, of RELION or of IsoNet2."""
    whole, name = row.get(WHOLE, "None"), row.get(NAME, "None")
    if WHOLE not in row and (name in NOTHING or stem_of(Path(name)) != Path(name).name):
        whole = name
        name = split_half(stem_of(Path(row[HALF_1] if name in NOTHING else name)))[0]
    return VolumePair(
        name,
        odd=folder / row[HALF_2],
        even=folder / row[HALF_1],
        full=None if whole in NOTHING else folder / whole,
        voxel_size_angstrom=_voxel_size(row),
    )


def _voxel_size(row: dict[str, str]) -> float | None:
    """Return what a row says of it (Å): IsoNet2 at once, RELION with the tilt series' pixels."""
    with suppress(KeyError, ValueError):
        size = float(row["rlnPixelSize"])
        return size if is_plausible(size) else None
    with suppress(KeyError, ValueError):
        size = float(row["rlnTomoTiltSeriesPixelSize"]) * float(row["rlnTomoTomogramBinning"])
        return size if math.isfinite(size) and is_plausible(size) else None
    return None


def _of_cryocare(path: Path) -> VolumePairs:
    """Understand the settings of cryoCARE's extraction or prediction."""
    settings = json.loads(read_text(path))
    sides = [settings.get(key) for key in ("odd", "even")] if isinstance(settings, dict) else []
    names = [[side] if isinstance(side, str) else side for side in sides]
    if not names or not all(
        isinstance(side, list) and side and all(isinstance(one, str) for one in side)
        for side in names
    ):
        raise UnreadableFile(
            path, 'has no "odd" and "even"', "Give cryoCARE's settings for its training data."
        )
    odd, even = ([str(one) for one in side or ()] for side in names)
    folder = _folder_around(path, odd[0])
    odd_files, even_files = ([folder / name for name in side] for side in (odd, even))
    if len(odd) == len(even) == 1 and odd_files[0].is_dir() and even_files[0].is_dir():
        return _of_folders(odd_files[0], even_files[0])
    if len(odd) != len(even):
        raise UnreadableFile(
            path,
            f"names {len(odd)} odd tomograms and {len(even)} even ones",
            "List them in one order, as many of the one as of the other.",
        )
    return VolumePairs(
        VolumePair(split_half(stem_of(a))[0], odd=a, even=b)
        for a, b in zip(odd_files, even_files, strict=True)
    )


def _of_folders(odd: Path, even: Path) -> VolumePairs:
    """Pair the files of two folders by their names."""
    a, b = (
        {split_half(stem_of(one))[0]: one for one in files_in(side, everything=True)}
        for side in (odd, even)
    )
    return VolumePairs(
        (VolumePair(name, odd=a[name], even=b[name]) for name in sorted(a.keys() & b.keys())),
        lonely=[*(a[x] for x in sorted(a.keys() - b)), *(b[x] for x in sorted(b.keys() - a))],
    )


def _folder_around(path: Path, name: str) -> Path:
    """Return the folder from which settings name files: their own, one around, or the current."""
    around = [*path.absolute().parents, Path.cwd()]
    return next((folder for folder in around if (folder / name).exists()), path.absolute().parent)
