"""What a script hands in, as the typed objects of `napari_n2n.io`: names, objects, arrays.

Arrays are those of numpy, dask and xarray; none of the latter two is imported for that. Movies of
dask stay lazy. Nothing here imports torch before it is used.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.io import Micrograph, Movie, Photograph, StillStack, open_image
from napari_n2n.io.pixel_size import overridden
from napari_n2n.motion import Halves
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.movies import MovieChanges

_NUMBERS = "biuf"
_ANGSTROM_IN = {
    **dict.fromkeys(("a", "å", "angstrom", "angstroms", "ångström", "ångstrom"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre", "nanometres"), 10.0),
}
_ALIKE = 0.01


def movie_given(
    movie: Any, pixel_size_angstrom: float | None = None, dose_per_frame: float | None = None
) -> Movie:
    """Return the movie that a file's name, a movie or an array (frame, y, x) stands for.

    Parameters
    ----------
    movie
        What was handed in. A file that holds something else by its content is the movie that
        someone says it is when it is opened with `napari_n2n.open_movie`.
    pixel_size_angstrom, dose_per_frame
        Å and e/Å²; they win over those of ``movie``.

    Raises
    ------
    N2NError
        It is none, or cannot be read.
    """
    said: MovieChanges = {}
    if pixel_size_angstrom is not None:
        said["pixel_size_angstrom"] = pixel_size_angstrom
    if dose_per_frame is not None:
        said["dose_per_frame"] = dose_per_frame
    if isinstance(movie, str | Path):
        image = open_image(movie)
        if isinstance(image, StillStack):
            raise _no_movie(image)
        if not isinstance(image, Movie):
            image = Movie.from_source(image.source, image.path)
        opened = image
    elif isinstance(movie, Movie):
        opened = movie
    elif isinstance(movie, StillStack):
        raise _no_movie(movie)
    elif isinstance(movie, Halves):
        raise BadValue("These are the halves of a movie: it is aligned already.")
    else:
        frames = _array(movie, "a movie's file name, a movie, or frames (frame, y, x)")
        if frames.ndim != 3 or 0 in frames.shape:
            raise BadValue(f"A movie's frames are (frame, y, x); these are {_shape(frames)}.")
        if pixel_size_angstrom is None and (size := _size_of(movie)) is not None:
            said["pixel_size_angstrom"] = size
        opened = Movie.from_array(frames)
    return opened.replaced(**said) if said else opened


def field_given(
    image: Any, pixel_size_angstrom: float | None = None
) -> Movie | Micrograph | Photograph | Halves:
    """Return what can be denoised of a name, an object, a pair of halves or an array.

    Parameters
    ----------
    image
        What was handed in.
    pixel_size_angstrom
        Å; it wins over that of ``image``.

    Raises
    ------
    N2NError
        It is none of these, or cannot be read.
    """
    if isinstance(image, str | Path):
        return _one_field(open_image(image, pixel_size_angstrom=pixel_size_angstrom))
    if isinstance(image, tuple) and len(image) == 2:
        return _halves_given(image, pixel_size_angstrom)
    if isinstance(image, DenoisedMicrograph):
        raise BadValue("This is denoised already. Give what it was made of.")
    if isinstance(image, Movie):
        return movie_given(image, pixel_size_angstrom)
    if isinstance(image, StillStack):
        return _one_field(image)
    if isinstance(image, Halves | Micrograph | Photograph):
        if pixel_size_angstrom is None:
            return image
        size, notes = overridden(pixel_size_angstrom, image.pixel_size_angstrom, image.notes)
        return replace(image, pixel_size_angstrom=size, notes=notes)
    pixels = _array(image, "an image's file name, what it was opened as, or pixels (y, x)")
    size = _size_of(image) if pixel_size_angstrom is None else pixel_size_angstrom
    size, _ = overridden(size, None, ())
    if pixels.ndim == 2 and 0 not in pixels.shape:
        return Micrograph.from_array(np.asarray(pixels), size)
    if pixels.ndim == 3 and pixels.shape[-1] == 3:
        return Photograph.from_array(np.asarray(pixels), size)
    raise BadValue(f"An image is (y, x); this is {_shape(pixels)}. Align a movie first.")


def examples_given(images: Any, pixel_size_angstrom: float | None = None) -> list[Any]:
    """Return what training takes: a pair for halves, a single image for what has none.

    Parameters
    ----------
    images
        Some of what `field_given` takes, movies excepted.
    pixel_size_angstrom
        Å; it wins over that of the images.

    Raises
    ------
    N2NError
        One of them cannot be trained on.
    """
    alone = (str, Path, Movie, StillStack, Halves, Micrograph, Photograph, DenoisedMicrograph)
    if isinstance(images, alone) or hasattr(images, "ndim") or not hasattr(images, "__iter__"):
        raise BadValue("Give a list of images to train on: what align returns, or pairs.")
    given = list(images)
    is_pair = isinstance(images, tuple) and len(given) == 2
    if is_pair and not any(isinstance(one, tuple | Halves) for one in given):
        # Taken for two images, they would be trained on as if each had no other half.
        raise BadValue("Give pairs in a list, [(odd, even)], and images without halves as [a, b].")
    return [_example(one, number, pixel_size_angstrom) for number, one in enumerate(given, 1)]


def _example(image: Any, number: int, pixel_size_angstrom: float | None) -> Any:
    from napari_n2n.denoising.training.pairs import Pair
    from napari_n2n.denoising.training.singles import SingleImage

    field = field_given(image, pixel_size_angstrom)
    # What is in memory has no file whose name it could bear.
    name = field.path.name if field.path.is_file() else f"image {number}"
    if isinstance(field, Movie):
        raise BadValue(f"{field.path} is a movie. Align it first: train([align(movie), …]).")
    if isinstance(field, Halves):
        return Pair(field.odd, field.even, field.pixel_size_angstrom, name=name)
    return SingleImage(field.pixels, field.pixel_size_angstrom, name)


def _halves_given(pair: tuple[Any, Any], pixel_size_angstrom: float | None) -> Halves:
    odd, even = (field_given(half, pixel_size_angstrom) for half in pair)
    if not (isinstance(odd, Micrograph) and isinstance(even, Micrograph)):
        raise BadValue("Give two images (y, x) as halves.")
    if odd.shape != even.shape:
        raise NotEnoughData(f"The halves have the shapes {odd.shape} and {even.shape}.")
    size, other = odd.pixel_size_angstrom, even.pixel_size_angstrom
    if size is not None and other is not None and abs(size / other - 1) > _ALIKE:
        raise BadValue(f"The halves have pixels of {size:.4g} Å and of {other:.4g} Å.")
    full = odd.pixels + even.pixels
    return Halves(odd.pixels, even.pixels, full, size or other, None, None, odd.path)


def _one_field(
    opened: Movie | Micrograph | Photograph | StillStack,
) -> Movie | Micrograph | Photograph:
    if isinstance(opened, StillStack):
        raise _no_movie(opened)
    return opened


def _no_movie(stack: StillStack) -> BadValue:
    return BadValue(
        f"{stack.path} is {stack.what} by {stack.why}. If its images are frames of one exposure, "
        "align(open_movie(path)) takes it for a movie."
    )


def _array(image: Any, wanted: str) -> Any:
    """Return an array, with rows before columns where it names its axes; a lazy one stays lazy.

    Raises
    ------
    BadValue
        It holds no numbers.
    """
    if hasattr(image, "dims") and hasattr(image, "data"):
        values = _rows_first(image).data
    elif hasattr(image, "ndim") and hasattr(image, "dtype"):
        values = image
    elif isinstance(image, Sequence):
        try:
            values = np.asarray(image)
        except ValueError:
            values = np.empty(0, object)
        if values.dtype.kind not in _NUMBERS:
            raise BadValue("Give one at a time: [denoise(image) for image in images].")
    else:
        raise BadValue(f"Give {wanted}, not {type(image).__name__}.")
    if values.dtype.kind not in _NUMBERS:
        raise BadValue(f"Give {wanted}, not an array of {values.dtype}.")
    return values


def _rows_first(image: Any) -> Any:
    """Return an xarray whose axes x and y stand as they do in files, if it calls them so."""
    dims = list(image.dims)
    if "x" in dims and "y" in dims and dims.index("x") < dims.index("y"):
        x, y = dims.index("x"), dims.index("y")
        dims[x], dims[y] = "y", "x"
        return image.transpose(*dims)
    return image


def _size_of(image: Any) -> float | None:
    """Return the pixel size (Å) that an xarray's coordinates tell, if they are in Å or nm.

    Raises
    ------
    BadValue
        Its pixels are not square, or not evenly spaced.
    """
    if not hasattr(image, "dims"):
        return None
    names = [name for name in image.dims if name in ("y", "x")] or list(image.dims[-2:])
    known = [step for step in (_spacing(image, name) for name in names) if step is not None]
    if not known:
        return None
    if max(known) / min(known) - 1 > _ALIKE:
        raise BadValue(
            f"The pixels are not square ({known[-1]:.4g} × {known[0]:.4g} Å). "
            "Give the pixel size, in Å, if the coordinates are wrong."
        )
    return known[-1]


def _spacing(image: Any, name: Any) -> float | None:
    """Return the distance (Å) of an axis' points, None if it has none or they have another unit."""
    axis = image.coords.get(name)
    if axis is None or axis.ndim != 1 or len(axis) < 2:
        return None
    factor = _ANGSTROM_IN.get(str(axis.attrs.get("units", "")).strip().lower())
    if factor is None:
        return None
    steps: NDArray[np.float64] = np.abs(np.diff(np.asarray(axis, np.float64))) * factor
    mean = float(steps.mean())
    if not mean > 0 or float(np.abs(steps - mean).max()) > _ALIKE * mean:
        raise BadValue(f"The coordinates along {name} are not evenly spaced.")
    return mean


def _shape(array: Any) -> str:
    return f"of shape {tuple(int(side) for side in array.shape)}"
