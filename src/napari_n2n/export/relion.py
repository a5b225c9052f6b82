"""Kept micrographs or movies as RELION's import writes them: optics groups and a list of names.

What ``relion_import`` writes (src/apps/import.cpp, RELION 3.1 to 5): a block ``optics`` with name,
number, pixel size, voltage, spherical aberration and amplitude contrast, and a block ``movies``
with ``rlnMicrographMovieName`` or ``micrographs`` with ``rlnMicrographName``, each row with its
optics group. Movies have ``rlnMicrographOriginalPixelSize`` only, micrographs also
``rlnMicrographPixelSize``. Names are relative to the project's folder, from which all of RELION's
programs are run; its import refuses absolute names and ``..``, and recommends a symbolic link
within the project to data that lies elsewhere.

Micrographs that a STAR file named go out as they came in: their rows with all columns, CTF and
metadata among them, and their optics groups. Of others nothing is said but what is known: without
the microscope's settings, groups tell the pixel size only, and RELION asks for the rest.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from napari_n2n.errors import BadValue, UnreadableFile, WriteProblem
from napari_n2n.export.eer import upsampling_notes
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
from napari_n2n.io.coordinates.optics import GROUP, OpticsGroups, described
from napari_n2n.io.outputs import sealed
from napari_n2n.io.pixel_size import is_plausible
from napari_n2n.io.star import StarTable, is_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.io.coordinates.model import Optics
    from napari_n2n.session.origins import StarList, StarOrigin
    from napari_n2n.session.session import Session

Kind = Literal["movies", "micrographs"]
RelionList: TypeAlias = "tuple[str, Kind, NDArray[np.int64]]"

_VERSION = "# version 30001\n"
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
        How the microscope was set; further pixel sizes get groups of their own, ``-2``, … By
        default, and for those that came from a STAR file, the groups are that file's, or tell the
        pixel size only.
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
    known = session.origins.all()
    origins = [known.get(int(number)) for number in chosen.ids]
    listed = [one for one in origins if one is not None]
    if listed and (kind is None or kind == _kind_in(listed[0].list)):
        if len(listed) < len(chosen) or len({_fits(one.list) for one in listed}) > 1:
            raise WriteProblem(
                path,
                "was not written: what STAR files say of some micrographs, they do not say of "
                "others",
                "Write them apart, each with its own columns.",
            )
        text = _rows_text(path, listed)
        if optics is not None or pixel_size_angstrom is not None:
            notes = (*notes, "The optics groups are those of the STAR file they came from.")
        kind = _kind_in(listed[0].list)
    else:
        text, kind, said = _new_text(
            path, session, chosen, kind, project, optics, pixel_size_angstrom
        )
        notes = (*notes, *said)
    with write_atomically(path) as beside:
        beside.write_text(sealed(text), encoding="utf-8", newline="\n")
    notes = (*notes, *upsampling_notes(session, chosen.ids))
    what = counted(len(chosen), kind.removesuffix("s"))
    return ExportOutcome(path, len(chosen), f"{what} listed in {path}.", notes)


def _new_text(
    path: Path,
    session: Session,
    chosen: SelectedMicrographs,
    kind: Kind | None,
    project: Path | str | None,
    optics: Optics | None,
    pixel_size_angstrom: float | None,
) -> tuple[str, Kind, tuple[str, ...]]:
    """Return the list of micrographs that no STAR file named, what they are, and what to note."""
    kind = kind or _kind_of(chosen, path)
    names, notes = _names(path, files_of(chosen), project)
    sizes = _sizes(path, session, chosen, pixel_size_angstrom)
    groups, numbers = described(sizes, optics, _SIZES[kind])
    table = StarTable.of({_NAME[kind]: names, GROUP: numbers})
    if optics is None:
        notes = (
            *notes,
            "The microscope's settings are not known and were left out, and RELION will ask for "
            "them: give --voltage, --cs and --amplitude-contrast to napari-n2n export.",
        )
    text = _VERSION + groups.text("optics") + "\n" + _VERSION + table.text(kind)
    return text, kind, notes


def _kind_in(one: StarList) -> Kind:
    return "movies" if _NAME["movies"] in one.labels else "micrographs"


def _fits(one: StarList) -> tuple[object, ...]:
    """Return what rows must have in common to stand in one table."""
    return (one.block, one.labels, one.optics is None)


def _rows_text(path: Path, origins: Sequence[StarOrigin]) -> str:
    """Return the rows of micrographs as they stood in their STAR files, with their groups."""
    first = origins[0].list
    table = StarTable(first.labels, tuple(one.line for one in origins))
    if first.optics is None or GROUP not in table:
        return first.version + table.text(first.block)
    groups = OpticsGroups()
    numbers = []
    try:
        for one in origins:
            numbers.append(groups.number_of(one.optics_group or {GROUP: one.row[GROUP]}))
    except BadValue as problem:
        raise WriteProblem(path, "was not written", str(problem)) from problem
    lists = dict.fromkeys(one.list for one in origins)
    groups.add_rest(one.optics_table for one in lists if one.optics_table is not None)
    table = table.with_columns({GROUP: numbers})
    optics = groups.table().text("optics")
    return f"{first.version}{optics}\n{first.version}{table.text(first.block)}"


def list_paths(path: Path, lists: Sequence[RelionList]) -> list[Path]:
    """Return where `write_relion_lists` writes these lists."""
    if len(lists) < 2:
        return [path] * len(lists)
    return [path.with_name(f"{path.stem}_{name}.star") for name, _, _ in lists]


def write_relion_lists(
    path: Path | str,
    session: Session,
    ids: ArrayLike | None = None,
    *,
    lists: Sequence[RelionList] | None = None,
    **how: Any,
) -> ExportOutcome:
    """Write a list for each kind that is there: RELION has one for movies and one for images.

    Parameters
    ----------
    path
        Where to, if all are of one kind. Else ``NAME_movies.star`` and ``NAME_micrographs.star``
        beside it.
    lists
        What `relion_lists` said of ``ids``, if it was asked: it opens all files.
    ids, how
        As of `write_relion`, which says what is raised.
    """
    path = Path(path)
    lists = relion_lists(session, ids) if lists is None else lists
    if len(lists) < 2:
        return write_relion(path, session, ids, kind=lists[0][1] if lists else None, **how)
    paths = list_paths(path, lists)
    done = [
        write_relion(where, session, some, kind=kind, **how)
        for where, (_, kind, some) in zip(paths, lists, strict=True)
    ]
    chosen = choose(session, ids, path)
    listed = np.concatenate([some for _, _, some in lists])
    left_out = [chosen.overview.names[row] for row in chosen.rows[~np.isin(chosen.ids, listed)]]
    told = f"In no list, as they cannot be read: {named(left_out)}." if left_out else ""
    return ExportOutcome(
        done[0].path,
        sum(one.count for one in done),
        " ".join(one.sentence for one in done),
        tuple(dict.fromkeys(filter(None, (told, *(note for one in done for note in one.notes))))),
    )


def relion_lists(session: Session, ids: ArrayLike | None = None) -> list[RelionList]:
    """Return the lists that are to be written: what each is called, its kind, its micrographs.

    Those that came from STAR files of other columns, or from none, have lists of their own.
    """
    origins = session.origins.all()
    lists = []
    for kind, some in by_kind(session, ids).items():
        apart: dict[object, list[int]] = {}
        for number in some.tolist():
            origin = origins.get(number)
            apart.setdefault(None if origin is None else _fits(origin.list), []).append(number)
        for count, those in enumerate(apart.values(), 1):
            name = kind if count == 1 else f"{kind}_{count}"
            lists.append((name, kind, np.array(those, np.int64)))
    return lists


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
    kinds = _rows_of_kinds(chosen, session.origins.all())
    return {kind: chosen.ids[places] for kind, places in kinds.items()}


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
                "Rename the file, without unusual blanks or both kinds of quotes.",
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


def _rows_of_kinds(
    chosen: SelectedMicrographs, origins: Mapping[int, StarOrigin]
) -> dict[Kind, list[int]]:
    """Return the places among the chosen of movies and of micrographs."""
    moved = np.isfinite(chosen.figure("drift_total_angstrom"))
    kinds: dict[Kind, list[int]] = {}
    for place, (file, drifted) in enumerate(zip(files_of(chosen), moved, strict=True)):
        origin = origins.get(int(chosen.ids[place]))
        if origin is not None:
            kinds.setdefault(_kind_in(origin.list), []).append(place)
            continue
        try:
            movie = bool(drifted) or inspect_file(file).kind == "movie"
        except UnreadableFile:
            continue  # it is not there, or torn: the others tell
        kinds.setdefault("movies" if movie else "micrographs", []).append(place)
    return kinds


def _kind_of(chosen: SelectedMicrographs, path: Path) -> Kind:
    """Find out whether the files are movies or micrographs."""
    kinds = _rows_of_kinds(chosen, {})
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
