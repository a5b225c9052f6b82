"""The whole way on simulated tomograms: simulate, train, denoise, compare with the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_n2n import metrics
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.denoising.training.micrographs import last_path, resume_path
from napari_n2n.denoising.training.volumes import train_volumes_steps
from napari_n2n.io import TomogramParticles, VolumePair, open_volume, write_tomogram_particles
from napari_n2n.io.pictures import write_side_by_side
from napari_n2n.particles.volume_picking import VolumePickingConfig, pick_volume_steps
from napari_n2n.progress import Progress, Steps, Stop, never, stoppable
from napari_n2n.simulation.tomograms import (
    SimulatedTomogramFiles,
    TomogramConfig,
    simulate_tomogram_steps,
    write_tomogram_steps,
)
from napari_n2n.workflow.judge_volumes import correlation_of
from napari_n2n.workflow.volumes import DenoiseVolumes, Tomogram, VolumesOnDisk

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_n2n.denoising.config import TrainingConfig

_SIGMAS_VOXEL = (0.6, 0.8, 1.0, 1.2, 1.5, 2.0)
_PARTICLE_ANGSTROM = 250.0
_STEM = "TS_01"
_DOSE = 50.0  # e/Å²: so little that the noise is seen


@dataclass(frozen=True, eq=False)
class TomogramDemo:
    """What the demo made of a tomogram, and how close that is to the truth.

    Sections are (y, x), of the middle; correlations are of whole volumes with the noise-free one.
    """

    raw: NDArray[np.float32]
    denoised: NDArray[np.float32]
    files: SimulatedTomogramFiles
    denoised_path: Path
    particles_path: Path
    particles: int
    raw_correlation: float
    gaussian_correlation: float
    gaussian_sigma_angstrom: float
    denoised_correlation: float
    picture: Path
    model: Path | None


def tomogram_demo_files(folder: Path) -> list[Path]:
    """Return what the demo writes."""
    model = folder / "model.safetensors"
    made = SimulatedTomogramFiles.of(folder / "tomogram", _STEM).files
    made += [model, last_path(model), resume_path(model), folder / "demo.png"]
    return [*made, folder / "denoised" / f"{_STEM}_Vol.mrc", folder / "particles.star"]


def demonstrate_tomogram_steps(
    folder: Path,
    *,
    training: TrainingConfig | None,
    shape: tuple[int, int, int] = (64, 256, 256),
    voxel_size_angstrom: float = 12.0,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[TomogramDemo]:
    """Run the demo of tomograms in ``folder``: tilt series, volumes, model and results stay there.

    Parameters
    ----------
    folder
        Made if missing.
    training
        Of volumes; None: the model of tomograms in the box denoises, and none is trained.
    shape, voxel_size_angstrom
        (z, y, x) of the tomogram, and Å.

    Raises
    ------
    N2NError
        The disk or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    config = TomogramConfig(
        shape=shape, voxel_size_angstrom=voxel_size_angstrom, dose=_DOSE, seed=1
    )
    simulated = yield from stoppable(simulate_tomogram_steps(config), stop)
    writing = write_tomogram_steps(simulated, folder / "tomogram", _STEM)
    files = yield from stoppable(writing, stop)
    pair = VolumePair(f"{_STEM}_Vol", odd=files.odd, even=files.even)
    model = None if training is None else folder / "model.safetensors"
    denoiser = general_denoiser(3)
    if training is not None:
        denoiser = yield from train_volumes_steps(
            VolumesOnDisk([pair]), training, output=model, device=device, stop=stop
        )
    tomogram = Tomogram(pair.name, pair.odd, pair)
    job = DenoiseVolumes(denoiser, [tomogram], folder / "denoised", device, stop=stop)
    written = yield from job.steps(tomogram.path)
    denoised = open_volume(written.path, kind="volume")
    found = yield from pick_volume_steps(
        denoised,
        voxel_size_angstrom,
        VolumePickingConfig(diameter_angstrom=_PARTICLE_ANGSTROM),
        stop=stop,
    )
    table = TomogramParticles(found.passing, pair.name, voxel_size_angstrom, shape)
    particles = folder / "particles.star"
    write_tomogram_particles(particles, [table])
    yield Progress("judging", 0, 1)
    halves = pair.opened()
    raw, clean = halves[0][:] + halves[1][:], open_volume(files.clean, kind="volume")[:]
    gaussian, sigma = metrics.best_gaussian_correlation(raw, clean, _SIGMAS_VOXEL)
    middle = shape[0] // 2
    picture = folder / "demo.png"
    write_side_by_side(picture, [("Raw", raw[middle]), ("Denoised", denoised[middle])])
    return TomogramDemo(
        raw=raw[middle],
        denoised=denoised[middle],
        files=files,
        denoised_path=written.path,
        particles_path=particles,
        particles=len(found.passing),
        raw_correlation=metrics.correlation(raw, clean),
        gaussian_correlation=gaussian,
        gaussian_sigma_angstrom=sigma * voxel_size_angstrom,
        denoised_correlation=correlation_of((denoised,), clean),
        picture=picture,
        model=model,
    )
