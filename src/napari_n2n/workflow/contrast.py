"""Dark or bright particles: decided here, for window, command line and scripts.

The general model and the picker know dark particles, as cryo-EM records them, and so do the figures
of quality. Of negative stain and of inverted images they are shown the negative. What comes out is
turned back, so that results have the contrast of what was recorded.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.workflow.fields_of_view import ContrastChoice, DenoisedMicrograph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.session import Session

BRIGHT = (
    "Particles are taken to be bright on dark, as in negative stain. If they are dark, say so: at "
    'Particles are in the window, by --contrast dark, or contrast="dark" in Python.'
)
_COARSE_ANGSTROM = 10.0
_KEY = "contrast"  # of the session's settings
_ROWS = 512  # are enough to know the range of grey values from


def checked_contrast(contrast: str) -> ContrastChoice:
    """Return what a script has asked for.

    Raises
    ------
    BadValue
        There is no such choice.
    """
    choices: tuple[ContrastChoice, ...] = get_args(ContrastChoice)
    for choice in choices:
        if contrast == choice:
            return choice
    raise BadValue(f"The contrast is {', '.join(choices)}; {contrast!r} is none of these.")


def contrast_said_in(session: Session) -> ContrastChoice:
    """Return what somebody has said of all micrographs of a session; ``"auto"``: nothing."""
    said = session.setting(_KEY, "auto")
    return said if said in get_args(ContrastChoice) else "auto"


def say_contrast(session: Session, contrast: ContrastChoice) -> None:
    """Keep what somebody says of all micrographs of a session.

    Raises
    ------
    WriteProblem
        The session cannot be written.
    """
    if contrast != contrast_said_in(session):
        session.set_setting(_KEY, contrast)


def needs_dark_particles(denoiser: Denoiser) -> bool:
    """Whether a network knows dark particles only; others know what they were trained on."""
    from napari_n2n.denoising.shipped_models.general import GENERAL

    return denoiser.provenance.name == GENERAL


def decided(
    image: NDArray[np.float32], pixel_size_angstrom: float | None, asked: ContrastChoice
) -> tuple[Literal["dark", "bright"], tuple[str, ...]]:
    """Return which particles are, and what to note: where nobody has said so, the image tells.

    They are dark unless it is plain that they are bright.

    Parameters
    ----------
    image
        (y, x), best as it was recorded.
    pixel_size_angstrom
        None: the longer side is taken for 4096 Å, which is usual.
    asked
        ``"auto"``: the image tells.
    """
    if asked != "auto":
        return asked, ()
    if not np.isfinite(image).all():
        return "dark", ()  # whoever uses it says so
    from napari_n2n.particles.skewness import plainly_bright
    from napari_n2n.quality.working_image import pixels_in_one, taken_pixel_size, working_image

    factor = pixels_in_one(image.shape, pixel_size_angstrom, _COARSE_ANGSTROM)
    try:
        coarse = working_image(_without_extremes(image), factor)
    except NotEnoughData:
        return "dark", ()  # all the same
    size = taken_pixel_size(image.shape, pixel_size_angstrom) * image.shape[0] / coarse.shape[0]
    return ("bright", (BRIGHT,)) if plainly_bright(coarse, size) else ("dark", ())


def _without_extremes(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut off hot and dead pixels, which are few. To find them one by one would take seconds."""
    every = max(1, image.shape[0] // _ROWS)
    low, high = np.percentile(image[::every], (0.1, 99.9)).astype(np.float32)
    cut: NDArray[np.float32] = np.clip(image, low, high)
    return cut


def with_contrast(
    micrograph: DenoisedMicrograph, asked: ContrastChoice = "auto"
) -> DenoisedMicrograph:
    """Return a micrograph of which it is decided whether its particles are dark or bright.

    A note is added where the image told. What is ``asked`` wins over what was decided before.
    """
    if asked == "auto":
        asked = micrograph.contrast
    seen = micrograph.pixels if micrograph.raw is None else micrograph.raw
    contrast, notes = decided(seen, micrograph.pixel_size_angstrom, asked)
    return replace(micrograph, contrast=contrast, notes=(*micrograph.notes, *notes))


def with_dark_particles(micrograph: DenoisedMicrograph) -> DenoisedMicrograph:
    """Return a micrograph, or its negative where its particles are bright."""
    micrograph = with_contrast(micrograph)
    if micrograph.contrast == "dark":
        return micrograph
    pixels, raw = -micrograph.pixels, micrograph.raw
    # What was recorded may be both.
    negative = pixels if raw is micrograph.pixels else None if raw is None else -raw
    return replace(micrograph, pixels=pixels, raw=negative, halves=None, contrast="dark")
