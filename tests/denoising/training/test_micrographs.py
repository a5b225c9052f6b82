import math
import time

import numpy as np
import pytest
import torch

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.reports import TrainingProgress
from napari_n2n.denoising.training import results
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.training.micrographs import (
    last_path,
    train_steps,
)
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.errors import (
    CheckpointProblem,
    DeviceProblem,
    NotEnoughData,
    TrainingDiverged,
    WriteProblem,
)
from napari_n2n.metrics import correlation
from napari_n2n.progress import Interrupted, run_to_end

from ..conftest import blobs, noisy_pair


def weights(denoiser):
    return {name: tensor.numpy() for name, tensor in denoiser.network.state_dict().items()}


def assert_same_weights(first, second):
    for name, tensor in weights(first).items():
        np.testing.assert_array_equal(tensor, weights(second)[name], err_msg=name)


@pytest.fixture
def learning(tiny):
    return tiny.replaced(steps=150, learning_rate=4e-3, batch=4)


def test_it_learns_the_clean_image_from_noisy_ones_alone(learning):
    denoiser = run_to_end(train_steps([noisy_pair(seed) for seed in range(8)], learning))
    fresh = noisy_pair(99)
    before = correlation(fresh.input, blobs(99))
    after = correlation(denoise(fresh.input, denoiser), blobs(99))
    assert before < 0.5
    assert after > 0.8


def test_the_estimated_correlation_with_the_truth_is_about_right(learning):
    denoiser = run_to_end(train_steps([noisy_pair(seed) for seed in range(8)], learning))
    fresh = [(noisy_pair(seed).input, blobs(seed)) for seed in range(50, 58)]
    true = np.mean([correlation(denoise(image, denoiser), clean) for image, clean in fresh])
    assert denoiser.provenance.estimated_truth_correlation == pytest.approx(true, abs=0.08)


def test_the_same_seed_gives_the_same_model_and_another_seed_another(pairs, tiny):
    first, again = (run_to_end(train_steps(pairs, tiny)) for _ in range(2))
    assert_same_weights(first, again)
    other = run_to_end(train_steps(pairs, tiny.replaced(seed=1)))
    assert not np.array_equal(weights(first)["output.weight"], weights(other)["output.weight"])


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_a_stopped_and_resumed_training_equals_an_uninterrupted_one(
    pairs, tiny, tmp_path, ema_decay
):
    config = tiny.replaced(ema_decay=ema_decay)
    whole = run_to_end(train_steps(pairs, config, output=tmp_path / "whole.safetensors"))
    output = tmp_path / "parts.safetensors"
    steps = train_steps(pairs, config, output=output)
    for step in steps:
        if isinstance(step, TrainingProgress) and step.step >= 8:
            break
    steps.close()
    stopped_at = load_denoiser(output).provenance.steps
    assert 8 <= stopped_at < config.steps
    resumed = run_to_end(train_steps(pairs, config, output=output, resume=True))
    assert resumed.provenance.steps == config.steps
    assert_same_weights(whole, resumed)
    assert_same_weights(
        load_denoiser(last_path(output)), load_denoiser(last_path(tmp_path / "whole.safetensors"))
    )


def test_stop_ends_even_a_long_first_step_within_a_second_and_leaves_no_model(tmp_path):
    asked: list[float] = []
    pair = noisy_pair(0, side=704)
    output = tmp_path / "m.safetensors"
    started = time.monotonic()

    def stop():
        if time.monotonic() - started > 1.0 and not asked:
            asked.append(time.monotonic())
        return bool(asked)

    config = preset("paper").replaced(working_pixel_size_angstrom=None)
    with pytest.raises(Interrupted):
        run_to_end(train_steps([pair], config, output=output, stop=stop))
    # A step of four such crops takes some fifteen seconds on two cores.
    assert time.monotonic() - asked[0] < 2.5
    assert not list(tmp_path.iterdir())


def test_progress_tells_what_a_person_wants_to_know(pairs, tiny):
    steps = [step for step in train_steps(pairs, tiny) if isinstance(step, TrainingProgress)]
    last = steps[-1]
    assert last.step == last.total_steps == tiny.steps
    assert last.fraction == 1
    assert last.seconds_left == 0
    assert [s.step for s in steps] == sorted(s.step for s in steps)
    assert "CPU" in last.device
    assert last.validation is not None
    assert last.validation.loss > last.validation.noise_floor
    # Noise of variance 4 on a signal of variance 1: four fifths of a half's variance is noise.
    assert last.validation.noise_floor == pytest.approx(0.8, abs=0.1)


def test_what_is_told_at_the_end_is_of_the_weights_that_are_kept(pairs, tiny):
    # Steps this long soon lead away from what was found at first.
    config = tiny.replaced(steps=12, learning_rate=0.3, schedule="constant", ema_decay=0.0)
    steps = train_steps(pairs, config)
    told: list[TrainingProgress] = []
    denoiser = run_to_end(steps, lambda s: isinstance(s, TrainingProgress) and told.append(s))
    last, estimate = told[-1], denoiser.provenance.estimated_truth_correlation
    assert last.kept.loss < last.validation.loss
    assert last.kept.truth_correlation == estimate != last.validation.truth_correlation
    assert last.text.endswith(f"correlation with the truth about {estimate:.3f}")


def test_a_time_limit_ends_it(pairs, tiny):
    started = time.monotonic()
    denoiser = run_to_end(train_steps(pairs, tiny.lasting(1.0)))
    assert 0.9 < time.monotonic() - started < 4
    assert denoiser.provenance.steps > 1


def test_an_epoch_draws_from_every_pair_once(pairs, tiny):
    config = tiny.replaced(steps=None, epochs=3, batch=2)
    assert run_to_end(train_steps(pairs, config)).provenance.steps == 6


