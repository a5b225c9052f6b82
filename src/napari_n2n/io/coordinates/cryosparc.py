"""cryoSPARC's .cs files of particle locations: NumPy arrays with a name for each column.

A position is ``location/center_x_frac`` and ``location/center_y_frac``, shares of the micrograph's
width and height; ``location/micrograph_shape`` is (height, width) in px. So x_px = share × width
and y_px = share × height, y from the first row of the MRC that cryoSPARC itself wrote or was
given, the first pixel's centre at (0, 0). This is how cryosparc-tools' own example brings
crYOLO's picks in, and what an extraction in RELION from the same MRC confirms (helicon's tests).
Programs that turn y around (pyem's csparc2star does unless told ``--inverty``) go to RELION's
micrographs of TIFF movies, which are upside down against cryoSPARC's: that is `mirror_y` here.

The shares are float32, as cryoSPARC has them: exact to 0.0005 px in 8192. Scores are
``pick_stats/ncc_score``, written as ``pick_stats/power`` too, as *Inspect Picks* filters by both;
``location/min_dist_A`` is the particle's diameter, or 0 where that is not known. Paths that begin
with ``>``, which is cryoSPARC's own mark, are read without it. Labels and who gave them have
columns of this program's own (``napari_n2n/label``, ``napari_n2n/given_by``), which cryoSPARC
leaves alone. The ids written (``uid``, ``location/micrograph_uid``) are made of the names:
cryoSPARC's own ids of its micrographs are not known here.
"""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.model import MicrographParticles
from napari_n2n.io.coordinates.text import (
    as_scores,
    by_micrograph,
    givers_of,
    parsing,
    positions,
    refuse_foreign,
)
from napari_n2n.io.limits import COPY_AGAIN, open_binary
from napari_n2n.io.particles import GIVERS, LABELS, Particles
from napari_n2n.io.pixel_size import judge_pixel_size

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 2**18
"""Bytes; a particle with hundreds of columns has some 10⁴."""

_X, _Y = "location/center_x_frac", "location/center_y_frac"
_PATH, _SHAPE = "location/micrograph_path", "location/micrograph_shape"
_PIXEL, _SCORE = "location/micrograph_psize_A", "pick_stats/ncc_score"
_LEAST, _POWER = "location/min_dist_A", "pick_stats/power"
_LABEL, _GIVER = "napari_n2n/label", "napari_n2n/given_by"


def read_cs(path: Path, *, shape: tuple[int, int] | None = None) -> list[MicrographParticles]:
    """Read a cryoSPARC .cs file. Nothing in it is ever unpickled.

    Parameters
    ----------
    shape
        (y, x) of the micrographs in px, for files that do not tell.

    Raises
    ------
    UnreadableFile
        When it is torn, holds Python objects, has no locations or a value that cannot be right.
    """
    rows = _load(path)
    fields = rows.dtype.names or ()
    missing = [name for name in (_X, _Y) if name not in fields]
    if missing:
        raise UnreadableFile(
            path,
            f"has no {' and no '.join(missing)}",
            "Give a cryoSPARC file of picked or extracted particles; after a 2D or 3D job that "
            "is the passthrough file.",
        )
    if not len(rows):
        return [MicrographParticles(Particles.none(), shape=shape)]
    with parsing(path, "a cryoSPARC file"):
        return _tables(path, rows, shape)


def _load(path: Path) -> NDArray[Any]:
    with open_binary(path) as handle:
        head = handle.read(128)
    refuse_foreign(path, head)
    if not head.startswith(MAGIC):
        raise UnreadableFile(path, "is no cryoSPARC file", "Give a .cs file of particles.")
    try:
        # Mapped, so that a header cannot promise more than the file holds.
        rows: NDArray[Any] = np.load(
            path, mmap_mode="r", allow_pickle=False, max_header_size=_LONGEST_HEADER
        )
    except Exception as error:  # a hostile header fails in many ways
        if "object" in str(error).lower():
            raise UnreadableFile(
                path,
                "holds Python objects, which are never opened: they could run any program",
                "Load it with cryosparc-tools and save it again.",
            ) from error
        detail = " ".join(str(error).split())[:120]
        raise UnreadableFile(
            path, f"is torn or damaged: it cannot be read as a .cs file ({detail})", COPY_AGAIN
        ) from error
    if rows.ndim != 1 or rows.dtype.names is None:
        raise UnreadableFile(
            path,
            f"is a NumPy array of shape {rows.shape}, not a cryoSPARC table",
            "Give a .cs file of particles.",
        )
    return rows


