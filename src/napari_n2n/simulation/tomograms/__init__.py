"""Simulated tomograms whose answer is known: tilt series, halves, and what a perfect one shows."""

from napari_n2n.simulation.tomograms.config import TomogramConfig
from napari_n2n.simulation.tomograms.ice import FilledIce, Placed
from napari_n2n.simulation.tomograms.tilts import (
    SimulatedTilts,
    SimulatedTomogram,
    simulate_tomogram,
    simulate_tomogram_steps,
)
from napari_n2n.simulation.tomograms.writing import SimulatedTomogramFiles, write_tomogram_steps

__all__ = [
    "FilledIce",
    "Placed",
    "SimulatedTilts",
    "SimulatedTomogram",
    "SimulatedTomogramFiles",
    "TomogramConfig",
    "simulate_tomogram",
    "simulate_tomogram_steps",
    "write_tomogram_steps",
]
