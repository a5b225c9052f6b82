"""Draw what denoising removed, right and wrong: docs/images/removed.png.

Run: python docs/scripts/make_removed_figure.py PATH_OF_ring_particles_ds8.mrc
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import napari_n2n as n2n
from napari_n2n.io import read_micrograph
from napari_n2n.io.pictures import contrast_limits, symmetric_limits

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "removed.png"
# Å/px: the true one, and that of the file's header, which lies.
SIZES = {6.32: "only noise was removed", 0.79: "the specimen was removed, too"}
PART = np.s_[96:416, 96:416]
GAP_PX, CAPTION_PX, LINE_PX = 6, 26, 30


def panel(image: np.ndarray, limits: tuple[float, float], title: str) -> Image.Image:
    low, high = limits
    grey = np.clip((image[PART] - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    picture = Image.fromarray(grey).convert("RGB")
    tile = Image.new("RGB", (picture.width, picture.height + CAPTION_PX), "white")
    tile.paste(picture, (0, CAPTION_PX))
    ImageDraw.Draw(tile).text((2, 4), title, fill="black", font=ImageFont.load_default(16))
    return tile


def row(path: Path, size: float, what: str) -> Image.Image:
    denoised = n2n.denoise(read_micrograph(path, pixel_size_angstrom=size))
    raw, found = denoised.raw, denoised.removed
    gone = raw - denoised.pixels
    panels = [
        panel(raw, contrast_limits(raw), "as recorded"),
        panel(denoised.pixels, contrast_limits(denoised.pixels), "denoised"),
        panel(gone, symmetric_limits(gone), "removed"),
    ]
    width = sum(one.width for one in panels) + GAP_PX * (len(panels) - 1)
    drawn = Image.new("RGB", (width, panels[0].height + LINE_PX), "white")
    told = f"At {size} angstrom a pixel: {what} (uneven {found.unevenness:.1f}, above noise "
    ImageDraw.Draw(drawn).text(
        (2, 4),
        told + f"{found.above_noise:.1f}; of noise both are about 1)",
        fill="black",
        font=ImageFont.load_default(18),
    )
    for i, one in enumerate(panels):
        drawn.paste(one, (i * (one.width + GAP_PX), LINE_PX))
    assert found.holds_structure == (size != max(SIZES)), found
    return drawn


def main(path: Path) -> None:
    rows = [row(path, size, what) for size, what in SIZES.items()]
    height = sum(one.height for one in rows) + GAP_PX * (len(rows) - 1)
    figure = Image.new("RGB", (rows[0].width, height), "white")
    for i, one in enumerate(rows):
        figure.paste(one, (0, i * (one.height + GAP_PX)))
    figure.convert("L").save(OUTPUT, optimize=True)
    print(f"{OUTPUT}: {figure.width} x {figure.height}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