def _tables(
    path: Path, rows: NDArray[Any], given: tuple[int, int] | None
) -> list[MicrographParticles]:
    fields = rows.dtype.names or ()
    count = len(rows)
    if _SHAPE in fields:
        shapes = np.asarray(rows[_SHAPE], dtype=np.float64).reshape(count, 2)
    elif given is not None:
        shapes = np.tile(np.asarray(given, dtype=np.float64), (count, 1))
    else:
        raise UnreadableFile(
            path,
            "gives positions as shares of micrographs whose size it does not tell",
            "Give the micrographs' shape, or a micrograph.",
        )
    if not ((shapes >= 1) & (shapes <= 1e6)).all():
        raise UnreadableFile(path, "gives a micrograph a shape that cannot be right", COPY_AGAIN)
    x = np.asarray(rows[_X], dtype=np.float64) * shapes[:, 1]
    y = np.asarray(rows[_Y], dtype=np.float64) * shapes[:, 0]
    scores = np.full(count, np.nan)
    if _SCORE in fields:
        scores = np.asarray(rows[_SCORE], dtype=np.float64)
    labels = _words(path, rows, _LABEL, LABELS) if _LABEL in fields else None
    labels = np.full(count, "unlabelled") if labels is None else labels
    givers = _words(path, rows, _GIVER, GIVERS) if _GIVER in fields else givers_of(labels)
    names = [""] * count
    if _PATH in fields:
        stored = rows[_PATH].tolist()
        names = [one.decode("utf-8") if isinstance(one, bytes) else str(one) for one in stored]
        # cryoSPARC marks names from the project's folder so.
        names = [name.removeprefix(">") for name in names]

    def pixel_size_of(row: int) -> float | None:
        if _PIXEL not in fields:
            return None
        size = float(rows[_PIXEL][row])
        # float32 holds 1.35 as 1.3500000238: its shortest digits are what was meant.
        size = float(str(np.float32(size)))
        return judge_pixel_size(size, size)[0]

    return by_micrograph(
        path,
        names,
        Particles(positions(path, x, y), labels, as_scores(path, scores), givers),
        pixel_size_of=pixel_size_of,
        shape_of=lambda row: (int(shapes[row, 0]), int(shapes[row, 1])),
    )


def _words(path: Path, rows: NDArray[Any], field: str, allowed: Sequence[str]) -> NDArray[np.str_]:
    words = np.char.decode(np.asarray(rows[field]).astype("S"), "utf-8")
    unknown = words[~np.isin(words, allowed)]
    if unknown.size:
        raise UnreadableFile(path, f"has {str(unknown[0])[:40]!r} as {field}", COPY_AGAIN)
    return words


def cs_bytes(tables: Sequence[MicrographParticles]) -> bytes:
    """Write a .cs file; all shapes and pixel sizes must be known."""
    paths = [one.micrograph.encode("utf-8") for one in tables]
    fields: list[Any] = [
        ("uid", "<u8"),
        ("location/micrograph_uid", "<u8"),
        ("location/exp_group_id", "<u4"),
        (_PATH, f"S{max(map(len, paths), default=1) or 1}"),
        (_SHAPE, "<u4", (2,)),
        (_X, "<f4"),
        (_Y, "<f4"),
        (_PIXEL, "<f4"),
        (_LEAST, "<f4"),
        (_SCORE, "<f4"),
        (_POWER, "<f4"),
        (_LABEL, "S11"),
        (_GIVER, "S10"),
    ]
    if not any(np.isfinite(one.particles.scores).any() for one in tables):
        fields = [field for field in fields if field[0] not in (_SCORE, _POWER)]
    rows = np.zeros(sum(len(one.particles) for one in tables), dtype=fields)
    start = 0
    for one, name in zip(tables, paths, strict=True):
        p = one.particles
        part = rows[start : start + len(p)]
        shape = one.shape or (1, 1)
        part["uid"] = [_uid(name, start + i, *c) for i, c in enumerate(p.centres_px.tolist())]
        part["location/micrograph_uid"] = _uid(name)
        part[_PATH], part[_SHAPE], part[_PIXEL] = name, shape, one.pixel_size_angstrom
        part[_LEAST] = one.diameter_angstrom or 0.0
        part[_X] = p.centres_px[:, 1] / shape[1]
        part[_Y] = p.centres_px[:, 0] / shape[0]
        part[_LABEL], part[_GIVER] = p.labels.astype("S"), p.given_by.astype("S")
        if _SCORE in (rows.dtype.names or ()):
            part[_SCORE] = part[_POWER] = p.scores
        start += len(p)
    out = io.BytesIO()
    np.lib.format.write_array(out, rows, allow_pickle=False)
    return out.getvalue()


def _uid(name: bytes, *rest: float) -> int:
    """Make an id of 64 bits, the same each time the same particles are written."""
    digest = hashlib.blake2b(name + repr(rest).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
