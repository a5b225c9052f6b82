"""The options about movies: those of the model, called as they always were."""

import re
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.io import write_mrc_stack
from napari_n2n.settings import setting_fields
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.said_kinds import remember_kind

from ..command_line import call


@pytest.fixture
def recorded():
    """Run a command that takes movies; gives what it was told, or the words of a refusal."""
    told = []
    app = typer.Typer()

    @app.command()
    @takes_movies
    def command(*, recording: RecordingOptions) -> None:
        told.append(recording)

    def run(*arguments: str):
        result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
        return told.pop() if told else result.output

    return run


# As version 0.5.0 took them.
OPTIONS = [
    (("--pixel-size", "0.05"), {"pixel_size_angstrom": 0.05}),
    (("--pixel-size", "1000"), {"pixel_size_angstrom": 1000.0}),
    (("--dose-per-frame", "0.000001"), {"dose_per_frame": 1e-6}),
    (("--gain", "g.tif"), {"gain": Path("g.tif")}),
    (
        ("--gain", "g.tif", "--gain-operation", "divide", "--gain-rot", "3", "--gain-flip", "2"),
        {"gain": Path("g.tif"), "gain_operation": "divide", "gain_rotation": 3, "gain_flip": 2},
    ),
    (("--eer-frames", "40"), {"eer_frames": 40}),
    (("--eer-dose", "0.8"), {"eer_dose": 0.8}),
    (("--eer-grouping", "32"), {"eer_grouping": 32}),
    (("--eer-raw-dose", "1e-9"), {"eer_raw_dose": 1e-9}),
    (("--eer-upsampling", "4"), {"eer_upsampling": 4}),
    (("--aligned",), {"aligned": True}),
    (
        ("--gain", "g.mrc", "--gain-operation", "multiply"),
        {"gain": Path("g.mrc"), "gain_operation": "multiply"},
    ),
    (("--kind", "movie"), {"kind": "movie"}),
    (("--kind", "tilt-series"), {"kind": "tilt-series"}),
    (("--gain-rot", "1"), {}),  # of no gain
    ((), {}),
]


@pytest.mark.parametrize(("arguments", "said"), OPTIONS)
def test_every_option_is_taken_as_it_was(recorded, arguments, said):
    assert recorded(*arguments) == RecordingOptions(**said)


def test_every_field_of_the_model_has_an_option(recorded):
    tried = {name for _, said in OPTIONS for name in said}
    assert tried == set(setting_fields(RecordingOptions))
    words = re.sub(r"[│\s]+", " ", recorded("--help"))
    for field in setting_fields(RecordingOptions).values():
        assert field.description in words


@pytest.mark.parametrize(
    "arguments",
    [
        ("--pixel-size", "0.01"),
        ("--pixel-size", "nan"),
        ("--dose-per-frame", "0"),
        ("--gain-rot", "4"),
        ("--gain-flip", "-1"),
        ("--gain-operation", "add"),
        ("--kind", "film"),
        ("--eer-frames", "0"),
        ("--eer-upsampling", "8"),
    ],
)
def test_what_is_out_of_range_is_refused_by_the_options_name(recorded, arguments):
    assert arguments[0] in recorded(*arguments)


def test_what_contradicts_itself_is_said_in_a_sentence(tmp_path, capsys):
    write_mrc_stack(tmp_path / "a.mrc", np.ones((2, 64, 64), np.float32), 1.0)
    command = ("halves", tmp_path / "a.mrc", "-o", tmp_path / "out")
    assert call(*command, "--eer-frames", 4, "--eer-dose", 1) == 1
    assert "Choose the number of EER frames or the dose per frame, not both." in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()
    assert call(*command, "--eer-frames", 4, "--eer-grouping", 8) == 1
    assert "Choose the EER grouping, or the frames' number or dose" in capsys.readouterr().err


@pytest.mark.parametrize("size", [24, 64])
def test_what_nothing_tells_is_refused_until_somebody_says_what_it_is(
    tmp_path, monkeypatch, capsys, size
):
    """Sections of a volume added up would look like a micrograph."""
    monkeypatch.chdir(tmp_path)
    images = np.random.default_rng(1).poisson(2, (6, size, size)).astype(np.uint8)
    write_mrc_stack("a.mrc", images, 4.0)
    for command in (("halves",), ("denoise",), ("pick", "--diameter", "60")):
        assert call(*command, "a.mrc", "-o", "out", "-q") == 1
        said = capsys.readouterr().err
        assert "nothing tells whether they are frames of one exposure" in said
        assert "--kind movie" in said
    assert call("screen", "a.mrc", "-q") == 1
    assert "--kind movie" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert call("halves", "a.mrc", "-o", "out", "--kind", "movie", "-q") == 0
    # In a list, the others go on.
    (tmp_path / "b.mrc.mdoc").write_text("[FrameSet = 0]\n")
    write_mrc_stack("b.mrc", images, 4.0)
    assert call("halves", "a.mrc", "b.mrc", "-o", "two", "-q") == 1
    assert (tmp_path / "two" / "b.mrc").is_file()
    assert not (tmp_path / "two" / "a.mrc").exists()


def test_what_was_said_in_the_window_is_not_asked_again(tmp_path):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, np.random.default_rng(1).poisson(2, (6, 64, 64)).astype(np.uint8), 4.0)
    remember_kind(path, "movie")
    assert call("halves", path, "-o", tmp_path / "out", "-q") == 0
