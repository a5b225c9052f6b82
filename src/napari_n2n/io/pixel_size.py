"""Which pixel sizes are believed.

A header's pixel size is often zero (never set) or absurd (72 dpi of an office program, metres
where ångström were meant). Such a value is reported to the user and never used.
"""

from __future__ import annotations

import math

from napari_n2n.errors import BadValue

SMALLEST_ANGSTROM = 0.05
LARGEST_ANGSTROM = 1000.0
"""Electron micrographs lie between 0.2 Å (super-resolution, high magnification) and about
100 Å (atlas images at 50-fold magnification reach a few hundred)."""


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
