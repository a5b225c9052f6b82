import numpy as np

from napari_n2n.denoising.scratch import Bricks
from napari_n2n.denoising.training.specimen import BLOCK, specimen_blocks

from ..conftest import clean_volume, noisy_volumes

SHAPE = (64, 96, 96)


def bricks_of(voxels: np.ndarray) -> Bricks:
    bricks = Bricks(voxels.shape)
    scaled = ((voxels + 20) / 6).astype(np.float32)
    for slab in bricks.slabs:
        bricks.write(slab, scaled[slab])
    return bricks


def test_the_slab_is_found_and_empty_ice_is_not():
    rng = np.random.default_rng(0)
    clean = clean_volume(0, SHAPE)
    clean[:24] = clean[40:] = 0
    odd, even = (6 * (clean + rng.normal(0, 2, SHAPE)) - 20 for _ in range(2))
    found = specimen_blocks(bricks_of(odd), bricks_of(even)).mean(axis=(1, 2))
    assert found.shape == (SHAPE[0] // BLOCK,)
    assert found[3:5].min() > 0.7
    assert found[[0, 1, 6, 7]].max() < 0.3


def test_gold_is_left_out():
    halves = noisy_volumes(1, SHAPE)
    for half in (halves.odd, halves.even):
        half[30:36, 40:46, 40:46] -= 500
    found = specimen_blocks(bricks_of(halves.odd), bricks_of(halves.even))
    assert not found[4, 5, 5]
    assert found.mean() > 0.3


def test_where_there_is_nothing_all_may_be_drawn():
    rng = np.random.default_rng(0)
    odd, even = (rng.normal(-20, 6, SHAPE).astype(np.float32) for _ in range(2))
    assert specimen_blocks(bricks_of(odd), bricks_of(even)).all()
