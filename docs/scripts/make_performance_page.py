"""Make the tables and pictures of docs/performance.md from the benchmark's committed figures.

Run: python docs/scripts/make_performance_page.py [--check] [--results FOLDER]
     (needs matplotlib; with --check, which changes nothing, it does not)

What stands between ``<!-- made: NAME -->`` and ``<!-- end -->`` is replaced by the table NAME.
"""

import argparse
import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
PAGE = DOCS / "performance.md"
BENCHMARKS = DOCS.parent / "tests" / "benchmarks"
sys.path[:0] = [str(DOCS / "scripts"), str(BENCHMARKS)]

from performance_page import costs, training, using  # noqa: E402
from speed.results import RESULTS, read_all  # noqa: E402

# The table, and the parts of the benchmark without which it cannot be made.
BLOCKS = {
    "where": (using.where, ()),
    "summary": (using.summary, ("denoising", "training", "aligning")),
    "opening": (using.opening, ("opening",)),
    "aligning": (using.aligning, ("aligning",)),
    "aligning stages": (using.aligning_stages, ("aligning",)),
    "denoising": (using.denoising, ("denoising",)),
    "list": (using.listed, ("denoising",)),
    "training speed": (training.training_speed, ("training",)),
    "training targets": (training.training_targets, ("training",)),
    "training curve": (training.training_curve, ("training",)),
    "networks": (training.networks, ("networks",)),
    "floor networks": (costs.floor_networks, ("floor",)),
    "floor shares": (costs.floor_shares, ("floor",)),
    "growth": (costs.growth, ("growth",)),
    "clicks": (using.clicks, ("clicks",)),
    "waiting": (costs.waiting, ("waiting",)),
}
BLOCK = re.compile(r"<!-- made: (?P<name>[\w ]+) -->\n.*?<!-- end -->", re.DOTALL)


def page_of(text: str, results: dict) -> str:
    """Return the page with every block made anew."""

    def block(found: re.Match[str]) -> str:
        name = found["name"]
        make, needed = BLOCKS[name]
        missing = [part for part in needed if part not in results]
        made = f"Not measured yet ({', '.join(missing)})." if missing else make(results)
        return f"<!-- made: {name} -->\n\n{made}\n\n<!-- end -->"

    return BLOCK.sub(block, text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page is right")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    results = read_all(given.results)
    if not results:
        print(f"There are no figures in {given.results}.", file=sys.stderr)
        return 1
    text = PAGE.read_text()
    made = page_of(text, results)
    if given.check:
        if made != text:
            print(
                "docs/performance.md does not show the committed figures; make it anew with\n"
                "python docs/scripts/make_performance_page.py",
                file=sys.stderr,
            )
        return int(made != text)
    PAGE.write_text(made)
    from performance_page.plots import draw

    for path in (PAGE, *draw(results, DOCS / "images")):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
