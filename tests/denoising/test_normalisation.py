import numpy as np
import pytest
import torch

from napari_n2n.denoising.normalisation import Intensities, slow_part


def waves(wavelength_px, side=512):
    x = torch.arange(side) * (2 * torch.pi / wavelength_px)
    return torch.sin(x).expand(1, side, side).contiguous()


def noise(shape=(1, 300, 420)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", ["flat", "standard", "unit_range"])
def test_what_is_normalised_can_be_restored(kind):
    image = noise() * 70 + torch.linspace(0, 900, 420)
    scale = Intensities.of(image, kind)
    assert torch.allclose(scale.restore(scale.normalise(image)), image, atol=0.01)


def test_sloping_ice_does_not_drown_what_lies_in_it():
    image = noise()
    for slope in (0.0, 20.0):
        sloping = image + torch.linspace(-slope, slope, 420)
        seen = Intensities.of(sloping, "flat").normalise(sloping)
        inner = seen[:, 60:-60, 60:-60]
        assert float(inner.std()) == pytest.approx(1, abs=0.1)
        assert float((inner * image[:, 60:-60, 60:-60]).mean()) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("wavelength_px", "kept"), [(30, 1.0), (100, 0.97), (1024, 0.05)])
def test_particles_are_no_slow_change_and_ice_is(wavelength_px, kept):
    wave = waves(wavelength_px, 1024)
    rest = (wave - slow_part(wave))[:, 200:-200, 200:-200]
    share = float(rest.std() / wave[:, 200:-200, 200:-200].std())
    assert share == pytest.approx(kept, abs=0.06)


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 33, 64), (1, 8, 200)])
def test_any_size_and_any_number_of_channels(shape):
    level = torch.full(shape, 7.0)
    assert slow_part(level).shape == shape
    assert np.allclose(slow_part(level), 7.0)
