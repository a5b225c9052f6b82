"""Negative stain and inverted images are treated as the cryo image they are the negative of."""

from __future__ import annotations

import numpy as np
import pytest

import napari_n2n as n2n
from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import BadValue
from napari_n2n.io import read_micrograph, write_micrograph
from napari_n2n.session import Session
from napari_n2n.workflow.contrast import BRIGHT
from napari_n2n.workflow.denoising import denoise_field_steps
from napari_n2n.workflow.screening import SETTINGS_KEY, Queue, ScreenSettings, screen_steps

SIZE, DIAMETER = 4.0, 124.0


@pytest.fixture(scope="module")
def cryo():
    """Return a micrograph (y, x) of dark particles, recorded in counts."""
    config = n2n.SimulationConfig(
        shape=(384, 384), n_frames=8, pixel_size_angstrom=SIZE, dose_per_frame=2.0, hot_pixels=20
    )
    return n2n.simulate(config).frames.sum(axis=0, dtype=np.float32)


@pytest.fixture(scope="module")
def own():
    """Return a model that was trained on something, by whoever uses it."""
    network = NetworkConfig(name="s", encoder=((4,), (4,), (4,)), decoder=((4,), (4,)))
    training = TrainingConfig(network=network, working_pixel_size_angstrom=SIZE, steps=1)
    return Denoiser(UNet(network).eval(), training, SIZE)


@pytest.fixture(scope="module")
def denoised(cryo):
    return n2n.denoise(cryo, pixel_size_angstrom=SIZE)


@pytest.fixture(scope="module")
def inverted(cryo):
    return n2n.denoise(-cryo, pixel_size_angstrom=SIZE)


def test_the_general_model_denoises_the_negative_and_gives_back_what_was_recorded(
    cryo, denoised, inverted
):
    np.testing.assert_allclose(inverted.pixels, -denoised.pixels, atol=1e-3 * cryo.std())
    np.testing.assert_array_equal(inverted.raw, -cryo)
    assert BRIGHT in inverted.notes
    assert BRIGHT not in denoised.notes


def test_what_a_person_says_wins_over_what_the_image_tells(cryo, denoised):
    told = n2n.denoise(-cryo, pixel_size_angstrom=SIZE, contrast="dark")
    assert not np.allclose(told.pixels, -denoised.pixels, atol=0.05 * cryo.std())
    assert BRIGHT not in told.notes
    with pytest.raises(BadValue, match="auto, dark, bright"):
        n2n.denoise(cryo, pixel_size_angstrom=SIZE, contrast="light")


def test_the_part_in_view_has_the_contrast_of_the_image(cryo):
    # A part of a small field is not denoised for itself.
    image = n2n.Micrograph.from_array(-np.tile(cryo, (3, 3)), SIZE)
    first = (slice(100, 200), slice(100, 200))
    steps = denoise_field_steps(image, n2n.general_model(), first=first)
    regions = (getattr(step, "region", None) for step in steps)
    region = next(region for region in regions if region is not None)
    assert region.pixels.mean() == pytest.approx(-cryo.mean(), rel=0.1)


def test_a_model_of_ones_own_sees_the_image_as_it_is(cryo, own):
    """It was trained on such images."""
    as_it_is = n2n.denoise(-cryo, own, pixel_size_angstrom=SIZE, contrast="dark")
    bright = n2n.denoise(-cryo, own, pixel_size_angstrom=SIZE, contrast="bright")
    np.testing.assert_array_equal(bright.pixels, as_it_is.pixels)


def test_the_same_particles_are_found_in_the_inverted_image(denoised, inverted):
    known = n2n.pick(denoised, DIAMETER)
    found = n2n.pick(inverted, DIAMETER)
    assert len(known.particles) > 20
    assert len(found.particles) == pytest.approx(len(known.particles), rel=0.05)


def test_a_guess_of_the_diameter_is_that_of_the_negative(cryo):
    guesses = [n2n.pick(image, pixel_size_angstrom=SIZE) for image in (cryo, -cryo)]
    diameters = [picked.diameter_angstrom for picked in guesses]
    assert diameters[0] == pytest.approx(diameters[1], rel=0.01)


@pytest.fixture
def screened(cryo, tmp_path):
    """Screen a micrograph and its negative; return the outcomes by name, and the session."""
    write_micrograph(tmp_path / "cryo.mrc", cryo, SIZE)
    write_micrograph(tmp_path / "stain.mrc", cryo.max() - cryo, SIZE)

    def screen(**settings):
        queue = Queue([tmp_path / "cryo.mrc", tmp_path / "stain.mrc"])
        wanted = ScreenSettings(diameter_angstrom=DIAMETER, **settings)
        with Session.open(tmp_path / "night.sqlite") as session:
            outcomes = {
                step.path.stem: step.outcome
                for step in screen_steps(session, queue, wanted)
                if step.outcome is not None
            }
            return outcomes, session.setting(SETTINGS_KEY)

    return screen


def test_negative_stain_is_judged_as_its_negative_and_says_so(screened):
    outcomes, _ = screened()
    cryo, stain = outcomes["cryo"], outcomes["stain"]
    as_recorded = {"brightness", "brightness_gradient"}
    for name in set(cryo.figures) - as_recorded:
        assert stain.figures[name] == pytest.approx(cryo.figures[name], rel=0.02, abs=0.5), name
    assert stain.figures["brightness"] > 0
    assert any("judged as negative stain" in note for note in stain.notes)
    assert not any("negative stain" in note for note in cryo.notes)


def test_the_session_remembers_what_was_said_and_another_choice_screens_anew(screened, own):
    screened(denoiser=own)
    again, told = screened(denoiser=own)
    assert all(outcome.reused for outcome in again.values())
    assert "particles are" not in told
    other, told = screened(denoiser=own, contrast="bright")
    assert not any(outcome.reused for outcome in other.values())
    assert told["particles are"] == "bright"


def test_the_command_line_takes_the_choice(n2n, cryo, tmp_path, capsys):
    write_micrograph(tmp_path / "stain.mrc", -cryo, SIZE)
    assert n2n("denoise", tmp_path / "stain.mrc", "-o", tmp_path / "auto", "-q") == 0
    assert "bright on dark" in capsys.readouterr().err
    command = ("denoise", tmp_path / "stain.mrc", "-o", tmp_path / "dark", "--contrast", "dark")
    assert n2n(*command, "-q") == 0
    assert "bright on dark" not in capsys.readouterr().err
    results = [read_micrograph(tmp_path / each / "stain.mrc").pixels for each in ("auto", "dark")]
    assert not np.allclose(*results, atol=0.05 * cryo.std())
    counts = []
    for contrast in ("auto", "bright", "dark"):
        picks = tmp_path / f"{contrast}.csv"
        command = ("pick", tmp_path / "stain.mrc", "--diameter", DIAMETER, "-o", picks, "-q")
        assert n2n(*command, "--contrast", contrast) == 0
        counts.append(len(picks.read_text("utf-8").splitlines()))
    assert counts[0] == counts[1] > counts[2]
