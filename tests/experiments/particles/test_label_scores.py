import numpy as np
import pytest

from napari_n2n.errors import NotEnoughData
from napari_n2n.experiments.particles.label_scores import jittered, suggestion_scores_steps
from napari_n2n.particles.descriptors import Descriptors
from napari_n2n.progress import run_to_end


def clouds(counts, gap, seed=0):
    """Return descriptors and labels of points about centres that are `gap` apart."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(counts)), counts)
    values = rng.normal(size=(len(codes), 6)) + gap * codes[:, None]
    return Descriptors(values.astype(np.float32), "test"), np.array(
        ["intact", "broken", "contaminant", "unlabelled"]
    )[codes]


def scores(counts, gap, **options):
    descriptors, labels = clouds(counts, gap)
    return run_to_end(suggestion_scores_steps(descriptors, labels, 120.0, draws=8, **options))


def test_what_is_told_apart_scores_one_and_what_is_not_a_half():
    (sure,) = scores((60, 60), 6.0, marks=(10,))
    (blind,) = scores((200, 200), 0.0, marks=(10,))
    assert sure.mean == 1
    assert sure.left == (50, 50)
    assert abs(blind.mean - 0.5) < 0.05
    assert blind.lowest <= blind.mean


def test_labels_count_equally_however_rare():
    """All broken ones look intact: half is right, not the share of the intact."""
    descriptors, labels = clouds((300, 30), 0.0)
    (score,) = run_to_end(
        suggestion_scores_steps(descriptors, labels, 120.0, marks=(10,), draws=20)
    )
    assert abs(score.mean - 0.5) < 0.08


def test_labels_with_too_few_particles_do_not_take_part():
    both = scores((40, 40, 12, 20), 4.0, marks=(5, 10, 20, 50))
    assert [score.marks for score in both] == [5, 10, 20]
    assert both[0].labels == ("intact", "broken", "contaminant")
    assert both[1].labels == ("intact", "broken")


def test_too_few_particles_are_told():
    with pytest.raises(NotEnoughData, match="larger micrograph"):
        scores((40, 6), 4.0)


def test_equal_seeds_draw_equal_marks():
    assert scores((40, 40), 1.0, marks=(6,)) == scores((40, 40), 1.0, marks=(6,))
    assert scores((40, 40), 1.0, marks=(6,)) != scores((40, 40), 1.0, marks=(6,), seed=1)


def test_jitter_stays_in_its_disc_and_fills_it():
    centres = np.full((5000, 2), 100.0)
    off = jittered(centres, 60.0) - centres
    distance = np.hypot(*off.T)
    assert distance.max() <= 3
    # Half of a disc's area lies beyond this.
    assert np.mean(distance > 3 / np.sqrt(2)) == pytest.approx(0.5, abs=0.03)
    assert np.abs(off.mean(axis=0)).max() < 0.1
