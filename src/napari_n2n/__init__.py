"""Denoise cryo-EM micrographs without clean data, in napari and without a screen.

>>> import napari_n2n as n2n
>>> sums = n2n.align("movie.tif", pixel_size_angstrom=0.83, dose_per_frame=1.2)
>>> n2n.denoise(sums).save("denoised.mrc")

Importing this package is cheap on purpose: napari imports every plugin when it starts, and the
command line prints its help without torch. The names below are imported when they are asked for.
"""

import os
from typing import TYPE_CHECKING, Any

from napari_n2n.version import __version__

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser, save_denoiser
    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.errors import N2NError
    from napari_n2n.io import (
        EerRendering,
        Micrograph,
        MicrographParticles,
        Movie,
        Particles,
        Photograph,
        SeparateImages,
        StillStack,
        TiltSeries,
        Volume,
        open_image,
        open_movie,
        open_volume,
        read_coordinates,
        read_gain,
        read_micrograph,
        volume_halves,
        write_coordinates,
        write_micrograph,
        write_volume,
    )
    from napari_n2n.metrics import correlation, frc
    from napari_n2n.motion import Halves, MotionConfig, write_halves
    from napari_n2n.progress import Interrupted, Progress, run_to_end
    from napari_n2n.session import Session
    from napari_n2n.simulation import SimulationConfig, simulate, write_simulated
    from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
    from napari_n2n.workflow.scripting import (
        align,
        align_steps,
        denoise,
        denoise_steps,
        general_model,
        pick,
        pick_steps,
        train,
        train_steps,
    )

_WHERE = {
    "denoising.checkpoints": ("Denoiser", "load_denoiser", "save_denoiser"),
    "denoising.config": ("TrainingConfig",),
    "errors": ("N2NError",),
    "io": (
        "EerRendering",
        "Micrograph",
        "MicrographParticles",
        "Movie",
        "Particles",
        "Photograph",
        "SeparateImages",
        "StillStack",
        "TiltSeries",
        "Volume",
        "open_image",
        "open_movie",
        "open_volume",
        "read_coordinates",
        "read_gain",
        "read_micrograph",
        "volume_halves",
        "write_coordinates",
        "write_micrograph",
        "write_volume",
    ),
    "metrics": ("correlation", "frc"),
    "motion": ("Halves", "MotionConfig", "write_halves"),
    "progress": ("Interrupted", "Progress", "run_to_end"),
    "session": ("Session",),
    "simulation": ("SimulationConfig", "simulate", "write_simulated"),
    "workflow.fields_of_view": ("DenoisedMicrograph",),
    "workflow.scripting": (
        "align",
        "align_steps",
        "denoise",
        "denoise_steps",
        "general_model",
        "pick",
        "pick_steps",
        "train",
        "train_steps",
    ),
}
_ROOMS = {name: room for room, names in _WHERE.items() for name in names}

__all__ = [
    "DenoisedMicrograph",
    "Denoiser",
    "EerRendering",
    "Halves",
    "Interrupted",
    "Micrograph",
    "MicrographParticles",
    "MotionConfig",
    "Movie",
    "N2NError",
    "Particles",
    "Photograph",
    "Progress",
    "SeparateImages",
    "Session",
    "SimulationConfig",
    "StillStack",
    "TiltSeries",
    "TrainingConfig",
    "Volume",
    "__version__",
    "align",
    "align_steps",
    "correlation",
    "denoise",
    "denoise_steps",
    "frc",
    "general_model",
    "load_denoiser",
    "open_image",
    "open_movie",
    "open_volume",
    "pick",
    "pick_steps",
    "read_coordinates",
    "read_gain",
    "read_micrograph",
    "run_to_end",
    "save_denoiser",
    "simulate",
    "train",
    "train_steps",
    "volume_halves",
    "write_coordinates",
    "write_halves",
    "write_micrograph",
    "write_simulated",
    "write_volume",
]

# torch's threads spin while they wait for each other. With anything else running on the machine
# they then spin for one that is not being run: 39 steps/s of a training became 8.4 beside two busy
# processes. So they are told not to spin for long; what was measured of it is in
# docs/performance.md. OpenMP reads this when torch is first imported.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    room = _ROOMS.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{room}"), name)


def __dir__() -> list[str]:
    """Return the public names, those not yet imported among them."""
    return sorted(__all__)
