"""Rows of particles as arrays, and edits of them that can be turned round."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.io.particles import GIVERS, LABELS, Particles

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from numpy.typing import NDArray

    Rows: TypeAlias = NDArray[np.void]
    Ids: TypeAlias = NDArray[np.int64]

ROW = np.dtype(
    [
        ("id", "<i8"),
        ("y_px", "<f8"),
        ("x_px", "<f8"),
        ("score", "<f4"),
        ("label", "u1"),
        ("given_by", "u1"),
        ("placed_by", "u1"),
    ]
)
"""One particle; the last three are places in `LABELS`, `GIVERS` and `GIVERS`."""


EDIT_COLUMNS = (
    "removed",
    "added",
    "altered_columns",
    "altered",
    "threshold_altered",
    "threshold_before",
    "threshold_after",
)
"""What the table ``history`` keeps of an `Edit`."""


class DamagedRows(ValueError):
    """What is in the tables cannot have been written there by this program."""


PERSON = GIVERS.index("person")
UNLABELLED = LABELS.index("unlabelled")

TEXTS: dict[str, tuple[str, ...]] = {"label": LABELS, "given_by": GIVERS, "placed_by": GIVERS}
"""The columns that are places in a list, and that list."""

_COLUMNS = tuple(name for name in ROW.names or () if name != "id")


def codes(texts: NDArray[np.str_], among: tuple[str, ...]) -> NDArray[np.uint8]:
    """Return the place of each text in ``among``, all of which are known to be there."""
    found = np.zeros(texts.shape, np.uint8)
    for place, text in enumerate(among):
        found[texts == text] = place
    return found


def rows_of(particles: Particles, ids: Ids) -> Rows:
    """Return particles as rows; whoever gave a particle has also placed it."""
    rows = np.empty(len(particles), ROW)
    rows["id"] = ids
    rows["y_px"], rows["x_px"] = particles.centres_px.T
    rows["score"] = particles.scores
    rows["label"] = codes(particles.labels, LABELS)
    rows["given_by"] = rows["placed_by"] = codes(particles.given_by, GIVERS)
    return rows


def particles_of(rows: Rows) -> Particles:
    """Return rows as particles."""
    return Particles(
        np.stack([rows["y_px"], rows["x_px"]], axis=1),
        np.array(LABELS)[rows["label"]],
        np.array(rows["score"]),
        np.array(GIVERS)[rows["given_by"]],
    )


def places_of(rows: Rows, ids: Ids) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where in ``rows``, which are in the order of their ids, each id would be, and is."""
    places = np.searchsorted(rows["id"], ids)
    there = np.zeros(len(ids), bool)
    inside = places < len(rows)
    there[inside] = rows["id"][places[inside]] == ids[inside]
    return places, there


