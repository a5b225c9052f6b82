"""How good a result is, beside the known truth."""

from pathlib import Path

from napari_n2n.io import read_micrograph
from napari_n2n.metrics import best_gaussian_correlation, correlation

_SIGMAS_PX = (2.0, 4.0, 6.0, 8.0, 12.0)


def against_clean(image: str, clean: str) -> dict[str, float]:
    """Correlate a denoised image with the clean one."""
    pixels, truth = (read_micrograph(Path(path)).pixels for path in (image, clean))
    return {"correlation": round(correlation(pixels, truth), 4)}


def low_pass(image: str, clean: str) -> dict[str, float]:
    """Correlate the raw image, and its best Gaussian low-pass, with the clean one."""
    pixels, truth = (read_micrograph(Path(path)).pixels for path in (image, clean))
    gaussian, sigma = best_gaussian_correlation(pixels, truth, _SIGMAS_PX)
    return {
        "raw": round(correlation(pixels, truth), 4),
        "gaussian": round(gaussian, 4),
        "sigma_px": sigma,
    }
