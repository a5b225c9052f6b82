"""Photographs in napari: noise added, taken off by a model, and PSNR told."""

import numpy as np
import pytest
import skimage.data
from PIL import Image

from napari_n2n.denoising import reports
from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.shipped_models.general import GENERAL_PATH
from napari_n2n.denoising.shipped_models.photographs import PHOTOGRAPH_PRESETS, recipe
from napari_n2n.metrics import psnr
from napari_n2n.plugin.denoise.data_form import DataChoice
from napari_n2n.plugin.denoise.layers import PREVIEW
from napari_n2n.plugin.denoise.noise_row import NoiseRow
from napari_n2n.plugin.denoise.widget import DenoiseWidget
from napari_n2n.plugin.files import sample_data
from napari_n2n.plugin.shared.layers import memory_in, memory_of

LONG = 180_000
SIDE = 128


@pytest.fixture
def image():
    return skimage.data.astronaut()[:SIDE, 160 : 160 + SIDE]


@pytest.fixture
def tiny():
    """Train for a moment only."""
    return recipe("better", network="light", steps=4, crop=32, batch=2)


@pytest.fixture
def opened(docked, image, tiny, tmp_path):
    """Open a PNG as napari itself opens it, with the Denoise widget as it first is."""

    def open_it(config=tiny):
        Image.fromarray(image).save(tmp_path / "face.png")
        viewer, widget = docked(config, sample=None, kind="general")
        (layer,) = viewer.open(tmp_path / "face.png", plugin="napari")
        return viewer, widget, layer

    return open_it


@pytest.fixture
def noisy(opened, qtbot):
    """Do the same, and add noise with the button."""

    def open_it(*args):
        viewer, widget, layer = opened(*args)
        widget.noise.add_button.click()
        settle(widget, qtbot)
        return viewer, widget, layer

    return open_it


def settle(widget, qtbot) -> None:
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)


def press(widget, qtbot) -> None:
    widget.main_button.big.click()
    assert widget.runner.busy
    settle(widget, qtbot)


def test_a_photograph_gets_noise_and_loses_it_in_two_clicks(opened, qtbot, told, image):
    viewer, widget, layer = opened()
    assert layer.data.dtype == np.uint8
    assert widget.data.value().kind == "photograph"
    assert widget.noise.isVisibleTo(widget)
    assert widget.noise.value() == 25
    widget.noise.add_button.click()
    settle(widget, qtbot)
    noisy = viewer.layers["face + noise σ 25"]
    # What is beyond black and white is there for the denoiser, if not for the eye.
    assert noisy.data.min() < 0
    assert noisy.data.max() > 1
    assert tuple(noisy.contrast_limits) == (0, 1)
    noise = noisy.data * 255 - image.astype(np.float32)
    assert noise.std() == pytest.approx(25, rel=0.02)
    assert abs(noise.mean()) < 0.5
    assert widget.data.value().photograph == noisy.name
    assert "PSNR 20.1 dB" in widget.progress.status.text()

    assert widget.model.kind() == "photographs"
    assert widget.main_button.big.text() == "Denoise"
    press(widget, qtbot)
    denoised = viewer.layers["face + noise σ 25 denoised"]
    assert [one for one in viewer.layers if one.visible] == [noisy, denoised]
    found = memory_of(denoised).psnr_db
    assert found["noisy"] == pytest.approx(psnr(noisy.data * 255, image, 255), abs=0.01)
    assert found["denoised"] == pytest.approx(psnr(denoised.data * 255, image, 255), abs=0.01)
    assert found["denoised"] > found["noisy"] + 7
    said = widget.progress.status.text()
    assert "with the photographs' model" in said
    assert f"PSNR {found['noisy']:.1f} → {found['denoised']:.1f} dB against the clean" in said
    assert "particles" not in said
    assert memory_of(denoised).model.startswith("photographs model")
    assert told == []


def test_noise_is_added_to_the_clean_photograph_whichever_is_chosen(noisy, qtbot, image):
    viewer, widget, layer = noisy()
    first = viewer.layers["face + noise σ 25"]
    widget.noise.setValue(10)
    widget.noise.add_button.click()
    settle(widget, qtbot)
    second = viewer.layers["face + noise σ 10"]
    assert memory_of(second).clean is memory_of(first).clean is layer.data
    error = second.data * 255 - image.astype(np.float32)
    assert error.std() == pytest.approx(10, rel=0.02)
    other = first.data * 255 - image.astype(np.float32)
    assert abs(np.corrcoef(error.ravel(), other.ravel())[0, 1]) < 0.02


def test_where_no_clean_photograph_is_known_no_psnr_is_told(opened, qtbot):
    viewer, widget, layer = opened()
    press(widget, qtbot)
    denoised = viewer.layers["face denoised"]
    assert [one for one in viewer.layers if one.visible] == [layer, denoised]
    assert memory_of(denoised).psnr_db == {}
    assert "PSNR" not in widget.progress.status.text()


def test_the_model_that_is_ready_follows_what_is_chosen(opened):
    viewer, widget, _ = opened()
    assert widget.model.kind() == "photographs"
    grey = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    viewer.add_image(grey, name="grey")
    widget.data._kind.value = "image"
    assert widget.model.kind() == "general"
    assert not widget.noise.isVisibleTo(widget)
    assert widget.main_button.big.isEnabled()
    widget.data._kind.value = "photograph"
    assert widget.model.kind() == "photographs"
    widget.model.choose("new")
    assert "clean photographs" in widget.progress.status.text()
    # Who chooses the wrong one is told which is right, whatever was said before.
    widget.progress.say("Stopped.")
    widget.model.choose("general")
    assert not widget.main_button.big.isEnabled()
    assert "Choose the photographs' model" in widget.progress.status.text()
    widget.model.choose("photographs")
    assert widget.main_button.big.isEnabled()


