"""Small volumes whose every voxel is known."""

from __future__ import annotations

import numpy as np
import pytest

from .making import EXTENDED, write_rec


@pytest.fixture(scope="session")
def voxels() -> np.ndarray:
    """(z, y, x), no two sides and no two voxels alike."""
    shape = (9, 14, 21)
    return np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape).astype(np.float32)


@pytest.fixture
def rec(tmp_path, voxels):
    """Make a reconstruction with everything in its header that has to survive."""
    return write_rec(
        tmp_path / "TS_01.rec",
        voxels,
        13.48,
        origin=(-70.0, 0.5, 1200.0),
        labels=["SerialEM: K3", "TILT: Tomographic reconstruction"],
        extended=EXTENDED,
    )
