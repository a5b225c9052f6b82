"""What a screening tells while it runs, and in how many words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_n2n.errors import told_of
from napari_n2n.progress import Progress, format_seconds

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.errors import N2NError

# In the order in which they are told; all others are in the table.
_IN_A_LINE = {
    "score": "score {:.0f}",
    "resolution_angstrom": "resolution {:.1f} Å",
    "drift_total_angstrom": "drift {:.1f} Å",
    "particles": "{:.0f} particles",
}


@dataclass(frozen=True, eq=False)
class ScreenOutcome:
    """What came of one file.

    Attributes
    ----------
    path
        The file.
    micrograph
        Its number in the session.
    figures
        By name; see `napari_n2n.quality.FIGURES`. Empty where it failed.
    reasons
        Why the score is no higher, in words, most important first.
    notes
        Sentences for the user.
    error
        Why it failed; None: it did not.
    reused
        Whether it had been done before, with the same content and settings.
    seconds
        How long it took.
    """

    path: Path
    micrograph: int
    figures: dict[str, float] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: N2NError | None = None
    reused: bool = False
    seconds: float = 0.0

    @property
    def summary(self) -> str:
        """The main figures and what is wrong with it, in one line; or why it failed."""
        if self.error is not None:
            return str(told_of(self.path, self.error))
        told = [
            words.format(self.figures[name])
            for name, words in _IN_A_LINE.items()
            if name in self.figures
        ]
        line = f"{self.path.name}: {', '.join(told) or 'done'}"
        return f"{line} ({'; '.join(self.reasons)})" if self.reasons else line


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenProgress(Progress):
    """How far the screening is: what is being done with the file in hand.

    Attributes
    ----------
    path
        The file in hand; None between files.
    micrograph
        Its number in the session.
    finished, waiting
        How many files are done or have failed, and how many are still to come.
    seconds_left
        For all of them; None until it can be said.
    outcome
        What came of the file; None until it is done.
    """

    path: Path | None
    micrograph: int | None
    finished: int
    waiting: int
    outcome: ScreenOutcome | None = None

    @property
    def fraction(self) -> float:
        """The share of all files that is done, 0 to 1."""
        return self.finished / max(self._all, 1)

    @property
    def text(self) -> str:
        """Which file of how many, and what is being done with it."""
        if self.path is None:
            return self.stage
        return f"{self.path.name} ({self.finished + 1} of {self._all}): {self.stage}"

    @property
    def sentence(self) -> str:
        """The same: "m12.tif: denoising (3 of 9). 41 waiting, about 12 min left."."""
        stage = f"{self.stage} ({self.done} of {self.total})" if self.total > 1 else self.stage
        begun = stage[:1].upper() + stage[1:]
        text = begun if self.path is None else f"{self.path.name}: {stage}"
        seconds = self.seconds_left
        left = "" if seconds is None else f", about {format_seconds(seconds)} left"
        waiting = f"{self.waiting:,} waiting{left}." if self.waiting else ""
        return f"{text}. {waiting}".strip()

    @property
    def _all(self) -> int:
        return self.finished + self.waiting + (self.path is not None)


@dataclass(frozen=True)
class ScreeningSummary:
    """How many files were done, had been done before, and failed; and whether someone stopped."""

    done: int
    reused: int
    failed: int
    stopped: bool

    @property
    def summary(self) -> str:
        """The same in a sentence."""
        parts = [f"{self.done:,} screened"]
        if self.reused:
            parts.append(f"{self.reused:,} had been screened before")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return f"{', '.join(parts)}."
