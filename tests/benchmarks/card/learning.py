"""Whole trainings: how good after how long, and how long the paper's takes."""

import time
from dataclasses import replace

import numpy as np
import torch

from card import data
from card.bench import Bench, Note
from card.timing import timed
from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.training.evaluation import evaluate
from napari_n2n.denoising.training.examples import WorkingPair
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.denoising.unet import UNet
from napari_n2n.metrics import correlation
from napari_n2n.progress import Progress, run_to_end

_WANTED = 0.94
_PAIRS, _EPOCHS = 250, 500
# As the training itself does it.
_STEPS_BETWEEN_VALIDATIONS = 50


def reaching(bench: Bench, note: Note) -> None:
    """Train ``quick`` for several lengths and compare each with the truth.

    A length is a training of its own: the rate falls towards its end, so that the first seconds
    of a long one are not a short one.
    """
    pairs = [
        Pair(odd, even, data.PIXEL_SIZE_ANGSTROM, name=str(number))
        for number in range(bench.fields)
        for odd, even, _ in (data.field(bench, number),)
    ]
    odd, even, clean = data.field(bench, bench.fields)
    short = preset("quick").replaced(**({} if bench.crops else {"crop": 16}))
    # What is loaded once is loaded before the clock runs.
    run_to_end(train_steps(pairs[:1], short.lasting(0.1), device=bench.on))
    reached: list[dict[str, object]] = []
    trainings = [(seconds, False) for seconds in bench.budgets] + [(bench.budgets[-1], True)]
    for seconds, from_scratch in trainings:
        config = short.lasting(seconds).replaced(from_scratch=from_scratch)
        started = time.perf_counter()
        denoiser = run_to_end(train_steps(pairs, config, device=bench.on))
        whole = time.perf_counter() - started
        result = denoise(
            odd + even, denoiser, pixel_size_angstrom=data.PIXEL_SIZE_ANGSTROM, device=bench.on
        )
        reached.append(
            {
                "budget": seconds,
                "from_scratch": from_scratch,
                "seconds": whole,
                "steps": denoiser.provenance.steps,
                "correlation": correlation(result, clean),
            }
        )
        enough = [one["seconds"] for one in reached if float(str(one["correlation"])) >= _WANTED]
        note(
            trainings=reached,
            wanted=_WANTED,
            seconds_to_wanted=min((float(str(s)) for s in enough), default=None),
            highest=max(float(str(one["correlation"])) for one in reached),
            raw=correlation(odd + even, clean),
        )


def long(bench: Bench, note: Note) -> None:
    """Train as the paper does on some pairs for a while, and reckon the whole from it.

    The whole is 250 pairs and 500 epochs: preparing the pairs, the steps, and judging a tenth of
    the pairs, whole, every 50 steps. The three are told apart, for they grow differently.
    """
    image = data.micrograph(bench)
    # Noise of its own; to what it is learnt does not matter here.
    other = np.random.default_rng(0).permutation(image.ravel()).reshape(image.shape)
    pairs = [Pair(image, other, data.PIXEL_SIZE_ANGSTROM, name="made of one")]
    pairs = [replace(pairs[0], name=str(number)) for number in range(bench.long_pairs)]
    config = preset("paper").replaced(
        epochs=None, max_seconds=bench.long_seconds, crop=640 if bench.crops else 32
    )
    started, prepared = time.perf_counter(), [0.0]
    told: list[TrainingProgress] = []

    def listen(step: Progress) -> None:
        if isinstance(step, TrainingProgress):
            prepared[0] = prepared[0] or time.perf_counter() - started
            told.append(step)

    made = run_to_end(train_steps(pairs, config, device=bench.on), listen)
    per_pair = prepared[0] / len(pairs)
    note(
        pairs=len(pairs),
        prepared_seconds_a_pair=per_pair,
        steps=told[-1].step,
        seconds=told[-1].elapsed_seconds,
        best_step=made.provenance.steps,
    )
    side = bench.side
    field = torch.from_numpy(np.ascontiguousarray(image))[None]
    field = ((field - field.mean()) / field.std()).to(bench.on)
    network = UNet(config.network).to(bench.on).eval()
    judged = timed(
        lambda: evaluate(network, [WorkingPair(field, field, True)]),
        bench.on,
        repeats=bench.repeats,
    )
    learning = [one.megapixels_per_second for one in told if one.step % _STEPS_BETWEEN_VALIDATIONS]
    a_step = config.batch * config.crop**2 / 1e6 / float(np.median(learning or [1.0]))
    steps = _PAIRS * _EPOCHS // config.batch
    parts = {
        "preparing": _PAIRS * per_pair,
        "learning": steps * a_step,
        "judging": steps / _STEPS_BETWEEN_VALIDATIONS * (_PAIRS // 10) * judged["seconds"],
    }
    note(
        judged_field={**judged, "side": side},
        seconds_a_step=a_step,
        reckoned={**parts, "seconds": sum(parts.values())},
    )
