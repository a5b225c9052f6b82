"""Frames as motion estimation sees them: the low frequencies of their spectra, kept in memory."""

from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import fft

from napari_n2n.errors import BadPixels
from napari_n2n.io import Movie
from napari_n2n.motion.correlation import Band
from napari_n2n.motion.reading import read_ahead
from napari_n2n.progress import Steps, Stopwatch
from napari_n2n.threads import in_strips, strip_by_strip

_SMALLEST_CROP_PX = 256
"""Smaller fields are not cropped further: they have no time to save and no signal to lose."""
_LONGEST_WAVE_ANGSTROM = 400.0
"""Beyond it ice, illumination and the field's edge outdo the particles, and do not move."""
_EDGE = 0.03
"""Share of the field at each side where frames fade out, so that no edge is seen to stand still."""
_HOT_SIGMA = 10.0
_SAMPLE = 200_000
_STRIP_ROWS = 128
_STRIP_COLUMNS = 32
"""Rows and columns worked on at once: they stay in a core's cache, which halves the time."""


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


def read_cropped_steps(
    movie: Movie,
    pixel_size_angstrom: float,
    target_pixel_size_angstrom: float,
    device: torch.device,
) -> Steps[CroppedFrames]:
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
    spectra = torch.empty((count, rows, columns // 2 + 1), dtype=torch.complex64, device=device)
    total = np.zeros((height, width), np.float32)
    blank = np.zeros(count, bool)
    crop = _Cropping((height, width), measurable(band), device)
    scale: float | None = None
    watch = Stopwatch()
    with closing(read_ahead(movie.frame, count)) as frames:
        for index, pixels in enumerate(frames):
            frame = torch.from_numpy(pixels).to(device)
            lowest, highest, mean = _look(frame)
            np.add(total, pixels, out=total)
            blank[index] = not highest > lowest
            sigma = float(frame.flatten()[:: 1 + frame.numel() // _SAMPLE].double().std())
            if scale is None and sigma > 0:
                scale = sigma
            # A pixel that shines in every frame stands still, and would hold the peak at zero.
            limit = mean + _HOT_SIGMA * sigma
            # Brought to order one, whatever the camera's units: squares must fit into float32.
            crop(frame, mean, limit if highest > limit else None, scale or 1.0, spectra[index])
            # Let go, so that the next frame can be read.
            del pixels, frame
            yield watch.progress("Reading frames", index + 1, count)
    if blank.all():
        raise BadPixels(
            movie.path,
            "is blank: in every frame all pixels are the same",
            "Look whether the camera was on, or leave it out.",
        )
    return CroppedFrames(spectra, band, total, blank)


def _look(frame: torch.Tensor) -> tuple[float, float, float]:
    """Return the lowest, the highest and the mean value of a frame (y, x)."""

    def look(rows: slice) -> torch.Tensor:
        return torch.stack([*torch.aminmax(frame[rows]), frame[rows].sum()])

    # Asked for once: a card would be waited for at every number.
    seen = torch.stack(strip_by_strip(look, len(frame), _STRIP_ROWS)).double().cpu()
    return float(seen[:, 0].min()), float(seen[:, 1].max()), float(seen[:, 2].sum()) / frame.numel()


class _Cropping:
    """Takes the low frequencies of frames that fade out at their edges.

    Only what is kept is transformed along the second axis.

    Parameters
    ----------
    shape
        (y, x) of the frames.
    mask
        (y, x // 2 + 1) of what is kept, what it is multiplied by.
    """

    def __init__(self, shape: tuple[int, int], mask: torch.Tensor, device: torch.device) -> None:
        self._down, self._across = (_edge_profile(side, _EDGE).to(device) for side in shape)
        self._mask = mask
        self._half = torch.empty((shape[0], mask.shape[1]), dtype=torch.complex64, device=device)

    def __call__(
        self,
        frame: torch.Tensor,
        mean: float,
        limit: float | None,
        scale: float,
        spectrum: torch.Tensor,
    ) -> None:
        """Write the spectrum of (frame - mean) / scale into ``spectrum``; consumes ``frame``.

        What is above a limit counts as the mean.
        """
        middle = len(self._mask) // 2

        def across(rows: slice) -> None:
            strip = frame[rows]
            if limit is not None:
                strip.masked_fill_(strip > limit, mean)
            strip.sub_(mean).mul_(self._across)
            strip.mul_(self._down[rows, None] / scale)
            self._half[rows] = torch.fft.rfft(strip, dim=1)[:, : self._mask.shape[1]]

        def down(columns: slice) -> None:
            whole = torch.fft.fft(self._half[:, columns], dim=0)
            mask = self._mask[:, columns]
            torch.mul(whole[:middle], mask[:middle], out=spectrum[:middle, columns])
            torch.mul(whole[-middle:], mask[middle:], out=spectrum[middle:, columns])

        in_strips(across, len(frame), _STRIP_ROWS, frame.device)
        in_strips(down, self._mask.shape[1], _STRIP_COLUMNS, frame.device)


def _cropped_length(side: int, shrink: float) -> int:
    """Return an even length, quick to transform, of about ``side / shrink`` pixels."""
    wanted = max(round(side / shrink), min(side, _SMALLEST_CROP_PX))
    length = 2 * fft.next_fast_len(max(1, wanted // 2), real=True)
    return int(min(length, side // 2 * 2))


def edge_window(shape: tuple[int, int], device: torch.device, edge: float = _EDGE) -> torch.Tensor:
    """Return a window (y, x) that is 1 inside and falls to 0 over ``edge`` of each side."""
    down, across = (_edge_profile(length, edge) for length in shape)
    return (down[:, None] * across[None, :]).to(device)


def _edge_profile(length: int, edge: float) -> torch.Tensor:
    fade = max(1, round(length * edge))
    ramp = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(fade) + 0.5) / fade)
    side = torch.ones(length)
    side[:fade] = ramp
    side[-fade:] = torch.minimum(side[-fade:], ramp.flip(0))
    return side


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
