"""STAR files as RELION reads and writes them: named blocks of rows, every word as it stands.

The rules are those of RELION 5 (``metadata_table.cpp``, ``strings.cpp``):

- Blank lines and comments among labels and after ``loop_`` are skipped.
- Words are parted by blanks and tabs. ``#`` begins a comment only where a word would begin; within
  a word it is part of it, as quotes are.
- A word that begins with a quote ends at the next such quote that a blank or the line's end
  follows. A line with more or fewer words than labels is an error.
- RELION ends a table at the first blank line. Here rows may follow it: nobody means them to be
  lost. So in a row, ``data_`` starts a block only if that is all there is in the line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.limits import COPY_AGAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike

_QUOTES = "\"'"
_WORD = re.compile(r"[^ \t]+")
_VERSION = re.compile(r"^# version \d+", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class StarTable:
    """One block: labels without their underscore, and rows as they stand in the file.

    Attributes
    ----------
    labels
        Names of the columns.
    rows
        Lines, each with a word for every label.
    """

    labels: tuple[str, ...]
    rows: tuple[str, ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[str]]) -> Self:
        """Make a table of columns of equal length."""
        rows = zip(*columns.values(), strict=True)
        return cls(tuple(columns), tuple("\t".join(map(quoted, row)) for row in rows))

    def __len__(self) -> int:
        return len(self.rows)

    def __contains__(self, label: object) -> bool:
        return label in self.labels

    def words(self, label: str) -> list[str]:
        """Return a column; raises ValueError where there is none of that label."""
        place = self.labels.index(label)
        return [words_of(row)[place] for row in self.rows]

    def row(self, number: int) -> dict[str, str]:
        """Return the words of one row (from 0) by their labels."""
        return dict(zip(self.labels, words_of(self.rows[number]), strict=True))

    def only(self, which: ArrayLike) -> Self:
        """Return the rows that (n,) numbers or a mask choose."""
        chosen = np.asarray(which)
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.intp)
        return replace(self, rows=tuple(self.rows[number] for number in numbers.tolist()))

    def with_columns(self, columns: Mapping[str, Sequence[str]]) -> Self:
        """Return the same rows with columns put in the place of theirs, or added at the end."""
        if all(label in self and self.words(label) == [*new] for label, new in columns.items()):
            return self
        everything = {label: self.words(label) for label in self.labels}
        return type(self).of({**everything, **columns})

    def without(self, labels: Sequence[str]) -> Self:
        """Return the same rows without some columns."""
        left = [label for label in self.labels if label not in labels]
        if len(left) == len(self.labels):
            return self
        return type(self).of({label: self.words(label) for label in left})

    def text(self, name: str) -> str:
        """Return the block as a STAR file has it, called ``data_<name>``."""
        head = "".join(f"_{label} #{number}\n" for number, label in enumerate(self.labels, 1))
        rows = "".join(f"{row}\n" for row in self.rows)
        return f"\ndata_{name}\n\nloop_\n{head}{rows}\n"


def blocks_of(path: Path, text: str) -> dict[str, StarTable]:
    """Read the blocks of a STAR file; of blocks of one name the first counts, as in RELION.

    Raises
    ------
    UnreadableFile
        A line has too many or too few words, a quote has no end, or a column is named twice.
    """
    reader = _Reader(path)
    lines = text.rstrip().split("\n")
    for number, line in enumerate(lines, 1):
        reader.take(line.rstrip("\r"), _Place(number, number == len(lines)))
    reader.close()
    return reader.blocks


def version_of(text: str) -> str:
    """Return the line that tells the version of a table's format; empty where there is none.

    RELION takes tables without it for older ones and converts them.
    """
    found = _VERSION.search(text)
    return "" if found is None else f"{found[0]}\n"


def words_of(line: str) -> list[str]:
    """Part a line into its words, without quotes around them and without comment.

    Raises
    ------
    ValueError
        A quote has no end.
    """
    if line.isascii() and not ('"' in line or "'" in line or "#" in line):
        return line.split()
    words: list[str] = []
    end = len(line)
    place = 0
    while True:
        found = _WORD.search(line, place)
        if found is None or found[0][0] == "#":
            return words
        place = found.end()
        word = found[0]
        if word[0] in _QUOTES:
            place = _end_of_quote(line, found.start())
            word = line[found.start() + 1 : place]
            place = min(place + 1, end)
        words.append(word)


def is_name(name: str) -> bool:
    """Whether a STAR file can hold ``name``."""
    if not name.isprintable():
        return False
    try:
        return words_of(quoted(name)) == [name]
    except ValueError:
        return False


def quoted(word: str) -> str:
    """Return a word as a STAR file holds it: in quotes where it could be misread without."""
    if word and not (" " in word or word[0] in "\"'#_" or "\t" in word) and not _is_sign(word):
        return word
    # A quote ends where a blank follows it, so that one of the two kinds nearly always does.
    return next(
        (f"{quote}{word}{quote}" for quote in _QUOTES if f"{quote} " not in word), f'"{word}"'
    )


def _is_sign(word: str) -> bool:
    return word.startswith("data_") or word == "loop_"


def _end_of_quote(line: str, start: int) -> int:
    """Return where the quote that begins at ``start`` ends."""
    quote = line[start]
    for place in range(start + 1, len(line)):
        if line[place] == quote and line[place + 1 : place + 2] in ("", " ", "\t"):
            return place
    raise ValueError("a quote that does not end")


class _Place(NamedTuple):
    """A line's number, and whether it is the last one."""

    number: int
    last: bool


