"""Which folders are files to people: those that Zarr keeps an array or a group in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MARKS = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
"""Zarr 3, and 2."""


def is_zarr(path: Path) -> bool:
    """Whether a path is a folder that Zarr has written; what is in it is not looked at."""
    # Which, unlike pathlib, says no to names that no disk can have.
    return any(os.path.isfile(path / mark) for mark in _MARKS)  # noqa: PTH113