def test_a_file_of_the_wrong_kind_is_told_in_one_sentence(opened, qtbot, told, tiny):
    viewer, widget, _ = opened()
    widget.model.choose("saved")
    widget.model._file.value = GENERAL_PATH
    settle(widget, qtbot)
    press(widget, qtbot)
    sentence = (
        "The model is for grey images, and this is one of colour photographs. "
        "Choose a model made for such images."
    )
    assert told == [sentence]
    assert widget.progress.status.text() == sentence
    assert "face denoised" not in viewer.layers
    # Nor would its settings be trained with.
    assert widget.model.settings.value() == tiny


def test_a_model_is_trained_on_the_clean_photograph_and_denoises_the_noisy_one(
    noisy, qtbot, told, data_folder, monkeypatch
):
    monkeypatch.setattr(reports, "_FEWEST_STEPS", 0)
    viewer, widget, _ = noisy()
    widget.model.choose("new")
    press(widget, qtbot)
    denoised = viewer.layers["face + noise σ 25 denoised"]
    assert "with the model trained here" in widget.progress.status.text()
    assert set(memory_of(denoised).psnr_db) == {"noisy", "denoised"}
    (kept,) = (data_folder / "models").glob("*[!e].safetensors")
    model = load_denoiser(kept)
    assert model.network.config.in_channels == 3
    assert model.provenance.steps == 4
    # One photograph: that the noisy copy is another way to see it does not make it two.
    assert model.provenance.trained_on[0].startswith("one photograph with noise")
    steps, psnr_db = widget.photograph_plot.points()
    assert steps[-1] == 4
    assert np.isfinite(psnr_db).all()
    assert told == []


def test_a_training_on_photographs_is_stopped_kept_and_resumed(noisy, qtbot, tiny, told):
    _, widget, layer = noisy(tiny.replaced(steps=100_000))
    widget.model.choose("new")
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: "step" in widget.progress.status.text(), timeout=LONG)
    widget.main_button.big.click()
    settle(widget, qtbot)
    done = widget.denoiser.provenance.steps
    assert done > 0
    assert widget.main_button.resume.text() == "Resume"
    assert widget.denoise_button.isEnabled()
    layer.name = "renamed"
    widget.model.settings.setValue(tiny.replaced(steps=done + 3))
    widget.main_button.resume.click()
    settle(widget, qtbot)
    assert widget.denoiser.provenance.steps == done + 3
    assert told == []


def test_settings_for_photographs_and_for_micrographs_are_kept_apart(opened, short):
    viewer, widget, _ = opened(short)
    form = widget.model.settings
    assert form.value() == PHOTOGRAPH_PRESETS["quick"]
    widget.model.choose("new")
    assert not form._fields["particle_diameter_angstrom"].native.isVisibleTo(widget)
    form._preset.value = "paper"
    assert form.value() == PHOTOGRAPH_PRESETS["paper"]
    form._fields["network"].value = "large"
    changed = form.value()
    viewer.add_image(np.zeros((64, 64), np.float32), name="grey")
    widget.data._kind.value = "image"
    assert form.value() == short
    assert form._fields["particle_diameter_angstrom"].native.isVisibleTo(widget)
    widget.data._kind.value = "photograph"
    assert form.value() == changed
    assert form._preset.value == "custom"


@pytest.mark.parametrize("which", ["noisy_astronaut", "noisy_coffee", "noisy_cat"])
def test_a_sample_is_a_photograph_with_and_without_noise(which):
    (clean, _, _), (noisy, description, _) = getattr(sample_data, which)(deviation=40)
    assert memory_in(description["metadata"]).clean is clean
    assert memory_in(description["metadata"]).noise_of_255 == 40
    assert psnr(noisy * 255, clean, 255) == pytest.approx(16.09, abs=0.05)


@pytest.mark.parametrize("before", [True, False], ids=["before the widget", "after it"])
def test_the_noisy_half_of_a_sample_is_chosen(make_napari_viewer, qtbot, workers_end, before):
    viewer = make_napari_viewer()
    if before:
        viewer.open_sample("napari-n2n", "cat")
    widget = DenoiseWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Denoise")
    if not before:
        viewer.open_sample("napari-n2n", "cat")
    assert widget.data.value() == DataChoice(kind="photograph", photograph="cat + noise σ 25")
    assert widget.model.kind() == "photographs"
    assert widget.main_button.big.isEnabled()


def test_parts_of_a_photograph_are_shown_in_colour_and_at_their_place(noisy):
    viewer, widget, _ = noisy()
    source = widget.data.source()
    widget.layers.begin_preview(source, source.field_of_view())
    for level in (51.0, 102.0):
        widget.layers.show_part(np.full((64, 64, 3), level, np.float32), (10, 20))
        preview = viewer.layers[PREVIEW]
        assert preview.rgb
        assert preview.data[0, 0, 0] == pytest.approx(level / 255)
        assert tuple(preview.translate) == (10, 20)
    widget.layers.end_preview()


def test_the_noise_that_is_set_is_what_is_read(qtbot):
    row = NoiseRow()
    qtbot.addWidget(row)
    with qtbot.waitSignal(row.valueChanged, timeout=1000):
        row.setValue(15.0)
    assert row.value() == 15.0
    with qtbot.waitSignal(row.addClicked, timeout=1000) as clicked:
        row.add_button.click()
    assert clicked.args == [15.0]
    row.setValue(1e6)
    assert row.value() == 255
