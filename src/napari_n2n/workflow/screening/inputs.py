"""What a person names to be screened: files, a folder, a pattern, or a RELION STAR file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import expand_inputs, files_in
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.finding import PATTERN_SIGNS
from napari_n2n.io.own_results import recorded
from napari_n2n.io.pixel_size import is_plausible
from napari_n2n.io.star import StarTable, blocks_of, version_of
from napari_n2n.session import StarList, StarOrigin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_n2n.session import Session

_MOVIE, _MICROGRAPH = "rlnMicrographMovieName", "rlnMicrographName"
_SIZES = {
    _MOVIE: ("rlnMicrographOriginalPixelSize", "rlnMicrographPixelSize"),
    _MICROGRAPH: ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"),
}
_GROUP, _SELECTED = "rlnOpticsGroup", "rlnSelected"
# A table that has one of these is of particles: it has a row for each of them.
_OF_PARTICLES = ("rlnCoordinateX", "rlnImageName")


@dataclass(frozen=True)
class Inputs:
    """The files to be screened, each once, and what was said of them.

    Attributes
    ----------
    paths
        The files.
    pixel_sizes
        Å, of those of which a STAR file tells it.
    origins
        The rows of those that a list of micrographs or movies names.
    notes
        Sentences for the user.
    """

    paths: tuple[Path, ...]
    pixel_sizes: Mapping[Path, float] = field(default_factory=dict)
    origins: Mapping[Path, StarOrigin] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def pixel_size_angstrom(self) -> float | None:
        """Å, where it was told of all files and is one."""
        sizes = {self.pixel_sizes.get(path) for path in self.paths}
        return sizes.pop() if len(sizes) == 1 else None

    def keep_origins(self, session: Session) -> None:
        """Keep in a session which rows its micrographs came from, to be handed on as they were.

        Raises
        ------
        WriteProblem
            The session cannot be written.
        """
        if self.origins:
            ids = session.micrographs.add_files(self.origins).tolist()
            session.origins.keep(dict(zip(ids, self.origins.values(), strict=True)))


def inputs_of(given: Path | str | Sequence[Path | str], *, gain: Path | None = None) -> Inputs:
    """Turn what a person named into files.

    Parameters
    ----------
    given
        One or several of: a micrograph or movie; a folder (its image files, oldest first, less
        what `napari_n2n.io.files_in` and `napari_n2n.io.own_results` leave out; PNG and JPEG only
        where there are no others, as they mostly show what lies beside them); a pattern as
        ``"night/*.tif"``; a STAR file of movies, micrographs or particles
        (``rlnMicrographMovieName``, ``rlnMicrographName``).
    gain
        The movies' gain reference, which is none of a folder's files.

    Raises
    ------
    UnreadableFile
        There is no such file, or nothing in it.
    """
    several = [given] if isinstance(given, (str, Path)) else list(given)
    paths: dict[Path, None] = {}
    sizes: dict[Path, float] = {}
    origins: dict[Path, StarOrigin] = {}
    notes: list[str] = []
    for item in several:
        found = _inputs(Path(item), gain)
        paths.update(dict.fromkeys(path.absolute() for path in found.paths))
        sizes.update((path.absolute(), size) for path, size in found.pixel_sizes.items())
        origins.update((path.absolute(), one) for path, one in found.origins.items())
        notes += found.notes
    return Inputs(tuple(paths), sizes, origins, tuple(notes))


def _inputs(item: Path, gain: Path | None) -> Inputs:
    if item.is_dir():
        listed = files_in(item, by_age=True)
        found = recorded(listed, gain)
        if not found:
            raise UnreadableFile(
                item,
                "is a folder without image files",
                "Give another folder, or watch this one to wait for its first file.",
            )
        made = len(listed) - len(found)
        files = "file is" if made == 1 else "files are"
        note = (
            f"{item}: {made:,} {files} left out: a gain reference, or made here of the others "
            "(denoised or simulated)."
        )
        return Inputs(tuple(found), notes=(note,) if made else ())
    if item.suffix.lower() == ".star" and not any(sign in str(item) for sign in PATTERN_SIGNS):
        return read_star(item)
    return Inputs(tuple(expand_inputs(item)))


def read_star(path: Path) -> Inputs:
    """Return the movies or micrographs that a RELION STAR file names, in its order.

    Rows that are deselected (``rlnSelected`` 0) are left out. RELION names files from its project's
    folder. That is looked for from the STAR file's folder upwards, and then in the current one.

    Raises
    ------
    UnreadableFile
        The file is torn or names no micrographs, or none of them is there.
    """
    text = read_text(path)
    with parsing(path, "a STAR file"):
        blocks = blocks_of(path, text)
    block, column, table = _chosen(path, blocks)
    table, notes = _selected(path, table)
    named = table.words(column)
    firsts = {name: row for row, name in reversed([*enumerate(named)]) if name}
    names = [name for name in dict.fromkeys(named) if name]
    if not names:
        raise UnreadableFile(path, "names no micrographs", "Give another STAR file.")
    folder = _project_of(path, names)
    if folder is None:
        raise UnreadableFile(
            path,
            f"names files that are not there, as {names[0]}",
            "Start from RELION's project folder, or put the files where the STAR file says.",
        )
    optics = blocks.get("optics")
    sizes = _pixel_sizes(table, optics, _SIZES[column])
    groups = None if optics is None else (optics.labels, optics.rows)
    of = StarList(block, table.labels, version_of(text), groups)
    listed = not any(label in table for label in _OF_PARTICLES)
    return Inputs(
        tuple(folder / name for name in names),
        {folder / name: size for name in names if (size := sizes[firsts[name]]) is not None},
        {folder / name: StarOrigin(of, table.rows[firsts[name]]) for name in names}
        if listed
        else {},
        notes,
    )


def _chosen(path: Path, blocks: Mapping[str, StarTable]) -> tuple[str, str, StarTable]:
    """Return the block that names micrographs: what it is called, the column that does, its rows.

    ``general`` is that of the metadata of one micrograph's motion.
    """
    for column in (_MOVIE, _MICROGRAPH):
        for name, table in blocks.items():
            if column in table:
                return name, column, table
    raise UnreadableFile(
        path,
        "names no micrographs",
        f"Give a STAR file with {_MOVIE} or {_MICROGRAPH}, as RELION's import or motion correction "
        "writes it.",
    )


def _selected(path: Path, table: StarTable) -> tuple[StarTable, tuple[str, ...]]:
    """Return the rows that are not deselected, and say how many are."""
    if _SELECTED not in table:
        return table, ()
    wanted = [word not in ("0", "0.0", "0.000000") for word in table.words(_SELECTED)]
    left_out = wanted.count(False)
    if left_out == len(wanted) and wanted:
        raise UnreadableFile(
            path, "has every row deselected (rlnSelected 0)", "Select some in RELION."
        )
    rows = f"{left_out:,} row{' is' if left_out == 1 else 's are'}"
    notes = (f"{path.name}: {rows} deselected (rlnSelected 0) and not screened.",)
    return table.only(wanted), notes if left_out else ()


def _project_of(star: Path, names: Sequence[str]) -> Path | None:
    """Return the folder from which most names are those of files; None if from none."""
    sample = names[:: max(1, len(names) // 20)]

    def there(folder: Path) -> int:
        return sum((folder / name).is_file() for name in sample)

    folders = [*star.absolute().parents, Path.cwd()]
    best = max(folders, key=there)
    return best if there(best) else None


def _pixel_sizes(
    table: StarTable, optics: StarTable | None, labels: Sequence[str]
) -> list[float | None]:
    """Return the pixel size (Å) of each row: its own, or else that of its optics group."""
    by_group: dict[str, float | None] = {}
    if optics is not None:
        for number in range(len(optics)):
            row = optics.row(number)
            by_group[row.get(_GROUP, "")] = _size(row, labels)
    only = next(iter(by_group.values())) if len(by_group) == 1 else None
    groups = table.words(_GROUP) if _GROUP in table else [""] * len(table)
    own = {label: table.words(label) for label in labels if label in table}
    sizes = []
    for number, group in enumerate(groups):
        size = _size({label: words[number] for label, words in own.items()}, labels)
        sizes.append(by_group.get(group, only) if size is None else size)
    return sizes


def _size(row: Mapping[str, str], labels: Sequence[str]) -> float | None:
    for label in labels:
        try:
            size = float(row[label])
        except (KeyError, ValueError):
            continue
        if is_plausible(size):
            return size
    return None
