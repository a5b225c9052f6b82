"""How often a program opens files, and looks at what they are."""

import builtins
import io
from collections import Counter
from pathlib import Path

from napari_n2n.io import formats


class Openings:
    """Counts, by path, what is opened and sniffed from now on; everything else stays as it is."""

    def __init__(self, monkeypatch) -> None:
        self.opened: Counter[Path] = Counter()
        self.sniffed: Counter[Path] = Counter()
        really_open, really_sniff = io.open, formats.sniff

        def opening(file, *arguments, **options):
            if not isinstance(file, int):
                self.opened[Path(file)] += 1
            return really_open(file, *arguments, **options)

        def sniff(handle, path):
            self.sniffed[path] += 1
            return really_sniff(handle, path)

        # pathlib asks io, tifffile the builtins.
        monkeypatch.setattr(io, "open", opening)
        monkeypatch.setattr(builtins, "open", opening)
        monkeypatch.setattr(formats, "sniff", sniff)

    def of(self, path: Path) -> tuple[int, int]:
        """Return how often a file was (sniffed, opened)."""
        return self.sniffed[path], self.opened[path]
