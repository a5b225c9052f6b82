"""What the images of one file are: frames of one exposure, sections, tilts or separate images.

No format says so for sure. What the header and the files beside it tell counts first, where it
cannot be mistaken: angles, an .mdoc, who wrote it. Then the images are looked at, as the header of
a volume is also that of many a movie (mrcfile gives it to every three-dimensional array, IMOD sets
mz to the number of frames, RELION writes volumes as stacks).
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_n2n.errors import N2NError
from napari_n2n.io.finding import stem_of
from napari_n2n.io.half_names import names_a_volume, split_half
from napari_n2n.io.likeness import looks_like

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_n2n.io.sources import FrameSource

StackKind = Literal["movie", "volume", "tilt series", "images"]
STACK_KINDS: tuple[StackKind, ...] = get_args(StackKind)
STACK_WORDS: dict[StackKind, str] = {
    "movie": "frames of one exposure",
    "volume": "sections of a volume",
    "tilt series": "a tilt series",
    "images": "separate images",
}
"""What the images of a stack are, for people."""

_SMALLEST_JUDGED_PX = 32
_UNPACKED_BYTES = 2**25
"""Of a compressed file that are looked at, 4 images at least: for one of them all before it are
unpacked."""
_TILTED_DEGREES = 1.0
_MOST_DEGREES = 100.0
_UNKNOWN = (
    "Whether its {} images are frames of one exposure the file does not tell, and they are taken "
    "for such. If they are not, say what they are: --kind."
)


@dataclass(frozen=True)
class Evidence:
    """What a file tells of its images.

    Attributes
    ----------
    kind
        What they are.
    why
        Whose word it is, to be put after "by": ``"its header"``.
    is_sure
        False: movies are known that say the same.
    """

    kind: StackKind
    why: str
    is_sure: bool = True


@dataclass(frozen=True)
class StackJudgement:
    """What the images of a file are, who says so, and what the user should know of it.

    ``is_known`` is False where nothing told, and `kind` is a guess.
    """

    kind: StackKind
    why: str
    notes: tuple[str, ...] = ()
    is_known: bool = True


def judged(source: FrameSource, path: Path | None) -> StackJudgement:
    """Say what several images are, of a file or in memory; of a few of them the pixels are read.

    Parameters
    ----------
    source
        The file, open.
    path
        Its name, beside which an ``.mdoc`` or a list of angles may lie; None: it is no file.
    """
    count = source.shape[0]
    if source.row_order == "eer":
        return StackJudgement("movie", "its format")
    evidence = evidence_of(source, path)
    if evidence is not None and evidence.is_sure:
        return StackJudgement(evidence.kind, evidence.why)
    looks = _looks(source)
    if looks == "movie":
        return _movie_by_its_looks(evidence)
    if evidence is not None:
        return StackJudgement(evidence.kind, evidence.why)
    series = path is not None and path.suffix.lower() in (".st", ".ali")  # IMOD, SerialEM
    if series and looks in ("no movie", "volume"):
        return StackJudgement("tilt series", "their looks")
    if looks == "no movie":
        return StackJudgement("images", "their looks")
    if looks is not None:
        return StackJudgement(looks, "their looks")
    told = min(source.shape[1:]) >= _SMALLEST_JUDGED_PX
    notes = (_UNKNOWN.format(count),) if told else ()
    return StackJudgement("movie", "nothing else", notes, is_known=False)


def evidence_of(source: FrameSource, path: Path | None) -> Evidence | None:
    """Return what a file, what lies beside it, and its name tell; no pixels are read."""
    stated: Evidence | None = getattr(source, "evidence", None)
    if path is None or (stated is not None and stated.is_sure and stated.kind == "volume"):
        return stated  # a reconstruction may lie beside the .mdoc of its tilt series
    beside = _beside(path, source.shape[0])
    if beside is not None or not names_a_volume(path, stem_of(path)):
        return beside or stated
    if stated is None:
        return Evidence("volume", "its name", is_sure=False)
    # No movie has both the header of a volume and such a name.
    return replace(stated, is_sure=True) if stated.kind == "volume" else stated


def _movie_by_its_looks(evidence: Evidence | None) -> StackJudgement:
    if evidence is None or evidence.kind == "movie":
        return StackJudgement("movie", "their looks")
    note = (
        f"By {evidence.why} its images are {STACK_WORDS[evidence.kind]}, but they look alike as "
        "frames of one exposure do, and are taken for such. If they are not, say what they are: "
        "--kind, in napari Images are."
    )
    return StackJudgement("movie", "their looks", (note,))


def _looks(source: FrameSource) -> StackKind | Literal["no movie"] | None:
    count, height, width = source.shape
    if min(height, width) < _SMALLEST_JUDGED_PX or source.is_rgb:
        return None
    seen = count
    if "zip" in source.format:
        image_bytes = height * width * source.dtype.itemsize
        seen = min(count, max(4, _UNPACKED_BYTES // image_bytes))
    try:
        return looks_like(source.read, seen, is_all=seen == count)
    except N2NError:
        return None  # what is wrong is told when they are wanted


def are_tilted(degrees: Iterable[float]) -> bool:
    """Whether these are the angles of a tilt series."""
    angles = np.asarray(list(degrees), np.float64)
    if len(angles) < 2 or not np.isfinite(angles).all():
        return False
    return bool(np.ptp(angles) >= _TILTED_DEGREES and np.abs(angles).max() <= _MOST_DEGREES)


def _beside(path: Path, count: int) -> Evidence | None:
    """Return what SerialEM's ``.mdoc`` or IMOD's list of angles beside a file tells of it.

    What tells of a tilt series tells of those of its odd and of its even frames, too.
    """
    packed = path.suffix if stem_of(path) != path.stem else ""
    unpacked = path.name.removesuffix(packed)
    stem = stem_of(path)
    found = _beside_name(path, unpacked, stem, count)
    whole, half = split_half(stem)
    if found is None and half is not None and whole:
        return _beside_name(path, whole + unpacked.removeprefix(stem), whole, count)
    return found


def _beside_name(path: Path, name: str, stem: str, count: int) -> Evidence | None:
    """Return what lies beside ``path`` for a file called ``name``, ``stem`` without extension."""
    for ending in (".mdoc", ".MDOC"):
        # TS.mdoc is of TS.mrc, but not of the volume TS.rec.
        for own in dict.fromkeys((path.name, name, stem)):
            found = _of_mdoc(path.with_name(own + ending), count, is_own=own != stem)
            if found is not None:
                return found
    with suppress(OSError, ValueError):
        aln = path.with_name(f"{stem}.aln")
        raw = re.search(r"^#\s*RawSize\s*=.*?(\d+)\s*$", aln.read_text("utf-8"), re.MULTILINE)
        if raw is not None and int(raw[1]) == count:
            return Evidence("tilt series", f"AreTomo's {aln.name}")
    for ending in (".rawtlt", ".tlt", ".RAWTLT", ".TLT"):
        beside = path.with_name(stem + ending)
        with suppress(OSError, ValueError):
            angles = [float(word) for word in beside.read_text("utf-8").split()]
            if len(angles) == count and are_tilted(angles):
                return Evidence("tilt series", f"the angles in {beside.name}")
    return None


def _of_mdoc(mdoc: Path, count: int, *, is_own: bool = True) -> Evidence | None:
    try:
        text = mdoc.read_text("utf-8", "replace")
    except OSError:
        return None
    if re.search(r"^\[FrameSet\s*=", text, re.MULTILINE):
        return Evidence("movie", mdoc.name)
    images = re.findall(r"^\[ZValue\s*=", text, re.MULTILINE)
    if len(images) < min(2, count) or not (is_own or len(images) == count):
        return None
    tilts = re.findall(r"^TiltAngle\s*=\s*(\S+)", text, re.MULTILINE)
    with suppress(ValueError):
        if are_tilted(map(float, tilts)):
            return Evidence("tilt series", mdoc.name)
    return Evidence("images", mdoc.name)
