"""Which micrographs of a session are handed on, and what an export tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue, WriteProblem

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.session.records import Overview
    from napari_n2n.session.session import Session


@dataclass(frozen=True)
class ExportOutcome:
    """What was written.

    Attributes
    ----------
    path
        The file or folder.
    count
        How many micrographs, or particles, it names.
    sentence
        The same for the user.
    notes
        What there is to be careful about: sentences.
    """

    path: Path
    count: int
    sentence: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class SelectedMicrographs:
    """Micrographs of a session; columns of one length n, in the order in which they were added.

    Attributes
    ----------
    overview
        All micrographs of the session.
    rows
        (n,) where the chosen ones are in it.
    """

    overview: Overview
    rows: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ids(self) -> NDArray[np.int64]:
        """(n,) what the session's methods take."""
        return self.overview.ids[self.rows]

    def figure(self, name: str) -> NDArray[np.float64]:
        """(n,) values of a figure, NaN where it is unknown."""
        values = self.overview.figures.get(name)
        return np.full(len(self), np.nan) if values is None else values[self.rows]


def choose(session: Session, ids: ArrayLike | None, target: Path) -> SelectedMicrographs:
    """Choose micrographs by their ids; None: the kept ones.

    Raises
    ------
    BadValue
        The session has no such micrograph.
    WriteProblem
        There are none, so that `target` is not written.
    """
    overview = session.micrographs.overview()
    if ids is None:
        rows = np.flatnonzero(overview.verdicts == "keep")
    else:
        wanted = np.unique(np.asarray(ids, np.int64))
        unknown = np.setdiff1d(wanted, overview.ids)
        if len(unknown):
            raise BadValue(f"{session.path.name} has no micrograph {unknown[0]}.")
        rows = np.flatnonzero(np.isin(overview.ids, wanted))
    if not len(overview):
        raise WriteProblem(
            target,
            f"was not written: {session.path} has no micrographs",
            "Screen some and try again.",
        )
    if not len(rows):
        fault = "no micrograph is kept" if ids is None else "no micrograph was chosen"
        raise WriteProblem(target, f"was not written: {fault}", "Keep some and try again.")
    return SelectedMicrographs(overview, rows)


def with_files(
    chosen: SelectedMicrographs, target: Path
) -> tuple[SelectedMicrographs, tuple[str, ...]]:
    """Leave out pictures that came from no file, and note how many.

    Raises
    ------
    WriteProblem
        None of them has a file, so that `target` is not written.
    """
    paths = chosen.overview.paths
    rows = chosen.rows[[paths[row] is not None for row in chosen.rows]]
    if not len(rows):
        raise WriteProblem(
            target,
            "was not written: none of the micrographs is a file",
            "Save them, screen the files, and try again.",
        )
    without = len(chosen) - len(rows)
    were = "picture was" if without == 1 else "pictures were"
    notes = (f"{without:,} {were} left out: no file holds them.",) if without else ()
    return SelectedMicrographs(chosen.overview, rows), notes


def files_of(chosen: SelectedMicrographs) -> list[Path]:
    """Return the files of micrographs that all have one, absolute."""
    paths = (chosen.overview.paths[row] for row in chosen.rows)
    return [path for path in paths if path is not None]


def counted(number: int, what: str = "micrograph") -> str:
    """Return "1 micrograph" or "1,200 micrographs"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def named(names: Sequence[str], most: int = 3) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
