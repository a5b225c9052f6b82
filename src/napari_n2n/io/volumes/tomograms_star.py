"""RELION 5's ``tomograms.star`` with denoised tomograms in it, and everything else as it was.

Source: RELION 5's ``denoise/cryoCARE/_utils.py``: the column is
``rlnTomoReconstructedTomogramDenoised``, and has ``N/A`` for tomograms that were not denoised.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.coordinates.lists import folder_of_names
from napari_n2n.io.coordinates.text import parsing, read_text
from napari_n2n.io.outputs import require_free, sealed
from napari_n2n.io.star import blocks_of, is_name, version_of
from napari_n2n.io.volumes.lists import GLOBAL, HALF_1, HALF_2, NAME, NOTHING, tomograms_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_n2n.io.star import StarTable

DENOISED_TOMOGRAM = "rlnTomoReconstructedTomogramDenoised"
_NONE = "N/A"
_FILES = ("rlnTomoTiltSeriesStarFile", "rlnTomoReconstructedTomogramHalf1")


def write_tomograms_star(
    path: Path | str,
    like: Path | str,
    denoised: Mapping[str, Path],
    *,
    halves: Mapping[str, tuple[Path, Path]] | None = None,
    words: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Write RELION's list of tomograms anew, with the files of those that were denoised.

    Parameters
    ----------
    path
        Where to.
    like
        RELION's ``tomograms.star``, or its list of tilt series. Its blocks, rows and columns are
        kept as they are.
    denoised
        Files by ``rlnTomoName``; they are named from the project's folder if they lie in it, and in
        full otherwise. What an earlier denoising has put there stays for tomograms that are not
        among them.
    halves
        Odd and even halves by ``rlnTomoName``, named likewise.
    words
        By column what else is known, by ``rlnTomoName``.

    Raises
    ------
    UnreadableFile
        ``like`` is torn, or no list of tomograms.
    WriteProblem
        The disk refuses; or a tomogram is not in the list, or a file has a name that STAR cannot
        hold.
    """
    path, like = Path(path), Path(like)
    require_free([path], [like])
    with parsing(like, "a STAR file"):
        text = read_text(like)
        blocks = blocks_of(like, text)
    block = GLOBAL if GLOBAL in blocks else next((b for b in blocks if NAME in blocks[b]), None)
    if block is None or NAME not in blocks[block]:
        raise UnreadableFile(like, f"lists no tomograms ({NAME})", "Give RELION's tomograms.star.")
    project = _project_of(like, blocks[block])

    def named(files: Mapping[str, Path]) -> dict[str, str]:
        return {name: _named(path, file, project) for name, file in files.items()}

    columns = {DENOISED_TOMOGRAM: named(denoised)} if denoised or not halves else {}
    if halves:
        columns[HALF_1] = named({name: even for name, (_, even) in halves.items()})
        columns[HALF_2] = named({name: odd for name, (odd, _) in halves.items()})
    for label, known in {**columns, **(words or {})}.items():
        blocks[block] = _with_words(path, like, blocks[block], label, known)
    written = version_of(text) or "# version 50001\n"
    written += "".join(table.text(name) for name, table in blocks.items())
    with write_atomically(path) as beside:
        beside.write_text(sealed(written), encoding="utf-8", newline="\n")


def listed_files(path: Path, column: str) -> list[tuple[str, Path]]:
    """Return the files in a column of RELION's list of tomograms, and whose they are.

    Raises
    ------
    UnreadableFile
        It is torn or damaged.
    """
    table = tomograms_in(path)
    if table is None or NAME not in table or column not in table:
        return []
    words = zip(table.words(NAME), table.words(column), strict=True)
    named = [(name, word) for name, word in words if word not in NOTHING]
    project = folder_of_names(path, [word for _, word in named])
    return [(name, project / word) for name, word in named]


def _with_words(
    path: Path, like: Path, table: StarTable, label: str, known: Mapping[str, str]
) -> StarTable:
    """Return a table with a column of what is known of some tomograms."""
    names = table.words(NAME)
    unknown = [name for name in known if name not in names]
    if unknown:
        raise WriteProblem(
            path,
            f"was not written: {like} has no tomogram {unknown[0]}",
            "Give the list that the tomograms are from.",
        )
    before = table.words(label) if label in table else [_NONE] * len(names)
    words = [known.get(name, earlier) for name, earlier in zip(names, before, strict=True)]
    return table.with_columns({label: words})


def _project_of(like: Path, table: StarTable) -> Path:
    """Return the folder from which a list names its files."""
    named = [label for label in _FILES if label in table]
    files = [word for label in named for word in table.words(label) if word not in NOTHING]
    return folder_of_names(like, files)


def _named(path: Path, file: Path, project: Path) -> str:
    file, project = file.resolve(), project.resolve()
    word = file.relative_to(project).as_posix() if file.is_relative_to(project) else str(file)
    if not is_name(word):
        raise WriteProblem(
            path,
            f"was not written: STAR cannot hold the name {word!r}",
            "Give the denoised tomogram another name.",
        )
    return word
