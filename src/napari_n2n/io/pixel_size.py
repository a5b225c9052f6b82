"""Which pixel sizes are believed.

A header's pixel size is often zero (never set) or absurd (72 dpi of an office program, metres
where ångström were meant). Such a value is reported to the user and never used.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_n2n.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable

SMALLEST_ANGSTROM = 0.05
LARGEST_ANGSTROM = 1000.0
"""Electron micrographs lie between 0.2 Å (super-resolution, high magnification) and about
100 Å (atlas images at 50-fold magnification reach a few hundred)."""


PLACEHOLDER_LABEL = "napari-n2n: pixel size 1 A may be a placeholder"
"""A label of MRC files made from images of which `PLACEHOLDER_NOTE` was said."""
PLACEHOLDER_NOTE = (
    "The header says 1 Å/px, which many programs write when they do not know the pixel size. "
    "If it is another, give it: --pixel-size."
)
_DETECTORS = {
    (2048, 2048), (4096, 4096), (8192, 8192),  # Falcon, Ceta, TVIPS, DE; EER finer
    (3838, 3710), (3710, 3838), (7676, 7420), (7420, 7676),  # K2, and its super-resolution
    (5760, 4092), (4092, 5760), (11520, 8184), (8184, 11520),  # K3 likewise
    (2880, 2046), (2046, 2880),  # K3 binned
    (5120, 3840), (3840, 5120), (4096, 3072), (3072, 4096),  # DE-20, DE-12
}  # fmt: skip
"""Pixels of whole detectors. At exactly 1 Å a microscope would have to be calibrated to it; a crop,
a binned or a simulated image of another size may well have been made so."""


def placeholder_notes(
    pixel_size_angstrom: float | None, shape: tuple[int, int], labels: Iterable[str] = ()
) -> tuple[str, ...]:
    """Say so where a pixel size of 1 Å is more likely to be none.

    Parameters
    ----------
    pixel_size_angstrom
        What the file says.
    shape
        (y, x) of the image, px.
    labels
        Of its MRC header: other programs whose images are 1 Å by default, or of this one, which
        was told of it by what the image was made from.
    """
    if pixel_size_angstrom is None or abs(pixel_size_angstrom - 1) > 1e-6:
        return ()
    labels = [label.lower() for label in labels]
    if any(label == PLACEHOLDER_LABEL.lower() for label in labels):
        return (PLACEHOLDER_NOTE,)
    if labels and labels[-1].startswith("created by napari-n2n"):
        return ()  # it says 1 Å because somebody did
    theirs = any(name in label for label in labels for name in ("cryocare", "aretomo"))
    return (PLACEHOLDER_NOTE,) if theirs or shape in _DETECTORS else ()


def placeholder_labels(notes: Iterable[str]) -> list[str]:
    """Return what results of an image are to be labelled with, by what was said of the image."""
    return [PLACEHOLDER_LABEL] if PLACEHOLDER_NOTE in notes else []


def is_plausible(pixel_size_angstrom: float) -> bool:
    """Whether a pixel size (Å) can be that of an electron micrograph."""
    return (
        math.isfinite(pixel_size_angstrom)
        and SMALLEST_ANGSTROM <= pixel_size_angstrom <= LARGEST_ANGSTROM
    )


def judge_pixel_size(
    x_angstrom: float, y_angstrom: float, source: str = "header"
) -> tuple[float | None, tuple[str, ...]]:
    """Accept or refuse the pixel size a file states.

    Parameters
    ----------
    x_angstrom, y_angstrom
        The stated size along both axes, Å; NaN where the file gives none.
    source
        Where it was found, for the note: ``"header"``.

    Returns
    -------
    tuple
        The pixel size (Å) or None, and the sentences the user should read.
    """
    if not (math.isfinite(x_angstrom) and math.isfinite(y_angstrom)) or x_angstrom == 0:
        return None, (f"The {source} gives no pixel size: give it by hand.",)
    if not (is_plausible(x_angstrom) and is_plausible(y_angstrom)):
        return None, (
            f"The {source}'s pixel size {_both(x_angstrom, y_angstrom)} Å cannot be right and is "
            "ignored: "
            "give it by hand.",
        )
    if abs(x_angstrom - y_angstrom) > 0.01 * x_angstrom:
        return None, (
            f"The {source}'s pixels are not square ({x_angstrom:.4g} × {y_angstrom:.4g} Å), "
            "so its pixel size is ignored: give it by hand.",
        )
    return float(x_angstrom), ()


def _both(x_angstrom: float, y_angstrom: float) -> str:
    """Write one number where both are the same, and else both: either may be the wrong one."""
    x, y = f"{x_angstrom:.4g}", f"{y_angstrom:.4g}"
    return x if x == y else f"{x} × {y}"


def overridden(
    given_angstrom: float | None, stated_angstrom: float | None, notes: tuple[str, ...]
) -> tuple[float | None, tuple[str, ...]]:
    """Let the user's pixel size (Å) win over the file's.

    Raises
    ------
    BadValue
        When the given size is itself not plausible.
    """
    if given_angstrom is None:
        return stated_angstrom, notes
    if not is_plausible(given_angstrom):
        raise BadValue(
            f"A pixel size of {given_angstrom} Å cannot be right: "
            f"give one between {SMALLEST_ANGSTROM} and {LARGEST_ANGSTROM:.0f} Å."
        )
    return float(given_angstrom), tuple(n for n in notes if "pixel size" not in n)
