"""The front door for scripts and notebooks: `napari_n2n.align`, `denoise`, `train`, `pick`.

Whatever a person has at hand is taken: a file's name, what a file was opened as, an array of numpy,
dask or xarray. All run to their end and return; what yields progress is in the rooms behind.
Nothing here imports torch before it is used.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.io import (
    Micrograph,
    MicrographParticles,
    Movie,
    Photograph,
    Volume,
    open_image,
)
from napari_n2n.progress import run_to_end
from napari_n2n.workflow.fields import DenoisedMicrograph

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.motion import Halves, MotionConfig

Image = Any
"""A file's name, something opened, or an array."""


def align(
    movie: "Movie | Path | str | Image",
    config: "MotionConfig | None" = None,
    *,
    pixel_size_angstrom: float | None = None,
    dose_per_frame: float | None = None,
    device: str = "auto",
) -> "Halves":
    """Align the frames of a movie, and add the odd, the even and all of them.

    Parameters
    ----------
    movie
        A file's name, a `Movie`, or frames (frame, y, x) of numpy, dask or xarray.
    config
        How motion is measured.
    pixel_size_angstrom, dose_per_frame
        Å and e/Å²; they win over the file's.
    device
        ``"auto"``, ``"cpu"``, ``"cuda:0"``.

    Returns
    -------
    Halves
        ``odd``, ``even`` and ``full``, (y, x) each, with the ``trajectory`` of the frames.

    Raises
    ------
    N2NError
        The movie or the device do not allow it.

    Examples
    --------
    >>> sums = n2n.align("movie.tif", pixel_size_angstrom=0.83, dose_per_frame=1.2)
    """
    from napari_n2n.motion import MotionConfig
    from napari_n2n.motion import align as align_movie

    opened = _opened_movie(movie, pixel_size_angstrom, dose_per_frame)
    config = MotionConfig() if config is None else config
    return align_movie(opened, config.model_copy(update={"device": device}))


def train(
    images: "Sequence[Halves | tuple[Image, Image] | Micrograph | Path | str]",
    *,
    preset: Literal["quick", "paper"] = "quick",
    max_seconds: float | None = None,
    pixel_size_angstrom: float | None = None,
    output: Path | str | None = None,
    device: str = "auto",
    **settings: Any,
) -> "Denoiser":
    """Train a denoiser on noisy images, best on the halves of movies.

    Parameters
    ----------
    images
        What `align` returns, pairs of equally noisy images (y, x) of one specimen, or micrographs
        without halves.
    preset
        ``"quick"``: a minute or two on a CPU; ``"paper"``: hours, best on a GPU.
    max_seconds
        Train this long instead.
    pixel_size_angstrom
        Å, of images that do not know it.
    output
        Where the model is kept as training goes on (.safetensors); None: nowhere.
    device
        ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    settings
        Fields of `napari_n2n.denoising.config.TrainingConfig`, to change the preset.

    Raises
    ------
    N2NError
        The images, the device or the disk do not allow it.

    Examples
    --------
    >>> model = n2n.train([n2n.align(path) for path in movies], output="night.safetensors")
    """
    from napari_n2n.denoising.config import preset as preset_named
    from napari_n2n.denoising.training.micrographs import train as train_on

    config = preset_named(preset)
    if max_seconds is not None:
        config = config.lasting(max_seconds)
    if settings:
        config = config.replaced(**settings)
    if isinstance(images, str | Path | np.ndarray) or not isinstance(images, Sequence):
        raise BadValue("Give a list of images to train on: what align returns, or pairs.")
    examples = [_example(one, number, pixel_size_angstrom) for number, one in enumerate(images, 1)]
    kept = None if output is None else Path(output)
    return train_on(examples, config, output=kept, device=device)


