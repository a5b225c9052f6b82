from contextlib import contextmanager

import numpy as np
import pytest
import starfile
import tifffile
from scipy import ndimage

from napari_n2n.cli import console
from napari_n2n.denoising.checkpoints import Denoiser, save_denoiser
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.inference.features import bottleneck_steps
from napari_n2n.denoising.unet import UNet
from napari_n2n.io import (
    MicrographParticles,
    Particles,
    read_coordinates,
    read_micrograph,
    write_coordinates,
    write_micrograph,
    write_mrc_stack,
    write_star_per_micrograph,
)
from napari_n2n.particles import match
from napari_n2n.particles.descriptors import describe
from napari_n2n.particles.examples import Examples, save_examples
from napari_n2n.particles.label_suggestions import Classifier
from napari_n2n.progress import run_to_end
from napari_n2n.session import Session
from napari_n2n.simulation import SimulationConfig, build_scene, write_simulated

PIXEL_SIZE = 3.0


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Two micrographs as a good denoiser would leave them, their truth, and a classifier."""
    folder = tmp_path_factory.mktemp("sample")
    truths = []
    for seed in range(2):
        config = SimulationConfig(
            shape=(512, 512),
            pixel_size_angstrom=PIXEL_SIZE,
            broken_fraction=0.4,
            contaminant_count=0,
            seed=seed,
        )
        truth = build_scene(config).truth
        image = ndimage.gaussian_filter(truth.clean, 1.0)
        write_micrograph(folder / f"shells_{seed}.mrc", image, PIXEL_SIZE)
        described = describe(image, PIXEL_SIZE, truth.centres_px, 120.0)
        truths.append((truth.centres_px, np.array(truth.labels), described))
    _, labels, described = truths[0]
    examples = Examples(described.values, labels, described.kind, 120.0)
    save_examples(folder / "shells.safetensors", examples)
    return folder, truths


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Return a network that has learnt nothing: enough to see that it is asked."""
    network = NetworkConfig(name="s", encoder=((4,), (4,), (4,)), decoder=((4,), (4,)))
    training = TrainingConfig(network=network, working_pixel_size_angstrom=4.0, steps=1)
    denoiser = Denoiser(UNet(network).eval(), training, 4.0)
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_denoiser(path, denoiser)
    return path, denoiser


def test_particles_are_found_labelled_and_written(n2n, sample, tmp_path, capsys):
    folder, truths = sample
    star = tmp_path / "picks.star"
    files = [folder / "shells_0.mrc", folder / "shells_1.mrc"]
    arguments = ("--diameter", 120, "--classifier", folder / "shells.safetensors", "-q")
    assert n2n("pick", *files, "-o", star, *arguments) == 0
    said = capsys.readouterr()
    assert "shells_1.mrc: " in said.out
    assert "intact" in said.out
    assert "Balanced accuracy" in said.err
    tables = read_coordinates(star)
    assert [table.micrograph for table in tables] == [str(path) for path in files]
    centres, labels, _ = truths[1]
    found = tables[1].particles
    pairs = match(found.centres_px, centres, 10).pairs
    assert len(pairs) > 0.6 * len(centres)
    right = found.labels[pairs[:, 0]] == labels[pairs[:, 1]]
    assert right.mean() > 0.85
    assert set(found.given_by) == {"suggestion"}


def test_a_session_is_a_classifier(n2n, sample, tmp_path, capsys):
    """What was marked in napari labels further micrographs on the command line."""
    folder, truths = sample
    centres, labels, described = truths[0]
    path = tmp_path / "napari-n2n.sqlite"
    with Session.open(path) as session:
        first = session.micrographs.find_or_add(
            folder / "shells_0.mrc", shape=(512, 512), pixel_size_angstrom=PIXEL_SIZE
        )
        marks = Particles(centres, labels, given_by=np.full(len(labels), "person"))
        session.marks.add(first, marks)
        session.marks.remember(session.marks.particles(first).ids, described.values, described.kind)
    arguments = ("pick", folder / "shells_1.mrc", "-C", path, "-q", "-o")
    assert n2n(*arguments, tmp_path / "s.csv") == 1
    assert "diameter" in capsys.readouterr().err
    with Session.open(path) as session:
        session.set_setting("diameter_angstrom", 120.0)
    assert n2n(*arguments, tmp_path / "s.csv") == 0
    classifier = ("-C", folder / "shells.safetensors", "-q", "-o", tmp_path / "c.csv")
    assert n2n("pick", folder / "shells_1.mrc", *classifier) == 0
    (by_session,), (by_file,) = (read_coordinates(tmp_path / f"{name}.csv") for name in "sc")
    np.testing.assert_array_equal(by_session.particles.labels, by_file.particles.labels)


