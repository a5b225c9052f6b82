"""The commands screen, report and export."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest

from napari_n2n.cli import console
from napari_n2n.denoising.checkpoints import Denoiser, save_denoiser
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import WriteProblem
from napari_n2n.io import Particles, write_micrograph
from napari_n2n.session import Session
from napari_n2n.workflow.screening import Feed, asked_before, results_of

SIZE = 4.0


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Ask for a network that has learnt nothing: it is quick."""
    network = NetworkConfig(name="s", encoder=((4,), (4,), (4,)), decoder=((4,), (4,)))
    training = TrainingConfig(network=network, working_pixel_size_angstrom=4.0, steps=1)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_denoiser(path, Denoiser(UNet(network).eval(), training, 4.0))
    return "--model", path, "-q"


def write_image(path, seed=0):
    pixels = np.random.default_rng(seed).normal(100, 10, size=(192, 192)).astype(np.float32)
    write_micrograph(path, pixels, SIZE)


@pytest.fixture
def night(tmp_path):
    folder = tmp_path / "night"
    for seed, letter in enumerate("ab"):
        write_image(folder / f"{letter}.mrc", seed)
    return folder


def session_of(folder):
    return Session.open(folder / "napari-n2n.sqlite")


def squeezed(text):
    """Return what typer said without its boxes."""
    return " ".join(text.replace("│", " ").split())


def test_a_folder_is_screened_and_nothing_is_done_twice(n2n, night, capsys):
    assert n2n("screen", night, "-q") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["a.mrc", "b.mrc"]
    assert "score" in lines[0]
    assert lines[2].startswith("2 screened. Session: ")
    assert lines[2].endswith("napari-n2n.sqlite")
    assert "Model: " in said.err
    with session_of(night) as session:
        overview = session.micrographs.overview()
        assert overview.names == ["a.mrc", "b.mrc"]
        assert overview.states.tolist() == ["done", "done"]
        assert all(results_of(session.path, path).are_there for path in overview.paths)
    assert n2n("screen", night, "-q") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("0 screened, 2 had been screened before.")


def test_what_is_asked_for_otherwise_than_before_is_said(n2n, quick, night, capsys):
    assert n2n("screen", night, *quick, "--pixel-size", 2) == 0
    assert "otherwise" not in capsys.readouterr().err
    assert n2n("screen", night, *quick, "--pixel-size", 2) == 0
    assert "otherwise" not in capsys.readouterr().err
    assert n2n("screen", night, *quick) == 0
    said = squeezed(capsys.readouterr().err)
    assert "Screened otherwise before (" in said
    assert "2 Å" in said
    assert "give the same options" in said
    with session_of(night) as session:
        assert asked_before(session).model == quick[1]


def test_a_torn_file_is_named_and_the_others_are_done(n2n, quick, night, capsys):
    torn = night / "torn.mrc"
    torn.write_bytes((night / "a.mrc").read_bytes()[:5000])
    assert n2n("screen", night, *quick) == 1
    said = capsys.readouterr()
    assert f"Error: {torn}" in said.err
    assert "2 screened, 1 failed." in said.out


def test_a_star_file_gives_names_and_pixel_size(n2n, quick, night, tmp_path, capsys):
    star = night / "movies.star"
    star.write_text(
        "data_optics\nloop_\n_rlnOpticsGroup\n_rlnMicrographPixelSize\n1 5.0\n\n"
        "data_micrographs\nloop_\n_rlnMicrographName\n_rlnOpticsGroup\nb.mrc 1\n"
    )
    kept = tmp_path / "s.sqlite"
    assert n2n("screen", star, "--session", kept, "--diameter", 100, *quick) == 0
    assert "1 screened." in capsys.readouterr().out
    with Session.open(kept) as session:
        (record,) = session.micrographs.records()
    assert record.name == "b.mrc"
    assert record.pixel_size_angstrom == 5.0


def test_after_a_stop_the_same_command_goes_on(n2n, quick, night, monkeypatch, capsys):
    said = []

    @contextmanager
    def stop_after_the_first():
        yield lambda: bool(said)

    with monkeypatch.context() as patched:
        patched.setattr(console, "stop_on_signal", stop_after_the_first)
        patched.setattr(console, "say", said.append)
        assert n2n("screen", night, *quick) == 130
    assert said[-1].startswith("1 screened.")
    assert "goes on where this one ended" in capsys.readouterr().err
    assert n2n("screen", night, *quick) == 0
    assert "1 screened, 1 had been screened before." in capsys.readouterr().out


