import numpy as np
import pytest
import torch

from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.denoising.training import general_volumes
from napari_n2n.denoising.training.general_volumes import (
    GeneralVolumeSettings,
    train_general_volumes_steps,
)
from napari_n2n.progress import run_to_end
from napari_n2n.settings import ConfigProblem


@pytest.fixture
def drawn():
    """Return inputs and targets of one step; the signal has 0.3 of the noise at 1 e/Å²."""
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=(2, 44, 60, 60))
    bank = [general_volumes._Example((0.3 * signal).astype(np.float16), noise.astype(np.float16))]
    settings = GeneralVolumeSettings(batch=48)
    return general_volumes._Draw(bank, settings, torch.device("cpu"))(0)


def test_every_dose_occurs_and_some_crops_hold_nothing(drawn):
    inputs, targets = drawn
    assert inputs.shape == targets.shape == (48, 1, 40, 40, 40)
    noise = (inputs - targets).std(dim=(1, 2, 3, 4))
    shows = targets.std(dim=(1, 2, 3, 4))
    assert (shows == 0).any()
    doses = (shows / noise / 0.3)[shows > 0] ** 2
    assert doses.min() < 12
    assert doses.max() > 150
    # What a volume is divided by is the width of all that it shows.
    assert inputs.std(dim=(1, 2, 3, 4)).mean() == pytest.approx(1, abs=0.05)


def test_the_noise_knows_nothing_of_the_signal(drawn):
    inputs, targets = drawn
    shared = ((inputs - targets) * targets).mean(dim=(1, 2, 3, 4))
    assert shared.abs().max() < 0.02


def test_a_model_of_images_cannot_be_gone_on_from():
    with pytest.raises(ConfigProblem, match="another network"):
        run_to_end(train_general_volumes_steps(GeneralVolumeSettings(), start=general_denoiser(2)))