def test_without_a_classifier_particles_are_unlabelled(n2n, sample, tmp_path):
    folder, _ = sample
    picks = tmp_path / "picks.csv"
    assert n2n("pick", folder / "shells_0.mrc", "-o", picks, "--diameter", 120, "-q") == 0
    (table,) = read_coordinates(picks)
    assert len(table.particles) > 10
    assert set(table.particles.labels) == {"unlabelled"}


def test_a_folder_gets_one_star_a_micrograph(n2n, sample, tmp_path, capsys):
    folder, _ = sample
    files = [folder / f"shells_{i}.mrc" for i in range(2)]
    assert n2n("pick", *files, "-o", tmp_path / "stars", "--diameter", 120, "-q") == 0
    *written, listed = sorted(
        (tmp_path / "stars").iterdir(), key=lambda p: p.name == "autopick.star"
    )
    assert [path.suffix for path in written] == [".star", ".star"]
    # The list of them, which RELION 5 wants.
    assert [one.stem for one in read_coordinates(listed)] == ["shells_0", "shells_1"]
    said = capsys.readouterr().out
    assert all(str(path) in said for path in written)
    assert [read_coordinates(path)[0].stem for path in written] == ["shells_0", "shells_1"]


def test_only_the_wanted_labels_are_written(n2n, sample, tmp_path):
    folder, _ = sample
    arguments = ("-C", folder / "shells.safetensors", "--labels", "intact", "-q")
    assert n2n("pick", folder / "shells_1.mrc", "-o", tmp_path / "i.csv", *arguments) == 0
    assert n2n("pick", folder / "shells_1.mrc", "-o", tmp_path / "a.csv", *arguments[:2]) == 0
    (intact,), (everything,) = (read_coordinates(tmp_path / name) for name in ("i.csv", "a.csv"))
    assert set(intact.particles.labels) == {"intact"}
    assert len(intact.particles) == everything.particles.counts()["intact"]
    assert everything.particles.counts()["broken"] > 0


def test_a_threshold_leaves_out_what_scores_less(n2n, sample, tmp_path):
    folder, _ = sample
    numbers = []
    for threshold in (0.1, 0.5, 1.0):
        out = tmp_path / f"{threshold}.csv"
        arguments = ("-o", out, "--diameter", 120, "--threshold", threshold, "-q")
        assert n2n("pick", folder / "shells_0.mrc", *arguments) == 0
        tables = read_coordinates(out)
        scores = np.concatenate([np.empty(0), *(t.particles.scores for t in tables)])
        assert (scores >= threshold).all()
        numbers.append(len(scores))
    assert numbers[0] > numbers[1] > numbers[2] == 0


def test_a_torn_file_is_named_and_the_rest_is_written(n2n, sample, tmp_path, capsys):
    folder, _ = sample
    torn = tmp_path / "torn.mrc"
    torn.write_bytes((folder / "shells_0.mrc").read_bytes()[:5000])
    star = tmp_path / "picks.star"
    assert n2n("pick", torn, folder / "shells_1.mrc", "-o", star, "--diameter", 120) == 1
    said = capsys.readouterr().err
    assert "torn.mrc" in said
    assert "1 of 2 files failed; the others are done" in said
    assert "Traceback" not in said
    assert len(read_coordinates(star)) == 1


def test_a_guessed_diameter_is_named(n2n, sample, tmp_path, capsys):
    folder, _ = sample
    assert n2n("pick", folder / "shells_0.mrc", "-o", tmp_path / "p.star", "-q") == 0
    assert "is a first guess" in capsys.readouterr().err


def test_a_guess_that_is_not_certain_is_told_as_such(n2n, tmp_path, capsys):
    noise = np.random.default_rng(0).standard_normal((200, 200)).astype(np.float32)
    file = tmp_path / "empty.mrc"
    write_micrograph(file, noise, PIXEL_SIZE)
    n2n("pick", file, "-o", tmp_path / "p.star", "-q")
    said = capsys.readouterr().err
    assert "not a certain one" in said
    assert "give --diameter" in said


