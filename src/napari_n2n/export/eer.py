"""What RELION must be told of EER movies, so that its micrographs have the pixels of those here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.export.selection import named
from napari_n2n.io import inspect_file

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from napari_n2n.session.session import Session

_MOST_LOOKED_AT = 20


def upsampling_notes(session: Session, ids: ArrayLike) -> tuple[str, ...]:
    """Say how EER movies were rendered, where that is not as their detector has its pixels.

    Parameters
    ----------
    ids
        Of the micrographs that are handed on. What cannot be read is left out.
    """
    wanted = {int(number) for number in np.asarray(ids)}
    finer: dict[int, list[str]] = {}
    sizes: dict[int, float | None] = {}
    movies = [
        (record.path, record)
        for record in session.micrographs.records()
        if record.id in wanted and record.path is not None
        if record.path.suffix.lower() == ".eer"
    ]
    for file, record in movies[:_MOST_LOOKED_AT]:
        try:
            width = inspect_file(file).shape[-1]
        except UnreadableFile:
            continue
        factor = round(record.shape[1] / width)
        if factor > 1:
            finer.setdefault(factor, []).append(file.name)
            sizes[factor] = record.pixel_size_angstrom
    return tuple(
        f"{named(names)}: screened with EER upsampling {factor}"
        + (f", at {sizes[factor]:.4g} Å/px" if sizes[factor] else "")
        + f". Tell RELION's motion correction the same (EER upsampling {factor}) and its import "
        f"that pixel size, or its micrographs have other pixels; or export with --scale "
        f"{1 / factor:g} for micrographs of the detector's own pixels."
        for factor, names in finer.items()
    )
