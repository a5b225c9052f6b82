"""Simulated movies whose answer is known: for sample data, tests, benchmarks and the demo.

``simulate`` makes a whole movie in memory; ``build_scene`` and ``simulated_frames`` make a big one
frame by frame; ``write_simulated`` puts movie and truth on disk. Needs numpy and scipy, no torch.
"""

from napari_n2n.simulation.config import SimulationConfig, Specimen
from napari_n2n.simulation.detector import simulated_frames
from napari_n2n.simulation.drift import Drift
from napari_n2n.simulation.movies import SimulatedMovie, simulate
from napari_n2n.simulation.scene import Label, Scene, Truth, build_scene
from napari_n2n.simulation.writing import MovieFormat, SimulatedFiles, write_simulated

__all__ = [
    "Drift",
    "Label",
    "MovieFormat",
    "Scene",
    "SimulatedFiles",
    "SimulatedMovie",
    "SimulationConfig",
    "Specimen",
    "Truth",
    "build_scene",
    "simulate",
    "simulated_frames",
    "write_simulated",
]