def test_a_diameter_other_than_the_classifiers_is_noted(n2n, sample, tmp_path, capsys):
    folder, _ = sample
    arguments = ("-C", folder / "shells.safetensors", "--diameter", 150, "-q")
    assert n2n("pick", folder / "shells_0.mrc", "-o", tmp_path / "p.star", *arguments) == 0
    assert "120 Å, not of 150 Å" in capsys.readouterr().err


def test_a_micrograph_without_pixel_size_needs_one(n2n, tmp_path, capsys):
    image = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    write_micrograph(tmp_path / "a.mrc", image, None)
    arguments = ("pick", tmp_path / "a.mrc", "-o", tmp_path / "p.star", "--diameter", 60, "-q")
    assert n2n(*arguments) == 1
    assert "--pixel-size" in capsys.readouterr().err
    assert not (tmp_path / "p.star").exists()
    assert n2n(*arguments, "--pixel-size", 3) == 0


def test_a_movie_is_aligned_first(n2n, tmp_path, capsys):
    config = SimulationConfig(shape=(384, 384), pixel_size_angstrom=2.0, n_frames=4, contrast=5)
    movie = write_simulated(build_scene(config), tmp_path, "movie").movie
    arguments = ("--diameter", 120, "--pixel-size", 2, "-q")
    assert n2n("pick", movie, "-o", tmp_path / "p.csv", *arguments) == 0
    assert "movie.mrc: " in capsys.readouterr().out


def test_the_model_denoises_and_lends_its_features(n2n, sample, model, tmp_path, capsys):
    folder, truths = sample
    path, denoiser = model
    centres, labels, _ = truths[0]
    image = np.random.default_rng(0).normal(size=(512, 512)).astype(np.float32)
    steps = bottleneck_steps(
        image, denoiser, pixel_size_angstrom=PIXEL_SIZE, diameter_angstrom=120.0, device="cpu"
    )
    described = describe(image, PIXEL_SIZE, centres, 120.0, raw=image, bottleneck=run_to_end(steps))
    classifier = tmp_path / "network.safetensors"
    save_examples(classifier, Examples(described.values, labels, described.kind, 120.0))
    arguments = ("-o", tmp_path / "p.csv", "-C", classifier, "--threshold", 0.06, "-q")
    picked = ("pick", folder / "shells_0.mrc", *arguments)
    assert n2n(*picked, "-M", path, "--device", "cpu") == 0
    (table,) = read_coordinates(tmp_path / "p.csv")
    assert set(table.particles.labels) <= {"intact", "broken"}
    assert n2n(*picked) == 1
    assert "only works with it" in capsys.readouterr().err


def test_the_model_in_the_box_goes_by_its_name(n2n, sample, tmp_path, capsys):
    picked = ("pick", sample[0] / "shells_0.mrc", "-o", tmp_path / "p.csv", "--diameter", 120, "-q")
    assert n2n(*picked, "--model", "general", "--device", "cpu") == 0
    (table,) = read_coordinates(tmp_path / "p.csv")
    assert len(table.particles) > 10
    assert n2n(*picked, "--model", "generous") == 1
    assert "generous" in capsys.readouterr().err


def test_candidates_that_are_no_more_than_noise_are_left_out_and_counted(n2n, tmp_path, capsys):
    noise = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    write_micrograph(tmp_path / "noise.mrc", noise, PIXEL_SIZE)
    picked = ("pick", tmp_path / "noise.mrc", "-o", tmp_path / "p.csv", "--diameter", 120, "-q")
    assert n2n(*picked, "--model", "general", "--device", "cpu") == 0
    said = capsys.readouterr()
    assert "noise.mrc: 0 particles" in said.out
    assert "left out:" in said.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--labels", "whole"), "--labels takes some of"),
        (("--labels", "intact"), "needs a --classifier"),
    ],
)
def test_labels_that_cannot_be_are_refused(n2n, sample, tmp_path, capsys, arguments, says):
    assert n2n("pick", sample[0] / "shells_0.mrc", "-o", tmp_path / "p.star", *arguments) == 2
    assert says in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "p.star").exists()


