"""No command changes or removes a file that was there before and that this program did not make."""

import contextlib
import inspect
import os
import shutil
import sqlite3

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save_file

from napari_n2n.cli import app
from napari_n2n.denoising.checkpoints import Denoiser, save_denoiser
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.unet import UNet
from napari_n2n.io import Particles, write_micrograph, write_mrc_stack
from napari_n2n.io.outputs import made_by_us, overwriting
from napari_n2n.session import Session
from napari_n2n.workflow.screening import inputs_of

from ..command_line import call

STAR = "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n{rows}\n"
CSV = "micrograph,x,y\na.mrc,30,40\na.mrc,50,60\n"


def of_another_program(path):
    """Give an MRC file the label of the program that might have made it."""
    head = bytearray(path.read_bytes())
    head[224:304] = b"MotionCor2".ljust(80)
    path.write_bytes(head)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Make what microscopes, other programs and people leave, with a session of ours."""
    folder = tmp_path_factory.mktemp("nothing-lost") / "world"
    rng = np.random.default_rng(3)
    movies = rng.poisson(2, (2, 3, 64, 64)).astype(np.uint8)
    for number, frames in enumerate(movies):
        write_mrc_stack(folder / "raw" / f"mv{number}.mrc", frames, 2.0)
    field = rng.normal(100, 10, (96, 96)).astype(np.float32)
    for name in ("a.mrc", "mv0_ODD.mrc", "mv0_EVN.mrc", "raw/mv1_ODD.mrc"):
        write_micrograph(folder / name, field, 4.0)
        of_another_program(folder / name)
    for path in (folder / "raw").glob("mv?.mrc"):
        of_another_program(path)
    tifffile.imwrite(folder / "b.tif", field)
    (folder / "a_autopick.star").write_text(STAR.format(rows="30 40\n50 60"))
    (folder / "a_manualpick.star").write_text(STAR.format(rows="70 20"))
    (folder / "picks.csv").write_text(CSV)
    for name in ("list.txt", "figures.csv", "report.html", "notes.safetensors", "micrographs.star"):
        (folder / name).write_text("of somebody else\n")
    save_file({"weights": np.zeros(3)}, folder / "theirs.safetensors")
    network = NetworkConfig(name="s", encoder=((4,), (4,), (4,)), decoder=((4,), (4,)))
    training = TrainingConfig(network=network, working_pixel_size_angstrom=4.0, steps=1)
    save_denoiser(folder / "ours.safetensors", Denoiser(UNet(network).eval(), training, 4.0))
    with contextlib.closing(sqlite3.connect(folder / "theirs.sqlite")) as theirs:
        theirs.execute("CREATE TABLE micrographs (id INTEGER PRIMARY KEY)")
        theirs.commit()
    write_micrograph(folder / "night" / "n.mrc", field, 4.0)
    of_another_program(folder / "night" / "n.mrc")
    assert call("screen", folder / "night", "-M", folder / "ours.safetensors", "-q") == 0
    with Session.open(folder / "night" / "napari-n2n.sqlite") as session:
        (number,) = session.micrographs.overview().ids
        session.verdicts.give(number, "keep")
        session.marks.add(int(number), Particles([[50.0, 60.0]], ["intact"]))
    return folder


def opened(world, folder):
    """Copy the world, with other names for what is in it."""
    shutil.copytree(world, folder)
    os.link(folder / "a.mrc", folder / "hard.mrc")
    (folder / "soft.mrc").symlink_to("a.mrc")
    (folder / "soft.safetensors").symlink_to("theirs.safetensors")
    (folder / "soft.sqlite").symlink_to("theirs.sqlite")
    (folder / "links").mkdir()
    (folder / "links" / "n.mrc").symlink_to("../a.mrc")
    (folder / "way").symlink_to("raw")
    return folder


def belongings(folder):
    """Return what is of somebody else: content, or where a link leads to."""
    files = [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]
    return {
        path: path.readlink() if path.is_symlink() else path.read_bytes()
        for path in files
        if path.is_symlink() or not (made_by_us(path) or ".napari-n2n" in str(path))
        if path.name != "napari-n2n.sqlite"
    }


FOLDERS = [".", "raw", "way", "raw/../raw", "night", "new", "a.mrc"]
FILES = [
    "a.mrc", "hard.mrc", "soft.mrc", "picks.csv", "a_manualpick.star", "list.txt", "report.html",
    "theirs.safetensors", "soft.safetensors", "notes.safetensors", "ours.safetensors",
    "mv0_ODD.mrc", "new.star", "new.csv", "new.safetensors", "night/napari-n2n.sqlite",
    "figures.csv", "raw/../picks.csv", "theirs.sqlite", "soft.sqlite",
]  # fmt: skip
TRAINED = ("--max-time", "1s", "--from-scratch", "--set", "steps=1", "--set", "crop=32")
COMMANDS = {
    "halves": (["halves", "raw", "--aligned", "--kind", "movie"], FOLDERS),
    "halves of one": (["halves", "raw/mv0.mrc", "--aligned", "--kind", "movie"], FOLDERS),
    "denoise": (["denoise", "a.mrc", "b.tif", "-M", "ours.safetensors"], FOLDERS),
    "denoise a link": (["denoise", "soft.mrc", "-M", "ours.safetensors"], FOLDERS),
    "pick": (["pick", "a.mrc", "--diameter", "60"], FOLDERS + FILES),
    "train": (["train", "--odd", "mv0_ODD.mrc", "--even", "mv0_EVN.mrc", *TRAINED], FILES),
    "report": (["report", "night"], FILES),
    "export": (["export", "night"], FOLDERS),
    "links": (["export", "night", "--what", "links"], FOLDERS),
    "screen": (["screen", "night", "-M", "ours.safetensors"], FILES),
    "screen a link": (["screen", "soft.mrc", "-M", "ours.safetensors"], FILES),
    "simulate": (["simulate", "--size", "64", "--frames", "2"], FOLDERS),
    "convert": (["convert", "picks.csv", "--pixel-size", "4"], FOLDERS + FILES),
    "convert all": (["convert", ".", "--scale", "2", "--pixel-size", "4"], FOLDERS + FILES),
}
POSITIONAL = ("simulate", "convert")
ORDERS = st.sampled_from(sorted(COMMANDS)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(COMMANDS[name][1]))
)
SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def run(order, *more):
    name, output = order
    command, *rest = COMMANDS[name][0]
    quiet = () if command in ("convert", "export", "report") else ("-q",)
    option = "--session" if command == "screen" else "-o"
    where = (output,) if command in POSITIONAL else (option, output)
    return call(command, *rest, *where, *quiet, *more)


@SOME
@given(orders=st.lists(ORDERS, min_size=1, max_size=4))
def test_no_sequence_of_commands_touches_what_is_of_others(
    world, tmp_path_factory, monkeypatch, orders
):
    folder = opened(world, tmp_path_factory.mktemp("lost") / "world")
    before = belongings(folder)
    monkeypatch.chdir(folder)
    for order in orders:
        assert run(order) in (0, 1, 2)
        for path, content in before.items():
            now = path.readlink() if path.is_symlink() else path.read_bytes()
            assert now == content, (order, path)


INPUTS = {
    "halves": (["raw/mv0.mrc"], "way"),
    "denoise": (["a.mrc"], "."),
    "convert": (["picks.csv"], "picks.csv"),
    "convert all": (["a_manualpick.star"], "./"),
    "report": (["night/napari-n2n.sqlite"], "night/napari-n2n.sqlite"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_not_even_by_request_is_an_input_written_over(world, tmp_path, monkeypatch, capsys, name):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    inputs, output = INPUTS[name]
    before = [(folder / path).read_bytes() for path in inputs]
    capsys.readouterr()
    assert run((name, output), "--overwrite") == 1
    assert "would be written over itself" in capsys.readouterr().err
    assert [(folder / path).read_bytes() for path in inputs] == before


def test_by_request_what_is_of_others_is_replaced(world, tmp_path, monkeypatch, capsys):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    assert call("convert", "picks.csv", "figures.csv") == 1
    assert "--overwrite" in capsys.readouterr().err
    assert call("convert", "picks.csv", "figures.csv", "--overwrite") == 0
    assert "30" in (folder / "figures.csv").read_text()
    # And from then on it is ours, which is told.
    assert call("convert", "picks.csv", "figures.csv") == 0
    assert "figures.csv is there already, an earlier result" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["new.csv", "new.star", "new.txt", "new.box", "new.cs"])
def test_what_somebody_changed_since_is_theirs(world, tmp_path, monkeypatch, capsys, name):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    again = ("convert", "picks.csv", name, "--micrograph", "a.mrc", "--box-size", 20)
    assert call(*again) == 0
    assert call(*again) == 0
    edited = (folder / name).read_bytes() + b"\n"
    (folder / name).write_bytes(edited)
    assert call(*again) == 1
    assert "has been changed since" in capsys.readouterr().err
    assert (folder / name).read_bytes() == edited


REFUSED = {
    "demo": (("--headless", "-o", "there"), "there/demo.png"),
    "train-general": (("-o", "theirs.safetensors"), "theirs.safetensors"),
    "train-photographs": (("night", "-o", "theirs.safetensors"), "theirs.safetensors"),
    "assess-particles": (("-o", "report.html"), "report.html"),
    "report": (("night", "-o", "report.html"), "report.html"),
    "simulate": (("there", "--size", "64"), "there/apoferritin_00.mrc"),
    "simulate-tomogram": (("there",), "there/tomogram_00_Vol.mrc"),
}


@pytest.mark.parametrize("command", REFUSED)
def test_what_takes_long_is_refused_before_it_begins(world, tmp_path, monkeypatch, capsys, command):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    options, name = REFUSED[command]
    there = folder / name
    if not there.exists():
        there.parent.mkdir()
        there.write_text("of somebody else")
    before = there.read_bytes()
    assert call(command, *options) == 1
    assert "was not made by napari-n2n" in capsys.readouterr().err
    assert there.read_bytes() == before


def test_all_commands_that_write_are_tried():
    """Whoever adds one adds it to those above."""
    commands = [*app.registered_commands]
    writing = {
        command.callback.__name__.replace("_", "-")
        for command in commands
        if "overwrite" in inspect.signature(command.callback).parameters
    }
    assert writing == {arguments[0] for arguments, _ in COMMANDS.values()} | REFUSED.keys()


def test_pictures_of_one_name_have_one_result_and_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    grey = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    colours = np.stack([grey, grey.T, grey[::-1]], -1)
    for name in ("a.jpg", "a.png", "b.tif", "b.png"):
        Image.fromarray(colours).save(tmp_path / name)
    Image.fromarray(grey).save(tmp_path / "c.png")
    write_micrograph(tmp_path / "c.mrc", grey.astype(np.float32), 4.0)
    for one, other in (("a.jpg", "a.png"), ("b.tif", "b.png"), ("c.png", "c.mrc")):
        assert call("denoise", one, other, "-M", "photographs", "-o", "d", "-q") == 1
        assert f"would be the result of both {one} and {other}" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


def test_a_name_in_the_way_is_told_before_the_work(world, tmp_path, monkeypatch, capsys):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    long = folder / "raw" / f"{'x' * 247}.mrc"
    shutil.copyfile(folder / "raw" / "mv0.mrc", long)
    for command, sentence in (
        (("halves", long, "-o", "new", "-q"), "disks take 255"),
        (("halves", "raw", "-o", "new.mrc", "-q"), "is the name of a file"),
        (("denoise", "a.mrc", "-o", "picks.csv", "-q"), "is the name of a file"),
        (("pick", "a.mrc", "-o", "picks.csv/p.star", "-q"), "is no folder"),
        (("train", "mv0_ODD.mrc", "-o", "new.pth", "-q"), "new.safetensors"),
    ):
        assert call(*command) == 1
        assert sentence in capsys.readouterr().err
    assert not (folder / "new.mrc").exists()


def test_two_tables_of_one_micrograph_become_one(world, tmp_path, monkeypatch, capsys):
    folder = opened(world, tmp_path / "world")
    (folder / "coords").mkdir()
    for name in ("a_autopick.star", "a_manualpick.star"):
        (folder / name).rename(folder / "coords" / name)
    monkeypatch.chdir(folder)
    assert call("convert", "coords", "new/", "--micrograph", "a.mrc") == 0
    said = capsys.readouterr()
    assert "a: 3 particles" in said.out
    assert "joined" in said.err
    rows = (folder / "new" / "a_manualpick.star").read_text().splitlines()
    found = {tuple(map(float, row.split()[:2])) for row in rows if row[:1].isdigit()}
    assert found == {(30, 40), (50, 60), (70, 20)}


def test_links_are_replaced_where_they_are_ours(world, tmp_path, monkeypatch, capsys):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    links = ("export", "night", "--what", "links", "-o")
    assert call(*links, ".") == 1  # somebody else's links
    assert (folder / "links" / "n.mrc").readlink().name == "a.mrc"
    assert call(*links, "new") == 0
    capsys.readouterr()
    assert call(*links, "new") == 0
    assert "an earlier result, and is replaced" in capsys.readouterr().err
    assert [one.name for one in (folder / "new" / "links").iterdir()] == ["n.mrc"]
    (folder / "new" / "links" / "notes.txt").write_text("mine")
    assert call(*links, "new") == 1
    assert (folder / "new" / "links" / "notes.txt").read_text() == "mine"


def test_results_of_a_screening_and_an_experiment_are_claimed_before_it(
    world, tmp_path, monkeypatch, capsys
):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    picture = folder / ".napari-n2n" / "a.mrc.thumbnail.png"
    record = folder / "paper" / "stages" / "notes.json"
    for path in (picture, record):
        path.parent.mkdir(parents=True)
        path.write_text("of somebody else")
    for command in (
        ("screen", "a.mrc", "-M", "ours.safetensors", "-q"),
        ("reproduce", "apoferritin", "-o", "paper", "-q"),
    ):
        assert call(*command) == 1
        assert "was not made by napari-n2n" in capsys.readouterr().err
    assert not (folder / ".napari-n2n" / "a.mrc.denoised.mrc").exists()
    assert not (folder / "paper" / "settings.json").exists()


def test_a_folder_is_screened_without_gain_and_what_was_made_of_it(
    world, tmp_path, monkeypatch, capsys
):
    folder = opened(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    assert call("simulate", "mixed", "--size", "64", "--frames", "2") == 0
    shutil.copyfile("night/n.mrc", "mixed/n.mrc")
    assert call("denoise", "mixed/n.mrc", "-M", "ours.safetensors", "-o", "d", "-q") == 0
    shutil.copyfile("d/n.mrc", "mixed/n_denoised.mrc")
    shutil.copyfile("a.mrc", "mixed/detector.mrc")
    found = inputs_of("mixed", gain=folder / "mixed" / "detector.mrc")
    assert sorted(path.name for path in found.paths) == ["apoferritin_00.mrc", "n.mrc"]
    assert "left out" in found.notes[0]
    # Alone, they are what somebody wants.
    assert [path.name for path in inputs_of("d").paths] == ["n.mrc"]


def test_a_torn_table_among_others_is_named_and_the_others_are_done(
    world, tmp_path, monkeypatch, capsys
):
    folder = opened(world, tmp_path / "world")
    (folder / "coords").mkdir()
    (folder / "a_autopick.star").rename(folder / "coords" / "a_autopick.star")
    (folder / "coords" / "b_autopick.star").write_text("data_\n\nloop_\n_rlnCoord")
    (folder / "coords" / "c_autopick.star").write_text(STAR.format(rows="1 2\n3"))
    monkeypatch.chdir(folder)
    assert call("convert", "coords", "new.csv") == 1
    said = capsys.readouterr()
    assert "b_autopick.star" in said.err
    assert "c_autopick.star" in said.err
    assert "2 of 3 files failed" in said.err
    assert "30" in (folder / "new.csv").read_text()


def test_a_link_is_written_through(tmp_path):
    target = tmp_path / "there" / "model.mrc"
    write_micrograph(target, np.eye(8, dtype=np.float32), 1.0)
    link = tmp_path / "link.mrc"
    link.symlink_to(target)
    write_micrograph(link, np.ones((9, 9), np.float32), 1.0)
    assert link.is_symlink()
    assert target.stat().st_size == 1024 + 4 * 81
    target.write_bytes(b"of somebody else")
    with overwriting():
        write_micrograph(link, np.ones((9, 9), np.float32), 1.0)
    assert link.is_symlink()
