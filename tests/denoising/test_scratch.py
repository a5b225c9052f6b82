import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_n2n.denoising.scratch import Bricks, scratch_array
from napari_n2n.errors import WriteProblem


@settings(deadline=None, max_examples=40)
@given(data=st.data(), shape=st.tuples(*[st.integers(1, 80)] * 3))
def test_any_box_of_bricks_is_what_was_written(data, shape):
    voxels = np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.float32)
    bricks = Bricks(shape)
    for slab in bricks.slabs:
        bricks.write(slab, voxels[slab])
    starts = [data.draw(st.integers(0, side - 1)) for side in shape]
    box = tuple(
        slice(a, data.draw(st.integers(a + 1, side))) for a, side in zip(starts, shape, strict=True)
    )
    np.testing.assert_array_equal(bricks.read(box), voxels[box])


def test_nothing_is_left_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    array = scratch_array((4, 5))
    array[2, 3] = 7
    assert array.sum() == 7
    del array
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_named_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    too_much = shutil.disk_usage(tmp_path).free
    with pytest.raises(WriteProblem, match=r"has no room for .* GB.*TMPDIR") as problem:
        scratch_array((too_much,), np.uint8)
    assert problem.value.path == Path(tmp_path)
