"""From what a person named to the session that keeps its verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_n2n.errors import WriteProblem
from napari_n2n.plugin.screening.jobs import SharedSession
from napari_n2n.plugin.shared.preferences import session_in_user_folder
from napari_n2n.session import Session
from napari_n2n.session.places import SESSION_NAME
from napari_n2n.workflow.screening import Inputs, default_session_folder, inputs_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.plugin.screening.form import ScreenChoice


_TO_LOOK_AT = (
    "This session may not be written here: look, select and export, but verdicts cannot be given."
)


@dataclass(frozen=True)
class ChosenFiles:
    """What a choice stands for: files, and the folder that their session belongs to."""

    inputs: Inputs
    folder: Path


def find_files(choice: ScreenChoice) -> ChosenFiles:
    """Look up the files that were chosen; a folder that is watched may still be empty.

    Raises
    ------
    UnreadableFile
        There is no such file or folder, or nothing in it.
    """
    folder = choice.folder
    if folder is not None and choice.watch:
        return ChosenFiles(Inputs(()), folder.absolute())
    inputs = inputs_of(folder or choice.files)
    if folder is not None:
        return ChosenFiles(inputs, folder.absolute())
    return ChosenFiles(inputs, default_session_folder([*inputs.paths]))


def open_session(folder: Path, *, make: bool) -> tuple[SharedSession, str] | None:
    """Open the session of a folder, with a note where one is due; None: there is none yet.

    Parameters
    ----------
    folder
        That of the files. Where it cannot be written, the session is kept in the user's data
        folder, pictures and all.
    make
        Whether to make the session where there is none.

    Raises
    ------
    FileProblem
        There is a session, and it cannot be used.
    WriteProblem
        Not even the user's data folder can be written.
    """
    path, elsewhere = folder / SESSION_NAME, session_in_user_folder(folder)
    if not make and not path.exists():
        return (SharedSession(Session.open(elsewhere)), "") if elsewhere.exists() else None
    try:
        session = Session.open(path)
        return SharedSession(session), _TO_LOOK_AT if session.read_only else ""
    except WriteProblem as problem:
        if path.exists():
            raise  # another, empty one in its place would be judged twice
        return SharedSession(Session.open(elsewhere)), str(problem)
