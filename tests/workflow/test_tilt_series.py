"""Halves where only tilt series were kept."""

import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import write_volume
from napari_n2n.io.tilt_series import tilt_series_in
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.workflow.tilt_series import holds_tilt_series, reconstructed_steps
from napari_n2n.workflow.volume_orientation import Orientation, depth_of, orientation_like

from ..tilt_series import SHAPE, VOXEL, aretomo, imod, relion, simulated, truth


def correlation(a, b):
    """Of what is coarser than the interpolation, by which noise differs, can tell."""
    a, b = (ndimage.gaussian_filter(np.asarray(one, np.float32), 1) for one in (a, b))
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def halves_of(folder, **how):
    series = tilt_series_in(folder).series[0]
    return run_to_end(reconstructed_steps(series, VOXEL, **how))


@pytest.mark.parametrize("layout", [aretomo, imod, relion])
def test_halves_are_where_the_specimen_is_and_their_noise_is_their_own(tmp_path, layout):
    halves = halves_of(layout(tmp_path), thickness_angstrom=SHAPE[0] * VOXEL)
    assert halves.odd.shape == SHAPE
    assert halves.voxel_size_angstrom == pytest.approx(VOXEL)
    clean = truth()
    # The simulation's own reconstruction of a half, whose noise is the same.
    tomogram = simulated()
    theirs = tomogram.volume(tomogram.series.odd)
    expected = correlation(theirs, clean)
    # RELION's columns have defoci: phases are flipped, which the simulation's are not.
    slack = 0.25 if layout is relion else 0.05
    for half in (halves.odd, halves.even):
        assert correlation(half, clean) > expected - slack
        assert correlation(half[::-1], clean) < correlation(half, clean) - 0.1
    alike = np.corrcoef(halves.odd.ravel(), halves.even.ravel())[0, 1]
    assert alike < 0.7


def test_every_second_tilt_makes_a_half_where_frames_were_not_kept(tmp_path):
    halves = halves_of(aretomo(tmp_path, only_full=True), thickness_angstrom=SHAPE[0] * VOXEL)
    assert any("every second tilt" in note for note in halves.notes)
    clean = truth()
    assert correlation(halves.odd, clean) > 0.2
    assert correlation(halves.even, clean) > 0.2


def test_what_is_not_known_is_said(tmp_path):
    halves = halves_of(aretomo(tmp_path, volume=False))
    assert halves.odd.shape[0] == 250  # 3000 Å
    assert any("how thick" in note for note in halves.notes)
    assert any("phases are not flipped" in note for note in halves.notes)


@pytest.mark.parametrize(
    "way", [Orientation(), Orientation(False, True), Orientation(True, True), Orientation(True)]
)
def test_halves_lie_as_the_programs_own_volume_does(tmp_path, way):
    folder = aretomo(tmp_path)
    tomogram = simulated()
    whole = tomogram.volume(tomogram.series.odd + tomogram.series.even)
    theirs = np.ascontiguousarray(way.of(whole))
    write_volume(folder / "TS_01_Vol.mrc", theirs, voxel_size_angstrom=VOXEL)
    halves = halves_of(folder)
    assert halves.odd.shape == theirs.shape  # as thick, too
    assert correlation(halves.odd + halves.even, theirs) > 0.85
    told = [note for note in halves.notes if "lie as" in note]
    assert bool(told) == (way != Orientation())


def test_volumes_of_something_else_are_told(tmp_path):
    rng = np.random.default_rng(0)
    halves = rng.normal(size=(2, *SHAPE)).astype(np.float32)
    noise = tmp_path / "noise.mrc"
    write_volume(noise, rng.normal(size=SHAPE).astype(np.float32), voxel_size_angstrom=VOXEL)
    way, note = orientation_like(noise, halves, VOXEL, "AreTomo")
    assert way == Orientation()
    assert "does not look like" in note
    write_volume(noise, np.zeros((9, 20, 20), np.float32), voxel_size_angstrom=VOXEL)
    assert "of another size" in orientation_like(noise, halves, VOXEL, "AreTomo")[1]
    assert depth_of(noise, (SHAPE[1] * VOXEL, SHAPE[2] * VOXEL)) is None
    noise.write_bytes(b"torn")
    assert "noise.mrc" in orientation_like(noise, halves, VOXEL, "AreTomo")[1]
    assert depth_of(noise, (1, 1)) is None


def test_stopping_leaves_nothing_and_torn_images_are_named(tmp_path):
    folder = aretomo(tmp_path)
    series = tilt_series_in(folder).series[0]
    with pytest.raises(Interrupted):
        run_to_end(reconstructed_steps(series, VOXEL, stop=lambda: True))
    torn = folder / "TS_01_ODD.mrc"
    torn.write_bytes(torn.read_bytes()[:9000])
    with pytest.raises(UnreadableFile, match="TS_01_ODD"):
        run_to_end(reconstructed_steps(series, VOXEL))
    assert holds_tilt_series(folder)
    assert not holds_tilt_series(folder / "TS_01.mrc")
