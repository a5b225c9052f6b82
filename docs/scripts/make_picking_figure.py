"""Draw hits and misses on a real field: docs/images/picking-real.png.

Run: python docs/scripts/make_picking_figure.py FOLDER_WITH_THE_DATA CACHE_FOLDER
     (the folders given to napari-n2n assess-particles as --data and --cache)
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from napari_n2n.denoising.config import preset
from napari_n2n.experiments.particles.cache import Cache
from napari_n2n.experiments.particles.real import (
    RealPicking,
    find_on_all_steps,
    marked_fields_steps,
)
from napari_n2n.io.pictures import contrast_limits
from napari_n2n.progress import run_to_end

OUTPUT = Path(__file__).resolve().parents[1] / "images" / "picking-real.png"
FIELD = "May08_05.31.00"
PANELS = {
    "rest denoised": "Average of 41 frames, denoised",
    "frame raw": "One frame as recorded",
    "frame denoised": "The same frame, denoised",
}
HIT, MISSED, FALSE = (86, 180, 233), (240, 228, 66), (213, 94, 0)  # colours all can tell apart
SCALE = 0.5
RADIUS_PX = 40
CAPTION_PX = 40
LEGEND_PX = 40


def panel(image: np.ndarray, finding: RealPicking, index: int, title: str) -> Image.Image:
    low, high = contrast_limits(image)
    grey = np.clip((image - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    size = (round(image.shape[1] * SCALE), round(image.shape[0] * SCALE))
    tile = Image.new("RGB", (size[0], size[1] + CAPTION_PX), "white")
    picture = Image.fromarray(grey).convert("RGB").resize(size, Image.Resampling.BOX)
    draw = ImageDraw.Draw(picture)
    judged = finding.judged[index]
    found = judged.found_px[judged.scores >= finding.threshold] * SCALE
    matching = judged.at(finding.threshold)
    radius = RADIUS_PX * SCALE
    for (y, x), hit in zip(found, matching.is_hit, strict=True):
        if hit:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=HIT, width=2)
        else:
            cross(draw, x, y, radius * 0.7)
    for y, x in judged.true_px[matching.is_missed] * SCALE:
        square(draw, x, y, radius * 0.9)
    tile.paste(picture, (0, CAPTION_PX))
    told = f"{title}: F1 {matching.f1:.2f}"
    ImageDraw.Draw(tile).text((4, 8), told, fill="black", font=ImageFont.load_default(20))
    return tile


def cross(draw: ImageDraw.ImageDraw, x: float, y: float, reach: float) -> None:
    draw.line((x - reach, y - reach, x + reach, y + reach), fill=FALSE, width=3)
    draw.line((x - reach, y + reach, x + reach, y - reach), fill=FALSE, width=3)


def square(draw: ImageDraw.ImageDraw, x: float, y: float, reach: float) -> None:
    draw.rectangle((x - reach, y - reach, x + reach, y + reach), outline=MISSED, width=3)


def legend(width: int) -> Image.Image:
    strip = Image.new("RGB", (width, LEGEND_PX), (60, 60, 60))
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(20)
    y, reach = LEGEND_PX / 2, 13
    draw.ellipse((14, y - reach, 14 + 2 * reach, y + reach), outline=HIT, width=2)
    draw.text((52, 8), "found, and marked by a person", fill="white", font=font)
    square(draw, 400, y, reach - 2)
    draw.text((424, 8), "marked, not found", fill="white", font=font)
    cross(draw, 660, y, reach - 3)
    draw.text((684, 8), "found, not marked", fill="white", font=font)
    return strip


def main() -> None:
    data, cache = Path(sys.argv[1]), Cache(Path(sys.argv[2]))
    fields = run_to_end(marked_fields_steps(data / "apoferritin", preset("quick"), cache))
    index = next(i for i, field in enumerate(fields) if field.name == FIELD)
    tiles = [
        panel(
            fields[index].images[kind], run_to_end(find_on_all_steps(fields, kind, 0)), index, title
        )
        for kind, title in PANELS.items()
    ]
    gap = 8
    width = sum(tile.width for tile in tiles) + gap * (len(tiles) - 1)
    sheet = Image.new("RGB", (width, tiles[0].height + LEGEND_PX), "white")
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i * (tile.width + gap), 0))
    sheet.paste(legend(width), (0, tiles[0].height))
    sheet.quantize(128).save(OUTPUT, optimize=True)


if __name__ == "__main__":
    main()
