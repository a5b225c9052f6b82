import numpy as np
import pytest
import torch

from napari_n2n.denoising.training.blind_spot import BlindSpot, known_error, noise_reach
from napari_n2n.denoising.training.evaluation import evaluate

from .test_pixel_noise import noise

WHOLE = (slice(None), slice(None))


@pytest.mark.parametrize("reach", [0, 1, 2])
def test_a_hidden_pixel_and_its_surroundings_cannot_be_seen(reach):
    """Every value is another here, so that one that is left can be told from all others."""
    side = 64
    image = torch.arange(side * side, dtype=torch.float32).reshape(1, side, side)
    source, target = BlindSpot(image, reach).drawn(WHOLE, False, np.random.default_rng(0))
    known = (~target[0].isnan()).nonzero()
    assert len(known) >= 25
    for y, x in known.tolist():
        assert target[0, y, x] == image[0, y, x]
        near = (
            slice(max(0, y - reach), y + reach + 1),
            slice(max(0, x - reach), x + reach + 1),
        )
        assert not (source[0][near] == image[0][near]).any()
    # The rest is as it was.
    assert (source == image).float().mean() > 0.6


def test_other_pixels_are_hidden_each_time_and_none_is_spared():
    example = BlindSpot(torch.zeros(1, 48, 48))
    rng = np.random.default_rng(0)
    seen = torch.stack([~example.drawn(WHOLE, False, rng)[1][0].isnan() for _ in range(400)])
    often = seen.float().mean(dim=0)
    assert often[6:-6, 6:-6].min() > 0
    assert often.mean() == pytest.approx(1 / 36, rel=0.3)


def test_only_hidden_pixels_count():
    target = torch.full((2, 1, 4, 4), torch.nan)
    target[0, 0, 1, 1], target[1, 0, 2, 2], target[1, 0, 0, 0] = 3.0, 1.0, 2.0
    result = torch.zeros(2, 1, 4, 4, requires_grad=True)
    losses = known_error(result, target)
    torch.testing.assert_close(losses, torch.tensor([9.0, 2.5]))
    losses.sum().backward()
    assert result.grad.isfinite().all()
    assert (result.grad != 0).sum() == 3


def test_noise_that_neighbours_share_is_found():
    white, blurred, wide = (torch.from_numpy(noise(0, blur)[None]) for blur in (0.0, 0.5, 0.8))
    assert [noise_reach(image) for image in (white, blurred, wide)] == [0, 1, 2]


def test_a_network_is_judged_on_hidden_pixels_alone():
    """The image itself, the best by all other pixels, is no better than what hides it."""
    pairs = BlindSpot(torch.from_numpy(noise()[None])).fixed(np.random.default_rng(0))
    network = torch.nn.Conv2d(1, 1, 1)
    torch.nn.init.ones_(network.weight)
    torch.nn.init.zeros_(network.bias)
    judged = evaluate(network, pairs)
    assert judged.loss == pytest.approx(2, rel=0.1)
    assert judged.truth_correlation is None
    assert judged.output_gain == 1
