"""How good a network is on tomograms, told from their noisy halves alone."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from napari_n2n.denoising.reports import Validation
from napari_n2n.denoising.training.volume_pairs import HeldOut
from napari_n2n.devices import autocast


@torch.no_grad()
def evaluate_volumes(network: nn.Module, parts: Sequence[HeldOut]) -> Validation:
    """Judge ``network`` on parts of tomograms that it was not trained on.

    The correlation with the truth is that of what users get, the mean of both denoised halves.
    With a and b the halves, s what both show, and m the mean of their results f(a) and f(b): the
    noise of b is not in f(a), so that cov(m, s) = (cov(f(a), b) + cov(f(b), a)) / 2, and
    var(s) = cov(a, b). The correlation of m and s is then known without s.
    """
    voxels = 0
    squared_error = halves_difference = 0.0
    # Sums of products of (a, b, f(a), f(b)), each less the mean of its part.
    products = torch.zeros(4, 4, dtype=torch.float64)
    device = next(network.parameters()).device
    for part in parts:
        a, b = (half.to(device) for half in (part.odd, part.even))
        # The second one mirrored, as it is when tomograms are denoised.
        both = torch.stack((a, b.flip(0, 1, 2)))[:, None]
        with autocast(device):
            results = network(both)[:, 0].float()
        seen = (a, b, results[0], results[1].flip(0, 1, 2))
        a, b, of_a, of_b = (each[part.inner] for each in seen)
        voxels += a.numel()
        squared_error += _difference(of_a, b) + _difference(of_b, a)
        halves_difference += _difference(a, b)
        flat = torch.stack([each.flatten() for each in (a, b, of_a, of_b)])
        flat = flat - flat.mean(dim=1, keepdim=True)
        products += (flat @ flat.T).cpu().double()
    deviations = products.diagonal().clamp(min=1e-12).sqrt()
    correlations = products / torch.outer(deviations, deviations)
    with_signal = float(products[2, 1] + products[3, 0]) / 2
    power = float(products[2:, 2:].sum()) / 4
    signal = float(products[0, 1])
    # Under a share of three standard errors there is no signal to measure against.
    measurable = float(correlations[0, 1]) > 3 / voxels**0.5 and power > 0
    return Validation(
        loss=squared_error / voxels / 2,
        target_correlation=float(correlations[2, 1] + correlations[3, 0]) / 2,
        noise_floor=halves_difference / voxels / 2,
        truth_correlation=min(1.0, with_signal / (power * signal) ** 0.5) if measurable else None,
    )


def _difference(first: Tensor, second: Tensor) -> float:
    return float((first - second).square().sum())
