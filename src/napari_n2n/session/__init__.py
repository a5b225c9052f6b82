"""What a person decided about micrographs and particles, and nothing of it lost.

`Session` is the file; it has four parts, ``session.micrographs``, ``session.marks``,
``session.verdicts`` and ``session.origins``.

Nothing here imports torch, napari or Qt.
"""

from napari_n2n.session.marks import ParticleMarks
from napari_n2n.session.micrographs import Micrographs
from napari_n2n.session.opening import OpenedSession, open_existing, open_session
from napari_n2n.session.origins import Origins, StarList, StarOrigin
from napari_n2n.session.paths import session_path_in
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
from napari_n2n.session.verdicts import Verdicts

__all__ = [
    "REASONS",
    "STATES",
    "VERDICTS",
    "MicrographRecord",
    "Micrographs",
    "OpenedSession",
    "Origins",
    "Overview",
    "ParticleChange",
    "ParticleMarks",
    "Session",
    "StarList",
    "StarOrigin",
    "State",
    "StoredParticles",
    "Verdict",
    "VerdictChange",
    "Verdicts",
    "open_existing",
    "open_session",
    "session_path_in",
]
