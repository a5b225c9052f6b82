import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.spatial.distance import pdist

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.particles import (
    PickingConfig,
    Template,
    match,
    pick,
    pick_steps,
    suggested_threshold,
)
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.settings import ConfigProblem

PIXEL = 5.0
DIAMETER = 120.0
ACROSS = DIAMETER / PIXEL
CONFIG = PickingConfig(diameter_angstrom=DIAMETER)
SHAPES = ("ring", "disc", "irregular")


def places(shape, rng, spacing=1.3 * ACROSS):
    """As many centres as fit, no closer than `spacing` px to each other or the border."""
    found = []
    for _ in range(2000):
        spot = spacing + rng.random(2) * (np.array(shape) - 2 * spacing)
        if all(np.hypot(*(spot - other)) > spacing for other in found):
            found.append(spot)
    return np.array(found)


def drawn(shape, centres, kind="ring", noise=0.3, seed=0):
    """Dark particles of depth 1 on a field of 0, with a slope and noise as after denoising."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = 0.002 * y - 0.001 * x
    for centre in centres:
        radius = np.hypot(y - centre[0], x - centre[1]) / ACROSS
        if kind == "ring":
            image -= (radius < 0.5) & (radius > 0.3)
        elif kind == "disc":
            image -= radius < 0.5
        else:  # two lumps side by side, turned at random
            turn = rng.uniform(0, np.pi)
            offset = 0.2 * ACROSS * np.array([np.sin(turn), np.cos(turn)])
            for lump in (centre + offset, centre - offset):
                image -= np.hypot(y - lump[0], x - lump[1]) < 0.24 * ACROSS
    image += ndimage.gaussian_filter(rng.standard_normal(shape), 1.0) * noise * 3.5
    return image.astype(np.float32)


@pytest.fixture(scope="module")
def field():
    shape = (300, 340)
    centres = places(shape, np.random.default_rng(3))
    return drawn(shape, centres), centres


def best(particles):
    return particles[particles.scores >= suggested_threshold(particles.scores)]


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("contrast", ["dark", "bright"])
def test_particles_of_all_shapes_are_found_by_their_diameter_alone(kind, contrast):
    shape = (300, 340)
    centres = places(shape, np.random.default_rng(5))
    image = drawn(shape, centres, kind) * (1 if contrast == "dark" else -1)
    found = best(pick(image, PIXEL, CONFIG.replaced(contrast=contrast)))
    matching = match(found.centres_px, centres, ACROSS / 4)
    assert matching.recall > 0.95
    assert matching.precision > 0.95
    assert matching.distances_px.mean() < (4 if kind == "irregular" else 1)


def test_candidates_come_best_first_on_a_scale_from_minus_one_to_one(field):
    particles = pick(field[0], PIXEL, CONFIG)
    assert (np.diff(particles.scores) <= 0).all()
    assert particles.scores.max() <= 1
    assert len(particles) > len(field[1])  # a lower threshold has something to let through
    assert set(particles.labels) == {"unlabelled"}
    assert set(particles.given_by) == {"picker"}


def test_scores_mean_the_same_on_a_micrograph_with_other_particles():
    """As many or few particles, next to the border of another field: the same score."""
    rng = np.random.default_rng(1)
    shape = (400, 400)
    centres = places(shape, rng)
    many = best(pick(drawn(shape, centres, noise=0.2), PIXEL, CONFIG))
    few = pick(drawn(shape, centres[:8], noise=0.2), PIXEL, CONFIG)[:8]
    assert np.median(few.scores) == pytest.approx(np.median(many.scores), abs=0.1)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 1e4), st.floats(-1e5, 1e5))
def test_scale_and_offset_of_the_intensities_change_nothing(gain, offset):
    centres = places((160, 160), np.random.default_rng(0))
    image = drawn((160, 160), centres)
    one, other = pick(image, PIXEL, CONFIG), pick(image * gain + offset * gain, PIXEL, CONFIG)
    strong = one.scores > 0.3  # faint candidates may come and go with the last digits
    near = match(one.centres_px[strong], other.centres_px, 0.5)
    assert near.recall * len(other) == pytest.approx(strong.sum())
    paired = other.scores[near.pairs[:, 1]] - one.scores[strong][near.pairs[:, 0]]
    assert np.abs(paired).max(initial=0) < 0.02


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_shifting_the_image_shifts_the_picks(dy, dx):
    centres = places((160, 160), np.random.default_rng(2))
    big = drawn((220, 220), centres + 30, noise=0.1)
    still, moved = (
        best(pick(np.roll(big, shift, (0, 1)), PIXEL, CONFIG.replaced(edge=0)))
        for shift in ((0, 0), (dy, dx))
    )
    true = centres + 30
    first = match(still.centres_px, true, 2)
    second = match(moved.centres_px, true + np.array([dy, dx]), 2)
    assert first.recall == second.recall == 1


def test_transposing_the_image_transposes_the_picks(field):
    image, _ = field
    upright, lying = pick(image, PIXEL, CONFIG), pick(image.T, PIXEL, CONFIG)
    upright, lying = best(upright), best(lying)
    matching = match(upright.centres_px, lying.centres_px[:, ::-1], 0.05)
    assert matching.f1 == 1


def test_a_denser_grid_gives_the_same_places(field):
    image, _ = field
    fine = ndimage.zoom(image, 2, order=1, grid_mode=True, mode="nearest")
    coarse_picks, fine_picks = best(pick(image, PIXEL, CONFIG)), best(pick(fine, PIXEL / 2, CONFIG))
    matching = match(fine_picks.centres_px / 2 - 0.25, coarse_picks.centres_px, 1)
    assert matching.f1 > 0.97


def test_no_two_are_too_close_and_none_at_the_edge(field):
    image, _ = field
    config = CONFIG.replaced(minimum_distance=1.0, edge=0.7)
    centres = pick(image, PIXEL, config).centres_px
    assert pdist(centres).min() > 1.0 * ACROSS - 1.5  # tops are refined after they are thinned
    assert centres.min() >= 0.7 * ACROSS
    assert (centres <= np.array(image.shape) - 1 - 0.7 * ACROSS).all()


def test_the_area_to_avoid_is_avoided(field):
    image, _ = field
    everywhere = pick(image, PIXEL, CONFIG)
    avoid = np.zeros(image.shape, bool)
    avoid[:, :150] = True
    particles = pick(image, PIXEL, CONFIG, avoid=avoid)
    assert particles.centres_px[:, 1].min() >= 149.5
    assert len(particles) == (everywhere.centres_px[:, 1] >= 149.5).sum()


def test_particles_cut_by_the_border_are_found_when_asked_for():
    centres = np.array([(3.0, 60.0), (60.0, 2.0), (117.0, 80.0), (70.0, 70.0)])
    image = drawn((121, 121), centres, noise=0.05)
    found = best(pick(image, PIXEL, CONFIG.replaced(edge=0)))
    assert match(found.centres_px, centres, ACROSS / 4).recall == 1


def test_a_template_finds_what_was_clicked_and_little_else():
    """Rings among discs of the same size."""
    shape = (400, 400)
    centres = places(shape, np.random.default_rng(8))
    rings, discs = centres[::2], centres[1::2]
    image = drawn(shape, rings, noise=0.15) + drawn(shape, discs, "disc", noise=0.15, seed=1)
    template = Template.learnt(image, PIXEL, rings[:6], DIAMETER)
    found = pick(image, PIXEL, CONFIG, template=template)
    top = found[: len(rings)]
    assert match(top.centres_px, rings, ACROSS / 8).recall > 0.9
    assert template.learnt_from == 6


def test_clicks_need_not_be_exact(field):
    image, centres = field
    rng = np.random.default_rng(0)
    exact = Template.learnt(image, PIXEL, centres[:8], DIAMETER)
    near = Template.learnt(image, PIXEL, centres[:8] + rng.uniform(-2, 2, (8, 2)), DIAMETER)
    difference = np.abs(near.at(exact.radii) - exact.values)
    assert difference.max() < 0.12 * np.ptp(exact.values)
    inside, wall = exact.at(0.0), exact.at(0.4)
    assert wall - inside > 0.5  # it is a ring: dark wall, hole


def test_bright_templates_look_like_dark_ones(field):
    image, centres = field
    dark = Template.learnt(image, PIXEL, centres[:5], DIAMETER)
    bright = Template.learnt(-image, PIXEL, centres[:5], DIAMETER, contrast="bright")
    np.testing.assert_allclose(dark.values, bright.values, atol=1e-4)


def test_it_can_be_stopped(field):
    with pytest.raises(Interrupted):
        run_to_end(pick_steps(field[0], PIXEL, CONFIG, stop=lambda: True))


def test_it_tells_how_far_it_is(field):
    told = []
    run_to_end(pick_steps(field[0], PIXEL, CONFIG), told.append)
    assert told[-1].done == told[-1].total
    assert [step.done for step in told] == sorted(step.done for step in told)


@pytest.mark.parametrize(
    ("image", "size", "error", "said"),
    [
        (np.ones((200, 200)), 5.0, NotEnoughData, "the same"),
        (np.full((200, 200), np.nan), 5.0, BadValue, "no numbers"),
        (np.eye(200) / 0.1, None, BadValue, "pixel size is unknown"),
        (np.eye(200), -1.0, BadValue, "positive"),
        (np.eye(200), 100.0, BadValue, "px across"),
        (np.eye(16), 5.0, NotEnoughData, "does not fit"),
        (np.empty((0, 4)), 5.0, NotEnoughData, "no pixels"),
        (np.zeros((3, 20, 20)), 5.0, BadValue, "2D"),
    ],
)
def test_what_cannot_be_picked_on_is_told(image, size, error, said):
    with pytest.raises(error, match=said):
        pick(image, size, CONFIG)
    with pytest.raises(error):
        Template.learnt(image, size, [(5, 5)], DIAMETER)


def test_a_lone_nan_is_noticed(field):
    image = field[0].copy()
    image[7, 9] = np.nan
    with pytest.raises(BadValue):
        pick(image, PIXEL, CONFIG)


def test_what_does_not_belong_together_is_told(field):
    image, _ = field
    with pytest.raises(BadValue, match="shape"):
        pick(image, PIXEL, CONFIG, avoid=np.zeros((3, 3), bool))
    with pytest.raises(BadValue, match="no template"):
        pick(image, PIXEL, CONFIG.replaced(method="template"))
    with pytest.raises(NotEnoughData, match="Click"):
        Template.learnt(image, PIXEL, [(-50, 20)], DIAMETER)
    with pytest.raises(ConfigProblem, match="diameter_angstrom"):
        CONFIG.replaced(diameter_angstrom=0)
    with pytest.raises(BadValue):
        Template([0, 1], [2, 2])


def test_noise_alone_has_no_high_scores():
    """On smooth ice, as a denoiser leaves it, nothing should look like a particle."""
    rng = np.random.default_rng(0)
    particles = drawn((300, 300), places((300, 300), rng), noise=0.05)
    ice = ndimage.gaussian_filter(rng.standard_normal((300, 300)), 3).astype(np.float32)
    on_ice, on_particles = pick(ice, PIXEL, CONFIG), pick(particles, PIXEL, CONFIG)
    assert on_ice.scores[0] < on_particles.scores[5]


def test_a_large_micrograph_takes_seconds():
    rng = np.random.default_rng(0)
    image = rng.standard_normal((4096, 4096), np.float32)
    start = time.process_time()
    pick(image, 1.0, CONFIG)
    assert time.process_time() - start < 15  # 2 s where nothing else runs
