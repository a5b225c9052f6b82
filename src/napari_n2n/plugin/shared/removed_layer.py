"""The layer of what denoising removed: raw less denoised."""

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_n2n.io.pictures import symmetric_limits
from napari_n2n.plugin.shared.layers import KEY, LayerMemory, memory_of, pixel_size_of

if TYPE_CHECKING:
    from napari.layers import Layer


def removed_layer(raw: "Layer", denoised: "Layer") -> Image | None:
    """Make the layer of ``raw`` less ``denoised``, which lies as the raw one does.

    Of a photograph it is the mean of the three colours. None if the difference is not what was
    removed: only a whole image that was denoised here is surely on the scale of the raw one.
    """
    if not isinstance(raw, Image) or not isinstance(denoised, Image):
        return None
    if memory_of(denoised).kind != "denoised" or raw.multiscale or denoised.multiscale:
        return None
    if raw.rgb != denoised.rgb or raw.data.shape != denoised.data.shape:
        return None
    pixels = _grey(raw) - _grey(denoised)
    memory = LayerMemory(
        "removed",
        pixel_size_of(raw),
        path=memory_of(raw).path,
        made_from=denoised.name,
        raw_layer=raw.name,
    )
    return Image(
        pixels,
        name=f"{raw.name} · removed",
        contrast_limits=symmetric_limits(pixels),
        colormap="gray",
        scale=tuple(raw.scale),
        units=raw.units,
        translate=tuple(raw.translate),
        axis_labels=raw.axis_labels,
        visible=False,
        metadata={KEY: memory},
    )


def _grey(layer: Image) -> NDArray[np.float32]:
    """Return the pixels (y, x) of a layer; of colours on napari's scale, from 0 to 1."""
    pixels = np.asarray(layer.data)
    if not layer.rgb:
        return pixels.astype(np.float32)
    white = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    grey: NDArray[np.float32] = pixels[..., :3].mean(axis=-1, dtype=np.float32) / np.float32(white)
    return grey
