from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import write_micrograph
from napari_n2n.plugin.denoise.data_form import DataChoice, DataForm
from napari_n2n.plugin.denoise.images_are import say_kind
from napari_n2n.plugin.files.readers import read_file
from napari_n2n.plugin.shared.layers import LayerMemory, image_layer, pixel_size_of
from napari_n2n.simulation import SimulationConfig, build_scene, simulate, write_simulated
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.sources import FolderSource, HalvesSource, MovieSource, is_same


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
    frames = simulate(SimulationConfig(shape=(256, 256), n_particles=2, n_frames=4)).frames
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

    pixels = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    for kind in ("denoised", "preview"):
        form.viewer.add_layer(Layer.create(*image_layer(pixels, kind, LayerMemory(kind, 1.0))))
    assert form.value() == DataChoice()
    assert "denoised" not in form._layers["odd"].choices


def test_a_pixel_size_that_is_said_is_shown_at_once_and_used(form):
    rng = np.random.default_rng(0)
    for name in ("a_ODD", "a_EVN"):
        form.viewer.add_image(rng.normal(size=(32, 32)), name=name)
    form.viewer.add_points([[3, 4]], name="marks")
    form.setValue(DataChoice("halves", odd="a_ODD", even="a_EVN"))
    assert form.lacks_pixel_size()
    form.setValue(replace(form.value(), recording=RecordingOptions(pixel_size_angstrom=1.5)))
    assert not form.lacks_pixel_size()
    assert form.source().pixel_size_angstrom == pytest.approx(1.5)
    for layer in form.viewer.layers:  # the marks go with their image
        assert pixel_size_of(layer) == pytest.approx(1.5)


def test_a_movie_is_read_anew_with_the_gain_that_was_chosen(form, tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.poisson(5, (4, 32, 48)).astype(np.float32)
    path = tmp_path / "movie.mrc"
    with mrcfile.new(path) as written:
        written.set_data(frames)
        written.set_image_stack()
        written.voxel_size = 1.0
    gain = rng.uniform(0.9, 1.1, (32, 48)).astype(np.float32)
    write_micrograph(tmp_path / "gain.mrc", gain, 1.0)
    pixels, description, _ = read_file(path)
    form.viewer.add_image(pixels, **description)
    say_kind(form.viewer.layers["movie"], "movie")
    plain = form.source()
    np.testing.assert_array_equal(plain.opened().frame(1), frames[1])
    recording = RecordingOptions(gain=tmp_path / "gain.mrc", dose_per_frame=1.25)
    form.setValue(replace(form.value(), recording=recording))
    corrected = form.source()
    np.testing.assert_allclose(corrected.opened().frame(1), frames[1] * gain, rtol=1e-6)
    assert corrected.opened().dose_per_frame == 1.25
    assert not is_same(plain, corrected)  # so that what was aligned is not used for both


def test_an_array_without_a_file_cannot_be_read_with_a_gain_and_says_so(form, add_sample):
    add_sample(form.viewer)
    recording = RecordingOptions(gain=Path("gain.mrc"))
    form.setValue(replace(form.value(), recording=recording))
    with pytest.raises(NotEnoughData, match="How it was recorded"):
        form.source()


def test_a_folder_is_read_as_it_was_said_and_its_halves_are_kept_apart(form, tmp_path):
    form.setValue(DataChoice("folder", folder=tmp_path))
    plain = form.source()
    form.setValue(DataChoice("folder", folder=tmp_path, recording=RecordingOptions(aligned=True)))
    said = form.source()
    assert said.recording.aligned
    assert said.halves_folder != plain.halves_folder


def test_a_pixel_size_is_not_imposed_on_what_tells_its_own_and_can_be_taken_back(form):
    for name, size in (("unknown", None), ("known", 0.8)):
        pixels, description, _ = image_layer(np.eye(32), name, LayerMemory("micrograph", size))
        form.viewer.add_image(pixels, **description)
    form.setValue(DataChoice("image", image="unknown"))
    form.setValue(replace(form.value(), recording=RecordingOptions(pixel_size_angstrom=1.05)))
    sizes = {layer.name: pixel_size_of(layer) for layer in form.viewer.layers}
    assert sizes == {"unknown": pytest.approx(1.05), "known": pytest.approx(0.8)}
    form.setValue(replace(form.value(), image="known"))
    assert form.source().pixel_size_angstrom == pytest.approx(0.8)
    form.setValue(DataChoice("image", image="unknown"))
    assert pixel_size_of(form.viewer.layers["unknown"]) is None
    assert form.lacks_pixel_size()
    # Nor is what was corrected by hand lost.
    layer = form.viewer.layers["known"]
    layer.scale = (0.83, 0.83)
    for size in (1.05, None):
        recording = RecordingOptions(pixel_size_angstrom=size)
        form.setValue(DataChoice("image", image="known", recording=recording))
    assert pixel_size_of(layer) == pytest.approx(0.83)


def test_eer_that_is_rendered_anew_tells_its_own_pixel_size_and_dose(form, tmp_path):
    config = SimulationConfig(shape=(64, 64), n_frames=8, dose_per_frame=0.25)
    path = write_simulated(build_scene(config), tmp_path, "movie", "eer").movie
    pixels, description, _ = read_file(path)
    form.viewer.add_image(pixels, **description)
    before = form.source().opened()
    dose = before.dose_per_frame * len(before)
    form.setValue(replace(form.value(), recording=RecordingOptions(eer_upsampling=2, eer_dose=0.5)))
    finer = form.source().opened()
    assert finer.pixel_size_angstrom == pytest.approx(before.pixel_size_angstrom / 2)
    assert finer.dose_per_frame == pytest.approx(0.5)
    assert finer.dose_per_frame * len(finer) == pytest.approx(dose)


def opened_half(form, name, kind):
    from napari.layers import Layer

    pixels = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    memory = LayerMemory(kind, 1.0, path=Path(f"/data/{name}.mrc"))
    form.viewer.add_layer(Layer.create(*image_layer(pixels, name, memory)))


def test_halves_of_one_movie_are_chosen_together_whatever_was_open(form):
    for name, kind in (("a_ODD", "odd"), ("a_EVN", "even")):
        opened_half(form, name, kind)
    assert (form.value().odd, form.value().even) == ("a_ODD", "a_EVN")
    # One half alone is not paired with that of another movie.
    opened_half(form, "b_EVN", "even")
    assert (form.value().kind, form.value().image) == ("image", "b_EVN")
    opened_half(form, "b_ODD", "odd")
    choice = form.value()
    assert (choice.kind, choice.odd, choice.even) == ("halves", "b_ODD", "b_EVN")


def test_what_was_opened_comes_before_what_was_summed_here(form):
    from napari.layers import Layer

    pixels = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    for name, kind in (("m sum", "sum"), ("field", "micrograph")):
        form.viewer.add_layer(Layer.create(*image_layer(pixels, name, LayerMemory(kind, 1.0))))
    assert form.value().image == "field"
    form.viewer.add_layer(Layer.create(*image_layer(pixels, "n sum", LayerMemory("sum", 1.0))))
    assert form.value().image == "field"
