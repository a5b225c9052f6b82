import numpy as np
import pytest

from napari_n2n.errors import BadValue
from napari_n2n.io import LABELS, Particles


def some(n: int = 5) -> Particles:
    rng = np.random.default_rng(n)
    return Particles(
        rng.random((n, 2)) * 100, rng.choice(LABELS, n), rng.random(n), np.full(n, "person")
    )


def test_columns_not_given_say_that_nothing_is_known():
    particles = Particles([(1.5, 2), (3, 4)])
    assert particles.labels.tolist() == ["unlabelled"] * 2
    assert particles.given_by.tolist() == ["picker"] * 2
    assert np.isnan(particles.scores).all()
    assert len(Particles.none()) == 0


def test_choosing_and_joining_keep_rows_together():
    particles = some()
    mask = particles.scores > np.median(particles.scores)
    both = particles[mask].joined(particles[~mask])
    order = np.lexsort(particles.centres_px.T)
    again = np.lexsort(both.centres_px.T)
    assert (both.labels[again] == particles.labels[order]).all()
    assert (both.scores[again] == particles.scores[order]).all()
    assert sum(both.counts().values()) == len(particles)
    assert len(particles[[]]) == len(particles[:0]) == 0


def test_what_is_kept_cannot_be_changed_behind_its_back():
    centres = np.zeros((2, 2))
    particles = Particles(centres)
    centres[0] = 9
    assert particles.centres_px[0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        particles.labels[0] = "intact"


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"labels": ["intact"]}, "2 particles cannot have 1 labels"),
        ({"labels": ["intact", "whole"]}, "'whole'"),
        ({"given_by": ["person", "nobody"]}, "'nobody'"),
        ({"centres_px": [(0, np.nan), (1, 1)]}, "not a finite number"),
    ],
)
def test_nonsense_is_refused_by_name(columns, fault):
    with pytest.raises(BadValue, match=fault):
        Particles([(0, 0), (1, 1)]).replaced(**columns)