class _Reader:
    """Reads a file line by line; what a line is depends on those before it."""

    def __init__(self, path: Path) -> None:
        self.blocks: dict[str, StarTable] = {}
        self._path = path
        self._name: str | None = None
        self._labels: list[str] = []
        self._rows: list[str] = []
        self._listed: list[str] = []
        self._state: Callable[[str, _Place], None] = self._outside

    def take(self, line: str, place: _Place) -> None:
        stripped = line.strip(" \t")
        if stripped and stripped[0] != "#":
            self._state(stripped, place)

    def close(self) -> None:
        """End the block that is being read."""
        if len({*self._labels}) < len(self._labels):
            raise UnreadableFile(self._path, "names a column twice", COPY_AGAIN)
        rows = self._rows or (["\t".join(map(quoted, self._listed))] if self._listed else [])
        if self._name is not None:
            self.blocks.setdefault(self._name, StarTable(tuple(self._labels), tuple(rows)))
        self._labels, self._rows, self._listed = [], [], []

    def _outside(self, line: str, place: _Place) -> None:
        if line.startswith("data_"):
            self.close()
            self._name = words_of(line)[0].removeprefix("data_")
            self._state = self._within

    def _within(self, line: str, place: _Place) -> None:
        """Take a line of a block that is no table: an item of a list, or ``loop_``."""
        if line.startswith("data_"):
            self._outside(line, place)
        elif line.startswith("loop_"):
            self._labels, self._listed = [], []
            self._state = self._head
        elif line.startswith("_"):
            label, *value = self._words(line, place)
            self._labels.append(label[1:])
            self._listed.append(value[0] if value else "")

    def _head(self, line: str, place: _Place) -> None:
        if line.startswith("_"):
            self._labels.append(line.split()[0][1:])
        elif line.startswith("loop_"):
            raise UnreadableFile(
                self._path,
                f"cannot be read as a STAR file: line {place.number} begins a table within another",
                COPY_AGAIN,
            )
        else:
            self._state = self._body
            self._body(line, place)

    def _body(self, line: str, place: _Place) -> None:
        words = self._words(line, place)
        if len(words) == 1 and line.startswith("data_"):
            self._outside(line, place)
            return
        if len(words) == 1 and line.startswith("loop_"):
            self._labels, self._rows = [], []
            self._state = self._head
            return
        if len(words) != len(self._labels):
            what = "torn: its last line" if place.last else f"damaged: line {place.number}"
            raise UnreadableFile(
                self._path, f"is {what} has {len(words)} of {len(self._labels)} values", COPY_AGAIN
            )
        self._rows.append(line)

    def _words(self, line: str, place: _Place) -> list[str]:
        try:
            return words_of(line)
        except ValueError:
            raise UnreadableFile(
                self._path,
                f"is damaged: a quote in line {place.number} does not end",
                "Correct that line.",
            ) from None
