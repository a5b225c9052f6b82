"""How good a network is, told from noisy images alone."""

from collections.abc import Sequence

import torch
from torch import nn

from napari_n2n.denoising.reports import Validation
from napari_n2n.denoising.training.examples import WorkingPair
from napari_n2n.devices import autocast


@torch.no_grad()
def evaluate(network: nn.Module, pairs: Sequence[WorkingPair]) -> Validation:
    """Judge ``network`` on ``pairs``, all pixels weighing the same that a target knows."""
    pixels = 0
    squared_error = halves_difference = 0.0
    # Sums of products of (result, input, target), each less its image's mean.
    products = torch.zeros(3, 3, dtype=torch.float64)
    device = next(network.parameters()).device
    for pair in pairs:
        source, target = pair.input.to(device), pair.target.to(device)
        with autocast(device):
            result = network(source[None])[0]
        result = result.float()
        if pair.blind:
            known = ~target.isnan()
            source, target, result = (image[known] for image in (source, target, result))
        pixels += result.numel()
        squared_error += float((result - target).square().sum())
        halves_difference += float((source - target).square().sum())
        images = torch.stack([image.flatten() for image in (result, source, target)])
        images = images - images.mean(dim=1, keepdim=True)
        products += (images @ images.T).cpu().double()
    deviations = products.diagonal().clamp(min=1e-12).sqrt()
    correlations = products / torch.outer(deviations, deviations)
    target_correlation = float(correlations[0, 2])
    if any(pair.blind for pair in pairs):
        # The input is on the target's scale; what it holds there is another pixel.
        return Validation(squared_error / pixels, target_correlation)
    if not all(pair.swappable for pair in pairs):
        gain = float(products[0, 1] / products[0, 0].clamp(min=1e-12))
        return Validation(
            squared_error / pixels, target_correlation, output_gain=gain if gain > 0 else 1.0
        )
    signal_share = float(correlations[1, 2])
    # Under a share of three standard errors there is no signal to measure against.
    measurable = signal_share > 3 / pixels**0.5
    return Validation(
        loss=squared_error / pixels,
        target_correlation=target_correlation,
        noise_floor=halves_difference / pixels / 2,
        truth_correlation=min(1.0, target_correlation / signal_share**0.5) if measurable else None,
    )
