"""The experiment on tomograms, at a size that takes seconds."""

import pytest

from napari_n2n.experiments.protocol import OtherSettings
from napari_n2n.experiments.tomograms.experiment import reproduce_tomogram_steps
from napari_n2n.experiments.tomograms.settings import QUICK
from napari_n2n.progress import run_to_end

SETTINGS = QUICK.replaced(shape=(24, 64, 64), budget_minutes=0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tomogram")
    run_to_end(reproduce_tomogram_steps(made, SETTINGS))
    return made


def test_the_report_has_slices_curves_figures_and_times(folder):
    report = (folder / "report.html").read_text(encoding="utf-8")
    for told in (
        "Noise2Noise in three dimensions",
        "correlation with the truth",
        "Best Gaussian low-pass",
        "FSC of two halves",
        "no mask",
        "Denoising both halves",
        "x and z, in the middle of y",
    ):
        assert told in report
    assert report.count("data:image/png") == 12
    assert report.count("<polyline") == 5


def test_what_is_done_is_not_done_again(folder):
    stages = {path.name: path.stat().st_mtime_ns for path in (folder / "stages").iterdir()}
    (folder / "report.html").unlink()
    run_to_end(reproduce_tomogram_steps(folder, SETTINGS))
    assert (folder / "report.html").is_file()
    after = {path.name: path.stat().st_mtime_ns for path in (folder / "stages").iterdir()}
    assert after == stages


def test_other_settings_are_refused(folder):
    with pytest.raises(OtherSettings, match="dose"):
        run_to_end(reproduce_tomogram_steps(folder, SETTINGS.replaced(dose=60.0)))
