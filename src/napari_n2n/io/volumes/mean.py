"""The mean of a tomogram's halves: what is looked at where both are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.io.volumes.model import as_dask, typical_pixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.volumes.boxes import Index
    from napari_n2n.io.volumes.model import Volume


class MeanOfHalves:
    """The mean of two volumes (z, y, x) of one shape, read from both as it is sliced.

    It has half of the noise that either has, and is on their scale.
    """

    def __init__(self, odd: Volume, even: Volume) -> None:
        self.odd, self.even = odd, even
        self.shape: tuple[int, int, int] = odd.shape

    def __getitem__(self, index: int | slice | tuple[Index, ...]) -> NDArray[np.float32]:
        """Give what numpy's numbers and slices choose, as `Volume` does."""
        chosen = index if isinstance(index, tuple) else (index,)
        mean = self.odd[chosen]
        mean += self.even[chosen]
        mean /= np.float32(2)
        return mean

    def typical_pixels(self) -> NDArray[np.float32]:
        """Give pixels of a few sections about the middle, one above the other, (y, x)."""
        return typical_pixels(self)

    def as_dask(self) -> Any:
        """Give a dask array (z, y, x) of float32, one chunk a section, nothing read yet."""
        return as_dask(self)
