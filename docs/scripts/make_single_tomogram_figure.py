"""Draw what training on single tomograms makes of microtubules: docs/images/single-tomogram.png.

Raw, the best Gaussian, and what `napari-n2n train FOLDER && napari-n2n denoise` makes, in sections
and across the tube, of volumes of which there are no halves; and how each correlates, wave by wave,
with pixels that nothing was told of: every second row along the tube is denoised by a model that
was trained on these rows, and compared with the rows between them. A Gaussian changes no
correlation of waves, so that its curve is that of the raw rows.

Run: python docs/scripts/make_single_tomogram_figure.py FOLDER_OF_13pf_MT.tif_AND_14pf_MT.tif
"""

import sys
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image, ImageDraw, ImageFont
from scipy import fft, ndimage

from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.volumes import denoise_volume
from napari_n2n.denoising.training.single_volumes import SingleVolume, SingleVolumes
from napari_n2n.denoising.training.volumes import train_volumes

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "single-tomogram.png"
VOXEL_ANGSTROM = 10.52
SETTINGS = {"steps": 200, "crop": 24, "working_pixel_size_angstrom": VOXEL_ANGSTROM}
SIGMAS = np.arange(0.3, 2.6, 0.1)
ZOOM, GAP_PX, CAPTION_PX, PLOT_PX = 3, 8, 24, 260
COLOURS = {"raw rows, and any Gaussian of them": "grey", "denoised rows": "firebrick"}


