import os
from pathlib import Path

import pytest

from napari_n2n.plugin.shared.preferences import halves_folder
from napari_n2n.workflow.recording import RecordingOptions


@pytest.mark.skipif(os.name == "nt", reason="paths of another kind have other names")
@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({}, "night-23ca2fd5"),
        (
            {
                "pixel_size_angstrom": 1.05,
                "gain": Path("/data/gain.mrc"),
                "gain_operation": "multiply",
                "gain_rotation": 1,
                "eer_dose": 0.5,
                "aligned": True,
            },
            "night-5e64a1d0",
        ),
    ],
)
def test_the_halves_that_version_0_5_0_made_are_found_again(said, name):
    assert halves_folder(Path("/data/night"), RecordingOptions(**said)).name == name
