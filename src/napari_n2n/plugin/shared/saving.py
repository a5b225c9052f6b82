"""Asking where to save, saving, and telling how it went."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_n2n.errors import N2NError
from napari_n2n.io.outputs import MODEL_SUFFIX

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser


def save_model(path: Path, denoiser: "Denoiser") -> list[Path]:
    """Write a model; returns what is written.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    from napari_n2n.denoising.checkpoints import save_denoiser

    save_denoiser(path, denoiser)
    return [path]


def tell_saved(save: Callable[[], list[Path]]) -> str:
    """Save, and say what was saved; if that fails, notify and say why."""
    try:
        written = save()
    except N2NError as problem:
        show_error(str(problem))
        return str(problem)
    names = ", ".join(path.name for path in written)
    return f"Saved {names} in {written[0].parent}."


def ask_for_model_file(parent: QWidget) -> Path | None:
    """Let the user say where a model is to be saved; None if nowhere."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save model", str(Path.home() / "model.safetensors"), "Models (*.safetensors)"
    )
    path = Path(name)
    if not name:
        return None
    # What stands behind another dot belongs to the name.
    is_model = path.suffix.lower() == MODEL_SUFFIX
    return path if is_model else path.with_name(path.name + MODEL_SUFFIX)


def ask_for_volume_file(parent: QWidget, suggested: str) -> Path | None:
    """Let the user say where a volume is to be saved; None if nowhere."""
    name, _ = QFileDialog.getSaveFileName(
        parent, "Save tomogram", str(Path.home() / suggested), "MRC (*.mrc);;OME-Zarr (*.zarr)"
    )
    if not name:
        return None
    return Path(name) if Path(name).suffix in (".mrc", ".rec", ".zarr") else Path(f"{name}.mrc")


def ask_for_folder(parent: QWidget, title: str) -> Path | None:
    """Let the user choose a folder; None if none."""
    name = QFileDialog.getExistingDirectory(parent, title)
    return Path(name) if name else None
