"""Make the tables and pictures of docs/natural-images.md from a finished experiment.

Run: python docs/scripts/make_photographs_page.py LAB  (needs matplotlib)

LAB is the folder that ``napari-n2n reproduce natural -o LAB`` made. Its figures are kept in
docs/natural-images.json, from which the page is made; what stands between ``<!-- made: NAME -->``
and ``<!-- end -->`` is replaced by the table NAME.
"""

import argparse
import json
import re
from pathlib import Path

from napari_n2n.experiments.photographs.comparisons import claim_name
from napari_n2n.experiments.photographs.figures import (
    bias_table,
    claim_curve,
    claim_table,
    counts_of,
    first_table,
    progress_table,
    published_table,
)
from napari_n2n.experiments.photographs.stages import TITLES
from napari_n2n.experiments.photographs.trials import COMPARED_DEVIATIONS, MODEL
from napari_n2n.progress import format_seconds

DOCS = Path(__file__).resolve().parents[1]
PAGE = DOCS / "natural-images.md"
FIGURES = DOCS / "natural-images.json"
IMAGES = DOCS / "images"
BLOCK = re.compile(r"<!-- made: (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL)


def markdown(table: tuple) -> str:
    head, rows = table
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def where(figures: dict) -> str:
    """Say what the figures are of: photographs, model, machine, versions."""
    settings, model = figures["settings"], figures["found"][MODEL]
    versions = ", ".join(f"{name} {version}" for name, version in figures["versions"].items())
    claim = figures["found"][claim_name(counts_of(figures["found"])[-1], "noisy")]
    rows = [
        (
            "photographs",
            f"{settings['train_count']} to train on, {settings['test_count']} to judge by",
        ),
        (
            "model",
            f"{model['summary']}; {model['parameters']:,} parameters, {model['batch']} crops of "
            f"{model['crop_px']}² a step, {format_seconds(model['seconds'])} on {model['device']}",
        ),
        (
            "comparisons",
            f"{claim['network']} network, {claim['steps']:,} steps of {claim['batch']} crops of "
            f"{claim['crop_px']}² each, judged on the first {settings['claim_images']} of the "
            "photographs",
        ),
        ("judged and compared by", versions),
    ]
    return markdown((("", ""), rows))


def progress(figures: dict) -> str:
    return markdown(progress_table(figures["found"]["snapshots"]["points"]))


BLOCKS = {
    "where": where,
    "first": lambda figures: markdown(first_table(figures["found"])),
    "published": lambda figures: markdown(published_table(figures["found"])),
    "progress": progress,
    "claim": lambda figures: markdown(claim_table(figures["found"])),
    "bias": lambda figures: markdown(bias_table(figures["found"])),
}


def page_of(text: str, figures: dict) -> str:
    """Return the page with every block made anew."""

    def block(found: re.Match[str]) -> str:
        return f"<!-- made: {found['name']} -->\n\n{BLOCKS[found['name']](figures)}\n\n<!-- end -->"

    return BLOCK.sub(block, text)


def figures_of(lab: Path) -> dict:
    """Return the figures of a finished experiment, without those of single photographs."""
    found = {
        path.stem: without_single(json.loads(path.read_text())["figures"])
        for path in sorted((lab / "stages").glob("*.json"))
    }
    versions = json.loads((lab / "stages" / f"{MODEL}.json").read_text())["versions"]
    settings = json.loads((lab / "settings.json").read_text())
    for name in ("train", "test", "given_model"):  # where they lay is of no use to anybody
        settings[name] = settings[name] and Path(settings[name]).name
    return {"settings": settings, "versions": versions, "found": found}


def without_single(figures: dict) -> dict:
    return {
        name: without_single(figure) if isinstance(figure, dict) else figure
        for name, figure in figures.items()
        if name != "each_psnr_db"
    }


def draw_claim(figures: dict) -> Path:
    """Draw PSNR against the number of photographs, for noisy and for clean targets."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    found = figures["found"]
    counts = counts_of(found)
    figure, all_axes = pyplot.subplots(1, len(COMPARED_DEVIATIONS), figsize=(9, 3.4))
    for axes, sigma in zip(all_axes, COMPARED_DEVIATIONS, strict=True):
        for targets, style, colour in (("clean", "s--", "#999999"), ("noisy", "o-", "#0072b2")):
            axes.plot(
                counts,
                claim_curve(found, targets, sigma),
                style,
                color=colour,
                label=f"{targets} targets",
            )
        axes.set_xscale("log")
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.set(title=f"σ = {sigma}", xlabel="photographs trained on", ylabel="PSNR, dB")
        axes.legend(frameon=False)
    figure.tight_layout()
    path = IMAGES / "natural-claim.png"
    figure.savefig(path, dpi=110, metadata={"Software": None})
    return path


def draw_details(lab: Path, figures: dict) -> Path:
    """Put details of photographs beside each other: noisy, denoised, clean."""
    from matplotlib.font_manager import findfont
    from PIL import Image, ImageDraw, ImageFont

    shown, methods = (figures["found"]["pictures"][key] for key in ("shown", "methods"))
    font = ImageFont.truetype(findfont("DejaVu Sans"), 15)  # Pillow's own has no σ
    side, title, gap = 256, 24, 6
    width = len(methods) * (side + gap) - gap
    sheet = Image.new("RGB", (width, len(shown) * (side + title + gap) - gap), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (number, sigma) in enumerate(shown):
        captions = {**TITLES, "noisy": f"noisy, σ = {sigma}"}
        for column, what in enumerate(methods):
            at = (column * (side + gap), row * (side + title + gap))
            pen.text((at[0], at[1] + 3), captions.get(what, what), fill="black", font=font)
            with Image.open(lab / "pictures" / f"{number}-{what}.png") as picture:
                sheet.paste(picture, (at[0], at[1] + title))
    path = IMAGES / "natural-details.png"
    sheet.save(path, optimize=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lab", type=Path)
    given = parser.parse_args()
    figures = figures_of(given.lab)
    FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(page_of(PAGE.read_text(), figures))
    for path in (PAGE, FIGURES, draw_claim(figures), draw_details(given.lab, figures)):
        print(path)


if __name__ == "__main__":
    main()
