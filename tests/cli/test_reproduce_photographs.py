import numpy as np
import pytest
from PIL import Image

from napari_n2n.experiments.photographs import comparisons as natural_comparisons

from ..command_line import call


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (32, 32, 3), np.uint8)).save(tmp_path / "0.png")
    return tmp_path


def test_the_experiment_runs_from_the_command_line(folder, monkeypatch, capsys):
    monkeypatch.setattr(natural_comparisons, "FEWEST_STEPS", 1)
    lab = folder / "lab"
    assert call("reproduce", "natural", "--train", folder, "--test", folder, "-o", lab, "-q",
                "--budget", 0.002, "--network", "light", "--crop", 32) == 0  # fmt: skip
    assert capsys.readouterr().out.strip() == f"Report: {lab / 'report.html'}"
    assert (lab / "report.html").is_file()


def test_one_folder_without_the_other_is_refused_in_a_sentence(folder, capsys):
    assert call("reproduce", "natural", "--train", folder, "-o", folder / "lab", "-q") == 1
    assert "Give both folders" in capsys.readouterr().err
