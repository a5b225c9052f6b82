"""Marked particles to learn from: kept, joined, and carried from one data set to the next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_n2n.errors import BadValue, CheckpointProblem
from napari_n2n.io.atomic import write_atomically
from napari_n2n.io.particles import LABELS
from napari_n2n.version import __version__

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEY = "napari_n2n_classifier"
_FORMAT = 1
_NOT_OURS = "Choose a classifier saved by napari-n2n."


@dataclass(frozen=True, eq=False)
class Examples:
    """Descriptors of particles whose label a person gave.

    Attributes
    ----------
    values
        (n, d) descriptors, as `describe` returns them.
    labels
        (n,) "intact", "broken" or "contaminant".
    kind
        What the descriptors measure; only equal kinds go together.
    diameter_angstrom
        Of the particle.

    Raises
    ------
    BadValue
        The columns do not fit each other, or a value is no finite number.
    """

    values: NDArray[np.float32]
    labels: NDArray[np.str_]
    kind: str
    diameter_angstrom: float

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float32)
        labels = np.array(self.labels, "U11")
        if values.ndim != 2 or labels.shape != (len(values),):
            raise BadValue(f"{values.shape} descriptors cannot have {labels.size} labels.")
        if not np.isfinite(values).all():
            raise BadValue("A descriptor is not a finite number. Describe the particles again.")
        if not np.isin(labels, LABELS[1:]).all():
            raise BadValue(f"Examples must be {', '.join(LABELS[1:-1])} or {LABELS[-1]}.")
        if not (np.isfinite(self.diameter_angstrom) and self.diameter_angstrom > 0):
            raise BadValue("The diameter must be positive.")
        for name, column in (("values", values), ("labels", labels)):
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.values)

    def joined(self, other: Examples) -> Examples:
        """Return these examples followed by the others.

        Raises
        ------
        BadValue
            They were described in another way.
        """
        if other.kind != self.kind or other.values.shape[1] != self.values.shape[1]:
            raise BadValue(
                f"Examples described by {self.kind!r} do not go with ones described by "
                f"{other.kind!r}. Use the model they were marked with, or mark anew."
            )
        return Examples(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.labels, other.labels]),
            self.kind,
            self.diameter_angstrom,
        )


def save_examples(path: Path | str, examples: Examples) -> None:
    """Write a classifier file: safetensors with a JSON header, whole or not at all.

    What is kept are the examples; whoever reads them learns from them again.

    Raises
    ------
    WriteProblem
        The disk is full or the folder cannot be written to.
    """
    header = {
        "format": _FORMAT,
        "kind": examples.kind,
        "diameter_angstrom": float(examples.diameter_angstrom),
        "labels": list(LABELS),
        "version": __version__,
    }
    codes = np.array([LABELS.index(label) for label in examples.labels.tolist()], np.uint8)
    tensors: dict[str, NDArray[Any]] = {
        "values": np.ascontiguousarray(examples.values),
        "labels": codes,
    }
    with write_atomically(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={_KEY: json.dumps(header)}))


def load_examples(path: Path | str) -> Examples:
    """Read a classifier file. Nothing in it is executed.

    Raises
    ------
    CheckpointProblem
        The file is missing, damaged or foreign, or its numbers make no sense.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointProblem(path, "is not a file", "Check the name of the classifier.")
    try:
        with safe_open(path, framework="np") as file:
            text = (file.metadata() or {}).get(_KEY)
            if text is None or set(file.keys()) != {"values", "labels"}:
                raise CheckpointProblem(path, "is no classifier of napari-n2n", _NOT_OURS)
            values, codes = file.get_tensor("values"), file.get_tensor("labels")
    except (SafetensorError, OSError) as problem:
        raise CheckpointProblem(
            path, f"is damaged or no classifier ({problem})", _NOT_OURS
        ) from None
    header = _header(path, text)
    if values.dtype != np.float32 or codes.dtype != np.uint8 or codes.ndim != 1:
        raise CheckpointProblem(path, "does not hold what its header says", _NOT_OURS)
    if codes.size and codes.max() >= len(header["labels"]):
        raise CheckpointProblem(path, "holds labels that its header does not name", _NOT_OURS)
    try:
        labels = np.array(header["labels"], "U11")[codes]
        return Examples(values, labels, header["kind"], header["diameter_angstrom"])
    except BadValue as problem:
        raise CheckpointProblem(path, f"makes no sense ({problem})", _NOT_OURS) from None


def _header(path: Path, text: str) -> dict[str, Any]:
    """Parse and check the JSON header."""
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if isinstance(header, dict) and isinstance(header.get("format"), int):
        if header["format"] > _FORMAT:
            raise CheckpointProblem(
                path, "was saved by a newer napari-n2n", "Update napari-n2n to use it."
            )
        diameter, labels = header.get("diameter_angstrom"), header.get("labels")
        if (
            isinstance(header.get("kind"), str)
            and isinstance(diameter, int | float)
            and isinstance(labels, list)
            and all(isinstance(label, str) for label in labels)
        ):
            return header
    raise CheckpointProblem(path, "has a header that makes no sense", _NOT_OURS)
