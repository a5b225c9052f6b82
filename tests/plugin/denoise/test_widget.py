"""The real widget in a real viewer, from a sample to layers side by side; what it survives."""

from time import monotonic

import numpy as np
import pytest
import torch

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.denoising.training import results
from napari_n2n.metrics import correlation
from napari_n2n.plugin.denoise.layers import PREVIEW
from napari_n2n.plugin.shared.canvas import camera_of, grid_of, scale_bar_of
from napari_n2n.plugin.shared.layers import memory_of

LONG = 180_000


def train(widget, qtbot) -> None:
    """Press the big button, and wait until nothing runs any more."""
    widget.main_button.big.click()
    assert widget.runner.busy
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)


def begin(widget, qtbot) -> None:
    """Press the big button, and wait until the network learns."""
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: len(widget.plot.points()[0]) > 2, timeout=LONG)


def layer_of(viewer, kind):
    return next(layer for layer in viewer.layers if memory_of(layer).kind == kind)


def models(data_folder):
    kept = (data_folder / "models").glob("*.safetensors")
    return [path for path in kept if not path.stem.endswith(("-last", "-resume"))]


def test_one_click_leads_from_a_sample_movie_to_raw_and_denoised_side_by_side(
    docked, qtbot, data_folder, short, told
):
    viewer, widget = docked(short.replaced(steps=60, crop=64, batch=4))
    assert widget.main_button.big.text() == "Train"
    assert widget.main_button.big.isEnabled()
    assert not widget.denoise_button.isEnabled()

    train(widget, qtbot)
    assert "with the model trained here" in widget.progress.status.text()

    raw, denoised = layer_of(viewer, "sum"), layer_of(viewer, "denoised")
    assert PREVIEW not in viewer.layers
    # Side by side, at one scale, nothing else in the way.
    grid = grid_of(viewer)
    assert grid.enabled
    places = [grid.position(viewer.layers.index(one), viewer.layers) for one in (raw, denoised)]
    assert places == [(0, 0), (0, 1)]
    assert [layer for layer in viewer.layers if layer.visible] == [raw, denoised]
    assert tuple(raw.scale) == tuple(denoised.scale) == (1, 1)
    assert [str(unit) for unit in denoised.units] == ["angstrom", "angstrom"]
    assert scale_bar_of(viewer).visible
    # It is a denoised image: closer to the clean one than the raw sum.
    clean = memory_of(viewer.layers["apoferritin truth"]).clean
    assert correlation(denoised.data, clean) > correlation(raw.data, clean) + 0.1
    # On the scale of the raw sum, with a contrast of its own.
    assert abs(denoised.data.mean() / raw.data.mean() - 1) < 0.05
    inside = np.mean(
        (denoised.data > denoised.contrast_limits[0])
        & (denoised.data < denoised.contrast_limits[1])
    )
    assert 0.97 < inside < 1
    # Where it comes from.
    origin = memory_of(denoised)
    assert "light U-Net" in origin.model
    assert origin.dose == 8
    assert origin.time
    assert set(origin.frc_resolution_angstrom) == {"before", "after"}
    # The model is kept, whatever happens to the window.
    (kept,) = models(data_folder)
    assert load_denoiser(kept).provenance.steps == 60
    assert widget.plot.noise_floor is not None
    assert told == []


def test_odd_and_even_halves_are_chosen_and_denoised(docked, qtbot):
    viewer, widget = docked(sample="odd_and_even_halves")
    assert widget.data.value().kind == "halves"
    train(widget, qtbot)
    halves = [layer_of(viewer, kind).data for kind in ("odd", "even")]
    np.testing.assert_array_equal(layer_of(viewer, "sum").data, halves[0] + halves[1])
    assert layer_of(viewer, "denoised").data.shape == halves[0].shape


def test_a_movie_is_aligned_once(docked, qtbot):
    viewer, widget = docked()
    widget.align_button.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    first = layer_of(viewer, "sum").data
    stages = []
    widget.runner.progressed.connect(lambda step: stages.append(getattr(step, "stage", "")))
    train(widget, qtbot)
    assert layer_of(viewer, "sum").data is first
    assert sum(memory_of(layer).kind == "sum" for layer in viewer.layers) == 1


def test_what_is_set_is_what_is_read(docked):
    _, widget = docked()
    choice = widget.value()
    assert choice.data.movie == "apoferritin movie"
    widget.model.settings.setValue(choice.model.training.replaced(steps=99))
    assert widget.value() != choice
    widget.setValue(choice)
    assert widget.value() == choice


def test_the_preview_shows_what_is_looked_at_and_clears(docked, qtbot, endless, monkeypatch):
    monkeypatch.setattr(results, "_SECONDS_BETWEEN_PREVIEWS", 0.0)
    monkeypatch.setattr(results, "_PREVIEW_SHARE", 1.0)
    viewer, widget = docked(endless.replaced(crop=64, batch=4))
    begin(widget, qtbot)
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers, timeout=LONG)
    preview = viewer.layers[PREVIEW]
    clean = memory_of(viewer.layers["apoferritin truth"]).clean

    def likeness():
        y, x = (int(offset) for offset in preview.translate)
        height, width = preview.data.shape
        return correlation(preview.data, clean[y : y + height, x : x + width])

    at_first = likeness()
    qtbot.waitUntil(lambda: likeness() > max(0.4, at_first + 0.1), timeout=LONG)
    widget.stop()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)


