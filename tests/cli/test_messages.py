"""What is said where something goes wrong: which file, and no traceback, on any terminal."""

import os
import subprocess
import sys

import numpy as np
import pytest

from napari_n2n.io import write_micrograph

from ..command_line import call


def field(path, seed=0, size=96):
    pixels = np.random.default_rng(seed).normal(100, 10, (size, size)).astype(np.float32)
    write_micrograph(path, pixels, 4.0)
    return path


def test_one_torn_half_of_many_is_named_and_the_others_are_trained_on(tmp_path, capsys):
    for name in "abc":
        for seed, half in enumerate(("ODD", "EVN")):
            field(tmp_path / f"{name}_{half}.mrc", seed)
    torn = tmp_path / "b_EVN.mrc"
    torn.write_bytes(torn.read_bytes()[:3000])
    model = tmp_path / "m.safetensors"
    how = ("--max-time", "1s", "--set", "steps=1", "--set", "crop=32", "-q")
    assert call("train", tmp_path, "-o", model, *how) == 1
    said = capsys.readouterr().err
    assert "b_EVN.mrc" in said
    assert "1 of 3 were left out" in said
    assert model.is_file()


def test_a_micrograph_too_small_to_train_on_is_named(tmp_path, capsys):
    field(tmp_path / "fine.mrc")
    field(tmp_path / "tiny.mrc", size=4)
    how = ("--max-time", "1s", "--set", "steps=1", "--set", "crop=32", "-q")
    assert call("train", tmp_path, "-o", tmp_path / "m.safetensors", *how) == 1
    assert "tiny.mrc" in capsys.readouterr().err
    assert (tmp_path / "m.safetensors").is_file()


def test_a_failure_in_a_list_names_its_file(tmp_path, capsys):
    write_micrograph(tmp_path / "a.mrc", np.zeros((64, 64), np.float32), 4.0)
    field(tmp_path / "b.mrc")
    for command in (("denoise", tmp_path, "-o", tmp_path / "d"), ("pick", tmp_path, "--diameter",
                    9000, "-o", tmp_path / "p.csv")):  # fmt: skip
        assert call(*command, "-q") == 1
        errors = [line for line in capsys.readouterr().err.splitlines() if "Error" in line]
        assert all("a.mrc" in line or "b.mrc" in line or "files failed" in line for line in errors)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_signs_that_a_terminal_does_not_have_are_spelled(tmp_path, encoding):
    (tmp_path / "p.csv").write_text("micrograph,x,y\na.mrc,30,40\n")
    done = subprocess.run(
        [sys.executable, "-m", "napari_n2n.cli", "convert", "p.csv", "o.csv"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    arrow = "→" if encoding == "utf-8" else "->"
    assert done.stdout.decode(encoding).strip() == f"a: 1 particle (1 unlabelled) {arrow} o.csv"


def test_models_have_the_permissions_of_other_files(tmp_path):
    from napari_n2n.denoising.checkpoints import save_denoiser
    from napari_n2n.denoising.shipped_models.general import general_denoiser

    save_denoiser(tmp_path / "m.safetensors", general_denoiser())
    (tmp_path / "usual").touch()
    assert (tmp_path / "m.safetensors").stat().st_mode == (tmp_path / "usual").stat().st_mode
