"""What comes of files that are screened: pictures, figures, particles, and what is told of them."""

import shutil
import threading
import time

import mrcfile
import numpy as np
import pytest

from napari_n2n import quality
from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import CheckpointProblem, UnreadableFile, WriteProblem
from napari_n2n.io import Particles, read_micrograph, write_micrograph
from napari_n2n.session import Session
from napari_n2n.simulation import SimulationConfig, build_scene, write_simulated
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.screening import (
    SETTINGS_KEY,
    Feed,
    Queue,
    ScreenSettings,
    results_of,
    screen_steps,
)

SIZE = 4.0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make a movie and micrographs, once."""
    folder = tmp_path_factory.mktemp("made")
    config = SimulationConfig(
        shape=(192, 192), n_frames=8, pixel_size_angstrom=SIZE, dose_per_frame=2.0
    )
    movie = write_simulated(build_scene(config), folder, "m").movie
    movie.rename(folder / "movie.mrc")
    config = SimulationConfig(shape=(256, 256), pixel_size_angstrom=SIZE, contaminant_count=0)
    clean = build_scene(config).truth.clean
    rng = np.random.default_rng(0)
    for letter in "abc":
        noisy = clean + rng.normal(scale=clean.std(), size=clean.shape)
        write_micrograph(folder / f"{letter}.mrc", noisy.astype(np.float32), SIZE)
    return folder


class Night:
    """A folder with a session, screened as often as one likes."""

    def __init__(self, folder, made, quick):
        self.folder = folder
        self._quick = quick
        self.session = Session.open(folder / "night.sqlite")
        self._made = made
        self.steps = []

    def has(self, *names):
        for name in names:
            shutil.copy(self._made / name, self.folder / name)
        return [self.folder / name for name in names]

    def settings(self, **changes):
        """Return settings with a network that has learnt nothing: it is quick."""
        return ScreenSettings(denoiser=self._quick, **changes)

    def screen(self, paths, settings=None, *, stop=lambda: False, watch=lambda step: None):
        """Screen and return the outcomes by name."""
        queue = paths if isinstance(paths, Queue) else Queue(paths)
        self.steps = []
        for step in screen_steps(self.session, queue, settings or self.settings(), stop):
            self.steps.append(step)
            watch(step)
        return {step.path.name: step.outcome for step in self.steps if step.outcome is not None}

    def results(self, name):
        return results_of(self.session.path, self.folder / name)

    def state(self, name):
        overview = self.session.micrographs.overview()
        row = overview.names.index(name)
        return str(overview.states[row]), str(overview.messages[row])

    def figures(self, name):
        overview = self.session.micrographs.overview()
        row = overview.names.index(name)
        return {key: column[row] for key, column in overview.figures.items()}


@pytest.fixture(scope="module")
def quick():
    network = NetworkConfig(name="s", encoder=((4,), (4,), (4,)), decoder=((4,), (4,)))
    training = TrainingConfig(network=network, working_pixel_size_angstrom=4.0, steps=1)
    return Denoiser(UNet(network).eval(), training, 4.0)


@pytest.fixture
def night(tmp_path, made, quick):
    night = Night(tmp_path, made, quick)
    yield night
    night.session.close()


def test_a_movie_is_aligned_denoised_measured_and_shown(night):
    (movie,) = night.has("movie.mrc")
    outcome = night.screen([movie], ScreenSettings())["movie.mrc"]
    assert outcome.error is None
    results = night.results("movie.mrc")
    raw, denoised = read_micrograph(results.raw), read_micrograph(results.denoised)
    assert results.raw == results.sum
    assert raw.pixels.shape == denoised.pixels.shape == (192, 192)
    assert denoised.pixel_size_angstrom == pytest.approx(SIZE)
    assert denoised.pixels.std() < raw.pixels.std()
    assert denoised.pixels.mean() == pytest.approx(raw.pixels.mean(), abs=0.02)
    assert results.thumbnail.stat().st_size > 0
    figures = night.figures("movie.mrc")
    assert {"score", "brightness", "snr", "drift_total_angstrom"} <= figures.keys()
    assert 0 <= figures["score"] <= 100
    assert night.session.micrographs.overview().acquired[0] == pytest.approx(movie.stat().st_mtime)
    (record,) = night.session.micrographs.records()
    assert record.shape == (192, 192)
    assert record.pixel_size_angstrom == pytest.approx(SIZE)
    assert night.session.setting(SETTINGS_KEY)["particles"] == "not picked"
    assert record.first_frame_shift_px is not None


def test_each_file_has_the_pixel_size_that_a_list_told(night):
    paths = night.has("a.mrc", "b.mrc", "c.mrc")
    settings = night.settings(pixel_sizes={paths[0]: 2.0, paths[1]: 4.0})
    night.screen(paths, settings)
    sizes = [record.pixel_size_angstrom for record in night.session.micrographs.records()]
    assert sizes == pytest.approx([2.0, 4.0, SIZE])
    assert all(one.reused for one in night.screen(paths, settings).values())
    # As if it had been said of that file.
    said = night.settings(movies=MovieReader(RecordingOptions(pixel_size_angstrom=2.0)))
    assert night.screen(paths[:1], said)["a.mrc"].reused


def test_a_single_micrograph_has_no_halves(night):
    paths = night.has("a.mrc")
    assert night.screen(paths)["a.mrc"].error is None
    assert night.results("a.mrc").raw == paths[0]
    figures = night.figures("a.mrc")
    assert "brightness" in figures
    assert "drift_total_angstrom" not in figures


def test_a_movie_that_shows_nothing_is_not_said_to_have_stood_still(night):
    """Its drift could not be measured, so it is unknown."""
    frames = np.random.default_rng(0).poisson(1.0, size=(6, 128, 128)).astype(np.uint8)
    with mrcfile.new(night.folder / "noise.mrcs") as file:
        file.set_data(frames)
        file.set_image_stack()
        file.voxel_size = SIZE
    (night.folder / "noise.mrcs.mdoc").write_text("[FrameSet = 0]\n")  # or nothing tells
    outcome = night.screen([night.folder / "noise.mrcs"])["noise.mrcs"]
    assert outcome.error is None
    assert "brightness" in outcome.figures
    assert "drift_total_angstrom" not in outcome.figures


def test_nothing_is_done_twice(night):
    paths = night.has("a.mrc", "b.mrc")
    first = night.screen(paths)
    when = night.results("a.mrc").denoised.stat().st_mtime_ns
    night.session.close()
    night.session = Session.open(night.session.path)
    again = night.screen(paths)
    assert all(outcome.reused for outcome in again.values())
    assert again["a.mrc"].figures == first["a.mrc"].figures
    assert night.results("a.mrc").denoised.stat().st_mtime_ns == when
    assert night.state("b.mrc") == ("done", "")


def test_a_file_is_looked_at_once(night, openings):
    (path,) = night.has("a.mrc")
    openings.opened.clear()
    night.screen([path])
    # What it was like when it was screened is told by its ends; then its header and its pixels.
    assert openings.of(path) == (1, 3)
    openings.opened.clear()
    openings.sniffed.clear()
    night.screen([path], night.settings(diameter_angstrom=120.0))  # its pictures are kept
    assert openings.of(path) == (1, 3)


def test_what_has_changed_is_done_again(night):
    paths = night.has("a.mrc", "b.mrc")
    night.screen(paths)
    image = read_micrograph(paths[0])
    write_micrograph(paths[0], image.pixels[::-1].copy(), SIZE)
    again = night.screen(paths)
    assert {name for name, outcome in again.items() if not outcome.reused} == {"a.mrc"}
    other = night.settings(movies=MovieReader(RecordingOptions(pixel_size_angstrom=5.0)))
    assert not any(outcome.reused for outcome in night.screen(paths, other).values())


def test_results_that_were_deleted_are_made_again(night):
    paths = night.has("a.mrc")
    night.screen(paths)
    shutil.rmtree(night.results("a.mrc").thumbnail.parent)
    assert not night.screen(paths)["a.mrc"].reused
    assert night.results("a.mrc").are_there


def test_the_folder_may_move(night, tmp_path_factory):
    """What lies beside the session is found again, and nothing is done twice."""
    paths = night.has("a.mrc")
    night.screen(paths)
    night.session.close()
    night.folder = night.folder.rename(tmp_path_factory.mktemp("elsewhere") / "moved")
    night.session = Session.open(night.folder / "night.sqlite")
    assert night.screen([night.folder / "a.mrc"])["a.mrc"].reused


def test_a_torn_file_is_named_and_stops_nobody_else(night):
    paths = night.has("a.mrc", "b.mrc")
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[:5000])
    outcomes = night.screen(paths)
    assert isinstance(outcomes["a.mrc"].error, UnreadableFile)
    assert outcomes["b.mrc"].error is None
    state, message = night.state("a.mrc")
    assert state == "failed"
    assert str(paths[0]) in message
    assert night.state("b.mrc")[0] == "done"
    paths[0].write_bytes(whole)  # it is copied again
    assert night.screen(paths)["a.mrc"].error is None
    assert night.state("a.mrc") == ("done", "")


def test_a_fault_of_our_own_costs_one_file_only(night, monkeypatch):
    paths = night.has("a.mrc", "b.mrc")
    measure, faults = quality.image_figures, [ZeroDivisionError("oh")]

    def faulty(*given, **more):
        if faults:
            raise faults.pop()
        return measure(*given, **more)

    monkeypatch.setattr(quality, "image_figures", faulty)
    outcomes = night.screen(paths)
    assert "ZeroDivisionError: oh" in str(outcomes["a.mrc"].error)
    assert str(paths[0]) in night.state("a.mrc")[1]
    assert outcomes["b.mrc"].error is None


def test_a_file_that_a_killed_screening_was_at_waits_again(night):
    paths = night.has("a.mrc", "b.mrc")
    ids = night.session.micrographs.add_files(paths)
    night.session.micrographs.set_state(int(ids[1]), "working")  # and then the plug was pulled
    begun = []
    night.screen(paths, stop=lambda: bool(begun), watch=begun.append)
    night.screen(paths, stop=lambda: len(begun) > 2, watch=begun.append)
    assert night.state("b.mrc")[0] == "waiting"
    assert len(night.screen(paths)) == 2


def test_a_full_disk_ends_it_and_the_file_waits(night, monkeypatch):
    paths = night.has("a.mrc", "b.mrc")

    def full(path, *_, **__):
        raise WriteProblem(path, "could not be written (no space left)", "Free some space.")

    monkeypatch.setattr("napari_n2n.workflow.screening.results.write_micrograph", full)
    queue = Queue(paths)
    with pytest.raises(WriteProblem, match="no space left"):
        night.screen(queue)
    assert queue.waiting() == tuple(paths)
    assert night.state("a.mrc")[0] == "waiting"
    monkeypatch.undo()
    assert len(night.screen(queue)) == 2


def test_a_missing_model_is_told_before_anything_is_done(night):
    paths = night.has("a.mrc")
    with pytest.raises(CheckpointProblem):
        night.screen(paths, ScreenSettings(denoiser=night.folder / "none.safetensors"))
    assert len(night.session.micrographs.overview()) == 0


@pytest.mark.parametrize("stage", ["denoising", "measuring", "writing"])
def test_stopping_leaves_the_file_in_hand_as_not_begun(night, stage):
    paths = night.has("a.mrc", "b.mrc")
    queue, stopping = Queue(paths), threading.Event()

    def watch(step):
        if step.stage == stage:
            stopping.set()

    assert night.screen(queue, stop=stopping.is_set, watch=watch) == {}
    assert stopping.is_set()
    assert queue.waiting() == tuple(paths)
    assert [night.state(path.name)[0] for path in paths] == ["waiting", "waiting"]
    assert not night.results("a.mrc").are_there
    assert len(night.screen(queue)) == 2


def test_closing_the_generator_leaves_the_file_in_hand_as_not_begun(night):
    queue = Queue(night.has("a.mrc"))
    steps = screen_steps(night.session, queue, night.settings(), lambda: False)
    while next(steps).stage != "denoising":
        pass
    assert night.state("a.mrc")[0] == "working"
    steps.close()
    assert night.state("a.mrc")[0] == "waiting"
    assert len(queue) == 1


def test_all_files_are_in_the_list_before_the_first_is_done(night):
    paths = night.has("a.mrc", "b.mrc")
    (night.folder / "torn.mrc").write_bytes(b"torn")
    listed = []

    def watch(step):
        if step.stage == "listing files":
            listed.append((step.done, night.session.micrographs.overview().names))

    night.screen([*paths, night.folder / "torn.mrc"], watch=watch)
    assert listed == [(3, ["a.mrc", "b.mrc", "torn.mrc"])]


def test_a_pause_rests_and_what_is_looked_at_comes_next(night):
    paths = night.has("a.mrc", "b.mrc", "c.mrc")
    queue, rested = Queue(paths), []

    def watch(step):
        if step.stage == "denoising" and not rested:
            queue.pause()
        if step.stage == "paused":
            rested.append(step.path)
            if len(rested) == 2:
                queue.prefer(paths[2])
                queue.resume()

    assert list(night.screen(queue, watch=watch)) == ["a.mrc", "c.mrc", "b.mrc"]
    assert rested[0] == paths[0]


def test_particles_are_picked_and_another_diameter_picks_anew_only(night):
    paths = night.has("a.mrc")
    night.screen(paths, ScreenSettings(diameter_angstrom=120))
    (record,) = night.session.micrographs.records()
    first = night.session.marks.particles(record.id).particles
    assert len(first) > 3
    assert record.threshold is not None
    assert night.figures("a.mrc")["particles"] == (first.scores >= record.threshold).sum()
    assert night.session.setting("diameter_angstrom") == 120
    night.session.marks.add(record.id, Particles([[9.0, 9.0]], ["broken"], given_by=["person"]))
    when = night.results("a.mrc").denoised.stat().st_mtime_ns
    again = night.screen(paths, ScreenSettings(diameter_angstrom=200))["a.mrc"]
    assert not again.reused
    assert night.results("a.mrc").denoised.stat().st_mtime_ns == when
    second = night.session.marks.particles(record.id).particles
    assert len(second) != len(first) + 1
    assert [9.0, 9.0] in second.centres_px.tolist()
    assert night.screen(paths, ScreenSettings(diameter_angstrom=200))["a.mrc"].reused
    # Without a diameter, what was picked is as good.
    assert night.screen(paths, ScreenSettings())["a.mrc"].reused


def test_picks_on_other_pictures_are_made_anew(night):
    paths = night.has("a.mrc")
    other = MovieReader(RecordingOptions(pixel_size_angstrom=4.4))
    night.screen(paths, night.settings(diameter_angstrom=120))
    night.screen(paths, night.settings(movies=other))
    picked = night.screen(paths, night.settings(movies=other, diameter_angstrom=120))["a.mrc"]
    assert not picked.reused
    assert not any("already" in note for note in picked.notes)


def test_particles_of_a_person_are_left_as_they_are(night):
    paths = night.has("a.mrc")
    record = night.session.micrographs.find_or_add(
        paths[0], shape=(256, 256), pixel_size_angstrom=SIZE
    )
    night.session.marks.add(record, Particles([[9.0, 9.0]], ["intact"], given_by=["person"]))
    outcome = night.screen(paths, night.settings(diameter_angstrom=120))["a.mrc"]
    assert "left as they were" in outcome.notes[-1]
    assert len(night.session.marks.particles(record)) == 1
    assert night.figures("a.mrc")["particles"] == 1


def test_picks_from_elsewhere_are_left_whatever_the_diameter(night):
    paths = night.has("a.mrc")
    record = night.session.micrographs.find_or_add(
        paths[0], shape=(256, 256), pixel_size_angstrom=SIZE
    )
    night.session.marks.add(record, Particles([[9.0, 9.0]], given_by=["picker"]))
    for diameter in (120, 140):
        outcome = night.screen(paths, night.settings(diameter_angstrom=diameter))["a.mrc"]
        assert "left as they were" in outcome.notes[-1]
        assert len(night.session.marks.particles(record)) == 1
    assert night.screen(paths, night.settings(diameter_angstrom=140))["a.mrc"].reused


def test_stopping_leaves_done_what_another_window_has_done(night):
    paths = night.has("a.mrc")
    night.screen(paths)
    session = night.session
    began = False

    def stop() -> bool:
        nonlocal began
        if not began and session.micrographs.overview().states[0] == "working":
            began = True
            session.micrographs.set_state(1, "done")  # by the other window
        return began

    list(screen_steps(session, Queue(paths), night.settings(diameter_angstrom=120), stop))
    assert session.micrographs.overview().states.tolist() == ["done"]


def test_stopping_before_another_diameter_was_looked_for_leaves_it_done(night):
    paths = night.has("a.mrc")
    night.screen(paths)
    states = night.session.micrographs.overview
    began = lambda: bool(states().states[0] == "working")  # noqa: E731
    list(screen_steps(night.session, Queue(paths), night.settings(diameter_angstrom=120), began))
    assert states().states.tolist() == ["done"]


def test_a_sum_that_was_deleted_is_made_again_before_picking(night):
    paths = night.has("movie.mrc")
    night.screen(paths)
    night.results("movie.mrc").sum.unlink()
    outcome = night.screen(paths, night.settings(diameter_angstrom=120))["movie.mrc"]
    assert outcome.error is None
    assert night.results("movie.mrc").sum.exists()


def test_a_missing_pixel_size_is_told_where_it_is_needed(night):
    pixels = np.random.default_rng(0).normal(size=(128, 128)).astype(np.float32)
    path = night.folder / "plain.mrc"
    write_micrograph(path, pixels, None)
    outcome = night.screen([path], night.settings(diameter_angstrom=120))["plain.mrc"]
    assert outcome.error is None
    assert any("pixel size is unknown" in note for note in outcome.notes)


def test_verdicts_survive_whatever_is_done_again(night):
    paths = night.has("a.mrc")
    night.screen(paths)
    night.session.verdicts.give([1], "reject", reason="drift")
    other = MovieReader(RecordingOptions(pixel_size_angstrom=5.0))
    night.screen(paths, night.settings(movies=other))
    overview = night.session.micrographs.overview()
    assert (overview.verdicts[0], overview.reasons[0]) == ("reject", "drift")


def test_a_watched_folder_is_screened_as_it_fills(night, made):
    night.has("a.mrc")
    (night.folder / "torn.mrc").write_bytes((made / "c.mrc").read_bytes()[:5000])
    queue, done = Queue(open=1), []

    def watch(step):
        if step.outcome is not None:
            done.append(step.path.name)
            if len(done) == 1:
                night.has("b.mrc")

    began = time.monotonic()
    with Feed(queue, night.folder, rest_seconds=0.1, patience_seconds=1.0) as feed:
        night.screen(
            queue, stop=lambda: len(done) == 3 or time.monotonic() > began + 60, watch=watch
        )
    assert sorted(done) == ["a.mrc", "b.mrc", "torn.mrc"]
    assert done[0] == "a.mrc"
    assert night.state("torn.mrc")[0] == "failed"
    assert feed.error is None
    assert queue.is_over


def test_a_folder_that_is_not_there_is_told(tmp_path):
    queue = Queue(open=1)
    feed = Feed(queue, tmp_path / "nowhere")
    deadline = time.monotonic() + 10
    while not queue.is_over and time.monotonic() < deadline:
        time.sleep(0.01)
    assert isinstance(feed.error, UnreadableFile)


def test_a_line_tells_what_matters_first(night):
    paths = night.has("movie.mrc")
    outcome = night.screen(paths, night.settings(diameter_angstrom=120))["movie.mrc"]
    assert outcome.summary.startswith("movie.mrc: score ")
    assert " Å" in outcome.summary
    assert " particles" in outcome.summary
