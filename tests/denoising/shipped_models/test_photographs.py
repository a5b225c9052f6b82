import numpy as np
import pytest
import skimage.data

from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.shipped_models.photographs import (
    PHOTOGRAPHS,
    PHOTOGRAPHS_PATH,
    photographs_denoiser,
)
from napari_n2n.denoising.training.photograph_examples import noisy_photograph
from napari_n2n.metrics import psnr


def test_the_model_in_the_box_is_the_papers_network_and_small():
    denoiser = photographs_denoiser()
    assert denoiser.provenance.name == PHOTOGRAPHS
    assert denoiser.training.network.name == "paper"
    assert "noisy targets" in denoiser.summary
    assert PHOTOGRAPHS_PATH.stat().st_size < 3e6
    assert photographs_denoiser() is denoiser  # read once


@pytest.mark.parametrize(("sigma", "gain"), [(10, 2.56), (20, 3.26), (40, 2.70), (70, 1.26)])
def test_it_gains_more_than_the_paper_at_every_strength(sigma, gain):
    clean = skimage.data.astronaut()[:192, 128:320]
    noisy = noisy_photograph(clean, sigma, seed=0)
    result = denoise(noisy, photographs_denoiser())
    before, after = psnr(noisy, clean, 255), psnr(result, clean, 255)
    assert after > before + gain
    assert abs(float(np.mean(result - clean))) < 2
