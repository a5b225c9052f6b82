from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.config import LIGHT_NETWORK
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.shipped_models.general import GENERAL, general_denoiser
from napari_n2n.denoising.training import general as general_training
from napari_n2n.denoising.training.general import (
    GeneralSettings,
    relative_error,
    train_general_steps,
)
from napari_n2n.denoising.unet import UNet
from napari_n2n.progress import run_to_end
from napari_n2n.settings import ConfigProblem
from napari_n2n.simulation.variety import FIELD_SIDE

FEW = GeneralSettings(fields=4, batch=2, seconds=1.0)


def test_what_is_made_is_a_general_model_that_can_be_loaded(tmp_path):
    told = []
    made = run_to_end(
        train_general_steps(FEW, output=tmp_path / "general.safetensors"), told.append
    )
    loaded = load_denoiser(tmp_path / "general.safetensors")
    assert loaded.provenance.name == GENERAL
    assert loaded.working_pixel_size_angstrom == 4.0
    assert loaded.provenance.steps == made.provenance.steps > 0
    assert {"simulating fields", "training"} >= {step.stage for step in told}


def test_stopping_keeps_what_has_been_learnt(tmp_path):
    steps = train_general_steps(
        replace(FEW, seconds=600),
        output=tmp_path / "general.safetensors",
        stop=lambda: bool(trained),
    )
    trained = []
    for step in steps:
        if isinstance(step, TrainingProgress):
            trained.append(step)
    assert (tmp_path / "general.safetensors").is_file()


def test_a_general_model_can_be_made_better_and_another_is_refused():
    general = general_denoiser()
    made = run_to_end(train_general_steps(FEW, start=general))
    assert made.provenance.steps > general.provenance.steps
    other = replace(general, network=UNet(LIGHT_NETWORK.replaced(negative_slope=0.2)))
    with pytest.raises(ConfigProblem, match="another network"):
        run_to_end(train_general_steps(FEW, start=other))


def test_saying_nothing_is_as_wrong_as_the_signal_is_strong():
    rng = torch.Generator().manual_seed(0)
    signal = torch.randn((2, 1, 64, 64), generator=rng)
    nothing = torch.zeros_like(signal)
    assert relative_error(nothing, signal).tolist() == pytest.approx([1, 1], abs=1e-3)
    assert relative_error(signal, signal).tolist() == [0, 0]
    # A faint image counts as much as a strong one.
    faint, strong = relative_error(
        0.5 * torch.cat([signal[:1] / 4, signal[1:]]), torch.cat([signal[:1] / 4, signal[1:]])
    )
    assert float(faint) == pytest.approx(float(strong), abs=1e-3)


def test_inventing_something_in_an_empty_field_is_wrong():
    nothing = torch.zeros((1, 1, 64, 64))
    invented = torch.randn(nothing.shape, generator=torch.Generator().manual_seed(0))
    assert float(relative_error(0.5 * invented, nothing)) > 1


def test_every_dose_occurs_and_the_signal_is_that_of_the_clean_image():
    side = FIELD_SIDE
    signal = np.zeros((1, side, side), np.float16)
    signal[0, ::2], signal[0, 1::2] = 0.1, -0.1
    one = np.ones(1, np.float32)
    bank = general_training._Bank(signal, one, 4 * one)
    draw = general_training._Draw(bank, replace(FEW, batch=64), torch.device("cpu"))
    inputs, targets = draw(0)
    assert inputs.shape == targets.shape == (64, 1, 128, 128)
    # On the scale of the input, noise and signal together have a variance of one.
    assert inputs.var(dim=(1, 2, 3)).mean() == pytest.approx(1, abs=0.05)
    amplitude = targets.std(dim=(1, 2, 3))
    noise = (inputs - targets).std(dim=(1, 2, 3))
    electrons = (noise / amplitude * 0.1) ** -2
    doses = electrons / 4.0**2
    assert doses.min() < 0.5
    assert doses.max() > 30
    # The noise knows nothing of the signal.
    shared = ((inputs - targets) * targets).mean(dim=(1, 2, 3)) / (noise * amplitude)
    assert shared.abs().mean() < 0.02
