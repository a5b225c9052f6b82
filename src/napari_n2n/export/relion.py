"""Kept micrographs or movies as RELION's import writes them: optics groups and a list of names.

What ``relion_import`` writes (src/apps/import.cpp, RELION 3.1 to 5): a block ``optics`` with name,
number, pixel size, voltage, spherical aberration and amplitude contrast, and a block ``movies``
with ``rlnMicrographMovieName`` or ``micrographs`` with ``rlnMicrographName``, each row with its
optics group. Movies have ``rlnMicrographOriginalPixelSize`` only, micrographs also
``rlnMicrographPixelSize``. Names are relative to the project's folder, from which all of RELION's
programs are run; its import refuses absolute names and ``..``, and recommends a symbolic link
within the project to data that lies elsewhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from napari_n2n.errors import BadValue, UnreadableFile, WriteProblem
from napari_n2n.export.selection import (
    ExportOutcome,
    SelectedMicrographs,
    choose,
    counted,
    files_of,
    named,
    with_files,
)
from napari_n2n.io import inspect_file
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.coordinates.model import Optics
from napari_n2n.io.coordinates.star_writing import block, is_name, optics_columns, quoted
from napari_n2n.io.outputs import sealed
from napari_n2n.io.pixel_size import is_plausible

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.session.session import Session

Kind = Literal["movies", "micrographs"]

_PROJECT_MARK = "default_pipeline.star"
_NAME = {"movies": "rlnMicrographMovieName", "micrographs": "rlnMicrographName"}
_SIZES = {
    "movies": ("rlnMicrographOriginalPixelSize",),
    "micrographs": ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"),
}


def write_relion(
    path: Path | str,
    session: Session,
    ids: ArrayLike | None = None,
    *,
    kind: Kind | None = None,
    project: Path | str | None = None,
    optics: Optics | None = None,
    pixel_size_angstrom: float | None = None,
) -> ExportOutcome:
    """Write ``movies.star`` or ``micrographs.star`` for RELION.

    Parameters
    ----------
    path
        Where to.
    ids
        Of the micrographs to be listed; by default the kept ones.
    kind
        What they are; by default that is found out: what drifted, or whose header says so, is a
        movie.
    project
        RELION's project folder, to which the names are relative. By default the folder around
        `path` that holds ``default_pipeline.star``, or else that of `path` itself.
    optics
        By default 300 kV, 2.7 mm spherical aberration, 0.1 amplitude contrast, group
        ``opticsGroup1``. Further pixel sizes get groups ``opticsGroup1-2``, …
    pixel_size_angstrom
        Of all of them, Å; by default as the session knows them.

    Raises
    ------
    BadValue
        An unknown id or kind, or a pixel size that cannot be right.
    WriteProblem
        None is kept; a pixel size is unknown; movies and micrographs are mixed; a file lies
        outside the given project, or has a name that STAR cannot hold; or the disk refuses.
        Whatever was at `path` is untouched.
    """
    path = Path(path)
    if kind is not None and kind not in get_args(Kind):
        raise BadValue(f"{kind!r} is neither movies nor micrographs.")
    if pixel_size_angstrom is not None and not is_plausible(pixel_size_angstrom):
        raise BadValue(f"A pixel size of {pixel_size_angstrom} Å cannot be right.")
    chosen, notes = with_files(choose(session, ids, path), path)
    kind = kind or _kind_of(chosen, path)
    files = files_of(chosen)
    names, outside = _names(path, files, project)
    sizes = _sizes(path, session, chosen, pixel_size_angstrom)
    groups = {size: number for number, size in enumerate(dict.fromkeys(sizes), 1)}
    listed = {
        _NAME[kind]: [quoted(name) for name in names],
        "rlnOpticsGroup": [str(groups[size]) for size in sizes],
    }
    described = optics_columns({**groups}, optics or Optics(), _SIZES[kind])
    text = "# version 30001\n" + block("optics", described)
    text += "\n# version 30001\n" + block(kind, listed)
    with write_atomically(path) as beside:
        beside.write_text(sealed(text), encoding="utf-8", newline="\n")
    what = counted(len(names), kind.removesuffix("s"))
    return ExportOutcome(path, len(names), f"{what} listed in {path}.", (*notes, *outside))


def list_paths(path: Path, kinds: Collection[Kind]) -> dict[Kind, Path]:
    """Return where `write_relion_lists` writes what is of these kinds."""
    if len(kinds) < 2:
        return dict.fromkeys(kinds, path)
    return {kind: path.with_name(f"{path.stem}_{kind}.star") for kind in kinds}


def write_relion_lists(
    path: Path | str,
    session: Session,
    ids: ArrayLike | None = None,
    *,
    kinds: Mapping[Kind, NDArray[np.int64]] | None = None,
    **how: Any,
) -> ExportOutcome:
    """Write a list for each kind that is there: RELION has one for movies and one for images.

    Parameters
    ----------
    path
        Where to, if all are of one kind. Else ``NAME_movies.star`` and ``NAME_micrographs.star``
        beside it.
    kinds
        What `by_kind` said of ``ids``, if it was asked: it opens all files.
    ids, how
        As of `write_relion`, which says what is raised.
    """
    path = Path(path)
    kinds = by_kind(session, ids) if kinds is None else kinds
    if len(kinds) < 2:
        return write_relion(path, session, ids, kind=next(iter(kinds), None), **how)
    paths = list_paths(path, kinds)
    done = [
        write_relion(paths[kind], session, some, kind=kind, **how) for kind, some in kinds.items()
    ]
    chosen = choose(session, ids, path)
    listed = np.concatenate(list(kinds.values()))
    left_out = [chosen.overview.names[row] for row in chosen.rows[~np.isin(chosen.ids, listed)]]
    told = f"In no list, as they cannot be read: {named(left_out)}." if left_out else ""
    return ExportOutcome(
        done[0].path,
        sum(one.count for one in done),
        " ".join(one.sentence for one in done),
        tuple(dict.fromkeys(filter(None, (told, *(note for one in done for note in one.notes))))),
    )


def by_kind(session: Session, ids: ArrayLike | None = None) -> dict[Kind, NDArray[np.int64]]:
    """Return which micrographs are movies and which single images: each kind has its own list.

    Files that cannot be read, and pictures without a file, are in neither; a kind of which there
    are none is missing, both where nothing is kept.

    Parameters
    ----------
    ids
        Of the micrographs that are asked about; by default the kept ones.

    Raises
    ------
    BadValue
        An unknown id.
    """
    try:
        chosen, _ = with_files(choose(session, ids, session.path), session.path)
    except WriteProblem:
        return {}  # nothing is there to be written
    return {kind: chosen.ids[places] for kind, places in _rows_of_kinds(chosen).items()}


def project_of(path: Path) -> Path:
    """Return the RELION project around a file, known by its pipeline; else the file's folder."""
    folder = path.absolute().parent
    return next((f for f in (folder, *folder.parents) if (f / _PROJECT_MARK).is_file()), folder)


