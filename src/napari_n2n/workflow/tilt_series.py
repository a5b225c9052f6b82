"""From tilt series to halves: found in folders and lists, reconstructed, written, trained on."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.scratch import scratch_array
from napari_n2n.denoising.training.volume_pairs import VolumeHalves
from napari_n2n.errors import N2NError, told_of
from napari_n2n.io import VolumeWriter, open_volume
from napari_n2n.io.outputs import CREATOR, labels_of
from napari_n2n.io.tilt_series import AlignedSeries, TiltImages, TiltView, tilt_series_in
from napari_n2n.progress import Progress, Steps, Stop, Stopwatch, never, passed_on
from napari_n2n.reconstruction import Grid, grid_of, reconstruct_steps
from napari_n2n.workflow.denoising import WrittenFile
from napari_n2n.workflow.volume_orientation import Orientation, depth_of, orientation_like

__all__ = [
    "FoundSeries",
    "Reconstructed",
    "SeriesOnDisk",
    "WriteHalves",
    "files_of_series",
    "holds_tilt_series",
    "reconstructed_steps",
    "series_among",
]

WORKING_VOXEL_ANGSTROM = 14.0
"""What halves are reconstructed at, where nobody asks for anything else."""
_USUAL_THICKNESS_ANGSTROM = 3000.0
_ON_THE_FLY = (
    "There are no halves, but tilt series with their alignment: halves are reconstructed here, for "
    "now only. To keep them: napari-n2n halves {} -o FOLDER"
)


def holds_tilt_series(given: Path) -> bool:
    """Whether a folder, or one of RELION's lists, is one of tilt series with their alignment."""
    if not given.is_dir() and given.suffix.lower() != ".star":
        return False
    with suppress(N2NError):
        return bool(tilt_series_in(given).series)
    return False


@dataclass(frozen=True)
class FoundSeries:
    """Tilt series that were found, and why others are left out."""

    series: tuple[AlignedSeries, ...]
    problems: tuple[N2NError, ...]

    def note(self, given: Sequence[Path]) -> str:
        """Say that halves are made of them."""
        return _ON_THE_FLY.format(" ".join(map(str, given)))


def series_among(given: Sequence[Path]) -> FoundSeries | None:
    """Find tilt series in folders and lists; None unless all that was given holds some.

    Raises
    ------
    UnreadableFile
        One of them cannot be read.
    """
    if not given or not all(holds_tilt_series(one) for one in given):
        return None
    found = [tilt_series_in(one) for one in given]
    return FoundSeries(
        tuple(dict.fromkeys(series for one in found for series in one.series)),
        tuple(problem for one in found for problem in one.problems),
    )


