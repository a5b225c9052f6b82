"""How good a network is, told from noisy images alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from napari_n2n.denoising.training.examples import WorkingPair
from napari_n2n.devices import autocast


@dataclass(frozen=True, slots=True)
class Validation:
    """How well a network does on pairs it is not trained on.

    ``loss`` is the mean squared difference from the noisy target, ``noise_floor`` what a perfect
    denoiser would still have there: half the mean squared difference of two equally noisy
    halves, None where the two are not equally noisy. Both in units of the image's variance.

    ``truth_correlation`` estimates the correlation of the result with the clean image that
    nobody has: corr(result, target) / sqrt(corr(input, target)), because two equally noisy
    images correlate by the share that the signal has in the variance of each. None likewise.

    ``output_gain`` is the regression of the input on the result: what brings a result from the
    scale of the target to that of the input. It is 1 where both are equally noisy.
    """

    loss: float
    target_correlation: float
    noise_floor: float | None = None
    truth_correlation: float | None = None
    output_gain: float = 1.0

    @property
    def excess_loss(self) -> float | None:
        """Loss less the noise floor: the mean squared error against the clean image."""
        return None if self.noise_floor is None else self.loss - self.noise_floor


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
