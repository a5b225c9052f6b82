"""Where the pixel size is unknown, no length in Å is said or written."""

import re

import numpy as np
import pytest

from napari_n2n.denoising.checkpoints import Denoiser, save_denoiser
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.unet import UNet
from napari_n2n.io import write_mrc_stack
from napari_n2n.simulation import SimulationConfig, build_scene, simulated_frames

from ..command_line import call

IN_ANGSTROM = re.compile(r"\d\s*(Å|angstrom)")
TEXTS = (".csv", ".star", ".html", ".txt", ".json")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Make a movie that does not tell its pixel size, and a model that works at 4 Å."""
    config = SimulationConfig(shape=(256, 256), n_frames=6, dose_per_frame=4, seed=1)
    frames = simulated_frames(config, build_scene(config))
    write_mrc_stack(tmp_path / "raw" / "mv.mrc", frames, None)
    network = NetworkConfig(name="s", encoder=((4,), (4,), (4,)), decoder=((4,), (4,)))
    training = TrainingConfig(network=network, working_pixel_size_angstrom=4.0, steps=1)
    save_denoiser(tmp_path / "m.safetensors", Denoiser(UNet(network).eval(), training, 4.0))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(text):
    """Return what is said of the data: a model's own pixel size is known."""
    of_model = r"light U-Net, 4 Å/px|s, 4 Å/px|[^<>\n]*U-Net[^<>\n]*"
    return re.sub(of_model, "", "\n".join(x for x in text.splitlines() if "Model:" not in x))


def test_neither_output_nor_results_have_lengths_in_angstrom(folder, capsys):
    model = ("-M", "m.safetensors", "-q")
    commands = {
        ("info", "raw/mv.mrc"): 0,
        ("halves", "raw", "-o", "h", "-q"): 0,
        ("denoise", "raw", "h/mv.mrc", "-o", "d", *model): 1,  # of one name
        ("denoise", "raw", "-o", "d", *model): 0,
        ("pick", "raw/mv.mrc", "-o", "p.star", *model): 1,
        ("pick", "raw/mv.mrc", "--diameter", "90", "-o", "p.csv", *model): 1,
        ("screen", "raw", *model): 0,
        ("report", "raw"): 0,
        ("export", "raw", "--min-score", "0", "-o", "kept"): 1,
        ("evaluate", "h/mv_ODD.mrc", "--reference", "h/mv_EVN.mrc"): 0,
        ("evaluate", "h/mv_ODD.mrc", "--reference", "h/mv_EVN.mrc", "--json"): 0,
    }
    for command, ends in commands.items():
        assert call(*command) == ends, command
        text = "".join(capsys.readouterr())
        assert not IN_ANGSTROM.search(said(text)), (command, text)
        if command[0] == "denoise" and not ends:
            assert re.search(r"agree \(FRC ≥ 1/7\) (nowhere|down to [\d.]+ px)", text)
        if command[0] == "pick":
            assert "does not tell its pixel size" in text
    for path in folder.rglob("*"):
        if path.suffix in TEXTS:
            text = said(path.read_text(encoding="utf-8"))
            assert not IN_ANGSTROM.search(text), path
    assert "y_shift_px" in (folder / "h" / "mv_motion.csv").read_text()


def test_of_a_known_pixel_size_lengths_are_told(folder, capsys):
    assert call("denoise", "raw", "--pixel-size", "2", "-M", "m.safetensors", "-q") == 0
    assert re.search(r"down to [\d.]+ Å|nowhere", capsys.readouterr().err)


def test_figures_of_unknown_pixels_are_given_by_name_in_pixels(folder):
    from napari_n2n import denoise
    from napari_n2n.io import open_movie

    result = denoise(open_movie(folder / "raw" / "mv.mrc"), str(folder / "m.safetensors"))
    assert result.frc_before.frequency[-1] == pytest.approx(0.5)  # Nyquist, 1/px
    assert not any(IN_ANGSTROM.search(said(note)) for note in result.notes)
    assert np.isfinite(result.pixels).all()
