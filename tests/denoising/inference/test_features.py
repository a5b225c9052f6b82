import numpy as np
import pytest
import torch

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.inference import features
from napari_n2n.denoising.inference.features import FeatureMap, bottleneck_steps, fingerprint
from napari_n2n.denoising.unet import UNet
from napari_n2n.progress import Interrupted, run_to_end

NETWORK = NetworkConfig(
    name="small", encoder=((6, 6), (8,), (10,), (12,)), decoder=((8,), (8,), (6,))
)


def made_up(seed=0, working=2.0) -> Denoiser:
    torch.manual_seed(seed)
    training = TrainingConfig(network=NETWORK, working_pixel_size_angstrom=working, steps=1)
    return Denoiser(UNet(NETWORK).eval(), training, working)


def seen(image, denoiser, pixel_size=2.0, diameter=80.0):
    steps = bottleneck_steps(
        image, denoiser, pixel_size_angstrom=pixel_size, diameter_angstrom=diameter, device="cpu"
    )
    return run_to_end(steps)


@pytest.fixture
def image():
    rng = np.random.default_rng(0)
    return rng.normal(size=(96, 128)).astype(np.float32)


@pytest.mark.parametrize(("diameter", "cell", "width"), [(24.0, 2, 8), (80.0, 4, 10), (1e4, 8, 12)])
def test_cells_are_as_large_as_the_particle_allows(image, diameter, cell, width):
    found = seen(image, made_up(), diameter=diameter)
    assert found.stride_px == (cell, cell)
    assert found.values.shape == (width, 96 // cell, 128 // cell)
    assert cell * 2.0 <= max(2.0, diameter / 6) or cell == 8


def test_a_turned_micrograph_gives_turned_features(image):
    straight, turned = (seen(i, made_up()) for i in (image, np.rot90(image).copy()))
    np.testing.assert_allclose(turned.values, np.rot90(straight.values, axes=(1, 2)), atol=1e-5)


def test_tiles_change_nothing(image, monkeypatch):
    whole = seen(image, made_up())
    monkeypatch.setattr(features, "_TILE", 32)
    tiled = seen(image, made_up())
    np.testing.assert_allclose(tiled.values, whole.values, atol=1e-5)


def test_scale_and_offset_of_the_micrograph_do_not_matter(image):
    np.testing.assert_allclose(
        seen(image * 70 + 900, made_up()).values, seen(image, made_up()).values, atol=1e-4
    )


def test_features_lie_where_the_micrograph_has_them():
    """A bright spot on an odd-sided micrograph that is finer than the working pixels."""
    image = np.random.default_rng(0).normal(0, 0.01, (203, 310)).astype(np.float32)
    empty = seen(image, made_up(), pixel_size=1.0)
    y, x = np.mgrid[:203, :310]
    image += 50 * np.exp(-((y - 81) ** 2 + (x - 33) ** 2) / 32).astype(np.float32)
    found = seen(image, made_up(), pixel_size=1.0)
    change = np.abs(found.values - empty.values).mean(axis=0)
    change[change < 0.4 * change.max()] = 0
    rows, columns = np.indices(change.shape)
    where = [(cells * change).sum() / change.sum() + 0.5 for cells in (rows, columns)]
    half_a_cell = np.array(found.stride_px) / 2
    assert (np.abs(np.array(where) * found.stride_px - 0.5 - (81, 33)) < half_a_cell).all()


def test_around_reads_the_centre_and_two_rings():
    """A feature that is the distance from a point in px tells the rings' radii."""
    y, x = np.mgrid[:50, :60]
    stride = 4.0
    centre = np.array([102.0, 118.0])
    distance = np.hypot((y + 0.5) * stride - 0.5 - 102, (x + 0.5) * stride - 0.5 - 118)
    found = FeatureMap(distance[None].astype(np.float32), (stride, stride), "k")
    (row,) = found.around(centre, 100.0)
    assert row.shape == (5,)
    assert row[0] < stride
    np.testing.assert_allclose(row[[1, 3]], [20, 40], atol=0.5)
    assert (row[[2, 4]] < 0.5).all()


def test_no_particles_have_no_features(image):
    found = seen(image, made_up())
    assert found.around(np.empty((0, 2)), 40.0).shape == (0, 50)


def test_the_kind_names_the_network_and_the_level(image):
    kinds = {
        seen(image, made_up(0)).kind,
        seen(image, made_up(0)).kind,
        seen(image, made_up(1)).kind,
        seen(image, made_up(0), diameter=1e4).kind,
    }
    assert len(kinds) == 3
    assert fingerprint(made_up(0).network) in seen(image, made_up(0)).kind


def test_a_wish_to_stop_is_heard(image):
    steps = bottleneck_steps(
        image,
        made_up(),
        pixel_size_angstrom=2.0,
        diameter_angstrom=80.0,
        device="cpu",
        stop=lambda: True,
    )
    with pytest.raises(Interrupted):
        run_to_end(steps)
