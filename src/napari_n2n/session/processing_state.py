"""What processing found out about a micrograph: how far it is, its figures, made with what."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.session.paths import storable
from napari_n2n.session.records import STATES, State
from napari_n2n.session.rows import DamagedRows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def set_state(connection: sqlite3.Connection, micrograph: int, state: State, message: str) -> None:
    """Keep how far the processing is, and why it failed; figures stay as they are.

    Raises
    ------
    BadValue
        The state is none of `STATES`.
    """
    if state not in STATES:
        raise BadValue(f"A state is {', '.join(STATES[:-1])} or {STATES[-1]}.")
    connection.execute(
        "INSERT INTO processing (micrograph, state, message, made_with, figures) "
        "VALUES (?, ?, ?, '', '{}') "
        "ON CONFLICT DO UPDATE SET state = excluded.state, message = excluded.message",
        (micrograph, state, storable(message)),
    )


def set_figures(
    connection: sqlite3.Connection,
    micrograph: int,
    figures: Mapping[str, float | None],
    made_with: str,
    acquired: float | None,
) -> None:
    """Keep figures in the place of the earlier ones; the state becomes "done".

    What is None or not finite is unknown and is not kept.

    Raises
    ------
    BadValue
        A figure without a name, or a time that is no number.
    """
    if "" in figures:
        raise BadValue("A figure needs a name.")
    if acquired is not None and not math.isfinite(acquired):
        raise BadValue("The time of a file is a number of seconds.")
    known = {
        name: float(value)
        for name, value in figures.items()
        if value is not None and math.isfinite(value)
    }
    connection.execute(
        "INSERT INTO processing (micrograph, state, message, acquired, made_with, figures) "
        "VALUES (?, 'done', '', ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET state = 'done', message = '', made_with = excluded.made_with, "
        "figures = excluded.figures, acquired = coalesce(excluded.acquired, acquired)",
        (
            micrograph,
            None if acquired is None else float(acquired),
            made_with,
            json.dumps(known),
        ),
    )


def made_with(connection: sqlite3.Connection, micrograph: int) -> str:
    """Return the digest that was kept with the figures; empty if there are none."""
    found = connection.execute(
        "SELECT made_with FROM processing WHERE micrograph = ?", (micrograph,)
    ).fetchone()
    return "" if found is None else str(found[0])


def columns_of(texts: Sequence[str | None]) -> dict[str, NDArray[np.float64]]:
    """Return the JSON of n micrographs as columns, NaN where a figure is unknown.

    Raises
    ------
    DamagedRows
        It is not what `set_figures` wrote.
    """
    try:
        # One call for all: 20,000 small ones would take three times as long.
        rows: list[dict[str, Any]] = json.loads(
            "[" + ",".join(text or "{}" for text in texts) + "]"
        )
        names = dict.fromkeys(name for row in rows for name in row)
        if len(rows) != len(texts):
            raise ValueError("rows that are no rows")
        return {
            name: np.array([row.get(name, math.nan) for row in rows], np.float64) for name in names
        }
    except (AttributeError, TypeError, ValueError) as error:
        raise DamagedRows(str(error)) from error
