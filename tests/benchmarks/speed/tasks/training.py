"""Training: this package's presets, and the paper's network trained the plain way."""

import time
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_n2n.denoising.config import (
    LIGHT_NETWORK,
    PAPER_NETWORK,
    NetworkConfig,
    TrainingConfig,
    preset,
)
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.denoising.training import learner
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.unet import UNet
from napari_n2n.io import read_micrograph
from napari_n2n.metrics import correlation
from napari_n2n.progress import Progress, run_to_end
from napari_n2n.workflow.training_sets import PairsOnDisk
from speed.tasks.rates import multiply_adds_per_pixel

_MEGA = 1e6


def budget(folder: str, seconds: float, from_scratch: bool) -> dict[str, object]:
    """Train ``quick`` for ``seconds`` and judge it on the micrograph that was not trained on.

    The seconds returned are those from the first file read to the trained denoiser.
    """
    if not from_scratch:
        general_denoiser()  # or training would silently start from nothing
    return _judged(folder, preset("quick").lasting(seconds).replaced(from_scratch=from_scratch))


def variant(folder: str, seconds: float, changes: dict[str, Any]) -> dict[str, object]:
    """Train ``quick`` with ``changes`` for ``seconds``, from nothing, and judge it likewise."""
    changes = dict(changes)
    width, levels = float(changes.pop("width", 1)), int(changes.pop("levels", 5))
    if changes.pop("loss", "squared") == "absolute":
        # No setting: it is tried here, to be able to say what it would give.
        Learner.learn.__defaults__ = (_absolute_error,)  # type: ignore[attr-defined]
    config = preset("quick").lasting(seconds).replaced(from_scratch=True, **changes)
    if (width, levels) != (1, 5):
        config = config.replaced(network=_light(width, levels))
    return _judged(folder, config)


def _light(width: float, levels: int) -> NetworkConfig:
    """Return the light network with other widths, and levels added or taken at the bottom."""
    down = [[max(1, round(width * n)) for n in level] for level in LIGHT_NETWORK.encoder]
    up = [[max(1, round(width * n)) for n in level] for level in LIGHT_NETWORK.decoder]
    more = levels - len(down)
    down = down[:levels] + [down[-1]] * max(0, more)
    up = [up[0]] * max(0, more) + up[max(0, -more) :]
    return LIGHT_NETWORK.replaced(name="custom", encoder=down, decoder=up)


def _absolute_error(results: Tensor, targets: Tensor) -> Tensor:
    return (results - targets).abs().flatten(1).mean(dim=1)


def _judged(folder: str, config: TrainingConfig) -> dict[str, object]:
    """Train, and compare the denoised test micrograph with its truth."""
    answer = _trained(folder, config)
    denoiser = answer.pop("denoiser")
    odd, even, clean = (
        read_micrograph(Path(folder) / f"test_00_{name}.mrc") for name in ("odd", "even", "clean")
    )
    result = denoise(
        odd.pixels + even.pixels, denoiser, pixel_size_angstrom=odd.pixel_size_angstrom
    )
    answer["correlation"] = round(correlation(result, clean.pixels), 4)
    return answer


def speed(folder: str, name: str, together: bool = False, **changes: object) -> dict[str, object]:
    """Train a preset for a while, from nothing; only its speed matters.

    ``together`` lets all of torch's threads share each operation on the whole batch, as they do
    where nobody says otherwise.
    """
    if together:
        learner._ENOUGH = 2**40
    config = preset(name).replaced(from_scratch=True, **changes)
    answer = _trained(folder, config)
    answer.pop("denoiser")
    return answer


def _trained(folder: str, config: TrainingConfig) -> dict[str, object]:
    place = Path(folder)
    pairs = PairsOnDisk.matched(
        sorted(place.glob("train_*_odd.mrc")),
        sorted(place.glob("train_*_even.mrc")),
        swappable=True,
    )
    started = time.perf_counter()
    speeds: list[float] = []

    def note(step: Progress | TrainingProgress) -> None:
        if isinstance(step, TrainingProgress):
            speeds.append(step.megapixels_per_second)

    denoiser = run_to_end(train_steps(pairs, config, device="cpu"), note)
    seconds = time.perf_counter() - started
    made = denoiser.provenance
    # Learning alone, warm: validating, which is rare in a long training, is often in a short one.
    learning = float(np.median(speeds[1:] or speeds))
    working = denoiser.working_pixel_size_angstrom or 1.0
    return {
        "denoiser": denoiser,
        "seconds": seconds,
        "training_seconds": made.seconds,
        "steps": made.steps,
        "steps_per_second": learning * _MEGA / (config.batch * config.crop**2),
        "megapixels_per_second": learning,
        "crop": config.crop,
        "batch": config.batch,
        "working_pixel_size_angstrom": working,
        "multiply_adds_per_pixel": multiply_adds_per_pixel(denoiser.network),
    }


def paper_plain(folder: str, seconds: float, crop: int = 640) -> dict[str, object]:
    """Train the paper's network as its authors' code does, for at least ``seconds``.

    Every step reads four pairs whole from disk, takes one crop of each, computes in float32 and
    asks for the loss; nothing is kept from one step to the next but the weights.
    """
    network = UNet(PAPER_NETWORK).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.99), eps=1e-8)
    odd = sorted(Path(folder).glob("train_*_odd.mrc"))
    rng = np.random.default_rng(0)
    batch, steps, losses = 4, 0, []
    started = 0.0
    while steps <= 1 or time.perf_counter() - started < seconds:
        if steps == 1:
            started = time.perf_counter()  # the first step warms up
        chosen = rng.choice(len(odd), batch, replace=len(odd) < batch)
        crops = [_crop(odd[i], crop, rng) for i in chosen]
        inputs, targets = (torch.from_numpy(np.stack(part)) for part in zip(*crops, strict=True))
        loss = functional.mse_loss(network(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        steps += 1
    taken = time.perf_counter() - started
    steps -= 1
    return {
        "steps": steps,
        "steps_per_second": steps / taken,
        "megapixels_per_second": steps * batch * crop**2 / _MEGA / taken,
        "crop": crop,
        "batch": batch,
        "multiply_adds_per_pixel": multiply_adds_per_pixel(network),
    }


def _crop(odd: Path, side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    images = []
    for path in (odd, odd.with_name(odd.name.replace("_odd", "_even"))):
        with mrcfile.open(path) as file:
            image = np.array(file.data, np.float32)
        low, high = image.min(), image.max()
        images.append((image - low) / (high - low))
    y, x = (int(rng.integers(0, length - side + 1)) for length in images[0].shape)
    window = np.s_[None, y : y + side, x : x + side]
    return images[0][window], images[1][window]
