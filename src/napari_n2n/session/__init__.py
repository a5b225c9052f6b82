"""Screening: what a person decided about micrographs and particles, and nothing of it lost.

Nothing here imports torch, napari or Qt.
"""

from napari_n2n.session.places import default_session_path
from napari_n2n.session.records import (
    REASONS,
    STATES,
    VERDICTS,
    MicrographRecord,
    Overview,
    ParticleChange,
    State,
    StoredParticles,
    Verdict,
    VerdictChange,
)
from napari_n2n.session.session import Session

__all__ = [
    "REASONS",
    "STATES",
    "VERDICTS",
    "MicrographRecord",
    "Overview",
    "ParticleChange",
    "Session",
    "State",
    "StoredParticles",
    "Verdict",
    "VerdictChange",
    "default_session_path",
]