@pytest.mark.parametrize(
    ("output", "says"), [("picks.foo", "no format"), ("picks.box", "one micrograph, not 2")]
)
def test_what_could_not_be_written_is_refused_before_any_work(
    n2n, sample, tmp_path, capsys, output, says
):
    files = [sample[0] / f"shells_{i}.mrc" for i in range(2)]
    assert n2n("pick", *files, "-o", tmp_path / output, "--diameter", 120, "-q") == 1
    said = capsys.readouterr()
    assert says in said.err
    assert "particles" not in said.out


@pytest.mark.parametrize("with_model", [False, True])
def test_after_a_stop_what_was_done_is_written(
    n2n, sample, model, tmp_path, monkeypatch, capsys, with_model
):
    said = []

    @contextmanager
    def stop_after_the_first():
        yield lambda: bool(said)

    monkeypatch.setattr(console, "stop_on_signal", stop_after_the_first)
    monkeypatch.setattr(console, "say", said.append)
    files = [sample[0] / f"shells_{i}.mrc" for i in range(2)]
    arguments = ("--diameter", 120, "--threshold", 0.06, "-q")
    if with_model:
        arguments += ("--model", model[0], "--device", "cpu")
    assert n2n("pick", *files, "-o", tmp_path / "p.star", *arguments) == 130
    assert "1 of 2 files are done" in capsys.readouterr().err
    assert len(read_coordinates(tmp_path / "p.star")) == 1


def test_two_files_of_one_name_do_not_share_a_result(n2n, sample, tmp_path, capsys):
    twin = tmp_path / "shells_0.mrc"
    twin.write_bytes((sample[0] / "shells_0.mrc").read_bytes())
    files = (sample[0] / "shells_0.mrc", twin)
    assert n2n("pick", *files, "-o", tmp_path / "stars", "--diameter", 120, "-q") == 1
    assert "would be the result of both" in capsys.readouterr().err


def test_a_file_that_is_no_classifier_is_refused_before_anything_is_done(
    n2n, sample, model, tmp_path, capsys
):
    arguments = ("-o", tmp_path / "p.star", "-C", model[0])
    assert n2n("pick", sample[0] / "shells_0.mrc", *arguments) == 1
    assert "is no classifier of napari-n2n" in capsys.readouterr().err


def test_the_classifier_is_learnt_once_however_many_files(n2n, sample, tmp_path, monkeypatch):
    folder, _ = sample
    learnt, how = [], Classifier.learnt.__func__
    monkeypatch.setattr(
        Classifier, "learnt", classmethod(lambda cls, given: learnt.append(1) or how(cls, given))
    )
    files = [folder / "shells_0.mrc", folder / "shells_1.mrc"]
    classifier = ("-C", folder / "shells.safetensors", "--diameter", 120, "-q")
    assert n2n("pick", *files, "-o", tmp_path / "p.csv", *classifier) == 0
    assert learnt == [1]


@pytest.fixture(params=["session", "coordinates", "list"])
def marks(request, sample, tmp_path):
    """Twelve intact particles of the first micrograph, marked by hand."""
    folder, truths = sample
    centres, labels, _ = truths[0]
    chosen = Particles(centres[labels == "intact"][:12])
    if request.param == "coordinates":
        write_coordinates(tmp_path / "marks.csv", [MicrographParticles(chosen, "shells_0.mrc")])
        return tmp_path / "marks.csv"
    if request.param == "list":  # RELION 5's, of the files of each micrograph
        table = MicrographParticles(chosen, "shells_0.mrc", PIXEL_SIZE)
        write_star_per_micrograph(tmp_path / "marks", [table])
        return tmp_path / "marks" / "autopick.star"
    with Session.open(tmp_path / "marks.sqlite") as session:
        number = session.micrographs.find_or_add(
            folder / "shells_0.mrc", shape=(512, 512), pixel_size_angstrom=PIXEL_SIZE
        )
        session.marks.add(number, chosen)
        ids = session.marks.particles(number).ids
        session.marks.relabel(number, ids, "intact", "person")
    return tmp_path / "marks.sqlite"


def test_particles_like_the_marked_ones_are_looked_for(n2n, sample, marks, tmp_path, capsys):
    folder, truths = sample
    files = [folder / "shells_0.mrc", folder / "shells_1.mrc"]
    arguments = ("-o", tmp_path / "p.csv", "--diameter", 120, "-q", "--like", marks)
    assert n2n("pick", *files, *arguments) == 0
    assert "learnt from 12 particles" in capsys.readouterr().err
    found = read_coordinates(tmp_path / "p.csv")[1].particles
    centres, _, _ = truths[1]
    assert len(match(found.centres_px, centres, 10).pairs) > 0.6 * len(centres)


