import time

import numpy as np
import pytest

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser
from napari_n2n.denoising.config import WrongDimensions, preset
from napari_n2n.denoising.inference.volumes import denoise_volumes_steps
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.training import results
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.results import last_path, resume_path
from napari_n2n.denoising.training.volume_pairs import VolumeHalves
from napari_n2n.denoising.training.volumes import train_volumes, train_volumes_steps
from napari_n2n.errors import CheckpointProblem
from napari_n2n.metrics import correlation
from napari_n2n.progress import Interrupted, run_to_end

from ..conftest import clean_volume, noisy_pair, noisy_volumes


@pytest.fixture(scope="module")
def volumes() -> list[VolumeHalves]:
    return [noisy_volumes(seed) for seed in range(2)]


def weights(denoiser: Denoiser) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in denoiser.network.state_dict().items()}


def assert_same_weights(first: Denoiser, second: Denoiser) -> None:
    for name, tensor in weights(first).items():
        np.testing.assert_array_equal(tensor, weights(second)[name], err_msg=name)


def denoised(halves: VolumeHalves, denoiser: Denoiser) -> np.ndarray:
    slabs: list[np.ndarray] = []
    steps = denoise_volumes_steps([halves.odd, halves.even], denoiser, slabs.append)
    run_to_end(steps)
    return np.concatenate(slabs)


def test_it_learns_the_clean_volume_and_says_how_well(volumes, tiny_3d):
    config = tiny_3d.replaced(steps=80, learning_rate=1e-2)
    denoiser = train_volumes(volumes, config)
    fresh = noisy_volumes(9)
    before = correlation(fresh.odd + fresh.even, clean_volume(9))
    after = correlation(denoised(fresh, denoiser), clean_volume(9))
    assert before < 0.6
    assert after > 0.85
    assert denoiser.provenance.estimated_truth_correlation == pytest.approx(after, abs=0.03)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(volumes, tiny_3d):
    first, again = (train_volumes(volumes, tiny_3d) for _ in range(2))
    assert_same_weights(first, again)
    other = train_volumes(volumes, tiny_3d.replaced(seed=1))
    assert not np.array_equal(weights(first)["output.weight"], weights(other)["output.weight"])


def test_a_stopped_and_resumed_training_equals_an_uninterrupted_one(volumes, tiny_3d, tmp_path):
    config = tiny_3d.replaced(steps=40)
    whole = train_volumes(volumes, config)
    output = tmp_path / "parts.safetensors"
    steps = train_volumes_steps(volumes, config, output=output)
    for step in steps:
        if isinstance(step, TrainingProgress) and step.step >= 16:
            break
    steps.close()
    assert resume_path(output).is_file()
    assert last_path(output).is_file()
    assert_same_weights(train_volumes(volumes, config, output=output, resume=True), whole)
    assert_same_weights(load_denoiser(output), whole)
    with pytest.raises(CheckpointProblem, match="other images"):
        train_volumes(volumes[:1], config, output=output, resume=True)


def test_it_stops_within_a_second_and_keeps_what_was_learnt(volumes, tiny_3d, tmp_path):
    output = tmp_path / "model.safetensors"
    began = time.monotonic()
    steps = train_volumes_steps(
        volumes,
        tiny_3d.lasting(100),
        output=output,
        stop=lambda: time.monotonic() > began + 1.5,
    )
    denoiser = run_to_end(steps)
    assert time.monotonic() - began < 3
    assert denoiser.provenance.steps >= 1
    assert load_denoiser(output).ndim == 3


def test_nothing_learnt_is_nothing_saved(volumes, tiny_3d, tmp_path):
    output = tmp_path / "model.safetensors"
    with pytest.raises(Interrupted):
        run_to_end(train_volumes_steps(volumes, tiny_3d, output=output, stop=lambda: True))
    assert not list(tmp_path.iterdir())


def test_progress_tells_loss_floor_correlation_and_the_section_looked_at(
    volumes, tiny_3d, monkeypatch
):
    monkeypatch.setattr(results, "_SECONDS_BETWEEN_PREVIEWS", 0.0)
    monkeypatch.setattr(results, "_PREVIEW_SHARE", float("inf"))
    sections = volumes[0].odd[2:13]
    steps = [
        step
        for step in train_volumes_steps(volumes, tiny_3d, preview=lambda: (sections, 10.0))
        if isinstance(step, TrainingProgress)
    ]
    last = steps[-1]
    assert last.validation.noise_floor < last.validation.loss
    assert last.validation.truth_correlation is not None
    previews = [step.preview for step in steps if step.preview is not None]
    assert previews[-1].pixels.shape == sections.shape[1:]
    assert previews[-1].origin == (0, 0)


def test_networks_of_images_and_of_volumes_are_not_mixed_up(volumes, tiny_3d):
    with pytest.raises(WrongDimensions, match="'light' is for images, and this is a volume"):
        train_volumes(volumes, preset("quick"))
    with pytest.raises(WrongDimensions, match="'tiny-3d' is for volumes, and this is an image"):
        run_to_end(train_steps([noisy_pair(0)], tiny_3d))