@dataclass(frozen=True, eq=False)
class Reconstructed:
    """Halves of a tomogram on the disk, in files without a name, and what there is to say of it."""

    odd: NDArray[np.float32]
    even: NDArray[np.float32]
    voxel_size_angstrom: float
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is made of a tilt series."""

    series: AlignedSeries
    sets: tuple[tuple[TiltImages, tuple[TiltView, ...]], tuple[TiltImages, tuple[TiltView, ...]]]
    grid: Grid
    pixel_size_angstrom: float
    notes: tuple[str, ...]

    @property
    def voxel_size_angstrom(self) -> float:
        return self.grid.pixels_a_voxel * self.pixel_size_angstrom

    @property
    def needs(self) -> str:
        """Say what it takes, in memory and on the disk."""
        (images, views), _ = self.sets
        working = 2 * len(views) * int(np.prod(self.grid.shape[1:]))
        # Images, weighted, mirrored and as complex numbers; one as recorded, and its spectrum.
        memory = 4 * (10 * working + 4 * int(np.prod(images.shape)))
        disk = 2 * 4 * int(np.prod(self.grid.shape))
        return f"about {memory / 1e9 + 0.3:.1f} GB of memory and for a while {disk / 1e9:.1f} GB"


def reconstructed_steps(
    series: AlignedSeries,
    voxel_size_angstrom: float = WORKING_VOXEL_ANGSTROM,
    *,
    thickness_angstrom: float | None = None,
    pixel_size_angstrom: float | None = None,
    stop: Stop = never,
) -> Steps[Reconstructed]:
    """Reconstruct the halves of a tilt series by weighted back-projection.

    Halves are those of the odd and of the even frames of each tilt, where there are images of
    them, and otherwise those of every second tilt. They lie as the volume that the program of the
    alignment has made, where that is beside. In memory are the tilt images at the working size and
    two slabs.

    Parameters
    ----------
    series
        With its alignment.
    voxel_size_angstrom
        Å; never finer than the tilt images.
    thickness_angstrom, pixel_size_angstrom
        Å; win over what the files say.

    Raises
    ------
    N2NError
        The files or the disk do not allow it.
    Interrupted
        ``stop`` became true.
    """
    plan = _plan_of(series, voxel_size_angstrom, thickness_angstrom, pixel_size_angstrom)
    both = scratch_array((2, *plan.grid.shape))

    def keep(top: int, slab: NDArray[np.float32]) -> None:
        both[:, top : top + slab.shape[1]] = slab

    yield from reconstruct_steps(
        plan.sets, series.alignment, plan.grid, plan.pixel_size_angstrom, keep, stop=stop
    )
    orientation, notes = Orientation(), plan.notes
    if series.volume is not None:
        orientation, note = orientation_like(
            series.volume, both, plan.voxel_size_angstrom, series.alignment.program
        )
        notes = (*notes, note) if note else notes
    odd, even = (orientation.of(half) for half in both)
    return Reconstructed(odd, even, plan.voxel_size_angstrom, notes)


def _plan_of(
    series: AlignedSeries,
    voxel_size: float,
    thickness: float | None,
    pixel_size: float | None,
) -> _Plan:
    odd, even = series.opened(pixel_size)
    size = odd.pixel_size_angstrom
    assert size is not None  # or `opened` had refused
    alignment = series.alignment
    notes = [*alignment.notes]
    thickness = thickness or _thickness_of(series, odd.shape, size)
    if thickness is None:
        thickness = _USUAL_THICKNESS_ANGSTROM
        notes.append(
            f"Nothing says how thick the volume is: {thickness:.0f} Å are reconstructed. If that "
            "is wrong, give it: halves with --thickness."
        )
    views = alignment.views
    of_odd, of_even = views, views
    if not series.has_halves:
        in_order = sorted(views, key=lambda view: view.angle_degree)
        of_odd, of_even = tuple(in_order[::2]), tuple(in_order[1::2])
        notes.append(
            "There are no images of odd and even frames, so every second tilt makes a half: each "
            "has half of the tilts, and shows more of the streaks that come of few."
        )
    if not any(view.defocus_angstrom for view in views):
        notes.append("Its defocus is unknown: phases are not flipped.")
    grid = grid_of(alignment, odd.shape, size, voxel_size, thickness)
    return _Plan(series, ((odd, of_odd), (even, of_even)), grid, size, tuple(notes))


def _thickness_of(series: AlignedSeries, shape: tuple[int, int], size: float) -> float | None:
    """Return how deep the program's own volume is, or is meant to be, in Å."""
    alignment = series.alignment
    height, width = shape[::-1] if alignment.views[0].is_on_its_side else shape
    depth, y, x = alignment.size_px
    if series.volume is not None:
        beside = depth_of(series.volume, ((y or height) * size, (x or width) * size))
        if beside is not None:
            return beside
    return None if depth is None else depth * size


class SeriesOnDisk(Collection[AlignedSeries]):
    """Tilt series to train on: halves are reconstructed at the beginning of the training.

    Attributes
    ----------
    notes, problems
        Sentences for the user, and why series were left out.
    """

    def __init__(
        self, found: FoundSeries, given: Sequence[Path], pixel_size_angstrom: float | None = None
    ) -> None:
        self.notes: tuple[str, ...] = (found.note(given),)
        self.problems = found.problems
        self._series = found.series
        self._pixel_size_angstrom = pixel_size_angstrom

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [path for one in self._series for path in files_of_series(one)]

    def __len__(self) -> int:
        return len(self._series)

    def __contains__(self, item: object) -> bool:
        return item in self._series

    def __iter__(self) -> Iterator[AlignedSeries]:
        return iter(self._series)

    def halves_steps(self, config: TrainingConfig, stop: Stop = never) -> Steps[list[VolumeHalves]]:
        """Reconstruct all of them at the voxel size of a training.

        Raises
        ------
        N2NError
            None of them can be used: why the first one cannot.
        Interrupted
            ``stop`` became true.
        """
        made: list[VolumeHalves] = []
        problems: list[N2NError] = [*self.problems]
        notes = dict.fromkeys(self.notes)
        watch = Stopwatch()
        for number, series in enumerate(self._series):

            def told(step: Progress, number: int = number) -> Iterator[Progress]:
                done = round(100 * (number + step.fraction))
                yield watch.progress(
                    f"reconstructing {self._series[number].name}", done, 100 * len(self)
                )

            try:
                size = series.opened(self._pixel_size_angstrom)[0].pixel_size_angstrom or 1.0
                steps = reconstructed_steps(
                    series,
                    config.working_pixel_size(size),
                    pixel_size_angstrom=self._pixel_size_angstrom,
                    stop=stop,
                )
                halves = yield from passed_on(steps, told)
            except N2NError as problem:
                problems.append(told_of(series.alignment.path, problem))
                continue
            notes.update(dict.fromkeys(f"{series.name}: {note}" for note in halves.notes))
            made.append(
                VolumeHalves(halves.odd, halves.even, halves.voxel_size_angstrom, series.name)
            )
        self.notes, self.problems = tuple(notes), tuple(problems)
        if not made:
            raise problems[0]
        return made


