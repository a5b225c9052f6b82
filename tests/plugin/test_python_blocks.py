"""The blocks of Python on the pages about napari run in a window as the page describes it."""

from napari.layers import Layer

from napari_n2n.plugin.files import sample_data

from ..docs.pages import ROOT, run

LONG = 120_000


def denoise(widget, qtbot) -> None:
    widget.main_button.big.click()
    assert widget.runner.busy
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)


def opened(docked, sample):
    """Open a window as one that has just opened a sample."""
    viewer, widget = docked(sample=None, kind="general")
    for described in sample:
        viewer.add_layer(Layer.create(*described))
    return viewer, widget


def test_of_a_denoised_movie(docked, qtbot):
    sample = sample_data.apoferritin_movie(size=256)
    viewer, widget = opened(docked, sample)
    denoise(widget, qtbot)
    run(ROOT / "docs" / "denoise-in-napari.md", {"viewer": viewer})


def test_of_a_denoised_photograph(docked, qtbot):
    viewer, widget = opened(docked, sample_data.noisy_astronaut())
    denoise(widget, qtbot)
    run(ROOT / "docs" / "photographs-in-napari.md", {"viewer": viewer})
