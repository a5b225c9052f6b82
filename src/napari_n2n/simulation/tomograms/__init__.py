"""Simulated tomograms whose answer is known: tilt series, halves, and what a perfect one shows."""

from napari_n2n.simulation.tomograms.config import TomogramConfig
from napari_n2n.simulation.tomograms.ice import FilledIce, Placed
from napari_n2n.simulation.tomograms.tilts import (
    SimulatedTilts,
    SimulatedTomogram,
    simulate_tomogram,
)

__all__ = [
    "FilledIce",
    "Placed",
    "SimulatedTilts",
    "SimulatedTomogram",
    "TomogramConfig",
    "simulate_tomogram",
]
