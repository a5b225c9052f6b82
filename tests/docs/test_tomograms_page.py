"""The commands of docs/tomograms.md do what the page says, on what the first of them makes."""

import re
import shlex
from pathlib import Path

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.io import open_volume

from ..command_line import call

PAGE = Path(__file__).parents[2] / "docs" / "tomograms.md"
SHAPE = (24, 48, 44)
QUICKLY = {
    "train": ("--set", "steps=1", "--set", "crop=16"),
    "pick": ("--diameter", 120),
    "simulate": ("--shape", *SHAPE, "--tilt-step", 15),
}


def test_the_commands_of_the_page_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) >= 5
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "napari-n2n"
        assert call(*arguments, *QUICKLY.get(arguments[0], ()), "-q") == 0, command
    assert open_volume("denoised/tomogram_01_Vol.mrc").shape == SHAPE
    sizes = {
        name: load_denoiser(f"{name}.safetensors").working_pixel_size_angstrom
        for name in ("model", "fine", "small")
    }
    # The data have 10 Å, and nothing is made finer.
    assert sizes == {"model": 14.0, "fine": 10.0, "small": 10.0}
