"""Screening: what a person decided about micrographs and particles, and nothing of it lost.

Nothing here imports torch, napari or Qt.
"""

from napari_n2n.screening.places import default_session_path
from napari_n2n.screening.records import Change, MicrographRecord, Stored
from napari_n2n.screening.session import Session

__all__ = ["Change", "MicrographRecord", "Session", "Stored", "default_session_path"]
