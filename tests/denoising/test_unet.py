import pytest
import torch
from torch import nn

from napari_n2n.denoising.config import (
    LIGHT_NETWORK,
    NETWORKS,
    PAPER_NETWORK,
    VOLUME_NETWORKS,
    NetworkConfig,
)
from napari_n2n.denoising.unet import UNet


def test_the_papers_network_has_as_many_parameters_as_in_the_paper():
    assert UNet(PAPER_NETWORK).parameter_count == 1_341_553


def test_the_light_network_is_lighter():
    assert UNet(LIGHT_NETWORK).parameter_count < 600_000


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(64, 64), (33, 50), (5, 7), (1, 1)])
def test_any_image_size_comes_back_in_its_own_shape(name, shape):
    network = UNet(NETWORKS[name]).eval()
    with torch.no_grad():
        assert network(torch.zeros(2, 1, *shape)).shape == (2, 1, *shape)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_code_makes_volumes(name):
    network = UNet(NETWORKS[name].replaced(ndim=3))
    with torch.no_grad():
        assert network(torch.zeros(1, 1, 20, 33, 32)).shape == (1, 1, 20, 33, 32)


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_beyond_the_halo_changes_a_result(name):
    torch.manual_seed(0)
    network = UNet(NETWORKS[name]).eval().double()
    halo, cell = network.halo, network.config.size_multiple
    side = 2 * halo + cell
    image = torch.randn(1, 1, side + 2 * cell, cell, dtype=torch.float64)
    beyond = image.clone()
    beyond[:, :, side:] += 100  # below the halo of the cell in the middle
    middle = (..., slice(halo, halo + cell), slice(None))
    with torch.no_grad():
        assert torch.equal(network(image)[middle], network(beyond)[middle])


def test_the_halo_is_no_larger_than_it_must_be():
    torch.manual_seed(0)
    network = UNet(PAPER_NETWORK.replaced(pooling="average")).double()
    halo, cell = network.halo, network.config.size_multiple
    image = torch.zeros(1, 1, 2 * halo + cell, cell, dtype=torch.float64, requires_grad=True)
    network(image + 0.1 * torch.randn_like(image))[0, 0, halo : halo + cell].sum().backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero()[:, 0]
    assert rows.min() < cell or rows.max() >= len(image[0, 0]) - cell


def test_the_papers_network_computes_what_its_description_says():
    """Against the description written down independently, layer by layer."""
    torch.manual_seed(1)
    ours = UNet(PAPER_NETWORK)
    act = nn.LeakyReLU(0.1)
    x = torch.randn(1, 1, 64, 64)
    state = ours.state_dict()

    def conv(name, y):
        return nn.functional.conv2d(y, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    def up(i, y):
        weight, bias = state[f"upsampling.{i}.weight"], state[f"upsampling.{i}.bias"]
        return nn.functional.conv_transpose2d(
            y, weight, bias, stride=2, padding=1, output_padding=1
        )

    y = act(conv("encoder.0.2", act(conv("encoder.0.0", x))))
    pooled = [nn.functional.max_pool2d(y, 2)]
    for i in range(1, 5):
        pooled.append(nn.functional.max_pool2d(act(conv(f"encoder.{i}.0", pooled[-1])), 2))
    y = up(0, conv("encoder.5.0", pooled.pop()))
    for i in range(5):
        skip = pooled.pop() if pooled else x
        y = act(conv(f"decoder.{i}.2", act(conv(f"decoder.{i}.0", torch.cat((y, skip), 1)))))
        if i < 4:
            y = up(i + 1, y)
    torch.testing.assert_close(ours(x), conv("output", y))


def test_a_decoder_that_does_not_fit_its_encoder_is_refused():
    with pytest.raises(ValueError, match="one level fewer"):
        NetworkConfig(encoder=((8,), (8,)), decoder=((8,), (8,)))


@pytest.mark.parametrize("name", ["light-3d", "cryocare"])
def test_folding_upsampling_into_a_convolution_changes_neither_results_nor_gradients(name):
    torch.manual_seed(0)
    network = UNet(VOLUME_NETWORKS[name])
    below, beside = network.config.encoder[-1][-1], network.config.encoder[-2][-1]
    features = torch.randn(2, below, 3, 4, 5, requires_grad=True)
    skip = torch.randn(2, beside, 6, 8, 10, requires_grad=True)
    weight = network.decoder[0][0].weight
    plain = network.decoder[0](torch.cat((network.upsampling[0](features), skip), dim=1))
    joined = network._joined(0, features, skip)
    torch.testing.assert_close(joined, plain, rtol=1e-4, atol=1e-4)
    parts = (features, skip, weight)
    gradients = [torch.autograd.grad(each.square().sum(), parts) for each in (joined, plain)]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-2)
