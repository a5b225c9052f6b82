"""Speed and memory of opening, aligning, training and denoising, beside Topaz and the plain way.

Run: tox -e bench -- [options], or python tests/benchmarks/bench_speed.py [options]

All parts at full size take a few hours on two cores, and 5 GB of disk for the simulated data;
``--quick`` tries everything in minutes. Each part keeps its figures as soon as it has some, so that
a run can be split (``--parts``) and taken up again (``--resume``).
``python docs/scripts/make_performance_page.py`` makes docs/performance.md of them.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from speed.bench import make_bench
from speed.machine import describe_machine
from speed.parts import PARTS
from speed.processes import ProcessFailed
from speed.results import RESULTS, read_part, write_part

CACHE = Path(tempfile.gettempdir()) / "napari-n2n-bench"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--parts", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure")
    add("--rounds", type=int, help="how often everything is run in turn (default 3)")
    add("--quick", action="store_true", help="512² images, one round: does it run at all?")
    add("--side", type=int, help="side of micrographs and movies in px (default 4096)")
    add("--cache", type=Path, default=CACHE, help=f"where simulated data is kept ({CACHE})")
    add("--results", type=Path, help="where figures go (default: the committed ones)")
    add("--resume", action="store_true", help="leave out the parts that were measured to the end")
    add("--topaz", type=Path, help="Topaz's command (default: the one on PATH, if any)")
    add("--model", type=Path, help="denoise with this model (default: the general one)")
    given = parser.parse_args()
    bench = make_bench(
        cache=given.cache,
        rounds=given.rounds,
        side=given.side,
        quick=given.quick,
        topaz=given.topaz,
        model=given.model,
    )
    # A trial must not pass for the figures that the page is made of.
    results = given.results or (bench.cache / "results" if given.quick else RESULTS)
    failed = 0
    for part in given.parts:
        before = read_part(results, part)
        if given.resume and before is not None and before["complete"]:
            print(f"{part}: kept from {before['machine']['date']}")
            continue
        print(f"{part} …", flush=True)
        started = time.monotonic()
        frame = {"machine": describe_machine(), "settings": bench.settings}
        try:
            figures: dict[str, object] = {}
            for figures in PARTS[part](bench):
                write_part(results, part, {"complete": False, **frame, **figures})
            write_part(results, part, {"complete": True, **frame, **figures})
        except ProcessFailed as problem:
            print(f"{part}: {problem}", file=sys.stderr)
            failed += 1
            continue
        print(f"{part}: {time.monotonic() - started:.0f} s, in {results / part}.json", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
