"""Finding files: odd and even halves by their names, inputs by folder or pattern."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path

from napari_n2n.errors import UnreadableFile

EXTENSIONS = (".mrc", ".mrcs", ".st", ".map", ".tif", ".tiff", ".eer", ".png", ".jpg", ".jpeg")
_COMPRESSED = (".gz", ".bz2")
_ODD = re.compile(r"[_-]odd$", re.IGNORECASE)
_EVEN = re.compile(r"[_-](evn|even)$", re.IGNORECASE)


@dataclass(frozen=True)
class HalvesFiles:
    """The files of one movie's halves.

    Attributes
    ----------
    name
        What they have in common.
    odd, even
        The two halves.
    full
        The sum of all frames, where it is there.
    """

    name: str
    odd: Path
    even: Path
    full: Path | None = None


def stem_of(path: Path) -> str:
    """Return a file's name without its image extension, and without that of its compression."""
    name = path.name
    for suffixes in (_COMPRESSED, EXTENSIONS):
        for suffix in suffixes:
            if name.lower().endswith(suffix):
                name = name[: -len(suffix)]
                break
    return name


def _images(folder: Path) -> list[Path]:
    """Image files of a folder by their names, sorted; hidden ones are files being written."""

    def is_image(path: Path) -> bool:
        name = path.name.lower()
        for suffix in _COMPRESSED:
            name = name.removesuffix(suffix)
        return name.endswith(EXTENSIONS) and not name.startswith(".") and path.is_file()

    try:
        return sorted(path for path in folder.iterdir() if is_image(path))
    except FileNotFoundError:
        raise UnreadableFile(folder, "does not exist", "Check the name of the folder.") from None
    except NotADirectoryError:
        raise UnreadableFile(folder, "is a file, not a folder", "Give the folder.") from None
    except OSError as error:
        raise UnreadableFile(
            folder, f"cannot be listed ({error.strerror})", "Check who may read the folder."
        ) from error


def _sorted_halves(folder: Path) -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
    odd: dict[str, Path] = {}
    even: dict[str, Path] = {}
    full: dict[str, Path] = {}
    for path in _images(folder):
        stem = stem_of(path)
        for pattern, found in ((_ODD, odd), (_EVEN, even)):
            if pattern.search(stem):
                found[pattern.sub("", stem)] = path
                break
        else:
            full[stem] = path
    # Folders named odd and even, whose files have the same names with or without a suffix.
    for child in sorted(folder.iterdir()):
        name = child.name.lower()
        if child.is_dir() and name in ("odd", "even", "evn"):
            pattern, found = (_ODD, odd) if name == "odd" else (_EVEN, even)
            for path in _images(child):
                found.setdefault(pattern.sub("", stem_of(path)), path)
    return odd, even, full


def find_halves(folder: Path | str) -> list[HalvesFiles]:
    """Find odd and even halves in a folder.

    Names such as ``a_ODD.mrc`` and ``a_EVN.mrc``, ``a_odd.mrc`` and ``a_even.mrc`` (any case), or
    equal names in folders ``odd`` and ``even``, make a pair; ``a.mrc`` is their full sum.

    Parameters
    ----------
    folder
        Where to look.

    Returns
    -------
    list
        Sorted by name; empty when there is no pair. See `unpaired_halves` for what is left over.

    Raises
    ------
    UnreadableFile
        When the folder cannot be listed.
    """
    odd, even, full = _sorted_halves(Path(folder))
    return [
        HalvesFiles(name, odd[name], even[name], full.get(name))
        for name in sorted(odd.keys() & even.keys())
    ]


def unpaired_halves(folder: Path | str) -> list[Path]:
    """Find halves whose other half is missing, sorted.

    Raises
    ------
    UnreadableFile
        When the folder cannot be listed.
    """
    odd, even, _ = _sorted_halves(Path(folder))
    lonely = [odd[name] for name in odd.keys() - even.keys()]
    return sorted(lonely + [even[name] for name in even.keys() - odd.keys()])


def expand_inputs(given: Path | str) -> list[Path]:
    """Turn what a user typed into files: a file, a folder of images, or a pattern.

    Parameters
    ----------
    given
        ``movie.mrc``, ``folder`` (its image files, not those of folders within) or
        ``"folder/*_ODD.mrc"`` (``**`` goes into folders).

    Returns
    -------
    list
        Files, sorted.

    Raises
    ------
    UnreadableFile
        When there is no such file, or nothing matches.
    """
    path = Path(given)
    if path.is_dir():
        found = _images(path)
        if not found:
            raise UnreadableFile(
                path, "is a folder without image files", f"Known are {', '.join(EXTENSIONS)}."
            )
        return found
    # A file whose name has brackets is that file before it is a pattern.
    if path.exists():
        return [path]
    if any(sign in str(given) for sign in "*?["):
        matches = sorted(Path(name) for name in glob.glob(str(given), recursive=True))  # noqa: PTH207
        found = [match for match in matches if match.is_file()]
        if found:
            return found
        raise UnreadableFile(path, "matches no file", "Check the pattern and the folder.")
    raise UnreadableFile(path, "does not exist", "Check the name and the folder.")
