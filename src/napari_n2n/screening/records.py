"""What a session tells: particles with their ids, micrographs, and what an action did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.io.particles import Label, Particles
    from napari_n2n.screening.rows import Ids


def _none() -> Ids:
    return np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Stored:
    """The particles of one micrograph.

    Attributes
    ----------
    ids
        (n,) ascending; an id is never given to a second particle of the session.
    particles
        The n particles, in the same order.
    """

    ids: Ids
    particles: Particles

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class MicrographRecord:
    """One micrograph of a session.

    Attributes
    ----------
    id
        What the session's methods take.
    path
        The file, absolute; None for a picture that came from no file.
    name
        The file's name or the picture's.
    shape
        y, x in pixels.
    pixel_size_angstrom
        None where it is unknown.
    threshold
        The lowest score to be shown; None: all.
    counts
        How many particles there are of each label.
    """

    id: int
    path: Path | None
    name: str
    shape: tuple[int, int]
    pixel_size_angstrom: float | None
    threshold: float | None
    counts: dict[Label, int]


@dataclass(frozen=True, eq=False)
class Change:
    """What an action, or undoing or redoing one, did to the file.

    Attributes
    ----------
    action
        The action in a few words: "Mark 3 particles intact". For undo and redo, the action that
        was undone or redone.
    micrograph
        Which micrograph it was about.
    added, removed, altered
        Ids of the particles that came, went, and changed in any column.
    skipped
        Ids of the particles that stayed as they are although they were meant.
    note
        Why they did, as a sentence for the user; else empty.
    threshold_altered
        Whether the score threshold changed.
    """

    action: str
    micrograph: int
    added: Ids = field(default_factory=_none)
    removed: Ids = field(default_factory=_none)
    altered: Ids = field(default_factory=_none)
    skipped: Ids = field(default_factory=_none)
    note: str = ""
    threshold_altered: bool = False

    @property
    def touched(self) -> Ids:
        """All particles that came, went or changed."""
        return np.concatenate([self.added, self.removed, self.altered])

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return self.threshold_altered or len(self.touched) > 0


def counted(number: int, what: str = "particle") -> str:
    """Return "1 particle" or "3 particles"."""
    return f"{number} {what}{'' if number == 1 else 's'}"
