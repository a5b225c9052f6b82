import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_n2n.workflow.tomogram_views import SectionInView, TomogramSource, WatchedSection

SHAPE = (60, 300, 280)


def seen(axis: int, index: int, shape=SHAPE) -> SectionInView:
    """Return a whole section in view."""
    spans = [slice(0, side) for side in shape]
    spans[axis] = slice(index, index + 1)
    return SectionInView(axis, tuple(spans))


def source(shape=SHAPE, halves: int = 2) -> TomogramSource:
    """Return halves in which each voxel tells its section."""
    volume = np.broadcast_to(np.arange(shape[0], dtype=np.float32)[:, None, None], shape)
    return TomogramSource((volume,) * halves, "mine", 10.0, volume)


@given(
    st.integers(0, 2),
    st.floats(0, 1),
    st.tuples(*[st.integers(8, 400)] * 3),
    st.sampled_from([None, 5.0, 14.0, 40.0]),
)
def test_what_is_denoised_first_holds_the_section_and_is_but_a_part(axis, share, shape, working):
    view = seen(axis, int(share * (shape[axis] - 1)), shape)
    box = view.with_surroundings(shape, 10.0, working)
    assert box[axis].start <= view.index < box[axis].stop
    lengths = [part.stop - part.start for part in box]
    assert all(0 <= part.start < part.stop <= side for part, side in zip(box, shape, strict=True))
    others = [lengths[each] for each in range(3) if each != axis]
    assert np.prod(lengths) <= 0.45 * np.prod(shape) or max(others) <= 64


def test_a_section_has_as_many_working_voxels_around_it_at_any_voxel_size():
    fine, coarse = (
        seen(0, 150, (300, 2000, 2000)).with_surroundings((300, 2000, 2000), size, 14.0)
        for size in (7.0, 14.0)
    )
    assert (fine[0].start, fine[0].stop) == (110, 191)
    assert (coarse[0].start, coarse[0].stop) == (130, 171)
    assert fine[1].stop - fine[1].start == 2 * (coarse[1].stop - coarse[1].start)


@pytest.mark.parametrize("index", [0, 3, 30, 59])
def test_what_a_training_denoises_has_the_section_in_its_middle(index):
    watched = WatchedSection()
    watched.look_at(seen(0, index))
    sections, size = watched.sections(source(), 14.0)
    assert size == 10
    assert len(sections) % 2 == 1
    assert (sections[len(sections) // 2] == index).all()
    placed = watched.placed(sections[0], (5, 6))
    assert placed.origin[0] == index
    assert placed.voxels.shape == (1, *sections.shape[1:])


def test_nothing_is_previewed_where_nobody_looks_or_at_another_plane():
    watched = WatchedSection()
    assert watched.sections(source(), 14.0) is None
    watched.look_at(seen(1, 40))
    assert watched.sections(source(), 14.0) is None
    watched.look_at(seen(0, 50))
    assert watched.view((20, 300, 280)) is None  # that was another tomogram
