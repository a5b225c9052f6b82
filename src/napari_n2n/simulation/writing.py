"""Simulated movies and their truth as files."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_n2n.simulation.detector import simulated_frames
from napari_n2n.simulation.movies import SimulatedMovie
from napari_n2n.simulation.scene import Scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

MovieFormat = Literal["mrc", "tiff", "eer"]
# By which frames of that format are multiplied, here and in RELION.
_GAIN_SUFFIX = {"mrc": "mrc", "tiff": "tiff", "eer": "gain"}


@dataclass(frozen=True)
class SimulatedFiles:
    """Where a simulated movie and its truth were written.

    Attributes
    ----------
    movie
        Counts as the detector gives them.
    clean
        MRC, expected counts per frame, without noise or motion.
    particles
        CSV of ``x_px, y_px, label``.
    drift
        CSV of ``frame, y_shift_angstrom, x_shift_angstrom``.
    gain
        Gain reference to multiply frames by, rows in the movie's order; None: the detector is flat.
    """

    movie: Path
    clean: Path
    particles: Path
    drift: Path
    gain: Path | None

    @classmethod
    def of(
        cls, folder: Path, stem: str, format: MovieFormat = "mrc", *, with_gain: bool = True
    ) -> "SimulatedFiles":
        """Return where a movie and its truth are to be written."""
        gain = folder / f"{stem}_gain.{_GAIN_SUFFIX[format]}"
        return cls(
            movie=folder / f"{stem}.{format}",
            clean=folder / f"{stem}_clean.mrc",
            particles=folder / f"{stem}_particles.csv",
            drift=folder / f"{stem}_drift.csv",
            gain=gain if with_gain else None,
        )

    @property
    def files(self) -> list[Path]:
        """All of them."""
        all_of_them = (self.movie, self.clean, self.particles, self.drift, self.gain)
        return [path for path in all_of_them if path is not None]


def write_simulated(
    simulated: SimulatedMovie | Scene,
    folder: Path | str,
    stem: str,
    format: MovieFormat = "mrc",
) -> SimulatedFiles:
    """Write a movie and its truth into ``folder``, each file whole or not at all.

    Parameters
    ----------
    simulated
        A movie in memory, or a scene, whose frames are then made while they are written.
    folder
        Is made where it is missing.
    stem
        The movie becomes ``stem.mrc``, ``.tiff`` or ``.eer``.
    format
        The movie's; TIFF is LZW-compressed, EER holds one event for each count.

    Raises
    ------
    WriteProblem
        When the disk refuses.
    """
    # Here, so that simulating in memory needs no format library.
    from napari_n2n.io import (
        write_atomically,
        write_micrograph,
        write_mrc_stack,
        write_tiff_stack,
    )
    from napari_n2n.simulation.eer_encoding import encode_eer

    config, truth = simulated.config, simulated.truth
    pixel = config.pixel_size_angstrom
    files = SimulatedFiles.of(Path(folder), stem, format, with_gain=truth.gain is not None)
    movie = files.movie
    frames: Iterable[NDArray[np.uint8]] = (
        simulated.frames
        if isinstance(simulated, SimulatedMovie)
        else simulated_frames(config, simulated)
    )
    if format == "mrc":
        write_mrc_stack(movie, frames, pixel)
    elif format == "tiff":
        write_tiff_stack(movie, frames, pixel, compression="lzw")
    else:
        encode_eer(frames, movie, pixel_size_angstrom=pixel, dose_per_frame=config.dose_per_frame)
    if files.gain is not None and truth.gain is not None:
        if format == "mrc":
            write_micrograph(files.gain, truth.gain, pixel)
        else:
            write_tiff_stack(files.gain, truth.gain[np.newaxis], pixel)
    write_micrograph(files.clean, truth.clean, pixel)

    def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        with write_atomically(path) as beside, beside.open("w", newline="") as handle:
            table = csv.writer(handle, lineterminator="\n")
            table.writerow(header)
            table.writerows(rows)

    write_table(
        files.particles,
        ("x_px", "y_px", "label"),
        (
            (f"{x:.1f}", f"{y:.1f}", label)
            for (y, x), label in zip(truth.centres_px, truth.labels, strict=True)
        ),
    )
    write_table(
        files.drift,
        ("frame", "y_shift_angstrom", "x_shift_angstrom"),
        ((i, f"{y:.4f}", f"{x:.4f}") for i, (y, x) in enumerate(truth.drift_angstrom)),
    )
    return files
