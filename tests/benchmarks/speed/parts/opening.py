"""How long opening a movie and reading a micrograph take."""

from collections.abc import Iterator
from typing import Any

from speed.bench import Bench
from speed.figures import interleave


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the seconds of opening, of a movie's first frame, and of a whole micrograph."""
    movie = bench.movie(bending=False)
    (micrograph,) = bench.micrographs(1)
    contenders = {
        "movie": lambda: bench.child("opening.movie", path=movie),
        "micrograph": lambda: bench.child("opening.micrograph", path=micrograph),
    }
    for rounds in interleave(contenders, bench.rounds):
        yield {"rounds": rounds}
