"""Where a part of an image lies on the working grid, and how to bring that part alone back."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.tiling import Window

# Working pixels around a region that are denoised with it, and over how many of them the outermost
# fade out: the interpolation reaches across the whole image, and a sudden end would ring into the
# region. What is left differs from the whole image's by some 0.2 % of its deviation (rms, measured
# on real micrographs); detail of two working pixels, which denoised images lack, by 5 %.
_MARGIN = 40
_FADE = 32


@dataclass(frozen=True, slots=True)
class RegionPlan:
    """A part of an image of ``shape``, worked on at ``at_work``; all (y, x).

    ``window`` is the part in pixels of the image, ``working`` what of the denoised image it is
    made of and ``read`` what the network has to see for that, both in working pixels.
    """

    shape: tuple[int, int]
    at_work: tuple[int, int]
    window: Window
    working: Window
    read: Window

    @classmethod
    def of(
        cls,
        window: Window,
        shape: tuple[int, int],
        at_work: tuple[int, int],
        multiple: int,
        halo: int,
    ) -> "RegionPlan | None":
        """Find the part that ``window`` shows, cut at the image's edges; None if it is empty.

        The network pools by ``multiple`` and sees ``halo`` pixels around what it denoises.
        """
        spans = [slice(*span.indices(side)[:2]) for span, side in zip(window, shape, strict=True)]
        if any(span.start >= span.stop for span in spans):
            return None
        sides = list(zip(spans, shape, at_work, strict=True))
        (y, x) = (_on_working_grid(*side) for side in sides)
        wide = [
            slice(
                max(0, (span.start - halo) // multiple * multiple),
                min(side, -(-(span.stop + halo) // multiple) * multiple),
            )
            for span, side in zip((y, x), at_work, strict=True)
        ]
        return cls(shape, at_work, (spans[0], spans[1]), (y, x), (wide[0], wide[1]))

    @property
    def share(self) -> float:
        """Share of the working image that the network has to see for the part."""
        height, width = (span.stop - span.start for span in self.read)
        return float(height * width / (self.at_work[0] * self.at_work[1]))

    @property
    def origin(self) -> tuple[int, int]:
        """Where the part's first pixel lies in the image, (y, x) px."""
        return self.window[0].start, self.window[1].start

    def resampled(self, image: Tensor) -> Tensor:
        """Return the part, (c, y, x), of what `rescale` would make of the whole working image.

        ``image``, (c, y, x), is the latter where `read` lies.
        """
        y, x = (
            slice(inner.start - outer.start, inner.stop - outer.start)
            for inner, outer in zip(self.working, self.read, strict=True)
        )
        patch = image[:, y, x]
        if self.shape == self.at_work:
            return patch.clone()
        mean = patch.mean()
        across, down = (
            _interpolation(axis, *parts).to(image.device)
            for axis, parts in (
                (1, (self.window[1], self.shape[1], self.working[1], self.at_work[1])),
                (0, (self.window[0], self.shape[0], self.working[0], self.at_work[0])),
            )
        )
        return down @ (patch - mean) @ across.T + mean


def _on_working_grid(span: slice, side: int, working: int) -> slice:
    if side == working:
        return span
    step = working / side
    margin = math.ceil(_MARGIN * max(1.0, step))
    first = math.floor(span.start * step) - margin
    last = math.ceil(span.stop * step) + margin
    return slice(max(0, first), min(working, last))


def _interpolation(axis: int, pixels: slice, side: int, working: slice, at_work: int) -> Tensor:
    """Matrix (pixels, working) that interpolates as `rescale` does, with the far end faded out."""
    count = working.stop - working.start
    lines = torch.zeros(count, at_work)
    lines[:, working] = torch.diag(_fade(working, at_work))
    if axis == 0:
        matrix = rescale(lines[:, :, None], (side, 1))[:, pixels, 0]
    else:
        matrix = rescale(lines[:, None, :], (1, side))[:, 0, pixels]
    return matrix.T.contiguous()


def _fade(working: slice, at_work: int) -> Tensor:
    """Weights that are 1 within and sink to 0 at the ends where the image goes on."""
    count = working.stop - working.start
    ramp = torch.sin(((torch.arange(count) + 0.5) / _FADE).clamp(max=1) * (math.pi / 2)).square()
    weights = torch.ones(count)
    if working.start > 0:
        weights *= ramp
    if working.stop < at_work:
        weights *= ramp.flip(0)
    return weights
