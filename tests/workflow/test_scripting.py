"""The front door for scripts: whatever a person has at hand is taken, or refused in a sentence."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import napari_n2n as n2n
from napari_n2n.denoising.training.micrographs import resume_path
from napari_n2n.errors import BadPixels, BadValue, NotEnoughData
from napari_n2n.io import Micrograph, Movie, Photograph, Volume, write_micrograph, write_mrc_stack
from napari_n2n.particles import Template

SIZE = 2.5
DIAMETER = 124.0


@pytest.fixture(scope="module")
def simulated():
    config = n2n.SimulationConfig(
        shape=(256, 256), n_frames=6, pixel_size_angstrom=SIZE, contaminant_count=0, seed=3
    )
    return n2n.simulate(config)


@pytest.fixture(scope="module")
def frames(simulated):
    return simulated.frames


@pytest.fixture(scope="module")
def sums(frames):
    return n2n.align(frames, pixel_size_angstrom=SIZE)


@pytest.fixture(scope="module")
def denoised(sums):
    return n2n.denoise(sums)


def with_axes(pixels, size, unit="Å", dims=("y", "x")):
    """Return an xarray whose last two axes are in ``unit``, ``size`` apart."""
    coords = {
        name: (name, np.arange(pixels.shape[place]) * size, {"units": unit})
        for place, name in enumerate(dims)
        if name in ("x", "y")
    }
    return xr.DataArray(pixels, dims=dims, coords=coords)


def same(one, other):
    np.testing.assert_array_equal(one, other)


# Importing ------------------------------------------------------------------------------------


def test_asking_for_a_function_loads_no_torch():
    code = (
        "import sys, napari_n2n as n2n; "
        "print(n2n.align, n2n.train, n2n.denoise, n2n.pick, n2n.general_model, n2n.Session); "
        "print(n2n.open_movie, n2n.read_micrograph); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_takes_a_fifth_of_a_second_at_most():
    code = (
        "import time; began = time.process_time(); import napari_n2n; "
        "print(time.process_time() - began)"
    )
    taken = min(
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
        for _ in range(3)
    )
    assert taken < 0.2


def test_every_public_name_is_there():
    assert [name for name in n2n.__all__ if getattr(n2n, name, None) is None] == []
    assert set(n2n.__all__) <= set(dir(n2n))


# Arrays ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["dask", "xarray", "xarray of dask", "list"])
def test_frames_of_any_array_are_aligned_as_those_of_numpy(frames, sums, kind):
    lazy = da.from_array(frames, chunks=(1, 256, 256))
    dims = ("frame", "y", "x")
    given = {
        "dask": lazy,
        "xarray": xr.DataArray(frames, dims=dims),
        "xarray of dask": xr.DataArray(lazy, dims=dims),
        "list": list(frames),
    }[kind]
    aligned = n2n.align(given, pixel_size_angstrom=SIZE)
    same(aligned.full, sums.full)
    same(aligned.odd, sums.odd)
    assert aligned.pixel_size_angstrom == SIZE


def test_a_movie_of_dask_is_computed_frame_by_frame(frames, sums):
    most = []

    def counting(block):
        most.append(len(block))
        return block

    lazy = da.from_array(frames, chunks=(1, 256, 256)).map_blocks(counting, dtype=frames.dtype)
    most.clear()  # dask tries the function on nothing
    same(n2n.align(lazy, pixel_size_angstrom=SIZE).full, sums.full)
    assert most
    assert max(most) == 1


@pytest.mark.parametrize("unit", ["Å", "angstrom", "nm"])
def test_the_pixel_size_is_that_of_xarrays_coordinates(frames, sums, denoised, unit):
    step = SIZE / 10 if unit == "nm" else SIZE
    aligned = n2n.align(with_axes(frames, step, unit, ("frame", "y", "x")))
    assert aligned.pixel_size_angstrom == pytest.approx(SIZE)
    same(aligned.full, sums.full)
    image = with_axes(sums.full, step, unit)
    result = n2n.denoise(image)
    assert result.pixel_size_angstrom == pytest.approx(SIZE)
    np.testing.assert_allclose(
        result.pixels, n2n.denoise(sums.full, pixel_size_angstrom=SIZE).pixels, rtol=1e-5
    )
    picks = n2n.pick(with_axes(denoised.pixels, step, unit), DIAMETER)
    expected = n2n.pick(denoised.pixels, DIAMETER, pixel_size_angstrom=SIZE)
    assert picks.pixel_size_angstrom == pytest.approx(SIZE)
    np.testing.assert_allclose(picks.particles.centres_px, expected.particles.centres_px, atol=1e-6)


def test_coordinates_without_a_unit_of_length_tell_no_pixel_size(frames):
    assert n2n.align(with_axes(frames, 1, "px", ("frame", "y", "x"))).pixel_size_angstrom is None
    bare = xr.DataArray(frames, dims=("frame", "y", "x"))
    assert n2n.align(bare).pixel_size_angstrom is None


def test_what_is_said_wins_over_the_coordinates(sums):
    image = with_axes(sums.full, 1.0)
    assert n2n.denoise(image, pixel_size_angstrom=SIZE).pixel_size_angstrom == SIZE


def test_an_xarray_may_have_its_axes_in_another_order(sums):
    turned = with_axes(sums.full, SIZE).transpose("x", "y")
    same(
        n2n.denoise(turned).pixels,
        n2n.denoise(sums.full, pixel_size_angstrom=SIZE).pixels,
    )


@pytest.mark.parametrize("kind", ["numpy", "dask", "xarray", "list", "Micrograph"])
def test_any_image_is_denoised_and_picked_on_as_that_of_numpy(sums, kind):
    image = sums.full
    given = {
        "numpy": image,
        "dask": da.from_array(image, chunks=100),
        "xarray": with_axes(image, SIZE),
        "list": image.tolist(),
        "Micrograph": Micrograph.from_array(image),
    }[kind]
    size = None if kind == "xarray" else SIZE
    result = n2n.denoise(given, pixel_size_angstrom=size)
    same(result.pixels, n2n.denoise(Micrograph.from_array(image, SIZE)).pixels)
    picks = n2n.pick(given, DIAMETER, pixel_size_angstrom=size)
    expected = n2n.pick(Micrograph.from_array(image, SIZE), DIAMETER)
    same(picks.particles.centres_px, expected.particles.centres_px)
    assert picks.shape == (256, 256)


@pytest.mark.parametrize("kind", ["numpy", "dask", "xarray", "files"])
def test_pairs_of_any_kind_train_the_same_model(sums, kind, tmp_path):
    pair = (sums.odd, sums.even)
    if kind == "dask":
        pair = tuple(da.from_array(half) for half in pair)
    elif kind == "xarray":
        pair = tuple(with_axes(half, SIZE) for half in pair)
    elif kind == "files":
        written = n2n.write_halves(sums, tmp_path, "a")
        pair = (str(written.odd), written.even)
    size = SIZE if kind in ("numpy", "dask") else None
    model = n2n.train([pair], pixel_size_angstrom=size, steps=3)
    expected = n2n.train([sums], steps=3)
    for name, weights in expected.network.state_dict().items():
        same(model.network.state_dict()[name], weights)
    assert model.working_pixel_size_angstrom == expected.working_pixel_size_angstrom


def test_images_without_halves_and_generators_of_images_are_trained_on(sums):
    model = n2n.train((image for image in [sums.full]), pixel_size_angstrom=SIZE, steps=2)
    assert model.provenance.pairing != "halves"


def test_a_pair_of_halves_is_denoised_as_what_align_returns(sums, denoised):
    result = n2n.denoise((sums.odd, sums.even), pixel_size_angstrom=SIZE)
    same(result.pixels, denoised.pixels)
    same(result.frc_before.correlation, denoised.frc_before.correlation)


def test_a_photograph_stays_one():
    pixels = np.random.default_rng(0).uniform(0, 255, (64, 64, 3)).astype(np.float32)
    result = n2n.denoise(pixels, "photographs")
    assert result.pixels.shape == (64, 64, 3)
    same(result.pixels, n2n.denoise(Photograph.from_array(pixels), "photographs").pixels)
    with pytest.raises(BadValue, match="colour photograph"):
        n2n.pick(pixels, 20, pixel_size_angstrom=1)


# Files ----------------------------------------------------------------------------------------


def test_paths_may_be_text_or_paths(frames, sums, denoised, tmp_path):
    movie = tmp_path / "m.mrc"
    write_mrc_stack(movie, frames, SIZE)
    for path in (movie, str(movie)):
        same(n2n.align(path).full, sums.full)
    result = n2n.denoise(str(movie))
    same(result.pixels, denoised.pixels)
    assert result.path == movie
    saved = result.save(str(tmp_path / "denoised.mrc"))
    for path in (saved, str(saved)):
        picks = n2n.pick(path, DIAMETER)
        assert picks.micrograph == str(saved)
        assert len(picks.particles)


def test_picks_bear_the_name_of_the_movie_they_come_from(frames, tmp_path):
    movie = tmp_path / "m.mrc"
    write_mrc_stack(movie, frames, SIZE)
    result = n2n.denoise(movie)
    assert n2n.pick(result, DIAMETER).micrograph == str(movie)
    assert n2n.pick(result, DIAMETER, name="Movies/m.mrc").micrograph == "Movies/m.mrc"
    assert n2n.pick(result.pixels, DIAMETER, pixel_size_angstrom=SIZE).micrograph == "micrograph"


def test_what_is_opened_is_taken_as_it_is(frames, sums, tmp_path):
    movie = tmp_path / "m.mrc"
    write_mrc_stack(movie, frames, SIZE)
    opened = n2n.open_movie(movie)
    same(n2n.align(opened).full, sums.full)
    again = n2n.align(opened, pixel_size_angstrom=5.0, dose_per_frame=2.0)
    assert (again.pixel_size_angstrom, again.dose) == (5.0, 12.0)


def test_a_volume_by_its_header_is_aligned_once_it_is_said_to_be_a_movie(frames, sums, tmp_path):
    path = tmp_path / "v.mrc"
    write_mrc_stack(path, frames, SIZE)
    source = n2n.open_movie(path).source
    volume = Volume.from_source(source, path)
    same(n2n.align(n2n.open_movie(path)).full, sums.full)
    for refusing in (
        n2n.align,
        n2n.denoise,
        lambda it: n2n.train([it]),
        lambda it: n2n.pick(it, 100),
    ):
        with pytest.raises(BadValue, match="is a volume by its header"):
            refusing(volume)


def test_a_training_goes_on_where_it_was_stopped(sums, tmp_path):
    output = tmp_path / "model.safetensors"
    trained: list[int] = []
    for step in n2n.train_steps([sums], steps=6, output=output, stop=lambda: bool(trained)):
        if step.stage == "training":
            trained.append(step.step)
    assert trained[-1] < 6
    assert resume_path(output).exists()
    model = n2n.train([sums], steps=6, output=output, resume=True)
    whole = n2n.train([sums], steps=6)
    for name, weights in whole.network.state_dict().items():
        same(model.network.state_dict()[name], weights)


# Settings -------------------------------------------------------------------------------------


def test_the_config_keeps_its_device_unless_another_is_said(frames):
    config = n2n.MotionConfig(device="nonsense:9")
    with pytest.raises(n2n.N2NError, match="nonsense"):
        n2n.align(frames, config, pixel_size_angstrom=SIZE)
    n2n.align(frames, config, pixel_size_angstrom=SIZE, device="cpu")


def test_a_pixel_size_that_is_given_wins_over_that_of_halves(sums):
    unknown = replace(sums, pixel_size_angstrom=None)
    same(n2n.denoise(unknown, pixel_size_angstrom=SIZE).pixels, n2n.denoise(sums).pixels)
    assert n2n.denoise(sums, pixel_size_angstrom=5.0).pixel_size_angstrom == 5.0


def test_a_pixel_size_that_is_given_is_the_one_that_is_picked_at(denoised):
    unknown = replace(denoised, pixel_size_angstrom=None)
    picks = n2n.pick(unknown, DIAMETER, pixel_size_angstrom=SIZE)
    same(picks.particles.centres_px, n2n.pick(denoised, DIAMETER).particles.centres_px)


def test_particles_are_looked_for_that_are_like_those_clicked(simulated, denoised):
    clicked = simulated.truth.centres_px[np.asarray(simulated.truth.labels) == "intact"][:5]
    found = n2n.pick(denoised, DIAMETER, like=clicked)
    template = Template.learnt(denoised.pixels, SIZE, clicked, DIAMETER)
    scores = n2n.pick(denoised, DIAMETER, like=template).particles.scores
    # `pick` learns from the image without what it avoids.
    np.testing.assert_allclose(found.particles.scores, scores, rtol=0.01)
    from_particles = n2n.pick(denoised, DIAMETER, like=n2n.Particles(clicked))
    same(found.particles.scores, from_particles.particles.scores)
    guessed = n2n.pick(denoised, DIAMETER)
    assert not np.array_equal(found.particles.scores, guessed.particles.scores)


def test_the_sums_of_a_movie_are_picked_on_as_they_were_recorded(sums):
    same(
        n2n.pick(sums, DIAMETER).particles.centres_px,
        n2n.pick(sums.full, DIAMETER, pixel_size_angstrom=SIZE).particles.centres_px,
    )


# Progress -------------------------------------------------------------------------------------


def test_every_function_tells_how_far_it_is(sums, frames):
    told = []
    same(
        n2n.run_to_end(n2n.align_steps(frames, pixel_size_angstrom=SIZE), told.append).full,
        sums.full,
    )
    n2n.run_to_end(n2n.train_steps([sums], steps=2), told.append)
    n2n.run_to_end(n2n.denoise_steps(sums), told.append)
    n2n.run_to_end(n2n.pick_steps(sums), told.append)
    assert all(isinstance(step, n2n.Progress) for step in told)
    assert len({step.stage for step in told}) > 4


@pytest.mark.parametrize("work", ["align", "denoise", "denoise a movie", "pick"])
def test_who_asks_to_stop_gets_no_result(frames, sums, work):
    def stop():
        return True

    steps = {
        "align": lambda: n2n.align_steps(frames, pixel_size_angstrom=SIZE, stop=stop),
        "denoise": lambda: n2n.denoise_steps(sums, stop=stop),
        "denoise a movie": lambda: n2n.denoise_steps(Movie.from_array(frames, SIZE), stop=stop),
        "pick": lambda: n2n.pick_steps(sums, stop=stop),
    }[work]
    with pytest.raises(n2n.Interrupted):
        n2n.run_to_end(steps())


# What cannot be ---------------------------------------------------------------------------------


def flat(*shape):
    return np.zeros(shape, np.float32)


def noise(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: n2n.align(noise(64)), r"A movie's frames are \(frame, y, x\).*\(64,\)"),
        (lambda: n2n.align(noise(64, 64)), r"\(frame, y, x\); these are of shape \(64, 64\)"),
        (lambda: n2n.align(noise(0, 64, 64)), r"of shape \(0, 64, 64\)"),
        (lambda: n2n.align(None), "Give a movie's file name, .* not NoneType"),
        (lambda: n2n.align(["a.mrc", "b.mrc"]), "Give one at a time"),
        (lambda: n2n.align(noise(1, 64, 64)), "has 1 frame, and halves need two"),
        (lambda: n2n.align(noise(4, 64, 64) * 1j), "not an array of complex"),
        (lambda: n2n.align(noise(4, 64, 64), pixel_size_angstrom=-1), "pixel size of -1"),
        (lambda: n2n.align(noise(4, 64, 64), dose_per_frame=0), "must be positive"),
        (lambda: n2n.train([]), "nothing to train on"),
        (lambda: n2n.train("movie.mrc"), "Give a list"),
        (lambda: n2n.train(noise(64, 64)), "Give a list"),
        (lambda: n2n.train(3), "Give a list"),
        (lambda: n2n.train((noise(64, 64), noise(64, 64))), r"pairs in a list, \[\(odd, even\)\]"),
        (lambda: n2n.train([Movie.from_array(noise(4, 64, 64))]), "is a movie. Align it first"),
        (lambda: n2n.train([noise(4, 64, 64)]), "Align a movie first"),
        (lambda: n2n.train([noise(64)]), r"An image is \(y, x\); this is of shape \(64,\)"),
        (lambda: n2n.train([(noise(64, 64), noise(64, 32))]), "have the shapes"),
        (lambda: n2n.train([noise(64, 64)], steps=-1), "steps"),
        (lambda: n2n.train([noise(64, 64)], stepz=1), "no setting 'stepz'"),
        (lambda: n2n.train([noise(64, 64)], preset="slow"), "no preset 'slow'"),
        (lambda: n2n.train([noise(64, 64)], resume=True), "give the output"),
        (lambda: n2n.denoise(noise(64)), r"this is of shape \(64,\)"),
        (lambda: n2n.denoise(noise(4, 64, 64)), "Align a movie first"),
        (lambda: n2n.denoise([]), "Give one at a time|of shape"),
        (lambda: n2n.denoise(["a.mrc"]), "Give one at a time"),
        (lambda: n2n.denoise({}), "not dict"),
        (lambda: n2n.denoise(flat(64, 64)), "is constant"),
        (lambda: n2n.denoise(noise(64, 64) * np.nan), "NaN"),
        (lambda: n2n.denoise(noise(64, 64), 3), "Give a model or its file's name, not int"),
        (lambda: n2n.denoise(noise(64, 64), pixel_size_angstrom=0), "pixel size of 0"),
        (lambda: n2n.denoise(noise(64, 64), "none.safetensors"), "none.safetensors is not a file"),
        (lambda: n2n.denoise("none.mrc"), "none.mrc does not exist"),
        (lambda: n2n.pick(noise(64, 64), 100), "pixel size is unknown. Give it, in Å"),
        (lambda: n2n.pick(noise(64, 64)), "pixel size is unknown. Give it, in Å"),
        (lambda: n2n.pick(noise(64, 64), -3, pixel_size_angstrom=1), "diameter of -3"),
        (lambda: n2n.pick(Movie.from_array(noise(4, 64, 64))), "This is a movie"),
        (
            lambda: n2n.pick(noise(64, 64), 20, pixel_size_angstrom=1, like=[1, 2, 3]),
            r"are \(n, 2\) y, x",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(call, said):
    with pytest.raises((n2n.N2NError, BadPixels, NotEnoughData), match=said) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith((".", "…"))


def test_halves_and_results_are_not_taken_for_something_else(sums, denoised):
    with pytest.raises(BadValue, match="aligned already"):
        n2n.align(sums)
    with pytest.raises(BadValue, match="denoised already"):
        n2n.denoise(denoised)
    with pytest.raises(BadValue, match="Give a list"):
        n2n.train(sums)
    with pytest.raises(BadValue, match=r"pixels of 2.5 Å and of 4 Å"):
        n2n.denoise((with_axes(sums.odd, 2.5), with_axes(sums.even, 4.0)))


@pytest.mark.parametrize(
    ("y", "x", "said"),
    [
        (np.arange(64) * 1.0, np.arange(64) * 1.5, r"not square \(1.5 × 1 Å\)"),
        (np.arange(64) ** 2.0, np.arange(64) * 1.0, "along y are not evenly spaced"),
    ],
)
def test_coordinates_that_cannot_be_those_of_pixels_are_refused(y, x, said):
    axes = {"y": ("y", y, {"units": "Å"}), "x": ("x", x, {"units": "Å"})}
    image = xr.DataArray(noise(64, 64), dims=("y", "x"), coords=axes)
    with pytest.raises(BadValue, match=said):
        n2n.denoise(image)
    # Who says the pixel size knows better.
    assert n2n.denoise(image, pixel_size_angstrom=4).pixel_size_angstrom == 4


def test_a_file_that_is_a_movie_is_not_picked_on(frames, tmp_path):
    write_mrc_stack(tmp_path / "m.mrc", frames, SIZE)
    write_micrograph(tmp_path / "i.mrc", frames[0].astype(np.float32), None)
    with pytest.raises(BadValue, match="This is a movie"):
        n2n.pick(tmp_path / "m.mrc", DIAMETER)
    with pytest.raises(BadValue, match="pixel size is unknown"):
        n2n.pick(tmp_path / "i.mrc", DIAMETER)
