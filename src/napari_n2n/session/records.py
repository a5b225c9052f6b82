"""What a session tells: particles with their ids, micrographs, and what an action did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pandas import DataFrame

    from napari_n2n.io.particles import Label, Particles
    from napari_n2n.session.rows import Ids

Verdict = Literal["keep", "reject", "undecided"]
VERDICTS: tuple[Verdict, ...] = ("keep", "reject", "undecided")

State = Literal["waiting", "working", "done", "failed"]
STATES: tuple[State, ...] = ("waiting", "working", "done", "failed")

REASONS = (
    "contamination",
    "carbon edge",
    "broken particles",
    "few particles",
    "drift",
    "thick ice",
    "empty",
    "crystalline ice",
    "other",
)
"""What a micrograph is usually rejected for; any other words are as good."""


def _none() -> Ids:
    return np.empty(0, np.int64)


def _no_texts() -> NDArray[np.str_]:
    return np.empty(0, np.str_)


@dataclass(frozen=True, eq=False)
class StoredParticles:
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
        y, x in pixels; (0, 0) for a file that nobody has opened yet.
    pixel_size_angstrom
        None where it is unknown.
    threshold
        The lowest score to be shown; None: all.
    counts
        How many particles there are of each label.
    first_frame_shift_px
        (y, x) from where the specimen is in the sum to where it was in the movie's first frame;
        None where that is unknown, and of what is no movie.
    """

    id: int
    path: Path | None
    name: str
    shape: tuple[int, int]
    pixel_size_angstrom: float | None
    threshold: float | None
    counts: dict[Label, int]
    first_frame_shift_px: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Overview:
    """Micrographs of a session as columns of one length n, in the order they were added.

    Attributes
    ----------
    ids
        (n,) what the session's methods take.
    paths
        The files, absolute; None for a picture that came from no file.
    names
        The files' names or the pictures'.
    verdicts
        (n,) of `VERDICTS`.
    reasons
        (n,) why it was kept or rejected; empty where nothing was said.
    given_by
        (n,) who gave the verdict; empty where it is undecided.
    states
        (n,) of `STATES`: how far the processing is.
    messages
        (n,) why it failed; else mostly empty.
    figures
        Name to (n,) numbers, NaN where unknown; see `napari_n2n.quality`.
    counts
        Label to (n,) numbers of particles.
    acquired
        (n,) time of the file in seconds since the epoch, NaN where unknown.
    judged_at
        (n,) when the verdict was given, UTC in ISO 8601; empty where it is undecided.
    """

    ids: Ids
    paths: list[Path | None]
    names: list[str]
    verdicts: NDArray[np.str_]
    reasons: NDArray[np.str_]
    given_by: NDArray[np.str_]
    states: NDArray[np.str_]
    messages: NDArray[np.str_]
    figures: dict[str, NDArray[np.float64]]
    counts: dict[Label, NDArray[np.int64]]
    acquired: NDArray[np.float64]
    judged_at: NDArray[np.str_] = field(default_factory=_no_texts)

    def __len__(self) -> int:
        return len(self.ids)

    def to_frame(self) -> DataFrame:
        """Return the same as a pandas DataFrame, a row a micrograph, by its id.

        Columns are ``name``, ``path`` (text; missing for a picture that came from no file),
        ``verdict``, ``reason``, ``given_by``, ``judged_at``, ``state``, ``message`` and
        ``acquired``, both times in UTC and missing where unknown; then each figure by its name,
        whose unit `napari_n2n.quality.FIGURES` tells; then ``intact_particles`` and so on, how many
        there are of each label. But for units in brackets they are called as in ``figures.csv``.
        """
        import pandas as pd  # here: it takes longer to load than a session to open

        judged = pd.Series(self.judged_at if len(self.judged_at) else [""] * len(self))
        return pd.DataFrame(
            {
                "name": self.names,
                "path": [None if path is None else str(path) for path in self.paths],
                "verdict": self.verdicts,
                "reason": self.reasons,
                "given_by": self.given_by,
                "judged_at": pd.to_datetime(judged.replace("", None), utc=True).array,
                "state": self.states,
                "message": self.messages,
                "acquired": pd.to_datetime(self.acquired, unit="s", utc=True),
                **self.figures,
                **{f"{label}_particles": column for label, column in self.counts.items()},
            },
            index=pd.Index(self.ids, name="id"),
        )


@dataclass(frozen=True, eq=False)
class VerdictChange:
    """What giving verdicts, or undoing or redoing that, did to the file.

    Attributes
    ----------
    action
        In a few words: "Reject a.mrc (drift)". For undo and redo, the action that was undone or
        redone.
    ids
        The micrographs whose verdict, reason or giver changed.
    note
        Why others did not, as a sentence for the user; else empty.
    """

    action: str
    ids: Ids = field(default_factory=_none)
    note: str = ""

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return len(self.ids) > 0


@dataclass(frozen=True, eq=False)
class ParticleChange:
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
