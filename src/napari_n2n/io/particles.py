"""Particles: centres with labels and scores, column by column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

from napari_n2n.errors import BadValue

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray
    from pandas import DataFrame

Label = Literal["unlabelled", "intact", "broken", "contaminant"]
LABELS: tuple[Label, ...] = get_args(Label)
"""In the order of the keys 0 to 3 that give them."""

Giver = Literal["person", "picker", "suggestion"]
GIVERS: tuple[Giver, ...] = get_args(Giver)


@dataclass(frozen=True, eq=False)
class Particles:
    """The particles of one micrograph, or of one tomogram.

    Attributes
    ----------
    centres_px
        (n, 2) y, x in pixels of the micrograph as it is stored, or (n, 3) z, y, x in voxels of the
        tomogram; the centre of the first pixel is (0, 0). Fractions are allowed.
    labels
        (n,) one of `LABELS` each; by default "unlabelled".
    scores
        (n,) how sure the picker is, larger is surer; NaN where nothing was picked. By default NaN.
    given_by
        (n,) who gave the label, or the particle where it is unlabelled: one of `GIVERS`. By
        default "picker". What a person gave is never changed by a program.

    Raises
    ------
    BadValue
        Columns of different lengths, centres that are no finite numbers, unknown labels or givers.
    """

    centres_px: NDArray[np.float64]
    labels: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "U11"))
    scores: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    given_by: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, "U10"))

    def __post_init__(self) -> None:
        centres = np.array(self.centres_px, dtype=np.float64)
        if centres.ndim != 2 or centres.shape[1] not in (2, 3):
            centres = centres.reshape(-1, 2)
        if not np.isfinite(centres).all():
            raise BadValue("A particle's centre is not a finite number. Correct or leave it out.")
        n = len(centres)
        columns: dict[str, NDArray[Any]] = {"centres_px": centres}
        defaults: dict[str, tuple[Any, Any, tuple[str, ...] | None]] = {
            "labels": ("U11", "unlabelled", LABELS),
            "given_by": ("U10", "picker", GIVERS),
            "scores": (np.float32, np.nan, None),
        }
        for name, (dtype, default, allowed) in defaults.items():
            given = np.asarray(getattr(self, name))
            column = np.full(n, default, dtype) if n and not given.size else given
            if column.shape != (n,):
                raise BadValue(f"{n} particles cannot have {column.size} {name}.")
            if allowed is not None and not np.isin(column, allowed).all():
                unknown = next(value for value in column if value not in allowed)
                raise BadValue(f"{unknown!r} is none of the {name} {', '.join(allowed)}.")
            columns[name] = np.array(column, dtype=dtype)
        for name, column in columns.items():
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    @classmethod
    def none(cls, ndim: int = 2) -> Self:
        """No particles, of a micrograph or, with ``ndim`` 3, of a tomogram."""
        return cls(np.empty((0, ndim)))

    @property
    def ndim(self) -> int:
        """2 of a micrograph, 3 of a tomogram."""
        return int(self.centres_px.shape[1])

    def __len__(self) -> int:
        return len(self.centres_px)

    def __getitem__(self, which: ArrayLike | slice) -> Self:
        """Return those that an index array, a mask or a slice chooses."""
        chosen = which if isinstance(which, slice) else np.asarray(which)
        if not isinstance(chosen, slice) and not chosen.size:
            chosen = np.empty(0, np.intp)
        return type(self)(
            self.centres_px[chosen], self.labels[chosen], self.scores[chosen], self.given_by[chosen]
        )

    def replaced(self, **columns: ArrayLike) -> Self:
        """Return the same particles with other columns."""
        now = {name: getattr(self, name) for name in ("centres_px", "labels", "scores", "given_by")}
        return type(self)(**{**now, **columns})

    def joined(self, other: Self) -> Self:
        """Return these particles followed by the others."""
        return type(self)(
            *(
                np.concatenate([getattr(self, name), getattr(other, name)])
                for name in ("centres_px", "labels", "scores", "given_by")
            )
        )

    def counts(self) -> dict[Label, int]:
        """How many there are of each label."""
        return {label: int(np.count_nonzero(self.labels == label)) for label in LABELS}

    def to_frame(self) -> DataFrame:
        """Return the same as a pandas DataFrame.

        Its columns are ``z_px`` (of tomograms), ``y_px``, ``x_px``, score, label, given_by.
        """
        import pandas as pd  # here: opening a file must not pay for it

        axes = ("z_px", "y_px", "x_px")[-self.ndim :]
        return pd.DataFrame(
            {
                **dict(zip(axes, self.centres_px.T, strict=True)),
                "score": self.scores,
                "label": self.labels,
                "given_by": self.given_by,
            }
        )
