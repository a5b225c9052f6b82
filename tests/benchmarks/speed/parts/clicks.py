"""From a click on Denoise to seeing the result, in napari."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from speed.bench import Bench
from speed.figures import interleave

# How the micrograph lies in the window, and how far that is zoomed in.
VIEWS = {"all of it in view": 1.0, "a quarter of its width in view": 4.0}


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the seconds to the first region on the screen, and to all of it, round by round."""
    if find_spec("napari") is None:
        yield {"rounds": {}, "notes": ["napari is not installed here: clicks were left out."]}
        return
    before: tuple[str, ...] = ()
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        if shutil.which("xvfb-run") is None:
            note = "There is neither a screen nor xvfb-run here: clicks were left out."
            yield {"rounds": {}, "notes": [note]}
            return
        before = ("xvfb-run", "-a", "-s", "-screen 0 1600x1000x24")
    (micrograph,) = bench.micrographs(1)
    contenders = {
        view: lambda zoom=zoom: bench.child(
            "clicking.denoise", before=before, path=micrograph, model=bench.model, zoom=zoom
        )
        for view, zoom in VIEWS.items()
    }
    for rounds in interleave(contenders, bench.rounds):
        yield {"rounds": rounds, "notes": [], "virtual_screen": bool(before)}