def denoise(
    image: "Halves | Movie | Micrograph | Photograph | tuple[Image, Image] | Path | str | Image",
    model: "Denoiser | Path | str" = "general",
    *,
    pixel_size_angstrom: float | None = None,
    device: str = "auto",
    thorough: bool = False,
) -> DenoisedMicrograph:
    """Denoise a micrograph, or a movie, whose frames are aligned first.

    Parameters
    ----------
    image
        A file's name, what `align` returns, a pair of halves, what a file was opened as, or an
        image (y, x) of numpy, dask or xarray. Halves are denoised apart, and say how far they
        agree.
    model
        What `train` returns, a model's file, or ``"general"``: the model in the box.
    pixel_size_angstrom
        Å; it wins over the file's. An xarray tells it by coordinates in Å.
    device
        ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    thorough
        The mean over the image turned and mirrored in eight ways: a little better, eight times the
        work.

    Returns
    -------
    DenoisedMicrograph
        ``pixels`` on the scale of ``raw``, ``frc_before`` and ``frc_after``, ``notes``; `save`.

    Raises
    ------
    N2NError
        The image, the model or the device do not allow it.

    Examples
    --------
    >>> n2n.denoise("micrograph.mrc").save("denoised.mrc")
    """
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.shipped_models import denoiser_named
    from napari_n2n.motion import Halves
    from napari_n2n.workflow.denoising import denoise_field_steps

    field = image if isinstance(image, Halves) else _opened(image, pixel_size_angstrom)
    if isinstance(field, Movie):
        field = align(field, device=device)
    denoiser = model if isinstance(model, Denoiser) else denoiser_named(model)
    return run_to_end(denoise_field_steps(field, denoiser, device=device, thorough=thorough))


def pick(
    image: "DenoisedMicrograph | Micrograph | Path | str | Image",
    diameter_angstrom: float | None = None,
    *,
    pixel_size_angstrom: float | None = None,
    threshold: float | None = None,
    avoid_contamination: bool = True,
) -> MicrographParticles:
    """Find the particles of a micrograph, best of a denoised one.

    Parameters
    ----------
    image
        What `denoise` returns, a file's name, what it was opened as, or an image (y, x).
    diameter_angstrom
        Of a particle; None: it is guessed, which takes some seconds.
    pixel_size_angstrom
        Å; it wins over the file's.
    threshold
        Least score; None: where the scores part by themselves.
    avoid_contamination
        Leave out carbon, ice crystals and gold.

    Returns
    -------
    MicrographParticles
        ``particles.centres_px`` is (n, 2) y, x. `napari_n2n.write_coordinates` writes a list of
        these for RELION, cryoSPARC, Topaz or EMAN.

    Raises
    ------
    N2NError
        The image does not allow it, or its pixel size is unknown.

    Examples
    --------
    >>> picks = n2n.pick(n2n.denoise("micrograph.mrc"), diameter_angstrom=120)
    >>> n2n.write_coordinates("picks.star", [picks])
    """
    from napari_n2n.workflow.finding import find_particles_steps, guess_diameter_steps

    name = "micrograph"
    if isinstance(image, DenoisedMicrograph):
        micrograph = image
    else:
        opened = _opened(image, pixel_size_angstrom)
        if not isinstance(opened, Micrograph):
            raise BadValue("Give a micrograph to pick on; denoise makes one of a movie.")
        name = str(opened.path)
        micrograph = DenoisedMicrograph(opened.pixels, opened.pixel_size_angstrom, opened.pixels)
    size = pixel_size_angstrom or micrograph.pixel_size_angstrom
    if size is None:
        raise BadValue("The pixel size is unknown. Give it, in Å: pixel_size_angstrom=…")
    if micrograph.halves is not None:
        name = str(micrograph.halves.path)
    if diameter_angstrom is None:
        diameter_angstrom = run_to_end(guess_diameter_steps(micrograph))
    found = run_to_end(
        find_particles_steps(
            micrograph, diameter_angstrom, threshold=threshold, avoid=avoid_contamination
        )
    )
    height, width = micrograph.pixels.shape[:2]
    return MicrographParticles(
        found.passing,
        micrograph=name,
        pixel_size_angstrom=size,
        shape=(height, width),
        diameter_angstrom=diameter_angstrom,
    )


def general_model() -> "Denoiser":
    """Return the model in the box: for micrographs nobody has trained on yet."""
    from napari_n2n.denoising.shipped_models.general import general_denoiser

    return general_denoiser()


