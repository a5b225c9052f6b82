"""The bench for the day with a card has no fault that could be found without one."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_n2n.denoising.config import NETWORKS, NetworkConfig, TrainingConfig
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.unet import UNet

from .card import CARD, CPU
from .test_networks import ALL

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def _bench_can_be_imported():
    sys.path.insert(0, os.fspath(BENCHMARKS))
    yield
    sys.path.remove(os.fspath(BENCHMARKS))


@pytest.mark.skipif(CARD, reason="the whole bench comes next")
def test_every_part_tells_its_figures(tmp_path):
    output = tmp_path / "figures.json"
    command = [sys.executable, BENCHMARKS / "bench_gpu.py", "--tiny", "--output", output]
    command += ["--device", "cpu", "--seconds", "3600"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(output.read_text("utf-8"))
    from card.parts import PARTS

    assert list(told["parts"]) == [part.name for part in PARTS]
    for name, part in told["parts"].items():
        assert part["complete"], name
        assert part["problem"] is None, name
        assert part["figures"], name
    assert told["complete"] is True
    assert told["machine"]["torch"] == torch.__version__
    steps = told["parts"]["steps"]["figures"]
    assert steps["paper"]["as it is"]["learnt"]["share"] > 0
    assert told["parts"]["reaching"]["figures"]["highest"] > 0
    assert told["parts"]["long"]["figures"]["reckoned"]["seconds"] > 0
    assert told["parts"]["aligning"]["figures"]["drift"]["seconds"] > 0


def hangs(_bench: object, note) -> None:
    note(begun=1.0)
    time.sleep(100)


def fails(_bench: object, note) -> None:
    note(begun=2.0)
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def dies(_bench: object, note) -> None:
    note(begun=3.0)
    os._exit(139)


@pytest.mark.skipif(sys.platform != "linux", reason="a test's function can only be forked")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    ("work", "said", "begun"),
    [(hangs, "ended after 4 s", 1.0), (fails, "illegal memory access", 2.0), (dies, "itself", 3.0)],
)
def test_a_part_that_goes_wrong_is_ended_alone_and_what_it_told_is_kept(
    tmp_path, work, said, begun
):
    from card.bench import tiny
    from card.running import Part, Record, run_part

    record = Record(tmp_path / "figures.json", {})
    started = time.monotonic()
    assert not run_part(
        Part("p", work, 4.0), replace(tiny("cpu", tmp_path), patience=1), record, 60.0
    )
    assert time.monotonic() - started < 30
    kept = json.loads((tmp_path / "figures.json").read_text())["parts"]["p"]
    assert kept["figures"] == {"begun": begun}
    assert said in kept["problem"]
    assert kept["complete"] is False


@pytest.mark.parametrize("name", ALL)
def test_multiplications_are_counted_as_torch_counts_them(name):
    from card.arithmetic import forward_multiply_adds, step_multiply_adds

    config: NetworkConfig = ALL[name]
    side = 2 * config.size_multiple
    images = torch.zeros(1, config.in_channels, *[side] * config.ndim)
    pixels = side**config.ndim
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        UNet(config)(images)
    # Of volumes, upsampling is folded into the convolutions on a CPU, which spares some.
    fewest = 0.5 if config.ndim == 3 else 1.0
    share = counted.get_total_flops() / (2 * pixels * forward_multiply_adds(config))
    assert fewest <= share <= 1
    normalisation = "standard" if config.ndim == 3 else "flat"
    training = TrainingConfig(network=config, normalisation=normalisation, steps=1)
    learner = Learner(training, CPU)
    with FlopCounterMode(display=False) as counted:
        learner.learn(images, images, 1e-3)
    share = counted.get_total_flops() / (2 * pixels * step_multiply_adds(config))
    assert fewest <= share <= 1


def test_the_networks_that_are_counted_are_those_that_are_shipped():
    assert set(NETWORKS) <= set(ALL)
