"""What a person names to be screened: files, a folder, a pattern, or a RELION STAR file."""

from __future__ import annotations

import linecache
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import expand_inputs, files_in
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.finding import PATTERN_SIGNS
from napari_n2n.io.pixel_size import is_plausible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MOVIE, _MICROGRAPH = "rlnMicrographMovieName", "rlnMicrographName"
_SIZES = {
    _MOVIE: ("rlnMicrographOriginalPixelSize", "rlnMicrographPixelSize"),
    _MICROGRAPH: ("rlnMicrographPixelSize", "rlnMicrographOriginalPixelSize"),
}


@dataclass(frozen=True)
class Inputs:
    """The files to be screened, each once, and what was said of them.

    ``pixel_size_angstrom`` is that of all of them, where a STAR file gives one; else None.
    """

    paths: tuple[Path, ...]
    pixel_size_angstrom: float | None = None


def inputs_of(given: Path | str | Sequence[Path | str]) -> Inputs:
    """Turn what a person named into files.

    Parameters
    ----------
    given
        One or several of: a micrograph or movie; a folder (its image files, oldest first, less
        what `napari_n2n.io.files_in` leaves out; PNG and JPEG only where there are no others, as
        they mostly show what lies beside them); a pattern as ``"night/*.tif"``; a STAR file of
        movies, micrographs or particles (``rlnMicrographMovieName``, ``rlnMicrographName``).

    Raises
    ------
    UnreadableFile
        There is no such file, or nothing in it.
    """
    several = [given] if isinstance(given, (str, Path)) else list(given)
    paths: dict[Path, None] = {}
    sizes: set[float | None] = set()
    for item in several:
        found = _inputs(Path(item))
        paths.update(dict.fromkeys(path.absolute() for path in found.paths))
        sizes.add(found.pixel_size_angstrom)
    return Inputs(tuple(paths), sizes.pop() if len(sizes) == 1 else None)


def _inputs(item: Path) -> Inputs:
    if item.is_dir():
        found = files_in(item, by_age=True)
        if not found:
            raise UnreadableFile(
                item,
                "is a folder without image files",
                "Give another folder, or watch this one to wait for its first file.",
            )
        return Inputs(tuple(found))
    if item.suffix.lower() == ".star" and not any(sign in str(item) for sign in PATTERN_SIGNS):
        return read_star(item)
    return Inputs(tuple(expand_inputs(item)))


def read_star(path: Path) -> Inputs:
    """Return the movies or micrographs that a RELION STAR file names, in its order.

    RELION names files from its project's folder. That is looked for from the STAR file's folder
    upwards, and then in the current one.

    Raises
    ------
    UnreadableFile
        The file is torn or names no micrographs, or none of them is there.
    """
    block, optics = _blocks(path)
    column = _MOVIE if _MOVIE in block else _MICROGRAPH
    names = list(dict.fromkeys(name for name in map(str, block[column]) if name))
    if not names:
        raise UnreadableFile(path, "names no micrographs", "Give another STAR file.")
    folder = _project_of(path, names)
    if folder is None:
        raise UnreadableFile(
            path,
            f"names files that are not there, as {names[0]}",
            "Start from RELION's project folder, or put the files where the STAR file says.",
        )
    paths = tuple(folder / name for name in names)
    return Inputs(paths, _pixel_size(optics, block, _SIZES[column]))


def _blocks(path: Path) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the columns of the block that names micrographs, and those of the optics groups."""
    import starfile

    read_text(path)  # tells what is wrong with a file that is none
    # starfile 0.5 reads lines through linecache, which may hold those of an earlier file.
    linecache.cache.pop(str(path), None)
    blocks: dict[str, dict[str, list[Any]]] = {}
    with parsing(path, "a STAR file"):
        parsed = starfile.read(path, always_dict=True, parse_as_string=[_MOVIE, _MICROGRAPH])
        for name, block in parsed.items():
            if isinstance(block, dict):  # of one row
                blocks[name] = {key: [value] for key, value in block.items()}
            elif block is not None:
                blocks[name] = {key: block[key].tolist() for key in block.columns}
    for column in (_MOVIE, _MICROGRAPH):
        for block in blocks.values():
            if column in block:
                return block, blocks.get("optics", {})
    raise UnreadableFile(
        path,
        "names no micrographs",
        f"Give a STAR file with {_MOVIE} or {_MICROGRAPH}, as RELION's import or motion correction "
        "writes it.",
    )


def _project_of(star: Path, names: Sequence[str]) -> Path | None:
    """Return the folder from which most names are those of files; None if from none."""
    sample = names[:: max(1, len(names) // 20)]

    def there(folder: Path) -> int:
        return sum((folder / name).is_file() for name in sample)

    folders = [*star.absolute().parents, Path.cwd()]
    best = max(folders, key=there)
    return best if there(best) else None


def _pixel_size(
    optics: dict[str, list[Any]], block: dict[str, list[Any]], names: Iterable[str]
) -> float | None:
    """Return the pixel size (Å) on which all optics groups agree, None where they do not."""
    for name in names:
        for columns in (optics, block):
            sizes = {str(value) for value in columns.get(name, [])}
            if len(sizes) > 1:
                return None
            if not sizes:
                continue
            with suppress(ValueError):
                size = float(sizes.pop())
                if is_plausible(size):
                    return size
    return None
