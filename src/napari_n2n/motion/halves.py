"""Odd, even and full sums of a movie: what a denoiser learns from."""

from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_n2n.errors import BadPixels, NotEnoughData
from napari_n2n.io import Movie, write_micrograph
from napari_n2n.io.coordinates.model import counts_rows_from_the_end
from napari_n2n.io.outputs import ROWS_OF_TIFF, labels_of, require_free
from napari_n2n.io.pixel_size import placeholder_labels
from napari_n2n.motion.reading import read_ahead
from napari_n2n.motion.trajectory import Trajectory
from napari_n2n.progress import Steps, Stopwatch, run_to_end


@dataclass(frozen=True, eq=False)
class Halves:
    """The sums of a movie's odd, even and all frames, each (y, x) float32.

    Attributes
    ----------
    odd, even, full
        Sums of the first, third, ... frames, of the second, fourth, ..., and of all.
    pixel_size_angstrom
        None: unknown.
    trajectory
        How the frames were moved; None: they were added as they were.
    dose
        Of all frames in e/Å²; None: unknown.
    path
        The movie.
    notes
        Sentences for the user.
    """

    odd: NDArray[np.float32]
    even: NDArray[np.float32]
    full: NDArray[np.float32]
    pixel_size_angstrom: float | None
    trajectory: Trajectory | None
    dose: float | None
    path: Path
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The movie's name without its extension."""
        return self.path.stem

    @property
    def first_frame_shift_px(self) -> tuple[float, float] | None:
        """(y, x) from where the specimen is in the sums to where it was in the first frame."""
        return None if self.trajectory is None else self.trajectory.first_frame_shift_px

    @property
    def summary(self) -> str:
        """One line about what was done."""
        height, width = self.full.shape
        if self.trajectory is None:
            return f"{width} × {height} px, frames added as they are"
        unit = "px" if self.pixel_size_angstrom is None else "Å"
        bends = "" if self.trajectory.field_angstrom is None else ", bending of the field followed"
        return (
            f"{width} × {height} px, drift {self.trajectory.path_length_angstrom:.1f} {unit}{bends}"
        )


@dataclass(frozen=True)
class HalvesPaths:
    """Where halves were written; ``motion`` is None where nothing was moved."""

    odd: Path
    even: Path
    full: Path
    motion: Path | None

    @classmethod
    def of(cls, folder: Path, stem: str, *, moved: bool = True) -> "HalvesPaths":
        """Return where the halves of a movie are to be written."""
        motion = folder / f"{stem}_motion.csv" if moved else None
        odd, even = folder / f"{stem}_ODD.mrc", folder / f"{stem}_EVN.mrc"
        return cls(odd, even, folder / f"{stem}.mrc", motion)

    @property
    def files(self) -> list[Path]:
        """All of them."""
        return [path for path in (self.odd, self.even, self.full, self.motion) if path is not None]


def require_frames(movie: Movie) -> None:
    """Refuse a movie that cannot be divided.

    Raises
    ------
    NotEnoughData
        When there are fewer than two frames.
    """
    if len(movie) < 2:
        raise NotEnoughData(
            f"{movie.path} has {len(movie)} frame, and halves need two at least. Choose the movie "
            "before its frames were added, or train on odd and even sums from elsewhere."
        )


def sum_halves(movie: Movie) -> Halves:
    """Add the frames of a movie; see `sum_halves_steps`, which tells how far it is."""
    return run_to_end(sum_halves_steps(movie))


def sum_halves_steps(movie: Movie) -> Steps[Halves]:
    """Add the frames of a movie that is aligned already: three sums and three frames in memory.

    Raises
    ------
    NotEnoughData
        When the movie has one frame.
    BadPixels
        When its pixels are all the same, or NaN.
    UnreadableFile
        When a frame is torn.
    """
    require_frames(movie)
    sums = np.zeros((2, *movie.shape[1:]), np.float32)
    watch = Stopwatch()
    with closing(read_ahead(movie.frame, len(movie))) as frames:
        for index, frame in enumerate(frames):
            sums[index % 2] += frame
            # Let go, so that the next frame can be read.
            del frame
            yield watch.progress("Adding frames", index + 1, len(movie))
    full = sums[0] + sums[1]
    if float(np.ptp(full)) == 0:
        raise BadPixels(
            movie.path,
            "is blank: all pixels of its sum are the same",
            "Look whether the camera was on, or leave it out.",
        )
    return make_halves(movie, (sums[0], sums[1], full), None, ())


def make_halves(
    movie: Movie,
    sums: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]],
    trajectory: Trajectory | None,
    notes: tuple[str, ...],
) -> Halves:
    """Return ``sums`` (odd, even, full) with what is known about the movie."""
    dose = None if movie.dose_per_frame is None else movie.dose_per_frame * len(movie)
    told = tuple(dict.fromkeys((*movie.notes, *notes)))
    return Halves(*sums, movie.pixel_size_angstrom, trajectory, dose, movie.path, told)


def write_halves(halves: Halves, folder: Path | str, stem: str | None = None) -> HalvesPaths:
    """Write ``stem_ODD.mrc``, ``stem_EVN.mrc``, ``stem.mrc`` and, if moved, ``stem_motion.csv``.

    The names are those RELION gives. Sums of a TIFF movie have its rows, and say so in a label: see
    `is_of_tiff`. Each file appears whole or not at all.

    Raises
    ------
    WriteProblem
        When the disk refuses.
    """
    folder, stem = Path(folder), halves.name if stem is None else stem
    paths = HalvesPaths.of(folder, stem, moved=halves.trajectory is not None)
    require_free(paths.files, [halves.path])
    labels = placeholder_labels(halves.notes)
    if counts_rows_from_the_end(halves.path.name):
        labels.append(ROWS_OF_TIFF)
    for path, image in (
        (paths.odd, halves.odd),
        (paths.even, halves.even),
        (paths.full, halves.full),
    ):
        write_micrograph(path, image, halves.pixel_size_angstrom, labels=labels)
    if halves.trajectory is not None and paths.motion is not None:
        halves.trajectory.write_csv(paths.motion)
    return paths


def is_of_tiff(path: Path) -> bool:
    """Whether a file is a TIFF or a sum of one that was made here.

    RELION's own micrograph of it is then its mirror image.
    """
    if counts_rows_from_the_end(path.name):
        return True
    with suppress(OSError):
        return ROWS_OF_TIFF in labels_of(path)
    return False
