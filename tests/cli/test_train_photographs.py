import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_n2n.denoising.checkpoints import load_denoiser

from ..command_line import call


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


@pytest.fixture
def model(folder):
    path = folder / "m.safetensors"
    assert call("train-photographs", folder, "-o", path, "-q", "--network", "light",
                "--steps", 1, "--crop", 32) == 0  # fmt: skip
    return path


def test_photographs_are_denoised_into_photographs(folder, model):
    assert call("denoise", folder / "0.png", "-M", model, "-o", folder / "out", "-q") == 0
    with Image.open(folder / "out" / "0.png") as result:
        assert (result.mode, result.size) == ("RGB", (50, 40))
    assert not list((folder / "out").glob("*.mrc"))


def test_a_photograph_is_looked_at_once_to_be_denoised(folder, model, openings):
    assert call("denoise", folder / "0.png", "-M", model, "-o", folder / "out", "-q") == 0
    # Its header, whether it is in colour at all, then its pixels.
    assert openings.of(folder / "0.png") == (1, 3)


def test_a_photograph_is_not_written_over(folder, model, capsys):
    before = (folder / "0.png").read_bytes()
    assert call("denoise", folder / "0.png", "-M", model, "-o", folder, "-q") == 1
    assert "is the input itself" in capsys.readouterr().err
    assert (folder / "0.png").read_bytes() == before


def test_a_model_for_grey_images_says_which_one_is_for_colour(folder, capsys):
    assert call("denoise", folder / "0.png", "-o", folder / "out", "-q") == 1
    assert "--model photographs" in capsys.readouterr().err


def test_colours_of_16_bits_are_refused_and_not_made_white(folder, model, capsys):
    colours = np.random.default_rng(0).integers(0, 2**16, (40, 50, 3), np.uint16)
    tifffile.imwrite(folder / "deep.tif", colours, photometric="rgb")
    assert call("denoise", folder / "deep.tif", "-M", model, "-o", folder / "out", "-q") == 1
    assert "more than 8 bits" in capsys.readouterr().err
    assert not (folder / "out").exists() or not list((folder / "out").iterdir())
