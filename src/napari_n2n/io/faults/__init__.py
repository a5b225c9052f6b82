"""Faults of the camera: what is sharp, strong and no specimen, found and filled in.

One pixel of 65535, a dead column, a border of zeros or a step between two readouts holds power at
every spatial frequency: a Fourier transform spreads it over the whole image, and whatever is
measured there is wrong. Filled in beforehand, a fault costs the place where it is.

Each kind is looked for at the scale where it is plainest:

- areas that are one value throughout: borders, dead blocks, burnt-in bars (`areas`);
- pixels that are off: hot and dead ones, x-rays (`pixels`);
- rows and columns, or pieces of them, that are off, and steps along whole or half lines, as
  between the halves of a readout (`lines`);
- areas that are far off where noise is averaged: gold, dirt, what the beam does not reach. They
  are no fault of the camera and are there, but as strong and sharp as one (`dense`).
"""

from napari_n2n.io.faults.areas import equal_areas
from napari_n2n.io.faults.finding import Faults, find_faults
from napari_n2n.io.faults.mending import filled_in, mend, returned, smoothed_over

__all__ = ["Faults", "equal_areas", "filled_in", "find_faults", "mend", "returned", "smoothed_over"]
