"""What the widget sets going works without napari, too."""

from pathlib import Path

import numpy as np
import pytest

from napari_n2n.denoising.training.singles import SingleImage
from napari_n2n.errors import NotEnoughData, UnreadableFile
from napari_n2n.io import open_movie, write_micrograph, write_mrc_stack
from napari_n2n.motion import Halves, MotionConfig, align, write_halves
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.simulation import SimulationConfig, simulate, write_simulated
from napari_n2n.workflow.fields_of_view import FieldOfView
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.sources import (
    FieldReady,
    FolderSource,
    HalvesSource,
    ImageSource,
    MovieSource,
    expose_steps,
    training_pairs_steps,
)
from napari_n2n.workflow.train_and_denoise import (
    DenoisingResult,
    RegionOfInterest,
    denoise_source_steps,
    train_on_steps,
    twice_as_long,
)

FIELD = SimulationConfig(shape=(128, 128), n_frames=6, contaminant_count=0)
FRAMES = RecordingOptions(kind="movie")  # which so small frames do not tell


@pytest.fixture
def never():
    return lambda: False


@pytest.fixture
def halves():
    rng = np.random.default_rng(0)
    clean = rng.normal(size=(16, 16)).repeat(8, 0).repeat(8, 1)
    return [(clean + rng.normal(size=clean.shape)).astype(np.float32) for _ in range(2)]


def test_a_folder_of_movies_is_aligned_once_and_its_halves_are_kept(tmp_path, never, monkeypatch):
    movies, kept = tmp_path / "movies", tmp_path / "kept"
    for seed in (0, 1):
        simulated = simulate(FIELD.replaced(seed=seed))
        write_simulated(simulated, movies, f"m{seed}")
    # What lies beside a simulated movie is no movie.
    source = FolderSource(movies, kept, FRAMES)
    ready = []
    pairs = run_to_end(
        training_pairs_steps(source, None, never),
        lambda step: ready.append(step) if isinstance(step, FieldReady) else None,
    )
    assert [pair.input.shape for pair in pairs] == [(128, 128)] * 2
    assert len(ready) == 1
    assert len(list(kept.glob("*_ODD.mrc"))) == 2

    def fail(*_args, **_kwargs):
        raise AssertionError("aligned again")

    monkeypatch.setattr("napari_n2n.motion.align_steps", fail)
    assert len(run_to_end(training_pairs_steps(source, None, never))) == 2


def test_the_first_of_a_folder_is_shown_without_aligning_the_others(tmp_path, never):
    movies, kept = tmp_path / "movies", tmp_path / "kept"
    for seed in (0, 1):
        write_simulated(simulate(FIELD.replaced(seed=seed)), movies, f"m{seed}")
    (movies / "m1.mrc").write_bytes(b"not read")
    field = run_to_end(expose_steps(FolderSource(movies, kept, FRAMES), never))
    assert field.name == "m0"
    assert field.halves is not None
    # Nothing is kept that nobody asked for, and it is said that there are others.
    assert not kept.exists()
    assert any("m1.mrc" in note for note in field.notes)


def test_of_a_folder_it_is_said_how_all_of_it_is_denoised(tmp_path, halves, never):
    for name in ("a", "b"):
        for half, pixels in zip(("ODD", "EVN"), halves, strict=True):
            write_micrograph(tmp_path / f"{name}_{half}.mrc", pixels, 1.5)
    field = run_to_end(expose_steps(FolderSource(tmp_path, tmp_path / "kept"), never))
    assert field.name == "a"
    (note,) = field.notes
    assert f"one of 2; all: napari-n2n denoise {tmp_path}" in note


def test_movies_with_dots_in_their_names_are_all_taken_and_a_torn_one_is_left_out(tmp_path, never):
    movies = tmp_path / "movies"
    for name in ("May08_03.05.02", "May08_03.10.01", "May08_03.20.07"):
        write_simulated(simulate(FIELD), tmp_path / "made", name)
        movies.mkdir(exist_ok=True)
        (tmp_path / "made" / f"{name}.mrc").rename(movies / f"{name}.mrc")
    torn = movies / "May08_03.10.01.mrc"
    torn.write_bytes(torn.read_bytes()[:9000])
    ready = []
    pairs = run_to_end(
        training_pairs_steps(FolderSource(movies, tmp_path / "kept", FRAMES), None, never),
        lambda step: ready.append(step) if isinstance(step, FieldReady) else None,
    )
    assert [pair.name for pair in pairs] == ["May08_03.05.02_ODD.mrc", "May08_03.20.07_ODD.mrc"]
    (note,) = ready[0].notes
    assert "May08_03.10.01.mrc" in note


def test_an_empty_folder_says_what_is_wanted(tmp_path, never):
    with pytest.raises(UnreadableFile):
        run_to_end(training_pairs_steps(FolderSource(tmp_path, tmp_path / "kept"), None, never))


def test_stacks_of_halves_are_pairs_one_by_one(halves, never):
    odd, even = (np.stack([half, half + 1, half + 2]) for half in halves)
    source = HalvesSource(odd, even, "stack", 2.0, shown=2)
    pairs = run_to_end(training_pairs_steps(source, None, never))
    assert [float((pair.input - halves[0]).mean()) for pair in pairs] == pytest.approx([0, 1, 2])
    shown = run_to_end(expose_steps(source, never))
    np.testing.assert_allclose(shown.full, halves[0] + halves[1] + 4, atol=1e-5)


def test_halves_of_two_shapes_are_refused(halves, never):
    with pytest.raises(NotEnoughData, match="128 × 128"):
        run_to_end(expose_steps(HalvesSource(halves[0], halves[1][:64], "odd one"), never))