def _opened_movie(
    movie: Any, pixel_size_angstrom: float | None, dose_per_frame: float | None
) -> Movie:
    """Return a movie of whatever was given, calibrated as it is said."""
    if isinstance(movie, str | Path):
        # What its header calls a volume is taken for a movie, as the caller says that it is one.
        from napari_n2n.io import open_movie

        return open_movie(
            movie, pixel_size_angstrom=pixel_size_angstrom, dose_per_frame=dose_per_frame
        )
    if not isinstance(movie, Movie):
        size = _size_of(movie) if pixel_size_angstrom is None else pixel_size_angstrom
        return Movie.from_array(_plain(movie), size, dose_per_frame)
    said: dict[str, Any] = {}
    if pixel_size_angstrom is not None:
        said["pixel_size_angstrom"] = pixel_size_angstrom
    if dose_per_frame is not None:
        said["dose_per_frame"] = dose_per_frame
    return movie.replaced(**said) if said else movie


def _opened(
    image: Any, pixel_size_angstrom: float | None
) -> "Movie | Micrograph | Photograph | Halves":
    """Return what can be denoised of whatever was given."""
    if isinstance(image, str | Path):
        opened = open_image(image, pixel_size_angstrom=pixel_size_angstrom)
        if isinstance(opened, Volume):
            raise BadValue(f"{image} is a volume by its header. If it is a movie: align it first.")
        return opened
    if isinstance(image, Movie):
        return _opened_movie(image, pixel_size_angstrom, None)
    if isinstance(image, Micrograph | Photograph):
        if pixel_size_angstrom is None:
            return image
        return type(image).from_array(image.pixels, pixel_size_angstrom, image.path)
    if isinstance(image, tuple) and len(image) == 2:
        return _halves_of(image, pixel_size_angstrom)
    size = _size_of(image) if pixel_size_angstrom is None else pixel_size_angstrom
    pixels = _plain(image)
    if pixels.ndim == 2:
        return Micrograph.from_array(pixels, size)
    if pixels.ndim == 3 and pixels.shape[-1] == 3:
        return Photograph.from_array(pixels, size)
    raise BadValue(
        f"An array of shape {tuple(pixels.shape)} is no image (y, x). Align a movie first."
    )


def _halves_of(pair: tuple[Any, Any], pixel_size_angstrom: float | None) -> "Halves":
    from napari_n2n.motion import Halves

    odd, even = (_opened(half, pixel_size_angstrom) for half in pair)
    if not (isinstance(odd, Micrograph) and isinstance(even, Micrograph)):
        raise BadValue("Give two images (y, x) as halves.")
    if odd.shape != even.shape:
        raise NotEnoughData(f"The halves have the shapes {odd.shape} and {even.shape}.")
    full = odd.pixels + even.pixels
    return Halves(odd.pixels, even.pixels, full, odd.pixel_size_angstrom, None, None, odd.path)


def _example(image: Any, number: int, pixel_size_angstrom: float | None) -> Any:
    """Return what training takes of an image: a pair, or one without halves."""
    from napari_n2n.denoising.training.pairs import Pair
    from napari_n2n.denoising.training.singles import SingleImage
    from napari_n2n.motion import Halves

    opened = image if isinstance(image, Halves) else _opened(image, pixel_size_angstrom)
    size = pixel_size_angstrom or opened.pixel_size_angstrom
    # Halves and micrographs in memory have no file whose name they could bear.
    name = opened.path.name if opened.path.is_file() else f"image {number}"
    if isinstance(opened, Halves):
        return Pair(opened.odd, opened.even, size, name=name)
    if isinstance(opened, Movie):
        raise BadValue(f"{opened.path} is a movie. Align it first: train([align(movie), …]).")
    return SingleImage(opened.pixels, size, name)


def _plain(image: Any) -> Any:
    """Return an array of numpy or dask; of xarray, what it holds."""
    values = getattr(image, "data", image) if hasattr(image, "dims") else image
    return values if hasattr(values, "ndim") else np.asarray(values)


def _size_of(image: Any) -> float | None:
    """Return the pixel size (Å) that an xarray's last coordinate tells, if it is in Å or nm."""
    if not hasattr(image, "dims"):
        return None
    axis = image.coords.get(image.dims[-1])
    if axis is None or len(axis) < 2:
        return None
    unit = {"angstrom": 1.0, "å": 1.0, "a": 1.0, "nm": 10.0, "nanometer": 10.0}.get(
        str(axis.attrs.get("units", "")).lower()
    )
    return None if unit is None else abs(float(axis[1] - axis[0])) * unit
