"""The front door for scripts and notebooks: `napari_n2n.align`, `train`, `denoise`, `pick`.

Whatever a person has at hand is taken: a file's name, what a file was opened as, an array of numpy,
dask or xarray. Each has an ``x_steps`` beside it, which takes the same and tells how far it is.
Nothing here imports torch before it is used.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io import Micrograph, MicrographParticles, Movie, Particles, Photograph
from napari_n2n.io.coordinates.model import counts_rows_from_the_end
from napari_n2n.io.pixel_size import overridden
from napari_n2n.motion import Halves
from napari_n2n.progress import Steps, Stop, never, run_to_end
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.given import examples_given, field_given, movie_given
from napari_n2n.workflow.movie_sums import sums_steps

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.motion import MotionConfig
    from napari_n2n.particles import Template
    from napari_n2n.workflow.fields_of_view import ContrastChoice

Image = Any
"""A file's name, something opened, or an array."""


def align(
    movie: Movie | Path | str | Image,
    config: "MotionConfig | None" = None,
    *,
    pixel_size_angstrom: float | None = None,
    dose_per_frame: float | None = None,
    device: str = "auto",
) -> Halves:
    """Align the frames of a movie, and add the odd, the even and all of them.

    Parameters
    ----------
    movie
        A file's name, a `Movie`, or frames (frame, y, x) of numpy, dask or xarray. A lazy array is
        computed frame by frame.
    config
        How motion is measured.
    pixel_size_angstrom, dose_per_frame
        Å and e/Å²; they win over the file's. An xarray tells the pixel size by coordinates in Å or
        nm.
    device
        ``"auto"``: that of ``config``; ``"cpu"``, ``"cuda:0"``.

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
    return run_to_end(
        align_steps(
            movie,
            config,
            pixel_size_angstrom=pixel_size_angstrom,
            dose_per_frame=dose_per_frame,
            device=device,
        )
    )


def align_steps(
    movie: Movie | Path | str | Image,
    config: "MotionConfig | None" = None,
    *,
    pixel_size_angstrom: float | None = None,
    dose_per_frame: float | None = None,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[Halves]:
    """Do as `align`, yielding `Progress`; once ``stop()`` is true, `Interrupted` is raised."""
    opened = movie_given(movie, pixel_size_angstrom, dose_per_frame)
    return (yield from sums_steps(opened, motion=config, device=device, stop=stop))


def train(
    images: Iterable[Halves | tuple[Image, Image] | Micrograph | Photograph | Path | str | Image],
    *,
    preset: Literal["quick", "paper"] = "quick",
    max_seconds: float | None = None,
    pixel_size_angstrom: float | None = None,
    output: Path | str | None = None,
    resume: bool = False,
    device: str = "auto",
    **settings: Any,
) -> "Denoiser":
    """Train a denoiser on noisy images, best on the halves of movies.

    Parameters
    ----------
    images
        What `align` returns, pairs of equally noisy images (y, x) of one specimen, or micrographs
        without halves; each as a file's name, what it was opened as, or an array of numpy, dask or
        xarray.
    preset
        ``"quick"``: a minute or two on a CPU; ``"paper"``: hours, best on a GPU.
    max_seconds
        Train this long instead.
    pixel_size_angstrom
        Å; it wins over the files'.
    output
        Where the best model is kept as training goes on (.safetensors), the newest and what going
        on needs beside it; None: nowhere.
    resume
        Go on with what lies beside ``output``, on the same images. ``preset``, ``max_seconds`` and
        ``settings`` say how long all of it lasts.
    device
        ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    settings
        Fields of `TrainingConfig`, to change the preset.

    Returns
    -------
    Denoiser
        The best by images, or parts of them, that were held back.

    Raises
    ------
    N2NError
        The images, the device or the disk do not allow it.

    Examples
    --------
    >>> model = n2n.train([n2n.align(path) for path in movies], output="night.safetensors")
    """
    return run_to_end(
        train_steps(
            images,
            preset=preset,
            max_seconds=max_seconds,
            pixel_size_angstrom=pixel_size_angstrom,
            output=output,
            resume=resume,
            device=device,
            **settings,
        )
    )


def train_steps(
    images: Iterable[Halves | tuple[Image, Image] | Micrograph | Photograph | Path | str | Image],
    *,
    preset: Literal["quick", "paper"] = "quick",
    max_seconds: float | None = None,
    pixel_size_angstrom: float | None = None,
    output: Path | str | None = None,
    resume: bool = False,
    device: str = "auto",
    stop: Stop = never,
    **settings: Any,
) -> "Steps[Denoiser]":
    """Do as `train`, yielding `TrainingProgress`; once ``stop()`` is true, it saves and returns."""
    from napari_n2n.denoising.config import preset as preset_named
    from napari_n2n.denoising.training.micrographs import train_steps as train_on_steps

    if resume and output is None:
        raise BadValue("To go on, give the output of the training that was stopped.")
    config = preset_named(preset)
    if max_seconds is not None:
        config = config.lasting(max_seconds)
    if settings:
        config = config.replaced(**settings)
    return (
        yield from train_on_steps(
            examples_given(images, pixel_size_angstrom),
            config,
            output=None if output is None else Path(output),
            resume=resume,
            device=device,
            stop=stop,
        )
    )


def denoise(
    image: Halves | Movie | Micrograph | Photograph | tuple[Image, Image] | Path | str | Image,
    model: "Denoiser | Path | str" = "general",
    *,
    pixel_size_angstrom: float | None = None,
    device: str = "auto",
    thorough: bool = False,
    contrast: "ContrastChoice" = "auto",
) -> DenoisedMicrograph:
    """Denoise a micrograph, or a movie, whose frames are aligned first.

    Parameters
    ----------
    image
        A file's name, what `align` returns, a pair of halves, what a file was opened as, or an
        image (y, x) of numpy, dask or xarray. Halves are denoised apart, and say how far they
        agree.
    model
        What `train` returns, a model's file, ``"general"`` or ``"photographs"``: those in the box.
    pixel_size_angstrom
        Å; it wins over the file's. An xarray tells it by coordinates in Å or nm.
    device
        ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``.
    thorough
        The mean over the image turned and mirrored in eight ways: a little better, eight times the
        work.
    contrast
        ``"dark"`` particles, as in cryo-EM, or ``"bright"`` ones, as in negative stain and inverted
        images; ``"auto"``: bright where that is plain. The general model is shown the negative of
        bright ones; a model of your own knows what it was trained on.

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
    return run_to_end(
        denoise_steps(
            image,
            model,
            pixel_size_angstrom=pixel_size_angstrom,
            device=device,
            thorough=thorough,
            contrast=contrast,
        )
    )