def test_a_single_micrograph_is_trained_on_without_halves(halves, never):
    ready = []
    (single,) = run_to_end(
        training_pairs_steps(ImageSource(halves[0], "alone", 1.5), None, never),
        lambda step: ready.append(step) if isinstance(step, FieldReady) else None,
    )
    assert isinstance(single, SingleImage)
    assert (single.name, single.pixel_size_angstrom) == ("alone", 1.5)
    np.testing.assert_array_equal(single.pixels, halves[0])
    assert ready[0].field.halves is None


def test_a_folder_of_micrographs_is_trained_on_without_halves(tmp_path, halves, never):
    for name, image in zip("ab", halves, strict=True):
        write_micrograph(tmp_path / f"{name}.mrc", image, 1.5)
    source = FolderSource(tmp_path, tmp_path / "kept")
    found = list(run_to_end(training_pairs_steps(source, None, never)))
    assert [(one.name, one.pixel_size_angstrom) for one in found] == [
        ("a.mrc", pytest.approx(1.5)),
        ("b.mrc", pytest.approx(1.5)),
    ]
    np.testing.assert_array_equal(run_to_end(expose_steps(source, never)).full, halves[0])
    assert not (tmp_path / "kept").exists()


def test_stopping_the_alignment_gives_up_at_once(tmp_path):
    movie = simulate(FIELD).as_movie()
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(Interrupted):
        run_to_end(expose_steps(MovieSource(movie, "movie", movie), stop))


def test_training_and_denoising_return_what_is_on_the_scale_of_the_sum(halves, never, tmp_path):
    from napari_n2n.denoising.config import TrainingConfig

    config = TrainingConfig(steps=30, crop=32, batch=4, working_pixel_size_angstrom=None)
    source = HalvesSource(*halves, "pair", 1.0)
    trained = run_to_end(
        train_on_steps(source, config, model=tmp_path / "m.safetensors", device="cpu")
    )
    assert trained.complete
    assert trained.model.is_file()
    result = run_to_end(denoise_source_steps(source, trained.denoiser, device="cpu"))
    assert isinstance(result, DenoisingResult)
    total = halves[0] + halves[1]
    slope = np.polyfit(result.pixels.ravel(), total.ravel(), 1)[0]
    assert slope == pytest.approx(1, abs=0.25)
    assert result.resolution_angstrom["after"] is not None
    assert len(result.frc["before"]) == len(result.frc["frequency_per_angstrom"])


def test_what_is_watched_comes_first_on_the_scale_of_the_sum(halves):
    halves = [np.tile(half, (4, 4)) for half in halves]
    watched = RegionOfInterest()
    watched.look_at((slice(0, 64), slice(32, 96)))
    parts = []
    result = run_to_end(
        denoise_source_steps(HalvesSource(*halves, "pair", 4.0), device="cpu", watched=watched),
        lambda step: parts.append(region) if (region := getattr(step, "region", None)) else None,
    )
    (part,) = parts
    assert part.origin == (0, 32)
    there = result.pixels[0:64, 32:96]
    # Both are calibrated, each by what it saw of the image.
    assert np.corrcoef(part.pixels.ravel(), there.ravel())[0, 1] > 0.97
    assert 0.8 < part.pixels.std() / there.std() < 1.25
    assert result.summary.startswith("general model")


@pytest.mark.parametrize(
    ("shape", "comes_first"),
    [((256, 256), True), ((110, 110), False), ((90, 300), False)],
    ids=["a corner", "most of it", "of another image"],
)
def test_only_a_small_part_of_the_field_comes_first(shape, comes_first):
    watched = RegionOfInterest()
    watched.look_at((slice(0, 100), slice(0, 100)))
    assert (watched.region(shape) is not None) == comes_first
    watched.look_at(None)
    assert watched.region(shape) is None


def test_twice_as_long_doubles_whatever_limits_it():
    from napari_n2n.denoising.config import TrainingConfig

    config = twice_as_long(TrainingConfig(steps=10, max_seconds=5.0))
    assert (config.steps, config.epochs, config.max_seconds) == (20, None, 10.0)


def test_sums_are_saved_under_relions_names_and_found_again(tmp_path, halves):
    from napari_n2n.io import find_halves

    sums = Halves(*halves, halves[0] + halves[1], 1.5, None, None, Path("my movie"))
    FieldOfView("my movie", sums).save_sums(tmp_path)
    (found,) = find_halves(tmp_path)
    assert found.name == "my_movie"
    assert found.full is not None
    write_micrograph(tmp_path / "other.mrc", halves[0], 1.5)
    assert len(find_halves(tmp_path)) == 1


def test_what_a_window_saves_is_what_the_command_line_writes(tmp_path, never):
    """The sums of an aligned movie, the table of its motion among them."""
    movie = simulate(SimulationConfig(shape=(256, 256), n_frames=6, seed=1)).as_movie()
    write_mrc_stack(tmp_path / "a.mrc", iter(movie), 1.0)
    opened = open_movie(tmp_path / "a.mrc")
    source = MovieSource(opened, "a", data=opened.path)
    field = run_to_end(expose_steps(source, never, "cpu"))
    saved = field.save_sums(tmp_path / "window")
    paths = write_halves(align(opened, MotionConfig(device="cpu")), tmp_path / "line")
    assert paths.motion is not None
    assert [path.name for path in saved] == [
        path.name for path in (paths.odd, paths.even, paths.full, paths.motion)
    ]
    for mine, other in zip(saved, (paths.odd, paths.even, paths.full, paths.motion), strict=True):
        assert mine.read_bytes()[1024:] == other.read_bytes()[1024:]
