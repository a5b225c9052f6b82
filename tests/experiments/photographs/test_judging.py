import sys
import types

import numpy as np
import pytest

from napari_n2n.denoising.training.photograph_examples import Photographs
from napari_n2n.experiments.photographs import judging as photograph_judging
from napari_n2n.experiments.photographs.judging import (
    TestNoise,
    bm3d_steps,
    classical_methods,
    judge_steps,
    nonlocal_means_steps,
)
from napari_n2n.progress import run_to_end


@pytest.fixture(scope="module")
def photographs():
    """Return two pictures: one of stripes, and one that is half black and half white."""
    stripes = np.zeros((64, 80, 3), np.uint8)
    stripes[:, ::8] = 100
    stripes[:, 1::8] = 100
    halves = np.zeros((64, 80, 3), np.uint8)
    halves[:, 40:] = 255
    return Photographs([stripes + np.uint8(60), halves], ("stripes.png", "halves.png"))


def by_nothing(noisy, _deviation):
    yield from ()
    return noisy


def judged(photographs, noise, method=by_nothing):
    return run_to_end(judge_steps(photographs, noise, method))


@pytest.mark.parametrize(("deviation", "decibel"), [(10, 28.13), (70, 11.23)])
def test_doing_nothing_leaves_the_noise(photographs, deviation, decibel):
    figures = judged(photographs, TestNoise(deviation))
    assert figures["psnr_db"] == figures["noisy_psnr_db"] == pytest.approx(decibel, abs=0.1)
    assert len(figures["each_psnr_db"]) == 2
    assert figures["bias"] == pytest.approx(0, abs=1)


def test_all_methods_get_the_same_noise_and_another_seed_gives_other():
    image = np.zeros((8, 8, 3), np.uint8)
    first = TestNoise(25, seed=1)
    np.testing.assert_array_equal(first.on(image, 3), TestNoise(25, seed=1).on(image, 3))
    for other in (TestNoise(25, seed=2).on(image, 3), first.on(image, 4)):
        assert not np.array_equal(first.on(image, 3), other)


def test_the_mean_of_noise_is_found_where_it_is(photographs):
    figures = judged(photographs, TestNoise(25, mean=20))
    assert figures["bias"] == pytest.approx(20, abs=0.5)
    clipped = judged(photographs, TestNoise(25, clipped=True))
    assert clipped["bias_shadows"] == pytest.approx(25 / (2 * np.pi) ** 0.5, abs=0.5)
    assert clipped["bias_lights"] == pytest.approx(-25 / (2 * np.pi) ** 0.5, abs=0.5)
    grey = Photographs([np.full((16, 16, 3), 128, np.uint8)], ("grey.png",))
    assert judged(grey, TestNoise(25))["bias_shadows"] is None


def test_nonlocal_means_finds_what_repeats(photographs):
    stripes = photographs.leading(1)
    figures = judged(stripes, TestNoise(25), nonlocal_means_steps)
    assert figures["psnr_db"] > figures["noisy_psnr_db"] + 5


def test_bm3d_is_used_where_it_is_installed_and_on_its_own_scale(photographs, monkeypatch):
    given = {}

    def bm3d_rgb(image, deviation):
        given.update(most=image.max(), deviation=deviation)
        return image

    monkeypatch.setitem(sys.modules, "bm3d", types.SimpleNamespace(bm3d_rgb=bm3d_rgb))
    figures = judged(photographs, TestNoise(51), bm3d_steps)
    assert figures["psnr_db"] == pytest.approx(figures["noisy_psnr_db"], abs=0.01)
    assert 1 < given["most"] < 3
    assert given["deviation"] == pytest.approx(0.2)
    for there in (True, False):
        found = types.SimpleNamespace() if there else None
        monkeypatch.setattr(photograph_judging, "find_spec", lambda _, found=found: found)
        assert ("bm3d" in classical_methods()) is there
