"""Saving layers as MRC."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.denoising.inference.removed import Removed
from napari_n2n.errors import N2NError, WriteProblem
from napari_n2n.io import Volume, open_volume, write_micrograph, write_mrc_stack, write_volume
from napari_n2n.io.labels import with_labels_of
from napari_n2n.io.outputs import require_free
from napari_n2n.io.pixel_size import placeholder_labels
from napari_n2n.plugin.shared.layers import LayerMemory, memory_in
from napari_n2n.workflow.fields_of_view import result_labels

if TYPE_CHECKING:
    from napari.types import ArrayLike


def write_mrc(path: str, data: "ArrayLike", meta: dict[str, Any]) -> list[str]:
    """Write one image layer, (y, x) or (frame, y, x), with its pixel size; returns what is written.

    Of a volume that was read from a file the header's other words are kept.

    Raises
    ------
    WriteProblem
        The layer holds colours or more axes, the file is what it was read from or of somebody
        else, or the disk refuses.
    """
    if meta.get("rgb") or data.ndim not in (2, 3):
        what = "colours" if meta.get("rgb") else f"{data.ndim} axes"
        raise WriteProblem(path, f"cannot hold an image with {what}", "Save it as TIFF or PNG.")
    memory = memory_in(meta.get("metadata", {}))
    require_free([Path(path)], [memory.path, *memory.files])
    pixel_size = _pixel_size(meta)
    if data.ndim == 2:
        notes = memory.notes if pixel_size == memory.pixel_size_angstrom else ()
        if memory.kind in ("denoised", "preview"):
            told = Removed.from_json(memory.removed)
            labels = result_labels(told, memory.contrast, notes)
        else:
            labels = placeholder_labels(notes)
        labels = with_labels_of(memory.path, labels)
        write_micrograph(path, np.asarray(data), pixel_size, labels=labels)
        return [str(Path(path))]
    images = (np.asarray(data[number]) for number in range(data.shape[0]))
    if memory.kind in ("volume", "denoised"):
        z, y, x = data.shape
        write_volume(
            path,
            images,
            like=_as_read(memory),
            shape=(z, y, x),
            voxel_size_angstrom=pixel_size,
            labels=memory.labels,
        )
    else:
        write_mrc_stack(path, images, pixel_size)
    return [str(Path(path))]


def _as_read(memory: LayerMemory) -> Volume | None:
    """Return the volume that a layer was read from, if it is still there: for its header."""
    if memory.path is None:
        return None
    with suppress(N2NError):
        return open_volume(memory.path, kind="volume")
    return None


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
