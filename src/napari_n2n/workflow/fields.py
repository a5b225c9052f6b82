"""One field of view, however it was taken: what is denoised and shown. No napari and no Qt here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io import write_micrograph

Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FieldOfView:
    """One field of view, ready to be denoised and shown.

    ``full`` is the sum of ``odd`` and ``even``, all (y, x); a single micrograph has no halves.
    ``dose`` is that of the sum in e/Å². ``path`` is the movie's file, if there is one.
    A photograph is (y, x, 3) from 0 to 255, and so is ``clean``, if it is known without its noise;
    ``drawn`` is what its layer has, on napari's scale.
    """

    name: str
    full: Image
    odd: Image | None = None
    even: Image | None = None
    pixel_size_angstrom: float | None = None
    dose: float | None = None
    notes: tuple[str, ...] = ()
    path: Path | None = None
    clean: Image | None = None
    drawn: Any = None

    @property
    def is_photograph(self) -> bool:
        """Whether it is in colour."""
        return self.full.ndim == 3

    @property
    def shown(self) -> Any:
        """The data of the layer that shows it."""
        return self.full if self.drawn is None else self.drawn

    def save_sums(self, folder: Path) -> list[Path]:
        """Write the odd, even and full sums as MRC into ``folder``, as RELION names them.

        Raises
        ------
        WriteProblem
            The disk refuses.
        """
        stem = self.name.replace(" ", "_").replace("/", "_")
        sums = {f"{stem}_ODD.mrc": self.odd, f"{stem}_EVN.mrc": self.even, f"{stem}.mrc": self.full}
        written = []
        for name, pixels in sums.items():
            if pixels is not None:
                write_micrograph(folder / name, pixels, self.pixel_size_angstrom)
                written.append(folder / name)
        return written
