import subprocess
import sys
from pathlib import Path

import pytest
from npe2 import PluginManager, PluginManifest

from napari_n2n.denoising.config import PRESETS
from napari_n2n.plugin import __file__ as package
from napari_n2n.plugin.shared.preferences import Preferences, preferences


@pytest.fixture
def manifest():
    return PluginManifest.from_file(Path(package).with_name("napari.yaml"))


def test_every_command_can_be_run(manifest):
    manifest.validate_imports()


def test_napari_finds_the_plugin_its_samples_and_its_preferences(make_napari_viewer):
    make_napari_viewer()
    manager = PluginManager.instance()
    assert "napari-n2n" in manager
    samples = dict(manager.iter_sample_data())["napari-n2n"]
    simulated = ["apoferritin", "aldolase", "halves", "tomogram"]
    photographs = ["astronaut", "coffee", "cat"]
    assert [sample.key for sample in samples] == simulated + photographs
    assert preferences() == Preferences()


def test_the_presets_one_can_prefer_are_those_there_are(manifest):
    offered = manifest.contributions.configurations["denoising"].properties["preset"].enum
    assert set(offered) == set(PRESETS)


def test_napari_starts_without_torch():
    code = "import sys, napari_n2n.plugin; assert not {'torch', 'qtpy', 'napari'} & {*sys.modules}"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("which", ["apoferritin_movie", "aldolase_movie"])
def test_a_sample_movie_comes_with_its_hidden_truth(make_napari_viewer, add_sample, which):
    viewer = make_napari_viewer()
    add_sample(viewer, which)
    movie, truth = viewer.layers
    assert movie.data.shape == (8, 256, 256)
    assert not truth.visible
    assert set(truth.features["label"]) <= {"intact", "broken", "contaminant"}
    assert (truth.data >= 0).all()
    assert (truth.data < 256).all()
    assert str(movie.units[-1]) == str(truth.units[-1]) == "angstrom"