def test_marks_on_a_micrograph_that_is_not_there_are_told(n2n, sample, tmp_path, capsys):
    folder, truths = sample
    marks = tmp_path / "marks.csv"
    write_coordinates(marks, [MicrographParticles(Particles(truths[0][0]), "shells_0.mrc")])
    arguments = ("-o", tmp_path / "p.csv", "--diameter", 120, "-q", "--like", marks)
    assert n2n("pick", folder / "shells_1.mrc", *arguments) == 1
    assert "Give the marked micrograph as well" in capsys.readouterr().err


def test_names_that_the_file_cannot_hold_are_told_before_the_work(n2n, tmp_path, capsys):
    image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    odd = "a' b\" c.mrc"
    for name in ("x/a.mrc", "y/a.mrc", odd):
        write_micrograph(tmp_path / name, image, 4.0)
    for names, output, sentence in (
        (("x/a.mrc", "y/a.mrc"), "p.txt", "have one name"),
        ((odd,), "p.star", "cannot hold all signs"),
        ((odd,), "folder", "cannot hold all signs"),
    ):
        files = [tmp_path / name for name in names]
        assert n2n("pick", *files, "-o", tmp_path / output, "--diameter", 60, "-q") == 1
        said = capsys.readouterr()
        assert sentence in said.err
        assert said.out == ""
    assert not (tmp_path / "folder").exists()


def test_a_tiff_is_told_as_relion_reads_it(n2n, sample, tmp_path, capsys):
    folder, truths = sample
    image = read_micrograph(folder / "shells_0.mrc").pixels
    tifffile.imwrite(tmp_path / "shells.tif", image)
    for name in ("p.star", "stars", "p.csv"):
        arguments = ("--diameter", 120, "--pixel-size", PIXEL_SIZE, "-q")
        assert n2n("pick", tmp_path / "shells.tif", "-o", tmp_path / name, *arguments) == 0
        assert ("upside down" in capsys.readouterr().err) == (name != "p.csv")
    centres, _, _ = truths[0]
    for path in (tmp_path / "p.star", tmp_path / "stars" / "shells_manualpick.star"):
        table = next(iter(starfile.read(path, always_dict=True).values()))
        found = np.stack([table["rlnCoordinateY"], table["rlnCoordinateX"]], axis=1)
        relions = np.stack([511 - centres[:, 0], centres[:, 1]], axis=1)
        assert len(match(found, relions, 10).pairs) > 0.6 * len(centres)
        assert "rlnOpticsGroup" not in path.read_text()
        # And read again, they lie on the TIFF as it is stored.
        (back,) = read_coordinates(path)
        assert len(match(back.particles.centres_px, centres, 10).pairs) > 0.6 * len(centres)
    (plain,) = read_coordinates(tmp_path / "p.csv")
    assert len(match(plain.particles.centres_px, centres, 10).pairs) > 0.6 * len(centres)


def test_picks_of_a_movie_are_for_relions_own_sum(n2n, tmp_path, capsys):
    """RELION's sums lie in the first frame; the movie drifts on."""
    still = build_scene(
        SimulationConfig(shape=(512, 512), pixel_size_angstrom=PIXEL_SIZE, contaminant_count=0)
    ).truth
    image = ndimage.gaussian_filter(still.clean, 1.0)
    rng = np.random.default_rng(0)
    frames = [
        np.roll(image, (2 * i, -i), (0, 1)) + rng.normal(0, 0.1 * image.std(), image.shape)
        for i in range(8)
    ]
    write_mrc_stack(tmp_path / "m.mrc", np.array(frames, np.float32), PIXEL_SIZE)
    arguments = ("--diameter", 120, "-q", "-o", tmp_path / "p.star")
    assert n2n("pick", tmp_path / "m.mrc", *arguments) == 0
    assert "to the first frame" in capsys.readouterr().err
    table = starfile.read(tmp_path / "p.star", always_dict=True)["particles"]
    found = np.stack([table["rlnCoordinateY"], table["rlnCoordinateX"]], axis=1)
    pairs = match(found, still.centres_px, 10).pairs
    assert len(pairs) > 0.5 * len(still.centres_px)
    off = (found[pairs[:, 0]] - still.centres_px[pairs[:, 1]]).mean(0)
    assert np.abs(off).max() < 0.6