def denoise_steps(
    image: Halves | Movie | Micrograph | Photograph | tuple[Image, Image] | Path | str | Image,
    model: "Denoiser | Path | str" = "general",
    *,
    pixel_size_angstrom: float | None = None,
    device: str = "auto",
    thorough: bool = False,
    contrast: "ContrastChoice" = "auto",
    stop: Stop = never,
) -> Steps[DenoisedMicrograph]:
    """Do as `denoise`, yielding `Progress`; once ``stop()`` is true, `Interrupted` is raised."""
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.shipped_models import denoiser_named
    from napari_n2n.workflow.contrast import checked_contrast
    from napari_n2n.workflow.denoising import denoise_field_steps

    asked = checked_contrast(contrast)
    field = field_given(image, pixel_size_angstrom)
    if isinstance(model, Denoiser):
        denoiser = model
    elif isinstance(model, str | Path):
        denoiser = denoiser_named(model)
    else:
        raise BadValue(f"Give a model or its file's name, not {type(model).__name__}.")
    if isinstance(field, Movie):
        field = yield from align_steps(field, device=device, stop=stop)
    return (
        yield from denoise_field_steps(
            field, denoiser, device=device, thorough=thorough, contrast=asked, stop=stop
        )
    )


def pick(
    image: DenoisedMicrograph | Halves | Micrograph | Path | str | Image,
    diameter_angstrom: float | None = None,
    *,
    pixel_size_angstrom: float | None = None,
    like: "Template | Particles | ArrayLike | None" = None,
    threshold: float | None = None,
    avoid_contamination: bool = True,
    name: str | None = None,
    contrast: "ContrastChoice" = "auto",
) -> MicrographParticles:
    """Find the particles of a micrograph, best of a denoised one.

    Parameters
    ----------
    image
        What `denoise` returns, the sums that `align` returns, a file's name, what it was opened
        as, or an image (y, x) of numpy, dask or xarray.
    diameter_angstrom
        Of a particle; None: it is guessed, which takes some seconds.
    pixel_size_angstrom
        Å; it wins over the file's. An xarray tells it by coordinates in Å or nm.
    like
        What the particles look like: (n, 2) y, x (px) of particles of this image, or a template
        that was learnt elsewhere; None: rings and discs are looked for.
    threshold
        Least score; None: where the scores part by themselves.
    avoid_contamination
        Leave out carbon, ice crystals and gold.
    name
        What coordinate files call the micrograph; None: the name of the file it was made of.
    contrast
        ``"dark"`` or ``"bright"`` particles; ``"auto"``: as `denoise` took them, or else bright
        where that is plain.

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
    return run_to_end(
        pick_steps(
            image,
            diameter_angstrom,
            pixel_size_angstrom=pixel_size_angstrom,
            like=like,
            threshold=threshold,
            avoid_contamination=avoid_contamination,
            name=name,
            contrast=contrast,
        )
    )


def pick_steps(
    image: DenoisedMicrograph | Halves | Micrograph | Path | str | Image,
    diameter_angstrom: float | None = None,
    *,
    pixel_size_angstrom: float | None = None,
    like: "Template | Particles | ArrayLike | None" = None,
    threshold: float | None = None,
    avoid_contamination: bool = True,
    name: str | None = None,
    contrast: "ContrastChoice" = "auto",
    stop: Stop = never,
) -> Steps[MicrographParticles]:
    """Do as `pick`, yielding `Progress`; once ``stop()`` is true, `Interrupted` is raised."""
    from napari_n2n.particles import Template
    from napari_n2n.workflow.contrast import checked_contrast, with_contrast
    from napari_n2n.workflow.find_particles import find_particles_steps, guess_diameter_steps

    micrograph = with_contrast(_seen(image, pixel_size_angstrom), checked_contrast(contrast))
    size = micrograph.pixel_size_angstrom
    if size is None:
        raise BadValue("The pixel size is unknown. Give it, in Å: pixel_size_angstrom=…")
    marked = None if like is None or isinstance(like, Template) else _clicked(like)
    if diameter_angstrom is None:
        guess = yield from guess_diameter_steps(micrograph, stop)
        diameter_angstrom = guess.diameter_angstrom
    elif not 0 < diameter_angstrom < float("inf"):
        raise BadValue(f"A diameter of {diameter_angstrom} Å cannot be right.")
    found = yield from find_particles_steps(
        micrograph,
        diameter_angstrom,
        template=like if isinstance(like, Template) else None,
        marked_px=marked,
        threshold=threshold,
        avoid=avoid_contamination,
        stop=stop,
    )
    height, width = micrograph.pixels.shape
    return MicrographParticles(
        found.passing,
        micrograph=name or str(micrograph.path or "micrograph"),
        pixel_size_angstrom=size,
        shape=(height, width),
        diameter_angstrom=diameter_angstrom,
        is_tiff=None if name is None else counts_rows_from_the_end(str(micrograph.path or "")),
        first_frame_shift_px=micrograph.first_frame_shift_px,
    )


def general_model(ndim: Literal[2, 3] = 2) -> "Denoiser":
    """Return the model in the box, for micrographs or (``ndim`` 3) tomograms not trained on yet."""
    from napari_n2n.denoising.shipped_models.general import general_denoiser

    return general_denoiser(ndim)


def _seen(image: Any, pixel_size_angstrom: float | None) -> DenoisedMicrograph:
    """Return what is picked on: what was denoised, or what was recorded."""
    if isinstance(image, DenoisedMicrograph):
        size, _ = overridden(pixel_size_angstrom, image.pixel_size_angstrom, ())
        seen = replace(image, pixel_size_angstrom=size)
    else:
        field = field_given(image, pixel_size_angstrom)
        if isinstance(field, Movie):
            raise BadValue("This is a movie. Align or denoise it first: pick(denoise(movie)).")
        halves = field if isinstance(field, Halves) else None
        raw = field.full if isinstance(field, Halves) else field.pixels
        path = field.path if field.path.is_file() else None
        seen = DenoisedMicrograph(raw, field.pixel_size_angstrom, raw, halves, path=path)
    if seen.pixels.ndim != 2:
        raise BadValue("This is a colour photograph. Give a micrograph (y, x) to pick on.")
    return seen


def _clicked(like: "Particles | ArrayLike") -> "NDArray[np.float64]":
    centres = np.asarray(like.centres_px if isinstance(like, Particles) else like, np.float64)
    if centres.ndim != 2 or centres.shape[1] != 2:
        raise BadValue(f"Clicked particles are (n, 2) y, x; these are of shape {centres.shape}.")
    return centres
