"""Simulated movies and noisy photographs to try everything on, with what is true about them."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.io.stack_kinds import StackJudgement
from napari_n2n.particles.palette import label_rgba
from napari_n2n.plugin.shared.layers import (
    KEY,
    Kind,
    LayerMemory,
    calibration,
    colour_layer,
    image_layer,
    memory_in,
    movie_layer,
    noisy_layer,
)
from napari_n2n.progress import run_to_end
from napari_n2n.workflow.photograph_sources import DEVIATION, OnePhotograph
from napari_n2n.workflow.photograph_training import noisy_copy_steps

if TYPE_CHECKING:
    from napari.types import FullLayerData
    from numpy.typing import NDArray

    from napari_n2n.simulation import SimulatedMovie, Specimen

_RING_ANGSTROM = 150.0


def apoferritin_movie(size: int = 1536, frames: int = 24, seed: int = 1) -> "list[FullLayerData]":
    """Simulate a movie of 24-subunit shells, a quarter of them broken, and mark the truth.

    ``size`` is the side of the frames in px of 1 Å; each frame gets 1 e/Å².
    """
    return _movie_and_truth("apoferritin", size, frames, seed)


def aldolase_movie(size: int = 1536, frames: int = 24, seed: int = 2) -> "list[FullLayerData]":
    """Simulate a movie of 150 kDa tetramers, a quarter of them broken, and mark the truth.

    ``size`` is the side of the frames in px of 1 Å; each frame gets 1 e/Å².
    """
    return _movie_and_truth("aldolase", size, frames, seed)


def odd_and_even_halves(size: int = 1536, frames: int = 24, seed: int = 3) -> "list[FullLayerData]":
    """Simulate the aligned sums of the odd and of the even frames of an apoferritin movie."""
    simulated = _simulated("apoferritin", size, frames, seed, drift_angstrom=0.0)
    pixel_size = simulated.config.pixel_size_angstrom
    counts = simulated.frames
    sums: dict[Kind, NDArray[Any]] = {"odd": counts[0::2], "even": counts[1::2]}
    halves: list[FullLayerData] = []
    for kind, part in sums.items():
        dose = len(part) * simulated.config.dose_per_frame
        memory = LayerMemory(kind, pixel_size, notes=("Simulated.",), dose=dose)
        pixels = part.sum(axis=0, dtype=np.float32)
        halves.append(image_layer(pixels, f"apoferritin {kind} frames", memory))
    return [*halves, _truth(simulated)]


def tomogram(shape: tuple[int, int, int] = (64, 256, 256), seed: int = 4) -> "list[FullLayerData]":
    """Simulate a tomogram of ribosomes, shells, vesicles and filaments, and mark the truth.

    ``shape`` is (z, y, x) in voxels of 10 Å. It is shown as the mean of its halves, which the layer
    knows, as well as the reconstruction without noise.
    """
    from napari_n2n.simulation.tomograms import TomogramConfig, simulate_tomogram

    simulated = simulate_tomogram(TomogramConfig(shape=shape, gold_beads=3, seed=seed))
    size, series = simulated.config.voxel_size_angstrom, simulated.series
    odd, even, clean = (simulated.volume(part) for part in (series.odd, series.even, series.clean))
    memory = LayerMemory(
        "volume",
        size,
        halves=(odd, even),
        notes=("Simulated.",),
        dose=simulated.config.dose,
        clean=clean,
        images_are=StackJudgement("volume", "whoever made it"),
    )
    mean, middle = (odd + even) / 2, shape[0] // 2
    placed = [one for one in simulated.ice.placed if one.kind != "gold"]
    truth = {
        "name": "tomogram truth",
        "features": {"kind": [one.kind for one in placed]},
        "size": [one.diameter_angstrom / size for one in placed],
        "face_color": "transparent",
        "border_color": "white",
        "border_width": 0.04,
        "visible": False,
        **calibration(size, "z"),
        "metadata": {KEY: LayerMemory("truth", size)},
    }
    centres = np.array([one.centre_angstrom for one in placed]).reshape(-1, 3) / size
    return [
        image_layer(mean, "tomogram", memory, like=mean[middle], leading_axis="z"),
        (centres, truth, "points"),
    ]


def noisy_astronaut(deviation: float = DEVIATION) -> "list[FullLayerData]":
    """Open scikit-image's astronaut, and with noise of ``deviation`` grey levels of 255."""
    return _photograph("astronaut", deviation)


def noisy_coffee(deviation: float = DEVIATION) -> "list[FullLayerData]":
    """Open scikit-image's cup of coffee, and with noise of ``deviation`` grey levels of 255."""
    return _photograph("coffee", deviation)


def noisy_cat(deviation: float = DEVIATION) -> "list[FullLayerData]":
    """Open scikit-image's cat, and with noise of ``deviation`` grey levels of 255."""
    return _photograph("cat", deviation)


def _photograph(name: str, deviation: float) -> "list[FullLayerData]":
    """Describe a photograph that is installed with scikit-image, and above it a noisy copy."""
    import skimage.data

    image = getattr(skimage.data, name)()
    noisy = run_to_end(noisy_copy_steps(OnePhotograph(image, name), deviation))
    return [colour_layer(image, name, LayerMemory("photograph")), noisy_layer(noisy)]


def _simulated(
    specimen: "Specimen", size: int, frames: int, seed: int, drift_angstrom: float
) -> "SimulatedMovie":
    from napari_n2n.simulation import SimulationConfig, simulate

    config = SimulationConfig(
        specimen=specimen,
        shape=(size, size),
        n_frames=frames,
        global_drift_angstrom=drift_angstrom,
        # A blob takes up to half a micrometre: none in a field that is no larger.
        contaminant_count=1 if size >= 1024 else 0,
        seed=seed,
    )
    return simulate(config)


def _movie_and_truth(
    specimen: "Specimen", size: int, frames: int, seed: int
) -> "list[FullLayerData]":
    simulated = _simulated(specimen, size, frames, seed, drift_angstrom=12.0)
    movie = simulated.as_movie()
    pixels, description, layer_type = movie_layer(movie, f"{specimen} movie")
    metadata = description["metadata"]
    metadata[KEY] = replace(memory_in(metadata), path=None)  # it is in no file
    return [(pixels, description, layer_type), _truth(simulated)]


def _truth(simulated: "SimulatedMovie") -> "FullLayerData":
    """Describe the hidden layer of rings around the particles, coloured by their label."""
    pixel_size = simulated.config.pixel_size_angstrom
    labels = [str(label) for label in simulated.truth.labels]
    description: dict[str, Any] = {
        "name": f"{simulated.config.specimen} truth",
        "features": {"label": labels},
        "size": _RING_ANGSTROM / pixel_size,
        "face_color": "transparent",
        "border_color": label_rgba(labels) if labels else "white",
        "border_width": 0.04,
        "visible": False,
        **calibration(pixel_size),
        "metadata": {KEY: LayerMemory("truth", clean=simulated.truth.clean)},
    }
    return simulated.truth.centres_px, description, "points"
