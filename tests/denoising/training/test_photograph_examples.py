import numpy as np
import pytest
import torch
from pydantic import ValidationError

from napari_n2n.denoising.normalisation import Intensities
from napari_n2n.denoising.shipped_models.photographs import recipe
from napari_n2n.denoising.training.photograph_examples import (
    PhotographExamples,
    PhotographNoise,
    Photographs,
    noisy_photograph,
    padded,
)
from napari_n2n.errors import NotEnoughData
from napari_n2n.metrics import psnr

CPU = torch.device("cpu")


def grey_levels(value, shape=(300, 400)):
    return np.full((*shape, 3), value, np.uint8)


def examples(value=128, *, count=1, batch=64, shape=(96, 96), noise=None, **changes):
    """Return what draws examples of ``count`` plain photographs."""
    photographs = Photographs(
        [grey_levels(value, shape)] * count, tuple(f"{n}.png" for n in range(count))
    )
    config = recipe("paper", crop=64, batch=batch, **changes)
    return PhotographExamples(photographs, config, noise or PhotographNoise(), CPU)


def in_grey_levels(images):
    return Intensities.of(images, "photograph").restore(images)


@pytest.mark.parametrize(("deviation", "decibel"), [(10, 28.13), (20, 22.11), (70, 11.23)])
def test_white_noise_alone_has_the_psnr_that_theory_gives(deviation, decibel):
    clean = grey_levels(200)
    noisy = noisy_photograph(clean, deviation, seed=1)
    assert psnr(noisy, clean, peak=255) == pytest.approx(decibel, abs=0.03)
    np.testing.assert_array_equal(noisy, noisy_photograph(clean, deviation, seed=1))
    assert not np.array_equal(noisy, noisy_photograph(clean, deviation, seed=2))


def test_clipping_makes_shadows_brighter_and_lights_darker():
    for value, sign in ((0, 1), (128, 0), (255, -1)):
        clean = grey_levels(value)
        plain = noisy_photograph(clean, 50, seed=0)
        clipped = noisy_photograph(clean, 50, seed=0, clipped=True)
        assert plain.mean() == pytest.approx(value, abs=0.3)
        # Half of a normal distribution is cut off: σ / √(2π) is what is left of its mean.
        assert clipped.mean() == pytest.approx(value + sign * 50 / (2 * np.pi) ** 0.5, abs=0.5)
        assert set(np.unique(clipped)) <= set(range(256))


def test_inputs_and_targets_have_their_own_noise_of_every_strength():
    inputs, targets = (in_grey_levels(images) for images in examples(batch=200)(0))
    strengths = []
    for images in (inputs, targets):
        deviations = (images - 128).flatten(1).std(dim=1)
        assert 0 <= float(deviations.min()) < 4
        assert 46 < float(deviations.max()) < 51
        assert float(deviations.mean()) == pytest.approx(25, abs=3)
        assert float((images - 128).mean()) == pytest.approx(0, abs=0.1)
        assert float(images.min()) < 0 or float(images.max()) > 255  # nothing is cut off
        strengths.append(deviations)
    # Neither how strong it is nor what it is tells anything about the other.
    assert abs(float(torch.corrcoef(torch.stack(strengths))[0, 1])) < 0.25
    shared = ((inputs - 128) * (targets - 128)).mean()
    assert float(shared) == pytest.approx(0, abs=3)


def test_noise_of_nonzero_mean_is_in_inputs_and_targets():
    inputs, targets = examples(noise=PhotographNoise(mean=30))(0)
    assert float(in_grey_levels(inputs).mean()) == pytest.approx(158, abs=0.5)
    assert float(in_grey_levels(targets).mean()) == pytest.approx(158, abs=0.5)


def test_clean_targets_change_nothing_else():
    noisy_inputs, noisy_targets = examples(count=3)(5)
    inputs, targets = examples(count=3, noise=PhotographNoise(targets="clean"))(5)
    assert torch.equal(inputs, noisy_inputs)
    assert not torch.equal(targets, noisy_targets)
    assert torch.allclose(in_grey_levels(targets), torch.full_like(targets, 128))


def test_an_epoch_shows_every_photograph_once():
    photographs = Photographs(
        [grey_levels(20 * n, (64, 64)) for n in range(12)], tuple("abcdefghijkl")
    )
    config = recipe("paper", crop=64, batch=4)
    draw = PhotographExamples(photographs, config, PhotographNoise(targets="clean"), CPU)
    for epoch in range(2):
        seen = torch.cat([draw(3 * epoch + step)[1] for step in range(3)])
        levels = in_grey_levels(seen)[:, 0, 0, 0].round().int().tolist()
        assert sorted(levels) == [20 * n for n in range(12)]


def test_a_step_draws_the_same_again_and_another_another():
    draw = examples()
    first, again, other = draw(7), draw(7), draw(8)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_crops_are_turned_only_where_the_recipe_says_so():
    sloping = np.repeat(np.arange(64, dtype=np.uint8)[:, None, None] * 4, 64, axis=1)
    photographs = Photographs([np.repeat(sloping, 3, axis=2)], ("slope.png",))
    for name, turned in (("paper", False), ("better", True)):
        draw = PhotographExamples(
            photographs,
            recipe(name, crop=64, batch=40),
            PhotographNoise(targets="clean"),
            CPU,
        )
        downwards = draw(0)[1].diff(dim=2).flatten(1).mean(dim=1)
        assert bool((downwards > 0.01).all()) != turned


@pytest.mark.parametrize("shape", [(40, 300), (300, 40), (17, 16), (1, 5)])
def test_small_photographs_are_mirrored_not_stretched(shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*shape, 3), dtype=np.uint8)
    large = padded(image, 64)
    assert large.shape == (*(max(n, 64) for n in shape), 3)
    y, x = ((max(n, 64) - n) // 2 for n in shape)
    np.testing.assert_array_equal(large[y : y + shape[0], x : x + shape[1]], image)
    assert set(map(tuple, large.reshape(-1, 3))) == set(map(tuple, image.reshape(-1, 3)))


def test_fewer_photographs_are_among_the_more():
    photographs = Photographs(
        [grey_levels(n, (16, 16)) for n in range(9)], tuple(str(n) for n in range(9))
    )
    few, more = photographs.chosen(2), photographs.chosen(5)
    assert set(few.names) < set(more.names) < set(photographs.names)
    assert [str(image[0, 0, 0]) for image in more.images] == list(more.names)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(NotEnoughData, match="PNG or JPEG"):
        Photographs([], ())
    with pytest.raises(ValidationError):
        PhotographNoise(most=-1)


def test_photographs_are_normalised_by_their_kind_alone():
    dark = torch.zeros(3, 20, 20)
    scale = Intensities.of(dark, "photograph")
    assert float(scale.normalise(dark).mean()) == -0.5
    assert float(scale.normalise(dark + 255).mean()) == 0.5
    assert torch.allclose(scale.restore(scale.normalise(dark + 300)), dark + 300)