def test_the_preview_shows_the_asked_for_image(pairs, tiny, monkeypatch):
    monkeypatch.setattr(results, "_SECONDS_BETWEEN_PREVIEWS", 0.0)
    monkeypatch.setattr(results, "_PREVIEW_SHARE", float("inf"))
    image = noisy_pair(7).input
    previews = [
        step.preview
        for step in train_steps(pairs, tiny, preview=lambda: (image, 1.0))
        if isinstance(step, TrainingProgress) and step.preview is not None
    ]
    assert previews[-1].pixels.shape == image.shape
    assert previews[-1].origin == (0, 0)
    assert not np.array_equal(previews[0].pixels, previews[-1].pixels)


def test_watching_does_not_change_what_is_learnt(pairs, tiny):
    image = noisy_pair(7).input
    watched = run_to_end(train_steps(pairs, tiny, preview=lambda: (image, 1.0)))
    assert_same_weights(watched, run_to_end(train_steps(pairs, tiny)))


def test_divergence_is_explained_and_the_last_good_weights_are_kept(
    pairs, tiny, tmp_path, monkeypatch
):
    learn = Learner.learn

    def diverging(self, *batch_and_rate):
        loss = learn(self, *batch_and_rate)
        if self.step < 10:
            return loss
        with torch.no_grad():
            for parameter in self.network.parameters():
                parameter.fill_(math.nan)
        return loss * math.nan

    monkeypatch.setattr(Learner, "learn", diverging)
    output = tmp_path / "m.safetensors"
    with pytest.raises(TrainingDiverged, match=r"learning rate.*0\.002"):
        run_to_end(train_steps(pairs, tiny, output=output))
    assert np.isfinite(denoise(pairs[0].input, load_denoiser(output))).all()


def test_a_device_that_runs_out_of_memory_is_explained(pairs, tiny, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(Learner, "learn", full)
    with pytest.raises(DeviceProblem, match="smaller crop"):
        run_to_end(train_steps(pairs, tiny))


def test_resuming_what_is_not_there_or_belongs_elsewhere_is_refused(pairs, tiny, tmp_path):
    output = tmp_path / "m.safetensors"
    with pytest.raises(CheckpointProblem, match="without resuming"):
        run_to_end(train_steps(pairs, tiny, output=output, resume=True))
    run_to_end(train_steps(pairs, tiny.replaced(steps=2), output=output))
    with pytest.raises(CheckpointProblem, match="other settings"):
        run_to_end(train_steps(pairs, tiny.replaced(crop=48), output=output, resume=True))
    with pytest.raises(CheckpointProblem, match="other images"):
        run_to_end(train_steps(pairs[:2], tiny, output=output, resume=True))


def test_stopping_while_pairs_are_prepared_leaves_no_model(pairs, tiny, tmp_path):
    output = tmp_path / "m.safetensors"
    with pytest.raises(Interrupted):
        run_to_end(train_steps(pairs, tiny, output=output, stop=lambda: True))
    assert not output.exists()


def test_the_model_tells_its_own_validation_not_a_later_one(pairs, tiny, tmp_path):
    output = tmp_path / "m.safetensors"
    best = run_to_end(train_steps(pairs, tiny.replaced(steps=40), output=output))
    resumed = run_to_end(train_steps(pairs, tiny.replaced(steps=40), output=output, resume=True))
    last = load_denoiser(last_path(output))
    assert best.provenance.validation_loss <= last.provenance.validation_loss
    assert resumed.provenance.validation_loss == pytest.approx(best.provenance.validation_loss)


def test_a_longer_training_can_go_on_from_a_shorter_one(pairs, tiny, tmp_path):
    output = tmp_path / "m.safetensors"
    run_to_end(train_steps(pairs, tiny.replaced(steps=3), output=output))
    assert run_to_end(train_steps(pairs, tiny, output=output, resume=True)).provenance.steps == 20


def test_an_output_that_cannot_be_written_is_named(pairs, tiny, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WriteProblem, match="file"):
        run_to_end(train_steps(pairs, tiny, output=tmp_path / "file" / "m.safetensors"))


def test_nothing_to_train_on(tiny):
    with pytest.raises(NotEnoughData, match="Give micrographs, or halves"):
        run_to_end(train_steps([], tiny))


def test_colour_is_learnt_by_the_same_network(tiny):
    rng = np.random.default_rng(0)
    clean = np.repeat(blobs(0)[..., None], 3, axis=2)
    a, b = (clean + rng.normal(size=clean.shape).astype(np.float32) for _ in range(2))
    denoiser = run_to_end(train_steps([Pair(a, b)], tiny))
    assert denoise(a, denoiser).shape == a.shape


def test_a_pair_of_unequal_dose_comes_back_on_the_scale_of_its_input(learning):
    """A target with less noise has more signal a unit of variance; the result must not."""
    rng = np.random.default_rng(5)
    pairs = []
    for seed in range(8):
        clean = blobs(seed)
        noisy = clean + rng.normal(0, 2, clean.shape).astype(np.float32)
        better = 7 * clean + rng.normal(0, 2, clean.shape).astype(np.float32)
        pairs.append(Pair(noisy, better, 1.0, swappable=False))
    denoiser = run_to_end(train_steps(pairs, learning))
    fresh = blobs(77)
    noisy = fresh + rng.normal(0, 2, fresh.shape).astype(np.float32)
    result = denoise(noisy, denoiser)
    slope = np.vdot(result - result.mean(), fresh) / np.vdot(result, result - result.mean())
    assert slope == pytest.approx(1.0, abs=0.25)
