"""The layer of what denoising removed: raw less denoised."""

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_n2n.io.pictures import symmetric_limits
from napari_n2n.plugin.shared.layers import KEY, LayerMemory, memory_of, pixel_size_of

if TYPE_CHECKING:
    from napari.layers import Layer

Pixels = NDArray[np.float32]
_NAME = "{} · removed"


def removed_layer(raw: "Layer", denoised: "Layer") -> Image | None:
    """Make the layer of ``raw`` less ``denoised``, which lies as the raw one does.

    Of a photograph it is the mean of the three colours. None if the difference is not what was
    removed: only a whole image that was denoised here is surely on the scale of the raw one. So are
    the two of a screening, which have several sizes.
    """
    if not isinstance(raw, Image) or not isinstance(denoised, Image):
        return None
    data = _difference(raw, denoised)
    if data is None:
        return None
    memory = LayerMemory(
        "removed",
        pixel_size_of(raw),
        path=memory_of(raw).path,
        made_from=denoised.name,
        raw_layer=raw.name,
    )
    return Image(
        data,
        multiscale=raw.multiscale,
        name=_NAME.format(raw.name),
        contrast_limits=_limits(data),
        colormap="gray",
        scale=tuple(raw.scale),
        units=raw.units,
        translate=tuple(raw.translate),
        axis_labels=raw.axis_labels,
        projection_mode="none",
        visible=False,
        metadata={KEY: memory},
    )


def show_anew(layer: Image, raw: Image, denoised: Image) -> None:
    """Let the ``layer`` of what was removed show that of what these two show now.

    Raises
    ------
    ValueError
        They do not tell.
    """
    data = _difference(raw, denoised)
    if data is None:
        raise ValueError(f"{denoised.name} was not made of {raw.name}.")
    layer.data = data
    layer.name = _NAME.format(raw.name)
    layer.scale, layer.units = raw.scale, raw.units
    layer.contrast_limits_range = _limits(data)
    layer.contrast_limits = _limits(data)


def _difference(raw: Image, denoised: Image) -> Any:
    """Return raw less denoised, (y, x), in all sizes that both have; None if that tells nothing.

    Of tomograms it is (z, y, x), lazy.
    """
    kinds = memory_of(raw).kind, memory_of(denoised).kind
    if raw.multiscale and denoised.multiscale and kinds == ("screening", "screening"):
        sizes = zip(raw.data, denoised.data, strict=True)
        return [np.asarray(before) - np.asarray(after) for before, after in sizes]
    if kinds[1] != "denoised" or raw.multiscale or denoised.multiscale:
        return None
    if raw.rgb != denoised.rgb or raw.data.shape != denoised.data.shape:
        return None
    if raw.data.ndim == 3 and not raw.rgb:
        return _lazy_difference(raw, denoised)
    return _grey(raw) - _grey(denoised)


def _lazy_difference(raw: Image, denoised: Image) -> Any:
    """Return raw less denoised, (z, y, x), section by section as it is looked at.

    None if it is the tomogram of all frames that is shown, of which halves were denoised: its scale
    is another.
    """
    import dask.array as da

    memory = memory_of(raw)
    if memory.halves is not None and len(memory.files) > len(memory.halves):
        return None
    before, after = (
        one.data if isinstance(one.data, da.Array) else _in_sections(one.data)
        for one in (raw, denoised)
    )
    return before - after


def _in_sections(voxels: Any) -> Any:
    import dask.array as da

    # Without a name of its own dask would hash every voxel.
    return da.from_array(voxels, chunks=(1, *voxels.shape[1:]), name=False)


def _limits(data: Any) -> tuple[float, float]:
    if isinstance(data, list):
        return symmetric_limits(data[min(1, len(data) - 1)])
    return symmetric_limits(data if data.ndim == 2 else np.asarray(data[len(data) // 2]))


def _grey(layer: Image) -> Pixels:
    """Return the pixels (y, x) of a layer; of colours on napari's scale, from 0 to 1."""
    pixels = np.asarray(layer.data)
    if not layer.rgb:
        return pixels.astype(np.float32)
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    grey: Pixels = pixels[..., :3].mean(axis=-1, dtype=np.float32) / np.float32(white)
    return grey
