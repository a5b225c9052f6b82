import sys

import numpy as np
import pytest
from PIL import Image

from napari_n2n.cli import main
from napari_n2n.denoising.checkpoints import load_denoiser


def call(*arguments) -> int:
    before = sys.argv
    sys.argv = ["napari-n2n", *map(str, arguments)]
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    finally:
        sys.argv = before
    return 0


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for n in range(3):
        Image.fromarray(rng.integers(0, 255, (40, 50, 3), np.uint8)).save(tmp_path / f"{n}.png")
    return tmp_path


def test_a_folder_of_photographs_becomes_a_model_and_training_goes_on(folder, capsys):
    model = folder / "m.safetensors"
    command = ("train-photographs", folder, "-o", model, "--recipe", "better", "-q",
               "--network", "light", "--crop", 32, "--batch", 2)  # fmt: skip
    assert call(*command, "--steps", 2) == 0
    assert "3 photographs with noise of deviation 0 to 50" in capsys.readouterr().out
    assert call(*command, "--steps", 4, "--resume") == 0
    made = load_denoiser(model)
    assert made.provenance.steps == 4
    assert made.training.normalisation == "photograph"


def test_what_noise_was_learnt_from_is_remembered(folder):
    model = folder / "m.safetensors"
    noise = ("--clipped", "--noise-mean", 10, "--clean-targets", "--most-noise", 25)
    short = ("--steps", 1, "--crop", 32)
    assert call("train-photographs", folder, "-o", model, "-q", *short, *noise) == 0
    (told,) = load_denoiser(model).provenance.trained_on
    assert told.endswith("deviation 0 to 25, clipped to 8 bits, mean 10, clean targets")


def test_a_folder_without_photographs_is_refused_in_a_sentence(tmp_path, capsys):
    assert call("train-photographs", tmp_path, "-q") == 1
    said = capsys.readouterr().err
    assert "PNG or JPEG" in said
    assert "Traceback" not in said
