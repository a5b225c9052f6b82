"""What can be done with a photograph: noise added, a model trained, PSNR told. No napari, no Qt."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io.photographs import WHITE
from napari_n2n.progress import Progress, Steps, Stop
from napari_n2n.workflow.photograph_sources import (
    OnePhotograph,
    PhotographData,
    grey_levels,
    noisy_name,
    photographs_of_steps,
)

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.workflow.fields_of_view import FieldOfView, Image


@dataclass(frozen=True, eq=False)
class NoisyCopy:
    """A photograph with noise, (y, x, 3) from 0 to 255 and beyond: nothing is cut off.

    ``clean`` is what it was made of, as the layer ``made_from`` has it; ``deviation`` is in grey
    levels.
    """

    pixels: NDArray[np.float32]
    made_from: str
    clean: Any
    deviation: float
    seed: int
    pixel_size_angstrom: float | None = None

    @property
    def name(self) -> str:
        """What to call it."""
        return noisy_name(self.made_from, self.deviation)

    @property
    def sentence(self) -> str:
        """What was done, for a person."""
        from napari_n2n.metrics import psnr

        now = psnr(self.pixels, grey_levels(self.clean), WHITE)
        return f"Noise of σ = {self.deviation:g} (of 255) added: PSNR {now:.1f} dB."


def noisy_copy_steps(source: OnePhotograph, deviation: float, *, seed: int = 0) -> Steps[NoisyCopy]:
    """Add white Gaussian noise to a photograph; of one that has noise already, to the clean one."""
    yield Progress("adding noise", 0, 1)
    from napari_n2n.denoising.training.photograph_examples import noisy_photograph

    clean = source.pixels if source.clean is None else source.clean
    return NoisyCopy(
        noisy_photograph(grey_levels(clean), deviation, seed),
        source.clean_name or source.name,
        clean,
        deviation,
        seed,
        source.pixel_size_angstrom,
    )


def train_on_photographs_steps(
    source: PhotographData,
    config: "TrainingConfig",
    *,
    output: Path,
    resume: bool,
    device: str,
    stop: "Stop",
) -> Steps["Denoiser"]:
    """Train on clean photographs with noise; yields `Progress`, then `PhotographTrainingProgress`.

    What was learnt is kept in ``output`` however this ends.

    Raises
    ------
    N2NError
        The data, the device or the disk do not allow it.
    Interrupted
        ``stop`` became true before anything was learnt.
    """
    from napari_n2n.denoising.training.photograph_examples import PhotographNoise
    from napari_n2n.denoising.training.photographs import train_photographs_steps

    photographs = yield from photographs_of_steps(source, stop)

    return (
        yield from train_photographs_steps(
            photographs,
            config,
            PhotographNoise(),
            output=output,
            resume=resume,
            device=device,
            stop=stop,
        )
    )


def psnr_db(field: "FieldOfView", pixels: "Image") -> dict[str, float]:
    """Return the PSNR (dB) of the noisy and the denoised photograph, R = 255; empty if unknown.

    Neither is rounded or clipped before.
    """
    clean = field.clean
    if clean is None or clean.shape != pixels.shape:
        return {}
    from napari_n2n.metrics import psnr

    return {
        "noisy": psnr(field.full, clean, WHITE),
        "denoised": psnr(pixels, clean, WHITE),
    }


def psnr_notes(known: dict[str, float]) -> tuple[str, ...]:
    """Say what `psnr_db` found in a sentence, if it found anything."""
    if not known:
        return ()
    noisy, denoised = known["noisy"], known["denoised"]
    return (f"PSNR {noisy:.1f} → {denoised:.1f} dB against the clean photograph.",)
