"""Put the figures of finished experiments into docs/reproduce.md.

Run: python docs/scripts/make_reproduce_table.py FOLDER...
     (folders of `napari-n2n reproduce apoferritin` and `... aldolase`)

The section "What came out" is made, or made anew, one table a folder.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from napari_n2n.experiments.cryo.fields import LEFT_OUT
from napari_n2n.experiments.cryo.judging import JUDGED, WHAT
from napari_n2n.experiments.cryo.networks import EPOCHS, LIGHT, PAPER
from napari_n2n.progress import format_seconds

PAGE = Path(__file__).resolve().parents[1] / "reproduce.md"
HEADING, NEXT = "## What came out", "## Your own movies"
MADE = re.compile(rf"({HEADING}\n.*?)?(?={NEXT}\n)", re.DOTALL)


def stages(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return the figures of all stages of a kind, in the order of their names."""
    paths = sorted((folder / "stages").glob(f"{kind}-*.json"))
    return [json.loads(path.read_text(encoding="utf-8"))["figures"] for path in paths]


def mean(judged: list[dict[str, Any]], kind: str, what: str, figure: str, form: str) -> str:
    values = [field[kind][what][figure] for field in judged]
    known = [value for value in values if value is not None]
    missing = f" ({len(values) - len(known)} nowhere above)" if len(known) < len(values) else ""
    return format(sum(known) / len(known), form) + missing if known else "nowhere above"


def title(folder: Path) -> str:
    """Say what the data were."""
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    specimen = settings["specimen"].capitalize()
    if settings["pairs"] is not None:
        return f"{specimen}, pairs of real images"
    if settings["movies"] is not None:
        return f"{specimen}, movies"
    side, frames = settings["size"], settings["frames"]
    return f"{specimen}, simulated, {frames} frames of {side}² px"


def trained(folder: Path) -> str:
    """Say how long which network was trained, and on what."""
    light, paper = stages(folder, "train")
    assert light["parameters"] < paper["parameters"]
    count = sum(LEFT_OUT not in field for field in stages(folder, "field"))
    judged = len(stages(folder, "judge"))
    return (
        f"Trained on {count - judged} micrographs, judged by {judged} others; {paper['device']}. "
        f"The {PAPER}'s network: {paper['epochs']:.3g} of {EPOCHS} epochs in "
        f"{format_seconds(paper['seconds'])}; the {LIGHT} one: {light['steps']:,} steps "
        f"in {format_seconds(light['seconds'])}."
    )


def table(folder: Path) -> str:
    """Return the figures of one experiment as Markdown."""
    judged = stages(folder, "judge")
    columns = [("independent", "correlation", ".3f", "correlation with an independent image")]
    if "truth" in judged[0]:
        columns = [
            ("truth", "correlation", ".3f", "correlation with the truth"),
            ("truth", "psnr_db", ".2f", "PSNR, dB"),
            ("truth", "resolution_angstrom", ".1f", "FRC 0.5 at, Å"),
            ("truth", "mean_frc", ".3f", "mean FRC"),
            *columns,
        ]
    lines = ["| | " + " | ".join(name for *_, name in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for what in JUDGED:
        cells = [mean(judged, kind, what, figure, form) for kind, figure, form, _ in columns]
        lines.append(f"| {WHAT[what]} | " + " | ".join(cells) + " |")
    return f"### {title(folder)}\n\n{trained(folder)}\n\n" + "\n".join(lines) + "\n"


def main() -> None:
    """Fill the page."""
    made = "\n".join(table(Path(folder)) for folder in sys.argv[1:])
    text = PAGE.read_text(encoding="utf-8")
    page = MADE.sub(lambda _: f"{HEADING}\n\n{made}\n", text, count=1)
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
