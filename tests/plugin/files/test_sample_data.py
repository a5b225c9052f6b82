import numpy as np
from napari.layers import Points

from napari_n2n.particles.palette import label_rgba
from napari_n2n.plugin.files.sample_data import apoferritin_movie, odd_and_even_halves
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
