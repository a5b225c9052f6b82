"""At what pixel or voxel size a denoiser is to see something, and what there is to say about it."""

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.errors import N2NError

# Beyond this the result would be a few blurred pixels, or a file's pixel size is wrong.
_LARGEST_RESCALING = 16.0
_COARSER = 0.8
_WORDS = {2: ("image", "pixel size", "px"), 3: ("volume", "voxel size", "voxel")}


class PixelSizeProblem(N2NError):
    """A denoiser cannot be used at an image's pixel size, or a volume's voxel size."""


def working_size_of(
    size_angstrom: float | None, denoiser: Denoiser
) -> tuple[float | None, tuple[str, ...]]:
    """Return the pixel or voxel size (Å) that the denoiser works at, and sentences for the user.

    None: it takes what it is given as it is.

    Raises
    ------
    PixelSizeProblem
        ``size_angstrom`` is too far from it.
    """
    what, name, unit = _WORDS[denoiser.ndim]
    working = denoiser.working_pixel_size_angstrom
    if working is None:
        return None, ()
    if size_angstrom is None:
        return None, (
            f"The {name} is unknown; taken to be the one the denoiser works at. "
            f"Give the {name} if the result looks wrong.",
        )
    factor = working / size_angstrom
    if not 1 / _LARGEST_RESCALING <= factor <= _LARGEST_RESCALING:
        raise PixelSizeProblem(
            f"The {what} has {size_angstrom:g} Å/{unit} and the denoiser works at {working:g} "
            f"Å/{unit}: too far apart. Check the {name}, or train a denoiser on such {what}s."
        )
    if factor < _COARSER:
        return working, (
            f"The {what} has {size_angstrom:g} Å/{unit}, coarser than the {working:g} Å/{unit} "
            "the denoiser works at: expect less of it.",
        )
    return working, ()
