import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.denoising.inference.features import FeatureMap
from napari_n2n.errors import BadValue
from napari_n2n.particles.descriptors import (
    Describer,
    column_weights,
    describe,
    needs_network,
    needs_raw,
)
from napari_n2n.simulation import SimulationConfig, build_scene

DIAMETER = 120.0


@pytest.fixture(scope="module")
def scene():
    """Shells at 3 Å/px, as a good denoiser would show them: image, centres, labels."""
    config = SimulationConfig(shape=(512, 512), pixel_size_angstrom=3.0, broken_fraction=0.4)
    truth = build_scene(config).truth
    image = ndimage.gaussian_filter(truth.clean, 1.0)
    labels = np.array(truth.labels)
    margin = DIAMETER / 2 / 3
    inside = ((truth.centres_px > margin) & (truth.centres_px < 511 - margin)).all(axis=1)
    kept = inside & (labels != "contaminant")
    return image, truth.centres_px[kept], labels[kept]


def described(scene, image=None, centres=None, pixel_size=3.0):
    return describe(
        scene[0] if image is None else image,
        pixel_size,
        scene[1] if centres is None else centres,
        DIAMETER,
    ).values


def distance(a, b, spread):
    """Mean difference of particles in units of how much particles differ."""
    return float(np.sqrt(np.mean(((a - b) / spread) ** 2)))


def spread_of(values):
    return values.std(axis=0) + 1e-3


def test_turning_a_particle_changes_nothing_that_matters(scene):
    image, centres, _ = scene
    straight = described(scene)
    # A turn about the micrograph's middle turns every particle about its centre; 30° is no
    # multiple of the rings' sampling and needs interpolation.
    turned = ndimage.rotate(image, 30, reshape=False, order=3, mode="reflect")
    angle = np.deg2rad(30)
    middle = (np.array(image.shape) - 1) / 2
    y, x = (centres - middle).T
    moved = middle + np.stack(
        [y * np.cos(angle) - x * np.sin(angle), y * np.sin(angle) + x * np.cos(angle)], axis=1
    )
    seen = (np.hypot(*(moved - middle).T) < 200) & (np.hypot(y, x) < 200)
    after = described(scene, turned, moved[seen])
    assert seen.sum() > 10
    assert distance(after, straight[seen], spread_of(straight)) < 0.35


def test_quarter_turns_and_mirrors_change_nothing(scene):
    image, centres, _ = scene
    side = len(image) - 1
    mirrored = described(scene, image[:, ::-1], np.stack([centres[:, 0], side - centres[:, 1]], 1))
    quarter = described(scene, np.rot90(image), np.stack([side - centres[:, 1], centres[:, 0]], 1))
    values = described(scene)
    for other in (mirrored, quarter):
        assert distance(values, other, spread_of(values)) < 0.02


def test_a_pick_that_is_a_little_off_is_described_alike(scene):
    _, centres, labels = scene
    values = described(scene)
    intact = labels == "intact"
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, len(centres))
    off = centres + 0.05 * DIAMETER / 3 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    moved = described(scene, centres=off)
    assert distance(values[intact], moved[intact], spread_of(values)) < 0.5


def test_scale_and_offset_of_the_image_do_not_matter(scene):
    values = described(scene)
    np.testing.assert_allclose(
        described(scene, scene[0] * 50 + 1000), values, atol=0.02 * np.abs(values).max()
    )


def test_the_pixel_size_does_not_matter(scene):
    """The same specimen on half the pixels a side."""
    finer = ndimage.zoom(scene[0], 2, order=3, mode="reflect", grid_mode=True)
    values = described(scene)
    other = described(scene, finer, (scene[1] + 0.5) * 2 - 0.5, pixel_size=1.5)
    assert distance(values, other, spread_of(values)) < 0.25


def test_broken_particles_lie_apart_from_intact_ones(scene):
    """One number alone, how uneven the wall is, must tell most of them."""
    values, labels = described(scene), scene[2]
    standard = (values - values.mean(axis=0)) / spread_of(values)
    gap = standard[labels == "broken"].mean(axis=0) - standard[labels == "intact"].mean(axis=0)
    assert np.abs(gap).max() > 1.2


def test_each_particle_is_described_by_itself(scene):
    values = described(scene)
    alone = described(scene, centres=scene[1][3])
    np.testing.assert_allclose(alone[0], values[3], rtol=1e-5, atol=1e-5)
    later = Describer(scene[0], 3.0, DIAMETER)
    for row in (2, 7):
        np.testing.assert_allclose(
            later.describe(scene[1][row]).values[0], values[row], rtol=1e-5, atol=1e-5
        )


def test_places_without_anything_give_numbers(scene):
    corners = np.array([[0.0, 0.0], [511.0, 511.0]])
    assert np.isfinite(described(scene, centres=corners)).all()
    assert np.isfinite(described(scene, np.ones((64, 64), np.float32), corners / 10)).all()
    assert described(scene, centres=np.empty((0, 2))).shape == (0, described(scene).shape[1])


@pytest.mark.parametrize(("pixel_size", "diameter"), [(0.0, 120), (1.0, 0.0), (60.0, 120.0)])
def test_sizes_that_cannot_be_are_refused(pixel_size, diameter):
    with pytest.raises(BadValue, match="Correct"):
        describe(np.zeros((64, 64), np.float32), pixel_size, np.zeros((1, 2)), diameter)


def test_what_the_network_sees_is_added_and_named(scene):
    features = FeatureMap(np.zeros((5, 128, 128), np.float32), (4.0, 4.0), "abc/2")
    plain = describe(scene[0], 3.0, scene[1], DIAMETER)
    more = describe(scene[0], 3.0, scene[1], DIAMETER, bottleneck=features)
    assert more.values.shape[1] == plain.values.shape[1] + 25
    np.testing.assert_array_equal(more.values[:, : plain.values.shape[1]], plain.values)
    assert "abc/2" in more.kind
    assert needs_network(more.kind)
    assert not needs_network(plain.kind)


def test_the_network_counts_a_quarter_of_the_rings(scene):
    rings = described(scene).shape[1]
    plain = describe(scene[0], 3.0, scene[1], DIAMETER)
    weights = column_weights(plain.kind + "+abc/2", rings + 320)
    assert (weights[:rings] == 1).all()
    assert (weights[rings:] ** 2).sum() == pytest.approx(0.25 * rings)
    assert (column_weights(plain.kind, rings) == 1).all()


def test_the_recorded_image_is_described_as_well(scene):
    image, centres, _ = scene
    noise = np.random.default_rng(0).normal(0, image.std(), image.shape)
    raw = (image + noise).astype(np.float32)
    both = describe(image, 3.0, centres, DIAMETER, raw=raw)
    one, other = (describe(i, 3.0, centres, DIAMETER) for i in (image, raw))
    np.testing.assert_array_equal(both.values, np.hstack([one.values, other.values]))
    assert needs_raw(both.kind)
    assert not needs_raw(one.kind)
    assert (column_weights(both.kind, both.values.shape[1]) == 1).all()
    with pytest.raises(BadValue, match="belong together"):
        describe(image, 3.0, centres, DIAMETER, raw=raw[1:])
