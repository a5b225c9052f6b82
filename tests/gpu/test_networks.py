"""The networks' arithmetic: results, gradients, precision and layout."""

import copy

import pytest
import torch
from torch import nn

from napari_n2n.denoising.config import NETWORKS, NetworkConfig, TrainingConfig
from napari_n2n.denoising.shipped_models.photographs import COLOUR_NETWORKS
from napari_n2n.denoising.training.learner import Learner
from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import autocast, has_bfloat16

from .card import CPU, assert_alike, sized

# What is trained on volumes will be one like this.
VOLUMES = NetworkConfig(
    name="volumes", ndim=3, encoder=((16, 16), (32, 32), (64, 64)), decoder=((32, 32), (16, 16))
)
ALL = {
    **NETWORKS,
    "large, in colour": COLOUR_NETWORKS["large"],
    "volumes": VOLUMES,
}


def images_for(config: NetworkConfig, batch: int = 2) -> torch.Tensor:
    side = sized(32, 8) if config.ndim == 3 else sized(128, 32)
    generator = torch.Generator().manual_seed(1)
    return torch.randn((batch, config.in_channels, *[side] * config.ndim), generator=generator)


@pytest.fixture(params=ALL)
def config(request) -> NetworkConfig:
    return ALL[request.param]


def learner_of(config: NetworkConfig, device: torch.device) -> Learner:
    normalisation = "standard" if config.ndim == 3 else "flat"
    training = TrainingConfig(network=config, normalisation=normalisation, steps=1)
    return Learner(training, device)


@torch.no_grad()
def test_results_are_those_of_the_cpu(config, device):
    torch.manual_seed(0)
    network, images = UNet(config).eval(), images_for(config)
    there = copy.deepcopy(network).to(device)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        assert_alike(there(images.to(device)), network(images), within=1e-4)


@torch.no_grad()
def test_bfloat16_is_used_where_it_is_fast_and_is_near_enough(config, device):
    torch.manual_seed(0)
    network, images = UNet(config).eval(), images_for(config)
    with autocast(device):
        result = copy.deepcopy(network).to(device)(images.to(device))
    assert result.dtype == (torch.bfloat16 if has_bfloat16(device) else torch.float32)
    assert_alike(result, network(images), within=0.03)


def test_weights_are_the_same_at_the_start_and_gradients_point_the_same_way(config, device):
    images, targets = images_for(config), images_for(config).roll(1, -1)
    gradients = []
    for home in (device, CPU):
        learner = learner_of(config, home)
        before = [parameter.detach().cpu().clone() for parameter in learner.network.parameters()]
        learner.learn(images.to(home), targets.to(home), 1e-3)
        grads = [parameter.grad.cpu().flatten() for parameter in learner.network.parameters()]
        gradients.append((before, torch.cat(grads).double()))
    (ours, a), (theirs, b) = gradients
    assert all(torch.equal(x, y) for x, y in zip(ours, theirs, strict=True))
    assert float(torch.dot(a, b) / a.norm() / b.norm()) > 0.995


def test_every_convolution_of_a_training_has_its_channels_last(config, device):
    """One that had not would turn its images around, twice a step."""
    learner = learner_of(config, device)
    layout = torch.channels_last if config.ndim == 2 else torch.channels_last_3d
    others: list[str] = []

    def look(name: str):
        def hook(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
            if output.shape[1] > 1 and not output.is_contiguous(memory_format=layout):
                others.append(name)

        return hook

    for name, module in learner.network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            module.register_forward_hook(look(name))
    images = images_for(config).to(device)
    learner.learn(images, images, 1e-3)
    assert others == []
