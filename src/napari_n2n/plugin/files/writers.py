"""Saving layers as MRC."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.denoising.inference.removed import Removed
from napari_n2n.errors import WriteProblem
from napari_n2n.io import write_micrograph, write_mrc_stack
from napari_n2n.io.labels import with_labels_of
from napari_n2n.io.outputs import require_free
from napari_n2n.io.pixel_size import placeholder_labels
from napari_n2n.plugin.shared.layers import memory_in
from napari_n2n.workflow.fields_of_view import result_labels

if TYPE_CHECKING:
    from napari.types import ArrayLike


def write_mrc(path: str, data: "ArrayLike", meta: dict[str, Any]) -> list[str]:
    """Write one image layer, (y, x) or (frame, y, x), with its pixel size; returns what is written.

    Raises
    ------
    WriteProblem
        The layer holds colours or more axes, the file is what it was read from or of somebody
        else, or the disk refuses.
    """
    if meta.get("rgb") or data.ndim not in (2, 3):
        what = "colours" if meta.get("rgb") else f"{data.ndim} axes"
        raise WriteProblem(path, f"cannot hold an image with {what}", "Save it as TIFF or PNG.")
    require_free([Path(path)], [memory_in(meta.get("metadata", {})).path])
    pixel_size = _pixel_size(meta)
    if data.ndim == 2:
        memory = memory_in(meta.get("metadata", {}))
        notes = memory.notes if pixel_size == memory.pixel_size_angstrom else ()
        if memory.kind in ("denoised", "preview"):
            told = Removed.from_json(memory.removed)
            labels = result_labels(told, memory.contrast, notes)
        else:
            labels = placeholder_labels(notes)
        labels = with_labels_of(memory.path, labels)
        write_micrograph(path, np.asarray(data), pixel_size, labels=labels)
    else:
        write_mrc_stack(path, (np.asarray(data[i]) for i in range(data.shape[0])), pixel_size)
    return [str(Path(path))]


def _pixel_size(meta: dict[str, Any]) -> float | None:
    """Pixel size (Å) of what napari says of a layer: its scale, where its units are lengths."""
    from pint import DimensionalityError, UndefinedUnitError, get_application_registry

    units = meta.get("units")
    if units is None:
        return memory_in(meta.get("metadata", {})).pixel_size_angstrom
    registry = get_application_registry()
    try:
        factor = registry.Quantity(1, str(units[-1])).to("angstrom").magnitude
    except (DimensionalityError, UndefinedUnitError):
        return None
    return float(meta["scale"][-1] * factor)
