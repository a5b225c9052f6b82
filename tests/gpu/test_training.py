"""Training on the card: as on the CPU, the same each time, and of use on either."""

import copy

import numpy as np
import pytest
import torch

from napari_n2n.denoising.checkpoints import load_denoiser, save_denoiser
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.training import general
from napari_n2n.denoising.training.evaluation import evaluate
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.pairs import Crops, prepare_steps
from napari_n2n.progress import Interrupted, run_to_end

from .card import CPU, assert_alike, assert_same_weights, sized
from .recipes import RECIPES, made_up, pairs, photographs, short, trained

STEPS = sized(60, 4)


def image_for(name: str) -> np.ndarray:
    if name == "photographs":
        return photographs().images[0].astype(np.float32)
    return pairs()[0].input


@pytest.fixture(scope="module", params=RECIPES)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def learnt(name, device):
    return trained(name, device, STEPS)


def test_it_learns_as_on_the_cpu(name, learnt, device):
    on_cpu = trained(name, CPU, STEPS)
    losses = [made.provenance.validation_loss for made in (learnt, on_cpu)]
    if None not in losses:
        assert losses[0] == pytest.approx(losses[1], rel=0.03)
    image = image_for(name)
    # Noise of photographs comes from the device's own generator, so that the two saw another one.
    within = 0.3 if name == "photographs" else 0.1
    assert_alike(denoise(image, learnt), denoise(image, on_cpu), within)


def test_the_same_seed_gives_the_same_model(name, learnt, device):
    assert_same_weights(trained(name, device, STEPS), learnt)


def test_its_model_is_of_use_on_both(name, learnt, device, tmp_path):
    save_denoiser(tmp_path / "m.safetensors", learnt)
    read = load_denoiser(tmp_path / "m.safetensors")
    assert_same_weights(read, learnt)
    image = image_for(name)
    on_cpu = denoise(image, read, device=CPU)
    assert_alike(denoise(image, read, device=device), on_cpu, within=0.02)
    # And the one that was never on disk.
    assert_alike(denoise(image, learnt, device=CPU), on_cpu, within=1e-6)


def test_the_model_of_a_cpu_is_of_use_on_the_card(device, tmp_path):
    save_denoiser(tmp_path / "m.safetensors", trained("halves", CPU, 2))
    read, image = load_denoiser(tmp_path / "m.safetensors"), pairs()[0].input
    assert_alike(denoise(image, read, device=device), denoise(image, read, device=CPU), within=0.02)


def test_a_stopped_and_resumed_training_equals_an_uninterrupted_one(device, tmp_path):
    # Not cosine, which is that of the whole length: here the first part is a training by itself.
    config, output = short(STEPS, schedule="constant"), tmp_path / "m.safetensors"
    whole = run_to_end(train_steps(pairs(), config, device=device))
    half = config.replaced(steps=STEPS // 2)
    run_to_end(train_steps(pairs(), half, output=output, device=device))
    resumed = run_to_end(train_steps(pairs(), config, output=output, resume=True, device=device))
    assert_same_weights(resumed, whole)


def test_a_state_saved_on_the_card_is_taken_up_on_the_cpu(device, tmp_path):
    output = tmp_path / "m.safetensors"
    run_to_end(train_steps(pairs(), short(4), output=output, device=device))
    resumed = run_to_end(train_steps(pairs(), short(6), output=output, resume=True, device=CPU))
    assert resumed.provenance.steps in (4, 6)  # whichever was the better
    assert resumed.provenance.device.startswith("CPU")


def test_crops_from_main_memory_are_those_from_the_card(device):
    config = short(1)
    here, there = (run_to_end(prepare_steps(pairs(), config, home)) for home in (CPU, device))
    for step in (0, 7):
        ours = Crops(here, config, device).draw(step)
        theirs = Crops(there, config, device).draw(step)
        assert {crops.device.type for crops in (*ours, *theirs)} == {device.type}
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("pairing", ["halves", "blind_spot"])
def test_judging_tells_what_it_tells_on_the_cpu(device, pairing):
    data = run_to_end(prepare_steps(pairs(), short(1, pairing=pairing), CPU))
    network = made_up("light").network
    on_cpu = evaluate(network, data.validation)
    on_card = evaluate(copy.deepcopy(network).to(device), data.validation)
    assert on_card.loss == pytest.approx(on_cpu.loss, rel=0.01)
    assert on_card.target_correlation == pytest.approx(on_cpu.target_correlation, abs=0.01)
    if pairing == "halves":
        assert on_card.noise_floor == pytest.approx(on_cpu.noise_floor, rel=1e-4)
    else:
        assert on_card.noise_floor is on_cpu.noise_floor is None


def test_the_general_model_s_examples_are_made_on_the_card(device):
    """Their noise has a variance of about one, and a step always draws the same."""
    rng = np.random.default_rng(0)
    signal = rng.normal(0, 0.01, (3, general.FIELD_SIDE, general.FIELD_SIDE)).astype(np.float16)
    ones = np.ones(3, np.float32)
    bank = general._Bank(signal, ones, 4 * ones)
    draw = general._Draw(bank, general.GeneralSettings(batch=3), device)
    (inputs, targets), (again, _) = draw(5), draw(5)
    assert inputs.device.type == targets.device.type == device.type
    assert torch.equal(inputs, again)
    assert float((inputs - targets).std()) == pytest.approx(1, abs=0.2)
    learner = general.Learner(short(1, crop=128), device)
    assert torch.isfinite(learner.learn(inputs, targets, 1e-3, general.relative_error))


def test_nothing_is_learnt_once_it_is_to_stop(device):
    with pytest.raises(Interrupted):
        run_to_end(train_steps(pairs(), short(5), device=device, stop=lambda: True))
