import time
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_n2n.denoising import resampling
from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import NETWORKS, preset
from napari_n2n.denoising.inference import tiled_pass
from napari_n2n.denoising.inference.denoising import (
    denoise,
    denoise_halves_steps,
    denoise_steps,
)
from napari_n2n.denoising.inference.faster_unet import FoldedUNet, ready
from napari_n2n.denoising.inference.working_size import PixelSizeProblem
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.denoising.tiling import tiles
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import DeviceProblem
from napari_n2n.progress import Interrupted, passed_on, run_to_end

from ..conftest import blobs, noisy_pair


def made_up(name: str = "light", working: float | None = None) -> Denoiser:
    """Return a denoiser with random weights; it computes the same everywhere."""
    torch.manual_seed(3)
    return Denoiser(UNet(NETWORKS[name]).eval(), preset("quick"), working)


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return noisy_pair(3, side=700).input[:, :613]


@pytest.mark.parametrize(("name", "tile"), [("light", 128), ("light", 320), ("paper", 256)])
def test_tiling_changes_nothing(image, name, tile):
    if name == "paper":
        image = image[:600, :200]  # it is slow; a first, a middle and a last tile are enough
    denoiser = made_up(name)
    whole = denoise(image, denoiser, tile=2048)
    tiled = denoise(image, denoiser, tile=tile)
    assert np.abs(whole - tiled).max() <= 1e-4 * np.ptp(whole)


@settings(deadline=None, max_examples=60)
@given(
    shape=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    tile=st.integers(1, 12),
    halo=st.integers(0, 6),
)
def test_tiles_write_every_pixel_once_and_read_it_in_place(shape, tile, halo):
    written = np.zeros(shape, int)
    pixels = np.arange(shape[0] * shape[1]).reshape(shape)
    for piece in tiles(shape, 16 * tile, 16 * halo, 16):
        written[piece.write] += 1
        np.testing.assert_array_equal(pixels[piece.read][piece.inner], pixels[piece.write])
        assert all(span.start % 16 == 0 for span in piece.read)
    assert (written == 1).all()


def test_a_tile_that_would_shift_the_pooling_grid_is_refused():
    with pytest.raises(ValueError, match="multiples of 16"):
        list(tiles((100, 100), 40, 16, 16))


def test_scale_and_offset_of_the_image_do_not_matter(image):
    denoiser = made_up()
    plain = denoise(image, denoiser)
    moved = denoise(image * 1000 - 5000, denoiser)
    np.testing.assert_allclose(moved, plain * 1000 - 5000, atol=1e-3 * 1000 * np.ptp(plain))


def test_the_result_is_on_the_original_grid(image):
    denoiser = made_up(working=4.0)
    result = denoise(image, denoiser, pixel_size_angstrom=1.3)
    assert result.shape == image.shape
    assert result.dtype == np.float32


def doing_nothing(working: float) -> Denoiser:
    """Return a denoiser whose network leaves images as they are."""

    class Identity(UNet):
        def forward(self, images):
            return images

    return Denoiser(Identity(NETWORKS["light"]).eval(), preset("quick"), working)


def test_features_stay_where_they_were():
    """A network that does nothing, at a coarser grid, must not move the image."""
    image = blobs(1, side=192)
    result = denoise(image, doing_nothing(3.0), pixel_size_angstrom=1.0)
    # At its edges an image just ends: nobody knows how it went on.
    inside = (slice(8, -8),) * 2
    np.testing.assert_allclose(result[inside], image[inside], atol=0.05)


def test_running_out_of_memory_halves_the_tiles_and_goes_on(image, monkeypatch):
    denoiser = made_up()
    expected = denoise(image, denoiser)
    run_tile = tiled_pass._run_tile
    sides: list[int] = []

    def small_memory(network, padded, tile, result):
        side = tile.read[0].stop - tile.read[0].start
        if side > 400:
            raise torch.OutOfMemoryError("CUDA out of memory")
        sides.append(side)
        run_tile(network, padded, tile, result)

    monkeypatch.setattr(tiled_pass, "_run_tile", small_memory)
    np.testing.assert_allclose(denoise(image, denoiser), expected, atol=1e-4 * np.ptp(expected))
    assert max(sides) <= 400


def test_no_memory_at_all_is_explained(image, monkeypatch):
    def none(*_):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(tiled_pass, "_run_tile", none)
    with pytest.raises(DeviceProblem, match="not enough memory"):
        denoise(image, made_up())


def test_other_torch_errors_do_not_escape_as_runtime_errors(image, monkeypatch):
    def broken(*_):
        raise RuntimeError("cuDNN error")

    monkeypatch.setattr(tiled_pass, "_run_tile", broken)
    with pytest.raises(DeviceProblem, match="cuDNN error"):
        denoise(image, made_up())


def test_stop_interrupts(image):
    with pytest.raises(Interrupted):
        run_to_end(denoise_steps(image, made_up(), stop=lambda: True))