def files_of_series(series: AlignedSeries) -> list[Path]:
    """Return the files that are read for a tilt series."""
    images = [*series.odd, *series.even] if series.has_halves else [*series.full]
    return [series.alignment.path, *(Path(name.rpartition("@")[2]) for name in images)]


def _is_older(path: Path, series: AlignedSeries) -> bool:
    """Whether a file is older than a tilt series of which it was made, or not there."""
    with suppress(OSError):
        newest = max(file.stat().st_mtime for file in files_of_series(series))
        return path.stat().st_mtime < newest
    return True


@dataclass(frozen=True)
class WriteHalves:
    """Reconstructing halves into a folder, series by series; `steps` is a job of `workflow.batch`.

    Files are called as AreTomo calls them. What was made before, in the same way, is left.
    """

    series: Sequence[AlignedSeries]
    folder: Path
    voxel_size_angstrom: float = WORKING_VOXEL_ANGSTROM
    thickness_angstrom: float | None = None
    pixel_size_angstrom: float | None = None
    stop: Stop = never

    @property
    def note(self) -> str:
        """Say what is made, and what that takes."""
        for series in self.series:
            with suppress(N2NError):
                plan = _plan_of(
                    series,
                    self.voxel_size_angstrom,
                    self.thickness_angstrom,
                    self.pixel_size_angstrom,
                )
                return (
                    f"Halves of {len(self.series)} tilt series are reconstructed at "
                    f"{plan.voxel_size_angstrom:.4g} Å/voxel, which takes {plan.needs} of disk in "
                    "the folder for temporary files."
                )
        return ""

    def outputs_of(self, series: AlignedSeries) -> tuple[Path, Path]:
        """Where the odd and the even half go."""
        odd, even = (self.folder / f"{series.name}_{half}_Vol.mrc" for half in ("ODD", "EVN"))
        return odd, even

    def steps(self, path: Path) -> Steps[WrittenFile]:
        """Reconstruct the series whose alignment is ``path``.

        Raises
        ------
        N2NError
            The files or the disk do not allow it.
        Interrupted
            ``stop`` became true.
        """
        series = next(one for one in self.series if one.alignment.path == path)
        outputs = self.outputs_of(series)
        if self.is_done(series):
            return WrittenFile(outputs[0], ("Was made before, and is left as it is.",))
        halves = yield from reconstructed_steps(
            series,
            self.voxel_size_angstrom,
            thickness_angstrom=self.thickness_angstrom,
            pixel_size_angstrom=self.pixel_size_angstrom,
            stop=self.stop,
        )
        for output, voxels in zip(outputs, (halves.odd, halves.even), strict=True):
            z, y, x = voxels.shape
            with VolumeWriter(
                output,
                shape=(z, y, x),
                voxel_size_angstrom=halves.voxel_size_angstrom,
                labels=self._labels,
            ) as writer:
                for number in range(z):
                    writer.write(np.ascontiguousarray(voxels[number]))
        return WrittenFile(outputs[0], halves.notes)

    def figures_of(self, series: AlignedSeries) -> dict[str, str]:
        """Return what RELION wants to know of a tomogram that was made, by the column's name.

        Sizes are in pixels of the tilt images (``reconstruct_tomogram.cpp``).
        """
        size = series.alignment.pixel_size_angstrom
        made = open_volume(self.outputs_of(series)[0], kind="volume")
        if size is None or made.voxel_size_angstrom is None:
            return {}
        binning = made.voxel_size_angstrom / size
        figures = {"rlnTomoTomogramBinning": f"{binning:.6f}"}
        for axis, known, voxels in zip("ZYX", series.alignment.size_px, made.shape, strict=True):
            figures[f"rlnTomoSize{axis}"] = str(known or round(voxels * binning))
        return figures

    @property
    def _labels(self) -> tuple[str, ...]:
        thickness = self.thickness_angstrom
        thick = "as aligned" if thickness is None else f"{thickness:g} A thick"
        return (f"{CREATOR}: half at {self.voxel_size_angstrom:g} A, {thick}",)

    def is_done(self, series: AlignedSeries) -> bool:
        """Whether its halves were made before, in the same way, since it was aligned."""
        with suppress(OSError):
            return all(
                not _is_older(output, series) and set(self._labels) <= set(labels_of(output))
                for output in self.outputs_of(series)
            )
        return False