def test_a_watched_folder_is_screened_until_ctrl_c(n2n, night, capsys):
    command = [sys.executable, "-m", "napari_n2n.cli", "screen", night, "--watch", "--rest", "0.3"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(2):
            process.stdout.readline()
        half = (night / "a.mrc").read_bytes()
        (night / "half.mrc").write_bytes(half[: len(half) // 2])
        write_image(night / "c.mrc", 2)
        assert process.stdout.readline().startswith("c.mrc: ")
        asked = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        seconds = time.monotonic() - asked
    assert process.returncode == 130, err
    assert "3 screened." in out
    assert "half.mrc" not in out + err
    assert seconds < 5, "it takes a moment to leave Python; the work itself stops at once"
    with session_of(night) as session:
        assert session.micrographs.overview().names == ["a.mrc", "b.mrc", "c.mrc"]


def test_only_folders_can_be_watched(n2n, night, capsys):
    assert n2n("screen", night / "a.mrc", "--watch") == 2
    assert "--watch takes folders" in squeezed(capsys.readouterr().err)


def test_a_watched_folder_that_goes_away_is_told(n2n, night, monkeypatch, capsys):
    def gone(self, queue, folder, *_, **__):
        self.error = WriteProblem(folder, "does not exist", "Look for it.")
        queue.close()

    monkeypatch.setattr(Feed, "__init__", gone)
    monkeypatch.setattr(Feed, "stop", lambda self: None)
    assert n2n("screen", night, "--watch", "-q") == 1
    assert "does not exist" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_told_with_a_way_out(
    n2n, quick, night, monkeypatch, capsys
):
    def refused(path):
        raise WriteProblem(path, "cannot be written", "Choose another folder.")

    monkeypatch.setattr(Session, "open", refused)
    assert n2n("screen", night, *quick) == 1
    assert "--session FILE" in capsys.readouterr().err


@pytest.fixture
def judged(night, n2n, quick, capsys):
    """Screen the folder and keep b, which has a particle."""
    assert n2n("screen", night, *quick) == 0
    capsys.readouterr()
    with session_of(night) as session:
        ids = session.micrographs.overview().ids
        session.verdicts.give(ids[1], "keep")
        session.verdicts.give(ids[0], "reject", reason="drift")
        session.marks.add(int(ids[1]), Particles([[50.0, 60.0]], ["intact"], given_by=["person"]))
    return night


def test_the_kept_ones_are_exported(n2n, judged, tmp_path, capsys):
    out = tmp_path / "kept"
    assert n2n("export", judged, "-o", out) == 0
    assert {path.name for path in out.iterdir() if not path.name.startswith(".")} == {
        "micrographs.star",
        "particles.star",
        "figures.csv",
        "list.txt",
    }
    assert (out / "list.txt").read_text() == f"{judged / 'b.mrc'}\n"
    star = (out / "micrographs.star").read_text()
    assert "b.mrc" in star
    assert "a.mrc" not in star
    assert "a.mrc" in (out / "figures.csv").read_text()
    assert "1 micrograph listed in" in capsys.readouterr().out


def test_one_thing_can_be_exported_by_score(n2n, judged, tmp_path):
    out = tmp_path / "kept"
    session = judged / "napari-n2n.sqlite"
    assert n2n("export", session, "-o", out, "--what", "links", "--min-score", 0) == 0
    assert [path.name for path in (out / "links").iterdir()] == ["b.mrc"]


def test_where_none_is_kept_that_is_said(n2n, quick, night, tmp_path, capsys):
    assert n2n("screen", night, *quick) == 0
    assert n2n("export", night, "-o", tmp_path / "kept", "--what", "list") == 1
    assert "no micrograph is kept" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["report", "export"])
def test_a_folder_that_was_not_screened_is_told(n2n, tmp_path, capsys, command):
    assert n2n(command, tmp_path) == 1
    assert "Screen the folder first" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_refused(n2n, night, capsys):
    assert n2n("export", night, "--what", "everything") == 2
    assert "--what takes some of relion, particles" in squeezed(capsys.readouterr().err)


def test_the_report_shows_pictures_and_settings(n2n, judged, capsys):
    assert n2n("report", judged) == 0
    page = (judged / "screening-report.html").read_text()
    assert "b.mrc" in page
    assert "data:image/" in page
    assert "denoised with" in page
    assert "screening-report.html" in capsys.readouterr().out
