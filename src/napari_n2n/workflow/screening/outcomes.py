"""What a screening tells while it runs, and in how many words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class ScreenProgress:
    """How far the screening is.

    Attributes
    ----------
    path
        The file in hand; None between files.
    micrograph
        Its number in the session.
    stage, done, total
        What is being done: ``done`` of ``total`` units of it.
    finished, waiting
        How many files are done or have failed, and how many are still to come.
    seconds_left
        For all of them; None until it can be said.
    """

    path: Path | None
    micrograph: int | None
    stage: str
    done: int
    total: int
    finished: int
    waiting: int
    seconds_left: float | None = None


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
            return str(self.error)
        told = [
            words.format(self.figures[name])
            for name, words in _IN_A_LINE.items()
            if name in self.figures
        ]
        line = f"{self.path.name}: {', '.join(told) or 'done'}"
        return f"{line} ({'; '.join(self.reasons)})" if self.reasons else line


@dataclass(frozen=True)
class ScreenedMicrograph:
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
