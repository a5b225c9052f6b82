import numpy as np
import pytest

from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.denoising.training.volume_pairs import VolumeHalves

TINY_NETWORK = {"name": "tiny", "encoder": [[8], [8], [8]], "decoder": [[8], [8]]}


@pytest.fixture
def tiny() -> TrainingConfig:
    """Return a training of a second: a small network on small crops."""
    return TrainingConfig(
        network=TINY_NETWORK, working_pixel_size_angstrom=None, crop=32, batch=2, steps=20
    )


def blobs(seed: int, side: int = 96) -> np.ndarray:
    """Return a smooth clean image (y, x) of unit variance."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.normal(size=(side, side)))
    fy, fx = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    image = np.fft.irfft2(spectrum * np.exp(-((fy**2 + fx**2) / (2 * 0.04**2))), s=(side, side))
    return ((image - image.mean()) / image.std()).astype(np.float32)


def noisy_pair(seed: int, side: int = 96, noise: float = 2.0) -> Pair:
    """Return two noisy images of one clean one."""
    rng = np.random.default_rng(1000 + seed)
    clean = blobs(seed, side)
    a, b = (
        (clean + rng.normal(0, noise, clean.shape)).astype(np.float32) * 5 + 40 for _ in range(2)
    )
    return Pair(a, b, 1.0, name=f"pair {seed}")


@pytest.fixture
def pairs() -> list[Pair]:
    return [noisy_pair(seed) for seed in range(4)]


TINY_VOLUME_NETWORK = {"name": "tiny-3d", "ndim": 3, "encoder": [[8], [16]], "decoder": [[8]]}


@pytest.fixture
def tiny_3d() -> TrainingConfig:
    """Return a training on volumes of a second."""
    return TrainingConfig(
        network=TINY_VOLUME_NETWORK,
        working_pixel_size_angstrom=None,
        normalisation="standard",
        crop=16,
        batch=4,
        steps=20,
        from_scratch=True,
    )


def clean_volume(seed: int, shape: tuple[int, int, int] = (24, 64, 56)) -> np.ndarray:
    """Return a slab of smooth specimen (z, y, x) of unit variance, with empty ice about it."""
    rng = np.random.default_rng(seed)
    frequencies = np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")
    envelope = np.exp(-sum(f**2 for f in frequencies) / (2 * 0.07**2))
    volume = np.fft.ifftn(np.fft.fftn(rng.normal(size=shape)) * envelope).real
    depth = shape[0]
    volume *= (abs(np.arange(depth) - depth / 2 + 0.5) < 0.4 * depth)[:, None, None]
    return ((volume - volume.mean()) / volume.std()).astype(np.float32)


def noisy_volumes(
    seed: int, shape: tuple[int, int, int] = (24, 64, 56), noise: float = 2.0
) -> VolumeHalves:
    """Return two noisy volumes of one clean one."""
    rng = np.random.default_rng(2000 + seed)
    clean = clean_volume(seed, shape)
    odd, even = (
        (clean + rng.normal(0, noise, shape)).astype(np.float32) * 3 - 20 for _ in range(2)
    )
    return VolumeHalves(odd, even, 10.0, name=f"tomogram {seed}")
