"""Thon rings, where torch-ctf-estimation is installed; nothing without it."""

import sys
from pathlib import Path

import numpy as np
import pytest

from napari_n2n.io import read_micrograph
from napari_n2n.quality import image_figures, thon
from napari_n2n.simulation import SimulationConfig, build_scene

DATA = Path(__file__).parents[3] / "shared" / "data"
needs_fit = pytest.mark.skipif(
    not thon.can_fit(), reason="torch-ctf-estimation is optional and not here"
)
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")


def noise(side=512):
    return np.random.default_rng(0).poisson(40, (side, side)).astype(np.float32)


@pytest.mark.parametrize("error", [ImportError, RuntimeError])
def test_without_the_package_the_figures_are_left_out(monkeypatch, error):
    def fail(name):
        raise error(name)

    monkeypatch.setattr(thon, "import_module", fail)
    assert not thon.can_fit()
    figures = image_figures(noise(), 1.0)
    assert "thon_resolution_angstrom" not in figures
    assert "structure" in figures


def test_a_package_that_is_missing_is_no_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_ctf_estimation", None)
    assert thon.thon_figures(noise(), 1.0) == {}


@pytest.mark.parametrize(("side", "pixel_size"), [(512, None), (512, 5.0), (500, 1.0)])
def test_what_cannot_show_rings_is_not_fitted(monkeypatch, side, pixel_size):
    monkeypatch.setattr(thon, "can_fit", lambda: pytest.fail("was asked to fit"))
    assert thon.thon_figures(noise(side), pixel_size) == {}


@needs_fit
def test_the_defocus_of_a_simulation_is_found():
    config = SimulationConfig(shape=(1024, 1024), defocus_micrometer=1.5, seed=2)
    clean = build_scene(config).truth.clean.astype(np.float64)
    image = np.random.default_rng(0).poisson(40 * clean / clean.mean()).astype(np.float32)
    figures = thon.thon_figures(image, 1.0)
    assert figures["defocus_micrometre"] == pytest.approx(1.5, abs=0.1)
    assert 5 <= figures["thon_resolution_angstrom"] < 20


@needs_fit
def test_noise_has_no_rings():
    assert thon.thon_figures(noise(1024), 1.0) == {}


@needs_fit
@needs_data
def test_real_rings_reach_far():
    image = read_micrograph(next((DATA / "apoferritin").glob("*05.53.51_rest.mrc"))).pixels
    figures = thon.thon_figures(image, 1.5)
    assert 1 < figures["defocus_micrometre"] < 3
    assert figures["thon_resolution_angstrom"] < 10