def test_stop_acts_within_a_second_and_resume_goes_on(docked, qtbot, endless, data_folder):
    _, widget = docked(endless)
    begin(widget, qtbot)
    asked = monotonic()
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert monotonic() - asked < 1
    assert widget.main_button.resume.text() == "Resume"
    (kept,) = models(data_folder)
    done = widget.denoiser.provenance.steps
    assert done > 0
    # What was learnt can be used at once.
    assert widget.denoise_button.isEnabled()
    config = widget.model.settings.value()
    widget.model.settings.setValue(config.replaced(steps=done + 5))
    widget.main_button.resume.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert load_denoiser(kept).provenance.steps == done + 5
    assert models(data_folder) == [kept]


def test_a_complete_training_can_be_trained_longer(docked, qtbot, data_folder):
    _, widget = docked()
    train(widget, qtbot)
    assert widget.main_button.resume.text() == "Train longer"
    widget.main_button.resume.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert load_denoiser(*models(data_folder)).provenance.steps == 12


def test_a_saved_model_denoises_another_micrograph(docked, qtbot, tmp_path):
    viewer, widget = docked()
    train(widget, qtbot)
    widget.save(tmp_path / "mine.safetensors")
    other = viewer.add_image(layer_of(viewer, "sum").data + 1, scale=(1, 1), name="other")
    widget.data._kind.value = "image"
    widget.data._layers["image"].value = "other"
    widget.model.choose("saved")
    widget.model._file.value = tmp_path / "mine.safetensors"
    qtbot.waitUntil(lambda: widget.denoiser is not None and not widget.runner.busy, timeout=LONG)
    assert widget.main_button.big.text() == "Denoise"
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: "other denoised" in viewer.layers, timeout=LONG)
    assert "with mine.safetensors" in widget.progress.status.text()
    # The user's own layer is the raw one; no copy of it is made.
    assert other.visible
    assert sum(layer.data is other.data for layer in viewer.layers) == 1


def test_it_survives_the_deletion_of_every_layer_in_mid_training(docked, qtbot, endless, told):
    viewer, widget = docked(endless)
    begin(widget, qtbot)
    viewer.layers.clear()
    at = widget.plot.points()[0][-1]
    qtbot.waitUntil(lambda: widget.plot.points()[0][-1] > at + 5, timeout=LONG)
    widget.stop()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert widget.denoiser is not None
    assert told == []


def test_a_deleted_preview_stays_away(docked, qtbot, endless, monkeypatch):
    monkeypatch.setattr(results, "_SECONDS_BETWEEN_PREVIEWS", 0.0)
    viewer, widget = docked(endless)
    begin(widget, qtbot)
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers, timeout=LONG)
    viewer.layers.remove(PREVIEW)
    at = widget.plot.points()[0][-1]
    qtbot.waitUntil(lambda: widget.plot.points()[0][-1] > at + 20, timeout=LONG)
    assert PREVIEW not in viewer.layers


def test_closing_the_dock_in_mid_training_ends_and_keeps_it(docked, qtbot, endless, data_folder):
    viewer, widget = docked(endless)
    begin(widget, qtbot)
    # What napari does at the dock's ✕: no closeEvent is sent.
    viewer.window._wrapped_dock_widgets["Denoise"].destroyOnClose()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=5000)
    (kept,) = models(data_folder)
    assert load_denoiser(kept).provenance.steps > 0
    # The viewer goes on without it.
    viewer.layers.clear()


def test_closing_the_window_in_mid_training_ends_and_keeps_it(docked, qtbot, endless, data_folder):
    viewer, widget = docked(endless)
    begin(widget, qtbot)
    worker = widget.runner._worker
    viewer.close()
    qtbot.waitUntil(lambda: not worker.is_running, timeout=5000)
    (kept,) = models(data_folder)
    assert load_denoiser(kept).provenance.steps > 0


def test_a_second_training_waits_its_turn(docked, qtbot, endless, data_folder, told):
    _, widget = docked(endless)
    begin(widget, qtbot)
    widget.train()
    assert any("One thing at a time" in message for message in told)
    at = widget.plot.points()[0][-1]
    qtbot.waitUntil(lambda: widget.plot.points()[0][-1] > at, timeout=LONG)
    assert len(models(data_folder)) <= 1


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "out of memory"),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), "CUDNN_STATUS"),
    ],
)
@pytest.mark.parametrize("place", ["learn", "worker"])
def test_a_failing_device_is_told_and_the_widget_goes_on(
    docked, qtbot, monkeypatch, told, problem, words, place
):
    viewer, widget = docked()

    def fail(*_args, **_kwargs):
        raise problem

    with monkeypatch.context() as broken:
        if place == "learn":
            broken.setattr("napari_n2n.denoising.training.learner.Learner.learn", fail)
        else:  # outside what the training itself guards
            broken.setattr("napari_n2n.denoising.training.micrographs.train_steps", fail)
        train(widget, qtbot)
    assert len([message for message in told if words in message]) == 1
    assert words in widget.progress.status.text()
    assert widget.main_button.big.text() == "Train"
    train(widget, qtbot)
    assert layer_of(viewer, "denoised") is not None


def test_nonsense_in_the_form_is_told_and_nothing_starts(docked, told):
    _, widget = docked()
    widget.model.settings._fields["learning_rate"].value = "fast"
    widget.main_button.big.click()
    assert not widget.runner.busy
    assert any("'fast' is not a number" in message for message in told)


def test_a_smaller_image_that_is_opened_fills_the_canvas(docked):
    viewer, _ = docked(sample=None, kind="general")
    rng = np.random.default_rng(0)
    viewer.add_image(rng.normal(size=(64, 64)), name="alone")
    zoom = camera_of(viewer).zoom
    viewer.layers.clear()
    viewer.add_image(rng.normal(size=(640, 640)), name="large")
    viewer.add_image(rng.normal(size=(64, 64)), name="small")
    assert [layer.name for layer in viewer.layers if layer.visible] == ["small"]
    assert camera_of(viewer).zoom == pytest.approx(zoom)
