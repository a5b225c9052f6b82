"""Draw real and simulated apoferritin side by side: docs/images/simulation_beside_real.png.

Run: python docs/scripts/make_simulation_figure.py [FOLDER WITH THE REAL DATA]
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from napari_n2n.io import read_micrograph
from napari_n2n.motion import align_steps
from napari_n2n.progress import run_to_end
from napari_n2n.simulation import SimulationConfig, simulate

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "apoferritin"
FIELD = "May08_05.31.00_rest.mrc"
PIXEL_ANGSTROM = 1.5
SIGMA_ANGSTROM = 4.0
SIDE_PX = 800
CAPTION_PX = 34


def low_passed(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    smooth = ndimage.gaussian_filter(image, SIGMA_ANGSTROM / PIXEL_ANGSTROM)
    low, high = np.percentile(smooth, [0.3, 99.7])
    grey = np.clip((smooth - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    return grey[-SIDE_PX:, :SIDE_PX]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else REAL
    real = read_micrograph(folder / FIELD, pixel_size_angstrom=PIXEL_ANGSTROM)
    config = SimulationConfig(
        shape=(1200, 1240),
        n_frames=42,
        pixel_size_angstrom=PIXEL_ANGSTROM,
        # By eye: neither defocus nor dose of the real field is on record.
        dose_per_frame=0.5,
        defocus_micrometer=2.3,
        b_factor_square_angstrom=150,
        n_particles=122,
        broken_fraction=0.15,
        contaminant_count=1,
        seed=7,
    )
    simulated = run_to_end(align_steps(simulate(config).as_movie()))
    panels = [
        ("Real: EMPIAR-10146, some 41 frames", low_passed(real.pixels)),
        ("Simulated: 42 frames, aligned", low_passed(simulated.full)),
    ]
    gap = 8
    canvas = Image.new("L", (2 * SIDE_PX + gap, SIDE_PX + CAPTION_PX), 255)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(20)
    for index, (caption, pixels) in enumerate(panels):
        left = index * (SIDE_PX + gap)
        canvas.paste(Image.fromarray(pixels), (left, CAPTION_PX))
        draw.text((left + 6, 5), caption, fill=0, font=font)
    output = ROOT / "docs" / "images" / "simulation_beside_real.png"
    output.parent.mkdir(exist_ok=True)
    canvas.save(output, optimize=True)


if __name__ == "__main__":
    main()
