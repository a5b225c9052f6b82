"""What was asked for when a session was screened last: whoever goes on wants the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from napari_n2n.workflow.recording import RecordingOptions

if TYPE_CHECKING:
    from napari_n2n.session import Session
    from napari_n2n.workflow.screening.settings import ScreenSettings

_KEY = "asked"


@dataclass(frozen=True)
class AskedBefore:
    """How files were recorded, by what they were denoised, and what was picked.

    Attributes
    ----------
    recording
        As a person said it.
    diameter_angstrom
        Of particles that were picked; None: none were.
    model
        A model's file; None: one in the box, or a model that was in no file.
    """

    recording: RecordingOptions = field(default_factory=RecordingOptions)
    diameter_angstrom: float | None = None
    model: Path | None = None


def keep_asked(session: Session, settings: ScreenSettings) -> None:
    """Keep what is asked for now.

    Raises
    ------
    WriteProblem
        The session cannot be written.
    """
    told: dict[str, Any] = {
        "recording": settings.movies.recording.model_dump(mode="json", exclude_defaults=True),
        "diameter_angstrom": settings.diameter_angstrom,
    }
    if isinstance(settings.denoiser, Path):
        told["model"] = str(settings.denoiser.absolute())
    session.set_setting(_KEY, told)


def asked_before(session: Session) -> AskedBefore | None:
    """Return what was asked for last; None of a session that no version has kept it in.

    What this version does not know how to read counts as not asked.
    """
    told = session.setting(_KEY)
    if not isinstance(told, dict):
        return None
    try:
        recording = RecordingOptions(**told.get("recording", {}))
    except (ValidationError, TypeError, ValueError):
        recording = RecordingOptions()
    diameter, model = told.get("diameter_angstrom"), told.get("model")
    return AskedBefore(
        recording,
        diameter if isinstance(diameter, int | float) and diameter > 0 else None,
        Path(model) if isinstance(model, str) else None,
    )
