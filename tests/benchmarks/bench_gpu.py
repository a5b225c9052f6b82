"""What the package does on a card, in six minutes: speed beside the card's own, and quality.

Run: python tests/benchmarks/bench_gpu.py --output FILE.json [--parts steps stream] [--seconds 350]

``--tiny`` tries everything in seconds, on a CPU too. FILE.json is written whenever there is a new
figure, so that a run that is ended keeps what it measured. A part that takes too long is ended and
the next one begun. Seconds are medians, with the least and the most beside them.
"""

import argparse
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

_STARTED = time.monotonic()
sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

import psutil  # noqa: E402
import torch  # noqa: E402
from card import data  # noqa: E402
from card.bench import Bench, full, tiny  # noqa: E402
from card.parts import PARTS  # noqa: E402
from card.running import CONTEXT, Record, run_part  # noqa: E402

from napari_n2n.version import __version__  # noqa: E402

# A part needs so much to tell anything.
_LEAST_SECONDS = 2.0
_ASKED = "name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,power.limit"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    names = [part.name for part in PARTS]
    add("--output", type=Path, required=True, help="where the figures go (JSON)")
    add("--parts", nargs="+", choices=names, default=names, help="what to measure")
    add("--seconds", type=float, default=350.0, help="how long everything may take")
    add("--tiny", action="store_true", help="as small as it goes: does it run at all?")
    add("--device", default="auto", help="cuda:0, cpu, or auto: the fastest there is")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="napari-n2n-card-"))
    bench = (tiny if given.tiny else full)(given.device, folder)
    record = Record(given.output, {"machine": machine(), "tiny": given.tiny})
    making = begin_simulating(bench)
    failed = 0
    try:
        for part in PARTS:
            left = given.seconds - (time.monotonic() - _STARTED)
            if part.name not in given.parts:
                continue
            if left < _LEAST_SECONDS:
                record.part(part.name)["problem"] = "no time was left"
                failed += 1
                continue
            ended = run_part(part, bench, record, left)
            entry = record.part(part.name)
            failed += not ended
            print(f"{part.name}: {entry['seconds']} s {entry['problem'] or ''}", flush=True)
    finally:
        for process in making:
            process.kill()
            process.join()  # it would write into the folder that is removed
        shutil.rmtree(folder, ignore_errors=True)
        record.content["cards_after"] = asked_of_cards()
        record.content["seconds"] = round(time.monotonic() - _STARTED, 1)
        record.content["complete"] = not failed
        record.write()
    return 1 if failed else 0


def machine() -> dict[str, object]:
    """Describe card, driver and versions without touching the card: parts are forked from here."""
    return {
        "cards": asked_of_cards(),
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "napari-n2n": __version__,
        "cores": len(psutil.Process().cpu_affinity()) if sys.platform == "linux" else None,
        "memory_gigabytes": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(terse=True),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "import_seconds": round(time.monotonic() - _STARTED, 2),
    }


def asked_of_cards() -> list[dict[str, str]]:
    """Return what nvidia-smi says of each card, where there is one."""
    command = ["nvidia-smi", f"--query-gpu={_ASKED}", "--format=csv,noheader"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [
        dict(zip(_ASKED.split(","), (word.strip() for word in line.split(",")), strict=False))
        for line in said.stdout.splitlines()
    ]


def begin_simulating(bench: Bench) -> list:
    """Simulate beside the first parts, all at once where there are cores for it."""
    works = [(data.make_field, (bench, number)) for number in reversed(range(bench.fields + 1))]
    works.append((data.make_movie, (bench,)))
    if not bench.crops:  # on trial: one process, not one for every image
        works = [(_one_after_the_other, (works,))]
    processes = [CONTEXT.Process(target=work, args=given, daemon=True) for work, given in works]
    for process in processes:
        process.start()
    return processes


def _one_after_the_other(works: list) -> None:
    for work, given in works:
        work(*given)


if __name__ == "__main__":
    sys.exit(main())
