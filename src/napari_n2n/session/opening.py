"""Opening the session of a folder: beside the data, or where those may not be written to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.session.paths import session_path_in, session_path_of_user
from napari_n2n.session.session import Session

if TYPE_CHECKING:
    from pathlib import Path

_TO_LOOK_AT = (
    "This session may not be written here: look, select and export, but verdicts cannot be given."
)


@dataclass(frozen=True)
class OpenedSession:
    """A session, and what the user should know of where it lies; empty where that is usual."""

    session: Session
    note: str = ""


def open_session(
    folder: Path, *, make: bool = True, marks_elsewhere: bool = False
) -> OpenedSession | None:
    """Open the session of a folder; None: there is none yet, and none was to be made.

    It lies beside the data. Where it cannot be made there, it is kept in the user's data folder,
    pictures and all.

    Parameters
    ----------
    folder
        That of the files.
    make
        Whether to make the session where there is none.
    marks_elsewhere
        Where there is a session that may not be written, keep a new one in the user's data folder.
        Marks need a place; verdicts would be given twice.

    Raises
    ------
    FileProblem
        There is a session, and it cannot be used.
    WriteProblem
        Not even the user's data folder can be written.
    """
    beside, elsewhere = session_path_in(folder), session_path_of_user(folder)
    if not make and not beside.exists():
        return OpenedSession(Session.open(elsewhere)) if elsewhere.exists() else None
    try:
        session = Session.open(beside)
    except WriteProblem as problem:
        if beside.exists() and not marks_elsewhere:
            raise  # another, empty one in its place would be judged twice
        return OpenedSession(Session.open(elsewhere), str(problem))
    if not session.read_only:
        return OpenedSession(session)
    if not marks_elsewhere:
        return OpenedSession(session, _TO_LOOK_AT)
    with session:
        try:
            session.require_writable()
        except WriteProblem as problem:
            return OpenedSession(Session.open(elsewhere), str(problem))
    raise AssertionError("a session that is read-only can be written")


def open_existing(given: Path) -> Session:
    """Open a session that is there, by its file or the folder that was screened.

    Raises
    ------
    UnreadableFile
        It is not.
    """
    if given.is_dir():
        opened = open_session(given, make=False)
        if opened is not None:
            return opened.session
        given = session_path_in(given)
    if not given.is_file():
        raise UnreadableFile(
            given, "does not exist", "Screen the folder first: napari-n2n screen DIR."
        )
    return Session.open(given)
