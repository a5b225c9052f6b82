"""What a TIFF's description tells of its images: by ImageJ, OME-XML or tifffile's own note."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from napari_n2n.io.stack_kinds import Evidence, StackKind

_AXES: dict[str, StackKind] = {"Z": "volume", "C": "images", "S": "images", "T": "movie"}


def tiff_evidence(description: str) -> Evidence | None:
    """Return what the description of a TIFF's first page tells of its several images."""
    if description.startswith("ImageJ="):
        return _of_imagej(description)
    if "<OME" in description and "SizeZ" in description:
        sizes = dict(re.findall(r'\bSize([ZCT])="(\d+)"', description))
        return _of_axes({axis: int(size) for axis, size in sizes.items()}, "its OME metadata")
    if description.startswith("{"):
        with suppress(ValueError, TypeError, AttributeError):
            noted = json.loads(description.rstrip("\x00"))
            axes, shape = noted.get("axes", ""), noted["shape"]
            return _of_axes(dict(zip(axes, map(int, shape), strict=True)), "its metadata")
    return None


def _of_imagej(description: str) -> Evidence | None:
    """ImageJ calls the images of any stack slices; with a distance they are those of a volume."""
    numbers = dict(re.findall(r"^(frames|slices|channels|spacing)=(\S+)\s*$", description, re.M))
    sizes: dict[str, int] = {}
    for name, axis in (("frames", "T"), ("slices", "Z"), ("channels", "C")):
        with suppress(ValueError, KeyError):
            sizes[axis] = int(numbers[name])
    found = _of_axes(sizes, "its ImageJ metadata")
    if found is not None and found.kind == "volume" and "spacing" not in numbers:
        return Evidence("volume", found.why, is_sure=False)
    return found


def _of_axes(sizes: dict[str, int], why: str) -> Evidence | None:
    several = [axis for axis in _AXES if sizes.get(axis, 1) > 1]
    if not several:
        return None
    # Channels of frames, or frames of sections, are no movie.
    kind = _AXES[several[0]] if len(several) == 1 else "images"
    return Evidence(kind, why)
