"""Whole simulated movies in memory."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_n2n.simulation.config import SimulationConfig
from napari_n2n.simulation.detector import simulated_frames
from napari_n2n.simulation.scene import Truth, build_scene

if TYPE_CHECKING:
    from napari_n2n.io import Movie


@dataclass(frozen=True)
class SimulatedMovie:
    """Counts as the detector gives them, and the truth behind them.

    Attributes
    ----------
    frames
        (frame, y, x) uint8 counts, neither gain-corrected nor aligned.
    truth
        What a perfect measurement would find.
    config
        How it was made.
    """

    frames: NDArray[np.uint8]
    truth: Truth
    config: SimulationConfig

    def as_movie(self) -> "Movie":
        """Return the movie as if it had been opened from disk, gain reference applied."""
        from napari_n2n.io import GainReference, Movie  # here: simulating needs no format library

        gain = None if self.truth.gain is None else GainReference(self.truth.gain)
        return Movie.from_array(
            self.frames,
            pixel_size_angstrom=self.config.pixel_size_angstrom,
            dose_per_frame=self.config.dose_per_frame,
            gain=gain,
        )


def simulate(config: SimulationConfig) -> SimulatedMovie:
    """Return a whole movie: as many bytes as it has pixels. For big ones: ``simulated_frames``."""
    scene = build_scene(config)
    frames = np.empty((config.n_frames, *config.shape), np.uint8)
    for index, frame in enumerate(simulated_frames(config, scene)):
        frames[index] = frame
    return SimulatedMovie(frames, scene.truth, config)
