"""RELION 5's lists of coordinate files, which name one file for each micrograph.

A list is a STAR file with the block ``coordinate_files`` and the columns ``rlnMicrographName`` and
``rlnMicrographCoordinates``: automatic and manual picking write it (``autopick.star``,
``manualpick.star``), and *Particle extraction* asks for it as *Input coordinates*. RELION's
programs run in the project's folder, and so the names count from there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import FileProblem, UnreadableFile
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.outputs import made_by_us, sealed
from napari_n2n.io.star import StarTable, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LIST_NAME = "autopick.star"
"""What a list is called that lies beside the files it names, as RELION's own."""

_BLOCK = "coordinate_files"
_MICROGRAPH, _FILE = "rlnMicrographName", "rlnMicrographCoordinates"
_PROJECT = "default_pipeline.star"


@dataclass(frozen=True)
class ListedFile:
    """A micrograph as RELION calls it, and the file of its particles."""

    micrograph: str
    path: Path


def listed_files(path: Path) -> list[ListedFile]:
    """Read a list: which file holds the particles of which micrograph; empty if it is no list.

    The files' names are looked for in the folders around the list, the nearest first, and then
    in the one that the program runs in: one of them is the project's.

    Raises
    ------
    UnreadableFile
        It is torn or damaged.
    """
    with parsing(path, "a STAR file"):
        table = _table(blocks_of(path, read_text(path)))
    if table is None:
        return []
    names = table.words(_FILE)
    folder = folder_of_names(path, names)
    pairs = zip(table.words(_MICROGRAPH), names, strict=True)
    return [ListedFile(micrograph, folder / name) for micrograph, name in pairs]


def write_list(folder: Path, files: Iterable[tuple[str, Path]]) -> Path:
    """Write the list of the coordinate files in a folder, given with their micrographs' names.

    An earlier list there by this program is gone on with: what it names, and is still there, is
    kept.

    Raises
    ------
    WriteProblem
        The disk refuses, or somebody else's list is there.
    """
    path = folder / LIST_NAME
    known: dict[str, str] = {}
    if path.is_file() and made_by_us(path):
        with suppress(FileProblem):
            earlier = [one for one in listed_files(path) if one.path.is_file()]
            known = {one.micrograph: _from_project(one.path) for one in earlier}
    known |= {micrograph: _from_project(file) for micrograph, file in files}
    table = StarTable.of({_MICROGRAPH: [*known], _FILE: [*known.values()]})
    with write_atomically(path) as beside:
        text = sealed("# version 30001\n" + table.text(_BLOCK))
        beside.write_text(text, encoding="utf-8", newline="\n")
    return path


def _table(blocks: dict[str, StarTable]) -> StarTable | None:
    named = [blocks[_BLOCK]] if _BLOCK in blocks else []
    tables = (*named, *blocks.values())
    return next((one for one in tables if _MICROGRAPH in one and _FILE in one), None)


def folder_of_names(path: Path, names: Sequence[str]) -> Path:
    """Return the folder from which the files of a list are named."""
    around = [*path.absolute().parents, Path.cwd()]
    for name in names[:3]:  # some may be missing
        for folder in around:
            if (folder / name).is_file():
                return folder
    projects = (folder for folder in around if (folder / _PROJECT).is_file())
    return next(projects, Path.cwd())


def _from_project(file: Path) -> str:
    """Name a file as RELION does, from its project's folder, or in full if there is none around.

    Without a project around it, the folder that the program runs in counts as one.
    """
    file = file.parent.resolve() / file.name
    projects = (folder for folder in file.parents if (folder / _PROJECT).is_file())
    project = next(projects, Path.cwd())
    return file.relative_to(project).as_posix() if file.is_relative_to(project) else str(file)


def missing(one: ListedFile, path: Path) -> UnreadableFile:
    """Return what to say of a list that names a file which is not there."""
    return UnreadableFile(
        path,
        f"names {one.path.name} for {one.micrograph}, and {one.path} does not exist",
        "Keep the list where it was in RELION's project, or give the coordinate files themselves.",
    )
