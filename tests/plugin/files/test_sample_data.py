import numpy as np
import pytest
from napari.layers import Points

from napari_n2n.particles.palette import label_rgba
from napari_n2n.plugin.files.sample_data import apoferritin_movie, odd_and_even_halves, tomogram
from napari_n2n.plugin.shared.layers import memory_in


def test_what_is_true_is_drawn_in_the_colours_of_what_is_marked():
    _, (centres, description, _) = apoferritin_movie(size=512, frames=2)
    truth = Points(centres, **description)
    labels = truth.features["label"].to_numpy(str)
    assert len(set(labels)) > 1
    np.testing.assert_allclose(truth.border_color, label_rgba(labels), atol=1 / 255)


def test_a_simulated_movie_is_in_no_file():
    movie, truth = (memory_in(meta["metadata"]) for _, meta, _ in apoferritin_movie(256, 2))
    assert (movie.kind, movie.path) == ("movie", None)
    assert movie.movie is not None
    assert (truth.kind, truth.clean.shape) == ("truth", (256, 256))


def test_each_half_knows_what_it_is_and_its_dose():
    *halves, _ = odd_and_even_halves(size=256, frames=4)
    known = [memory_in(meta["metadata"]) for _, meta, _ in halves]
    assert [(one.kind, one.dose) for one in known] == [("odd", 2.0), ("even", 2.0)]


def test_a_tomogram_is_the_mean_of_its_halves_and_knows_the_truth():
    (mean, description, _), (centres, truth, _) = tomogram(shape=(48, 96, 96))
    memory = memory_in(description["metadata"])
    odd, even = memory.halves
    np.testing.assert_allclose(mean, (odd + even) / 2, atol=1e-6)
    assert (memory.kind, memory.dose) == ("volume", 120)
    assert description["scale"] == truth["scale"] == (10, 10, 10)

    def likeness(a, b):
        return np.corrcoef(a.ravel(), b.ravel())[0, 1]

    assert likeness(mean, memory.clean) > likeness(odd, memory.clean) > likeness(odd, even) > 0
    assert len(centres) == len(truth["features"]["kind"]) > 0
    assert (centres > -1).all()
    assert (centres < mean.shape).all()
    Points(centres, **truth)


@pytest.mark.parametrize("seed", range(2))
def test_tomograms_of_a_seed_are_equal(seed):
    first, again = (tomogram(shape=(16, 32, 32), seed=seed)[0][0] for _ in range(2))
    np.testing.assert_array_equal(first, again)
