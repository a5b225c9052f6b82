import numpy as np
import pytest

from napari_n2n.errors import NotEnoughData
from napari_n2n.plugin.data_form import DataChoice, DataForm
from napari_n2n.plugin.sources import FolderSource, HalvesSource, MovieSource


@pytest.fixture
def form(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    form = DataForm(viewer)
    form.viewer = viewer
    yield form
    form.disconnect_layers()


def test_a_movie_is_chosen_as_it_is_opened(form, add_sample):
    assert not form.is_complete()
    add_sample(form.viewer)
    assert form.value() == DataChoice(kind="movie", movie="apoferritin movie")
    source = form.source()
    assert isinstance(source, MovieSource)
    assert len(source.movie) == 8
    assert source.movie.pixel_size_angstrom == 1


def test_an_array_of_ones_own_is_a_movie_at_the_scale_it_is_shown_at(form):
    frames = np.random.default_rng(0).poisson(1, (4, 64, 64)).astype(np.uint8)
    units = ("pixel", "nm", "nm")
    form.viewer.add_image(frames, name="mine", scale=(1, 0.15, 0.15), units=units)
    source = form.source()
    assert source.movie.pixel_size_angstrom == pytest.approx(1.5)
    np.testing.assert_array_equal(source.movie.frame(2), frames[2])


def test_a_corrected_scale_wins_over_the_file(form, add_sample):
    add_sample(form.viewer)
    form.viewer.layers["apoferritin movie"].scale = (1, 1.3, 1.3)
    assert form.source().movie.pixel_size_angstrom == pytest.approx(1.3)


def test_renaming_and_deleting_layers_is_followed(form, add_sample):
    add_sample(form.viewer)
    layer = form.viewer.layers["apoferritin movie"]
    layer.name = "session 12"
    assert form.value().movie == "session 12"
    form.viewer.layers.remove(layer)
    assert form.value().movie is None
    with pytest.raises(NotEnoughData, match="Open a movie"):
        form.source()


def test_halves_that_are_one_layer_are_refused(form, add_sample):
    add_sample(form.viewer, "odd_and_even_halves")
    choice = form.value()
    assert (choice.kind, choice.odd, choice.even) == (
        "halves",
        "apoferritin odd frames",
        "apoferritin even frames",
    )
    assert isinstance(form.source(), HalvesSource)
    assert form.source().dose == 8
    form.setValue(DataChoice(kind="halves", odd=choice.odd, even=choice.odd))
    with pytest.raises(NotEnoughData, match="same layer"):
        form.source()


def test_a_folder_can_be_chosen(form, tmp_path):
    choice = DataChoice(kind="folder", folder=tmp_path)
    form.setValue(choice)
    assert form.value() == choice
    assert isinstance(form.source(), FolderSource)
    form.setValue(DataChoice(kind="folder", folder=tmp_path / "absent"))
    with pytest.raises(NotEnoughData, match="Choose a folder"):
        form.source()


def test_results_are_not_offered_as_data_to_train_on(form, add_sample):
    from napari.layers import Layer

    from napari_n2n.plugin.layers import image_layer

    pixels = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    for kind in ("denoised", "preview"):
        form.viewer.add_layer(Layer.create(*image_layer(pixels, kind, 1.0, kind=kind)))
    assert form.value() == DataChoice()
    assert "denoised" not in form._layers["odd"].choices
