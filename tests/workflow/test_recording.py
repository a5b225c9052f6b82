"""How a movie was recorded: what counts as said, and what is opened of it."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io import (
    Micrograph,
    Movie,
    Photograph,
    pixel_size,
    write_micrograph,
    write_mrc_stack,
)
from napari_n2n.settings import ConfigProblem, setting_fields, validated
from napari_n2n.simulation.eer_encoding import encode_eer
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.recording import RecordingOptions

GAIN = Path("gain.mrc")


def test_how_a_gain_lies_is_forgotten_where_there_is_none():
    assert RecordingOptions(gain_rotation=1, gain_operation="divide") == RecordingOptions()
    turned = RecordingOptions(gain=GAIN, gain_rotation=1, gain_flip=2)
    assert turned.replaced(gain=None) == RecordingOptions()


def test_only_gain_and_eer_change_frames():
    said = {"pixel_size_angstrom": 1.1, "dose_per_frame": 2.0, "aligned": True}
    assert RecordingOptions(**said).said == said
    assert not RecordingOptions(**said).changes_frames
    for changed in ({"gain": GAIN}, {"eer_frames": 4}, {"eer_upsampling": 2}, {"eer_raw_dose": 1}):
        assert RecordingOptions(**changed).changes_frames


def test_what_was_said_is_told_in_words():
    said = RecordingOptions(pixel_size_angstrom=1.05, gain=GAIN, gain_rotation=1, eer_dose=0.5)
    assert said.in_words() == {
        "pixel size": "1.05 Å",
        "gain reference": "gain.mrc",
        "turn gain": "90°",
        "EER dose": "0.5 e/Å²",
    }
    assert RecordingOptions().in_words() == {}


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"eer_frames": 4, "eer_dose": 1.0}, "Choose the number of EER frames or the dose"),
        ({"eer_upsampling": 3}, "eer_upsampling = 3: Input should be 1, 2 or 4"),
        ({"pixel_size_angstrom": float("nan")}, "pixel_size_angstrom = nan"),
        ({"dose_per_frame": 0.0}, "dose_per_frame = 0.0"),
    ],
)
def test_what_cannot_be_meant_is_said_in_a_sentence(said, sentence):
    with pytest.raises(ConfigProblem, match=sentence):
        validated(RecordingOptions, **said)


def test_pixel_sizes_that_may_be_said_are_those_that_files_are_believed():
    field = setting_fields(RecordingOptions)["pixel_size_angstrom"]
    assert (field.least, field.most) == (pixel_size.SMALLEST_ANGSTROM, pixel_size.LARGEST_ANGSTROM)


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    frames = rng.poisson(2, (6, 24, 32)).astype(np.uint8)
    encode_eer(frames, tmp_path / "movie.eer", pixel_size_angstrom=1.0, dose_per_frame=0.5)
    gain = rng.uniform(0.9, 1.1, (24, 32)).astype(np.float32)
    write_micrograph(tmp_path / "gain.mrc", gain, None)
    write_micrograph(tmp_path / "sum.mrc", frames.sum(0).astype(np.float32), 1.0)
    with mrcfile.new(tmp_path / "volume.mrc") as file:
        file.set_data(frames.astype(np.float32))
        file.set_volume()
    return tmp_path, frames, gain


def test_a_movie_is_opened_as_it_was_recorded(files):
    folder, frames, gain = files
    said = RecordingOptions(
        pixel_size_angstrom=1.2, dose_per_frame=2.0, gain=folder / "gain.mrc", eer_frames=3
    )
    for open_ in (MovieReader(said).open_field, MovieReader(said).open_movie):
        movie = open_(folder / "movie.eer")
        assert isinstance(movie, Movie)
        assert (len(movie), movie.pixel_size_angstrom, movie.dose_per_frame) == (3, 1.2, 2.0)
        factor = gain.mean() / gain  # as RELION does with EER
        np.testing.assert_allclose(movie.frame(0), frames[:2].sum(0) * factor, rtol=1e-5)


def test_a_movie_that_is_open_is_not_opened_again(files, openings):
    folder, _, gain = files
    plain = MovieReader().open_movie(folder / "movie.eer")
    reader = MovieReader(RecordingOptions(gain=folder / "gain.mrc", eer_upsampling=2))
    movie = reader.applied_to(plain)
    assert openings.of(folder / "movie.eer") == (1, 1)
    assert movie.shape[1:] == (48, 64)
    assert movie.pixel_size_angstrom == 0.5
    # What is not said stays as it was made.
    dosed = plain.replaced(dose_per_frame=3.0)
    only_gain = MovieReader(RecordingOptions(gain=folder / "gain.mrc")).applied_to(dosed)
    assert only_gain.dose_per_frame == 3.0
    factor = gain.mean() / gain  # as RELION does with EER
    np.testing.assert_allclose(only_gain.frame(0), plain.frame(0) * factor, rtol=1e-5)


def test_images_have_the_pixel_size_that_was_said_and_nothing_else(files):
    folder, frames, _ = files
    said = RecordingOptions(pixel_size_angstrom=1.2, gain=folder / "gain.mrc")
    image = MovieReader(said).open_grey_field(folder / "sum.mrc")
    assert type(image) is Micrograph
    assert image.pixel_size_angstrom == 1.2
    np.testing.assert_array_equal(image.pixels, frames.sum(0))


def test_volumes_and_colours_are_refused_where_they_are_not_meant(files, tmp_path):
    from PIL import Image

    folder, frames, _ = files
    for open_ in (MovieReader().open_field, MovieReader().open_movie):
        with pytest.raises(UnreadableFile, match=r"volume by its header.*--kind movie"):
            open_(folder / "volume.mrc")
    reader = MovieReader(RecordingOptions(kind="movie"))
    for open_ in (reader.open_field, reader.open_movie):
        np.testing.assert_array_equal(open_(folder / "volume.mrc")[2], frames[2])
    with pytest.raises(UnreadableFile, match="tilt series by what was said of it"):
        MovieReader(RecordingOptions(kind="tilt-series")).open_movie(folder / "volume.mrc")
    Image.fromarray(np.arange(243, dtype=np.uint8).reshape(9, 9, 3)).save(tmp_path / "a.png")
    assert type(MovieReader().open_field(tmp_path / "a.png")) is Photograph
    with pytest.raises(UnreadableFile, match="colour photograph"):
        MovieReader().open_grey_field(tmp_path / "a.png")


def test_a_gain_that_cannot_be_read_is_told_before_any_movie_is_opened(tmp_path):
    with pytest.raises(N2NError, match=r"none\.mrc does not exist"):
        MovieReader(RecordingOptions(gain=tmp_path / "none.mrc"))


@pytest.mark.parametrize(
    ("said", "file", "part"),
    [
        ({"gain": "gain.mrc"}, "sum.mrc", "single image, not a movie: what was said of gain ref"),
        ({"dose_per_frame": 1.0}, "sum.mrc", "what was said of frame dose does not apply"),
        ({"aligned": True}, "sum.mrc", "frames are aligned already does not apply"),
        ({"eer_frames": 3}, "sum.mrc", "what was said of EER frames does not apply"),
        ({"eer_upsampling": 2}, "counts.mrc", "no EER: what was said of EER pixels"),
        ({"gain": "gain.mrc", "dose_per_frame": 1.0, "aligned": True}, "counts.mrc", ""),
        ({"eer_upsampling": 2, "eer_frames": 3, "aligned": True}, "movie.eer", ""),
        ({"pixel_size_angstrom": 2.0}, "sum.mrc", ""),
    ],
)
def test_what_is_said_in_vain_is_not_ignored_in_silence(files, said, file, part):
    folder, frames, _ = files
    write_mrc_stack(folder / "counts.mrc", frames, 1.0)
    (folder / "counts.mrc.mdoc").write_text("[FrameSet = 0]\n")  # or nothing tells
    if "gain" in said:
        said = said | {"gain": folder / said["gain"]}
    opened = MovieReader(RecordingOptions(**said)).open_field(folder / file)
    told = " ".join(note for note in opened.notes if "does not apply" in note)
    assert part in told
    assert bool(told) == bool(part)
