"""A card is shared with other processes and with a person who wants to stop."""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.denoising import denoise_steps
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.devices import Backlog
from napari_n2n.progress import Interrupted, Steps, Stop, never, run_to_end

from ..denoising.conftest import noisy_pair
from .card import CARD, sized
from .recipes import RECIPES, made_up, trained

SOURCE = Path(__file__).parents[2] / "src"
AT_ONCE = """
import sys
import numpy as np
from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.training.micrographs import train
from napari_n2n.denoising.training.pairs import Pair
side, steps, device = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rng = np.random.default_rng(0)
a, b = (rng.normal(size=(side, side)).astype(np.float32) for _ in range(2))
config = preset("quick").replaced(steps=steps, crop=32, from_scratch=True)
made = train([Pair(a, b, 4.0)], config, device=device)
print(made.provenance.steps, float(denoise(a, made, pixel_size_angstrom=4.0, device=device).std()))
"""


def test_two_processes_on_one_card(device):
    command = [sys.executable, "-c", AT_ONCE, str(sized(1024, 64)), str(sized(200, 3)), str(device)]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(
            filter(None, (os.fspath(SOURCE), os.environ.get("PYTHONPATH")))
        ),
    }
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    (steps, first), (_, second) = said
    assert int(steps) > 0
    assert float(first) == pytest.approx(float(second), rel=0.05)


def seconds_after_stop(steps_of, wait: float) -> float:
    """Run for ``wait`` seconds, ask to stop, and tell how long that took."""
    asked: list[float] = []
    began = time.monotonic()

    def stop() -> bool:
        now = time.monotonic()
        if now - began > wait and not asked:
            asked.append(now)
        return bool(asked)

    with suppress(Interrupted):
        run_to_end(steps_of(stop))
    assert asked, "it was over before it could be stopped"
    return time.monotonic() - (began + wait)


@pytest.mark.parametrize("name", RECIPES)
def test_a_training_stops_within_a_second(name, device):
    trained(name, device, 1)  # what is loaded once is loaded now

    def steps_of(stop: Stop) -> Steps[object]:
        return RECIPES[name](device, 10**6, stop)

    assert seconds_after_stop(steps_of, wait=sized(2, 1) / 2) < 1


def test_steps_that_take_long_stop_within_a_second(device):
    """The card is ahead of nobody: what waits in its queue has to be waited for."""
    config = preset("paper").replaced(
        steps=10**6, epochs=None, crop=sized(640, 64), batch=sized(48, 2)
    )
    data = [noisy_pair(n, side=sized(900, 96)) for n in range(2)]

    def steps_of(stop: Stop) -> Steps[object]:
        return train_steps(data, config, device=device, stop=stop)

    assert seconds_after_stop(steps_of, wait=sized(4, 1)) < 1


def test_denoising_stops_within_a_second(device):
    side = sized(4096, 1200)
    image = np.random.default_rng(0).normal(size=(side, side)).astype(np.float32)
    denoiser = made_up("paper")
    run_to_end(denoise_steps(image[:256, :256], denoiser, device=device))

    def steps_of(stop: Stop) -> Steps[object]:
        return denoise_steps(image, denoiser, device=device, thorough=True, stop=stop)

    assert seconds_after_stop(steps_of, wait=0.3) < 1


def test_the_queue_of_a_card_stays_short(device):
    side, count = sized(8192, 256), 40
    dtype = torch.bfloat16 if CARD else torch.float32
    a = torch.randn(side, side, device=device).to(dtype)

    def synchronise() -> None:
        if CARD:
            torch.cuda.synchronize(device)

    a @ a
    synchronise()
    backlog, started = Backlog(device), time.perf_counter()
    for _ in range(count):
        for _ in range(4):
            a @ a
        backlog.add()
    given = time.perf_counter()
    synchronise()
    done = time.perf_counter()
    assert done - given < 0.2 * (done - started)


def test_whoever_never_stops_is_not_stopped(device):
    assert trained("halves", device, 2, never).provenance.steps > 0
