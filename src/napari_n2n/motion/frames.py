"""Frames as motion estimation sees them: the low frequencies of their spectra, kept in memory."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from napari_n2n.errors import BadPixels
from napari_n2n.io import Movie
from napari_n2n.motion.correlation import Band
from napari_n2n.progress import Progress, Stopwatch

_SMALLEST_CROP_PX = 256
"""Smaller fields are not cropped further: they have no time to save and no signal to lose."""
_LONGEST_WAVE_ANGSTROM = 400.0
"""Beyond it ice, illumination and the field's edge outdo the particles, and do not move."""
_EDGE = 0.03
"""Share of the field at each side where frames fade out, so that no edge is seen to stand still."""
_HOT_SIGMA = 10.0
_SAMPLE = 200_000


@dataclass(frozen=True, eq=False)
class CroppedFrames:
    """Fourier-cropped frames.

    Attributes
    ----------
    spectra
        (frame, y, x // 2 + 1) complex64, faded at the edges, long waves removed.
    band
        Their frequencies, in 1/Å.
    total
        (y, x) sum of the frames as they are, at full size.
    blank
        (frame,) True where all pixels are equal.
    """

    spectra: torch.Tensor
    band: Band
    total: NDArray[np.float32]
    blank: NDArray[np.bool_]


def read_cropped(
    movie: Movie,
    pixel_size_angstrom: float,
    target_pixel_size_angstrom: float,
    device: torch.device,
) -> Generator[Progress, None, CroppedFrames]:
    """Read every frame once and keep the low frequencies of its spectrum.

    Raises
    ------
    BadPixels
        When every frame is blank.
    """
    count, height, width = movie.shape
    shrink = max(1.0, target_pixel_size_angstrom / pixel_size_angstrom)
    rows, columns = (_cropped_length(side, shrink) for side in (height, width))
    band = Band.of(
        (rows, columns),
        (pixel_size_angstrom * height / rows, pixel_size_angstrom * width / columns),
        device,
    )
    kept = torch.cat([torch.arange(rows // 2), torch.arange(height - rows // 2, height)])
    kept = kept.to(device)
    window = edge_window((height, width), device)
    mask = measurable(band)
    spectra = torch.empty((count, rows, columns // 2 + 1), dtype=torch.complex64, device=device)
    total = np.zeros((height, width), np.float32)
    blank = np.zeros(count, bool)
    half = torch.empty((height, width // 2 + 1), dtype=torch.complex64, device=device)
    scale: float | None = None
    watch = Stopwatch()
    for index in range(count):
        pixels = movie.frame(index)
        total += pixels
        # In place and into one buffer throughout: new memory costs more than the arithmetic.
        frame = torch.from_numpy(pixels).to(device)
        blank[index] = not bool(frame.max() > frame.min())
        sigma = float(frame.flatten()[:: 1 + frame.numel() // _SAMPLE].double().std())
        if scale is None and sigma > 0:
            scale = sigma
        frame.sub_(frame.mean())
        # A pixel that shines in every frame stands still, and would hold the peak at zero.
        if float(frame.max()) > _HOT_SIGMA * sigma:
            frame.masked_fill_(frame > _HOT_SIGMA * sigma, 0)
        # Brought to order one, whatever the camera's units: squares must fit into float32.
        frame.div_(scale or 1.0).mul_(window)
        # Only the columns that are kept are transformed along y.
        torch.fft.rfft(frame, dim=1, out=half)
        spectra[index] = torch.fft.fft(half[:, : columns // 2 + 1], dim=0)[kept].mul_(mask)
        yield watch.progress("Reading frames", index + 1, count)
    if blank.all():
        raise BadPixels(
            movie.path,
            "is blank: in every frame all pixels are the same",
            "Look whether the camera was on, or leave it out.",
        )
    return CroppedFrames(spectra, band, total, blank)


def _cropped_length(side: int, shrink: float) -> int:
    """Return an even length, quick to transform, of about ``side / shrink`` pixels."""
    wanted = max(round(side / shrink), min(side, _SMALLEST_CROP_PX))
    length = 2 * fft.next_fast_len(max(1, wanted // 2), real=True)
    return int(min(length, side // 2 * 2))


def edge_window(shape: tuple[int, int], device: torch.device, edge: float = _EDGE) -> torch.Tensor:
    """Return a window (y, x) that is 1 inside and falls to 0 over ``edge`` of each side."""
    sides = []
    for length in shape:
        fade = max(1, round(length * edge))
        ramp = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(fade) + 0.5) / fade)
        side = torch.ones(length)
        side[:fade] = ramp
        side[-fade:] = torch.minimum(side[-fade:], ramp.flip(0))
        sides.append(side)
    return (sides[0][:, None] * sides[1][None, :]).to(device)


def measurable(band: Band) -> torch.Tensor:
    """Return 1 at the frequencies that may show motion, (y, x // 2 + 1); 0 at the others.

    Left out are long waves, and the two axes: what a detector reads row by row or column by column,
    and the jump from one edge of the field to the other, lies there and stands still.
    """
    mask = band.frequency > 1 / _LONGEST_WAVE_ANGSTROM
    mask[0, :] = False
    mask[:, 0] = False
    mask[band.shape[0] // 2] = False
    mask[:, -1] = False
    return mask.float()