class Project:
    """A RELION project folder, and what files are called in it.

    Links to folders that lie directly in the project are ways into it, as RELION wants them.

    Parameters
    ----------
    folder
        From which RELION is run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ways = [(Path(), Path(os.path.realpath(folder)))]
        try:
            items = sorted(folder.iterdir())
        except OSError:
            items = []
        self._ways += [
            (Path(item.name), Path(os.path.realpath(item)))
            for item in items
            if item.is_symlink() and item.is_dir()
        ]

    def name_of(self, file: Path) -> str | None:
        """Return the name of a file: relative, with slashes; None if it is outside."""
        found = Path(os.path.realpath(file.parent)) / file.name
        for way, real in self._ways:
            if found.is_relative_to(real):
                return (way / found.relative_to(real)).as_posix()
        return None


def _names(
    path: Path, files: Sequence[Path], given: Path | str | None
) -> tuple[list[str], tuple[str, ...]]:
    """Return what RELION shall call the files, and a note where it may not find them."""
    project = Project(project_of(path) if given is None else Path(given))
    names, outside = [], []
    for file in files:
        name = project.name_of(file)
        if name is None:
            outside.append(file)
        names.append(str(file) if name is None else name)
        if not is_name(names[-1]):
            raise WriteProblem(
                path,
                f"was not written: a STAR file cannot hold all signs of {names[-1]!r}",
                "Rename the file, without quotes, # and unusual blanks.",
            )
    if not outside:
        return names, ()
    folder = outside[0].parent
    link = f'ln -s "{folder}" "{project.folder / folder.name}"'
    if given is not None:
        raise WriteProblem(
            path,
            f"was not written: {named([file.name for file in outside])} lie outside the project "
            f"{project.folder}",
            f"Link their folder into it ({link}) and try again.",
        )
    return names, (
        f"{counted(len(outside), 'file')} outside {project.folder} got absolute paths, which "
        f"RELION's import refuses. Link their folder into the project ({link}) and export again.",
    )


def _rows_of_kinds(chosen: SelectedMicrographs) -> dict[Kind, list[int]]:
    """Return the places among the chosen of movies and of micrographs."""
    moved = np.isfinite(chosen.figure("drift_total_angstrom"))
    kinds: dict[Kind, list[int]] = {}
    for place, (file, drifted) in enumerate(zip(files_of(chosen), moved, strict=True)):
        try:
            movie = bool(drifted) or inspect_file(file).kind == "movie"
        except UnreadableFile:
            continue  # it is not there, or torn: the others tell
        kinds.setdefault("movies" if movie else "micrographs", []).append(place)
    return kinds


def _kind_of(chosen: SelectedMicrographs, path: Path) -> Kind:
    """Find out whether the files are movies or micrographs."""
    kinds = _rows_of_kinds(chosen)
    if len(kinds) != 1:
        names = [file.name for file in files_of(chosen)]
        mixed = " and ".join(
            f"{kind} ({named([names[place] for place in places])})"
            for kind, places in kinds.items()
        )
        fault = f"there are {mixed}" if kinds else "none of the files can be read"
        raise WriteProblem(
            path,
            f"was not written: {fault}",
            "Say whether they are movies or micrographs, or choose those of one kind.",
        )
    return next(iter(kinds))


def _sizes(
    path: Path, session: Session, chosen: SelectedMicrographs, pixel_size_angstrom: float | None
) -> list[float | None]:
    """Return (n,) pixel sizes, Å, all of them known."""
    if pixel_size_angstrom is not None:
        return [float(pixel_size_angstrom)] * len(chosen)
    records = {record.id: record for record in session.micrographs.records()}
    found = [records[int(number)] for number in chosen.ids]
    unknown = [record.name for record in found if record.pixel_size_angstrom is None]
    if unknown:
        raise WriteProblem(
            path,
            f"was not written: the pixel size of {named(unknown)} is unknown",
            "Give the pixel size, in Å.",
        )
    return [record.pixel_size_angstrom for record in found]
