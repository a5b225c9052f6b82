"""Particles in volumes of known truth: found, placed, and none where there is noise only."""

import numpy as np
import pytest
from scipy import fft, ndimage

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.particles import volume_scores
from napari_n2n.particles.volume_picking import VolumePickingConfig, pick_volume
from napari_n2n.particles.volume_templates import learnt_template, template_of
from napari_n2n.progress import run_to_end

SHAPE = (40, 72, 84)
VOXEL = 20.0
DIAMETER = 240.0
CONFIG = VolumePickingConfig(diameter_angstrom=DIAMETER)


def seen_by_tilts(volume):
    """Leave out the missing wedge of ±60° about y."""
    spectrum = fft.rfftn(volume)
    z = np.fft.fftfreq(volume.shape[0])[:, None, None]
    x = np.fft.rfftfreq(volume.shape[2])[None, None, :]
    return fft.irfftn(spectrum * (np.abs(z) <= np.abs(x) * np.tan(np.pi / 3)), volume.shape)


def tomogram(*, noise=0.15, gold=True, seed=0, count=10, sign=-1.0):
    """Return balls of 240 Å, a sheet of membrane and beads of gold, and where the balls lie."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[tuple(map(slice, SHAPE))]
    volume = np.zeros(SHAPE)
    centres = []
    while len(centres) < count:
        at = rng.uniform((10, 10, 10), np.array(SHAPE) - 11)
        if at[2] < 50 and all(np.linalg.norm(at - one) > 18 for one in centres):
            centres.append(at)
    for at in centres:
        r = np.sqrt((z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2)
        volume += np.clip(DIAMETER / VOXEL / 2 - r + 0.5, 0, 1)
    volume += 0.6 * (np.abs(x - 66) < 1.5)
    for at in ((16, 20, 77), (24, 50, 77)) if gold else ():
        r = np.sqrt((z - at[0]) ** 2 + (y - at[1]) ** 2 + (x - at[2]) ** 2)
        volume += 12 * np.clip(3.5 - r, 0, 1)
    volume = seen_by_tilts(volume)
    volume += noise * ndimage.gaussian_filter(rng.standard_normal(SHAPE), 1) / 0.14
    return (5 + sign * volume).astype(np.float32), np.array(centres)


def matched(found, centres, within=DIAMETER / VOXEL / 3):
    apart = np.linalg.norm(found[:, None] - centres[None], axis=2)
    return (apart.min(axis=0) < within), (apart.min(axis=1) < within)


@pytest.fixture(scope="module")
def made():
    return tomogram()


def test_balls_are_found_and_neither_gold_nor_membrane(made):
    volume, centres = made
    picked = pick_volume(volume, VOXEL, CONFIG)
    recalled, right = matched(picked.passing.centres_px, centres)
    assert recalled.mean() > 0.9
    assert right.mean() > 0.9
    assert picked.contrast == "dark"
    assert picked.gold > 0
    apart = np.linalg.norm(picked.passing.centres_px[:, None] - centres[None], axis=2).min(axis=0)
    assert np.median(apart) < 1.5
    assert (np.diff(picked.particles.scores) <= 0).all()


def test_bright_particles_are_found_as_well(made):
    volume, centres = made
    picked = pick_volume(-volume, VOXEL, CONFIG)
    assert picked.contrast == "bright"
    assert matched(picked.passing.centres_px, centres)[0].mean() > 0.9


def test_the_scale_of_intensities_is_of_no_matter(made):
    volume, _ = made
    one, other = (pick_volume(v, VOXEL, CONFIG) for v in (volume, 1e-3 * volume + 7))
    np.testing.assert_allclose(one.passing.centres_px, other.passing.centres_px, atol=0.1)


@pytest.mark.parametrize("smooth", [0, 1.5])
@pytest.mark.parametrize("seed", range(2))
def test_noise_has_no_particles(smooth, seed):
    noise = np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)
    noise = ndimage.gaussian_filter(noise, smooth) if smooth else noise
    assert len(pick_volume(noise, VOXEL, CONFIG).passing) == 0


def test_boxes_change_nothing(made, monkeypatch):
    volume, _ = made
    whole = pick_volume(volume, VOXEL, CONFIG)
    monkeypatch.setattr(volume_scores, "_SIDE", 48)
    parts = pick_volume(volume, VOXEL, CONFIG)
    np.testing.assert_allclose(
        parts.passing.centres_px, whole.passing.centres_px, rtol=0, atol=0.02
    )


def test_marked_particles_show_what_to_look_for(made):
    volume, centres = made
    picked = pick_volume(volume, VOXEL, CONFIG, marked_voxel=centres[:6])
    assert matched(picked.passing.centres_px, centres)[0].mean() > 0.8


def test_nothing_to_learn_from_is_said(made):
    with pytest.raises(NotEnoughData, match="None of the marked"):
        learnt_template(made[0], [[0.0, 0.0, 0.0]], 12.0, 12.0)


def test_a_threshold_that_is_given_counts(made):
    picked = pick_volume(made[0], VOXEL, CONFIG, threshold=0.0)
    assert len(picked.passing) == len(picked.particles)


def test_a_template_lacks_what_tilts_do_not_measure():
    whole, seen = (template_of("ball", 12.0, degrees) for degrees in (90.0, 60.0))
    middle = whole.shape[0] // 2
    assert whole[middle, middle, middle] == pytest.approx(1, abs=0.01)
    # It is longer along z, across which the tilts did not look.
    above, beside = (middle - 8, middle, middle), (middle, middle, middle - 8)
    assert whole[above] == whole[beside] == 0
    assert seen[above] > 0.1 > seen[beside]


@pytest.mark.parametrize(
    ("volume", "voxel", "error", "said"),
    [
        (np.zeros((40, 40, 40), np.float32), 20.0, NotEnoughData, "all the same|are the same"),
        (np.ones((8, 40, 40), np.float32), 20.0, NotEnoughData, "does not fit"),
        (np.ones((40, 40, 40), np.float32), None, BadValue, "unknown"),
        (np.ones((40, 40, 40), np.float32), 100.0, BadValue, "voxels across"),
        (np.full((40, 40, 40), np.nan, np.float32), 20.0, BadValue, "NaN"),
    ],
)
def test_what_cannot_be_picked_is_said(volume, voxel, error, said):
    with pytest.raises(error, match=said):
        pick_volume(volume, voxel, CONFIG)


@pytest.mark.parametrize("shape", [(60, 64, 70), (61, 65, 71)])
def test_coarse_places_are_those_of_the_volume(shape):
    """A ball lies where it lay, to a tenth of a voxel, wherever the grids begin."""
    centre = np.array([28.0, 21.5, 40.25])
    places = np.moveaxis(np.indices(shape), 0, -1)
    ball = np.exp(-((places - centre) ** 2).sum(axis=-1) / (2 * 5.0**2)).astype(np.float32)
    steps = volume_scores.coarse_volume_steps(ball, 30.0, 12, lambda: False)
    coarse = run_to_end(steps)
    assert coarse.voxels.shape != shape
    top = np.array(np.unravel_index(coarse.voxels.argmax(), coarse.voxels.shape), np.float64)
    near = np.clip(coarse.voxels, coarse.voxels.max() / 3, None) - coarse.voxels.max() / 3
    moved = np.array(ndimage.center_of_mass(near))
    assert np.abs(moved - top).max() < 1
    np.testing.assert_allclose(coarse.to_volume(moved), centre, atol=0.1)
    np.testing.assert_allclose(coarse.from_volume(coarse.to_volume(moved)), moved, atol=1e-9)
