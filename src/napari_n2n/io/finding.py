"""Finding files: what a folder holds, odd and even halves by their names, inputs by pattern."""

from __future__ import annotations

import glob
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.half_names import WHOLE, half_of_folder, split_half
from napari_n2n.io.zarr_folders import is_zarr

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from napari_n2n.io.half_names import Half

PICTURES: tuple[str, ...] = (".png", ".jpg", ".jpeg")
"""What photographs end in, and the small pictures that microscopes write beside micrographs."""
FOLDERS_AS_FILES = (".ome.zarr", ".zarr")
"""Folders that count as one file each."""
EXTENSIONS = (
    *(".mrc", ".mrcs", ".st", ".ali", ".map", ".rec", ".tif", ".tiff", ".eer"),
    *(*FOLDERS_AS_FILES, *PICTURES),
)
_COMPRESSED = (".gz", ".bz2")
IMAGES: tuple[str, ...] = tuple(
    f"*{end}{more}" for end in EXTENSIONS if end not in PICTURES for more in ("", *_COMPRESSED)
)
"""Patterns of the files that may be micrographs or movies."""
PATTERN_SIGNS = "*?["
"""A name that has one of these is a pattern, unless it is that of a file."""
_BESIDE = (re.compile(r"[_-]nodw$", re.IGNORECASE), re.compile(r"_PS$"))
"""Ends of the names of what motion correction writes beside a micrograph, halves excepted, and
what is none of its own: the sum without dose weighting, RELION's power spectra."""


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


def half_of(path: Path) -> tuple[str, Half | None]:
    """Return a file's name without what says that it is a half, and ``"odd"``, ``"even"`` or None.

    ``a_ODD.mrc`` is the odd half of ``a``; a file in a folder ``odd`` or ``even`` is one by that.
    How programs call them is in `napari_n2n.io.half_names`.
    """
    name, half = split_half(stem_of(path))
    return name or _own_name(path.parent), half or half_of_folder(path.parent)


def _own_name(folder: Path) -> str:
    """Return how halves are called that have no name but their folder's, as ``odd.mrc``."""
    return folder.absolute().name


def files_in(
    folder: Path | str,
    patterns: Sequence[str] | None = None,
    *,
    by_age: bool = False,
    everything: bool = False,
    but: Container[Path] = (),
) -> list[Path]:
    """List the image files of a folder: the one answer to what it holds.

    Hidden files are being written, and left out. So is what motion correction writes beside
    micrographs, unless there is nothing else: odd and even halves (``a_ODD.mrc``, ``a_EVN.mrc``),
    sums without dose weighting (``a_noDW.mrc``), power spectra (``a_PS.mrc``). PNG and JPEG files
    count where there are no others, as they mostly show what lies beside them.

    Parameters
    ----------
    folder
        Its files, not those of folders within; an OME-Zarr folder counts as one.
    patterns
        Of names, as ``"*.tif"``; small and capital letters are the same. None: all images.
    by_age
        Oldest first, instead of by name.
    everything
        What is left out otherwise as well, but hidden files.
    but
        Files that are of no interest.

    Raises
    ------
    UnreadableFile
        The folder cannot be listed.
    """
    folder = Path(folder)
    entries = _entries(folder)
    names = _described(entries, IMAGES if patterns is None else patterns)
    if patterns is None and (everything or not names):
        names += _described(entries, [f"*{end}" for end in PICTURES])
    if not everything:
        names = [name for name in names if _is_of_its_own(name)] or names
    found: list[tuple[int, str]] = []
    for name in names:
        # It may be gone by now.
        with suppress(OSError):
            entry = entries[name]
            is_one = entry.is_file() or (
                name.lower().endswith(FOLDERS_AS_FILES) and is_zarr(folder / name)
            )
            if folder / name not in but and is_one:
                age = entry.stat().st_mtime_ns if by_age else 0
                found.append((age, name))
    return [folder / name for _, name in sorted(found)]


def _entries(folder: Path) -> dict[str, os.DirEntry[str]]:
    """Return what lies in a folder, by name; hidden files are being written."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry in entries if not entry.name.startswith(".")}
    except FileNotFoundError:
        raise UnreadableFile(folder, "does not exist", "Check the name of the folder.") from None
    except NotADirectoryError:
        raise UnreadableFile(folder, "is a file, not a folder", "Give the folder.") from None
    except OSError as error:
        raise UnreadableFile(
            folder,
            f"cannot be listed ({error.strerror})",
            "Check that the folder is there and that you may read it.",
        ) from error


def _described(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    described = re.compile("|".join(translate(pattern.lower()) for pattern in patterns))
    return [name for name in names if described.match(name.lower())]


def _is_of_its_own(name: str) -> bool:
    stem = stem_of(Path(name))
    return split_half(stem)[1] is None and not any(end.search(stem) for end in _BESIDE)


def _sorted_halves(folder: Path) -> tuple[dict[str, Path], dict[str, Path], dict[str, Path]]:
    halves: dict[Half, dict[str, Path]] = {"odd": {}, "even": {}}
    full: dict[str, Path] = {}
    for path in files_in(folder, everything=True):
        name, half = split_half(stem_of(path))
        (full if half is None else halves[half])[name or _own_name(folder)] = path
    # Folders named odd and even, whose files have the same names with or without a suffix.
    for child in sorted(folder.iterdir()):
        of_folder = half_of_folder(child)
        if of_folder is not None and child.is_dir():
            for path in files_in(child, everything=True):
                stem = stem_of(path)
                name, half = split_half(stem)
                halves[of_folder].setdefault(name if half == of_folder else stem, path)
    return halves["odd"], halves["even"], full


def find_halves(folder: Path | str) -> list[HalvesFiles]:
    """Find odd and even halves in a folder.

    Names such as ``a_ODD.mrc`` and ``a_EVN.mrc``, ``a_odd.mrc`` and ``a_even.mrc`` (any case), or
    equal names in folders ``odd`` and ``even``, make a pair; ``a.mrc`` is their full sum. All of
    them are in `napari_n2n.io.half_names`.

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
    folder = Path(folder)
    odd, even, full = _sorted_halves(folder)
    whole = {_own_name(folder): full.get(WHOLE)}
    return [
        HalvesFiles(name, odd[name], even[name], full.get(name) or whole.get(name))
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


def expand_inputs(given: Path | str, *, everything: bool = False) -> list[Path]:
    """Turn what a user typed into files: a file, a folder of images, or a pattern.

    Parameters
    ----------
    given
        ``movie.mrc``, ``folder`` (see `files_in`) or ``"folder/*_ODD.mrc"`` (``**`` goes into
        folders).
    everything
        Of a folder, as `files_in` takes it.

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
    if path.is_dir() and not is_zarr(path):
        found = files_in(path, everything=everything)
        if not found:
            raise UnreadableFile(
                path, "is a folder without image files", f"Known are {', '.join(EXTENSIONS)}."
            )
        return found
    # A file whose name has brackets is that file before it is a pattern.
    if path.exists():
        return [path]
    if any(sign in str(given) for sign in PATTERN_SIGNS):
        matches = sorted(Path(name) for name in glob.glob(str(given), recursive=True))  # noqa: PTH207
        found = [match for match in matches if match.is_file()]
        if found:
            return found
        raise UnreadableFile(path, "matches no file", "Check the pattern and the folder.")
    raise UnreadableFile(path, "does not exist", "Check the name and the folder.")
