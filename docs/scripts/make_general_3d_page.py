"""Write the tables of docs/general-3d-model.md from what tests/benchmarks/bench_tomograms.py found.

Run: python docs/scripts/make_general_3d_page.py

What stands between ``<!-- made: NAME -->`` and ``<!-- end -->`` is replaced by the table NAME, of
tests/benchmarks/results/tomograms/NAME.json.
"""

import json
import re
from pathlib import Path

DOCS = Path(__file__).parents[1]
PAGE = DOCS / "general-3d-model.md"
RESULTS = DOCS.parent / "tests" / "benchmarks" / "results" / "tomograms"
BLOCK = re.compile(r"<!-- made: (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL)
HEADS = {
    "seed": "seed",
    "shape": "voxels",
    "voxel_size": "Å/voxel",
    "dose": "dose, e/Å²",
    "defocus": "defocus, µm",
    "raw": "raw",
    "best_gaussian": "best Gaussian",
    "general": "general-3d",
    "noise": "noise",
    "both_halves": "both halves: left, of the noise",
    "one_volume": "one volume: left",
    "correlation_of_results": "correlation of two results",
}


def cell(name: str, value: object) -> str:
    if name == "shape":
        return " × ".join(map(str, value))
    if name in ("voxel_size", "dose", "defocus"):
        return f"{value:g}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def table(name: str) -> str:
    rows = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]
    kept = [key for key in rows[0] if key in HEADS]
    lines = [[HEADS[key] for key in kept], ["---"] * len(kept)]
    lines += [[cell(key, row[key]) for key in kept] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def block(found: re.Match[str]) -> str:
    return f"<!-- made: {found['name']} -->\n\n{table(found['name'])}\n\n<!-- end -->"


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(block, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
