"""What the user prefers (napari's Preferences), and where models are kept."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_n2n.session.paths import user_folder

if TYPE_CHECKING:
    from napari_n2n.workflow.recording import RecordingOptions


@dataclass(frozen=True)
class Preferences:
    """Defaults of the widgets; ``dose_per_frame`` is in e/Å²."""

    device: str = "auto"
    preset: str = "quick"
    dose_per_frame: float = 1.0
    scale_bar: bool = True


def preferences() -> Preferences:
    """Read the user's preferences; the defaults where napari knows none."""
    try:
        from napari.settings import get_plugin_settings

        settings: Any = get_plugin_settings("napari-n2n")  # made from the plugin's manifest
        stored = settings.denoising
        return Preferences(
            device=str(stored.device),
            preset=str(stored.preset),
            dose_per_frame=float(stored.dose_per_frame),
            scale_bar=bool(stored.scale_bar),
        )
    except (ImportError, KeyError, AttributeError):
        # An older napari without settings for plugins, or the plugin is not installed as one.
        return Preferences()


def halves_folder(movies: Path, recording: "RecordingOptions | None" = None) -> Path:
    """Folder where the halves of the movies in folder ``movies`` are kept; it need not exist.

    Those that are read otherwise than their files say, as ``recording``, have one of their own.
    """
    what = str(movies.resolve())
    if recording is not None and recording.said:
        # As version 0.5.0 called it, whose halves are there.
        known = recording.known_to_0_5_0()
        what += f"MovieOptions({', '.join(f'{name}={value!r}' for name, value in known.items())})"
    code = hashlib.sha256(what.encode()).hexdigest()[:8]
    return user_folder() / "halves" / f"{movies.name}-{code}"


def models_folder() -> Path:
    """Folder where trainings are kept, finished or not; it is made where it is missing."""
    folder = user_folder() / "models"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def new_model_path(name: str) -> Path:
    """Where the training on what is called ``name`` that begins now is to be kept."""
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    safe = "".join(c if c.isalnum() else "-" for c in name)
    return models_folder() / f"{safe}-{stamp}.safetensors"