def test_stop_comes_soon_even_with_the_papers_network():
    image = np.random.default_rng(0).normal(size=(1400, 1400)).astype(np.float32)
    asked: list[float] = []
    started = time.monotonic()

    def stop():
        if time.monotonic() - started > 0.5 and not asked:
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(Interrupted):
        run_to_end(denoise_steps(image, made_up("paper"), stop=stop))
    assert time.monotonic() - asked[0] < 2.5  # about a second, on a busy machine twice that


def test_an_impossible_pixel_size_is_explained(image):
    with pytest.raises(PixelSizeProblem, match="Check the pixel size"):
        denoise(image, made_up(working=4.0), pixel_size_angstrom=0.1)


def test_an_unknown_pixel_size_is_said(image):
    steps = denoise_steps(image, made_up(working=4.0))
    assert "pixel size is unknown" in run_to_end(steps).notes[0]


def test_a_coarser_image_is_resampled_and_said(image):
    steps = denoise_steps(image[:128, :128], made_up(working=4.0), pixel_size_angstrom=6.0)
    result = run_to_end(steps)
    assert result.pixels.shape == (128, 128)
    assert "coarser" in result.notes[0]


def test_colour_for_a_grey_denoiser_is_refused():
    with pytest.raises(PixelSizeProblem, match="for grey images, and this is one of colour"):
        denoise(np.zeros((64, 64, 3), np.float32), made_up())


def test_halves_give_their_mean_and_how_far_they_agree():
    pair = noisy_pair(0, side=128)
    denoiser = made_up()
    result = run_to_end(
        denoise_halves_steps(pair.input, pair.target, denoiser, pixel_size_angstrom=1.0)
    )
    mean = (denoise(pair.input, denoiser) + denoise(pair.target, denoiser)) / 2
    np.testing.assert_allclose(result.pixels, mean, rtol=1e-5, atol=1e-4)
    assert result.frc_before.correlation[1:5].mean() > 0.5
    assert result.frc_before.resolution_angstrom() > 2
    assert "FRC" in result.resolution_note


@pytest.mark.parametrize(
    ("shape", "target"),
    [((256, 192), (64, 48)), ((301, 200), (75, 51)), ((300, 201), (75, 50)), ((64, 65), (33, 91))],
)
def test_resampled_waves_are_those_waves_at_the_new_pixels(shape, target):
    """Waves that both grids can hold, which are known everywhere: there, and back."""
    for old, new in ((shape, target), (target, shape)):
        highest = [min(sides) - 1 for sides in zip(old, new, strict=True)]
        at = waves(old, highest)
        # The edges of both grids lie on each other.
        places = [(np.arange(m) + 0.5) * n / m - 0.5 for n, m in zip(old, new, strict=True)]
        image = torch.from_numpy(at(np.arange(old[0]), np.arange(old[1])).astype(np.float32))
        expected = at(*places)
        ours = rescale(image[None], new)[0].numpy()
        assert np.abs(ours - expected).max() < 2e-5 * expected.std()


def test_waves_too_fine_for_the_new_pixels_leave_no_trace():
    fine = np.cos(np.pi * 80 / 128 * (np.arange(128) + 0.5))[:, None] * np.ones(96)
    assert rescale(torch.from_numpy(fine.astype(np.float32))[None], (64, 48)).abs().max() < 1e-5


def waves(shape, highest, count=30):
    """Return a sum of waves that meet the edges of ``shape`` at a crest, at any (y,), (x,)."""
    rng = np.random.default_rng(0)
    ky, kx = (rng.integers(0, most + 1, count) / n for most, n in zip(highest, shape, strict=True))
    signs = rng.choice([-1, 1], count)

    def at(y, x):
        down, across = (
            np.cos(np.pi * k * (places[:, None] + 0.5)) for k, places in ((ky, y), (kx, x))
        )
        return np.einsum("yw,xw,w->yx", down, across, signs)

    return at


@pytest.mark.parametrize("slope", [0.0, 0.05])
def test_the_edges_of_an_image_reach_nowhere_else(slope):
    """Neither does a slope of brightness, of 10 deviations, leave waves along the edges."""
    rng = np.random.default_rng(2)
    image = ndimage.gaussian_filter(rng.normal(size=(192, 200)), 5)
    image = image / image.std() + slope * np.arange(200)
    there = rescale(torch.from_numpy(image.astype(np.float32))[None], (64, 67))
    back = rescale(there, (192, 200))[0].numpy()
    assert np.abs(back - image)[12:-12, 12:-12].max() < 0.01
    assert np.abs(back - image)[4:-4, 4:-4].max() < 0.1


def test_resampling_in_pieces_is_resampling_at_once(monkeypatch):
    image = torch.randn(1, 90, 70, generator=torch.Generator().manual_seed(0))
    whole = rescale(image, (201, 33))
    monkeypatch.setattr(resampling, "_PIXELS_AT_ONCE", 500)
    torch.testing.assert_close(rescale(image, (201, 33)), whole)


