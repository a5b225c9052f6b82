"""Training steps: how many a second, and what share of the card's rate that is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from card.arithmetic import matrix_rate, step_multiply_adds
from card.bench import Bench, Note
from card.timing import timed
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig, preset
from napari_n2n.denoising.shipped_models.photographs import recipe
from napari_n2n.denoising.training.examples import WorkingPair
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.pairs import Crops, TrainingData
from napari_n2n.denoising.training.photograph_examples import (
    PhotographExamples,
    PhotographNoise,
    Photographs,
)

Draw = Callable[[int], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Training:
    """A training as far as its steps go: what is learnt, and how examples are drawn."""

    config: TrainingConfig
    draw: Draw

    @property
    def pixels(self) -> int:
        """Pixels (voxels) of a step."""
        return self.config.batch * int(self.config.crop**self.config.network.ndim)


def _quick(bench: Bench) -> Training:
    config = preset("quick").replaced(crop=128 if bench.crops else 32)
    return Training(config, _crops(config, bench, 512))


def _paper(bench: Bench) -> Training:
    config = preset("paper").replaced(crop=640 if bench.crops else 32)
    return Training(config, _crops(config, bench, 2048))


def _crops(config: TrainingConfig, bench: Bench, side: int) -> Draw:
    side = side if bench.crops else 40
    generator = torch.Generator(bench.on).manual_seed(0)
    examples = [
        WorkingPair(*torch.randn(2, 1, side, side, generator=generator, device=bench.on), True)
        for _ in range(8)
    ]
    data = TrainingData(examples, [], None, 1, (), crop=config.crop)
    return Crops(data, config, bench.on).draw


def _photographs(network: str) -> Callable[[Bench], Training]:
    def make(bench: Bench) -> Training:
        crop = 256 if bench.crops else 16
        config = recipe("paper", network=network, steps=1, crop=crop)  # type: ignore[arg-type]
        config = config if bench.crops else config.replaced(batch=1)
        rng = np.random.default_rng(0)
        images = [rng.integers(0, 255, (2 * crop, 2 * crop, 3), np.uint8) for _ in range(8)]
        shown = Photographs(images, tuple(str(n) for n in range(8)))
        return Training(config, PhotographExamples(shown, config, PhotographNoise(), bench.on))

    return make


def _volumes(bench: Bench) -> Training:
    """Return what training on volumes will learn; how crops are drawn is not there yet."""
    network = NetworkConfig(
        name="volumes", ndim=3, encoder=((16, 16), (32, 32), (64, 64)), decoder=((32, 32), (16, 16))
    )
    config = TrainingConfig(
        network=network,
        normalisation="standard",
        steps=1,
        crop=48 if bench.crops else 16,
        batch=4,
    )
    generator = torch.Generator(bench.on).manual_seed(0)
    shape = (config.batch, 1, *[config.crop] * 3)
    batch = torch.randn(2, *shape, generator=generator, device=bench.on)
    return Training(config, lambda _: (batch[0], batch[1]))


TRAININGS: dict[str, Callable[[Bench], Training]] = {
    "quick": _quick,
    "paper": _paper,
    "photographs": _photographs("paper"),
    "photographs, large": _photographs("large"),
    "volumes": _volumes,
}


@contextmanager
def _cudnn(benchmark: bool, deterministic: bool) -> Iterator[None]:
    before = torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = benchmark, deterministic
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = before


# What could be switched: whether cuDNN tries its algorithms, and whether it may take ones whose
# sums come in another order each time.
_VARIANTS = {
    "as it is": (False, False),
    "cuDNN tries": (True, False),
    "deterministic": (False, True),
}


def measure(bench: Bench, note: Note) -> None:
    """Time steps of every training, with and without drawing, and as it might be."""
    rate = matrix_rate(bench, torch.bfloat16)["multiply_adds_per_second"]
    note(bfloat16_multiply_adds_per_second=rate)
    for name, make in TRAININGS.items():
        training = make(bench)
        operations = training.pixels * step_multiply_adds(training.config.network)
        figures: dict[str, object] = {
            "batch": training.config.batch,
            "crop": training.config.crop,
            "multiply_adds": operations,
        }
        for variant, switches in _VARIANTS.items():
            if any(switches) and bench.on.type != "cuda":
                continue
            with _cudnn(*switches):
                seconds = _timed_steps(training, bench)
            best = operations / rate
            figures[variant] = {
                **{key: {**one, "share": best / one["seconds"]} for key, one in seconds.items()},
                "steps_per_second": 1 / seconds["drawn and learnt"]["seconds"],
            }
            note(**{name: dict(figures)})


def _timed_steps(training: Training, bench: Bench) -> dict[str, dict[str, float]]:
    learner = Learner(training.config, bench.on)
    batch = training.draw(0)
    number = iter(range(10**9))
    works: dict[str, Callable[[], object]] = {
        "drawn and learnt": lambda: learner.learn(*training.draw(next(number)), 1e-4),
        "learnt": lambda: learner.learn(*batch, 1e-4),
    }
    return {
        name: timed(
            work,
            bench.on,
            repeats=bench.repeats,
            window_seconds=bench.window_seconds,
            warm=bench.warm,
        )
        for name, work in works.items()
    }


def profile(bench: Bench, note: Note) -> None:
    """Tell which operations a step of ``quick`` and of ``paper`` consists of, longest first."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as recording

    on_card = bench.on.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_card else [])]
    by = "self_device_time_total" if on_card else "self_cpu_time_total"
    for name in ("paper", "quick"):
        training = TRAININGS[name](bench)
        learner = Learner(training.config, bench.on)
        count = bench.repeats
        for step in range(count):
            learner.learn(*training.draw(step), 1e-4)
        with recording(activities=activities) as recorded:
            for step in range(count):
                learner.learn(*training.draw(step), 1e-4)
            if on_card:
                torch.cuda.synchronize(bench.on)
        table = sorted(recorded.key_averages(), key=lambda one: -getattr(one, by))
        note(
            **{
                name: {
                    "milliseconds_a_step": sum(getattr(one, by) for one in table) / 1e3 / count,
                    "operations": [
                        [one.key[:90], getattr(one, by) / 1e3 / count, one.count // count]
                        for one in table[:20]
                    ],
                }
            }
        )
