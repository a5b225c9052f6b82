"""Using a denoiser."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import require_dimensions
from napari_n2n.denoising.inference.calibration import calibrated_steps, passes
from napari_n2n.denoising.inference.faster_unet import ready
from napari_n2n.denoising.inference.regions import RegionPlan
from napari_n2n.denoising.inference.removed import Removed, removed
from napari_n2n.denoising.inference.symmetries import WAYS
from napari_n2n.denoising.inference.tiled_pass import tiled_steps
from napari_n2n.denoising.inference.working_size import PixelSizeProblem, working_size_of
from napari_n2n.denoising.interruption import interruptible
from napari_n2n.denoising.normalisation import (
    Intensities,
    faults_of,
    from_channels,
    to_channels,
    working_shape,
)
from napari_n2n.denoising.reports import DenoisedRegion, DenoisingProgress
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.tiling import Window
from napari_n2n.devices import choose_device, torch_errors_explained
from napari_n2n.io.faults import mend, returned
from napari_n2n.progress import Progress, Stop, Stopwatch, never, passed_on, run_to_end

if TYPE_CHECKING:
    from napari_n2n.metrics import RingCorrelation

# A region that needs more of the image than this is not worth a pass of its own.
_LARGEST_SHARE = 0.6
_IN_VIEW = "denoising what is in view"
# An image that is coarser than a denoiser works at is seen at these multiples of its working pixel
# size, and the mean of the results is taken. Of simulated apoferritin at 6.7, 8, 10 and 12 Å/px the
# light network, trained for a minute at 4 Å/px, made 0.96, 0.96, 0.96, 0.96 (correlation with the
# truth; enlarged to 4 Å/px alone 0.89 to 0.94, the best Gaussian 0.93 to 0.95), and a small network
# of a few seconds 0.93 to 0.95, where either alone can be worse than the Gaussian.
_SEEN_AT = (1.0, 1.5, 2.0)


@dataclass(frozen=True, eq=False)
class DenoisedImage:
    """A denoised image on the grid and scale of the input, (y, x) or RGB (y, x, 3).

    What was ``removed`` is not measured of photographs.
    """

    pixels: NDArray[np.float32]
    notes: tuple[str, ...] = ()
    removed: Removed | None = None


@dataclass(frozen=True, eq=False)
class DenoisedHalves(DenoisedImage):
    """The mean of two denoised halves, with the halves' FRC before and after.

    Not ``is_calibrated``, the FRC is by frequency in 1/px, as the pixel size is unknown.
    """

    @property
    def summed(self) -> NDArray[np.float32]:
        """The same on the scale of the sum of both, as a micrograph of all frames has."""
        return self.pixels * np.float32(2)

    frc_before: "RingCorrelation" = field(kw_only=True)
    frc_after: "RingCorrelation" = field(kw_only=True)
    is_calibrated: bool = field(default=True, kw_only=True)

    @property
    def resolution_note(self) -> str:
        """How far the halves agree, before and after, in a sentence."""
        unit = "Å" if self.is_calibrated else "px"
        before, after = (
            "nowhere" if resolution is None else f"down to {resolution:.1f} {unit}"
            for resolution in (
                self.frc_before.resolution_angstrom(),
                self.frc_after.resolution_angstrom(),
            )
        )
        return f"The halves agree (FRC ≥ 1/7) {before} before and {after} after denoising."


def denoise(
    image: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    tile: int | None = None,
) -> NDArray[np.float32]:
    """Denoise ``image``, (y, x) or (y, x, 3); same shape and scale out.

    See `denoise_steps`, which does the same and tells how far it is.
    """
    steps = denoise_steps(
        image, denoiser, pixel_size_angstrom=pixel_size_angstrom, device=device, tile=tile
    )
    return run_to_end(steps).pixels


def denoise_steps(
    image: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    tile: int | None = None,
    first: Window | None = None,
    thorough: bool = False,
    stop: Stop = never,
) -> Generator[DenoisingProgress, None, DenoisedImage]:
    """Denoise ``image``, yielding progress in tiles.

    Parameters
    ----------
    image
        (y, x), or (y, x, 3) for a denoiser of colour photographs.
    denoiser
        The network and how to feed it.
    pixel_size_angstrom
        Of the image; it is resampled to the denoiser's working pixel size and back. None: as if
        it were the working pixel size, with a note if the denoiser has one.
    device
        ``"auto"`` or a name.
    tile
        Side of the tiles in working pixels; by default what fits the free memory. Tiling does
        not change the result.
    first
        (y, x) slices of ``image`` to denoise before the whole, such as what is on the screen; a
        progress object carries them as its ``region``, unless they are most of it. They equal the
        same part of the result to rounding, or where the image is resampled, to 1 % of its
        deviation (rms); where the denoiser calibrates, it does so by what it sees of the image
        then.
    thorough
        Return the mean over the eight ways in which the image can be turned and mirrored, each
        result turned back: a little better, and eight times the work.
    stop
        Once true, `Interrupted` is raised within a second.

    Raises
    ------
    PixelSizeProblem
        The pixel size is too far from the denoiser's.
    WrongDimensions
        The denoiser is for volumes.
    DeviceProblem
        The device is missing or out of memory even for small tiles.
    Interrupted
        ``stop`` became true.
    """
    job = _Job(
        image, denoiser, pixel_size_angstrom, choose_device(device), tile, stop, thorough=thorough
    )
    region = None if first is None else (yield from job.region(first))
    if region is not None:
        yield _with_region(region)
    result = yield from job.whole()
    return replace(result, removed=_removed(job))


def denoise_halves_steps(
    odd: NDArray[np.float32],
    even: NDArray[np.float32],
    denoiser: Denoiser,
    *,
    pixel_size_angstrom: float | None = None,
    device: str | torch.device = "auto",
    first: Window | None = None,
    thorough: bool = False,
    stop: Stop = never,
) -> Generator[DenoisingProgress, None, DenoisedHalves]:
    """Denoise both halves of a movie; their mean is the result, their FRC how far to believe it.

    Parameters and errors are those of `denoise_steps`; ``odd`` and ``even`` are (y, x). The region
    that was asked for first is the sum of both halves', as it is shown.
    """
    chosen = choose_device(device)
    jobs = [
        _Job(half, denoiser, pixel_size_angstrom, chosen, None, stop, thorough=thorough)
        for half in (odd, even)
    ]
    if first is not None:
        regions = []
        for job in jobs:
            regions.append((yield from job.region(first)))
        a_region, b_region = regions
        if a_region is not None and b_region is not None:
            summed = a_region.pixels + b_region.pixels
            yield _with_region(DenoisedRegion(summed, a_region.origin))
    a = yield from jobs[0].whole()
    b = yield from jobs[1].whole()
    yield DenoisingProgress("comparing halves", 0, 1)
    from napari_n2n.metrics import frc

    pixel_size = pixel_size_angstrom or 1.0  # in px where it is unknown
    return DenoisedHalves(
        pixels=(a.pixels + b.pixels) * np.float32(0.5),
        frc_before=frc(odd, even, pixel_size),
        frc_after=frc(a.pixels, b.pixels, pixel_size),
        notes=b.notes,
        removed=_removed(*jobs),
        is_calibrated=pixel_size_angstrom is not None,
    )


def _removed(*jobs: "_Job") -> Removed | None:
    """Measure what was removed of the sum of what was denoised; None: it is in colour."""
    (raw, denoised), *others = (job.undisturbed for job in jobs)
    if raw.ndim != 2:
        return None
    for before, after in others:
        raw, denoised = raw + before, denoised + after
    faults = np.logical_or.reduce([job.faulty for job in jobs])
    return removed(raw, denoised, faults)


def _with_region(region: DenoisedRegion) -> DenoisingProgress:
    return DenoisingProgress(_IN_VIEW, 1, 1, region=region)


class _Job:
    """One image on its way: brought to the working pixel size and normalised, not yet denoised.

    Raises
    ------
    PixelSizeProblem, DeviceProblem
        As told in `denoise_steps`.
    """

    def __init__(
        self,
        image: NDArray[np.float32],
        denoiser: Denoiser,
        pixel_size_angstrom: float | None,
        device: torch.device,
        tile: int | None,
        stop: Stop,
        *,
        thorough: bool,
    ) -> None:
        require_dimensions(denoiser.network.config, 2)
        self._ways = WAYS if thorough else WAYS[:1]
        self._denoiser = denoiser
        self._tile = tile
        self._stop = stop
        self._shape = (image.shape[0], image.shape[1])
        count = 1 if image.ndim == 2 else image.shape[2]
        taken = denoiser.network.config.in_channels
        if count != taken:
            raise PixelSizeProblem(
                f"The model is for {_with_channels(taken)}, and this is one of "
                f"{_with_channels(count)}. Choose a model made for such images."
            )
        wanted, self._notes = working_size_of(pixel_size_angstrom, denoiser)
        self._at_work = self._shape
        if wanted is not None and pixel_size_angstrom is not None:
            size = max(wanted, pixel_size_angstrom)
            self._at_work = working_shape(self._shape, pixel_size_angstrom, size)
        self._enlargements = _enlargements(pixel_size_angstrom, denoiser)
        self._image = image
        self._faults = faults_of(image, denoiser.training.normalisation)
        self._notes += (self._faults.sentence,) if self._faults.sentence else ()
        self._mended = mend(image, self._faults)
        self._made = self._mended
        channels = to_channels(self._mended)
        with torch_errors_explained("Denoising"):
            working = rescale(channels.to(device), self._at_work)
            self._scale = Intensities.of(working, denoiser.training.normalisation)
            self._seen = self._scale.normalise(working)
            self._network = ready(denoiser.network, device)

    @property
    def undisturbed(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The image and what `whole` made of it, both with the camera's faults filled in."""
        return self._mended, self._made

    @property
    def faulty(self) -> NDArray[np.bool_]:
        """(y, x) where those were."""
        return self._faults.where

    def whole(self) -> Generator[DenoisingProgress, None, DenoisedImage]:
        """Denoise all of it."""
        with torch_errors_explained("Denoising"):
            result = yield from self._denoised(self._seen, "denoising")
            self._made = from_channels(rescale(self._scale.restore(result), self._shape))
        return DenoisedImage(returned(self._made, self._image, self._faults), self._notes)

    def region(self, window: Window) -> Generator[DenoisingProgress, None, DenoisedRegion | None]:
        """Denoise what ``window`` shows; None if it shows nothing, or most of the image."""
        multiple = self._network.config.size_multiple
        part = RegionPlan.of(window, self._shape, self._at_work, multiple, self._network.halo)
        enlarged = max(self._enlargements) > 1
        if part is None or part.share > _LARGEST_SHARE or enlarged:
            return None
        with torch_errors_explained("Denoising"):
            result = yield from self._denoised(self._seen[(slice(None), *part.read)], _IN_VIEW)
            restored = self._scale.within(part.read).restore(result)
            pixels = from_channels(part.resampled(restored))
        faults = self._faults.within(part.window)
        return DenoisedRegion(returned(pixels, self._image[part.window], faults), part.origin)

    def _denoised(self, image: Tensor, stage: str) -> Generator[DenoisingProgress, None, Tensor]:
        """Return what comes of the normalised ``image``, on its scale."""
        weigh = self._denoiser.calibrate
        count = passes((image.shape[1], image.shape[2])) if weigh else 1
        looks = [(way, larger) for way in self._ways for larger in self._enlargements]
        count *= len(looks)
        watch = Stopwatch()
        number = iter(range(count))

        def run(given: Tensor) -> Generator[DenoisingProgress, None, Tensor]:
            total = torch.zeros_like(given)
            for way, larger in looks:
                before = next(number)

                def told(step: Progress, before: int = before) -> Iterator[DenoisingProgress]:
                    done = before * step.total + step.done
                    at = watch.progress(stage, done, count * step.total)
                    yield DenoisingProgress(at.stage, at.done, at.total, at.seconds_left)

                seen = way.of(given)
                sides = (seen.shape[1], seen.shape[2])
                height, width = (round(side * larger) for side in sides)
                tiled = tiled_steps(self._network, rescale(seen, (height, width)), self._tile)
                total += way.back(rescale((yield from passed_on(tiled, told)), sides))
            return total * (self._denoiser.output_gain / len(looks))

        with interruptible(self._network, self._stop):
            return (yield from (calibrated_steps(image, run) if weigh else run(image)))


def _with_channels(count: int) -> str:
    return {1: "grey images", 3: "colour photographs"}.get(count, f"images of {count} channels")


def _enlargements(pixel_size_angstrom: float | None, denoiser: Denoiser) -> tuple[float, ...]:
    """By how much the network is to see an image enlarged that is no finer than it works at.

    A denoiser that calibrates sees it as it is: its noise is measured in its finest waves.
    """
    working = denoiser.working_pixel_size_angstrom
    if working is None or pixel_size_angstrom is None or denoiser.calibrate:
        return (1.0,)
    sizes = (pixel_size_angstrom / (multiple * working) for multiple in _SEEN_AT)
    return tuple(sorted({max(1.0, size) for size in sizes}))
