import json

import numpy as np
import pytest
import torch

from napari_n2n.denoising.checkpoints import (
    load_denoiser,
    load_tensors,
    save_denoiser,
    save_tensors,
)
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.training.micrographs import resume_path, train_steps
from napari_n2n.denoising.training.pairs import Pair, prepare_steps
from napari_n2n.denoising.training.singles import LIMITS, SingleImage
from napari_n2n.errors import NotEnoughData
from napari_n2n.metrics import correlation
from napari_n2n.progress import run_to_end

from ..conftest import blobs

CPU = torch.device("cpu")


def micrograph(seed: int, side: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Return a micrograph of 1 Å/px and its clean image: one working pixel of 4 Å is 4 × 4."""
    clean = np.kron(blobs(seed, side // 4), np.ones((4, 4), np.float32))
    noisy = clean + np.random.default_rng(seed).normal(0, 6, clean.shape)
    return (5 * noisy + 40).astype(np.float32), clean


@pytest.fixture
def at_4_angstrom(tiny):
    return tiny.replaced(
        working_pixel_size_angstrom=4.0, steps=150, learning_rate=4e-3, batch=4, from_scratch=True
    )


def singles(count: int, pixel_size: float | None = 1.0) -> list[SingleImage]:
    return [SingleImage(micrograph(seed)[0], pixel_size, f"m{seed}") for seed in range(count)]


def denoised_correlation(denoiser, pixel_size: float = 1.0) -> tuple[float, float]:
    """Return the correlation with the clean image before and after denoising."""
    noisy, clean = micrograph(99)
    result = denoise(noisy, denoiser, pixel_size_angstrom=pixel_size)
    return correlation(noisy, clean), correlation(result, clean)


def test_it_learns_from_micrographs_without_halves(at_4_angstrom):
    denoiser = run_to_end(train_steps(singles(8), at_4_angstrom))
    assert denoiser.provenance.pairing == "subsets"
    before, after = denoised_correlation(denoiser)
    assert before < 0.2
    assert after > 0.75
    # The figure shown while it learns is that of half the dose, as of a half.
    assert 0.6 < denoiser.provenance.estimated_truth_correlation < after + 0.05


def test_it_learns_with_a_blind_spot_where_pixels_do_not_tell_their_noise(tiny):
    images = []
    for seed in range(8):
        noisy = blobs(seed) + np.random.default_rng(seed).normal(0, 2, (96, 96))
        images.append(SingleImage(noisy.astype(np.float32), 4.0))
    config = tiny.replaced(working_pixel_size_angstrom=4.0, steps=250, learning_rate=4e-3, batch=4)
    denoiser = run_to_end(train_steps(images, config))
    assert denoiser.provenance.pairing == "blind_spot"
    assert denoiser.output_gain == 1
    clean = blobs(99)
    noisy = (clean + np.random.default_rng(99).normal(0, 2, clean.shape)).astype(np.float32)
    result = denoise(noisy, denoiser, pixel_size_angstrom=4.0)
    assert correlation(noisy, clean) < 0.6
    assert correlation(result, clean) > 0.75
    slope = np.polyfit(result.ravel(), clean.ravel(), 1)[0]
    assert slope == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(
    ("pixel_size", "pairing", "way"),
    [(1.0, "auto", "subsets"), (3.0, "auto", "blind_spot"), (None, "auto", "blind_spot"),
     (1.0, "blind_spot", "blind_spot")],
)  # fmt: skip
def test_the_way_is_chosen_by_what_pixels_tell_and_its_limits_are_said(
    at_4_angstrom, pixel_size, pairing, way
):
    config = at_4_angstrom.replaced(pairing=pairing)
    data = run_to_end(prepare_steps(singles(2, pixel_size), config, CPU))
    assert data.pairing == way
    assert LIMITS[way] in data.notes


def test_halves_come_first(at_4_angstrom):
    data = run_to_end(prepare_steps([Pair(*micrograph(0)[:2], 1.0)], at_4_angstrom, CPU))
    assert data.pairing == "halves"
    assert not set(LIMITS.values()) & set(data.notes)


def test_halves_can_be_added_up_and_trained_on_as_if_there_were_none(at_4_angstrom):
    odd, even = (micrograph(0)[0] + seed for seed in (0, 1))
    config = at_4_angstrom.replaced(pairing="subsets")
    (of_pair,), (of_sum,) = (
        run_to_end(prepare_steps(given, config, CPU)).training
        for given in ([Pair(odd, even, 1.0)], [SingleImage(odd + even, 1.0)])
    )
    assert torch.equal(of_pair.image, of_sum.image)


@pytest.mark.parametrize(
    ("pairing", "pixel_size", "said"),
    [("halves", 1.0, "needs movies"), ("subsets", 3.0, "cannot be told")],
)
def test_what_cannot_be_had_is_refused_with_a_way_out(at_4_angstrom, pairing, pixel_size, said):
    config = at_4_angstrom.replaced(pairing=pairing)
    with pytest.raises(NotEnoughData, match=f"{said}.*'auto'"):
        run_to_end(prepare_steps(singles(1, pixel_size), config, CPU))


def test_too_small_an_image_is_refused():
    with pytest.raises(NotEnoughData, match="too few"):
        SingleImage(np.zeros((20, 200), np.float32))


def test_how_a_model_was_trained_is_kept_with_it(at_4_angstrom, tmp_path):
    config = at_4_angstrom.replaced(steps=2, pairing="subsets")
    save_denoiser(tmp_path / "m.safetensors", run_to_end(train_steps(singles(1), config)))
    kept = load_denoiser(tmp_path / "m.safetensors")
    assert (kept.training.pairing, kept.provenance.pairing) == ("subsets", "subsets")
    assert "1 without halves" in kept.summary


@pytest.mark.parametrize("pairing", ["subsets", "blind_spot"])
def test_a_stopped_and_resumed_training_equals_an_uninterrupted_one(
    at_4_angstrom, tmp_path, pairing
):
    config = at_4_angstrom.replaced(steps=12, pairing=pairing)
    whole = run_to_end(train_steps(singles(2), config))
    output = tmp_path / "parts.safetensors"
    steps = train_steps(singles(2), config, output=output)
    for step in steps:
        if getattr(step, "step", 0) >= 4:
            break
    steps.close()
    resumed = run_to_end(train_steps(singles(2), config, output=output, resume=True))
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name


def test_what_was_saved_before_there_was_a_pairing_loads_and_goes_on(tiny, pairs, tmp_path):
    model = tmp_path / "m.safetensors"
    before = run_to_end(train_steps(pairs, tiny.replaced(steps=4), output=model))
    for path in (model, resume_path(model)):
        tensors, text = load_tensors(path)
        header = json.loads(text)
        for part in ("training", "provenance", "config"):
            header.get(part, {}).pop("pairing", None)
        save_tensors(path, tensors, json.dumps(header))
    loaded = load_denoiser(model)
    assert (loaded.training.pairing, loaded.provenance.pairing) == ("auto", "halves")
    assert loaded.summary == before.summary
    longer = run_to_end(train_steps(pairs, tiny.replaced(steps=6), output=model, resume=True))
    assert longer.provenance.steps == 6