def test_a_folded_network_gives_the_same_up_to_the_edges():
    network = made_up().network
    folded = ready(network, torch.device("cpu"))
    assert isinstance(folded, FoldedUNet)
    image = torch.randn(1, 1, 150, 210, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(image)
        assert (folded(image) - expected).abs().max() < 1e-4 * expected.std()


def test_making_a_network_ready_leaves_it_as_it_was():
    for name in NETWORKS:
        network = made_up(name).network
        before = {key: value.clone() for key, value in network.state_dict().items()}
        copied = ready(network, torch.device("cpu"))
        with torch.no_grad():
            for parameter in copied.parameters():
                parameter.zero_()
        torch.testing.assert_close(dict(network.state_dict()), before, rtol=0, atol=0)


def run(steps):
    """Return all progress objects and the result."""
    seen = []
    return seen, run_to_end(steps, seen.append)


FIRST = (slice(200, 420), slice(330, 560))


def test_the_region_asked_for_comes_before_the_whole_and_equals_it(image):
    steps = denoise_steps(image, made_up(), tile=128, first=FIRST)
    seen, done = run(steps)
    (number,) = [number for number, step in enumerate(seen) if step.region is not None]
    assert {step.stage for step in seen[: number + 1]} == {"denoising what is in view"}
    assert {step.stage for step in seen[number + 1 :]} == {"denoising"}
    region = seen[number].region
    assert region.origin == (200, 330)
    assert region.pixels.dtype == np.float32
    expected = done.pixels[FIRST]
    np.testing.assert_allclose(region.pixels, expected, atol=1e-4 * np.ptp(expected))
    np.testing.assert_allclose(done.pixels, denoise(image, made_up()), atol=1e-4 * np.ptp(image))


def test_the_region_of_a_calibrated_result_is_close_to_it():
    pair = noisy_pair(0, side=1500)
    first = (slice(300, 700), slice(500, 900))
    steps = denoise_steps(pair.input, general_denoiser(), pixel_size_angstrom=2.0, first=first)
    seen, done = run(steps)
    (region,) = [step.region for step in seen if step.region is not None]
    assert np.corrcoef(region.pixels.ravel(), done.pixels[first].ravel())[0, 1] > 0.97


def test_the_region_of_a_resampled_image_equals_the_rest():
    """What is seen first has the detail and the place of what comes after it."""
    image = blobs(1, side=2005)[:, :1902]
    first = (slice(150, 560), slice(300, 720))
    steps = denoise_steps(image, doing_nothing(3.0), pixel_size_angstrom=1.0, tile=96, first=first)
    seen, done = run(steps)
    (region,) = [step.region for step in seen if step.region is not None]
    assert region.pixels.shape == (410, 420)
    difference = np.abs(region.pixels - done.pixels[first])
    assert np.sqrt(np.mean(difference**2)) < 0.002 * done.pixels.std()
    assert difference.max() < 0.01 * done.pixels.std()


def test_a_region_is_cut_at_the_edges(image):
    seen, _ = run(denoise_steps(image, made_up(), first=(slice(0, 90), slice(550, 9000))))
    (region,) = [step.region for step in seen if step.region is not None]
    assert region.origin == (0, 550)
    assert region.pixels.shape == (90, 63)


@pytest.mark.parametrize(
    "first", [(slice(None), slice(None)), (slice(900, 950), slice(0, 10))], ids=["all", "beside"]
)
def test_all_of_an_image_or_nothing_is_no_region(image, first):
    seen, done = run(denoise_steps(image, made_up(), first=first))
    assert all(step.region is None for step in seen)
    np.testing.assert_allclose(done.pixels, denoise(image, made_up()), atol=1e-4 * np.ptp(image))
    pair = noisy_pair(0, side=200)
    seen, both = run(denoise_halves_steps(pair.input, pair.target, made_up(), first=first))
    assert both.pixels.shape == (200, 200)


def test_the_region_of_two_halves_is_that_of_their_sum():
    pair = noisy_pair(0, side=400)
    first = (slice(40, 140), slice(200, 300))
    steps = denoise_halves_steps(
        pair.input, pair.target, made_up(), pixel_size_angstrom=1.0, first=first
    )
    seen, done = run(steps)
    (region,) = [step.region for step in seen if step.region is not None]
    expected = done.summed[first]
    np.testing.assert_allclose(region.pixels, expected, atol=1e-4 * np.ptp(expected))
    assert seen[-1].region is None


def test_thorough_is_the_mean_of_all_ways_of_turning_and_mirroring(image):
    denoiser, part = made_up(), image[:96, :128]
    steps = denoise_steps(part, denoiser, thorough=True)
    told = []
    thorough = run_to_end(passed_on(steps, lambda step: told.append(step) or (step,))).pixels
    ways = []
    for mirrored in (part, part[:, ::-1]):
        for turns in range(4):
            way = np.rot90(denoise(np.rot90(mirrored, turns).copy(), denoiser), -turns)
            ways.append(way if mirrored is part else way[:, ::-1])
    np.testing.assert_allclose(thorough, np.mean(ways, axis=0), atol=1e-4 * np.ptp(thorough))
    turned = run_to_end(denoise_steps(np.rot90(part).copy(), denoiser, thorough=True)).pixels
    np.testing.assert_allclose(turned, np.rot90(thorough), atol=1e-4 * np.ptp(thorough))
    assert told[-1].done == told[-1].total
    assert all(a.done <= b.done for a, b in pairwise(told))
