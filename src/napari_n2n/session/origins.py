"""What other programs said of micrographs: the rows of RELION's lists, kept as they stood."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_n2n.io.star import StarTable, words_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from napari_n2n.session.database import Database


@dataclass(frozen=True)
class StarList:
    """A STAR file that names micrographs or movies, without its rows.

    Attributes
    ----------
    block
        What the block is called, as ``"micrographs"``.
    labels
        Names of its columns, without their underscore.
    version
        The line that tells the version of its format; empty where it has none.
    optics
        Labels and lines of its optics groups; None where it describes none.
    """

    block: str
    labels: tuple[str, ...]
    version: str = ""
    optics: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    @property
    def optics_table(self) -> StarTable | None:
        """The optics groups."""
        return None if self.optics is None else StarTable(*self.optics)


@dataclass(frozen=True)
class StarOrigin:
    """The row by which a STAR file named a micrograph."""

    list: StarList
    line: str

    @property
    def row(self) -> dict[str, str]:
        """The words of the row by their labels."""
        return dict(zip(self.list.labels, words_of(self.line), strict=True))

    @property
    def optics_group(self) -> dict[str, str] | None:
        """The micrograph's optics group, label by label; None where it is not described."""
        optics, number = self.list.optics_table, self.row.get("rlnOpticsGroup")
        rows = [] if optics is None else [optics.row(place) for place in range(len(optics))]
        return next((row for row in rows if row.get("rlnOpticsGroup") == number), None)


class Origins:
    """The rows of STAR files from which the micrographs of a session came.

    Parameters
    ----------
    database
        Keeps them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, origins: Mapping[int, StarOrigin]) -> None:
        """Keep where micrographs came from, by their ids, in the place of what was known."""
        with self._database.writing() as connection:
            numbers = {one: _list_id(connection, one) for one in {o.list for o in origins.values()}}
            connection.executemany(
                "INSERT INTO star_rows (micrograph, list, line) VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET list = excluded.list, line = excluded.line",
                [(int(id), numbers[one.list], one.line) for id, one in origins.items()],
            )

    def all(self) -> dict[int, StarOrigin]:
        """Return the origins that are known, by the micrographs' ids."""
        with self._database.reading() as connection:
            lists = {
                number: _list_of(json.loads(content))
                for number, content in connection.execute("SELECT id, content FROM star_lists")
            }
            rows = connection.execute(
                "SELECT micrograph, list, line FROM star_rows ORDER BY micrograph"
            ).fetchall()
        return {micrograph: StarOrigin(lists[number], line) for micrograph, number, line in rows}


def _list_id(connection: sqlite3.Connection, one: StarList) -> int:
    content = json.dumps([one.block, one.labels, one.version, one.optics])
    connection.execute("INSERT OR IGNORE INTO star_lists (content) VALUES (?)", (content,))
    (number,) = connection.execute(
        "SELECT id FROM star_lists WHERE content = ?", (content,)
    ).fetchone()
    return int(number)


def _list_of(content: list[Any]) -> StarList:
    block, labels, version, optics = content
    groups = None if optics is None else (tuple(optics[0]), tuple(optics[1]))
    return StarList(block, tuple(labels), version, groups)
