"""What the labels of MRC results say: those of what they were made of, and what was made of it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from napari_n2n.errors import N2NError
from napari_n2n.io.formats import sniff
from napari_n2n.io.limits import open_binary
from napari_n2n.io.outputs import CREATOR, DENOISED, MRC_LABEL, labels_in

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BRIGHT = f"{CREATOR}: particles taken to be bright on dark"
"""A label of results whose particles were taken, or said, to be bright."""
REMOVED = f"{CREATOR}: removed "
"""How the label begins that tells what denoising took away."""

_MOST = 9  # of ten: the writer's own is the last


def read_labels(path: Path | None) -> tuple[str, ...]:
    """Return the labels of an MRC file, compressed or not; none of any other, and of no file."""
    with suppress(N2NError, OSError):
        if path is not None and path.is_file():
            with open_binary(path) as handle:
                return labels_in(sniff(handle, path).head)
    return ()


def told_in(labels: Iterable[str]) -> tuple[str, ...]:
    """Return what ``labels`` say of how a result was made, for people."""
    return tuple(
        label.removeprefix(f"{CREATOR}: ").replace(" strong", " strong (noise: about 1)")
        for label in labels
        if label == BRIGHT or label.startswith(REMOVED)
    )


def with_labels_of(path: Path | None, own: Iterable[str]) -> list[str]:
    """Return the labels of what is made of the file at ``path``: its own, then ``own``.

    What the file says of its own making is not true of the result. Of more than fit, the first of
    the input are kept.
    """
    own = list(dict.fromkeys(own))
    theirs = [
        "".join(c if " " <= c <= "~" else "?" for c in label)
        for label in read_labels(path)
        if not _is_of_its_making(label) and label not in own
    ]
    return [*theirs[: max(0, _MOST - len(own))], *own][:_MOST]


def _is_of_its_making(label: str) -> bool:
    made = (MRC_LABEL, DENOISED, BRIGHT, REMOVED)
    return not label.strip() or label.startswith(made)
