"""The commands of docs/tomograms.md do what the page says, in a folder as AreTomo leaves it."""

import re
import shlex
from pathlib import Path

import numpy as np

from napari_n2n.denoising.checkpoints import load_denoiser
from napari_n2n.io import open_volume, write_volume

from ..command_line import call

PAGE = Path(__file__).parents[2] / "docs" / "tomograms.md"
SHAPE = (18, 48, 44)


def test_the_commands_of_the_page_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("AreTomo").mkdir()
    rng = np.random.default_rng(0)
    specimen = rng.normal(size=SHAPE)
    for half in ("ODD", "EVN"):
        voxels = (specimen + rng.normal(0, 2, SHAPE)).astype(np.float32)
        write_volume(f"AreTomo/TS_01_{half}_Vol.mrc", voxels, voxel_size_angstrom=10.0)
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines()]
    assert len(commands) >= 4
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "napari-n2n"
        quickly = ["--set", "steps=1", "--set", "crop=16"] if arguments[0] == "train" else []
        assert call(*arguments, *quickly, "-q") == 0, command
    assert open_volume("denoised/TS_01_Vol.mrc").shape == SHAPE
    sizes = {
        name: load_denoiser(f"{name}.safetensors").working_pixel_size_angstrom
        for name in ("model", "fine", "small")
    }
    # The data have 10 Å, and nothing is made finer.
    assert sizes == {"model": 14.0, "fine": 10.0, "small": 10.0}