def _same(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = a == b
    if a.dtype.kind == "f":
        equal = equal | (np.isnan(a) & np.isnan(b))
    return equal


def _altered_type(columns: Iterable[str]) -> np.dtype[np.void]:
    pairs = [
        (f"{column}_{when}", ROW[column]) for column in columns for when in ("before", "after")
    ]
    return np.dtype([("id", ROW["id"]), *pairs])


def alteration(before: Rows, after: Rows) -> NDArray[np.void]:
    """Tell how rows of equal ids differ: ``id``, then each altered column before and after."""
    differs = {column: ~_same(before[column], after[column]) for column in _COLUMNS}
    columns = [column for column in _COLUMNS if differs[column].any()]
    any_column = np.zeros(len(before), bool)
    for column in columns:
        any_column |= differs[column]
    altered = np.empty(int(any_column.sum()), _altered_type(columns))
    altered["id"] = before["id"][any_column]
    for column in columns:
        altered[f"{column}_before"] = before[column][any_column]
        altered[f"{column}_after"] = after[column][any_column]
    return altered


def _no_rows() -> Rows:
    return np.empty(0, ROW)


def _nothing_altered() -> NDArray[np.void]:
    return np.empty(0, _altered_type(()))


@dataclass(frozen=True, eq=False)
class Edit:
    """What one action does to the particles of one micrograph.

    Attributes
    ----------
    removed, added
        Rows that go and rows that come, of dtype `ROW`.
    altered
        What `alteration` returns.
    threshold
        The score threshold before and after, if the action is about that.
    """

    removed: Rows = field(default_factory=_no_rows)
    added: Rows = field(default_factory=_no_rows)
    altered: NDArray[np.void] = field(default_factory=_nothing_altered)
    threshold: tuple[float | None, float | None] | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that are altered."""
        names = self.altered.dtype.names or ()
        return [name.removesuffix("_after") for name in names if name.endswith("_after")]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        rows = len(self.removed) + len(self.added) + len(self.altered)
        return not rows and (self.threshold is None or self.threshold[0] == self.threshold[1])

    def reversed(self) -> Edit:
        """Return the edit that takes this one back."""
        altered = np.empty(len(self.altered), self.altered.dtype)
        altered["id"] = self.altered["id"]
        for column in self.columns:
            altered[f"{column}_before"] = self.altered[f"{column}_after"]
            altered[f"{column}_after"] = self.altered[f"{column}_before"]
        threshold = None if self.threshold is None else self.threshold[::-1]
        return Edit(self.added, self.removed, altered, threshold)

    def possible(self, rows: Rows, threshold: float | None) -> tuple[Edit, Ids]:
        """Leave out what somebody else has changed since.

        A row may go if it is in every column what it was; a column of a row may change if it
        still is what it was, whatever became of the others.

        Returns
        -------
        edit
            What can be done to ``rows`` and ``threshold`` as they are.
        ids
            The particles that stay as they are. (One to be removed that is gone is none of them.)
        """
        places, there = places_of(rows, self.removed["id"])
        as_it_was = there.copy()
        for column in _COLUMNS:
            as_it_was[there] &= _same(rows[column][places[there]], self.removed[column][there])
        skipped = [self.removed["id"][there & ~as_it_was]]
        _, taken = places_of(rows, self.added["id"])
        skipped.append(self.added["id"][taken])
        places, can = places_of(rows, self.altered["id"])
        for column in self.columns:
            before, after = (self.altered[f"{column}_{when}"][can] for when in ("before", "after"))
            still = _same(rows[column][places[can]], before)
            can[can] = _same(before, after) | still
        skipped.append(self.altered["id"][~can])
        edit = Edit(self.removed[as_it_was], self.added[~taken], self.altered[can], self.threshold)
        if self.threshold is not None and self.threshold[0] != threshold:
            edit = replace(edit, threshold=None)
        return edit, np.concatenate(skipped)

    def applied(self, rows: Rows) -> Rows:
        """Return ``rows``, in the order of their ids, after this edit."""
        kept = np.ones(len(rows), bool)
        places, there = places_of(rows, self.removed["id"])
        kept[places[there]] = False
        after = rows[kept]
        places, _ = places_of(after, self.altered["id"])
        for column in self.columns:
            old, new = (self.altered[f"{column}_{when}"] for when in ("before", "after"))
            differs = ~_same(old, new)
            after[column][places[differs]] = new[differs]
        if len(self.added):
            after = np.concatenate([after, self.added])
            after = after[np.argsort(after["id"], kind="stable")]
        return after

    def packed(self) -> tuple[Any, ...]:
        """Return the edit as `EDIT_COLUMNS` keep it, arrays little-endian and without gaps."""
        removed, added, altered = (a.tobytes() for a in (self.removed, self.added, self.altered))
        threshold = self.threshold or (None, None)
        names = " ".join(self.columns)
        return removed, added, names, altered, self.threshold is not None, *threshold

    @classmethod
    def unpacked(cls, content: tuple[Any, ...]) -> Edit:
        """Return the edit that `packed` gave.

        Raises
        ------
        DamagedRows
            No edit gives that.
        """
        removed, added, names, altered, about_threshold, *threshold = content
        try:
            edit = cls(
                np.frombuffer(removed, ROW),
                np.frombuffer(added, ROW),
                np.frombuffer(altered, _altered_type(names.split())),
                (threshold[0], threshold[1]) if about_threshold else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DamagedRows(str(error)) from error
        for rows in (edit.removed, edit.added, edit.altered):
            check(rows)
        return edit


def check(rows: NDArray[np.void]) -> None:
    """Refuse rows or alterations that would fail somewhere else, with less of a reason.

    Raises
    ------
    DamagedRows
        They hold ids, centres or labels that no particle has.
    """
    # Whole rows are in the order of their ids; alterations come as they were asked for.
    sound = rows.dtype != ROW or bool((rows["id"][1:] > rows["id"][:-1]).all())
    for name in rows.dtype.names or ():
        column = name.removesuffix("_before").removesuffix("_after")
        if column in TEXTS:
            sound &= bool((rows[name] < len(TEXTS[column])).all())
        elif column in ("y_px", "x_px"):
            sound &= bool(np.isfinite(rows[name]).all())
    if not sound:
        raise DamagedRows("impossible ids, centres or labels")
