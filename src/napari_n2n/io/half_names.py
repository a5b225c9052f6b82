"""How programs name odd and even halves: the one table, for micrographs, tilt series and volumes.

Sources, each read in the program's own code or documentation but for the first:

- MotionCor2, RELION 3 and later, AreTomo2: ``_ODD``, ``_EVN`` behind the name, as their users know
  them; of MotionCor3 it is in AreTomo3's ``CInput.cpp``.
- AreTomo3 (``CAsyncSaveVol.cpp``, ``CTsPackage.cpp``): volumes ``_EVN_Vol.mrc``, ``_ODD_Vol.mrc``
  and ``_Vol.mrc`` of all frames; *tilt series* ``_EVN.mrc``, ``_ODD.mrc`` beside them.
- tomotools (``tomogram.py``): ``_rec_bin_8_EVN.mrc``, ``_full_rec_ODD.mrc``; and etomo's
  ``_even_rec.mrc``, ``_odd_rec.mrc`` beside ``_rec.mrc``.
- WarpTools (``TiltSeries.cs``): ``reconstruction/even/NAME_10.00Apx.mrc``, ``reconstruction/odd/``
  and all frames in ``reconstruction/``; Warp's averages of movies likewise, and so do people who
  follow the protocols of cryoCARE, IsoNet2 and Noise2Map.
- cryoCARE's README: ``odd.rec``, ``even.rec`` in a folder of their own.
- RELION 5 (``reconstruct_tomogram.cpp``, ``metadata_label.h``): ``rec_NAME_half1.mrc`` of the even
  frames, ``_half2`` of the odd ones, and ``rec_NAME.mrc`` of all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Half = Literal["odd", "even"]
"""Which of two halves."""


@dataclass(frozen=True)
class HalfNaming:
    """How a half is told from the other, where both lie in one folder.

    Attributes
    ----------
    programs
        Who names them so, for people.
    odd, even
        The word in the name, in any case; behind ``_`` or ``-``, or all there is of it.
    behind
        What follows it, and is in the name of the whole as well.
    is_all
        Whether nothing is before it: then the folder tells the name, and the whole is ``full``.
    """

    programs: str
    odd: str
    even: str
    behind: str = ""
    is_all: bool = False

    def pattern(self, half: Half) -> re.Pattern[str]:
        """Return what finds the word, and nothing else, in a name without extension."""
        word = self.odd if half == "odd" else self.even
        before = "^" if self.is_all else "[_-]"
        return re.compile(rf"{before}(?:{word})(?={self.behind}$)", re.IGNORECASE)


NAMINGS: tuple[HalfNaming, ...] = (
    HalfNaming("MotionCor2 and 3, RELION, AreTomo2, tomotools", "odd", "evn|even"),
    HalfNaming("AreTomo3", "odd", "evn|even", "_vol"),
    HalfNaming("IMOD, tomotools", "odd", "evn|even", "_rec"),
    HalfNaming("RELION 5", "half2", "half1"),
    HalfNaming("cryoCARE", "odd", "evn|even", is_all=True),
)
"""Names of halves in one folder."""
WHOLE = "full"
"""The name of what ``odd`` and ``even`` are halves of."""
FOLDERS: dict[Half, tuple[str, ...]] = {"odd": ("odd",), "even": ("even", "evn")}
"""Names of folders, in any case, whose files of one name are halves: Warp, WarpTools."""

_HALVES: tuple[Half, ...] = ("odd", "even")
_PATTERNS = [(half, naming.pattern(half)) for half in _HALVES for naming in NAMINGS]
_OF_VOLUMES = re.compile(
    r"_vol$|_rec$|_rec_bin_\d+$|^rec_.|_\d+(\.\d+)?apx$",  # AreTomo, IMOD, tomotools, RELION, Warp
    re.IGNORECASE,
)


def split_half(stem: str) -> tuple[str, Half | None]:
    """Return a name, without extension, as the whole has it, and which half it is by its name.

    ``a_ODD`` is the odd half of ``a``, ``a_EVN_Vol`` the even one of ``a_Vol``, and ``odd`` that of
    something whose name is empty here.
    """
    for half, pattern in _PATTERNS:
        if pattern.search(stem):
            return pattern.sub("", stem), half
    return stem, None


def half_of_folder(folder: Path) -> Half | None:
    """Return which halves lie in a folder by its name."""
    name = folder.name.lower()
    return next((half for half, names in FOLDERS.items() if name in names), None)


def names_a_volume(path: Path, stem: str) -> bool:
    """Whether a file is called as programs call their reconstructions; ``stem`` is its name."""
    is_rec = ".rec" in (suffix.lower() for suffix in path.suffixes[-2:])
    return is_rec or _OF_VOLUMES.search(split_half(stem)[0]) is not None
