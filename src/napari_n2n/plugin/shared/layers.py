"""Layers as this plugin makes and reads them: calibrated, with a quiet contrast, with a memory."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io.photographs import WHITE
from napari_n2n.io.pictures import contrast_limits

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_n2n.io import Micrograph, Movie, Photograph, Volume
    from napari_n2n.workflow.photograph_steps import NoisyCopy

LayerData = tuple[Any, dict[str, Any], str]

KEY = "napari_n2n"
"""Where this plugin keeps what it knows about a layer, in ``layer.metadata``."""


def calibration(
    pixel_size_angstrom: float | None, leading_axis: str | None = None
) -> dict[str, Any]:
    """Scale, units and axis labels of an image layer (y, x), or (``leading_axis``, y, x).

    Without a pixel size the layer is in pixels. A leading axis ``"z"`` is as long a length as the
    other two; any other counts images.
    """
    size = 1.0 if pixel_size_angstrom is None else float(pixel_size_angstrom)
    unit = "pixel" if pixel_size_angstrom is None else "angstrom"
    plane: dict[str, tuple[Any, ...]] = {
        "scale": (size, size),
        "units": (unit, unit),
        "axis_labels": ("y", "x"),
    }
    if leading_axis is None:
        return plane
    is_length = leading_axis == "z"
    first = (size if is_length else 1.0, unit if is_length else "pixel", leading_axis)
    return {key: (one, *two) for one, (key, two) in zip(first, plane.items(), strict=True)}


def pixel_size_of(layer: "Layer") -> float | None:
    """Pixel size (Å) of a layer as it is shown; None if its units are no lengths.

    The layer's scale and units are asked, not the file: what the user changed counts.
    """
    unit = layer.units[-1]
    try:
        factor = float((1 * unit).to("angstrom").magnitude)
    except Exception:  # pint has many ways to say that a pixel is no length
        return None
    return float(layer.scale[-1]) * factor


def knowledge_of(layer: "Layer") -> dict[str, Any]:
    """Return what this plugin wrote into a layer's metadata; empty for other layers."""
    found = layer.metadata.get(KEY, {})
    return found if isinstance(found, dict) else {}


def image_layer(
    pixels: Any,
    name: str,
    pixel_size_angstrom: float | None,
    *,
    kind: str,
    like: NDArray[Any] | None = None,
    leading_axis: str | None = None,
    **knowledge: Any,
) -> LayerData:
    """Describe a grey image layer, (y, x) or lazily (``leading_axis``, y, x).

    Parameters
    ----------
    pixels
        The data.
    kind
        ``"movie"``, ``"micrograph"``, ``"odd"``, ``"even"``, ``"sum"``, ``"denoised"``, …
    like
        (y, x) image that decides the contrast; by default the data's first image is read.
    knowledge
        Kept in the layer's metadata.
    """
    if like is None:
        like = np.asarray(pixels[0] if leading_axis else pixels)
    description = {
        "name": name,
        **calibration(pixel_size_angstrom, leading_axis),
        "contrast_limits": contrast_limits(like),
        "colormap": "gray",
        "metadata": {
            KEY: {"kind": kind, "pixel_size_angstrom": pixel_size_angstrom, **knowledge},
        },
    }
    return pixels, description, "image"


def colour_layer(
    pixels: Any,
    name: str,
    pixel_size_angstrom: float | None,
    *,
    kind: str,
    **knowledge: Any,
) -> LayerData:
    """Describe the layer of a colour image (y, x, 3) on napari's scale: bytes, or 0 to 1.

    Values beyond that are kept in the layer, and shown as black and white.
    """
    description = {
        "name": name,
        "rgb": True,
        **calibration(pixel_size_angstrom),
        # Or napari would stretch real numbers from their least to their largest.
        "contrast_limits": (0, np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1),
        "metadata": {
            KEY: {"kind": kind, "pixel_size_angstrom": pixel_size_angstrom, **knowledge},
        },
    }
    return pixels, description, "image"


def noisy_layer(copy: "NoisyCopy") -> LayerData:
    """Describe the layer of a photograph with noise, which remembers the clean one."""
    pixels = copy.pixels / np.float32(WHITE)
    return colour_layer(
        pixels, copy.name, copy.pixel_size_angstrom, kind="photograph", **copy.knowledge
    )


def movie_layer(movie: "Movie", name: str | None = None) -> LayerData:
    """Describe the one lazy layer of a movie; a single frame is read, for the contrast.

    Raises
    ------
    N2NError
        The first frame cannot be read.
    """
    return image_layer(
        movie.as_dask(),
        name or movie.path.stem,
        movie.pixel_size_angstrom,
        kind="movie",
        like=movie.frame(0),
        leading_axis="frame",
        movie=movie,
        dose_per_frame=movie.dose_per_frame,
        path=str(movie.path),
        notes=movie.notes,
    )


def volume_layer(volume: "Volume", name: str | None = None) -> LayerData:
    """Describe the lazy layer of a volume (z, y, x); its middle section is read, for the contrast.

    Raises
    ------
    N2NError
        The middle section cannot be read.
    """
    return image_layer(
        volume.as_dask(),
        name or volume.path.stem,
        volume.pixel_size_angstrom,
        kind="volume",
        like=volume.section(len(volume) // 2),
        leading_axis="z",
        path=str(volume.path),
        notes=volume.notes,
    )


def micrograph_layer(
    micrograph: "Micrograph | Photograph", name: str, kind: str = "micrograph"
) -> LayerData:
    """Describe the layer of a micrograph or colour photograph.

    Raises
    ------
    N2NError
        Its pixels cannot be read.
    """
    knowledge: dict[str, Any] = {"path": str(micrograph.path), "notes": micrograph.notes}
    if not micrograph.is_rgb:
        return image_layer(
            micrograph.pixels, name, micrograph.pixel_size_angstrom, kind=kind, **knowledge
        )
    peak = 255.0 if micrograph.pixels.max() <= 255 else float(micrograph.pixels.max())
    return colour_layer(
        np.clip(micrograph.pixels / peak, 0, 1),
        name,
        micrograph.pixel_size_angstrom,
        kind="photograph",
        **knowledge,
    )
