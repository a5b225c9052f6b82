"""What was measured at marked particles, kept to teach on the next micrographs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue

if TYPE_CHECKING:
    import sqlite3

    from numpy.typing import NDArray

    from napari_n2n.session.rows import Ids


def remember(
    connection: sqlite3.Connection,
    ids: Ids,
    values: NDArray[np.float32],
    kind: str,
    centres_px: NDArray[np.float64] | None,
) -> None:
    """Keep (n, d) ``values``, measured at (n, 2) ``centres_px`` or where the particles are now.

    A particle that is no longer there is left out.

    Raises
    ------
    BadValue
        Values that are no numbers, or of another length than those kept of that kind.
    """
    if values.ndim != 2 or len(values) != len(ids) or not np.isfinite(values).all():
        raise BadValue(f"{len(ids)} particles need as many rows of finite numbers.")
    if centres_px is not None and centres_px.shape != (len(ids), 2):
        raise BadValue(f"{len(ids)} particles need as many centres.")
    known = connection.execute(
        "SELECT length(vector) FROM descriptors WHERE kind = ? LIMIT 1", (kind,)
    ).fetchone()
    width = values.shape[1]
    if known is not None and len(ids) and known[0] != 4 * width:
        raise BadValue(f"Descriptors of kind {kind!r} have {known[0] // 4} numbers, not {width}.")
    vectors = [row.tobytes() for row in values.astype("<f4")]
    if centres_px is None:
        connection.executemany(
            "INSERT OR REPLACE INTO descriptors (particle, kind, x_px, y_px, vector) "
            "SELECT id, ?, x_px, y_px, ? FROM particles WHERE id = ?",
            ((kind, vector, i) for vector, i in zip(vectors, ids.tolist(), strict=True)),
        )
    else:
        connection.executemany(
            "INSERT OR REPLACE INTO descriptors (particle, kind, x_px, y_px, vector) "
            "SELECT id, ?, ?, ?, ? FROM particles WHERE id = ?",
            (
                (kind, x, y, vector, i)
                for (y, x), vector, i in zip(
                    centres_px.tolist(), vectors, ids.tolist(), strict=True
                )
            ),
        )


def examples(
    connection: sqlite3.Connection, kind: str
) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Return (n, d) values and (n,) labels of the particles a person has labelled.

    What was measured where a particle has since been moved away from does not count.
    """
    found = connection.execute(
        "SELECT d.vector, p.label FROM descriptors AS d JOIN particles AS p "
        "ON p.id = d.particle AND p.x_px = d.x_px AND p.y_px = d.y_px "
        "WHERE d.kind = ? AND p.given_by = 'person' AND p.label <> 'unlabelled' ORDER BY p.id",
        (kind,),
    ).fetchall()
    if not found:
        return np.empty((0, 0), np.float32), np.empty(0, "U11")
    values = np.frombuffer(b"".join(vector for vector, _ in found), "<f4")
    labels = np.array([label for _, label in found], "U11")
    return values.reshape(len(found), -1).astype(np.float32), labels
