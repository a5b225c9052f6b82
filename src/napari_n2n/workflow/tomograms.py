"""What the Denoise widget sets going on a tomogram, as generators. No napari, no Qt."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.errors import N2NError, NotEnoughData
from napari_n2n.io import Volume, VolumeWriter, open_volume
from napari_n2n.io.outputs import require_free
from napari_n2n.metrics import RingCorrelation, fourier_shell_correlation
from napari_n2n.progress import Progress, Steps, Stop, Stopwatch, never, passed_on, require_going
from napari_n2n.workflow.tomogram_views import (
    DenoisedSection,
    SectionInView,
    SectionReady,
    TomogramSource,
    WatchedSection,
)
from napari_n2n.workflow.train_and_denoise import TrainingResult

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.config import TrainingConfig

GENERAL_3D = "general-3d"
"""What the model in the box for tomograms is called."""

_IN_MEMORY = 2**28  # bytes of a result; larger ones lie on the disk
_SECTIONS = 8
_LOOKED_AT_PX = 700
_CENTRAL = (0.4, 0.5, 0.6)
_GOLD = 1.5  # times the width of the raw tomogram's noise
_NO_HALVES = (
    "{} has no halves, and a model is trained on two: the tomograms of the odd and of the even "
    "frames. Open them, or denoise with the general model, which needs none."
)


@dataclass(frozen=True, eq=False)
class TomogramResult:
    """A tomogram, and what denoising made of it.

    Attributes
    ----------
    voxels
        (z, y, x), on the scale of a half; of large ones on the disk, and gone with it.
    typical
        Some of its sections, (y, x) one above the other, for its contrast; NaN where there is gold.
    summary, working_voxel_size_angstrom
        The model, and what it works at; None: as it was given.
    labels
        What an MRC file of it says of how it was made.
    fsc_before, fsc_after
        Fourier shell correlation of the halves as they are, and denoised each for itself, at the
        working voxel size; None without halves, or where the voxel size is unknown.
    notes
        Sentences for the user.
    """

    source: TomogramSource
    voxels: NDArray[np.float32]
    typical: NDArray[np.float32]
    summary: str
    working_voxel_size_angstrom: float | None
    labels: tuple[str, ...]
    fsc_before: RingCorrelation | None = None
    fsc_after: RingCorrelation | None = None
    notes: tuple[str, ...] = ()

    @property
    def resolution_angstrom(self) -> dict[str, float | None]:
        """Where the FSC of the halves falls below 1/7, before and after; empty without halves."""
        if self.fsc_before is None or self.fsc_after is None:
            return {}
        curves = {"before": self.fsc_before, "after": self.fsc_after}
        return {name: curve.resolution_angstrom() for name, curve in curves.items()}

    @property
    def fsc(self) -> dict[str, list[float]]:
        """The FSC of the halves by frequency (1/Å), before and after; empty without halves."""
        if self.fsc_before is None or self.fsc_after is None:
            return {}
        return {
            "before": self.fsc_before.correlation.tolist(),
            "after": self.fsc_after.correlation.tolist(),
            "frequency_per_angstrom": self.fsc_before.frequency.tolist(),
        }


def denoise_tomogram_steps(
    source: TomogramSource,
    denoiser: "Denoiser | str" = GENERAL_3D,
    *,
    device: str = "auto",
    watched: WatchedSection | None = None,
    stop: Stop = never,
) -> Steps[TomogramResult]:
    """Denoise a tomogram; both halves each for itself, where there are two.

    Yields `Progress`, and first of all a `SectionReady` of what is ``watched`` as it begins.

    Raises
    ------
    N2NError
        The volumes, the device or the disk do not allow it.
    Interrupted
        ``stop`` became true.
    """
    yield Progress("loading the model", 0, 1)
    from napari_n2n.denoising.inference.volumes import denoise_volumes_steps
    from napari_n2n.denoising.scratch import SlabsInto, scratch_array
    from napari_n2n.denoising.shipped_models import denoiser_named
    from napari_n2n.workflow.volumes import labels_of_result

    if isinstance(denoiser, str):
        denoiser = denoiser_named(denoiser)
    view = None if watched is None else watched.view(source.shape)
    if view is not None:
        yield from _section_first_steps(source, view, denoiser, device, stop)
    is_small = 4 * int(np.prod(source.shape)) <= _IN_MEMORY
    voxels: NDArray[np.float32] = (
        np.empty(source.shape, np.float32) if is_small else scratch_array(source.shape)
    )
    size = source.voxel_size_angstrom
    curves = _Curves(denoiser.working_pixel_size_angstrom, size, stop)
    notes = yield from denoise_volumes_steps(
        source.volumes,
        denoiser,
        SlabsInto(voxels),
        voxel_size_angstrom=size,
        device=device,
        compare=curves.compare if source.has_halves and size is not None else None,
        stop=stop,
    )
    return TomogramResult(
        source,
        voxels,
        sections_without_gold(source, voxels),
        denoiser.summary,
        denoiser.working_pixel_size_angstrom,
        labels_of_result(denoiser),
        curves.before,
        curves.after,
        notes,
    )


def train_on_tomogram_steps(
    source: TomogramSource,
    config: "TrainingConfig",
    *,
    model: Path,
    resume: bool = False,
    device: str = "auto",
    watched: WatchedSection | None = None,
    stop: Stop = never,
) -> Steps[TrainingResult]:
    """Train on the halves of a tomogram; yields `TrainingProgress` and `SectionReady`.

    What was learnt is kept in ``model`` however this ends.

    Raises
    ------
    NotEnoughData
        It has no halves, or is too small.
    N2NError
        The volumes, the device or the disk do not allow it.
    Interrupted
        ``stop`` became true before anything was learnt.
    """
    if not source.has_halves:
        raise NotEnoughData(_NO_HALVES.format(source.name))
    from napari_n2n.denoising.training.volume_pairs import VolumeHalves
    from napari_n2n.denoising.training.volumes import train_volumes_steps

    watched = watched or WatchedSection()
    odd, even = source.volumes
    size = source.voxel_size_angstrom
    working = None if size is None else config.working_pixel_size(size)
    training = train_volumes_steps(
        [VolumeHalves(odd, even, size, source.name)],
        config,
        output=model,
        resume=resume,
        device=device,
        stop=stop,
        preview=partial(watched.sections, source, working),
    )
    denoiser = yield from passed_on(training, partial(_with_section, watched))
    return TrainingResult(denoiser, model, complete=not stop())


def save_tomogram_steps(
    voxels: Any,
    path: Path,
    *,
    files: Sequence[Path] = (),
    voxel_size_angstrom: float | None = None,
    labels: Sequence[str] = (),
    stop: Stop = never,
) -> Steps[Path]:
    """Write a denoised tomogram, with the header of the first of ``files``; whole or not at all.

    Parameters
    ----------
    voxels
        (z, y, x), lazy or not.
    path
        An MRC file, or a folder for OME-Zarr if it ends in ``.zarr``.
    files
        What it was made from: none of them is written over.
    voxel_size_angstrom, labels
        As in `VolumeWriter`.

    Raises
    ------
    WriteProblem
        It may not be written there, or the disk refuses.
    Interrupted
        ``stop`` became true.
    """
    z, y, x = voxels.shape
    watch = Stopwatch()
    require_free([path], list(files))
    with VolumeWriter(
        path,
        like=like_of(files),
        shape=(z, y, x),
        voxel_size_angstrom=voxel_size_angstrom,
        labels=labels,
    ) as writer:
        for first in range(0, z, _SECTIONS):
            require_going(stop)
            yield watch.progress("saving", first, z)
            writer.write(np.asarray(voxels[first : first + _SECTIONS], np.float32))
    return path


def like_of(files: Sequence[Path]) -> Volume | None:
    """Return the volume that a result was made from, if it is still there: for its header."""
    if not files:
        return None
    try:
        return open_volume(files[0], kind="volume")
    except N2NError:
        return None


def sections_without_gold(
    source: TomogramSource, voxels: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return sections (y, x) of a result for its contrast, with NaN where there is gold.

    Once the noise is gone, beads would be most of what decides it. They are what stands out of the
    raw tomogram's noise after denoising.
    """
    depth, height, width = source.shape
    every = max(1, max(height, width) // _LOOKED_AT_PX)
    sections = []
    for number in sorted({int(share * depth) for share in _CENTRAL}):
        box = (slice(number, number + 1), slice(0, height), slice(0, width))
        raw = source.mean(box)[0, ::every, ::every]
        denoised = np.array(voxels[number, ::every, ::every])
        low, high = np.percentile(raw, (15.865, 84.135))
        denoised[np.abs(denoised - np.median(denoised)) > _GOLD * (high - low) / 2] = np.nan
        sections.append(denoised)
    return np.concatenate(sections)


def _with_section(watched: WatchedSection, step: Progress) -> Iterator[Progress]:
    """Tell of the section that is looked at by itself, placed in the tomogram."""
    yield step
    if isinstance(step, TrainingProgress) and step.preview is not None:
        yield SectionReady(section=watched.placed(step.preview.pixels, step.preview.origin))


def _section_first_steps(
    source: TomogramSource, view: SectionInView, denoiser: "Denoiser", device: str, stop: Stop
) -> Steps[None]:
    """Denoise the section that is looked at, with its surroundings."""
    from napari_n2n.denoising.inference.volumes import denoise_volumes_steps

    size, axis = source.voxel_size_angstrom, view.axis
    box = view.with_surroundings(source.shape, size, denoiser.working_pixel_size_angstrom)
    parts = [np.asarray(volume[box], np.float32) for volume in source.volumes]
    slabs: list[NDArray[np.float32]] = []
    steps = denoise_volumes_steps(
        parts, denoiser, slabs.append, voxel_size_angstrom=size, device=device, stop=stop
    )

    def told(step: Progress) -> Iterator[Progress]:
        yield Progress("denoising what you look at", step.done, step.total)

    yield from passed_on(steps, told)
    within = [slice(None)] * 3
    within[axis] = slice(view.index - box[axis].start, view.index - box[axis].start + 1)
    start = [part.start for part in box]
    start[axis] = view.index
    voxels = np.concatenate(slabs)[tuple(within)].copy()
    yield SectionReady(section=DenoisedSection(voxels, (start[0], start[1], start[2])))


class _Curves:
    """The FSC of two halves, before and after."""

    def __init__(
        self, working: float | None, voxel_size_angstrom: float | None, stop: Stop
    ) -> None:
        sizes = [size for size in (working, voxel_size_angstrom) if size is not None]
        self._voxel_size = max(sizes, default=1.0)
        self._stop = stop
        self.before: RingCorrelation | None = None
        self.after: RingCorrelation | None = None

    def compare(
        self, halves: Sequence[NDArray[np.float32]], denoised: Sequence[NDArray[np.float32]]
    ) -> None:
        """Take both halves as the network saw them, and what it made of each."""
        self.before = fourier_shell_correlation(halves[0], halves[1], self._voxel_size)
        require_going(self._stop)
        self.after = fourier_shell_correlation(denoised[0], denoised[1], self._voxel_size)
