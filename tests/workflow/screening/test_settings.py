"""What was screened with the same settings is not done again, unless what is measured changed."""

from pathlib import Path

import numpy as np
import pytest

from napari_n2n.io import write_micrograph
from napari_n2n.settings import setting_fields
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.screening import ScreenSettings
from napari_n2n.workflow.screening.settings import in_words, settings_digest


@pytest.fixture
def gain(tmp_path) -> Path:
    pixels = (np.arange(48, dtype=np.float32).reshape(6, 8) + 100) / 120
    write_micrograph(tmp_path / "gain.mrc", pixels, 1.0)
    return tmp_path / "gain.mrc"


def digest_of(**said) -> str:
    settings = ScreenSettings(MovieReader(RecordingOptions(**said)), diameter_angstrom=124.0)
    return str(settings_digest(settings, settings.model()))


TURNED = {"gain_operation": "divide", "gain_rotation": 3, "gain_flip": 2}


@pytest.mark.parametrize(
    ("said", "with_gain", "digest"),
    [
        ({}, False, "-34b55b5630e818ab-124"),
        ({"pixel_size_angstrom": 1.05}, False, "-fd22f5d268159469-124"),
        (
            {"pixel_size_angstrom": 0.8285, "dose_per_frame": 1.25, "aligned": True},
            False,
            "-73f7134a345d4ce1-124",
        ),
        (TURNED, True, "-87194bf05ac1ef3c-124"),
        # How a gain is used was always to multiply; it now depends on the formats.
        ({"gain_operation": "multiply"}, True, "-f411212cc9f078d6-124"),
        (
            {"eer_frames": 40, "eer_raw_dose": 0.0275, "eer_upsampling": 2},
            False,
            "-0702ae8e3ab2696b-124",
        ),
        ({"eer_dose": 0.9}, False, "-f5841ea2b64c2417-124"),
    ],
)
def test_the_digest_changes_with_the_recipe_and_nothing_else(gain, said, with_gain, digest):
    assert digest_of(**said, gain=gain if with_gain else None) == digest


def test_every_field_of_a_recording_is_in_the_digest(gain):
    """A field that is added to the model and not to the digest would leave stale pictures."""
    others = {"gain": None, "eer_dose": 0.5}
    for name, field in setting_fields(RecordingOptions).items():
        start = {} if name == "eer_dose" else {"gain": gain}
        if field.choices:
            other = field.choices[-1]
        elif field.kind is bool:
            other = True
        else:
            other = others.get(name, 3)
        assert digest_of(**{**start, name: other}) != digest_of(**start), name


def test_a_gain_of_the_same_content_is_the_same_and_of_another_is_not(gain, tmp_path):
    copy = tmp_path / "copy.mrc"
    copy.write_bytes(gain.read_bytes())
    assert digest_of(gain=copy) == digest_of(gain=gain)
    write_micrograph(copy, np.linspace(0.9, 1.1, 48, dtype=np.float32).reshape(6, 8), 1.0)
    assert digest_of(gain=copy) != digest_of(gain=gain)


def test_the_session_tells_in_words_how_it_was_screened(gain):
    said = RecordingOptions(pixel_size_angstrom=1.05, gain=gain, gain_flip=1)
    settings = ScreenSettings(MovieReader(said))
    words = in_words(settings, settings.model())
    assert words["pixel size"] == "1.05 Å"
    assert words["gain reference"] == str(gain)
    assert words["flip gain"] == "upside down"
    assert words["frames of movies"] == "aligned"
    assert words["particles"] == "not picked"