def rows_of(volume: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every second row along y, and those between them."""
    height = volume.shape[1] // 2 * 2
    return volume[:, :height:2], volume[:, 1:height:2]


def best_sigma(volume: np.ndarray) -> float:
    """Return the Gaussian whose rows tell best of the rows between them, in voxels."""
    ours, others = rows_of(volume)
    wide = [(sigma, ndimage.gaussian_filter(ours, (sigma, sigma / 2, sigma))) for sigma in SIGMAS]
    return float(min(wide, key=lambda one: float(((one[1] - others) ** 2).mean()))[0])


def shells(a: np.ndarray, b: np.ndarray, count: int = 16) -> np.ndarray:
    """Return the correlation of waves across the tube, z and x, up to Nyquist."""
    window = np.hanning(a.shape[0])[:, None, None] * np.hanning(a.shape[2])
    first, second = (fft.fftn((one - one.mean()) * window) for one in (a, b))
    z, y, x = (fft.fftfreq(side) for side in a.shape)
    # Along the tube there are half as many rows.
    k = np.sqrt(z[:, None, None] ** 2 + (y[:, None] / 2) ** 2 + x**2)
    shell = np.minimum((k / 0.5 * count).astype(int), count)
    sums = [
        np.bincount(shell.ravel(), values.ravel(), count + 1)[:count]
        for values in ((first * second.conj()).real, abs(first) ** 2, abs(second) ** 2)
    ]
    return sums[0] / np.sqrt(sums[1] * sums[2])


def trained(volumes: dict[str, np.ndarray]):
    singles = SingleVolumes(
        SingleVolume(voxels, VOXEL_ANGSTROM, name) for name, voxels in volumes.items()
    )
    return train_volumes(singles, preset("quick", 3).replaced(**SETTINGS))


def panel(section: np.ndarray, title: str) -> Image.Image:
    low, high = np.percentile(section, (0.5, 99.5))
    grey = np.clip((section - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    picture = Image.fromarray(grey).convert("RGB")
    picture = picture.resize(
        (picture.width * ZOOM, picture.height * ZOOM), Image.Resampling.BICUBIC
    )
    tile = Image.new("RGB", (picture.width, picture.height + CAPTION_PX), "white")
    tile.paste(picture, (0, CAPTION_PX))
    ImageDraw.Draw(tile).text((2, 4), title, fill="black", font=ImageFont.load_default(14))
    return tile


def column(volume: np.ndarray, title: str) -> Image.Image:
    """Draw a section along the tube, and the mean of 8 rows across it."""
    z, y, _ = (side // 2 for side in volume.shape)
    return stacked(
        [panel(volume[z], title), panel(volume[:, y - 4 : y + 4].mean(axis=1), "across, 8 rows")],
        down=True,
    )


def stacked(pictures: list[Image.Image], *, down: bool = False) -> Image.Image:
    sizes = np.array([one.size for one in pictures])
    gaps = GAP_PX * (len(pictures) - 1)
    along = int(sizes[:, int(down)].sum()) + gaps
    across = int(sizes[:, int(not down)].max())
    whole = Image.new("RGB", (across, along) if down else (along, across), "white")
    at = 0
    for one in pictures:
        whole.paste(one, (0, at) if down else (at, 0))
        at += one.size[int(down)] + GAP_PX
    return whole


def plot(curves: dict[str, np.ndarray], width: int) -> Image.Image:
    """Draw correlations from 0 to 1 over waves from 0 to Nyquist."""
    drawn = Image.new("RGB", (width, PLOT_PX), "white")
    pen, font = ImageDraw.Draw(drawn), ImageFont.load_default(13)
    left, top, right, bottom = 36, 12, width - 12, PLOT_PX - 36
    for level in (0, 0.5, 1):
        y = bottom - (bottom - top) * level
        pen.line([(left, y), (right, y)], fill="lightgrey")
        pen.text((4, y - 8), f"{level:g}", fill="black", font=font)
    for number, (name, curve) in enumerate(curves.items()):
        x = left + (right - left) * (np.arange(len(curve)) + 0.5) / len(curve)
        y = bottom - (bottom - top) * np.clip(curve, 0, 1)
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=COLOURS[name], width=2)
        pen.text((right - 250, top + 4 + 18 * number), name, fill=COLOURS[name], font=font)
    for nanometre in (20, 8, 4, 3, 2.4):
        x = left + (right - left) * 2 * VOXEL_ANGSTROM / (10 * nanometre)
        pen.text((x - 14, bottom + 4), f"{nanometre:g} nm", fill="black", font=font)
    pen.text((left, bottom + 18), "correlation with rows that were kept from it", "black", font)
    return drawn


def main(folder: Path) -> None:
    volumes = {
        path.stem: tifffile.imread(path).astype(np.float32)
        for path in sorted(folder.glob("*_MT.tif"))
    }
    whole = trained(volumes)
    of_rows = trained({name: rows_of(volume)[0] for name, volume in volumes.items()})
    drawn = []
    for name, volume in volumes.items():
        sigma = best_sigma(volume)
        denoised = denoise_volume(volume, whole, voxel_size_angstrom=VOXEL_ANGSTROM)
        ours, others = rows_of(volume)
        from_rows = denoise_volume(ours, of_rows, voxel_size_angstrom=VOXEL_ANGSTROM)
        curves = dict(zip(COLOURS, (shells(ours, others), shells(from_rows, others)), strict=True))
        smooth = ndimage.gaussian_filter(ours, (sigma, sigma / 2, sigma))
        for title, made in (("Gaussian", smooth), ("denoised", from_rows)):
            alike = np.corrcoef(made.ravel(), others.ravel())[0, 1]
            print(f"{name}: {title} rows and those between them correlate by {alike:.3f}")
        for title, curve in curves.items():
            print(name, title, np.round(curve, 2))
        pictures = stacked(
            [
                column(volume, f"{name[:2]} protofilaments"),
                column(
                    ndimage.gaussian_filter(volume, sigma), f"best Gaussian, {sigma:.1f} voxels"
                ),
                column(denoised, "trained on both crops"),
            ]
        )
        drawn.append(stacked([pictures, plot(curves, pictures.width)], down=True))
    stacked(drawn).save(OUTPUT, optimize=True)
    print(OUTPUT)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
